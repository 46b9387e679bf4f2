//! `studious suggest`: ask and tell without a cluster.

use std::{
    collections::HashSet,
    io::Write as _,
    process::{Output, Stdio},
};

use serde_json::{Value, json};

use crate::bench::{Bench, STUDY, Said, said};

/// Every kind of hyperparameter.
const SPACE: &str = "
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: valley}
spec:
  goal: Where is the valley?
  objective: {metric: loss, direction: Minimize}
  hyperparameters:
  - {name: optimizer, values: [sgd, adam]}
  - {name: learning_rate, range: {min: 1.0e-4, max: 1, scale: Log}}
  - {name: beta1, when: {optimizer: [adam]}, range: {min: 0.5, max: 0.999, scale: ReverseLog}}
  - {name: layers, range: {min: 1, max: 6, integer: true}}
  - {name: batch_size, role: Fixed, value: 128}
  search: {algorithm: Bayesian, seed: 5}
  phase: Exploitation
  rounds: [{name: exploit, trials: 40, maxTrainSteps: 20}]
  evaluation: {everySteps: 10}
  trial: {template: {spec: {containers: [{name: trainer, command: [train]}]}}}
";

fn suggest(bench: &Bench, trials: &str, more: &[&str]) -> Said {
    std::fs::write(bench.file("trials.jsonl"), trials).unwrap();
    bench.call(&[&["suggest", "--study", "study.yaml", "--trials", "trials.jsonl"], more].concat())
}

fn points(said: &Said) -> Vec<Value> {
    assert_eq!(said.code, 0, "{said:?}");
    said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Small where the rate is near 0.01; rates above 0.3 diverge.
fn told(mut trial: Value) -> Value {
    let rate = trial["hyperparameters"]["learning_rate"].as_f64().unwrap();
    let fields = trial.as_object_mut().unwrap();
    fields.remove("pending");
    if rate > 0.3 {
        fields.insert("infeasible".into(), true.into());
    } else {
        fields.insert("objective".into(), ((rate.log10() + 2.0).powi(2) + 0.01).into());
    }
    trial
}

#[test]
fn ask_and_tell() {
    let bench = Bench::with(SPACE);
    let mut file = String::new();
    let mut seen = HashSet::new();
    let mut last = 0;
    for round in 0..6 {
        let said = suggest(&bench, &file, &["--count", "3"]);
        assert_eq!(suggest(&bench, &file, &["--count", "3"]), said, "the same trials give the same points");
        let points = points(&said);
        assert_eq!(points.len(), 3);
        // As a user does it: what was printed is kept, and a result is added as it comes.
        file.push_str(&said.out);
        for point in points {
            assert!(seen.insert(point["hyperparameters"].to_string()), "{point} is proposed twice");
            assert_eq!((&point["pending"], &point["round"]), (&json!(true), &json!("exploit")));
            let told = told(point);
            last += usize::from(round >= 4 && told["objective"].as_f64().is_some_and(|loss| loss < 0.5));
            file.push_str(&told.to_string());
            file.push('\n');
        }
    }
    assert!(last >= 4, "of the last 6 points {last} are near the valley");
}

#[test]
fn everything_that_is_wrong_with_trials_is_said_with_its_line() {
    let bench = Bench::with(SPACE);
    let good = r#"{"hyperparameters":{"optimizer":"sgd","learning_rate":0.1,"layers":2},"objective":0.5}"#;
    let wrong = [
        good,
        r#"{"hyperparameters":{"optimizer":"sgd","learning_rate":0.1,"layers":2},"objective":0.5"#,
        "",
        r#"{"hyperparameters":{"optimizer":"sgd","learning_rate":0.1,"layers":2},"objective":0.3,"step":NaN}"#,
        "[1, 2]",
        r#"{"objective":0.5}"#,
        r#"{"hyperparameters":[1],"objective":0.5}"#,
        r#"{"hyperparameters":{"optimizer":"sgd","learning_rte":0.1,"layers":2},"objective":0.5}"#,
        r#"{"hyperparameters":{"optimizer":"sgd","learning_rate":20,"layers":2.5},"objective":0.5}"#,
        r#"{"hyperparameters":{"optimizer":"adan","learning_rate":0.1,"layers":2},"objective":0.5}"#,
        r#"{"hyperparameters":{"optimizer":"sgd","learning_rate":0.1,"beta1":0.9,"layers":2},"objective":0.5}"#,
        r#"{"hyperparameters":{"optimizer":"adam","learning_rate":0.1,"layers":2},"objective":0.5}"#,
        r#"{"hyperparameters":{"optimizer":"sgd","learning_rate":0.1,"layers":2,"batch_size":64},"objective":0.5}"#,
        r#"{"hyperparameters":{"optimizer":"sgd","learning_rate":"high","layers":2},"objective":"low"}"#,
        r#"{"hyperparameters":{"optimizer":"sgd","learning_rate":0.1,"layers":2},"objective":0.5,"infeasible":true}"#,
        r#"{"hyperparameters":{"optimizer":"sgd","learning_rate":0.1,"layers":2},"objective":0.5,"pending":true}"#,
        r#"{"hyperparameters":{"optimizer":"sgd","learning_rate":0.1,"layers":2},"infeasible":"yes"}"#,
        r#"{"hyperparameters":{"optimizer":"sgd","learning_rate":0.1,"layers":2},"objectiv":0.5}"#,
        r#"{"round":"explore","hyperparameters":{"optimizer":"sgd","learning_rate":0.1,"layers":2},"objective":0.5}"#,
    ];
    let said = suggest(&bench, &wrong.join("\n"), &[]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    insta::assert_snapshot!(said.err);
    // More than anybody reads are counted.
    let said = suggest(&bench, &"{}\n".repeat(100), &[]);
    assert!(said.err.ends_with("trials.jsonl: 100 errors, of which 80 are not shown\n"), "{}", said.err);
}

#[test]
fn what_is_asked_wrongly_is_said_so() {
    let bench = Bench::with(SPACE);
    let mut err = String::new();
    for arguments in [&["--round", "explore"][..], &["--count", "0"], &["--study", "-", "--trials", "-"]] {
        let said = match arguments {
            ["--study", ..] => bench.call(&[&["suggest"], arguments].concat()),
            _ => suggest(&bench, "", arguments),
        };
        assert_eq!(said.code, 2, "{said:?}");
        err.push_str(said.err.lines().find(|line| line.starts_with("error")).unwrap_or_default());
        err.push('\n');
    }
    std::fs::write(bench.file("study.yaml"), SPACE.replace("seed: 5", "startFrom: [{study: before}]")).unwrap();
    let said = suggest(&bench, "", &[]);
    assert_eq!(said.code, 2, "{said:?}");
    err.push_str(&said.err);
    assert_eq!(bench.call(&["suggest", "--study", "study.yaml", "--trials", "nowhere.jsonl"]).code, 1);
    insta::assert_snapshot!(err);
}

#[test]
fn a_space_that_ends_says_so() {
    let bench = Bench::with(
        &SPACE
            .replace("range: {min: 1.0e-4, max: 1, scale: Log}", "values: [0.001, 0.01, 0.1]")
            .replace("range: {min: 0.5, max: 0.999, scale: ReverseLog}", "values: [0.9]")
            .replace("min: 1, max: 6", "min: 1, max: 2"),
    );
    let all = suggest(&bench, "", &["--count", "20"]);
    assert_eq!(points(&all).len(), 12);
    assert_eq!(all.err.lines().last(), Some(EXHAUSTED), "{}", all.err);
    let ended: Vec<String> = points(&all).into_iter().map(|point| told(point).to_string()).collect();
    let ended = ended.join("\n");
    let none = suggest(&bench, &ended, &["--count", "2"]);
    assert_eq!((none.code, none.out.as_str()), (0, ""));
    assert!(none.err.contains("no point is left: every other point"), "{}", none.err);
}

const EXHAUSTED: &str =
    "only 12 of 20 points are left: every other point of the space has been tried, and none is tried twice";

#[test]
fn what_export_writes_is_read_and_points_are_those_that_sample_prints_next() {
    let bench = Bench::with(STUDY);
    assert_eq!(bench.call(&["run", "study.yaml", "--quiet"]).code, 0);
    let exported = bench.call(&["export", "studious-runs/valley"]).out;
    // Points by index: those after the ones that ran.
    let more = STUDY.replace("trials: 8", "trials: 12");
    std::fs::write(bench.file("study.yaml"), &more).unwrap();
    let sampled = bench.call(&["sample", "--study", "study.yaml"]).out;
    let sampled: Vec<Value> = sampled.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let suggested = points(&suggest(&bench, &exported, &["--count", "4"]));
    let hyperparameters = |trials: &[Value]| trials.iter().map(|t| t["hyperparameters"].clone()).collect::<Vec<_>>();
    assert_eq!(hyperparameters(&suggested), hyperparameters(&sampled[8..12]));

    // Through a pipe, and by results.
    std::fs::write(
        bench.file("study.yaml"),
        more.replace("  parallelism", "  search: {algorithm: Bayesian}\n  parallelism"),
    )
    .unwrap();
    let mut child = bench
        .command()
        .args(["suggest", "--study", "study.yaml", "--trials", "-", "--count", "2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(exported.as_bytes()).unwrap();
    let output: Output = child.wait_with_output().unwrap();
    let suggested = points(&said(&output));
    assert_eq!(suggested.len(), 2);
    assert_ne!(suggested[0]["hyperparameters"]["optimizer"], suggested[1]["hyperparameters"]["optimizer"]);
}

#[test]
fn a_bayesian_study_samples_its_first_points_and_runs_to_its_end() {
    let study = STUDY
        .replace("  - {name: confirm, maxTrainSteps: 40, from: {round: explore, best: 1, per: Scientific}}\n", "")
        .replace("trials: 8", "trials: 12")
        .replace("  parallelism: 4", "  search: {algorithm: Bayesian}\n  phase: Exploitation\n  parallelism: 2");
    let bench = Bench::with(&study);
    let sampled = bench.call(&["sample", "--study", "study.yaml"]);
    assert_eq!((sampled.code, sampled.out.lines().count()), (0, 4));
    assert!(sampled.err.contains("8 of 12 points depend on results"), "{}", sampled.err);
    let plan = bench.call(&["plan", "study.yaml"]);
    assert!(plan.out.contains("Bayesian, from trial 5 on by results"), "{}", plan.out);
    let run = bench.call(&["run", "study.yaml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let exported = bench.call(&["export", "studious-runs/valley"]).out;
    for (line, planned) in exported.lines().zip(sampled.out.lines()) {
        let (ran, planned): (Value, Value) =
            (serde_json::from_str(line).unwrap(), serde_json::from_str(planned).unwrap());
        assert_eq!((&ran["name"], &ran["hyperparameters"]), (&planned["name"], &planned["hyperparameters"]));
    }
    assert_eq!(exported.lines().count(), 12);
}
