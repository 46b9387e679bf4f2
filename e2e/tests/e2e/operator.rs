//! The operator itself: restarts, what it writes, how fast it is, what it refuses.

use std::{collections::BTreeMap, time::Instant};

use serde_json::Value;

use crate::{
    cluster::{Namespace, kubectl, operator_namespace, output, repository, studious, wait_for},
    trainers::slow_study,
};

#[test]
fn a_restarted_operator_repeats_nothing_and_loses_nothing() {
    let namespace = Namespace::new("restart");
    namespace.checkpoint_claim();
    namespace.apply(&slow_study("restart", 6, 60));
    wait_for("a trial has ended", 120, || {
        namespace.list("trials").iter().any(|t| t["status"]["phase"] == "Succeeded").then_some(())
    });
    let operator = operator_namespace();
    let select = "--selector=app.kubernetes.io/name=studious";
    output(&mut kubectl(&["-n", &operator, "delete", "pods", select, "--grace-period=0", "--force"]));
    let study = namespace.wait_for_study("restart", 240);
    assert_eq!(study["status"]["phase"], "Completed", "{study}");
    let trials = namespace.list("trials");
    assert_eq!(trials.len(), 6);
    for trial in &trials {
        assert_eq!(trial["status"]["attempt"], 1, "no trial was repeated: {}", trial["status"]);
    }
    let exported = output(studious().args(["export", "study/restart", "-n", &namespace.name, "--format", "jsonl"]));
    for line in exported.lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let steps: Vec<u64> = record["curves"]["validation_error"]
            .as_array()
            .unwrap_or_else(|| panic!("no curve: {record}"))
            .iter()
            .filter_map(|point| point[0].as_u64())
            .collect();
        assert_eq!(steps, [10, 20, 30, 40, 50, 60], "each measurement once: {record}");
    }
}

/// The goal is at most 4 writes of the operator for a one-host trial, and a Job within a second of `kubectl apply`.
/// Seconds are printed, not asserted; writes are counted from the API server's audit log.
#[test]
fn writes_per_trial_are_few_and_the_first_job_is_soon_there() {
    let namespace = Namespace::new("writes");
    namespace.checkpoint_claim();
    let trials = 12;
    // Any other user's writes are left out below; the study's own take 4 s each, two at a time.
    let start = Instant::now();
    namespace.apply(&slow_study("writes", trials, 40));
    wait_for("the first Job", 30, || (!namespace.list("jobs").is_empty()).then_some(()));
    println!("first Job {:.2} s after kubectl apply began", start.elapsed().as_secs_f64());
    let study = namespace.wait_for_study("writes", 240);
    assert_eq!(study["status"]["trials"]["succeeded"], trials, "{study}");

    let Ok(log) = std::env::var("STUDIOUS_E2E_AUDIT_LOG") else {
        println!("no audit log at hand: writes were not counted");
        return;
    };
    let user = format!("system:serviceaccount:{}:studious", operator_namespace());
    let mut writes: BTreeMap<String, u32> = BTreeMap::new();
    let (mut applied, mut job) = (None, None);
    for line in std::fs::read_to_string(log).expect("the audit log").lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        let object = &event["objectRef"];
        let at = event["requestReceivedTimestamp"].as_str().unwrap_or_default().to_owned();
        if object["namespace"] != namespace.name.as_str() || event["stage"] != "ResponseComplete" {
            continue;
        }
        let resource = object["resource"].as_str().unwrap_or_default();
        if resource == "studies" && event["verb"] == "create" {
            applied = Some(at.clone());
        }
        if event["user"]["username"] != user.as_str() {
            continue;
        }
        if resource == "jobs" && job.is_none() {
            job = Some(at);
        }
        let sub = object["subresource"].as_str().map_or_else(String::new, |s| format!("/{s}"));
        *writes.entry(format!("{} {resource}{sub}", event["verb"].as_str().unwrap_or_default())).or_default() += 1;
    }
    let total: u32 = writes.values().sum();
    let per_trial = f64::from(total) / f64::from(trials);
    println!("the study was created at {applied:?}, its first Job at {job:?}");
    println!("{per_trial:.2} writes per trial: {writes:?}");
    assert!(per_trial <= 4.0, "{per_trial:.2} writes per trial, more than 4: {writes:?}");
}

#[test]
fn what_cel_cannot_say_the_webhook_does() {
    let namespace = Namespace::new("refused");
    let good = std::fs::read_to_string(repository().join("examples/digits/study.yaml")).expect("the example");
    let change = |from: &str, to: &str| {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "the example has changed: adapt this test");
        changed
    };
    for (study, field, word) in [
        (
            change("when: {optimizer: [momentum, nesterov]}", "when: {optimizer: [adam]}"),
            "spec.hyperparameters[2].when",
            "adam",
        ),
        // No schema of the API server says "a list or an interval".
        (
            change("when: {optimizer: [momentum, nesterov]}", "when: {optimizer: momentum}"),
            "spec.hyperparameters[2].when.optimizer",
            "must be a list of values, or an interval",
        ),
        (
            change("when: {optimizer: [momentum, nesterov]}", "when: {width: {mim: 32}}"),
            "spec.hyperparameters[2].when.width.mim",
            "min",
        ),
        (
            change("algorithm: QuasiRandom", "algorithm: Manual, points: [{optimizer: sgd, width: 64}]"),
            "spec.search.points[0].learning_rate",
            "missing",
        ),
        (
            change("          image:", "          env: [{name: STUDIOUS_TRIAL_DIR, value: /x}]\n          image:"),
            "env",
            "STUDIOUS_TRIAL_DIR",
        ),
        (change("trials: 9,", "trials: 5,"), "spec.rounds[1].trials", "9"),
        (change("direction: Minimize", "direction: Smaller"), "spec.objective.direction", "Minimize"),
        (change("parallelism: 2", "paralellism: 2"), "paralellism", "unknown field"),
        (
            change(
                "  - {name: batch_size",
                "  - {name: a, when: {b: [1]}, values: [1, 2]}\n  - {name: b, when: {a: [1]}, values: [1, 2]}\n  - {name: batch_size",
            ),
            "spec.hyperparameters",
            "cycle",
        ),
    ] {
        let message = namespace.refused(&study);
        assert!(message.contains(field) && message.contains(word), "{field}, {word}:\n{message}");
    }
    assert!(namespace.list("studies").is_empty());
}
