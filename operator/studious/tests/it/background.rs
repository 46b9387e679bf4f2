//! Runs that nobody watches: in the background, and after their terminal has gone (F-078, F-119).

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::{
    bench::{Bench, STUDY, said, until},
    schema::document,
};

/// Trainers wait for the file `go`.
fn waiting() -> String {
    STUDY.replace(
        "\n            m=$STUDIOUS_TRIAL_DIR/metrics.jsonl",
        "\n            echo x >> tried; until [ -f go ]; do sleep 0.05; done\n            m=$STUDIOUS_TRIAL_DIR/metrics.jsonl",
    )
}

const FOLDER: &str = "studious-runs/valley";

fn json(bench: &Bench, arguments: &[&str]) -> (i32, Value) {
    let said = bench.call(&[arguments, &["--format", "json"]].concat());
    (said.code, document(&said.out))
}

fn tried(bench: &Bench) -> usize {
    crate::bench::lines(&bench.file("tried")).len()
}

#[test]
fn a_run_in_the_background_is_looked_at_stopped_resumed_and_waited_for() {
    let bench = Bench::with(&waiting());
    let (code, started) = json(&bench, &["run", "study.yaml", "--detach"]);
    assert_eq!((code, &started["kind"], &started["folder"]), (0, &json!("RunStarted"), &json!(FOLDER)));
    until(|| tried(&bench) == 4);

    let (_, top) = json(&bench, &["top", FOLDER]);
    assert_eq!((&top["phase"], &top["running"], &top["counts"]["running"]), (&json!("Running"), &json!(4), &json!(4)));
    let text = bench.call(&["top", FOLDER]).out;
    assert!(text.contains("Running: 0 of 10 trials have ended, 4 running"), "{text}");
    let (code, waited) = json(&bench, &["wait", FOLDER, "--timeout", "0"]);
    assert_eq!((code, &waited["phase"]), (124, &json!("Running")));
    let second = bench.call(&["run", "study.yaml", "--detach"]);
    assert!(second.code == 2 && second.err.contains("another run is using"), "{second:?}");

    let (code, stopped) = json(&bench, &["stop", FOLDER]);
    assert_eq!((code, &stopped["phase"], &stopped["running"]), (0, &json!("Interrupted"), &json!(0)), "{stopped}");
    let text = bench.call(&["top", FOLDER]).out;
    assert!(text.contains("Interrupted: 0 of 10 trials have ended; run it again to resume"), "{text}");
    assert!(text.contains("to be retried") && !text.contains("running"), "{text}");
    let (code, waited) = json(&bench, &["wait", FOLDER]);
    assert_eq!((code, &waited["phase"]), (130, &json!("Interrupted")));

    std::fs::write(bench.file("go"), "").unwrap();
    assert_eq!(bench.call(&["run", "study.yaml", "--detach"]).code, 0);
    let (code, waited) = json(&bench, &["wait", FOLDER, "--timeout", "60"]);
    assert_eq!((code, &waited["phase"]), (0, &json!("Completed")));
    assert!(waited["verdict"]["kind"].is_string(), "{waited}");
    let log = std::fs::read_to_string(bench.file("studious-runs/valley/run.log")).unwrap();
    assert!(log.contains("Report: studious-runs/valley/report.html"), "{log}");
}

#[test]
fn a_study_that_is_refused_is_refused_in_the_foreground() {
    let bench = Bench::with(&STUDY.replace("- sh\n", "- no-such-program\n"));
    let said = bench.call(&["run", "study.yaml", "--detach"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("containers[0].command"), "{}", said.err);
    assert_eq!(bench.call(&["wait", "nowhere"]).code, 1);
    assert_eq!(bench.call(&["stop", "nowhere"]).code, 1);
}

/// What the kernel sends when a connection breaks.
#[test]
fn a_terminal_that_closes_does_not_end_a_run() {
    let bench = Bench::with(&waiting());
    let child =
        bench.command().args(["run", "study.yaml"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(|| tried(&bench) == 4);
    let hung_up = Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap();
    assert!(hung_up.success());
    std::fs::write(bench.file("go"), "").unwrap();
    let done = said(&child.wait_with_output().unwrap());
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!done.err.contains("Stopping"), "{}", done.err);
}
