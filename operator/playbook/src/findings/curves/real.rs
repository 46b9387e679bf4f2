//! What is said of real studies: small trainings of the digits trainer on scikit-learn's images, each made to show
//! something. The studies stand beside their trials in `real/`; measurements are rounded to four digits, and
//! of the longest only every fourth training loss is kept.
//!
//! `studious run NAME.yaml && studious export studious-runs/NAME` makes such files again.

use studious_api::StudySpec;

use super::{
    super::{Finding, reading::Reading, simulated::changes_settle, text},
    examine,
};
use crate::{Plan, record::TrialRecord};

fn drawn(study: &str, trials: &str) -> Vec<Finding> {
    let object: serde_yaml::Value = serde_yaml::from_str(study).unwrap();
    let spec: StudySpec = serde_yaml::from_value(object["spec"].clone()).unwrap();
    let plan = Plan::new("real", &spec).unwrap();
    let trials: Vec<TrialRecord> = trials.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    changes_settle(&plan, &trials);
    let mut found = Vec::new();
    examine(&Reading::new(&plan, &trials), &mut found);
    found
}

macro_rules! real {
    ($name:literal) => {
        drawn(include_str!(concat!("real/", $name, ".yaml")), include_str!(concat!("real/", $name, ".jsonl")))
    };
}

/// Findings without the note on sections.
fn said(findings: &[Finding]) -> String {
    let text = text(findings);
    text.split("\nSections are").next().unwrap_or_default().to_owned()
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|f| f.code.as_str()).collect()
}

#[test]
fn diverging_rates() {
    let found = real!("diverging");
    insta::assert_snapshot!(said(&found));
}

#[test]
fn noisy_late_training() {
    let found = real!("noisy");
    assert!(codes(&found).contains(&"NoisyLateTraining"), "{:?}", codes(&found));
    insta::assert_snapshot!(said(&found));
}

#[test]
fn overfitting() {
    let found = real!("overfitting");
    assert!(codes(&found).contains(&"OverfittingInBest"), "{:?}", codes(&found));
    insta::assert_snapshot!(said(&found));
}

#[test]
fn too_many_steps() {
    let found = real!("too-many-steps");
    assert!(codes(&found).contains(&"TooManySteps"), "{:?}", codes(&found));
    insta::assert_snapshot!(said(&found));
}

#[test]
fn divergence_at_high_rates_alone_is_no_instability() {
    // The best rate is 0.08; training is as good up to 0.17 and diverges from 0.2 on.
    let found = real!("edge-of-stability");
    assert!(!codes(&found).contains(&"InstabilityLimitsLr"), "{:?}", codes(&found));
    insta::assert_snapshot!(said(&found));
}
