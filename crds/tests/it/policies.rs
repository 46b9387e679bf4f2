//! Thresholds and waivers: each by a name that exists, each with a reason.

use std::fmt::Write;

use studious_api::document;

use crate::STUDY;

const POLICIES: &[(&str, &str)] = &[
    ("good", "thresholds: {edgeShare: {value: 0.05, reason: r}}, waive: [{question: 4, reason: r}]"),
    ("a waived hyperparameter", "waive: [{code: SearchSpaceTooNarrow, hyperparameter: width, reason: r}]"),
    ("an unknown threshold", "thresholds: {edgeshare: {value: 0.05, reason: r}}"),
    ("a threshold like none", "thresholds: {zzz: {value: 0.05, reason: r}}"),
    ("a share above one", "thresholds: {edgeShare: {value: 5, reason: r}}"),
    ("half a trial", "thresholds: {goodTrials: {value: 2.5, reason: r}}"),
    ("no reason", "thresholds: {edgeShare: {value: 0.05}}"),
    ("a bare number", "thresholds: {edgeShare: 0.05}"),
    ("a reason that says nothing", "thresholds: {edgeShare: {value: 0.05, reason: \" \"}}"),
    ("a sixth question", "waive: [{question: 6, reason: r}]"),
    ("an unknown code", "waive: [{code: SearchSpaceToNarrow, reason: r}]"),
    ("a code like none", "waive: [{code: zzz, reason: r}]"),
    ("a code that refuses", "waive: [{code: MaxTrainStepsTuned, reason: r}]"),
    ("a question and a code", "waive: [{question: 1, code: SearchSpaceTooNarrow, reason: r}]"),
    ("neither", "waive: [{reason: r}]"),
    ("a question of a hyperparameter", "waive: [{question: 1, hyperparameter: width, reason: r}]"),
    ("an unknown hyperparameter", "waive: [{code: SearchSpaceTooNarrow, hyperparameter: widht, reason: r}]"),
    ("a waiver without a reason", "waive: [{question: 1}]"),
];

#[test]
fn policies_name_what_exists_and_say_why() {
    let mut said = String::new();
    for (what, policy) in POLICIES {
        let study = STUDY.replace("  parallelism: 4", &format!("  parallelism: 4\n  policy: {{{policy}}}"));
        writeln!(said, "# {what}").unwrap();
        if let Err(problems) = document::read("study.yaml", &study) {
            for problem in problems {
                writeln!(said, "{}:{}: {}", problem.line, problem.column, problem.message).unwrap();
            }
        }
    }
    insta::assert_snapshot!(said);
}

#[test]
fn every_threshold_can_be_set() {
    for threshold in studious_rules::thresholds::all() {
        let policy = format!("thresholds: {{{}: {{value: {:?}, reason: r}}}}", threshold.name, threshold.most);
        let study = STUDY.replace("  parallelism: 4", &format!("  parallelism: 4\n  policy: {{{policy}}}"));
        let spec = document::read("study.yaml", &study).unwrap_or_else(|problems| panic!("{problems:#?}")).study.spec;
        assert!((spec.threshold(threshold) - threshold.most).abs() < 1e-9, "{threshold:?}");
    }
}
