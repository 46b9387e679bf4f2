//! What is concluded from trials that ran anywhere, and what is said when that can't be.

use std::fmt::Write as _;

use crate::bench::{Bench, STUDY};

/// Thirty trials of the study, the better the higher the learning rate; the highest three are infeasible.
fn trials() -> String {
    let mut lines = String::new();
    for i in 0..30_u32 {
        let optimizer = ["plain", "fancy"][i as usize % 2];
        let share = f64::from(i) / 29.0;
        let rate = 1e-3 * 10_f64.powf(4.0 * share);
        let result = if i >= 27 {
            "\"infeasible\":true,\"reason\":\"Diverged\"".to_owned()
        } else {
            format!("\"objective\":{}", 1.0 - share)
        };
        let point = format!("{{\"optimizer\":\"{optimizer}\",\"learning_rate\":{rate:.6}}}");
        writeln!(lines, "{{\"hyperparameters\":{point},{result}}}").unwrap();
    }
    lines
}

fn bench() -> Bench {
    let bench = Bench::with(STUDY);
    std::fs::write(bench.file("trials.jsonl"), trials()).unwrap();
    bench
}

#[test]
fn findings_of_trials_that_ran_anywhere_begin_with_the_five_questions() {
    let said = bench().call(&["findings", "--study", "study.yaml", "--trials", "trials.jsonl"]);
    assert_eq!(said.code, 0, "{}", said.err);
    insta::assert_snapshot!(said.out);
}

#[test]
fn findings_read_well_by_machines() {
    let said = bench().call(&["findings", "--study", "study.yaml", "--trials", "trials.jsonl", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let keys: Vec<_> = found.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["apiVersion", "checklist", "findings", "kind", "verdict"]);
    assert_eq!(found["verdict"]["kind"], "CannotJudge");
    for finding in found["findings"].as_array().unwrap() {
        let finding = finding.as_object().unwrap();
        for key in ["code", "severity", "evidence", "advice", "section"] {
            assert!(finding.contains_key(key), "{finding:?}");
        }
        assert!(finding["evidence"].as_object().unwrap().values().all(serde_json::Value::is_number), "{finding:?}");
    }
}

#[test]
fn what_cannot_be_read_is_said_with_its_line() {
    let bench = bench();
    let wrong = "{\"hyperparameters\":{\"optimizer\":\"plain\",\"learning_rate\":1e9},\"objective\":1}\nno JSON\n";
    std::fs::write(bench.file("wrong.jsonl"), wrong).unwrap();
    let said = bench.call(&["findings", "--study", "study.yaml", "--trials", "wrong.jsonl"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("wrong.jsonl:1: error: hyperparameters.learning_rate"), "{}", said.err);
    assert!(said.err.contains("wrong.jsonl:2:"), "{}", said.err);
    for arguments in [
        &["findings"][..],
        &["findings", "--study", "study.yaml"],
        &["findings", "--trials", "trials.jsonl"],
        &["findings", "studious-runs/valley", "--study", "study.yaml", "--trials", "trials.jsonl"],
    ] {
        assert_eq!(bench.call(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn thresholds_and_codes_are_listed() {
    let bench = bench();
    let said = bench.call(&["policy"]);
    assert!(said.out.contains("edgeShare") && said.out.contains("playbook"), "{}", said.out);
    assert!(bench.call(&["policy", "--codes"]).out.contains("SearchSpaceTooNarrow"));
    let all: serde_json::Value = serde_json::from_str(&bench.call(&["policy", "--format", "json"]).out).unwrap();
    assert!(all["thresholds"].as_array().unwrap().len() > 10 && all["codes"].as_array().unwrap().len() > 10);
}

/// Four trials whose losses fall where their errors rise.
fn measured() -> Bench {
    let bench = Bench::with(STUDY);
    let mut lines = String::new();
    for (name, rate, error, loss) in
        [("a", 0.01, 0.1, 0.4), ("b", 0.02, 0.2, 0.3), ("c", 0.03, 0.3, 0.2), ("d", 0.04, 0.4, 0.1)]
    {
        let curves = format!("{{\"validation_error\":[[1,{error}],[2,0.9]],\"train_loss\":[[1,{loss}],[2,{loss}]]}}");
        writeln!(
            lines,
            "{{\"name\":\"{name}\",\"hyperparameters\":{{\"optimizer\":\"plain\",\"learning_rate\":{rate}}},\"objective\":{error},\
             \"step\":1,\"curves\":{curves}}}"
        )
        .unwrap();
    }
    std::fs::write(bench.file("trials.jsonl"), lines).unwrap();
    bench
}

#[test]
fn trials_may_be_judged_by_another_objective() {
    let bench = measured();
    let source = ["--study", "study.yaml", "--trials", "trials.jsonl", "--by"];
    let said = bench.call(&[&["rank"][..], &source, &["train_loss"]].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    insta::assert_snapshot!(said.out);
    let said = bench.call(&[&["findings"][..], &source, &["train_loss"]].concat());
    assert!(said.out.contains("The best train_loss") && said.out.contains("is 0.1, by d"), "{}", said.out);
    let said = bench.call(&[&["rank"][..], &source, &["latency_ms"]].concat());
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("Measured were train_loss, validation_error"), "{}", said.err);
    // The study's own report stays what it is.
    let said = bench.call(&[&["report"][..], &source, &["train_loss", "--format", "md"]].concat());
    assert!(said.out.trim_end().ends_with("-report-by-train_loss.md"), "{}{}", said.out, said.err);
}
