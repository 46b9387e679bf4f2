//! The main job: the same study.yaml here and on the cluster.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

use crate::cluster::{Namespace, output, repository, studious};

/// The folders of `kubectl apply -k examples/digits` and `examples/digits-claim`, with another study.yaml in the former.
fn folders(change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["digits/kustomization.yaml", "digits-claim/kustomization.yaml", "digits-claim/checkpoints.yaml"] {
        let text = std::fs::read_to_string(repository().join("examples").join(name)).expect("the example");
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        let image = crate::cluster::trainer_image();
        std::fs::write(path, text.replace("localhost/studious-trainer:dev", &image)).expect("the example");
    }
    let study = std::fs::read_to_string(repository().join("examples/digits/study.yaml")).expect("the example");
    std::fs::write(folder.path().join("digits/study.yaml"), change(&study)).expect("the study");
    folder
}

/// The digits study with fewer trials, for this test.
fn fewer_trials(text: &str) -> String {
    let smaller = text.replace("trials: 72, maxTrainSteps: 150", "trials: 12, maxTrainSteps: 150");
    let smaller = smaller.replace("trials: 9, maxTrainSteps: 600", "trials: 3, maxTrainSteps: 300");
    let smaller = smaller.replace("best: 3, per", "best: 1, per");
    assert_ne!(text, smaller, "the example has changed: adapt this test");
    smaller
}

fn with_claim(study: &str) -> String {
    let image = crate::cluster::trainer_image();
    let changed = study
        .replace(
            "checkpoint: {everySteps: 25, keepBest: 1}",
            "checkpoint: {everySteps: 25, keepBest: 1, volume: {persistentVolumeClaim: {claimName: checkpoints}}}",
        )
        .replace("image: localhost/studious-trainer:dev", &format!("image: {image}"));
    assert_ne!(study, changed);
    changed
}

fn points(jsonl: &str) -> BTreeMap<String, Value> {
    jsonl
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"))
        .map(|trial| (trial["name"].as_str().unwrap_or_default().to_owned(), trial["hyperparameters"].clone()))
        .collect()
}

#[test]
fn digits_train_on_the_cluster_and_the_report_is_the_same() {
    let namespace = Namespace::new("digits");
    let folder = folders(fewer_trials);

    // What would run here, before it runs anywhere.
    let planned =
        output(studious().args(["sample", "--count", "12", "--study"]).arg(folder.path().join("digits/study.yaml")));
    // As documented, with a claim of the cluster's default storage class.
    output(namespace.kubectl(&["apply", "-k"]).arg(folder.path().join("digits-claim")));
    let study = namespace.wait_for_study("digits-momentum", 600);
    assert_eq!(study["status"]["phase"], "Completed", "{study}");
    assert_eq!(study["status"]["done"], "15/15");
    assert_eq!(study["status"]["trials"]["failed"], 0);
    assert!(study["status"]["trials"]["infeasible"].as_u64() >= Some(1), "rates of up to 3 diverge: {study}");

    // The table tells the story.
    let table = output(&mut namespace.kubectl(&["get", "studies,trials"]));
    for column in ["PHASE", "ROUND", "DONE", "INFEASIBLE", "BEST", "AGE", "OBJECTIVE", "STEP", "ATTEMPT"] {
        assert!(table.contains(column), "no column {column}:\n{table}");
    }
    println!("{table}");

    // The same points under the same names.
    let exported =
        output(studious().args(["export", "study/digits-momentum", "-n", &namespace.name, "--format", "jsonl"]));
    let (planned, ran) = (points(&planned), points(&exported));
    assert_eq!(ran.len(), 15);
    for (name, point) in &planned {
        assert_eq!(ran.get(name), Some(point), "{name}");
    }

    // Curves came through the operator.
    let trial: Value = serde_json::from_str(exported.lines().next().expect("a trial")).expect("JSON");
    let curve = trial["curves"]["validation_error"].as_array().map_or(0, Vec::len);
    assert!(curve >= 6 || trial["infeasible"] == true, "evaluated at 25, 50 … 150: {trial}");

    // As a kubectl plugin.
    let report = folder.path().join("report.html");
    let mut plugin = Command::new(repository().join("target/release/kubectl-study"));
    output(plugin.args(["report", "digits-momentum", "-n", &namespace.name, "--out"]).arg(&report));
    let html = std::fs::read_to_string(&report).expect("the report");
    assert!(html.contains("digits-momentum-confirm-0000") && html.contains("vega"), "{}", html.len());
}

/// F-100: the first command of the documentation, which needs nothing that a cluster may lack.
#[test]
fn the_example_needs_no_volume() {
    let namespace = Namespace::new("example");
    let three_trials = |text: &str| {
        let rounds = text.find("  rounds:").zip(text.find("  parallelism:")).expect("the example has rounds");
        format!(
            "{}  rounds: [{{name: explore, trials: 3, maxTrainSteps: 50}}]\n{}",
            &text[..rounds.0],
            &text[rounds.1..]
        )
    };
    let folder = folders(three_trials);
    output(namespace.kubectl(&["apply", "-k"]).arg(folder.path().join("digits")));
    let study = namespace.wait_for_study("digits-momentum", 180);
    assert_eq!(study["status"]["phase"], "Completed", "{study}");
    assert_eq!(study["status"]["done"], "3/3");
    assert!(namespace.list("persistentvolumeclaims").is_empty());
}

#[test]
fn two_hosts_train_together() {
    let namespace = Namespace::new("two-hosts");
    namespace.checkpoint_claim();
    let path = repository().join("examples/digits/two-hosts/study.yaml");
    let yaml = std::fs::read_to_string(path).expect("the example").replace("trials: 10,", "trials: 2,");
    namespace.apply(&with_claim(&yaml));
    let study = namespace.wait_for_study("digits-two-hosts", 300);
    assert_eq!(study["status"]["phase"], "Completed", "{study}");
    assert_eq!(study["status"]["trials"]["succeeded"], 2, "{study}");
    for trial in namespace.list("trials") {
        let seeds = trial["spec"]["seeds"]["data"].as_array().expect("data seeds").clone();
        assert!(seeds.len() == 2 && seeds[0] != seeds[1], "{trial}");
        assert!(trial["status"]["parametersSha256"].is_string(), "one fingerprint for both hosts: {trial}");
    }
}
