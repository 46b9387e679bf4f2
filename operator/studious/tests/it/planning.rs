//! What `studious plan` says of studies, good and bad: kept as it is printed, to be read by eye.

use serde_json::{Value, json};

use crate::bench::{Bench, STUDY};

/// What a plan of a study in `tests/data/plans` prints.
fn plan(name: &str, more: &[&str]) -> String {
    let path = format!("{}/tests/data/plans/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let bench = Bench::with(&std::fs::read_to_string(path).unwrap());
    let said = bench.call(&[&["plan", "study.yaml"], more].concat());
    assert_eq!(said.code, 0, "{name}: {said:?}");
    said.out
}

#[test]
fn studies_are_explained_before_they_cost_anything() {
    let folder = format!("{}/tests/data/plans", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 18, "{names:?}");
    for name in names {
        let said = plan(&name, &[]);
        for line in said.lines() {
            assert!(line.chars().count() <= 110, "{name}: {line}");
        }
        insta::assert_snapshot!(format!("plan-{name}"), said);
    }
}

#[test]
fn hours_are_those_of_given_or_measured_steps() {
    let said = plan("accelerators", &["--step-seconds", "0.2-0.3"]);
    insta::assert_snapshot!(said);
    let bench = Bench::with(STUDY);
    assert!(bench.call(&["plan", "study.yaml"]).out.contains("no step time was measured"));
    assert_eq!(bench.call(&["run", "study.yaml", "--quiet"]).code, 0);
    let own = bench.call(&["plan", "study.yaml"]).out;
    assert!(own.contains("measured on ") && own.contains("host-hours"), "{own}");
    let other = bench.call(&["plan", "study.yaml", "--runs", "elsewhere", "--measured", "studious-runs/valley"]).out;
    assert!(other.contains("measured on "), "{other}");
    let wrong = bench.call(&["plan", "study.yaml", "--measured", "nowhere"]);
    assert!(wrong.code != 0 && wrong.err.contains("nowhere"), "{wrong:?}");
    assert_eq!(bench.call(&["plan", "study.yaml", "--step-seconds", "0"]).code, 2);
}

#[test]
fn points_are_printed_and_are_data() {
    let said = plan("listed", &["--points"]);
    insta::assert_snapshot!(said.split("\n\n").last().unwrap());
    let document: Value = serde_json::from_str(&plan("listed", &["--format", "json"])).unwrap();
    assert_eq!(
        document["points"][1],
        json!({"trial": "listed-paper-0001", "round": "paper", "hyperparameters": {"learning_rate": 0.01, "dropout": 0.1}})
    );
}

#[test]
fn a_design_is_data() {
    let document: Value =
        serde_json::from_str(&plan("two-arms", &["--format", "json", "--step-seconds", "0.1"])).unwrap();
    let design = &document["design"];
    assert_eq!(design["question"]["kind"], "UnderstandHyperparameter");
    assert_eq!(design["coverage"]["arms"][0]["trials"], 30);
    assert_eq!(design["balance"]["desiderata"][2]["amount"], 15.0);
    assert_eq!(design["cost"]["trainSteps"], document["trainSteps"]);
    // 60 trials in 8 waves, 10 retrainings in 2.
    assert_eq!(design["cost"]["seconds"], json!([2000.0, 2000.0]));
    let detectable = &design["detectable"];
    assert!(detectable["difference"]["byNoise"][0]["winner"].as_f64().unwrap() <= 5.0, "{detectable}");
    assert_eq!(detectable["boundaries"]["hyperparameters"].as_array().unwrap().len(), 2);
    assert!(detectable["overfitting"]["climb"].is_number());
}
