//! One table of scenarios, run by both backends: `scenarios.yaml`.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    cluster::{NAMESPACE, TestCluster, file, studious},
    kubelet::Kubelet,
    local,
    outcome::StudyResult,
};

/// Rows that run at once: most of the time they wait.
const AT_ONCE: usize = 4;

/// A scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    /// What differs from the base study's `spec`.
    #[serde(default)]
    spec: Value,
    /// A shell script: what each trainer does.
    trainer: String,
    /// Whether the running attempt is lost once a trainer has made the file `lose`: its pod to a disruption, or
    /// `studious run` to SIGKILL.
    #[serde(default)]
    lose: bool,
    /// For how many seconds the operator is away once a trainer has made the file `away`.
    #[serde(default)]
    away: Option<u64>,
    /// What both backends must come to.
    expect: StudyResult,
    /// What a backend comes to today where that is wrong, by the number of the fault.
    #[serde(default)]
    today: BTreeMap<String, Today>,
}

/// How each backend differs from what is right.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Today {
    local: StudyResult,
    cluster: StudyResult,
    /// How the reports of both differ from what the backend says itself.
    report: StudyResult,
}

/// The base study, whose `spec` rows change.
fn base() -> Value {
    json!({
        "apiVersion": "studious.dev/v1alpha1", "kind": "Study", "metadata": {"name": "s"},
        "spec": {
            "goal": "Which x?",
            "objective": {"metric": "err", "direction": "Minimize", "select": "Best"},
            "hyperparameters": [{"name": "x", "values": [1, 2]}],
            "search": {"algorithm": "Manual"},
            "rounds": [{"name": "a", "trials": 2, "maxTrainSteps": 100}],
            "failure": {"attempts": 1, "maxFailedTrials": 100},
            "evaluation": {"everySteps": 10},
            "parallelism": 4,
            "trial": {"template": {"spec": {"containers": [{"name": "trainer", "image": "trainer"}]}}},
        },
    })
}

impl Scenario {
    fn study(&self) -> Value {
        let mut study = base();
        if let Some(changes) = self.spec.as_object() {
            for (field, value) in changes {
                study["spec"][field] = value.clone();
            }
        }
        if study["spec"]["search"]["algorithm"] == "Manual" {
            let values = study["spec"]["hyperparameters"][0]["values"].as_array().unwrap();
            study["spec"]["search"]["points"] = values.iter().map(|x| json!({ "x": x })).collect();
        }
        // `w` writes a line; a pod would expand `$(` and `$$`, and these scripts have neither.
        let script = format!("w() {{ echo \"$1\" >> \"$STUDIOUS_TRIAL_DIR/metrics.jsonl\"; }}\n{}", self.trainer);
        assert!(!script.contains("$$") && !script.contains("$("), "{}: write no $$ and no $(", self.name);
        let container = &mut study["spec"]["trial"]["template"]["spec"]["containers"][0];
        container["command"] = json!(["sh", "-c", script]);
        study
    }
}

/// Runs a scenario on both backends. What is wrong, a line each.
async fn run(scenario: Scenario) -> Vec<String> {
    let study = scenario.study();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    std::fs::write(folders[0].path().join("study.yaml"), serde_yaml::to_string(&study).unwrap()).unwrap();
    let on_cluster = async {
        let mut cluster = TestCluster::start().await;
        let mut kubelet = Kubelet::start(&cluster, folders[1].path());
        if scenario.lose {
            kubelet.lose_pods(&cluster, folders[1].path());
        }
        let mut study = study.clone();
        study["metadata"]["namespace"] = NAMESPACE.into();
        cluster.apply(&study);
        if let Some(seconds) = scenario.away {
            file(&folders[1].path().join("away")).await;
            cluster.kill_operator().await;
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            cluster.start_operator().await;
        }
        let outcome = cluster.outcome("s").await;
        let mut command = studious(folders[1].path());
        command.args(["report", "study/s", "--namespace", NAMESPACE]).env("KUBECONFIG", cluster.path("kubeconfig"));
        (outcome, local::report(command).await.unwrap())
    };
    let (on_laptop, on_cluster) = tokio::join!(local::run(folders[0].path(), "s", scenario.lose), on_cluster);
    let mut wrong = Vec::new();
    for (backend, (said, reported)) in [("local", on_laptop), ("cluster", on_cluster)] {
        let of = |today: &Today| if backend == "local" { today.local.clone() } else { today.cluster.clone() };
        let expected =
            scenario.today.values().fold(scenario.expect.clone(), |expected, today| expected.with(&of(today)));
        let mut in_report = scenario.today.values().fold(expected.clone(), |all, today| all.with(&today.report));
        if backend == "cluster" {
            // Attempts are the operator's to tell, which this command does not reach.
            in_report.trials.values_mut().for_each(|line| *line = without_attempts(line));
        }
        for (by, found) in [("", expected.differences(&said)), (" report", in_report.differences(&reported))] {
            wrong.extend(found.into_iter().map(|line| format!("{} ({backend}{by}): {line}", scenario.name)));
        }
    }
    wrong
}

/// `Succeeded 0.1 @100` of `Succeeded 0.1 @100 Failed,Finished`.
fn without_attempts(line: &str) -> String {
    line.rsplit_once(' ').map_or(line, |(before, _)| before).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_backends_come_to_the_same() {
    let rows: Vec<Scenario> = serde_yaml::from_str(include_str!("scenarios.yaml")).unwrap();
    // STUDIOUS_SCENARIO=words runs the rows whose names hold them.
    let wanted = std::env::var("STUDIOUS_SCENARIO").unwrap_or_default();
    let rows: Vec<Scenario> = rows.into_iter().filter(|row| row.name.contains(&wanted)).collect();
    assert!(!rows.is_empty(), "no scenario's name holds {wanted:?}");
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for row in rows {
        let turns = turns.clone();
        running.spawn(async move {
            let _turn = turns.acquire_owned().await.unwrap();
            run(row).await
        });
    }
    let mut wrong = String::new();
    while let Some(found) = running.join_next().await {
        match found {
            Ok(found) => found.iter().for_each(|line| writeln!(wrong, "{line}").unwrap()),
            Err(panic) => writeln!(wrong, "{panic}").unwrap(),
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
