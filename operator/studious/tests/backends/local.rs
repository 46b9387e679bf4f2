//! The same studies by `studious run`.

use std::{path::Path, process::Stdio};

use serde_json::Value;
use tokio::process::Command;

use crate::{
    cluster::{LIMIT, file, studious},
    outcome::{StudyResult, words},
};

/// Runs the study in `study.yaml` of a folder and returns what it came to, as the command says and as its report does. With
/// `lose`, the first run is killed once there is a file `lose`.
pub(crate) async fn run(folder: &Path, study: &str, lose: bool) -> (StudyResult, StudyResult) {
    if lose {
        let mut first = studious(folder);
        first.args(["run", "study.yaml", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let mut first = first.spawn().unwrap();
        file(&folder.join("lose")).await;
        first.kill().await.unwrap();
    }
    let run = studious(folder).args(["run", "study.yaml", "--quiet"]).kill_on_drop(true).output();
    let ran = tokio::time::timeout(LIMIT, run).await.expect("the run ends").unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let mut command = studious(folder);
    command.args(["report", &format!("studious-runs/{study}")]);
    let reported = report(command).await.unwrap_or_else(|error| {
        panic!("{study}: no report ({error}):\n{said}{}", String::from_utf8_lossy(&ran.stderr));
    });
    (StudyResult { best: best(&said), ..reported.clone() }, reported)
}

/// What a report says that this command writes.
pub(crate) async fn report(mut command: Command) -> Result<StudyResult, String> {
    let written = command.args(["--format", "json", "--out", "-"]).kill_on_drop(true).output().await.unwrap();
    let report: Value = serde_json::from_slice(&written.stdout)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&written.stderr)))?;
    let status = report["status"].as_str().unwrap();
    let (phase, end) = status.split_once(": ").unwrap_or(("not ended", status));
    let best = &report["best"];
    Ok(StudyResult {
        study: phase.to_owned(),
        end: end.to_owned(),
        best: best["name"].as_str().map_or_else(|| "none".to_owned(), |name| format!("{name} {}", best["objective"])),
        trials: report["trials"].as_array().unwrap().iter().map(trial).collect(),
    })
}

/// `Best: s-a-0001, err 0.1 at step 100 of 100`.
fn best(said: &str) -> String {
    let line = said.lines().find_map(|line| line.strip_prefix("Best: ")).filter(|line| !line.starts_with("none"));
    let parts = line.and_then(|line| line.split_once(", "));
    let value = |rest: &str| rest.split(' ').nth(1).unwrap_or_default().trim_end_matches(',').to_owned();
    parts.map_or_else(|| "none".to_owned(), |(name, rest)| format!("{name} {}", value(rest)))
}

fn trial(record: &Value) -> (String, String) {
    let is = |key: &str| record[key] == true;
    let phase = match (record["objective"].is_number(), is("infeasible"), is("failed"), is("stopped")) {
        (true, ..) => "Succeeded",
        (_, true, ..) => "Infeasible",
        (_, _, true, _) => "Failed",
        (.., true) => "Stopped",
        _ => "Pending",
    };
    let objective = record["objective"].as_f64().map(|objective| (objective, record["step"].as_u64()));
    let attempts = record["attempts"].as_array().map_or(&[][..], Vec::as_slice);
    (record["name"].as_str().unwrap().to_owned(), words(phase, record["reason"].as_str(), objective, attempts))
}
