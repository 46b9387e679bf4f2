//! Ending trials early, and bounds on other metrics.

use std::fmt::Write;

use super::STUDY;
use crate::advice;

fn with(search: &str, more: &str) -> String {
    let study = STUDY.replace("scientific: Crossed, seed: 1}", &format!("scientific: Crossed, seed: 1{search}}}"));
    study.replace("  parallelism: 4\n", &format!("  parallelism: 4\n{more}"))
}

#[test]
fn what_contradicts_itself_is_refused_and_what_the_playbook_advises_against_is_warned_of() {
    let mut told = String::new();
    for (search, more) in [
        (", earlyEnding: {rule: Median}", ""),
        (", earlyEnding: {rule: Median, minTrials: 3, fromStep: 100}", ""),
        (", earlyEnding: {rule: SuccessiveHalving, fromStep: 480}", ""),
        (", earlyEnding: {rule: SuccessiveHalving, minTrials: 3}", ""),
        (", earlyEnding: {rule: Median, reductionFactor: 3}", ""),
        (", earlyEnding: {rule: SuccessiveHalving, reductionFactor: 1}", ""),
        (", earlyEnding: {rule: Median, fromStep: 3000}", ""),
        (", earlyEnding: {rule: Hyperband}", ""),
        (", earlyEnding: {rule: Median}", "  policy: {strict: true}\n"),
        ("", "  constraints: [{metric: latency_ms, max: 20}, {metric: recall, min: 0.9, max: 1}]\n"),
        ("", "  constraints: [{metric: latency_ms}]\n"),
        ("", "  constraints: [{metric: latency_ms, min: 20, max: 10}]\n"),
        ("", "  constraints: [{metric: latency_ms, max: .inf}]\n"),
        ("", "  constraints: [{metric: validation_error, max: 0.1}]\n"),
        ("", "  constraints: [{metric: test_error, max: 0.1}]\n"),
        ("", "  constraints: [{metric: latency_ms, max: 20}, {metric: latency_ms, min: 1}]\n"),
    ] {
        writeln!(told, "# {search}{more}").unwrap();
        match advice::read("study.yaml", &with(search, more)) {
            Ok(advised) => advised.warnings.iter().for_each(|w| writeln!(told, "warning: {w}").unwrap()),
            Err(problems) => problems.iter().for_each(|p| writeln!(told, "{p}").unwrap()),
        }
        told.push('\n');
    }
    insta::assert_snapshot!(told);
}
