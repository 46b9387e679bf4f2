//! `studious plan --apply`: what it writes, what it prints, and what it leaves alone. Read the snapshots by eye.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use crate::bench::{Bench, Said};

/// A study of three faults that an edit satisfies, and two that none does.
const DOUBTFUL: &str = "\
# A study of our own.
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: doubtful}
spec:
  goal: Which activation is best?   # one question
  objective: {metric: validation_error, direction: Minimize}
  hyperparameters:
  - {name: activation, role: Scientific, values: [relu, gelu, tanh]}
  # From 1e-4, where nothing moves.
  - {name: learning_rate, range: {min: 1.0e-4, max: 1, scale: Log}}
  - name: batch_size   # what fits
    values: [64, 128]
  rounds:
  - name: explore
    trials: 46   # what an evening allows
    maxTrainSteps: 100
  evaluation: {everySteps: 10}
  trial:
    template:
      spec:
        containers:
        - {name: trainer, command: [python, train.py, --milestones, \"30\"]}
";

/// What a call of `plan` says, and what the file is then.
fn apply(bench: &Bench, arguments: &[&str]) -> (String, String) {
    let Said { code, out, err } = bench.call(&[&["plan", "study.yaml"], arguments].concat());
    let text = fs::read_to_string(bench.file("study.yaml")).unwrap();
    (format!("{out}{err}exit code {code}\n"), text)
}

#[test]
fn an_edit_is_written_and_the_other_lines_are_left() {
    let bench = Bench::with(DOUBTFUL);
    fs::set_permissions(bench.file("study.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    let (said, text) = apply(&bench, &["--apply", "BatchSizeTuned", "--apply", "unequalarms"]);
    insta::assert_snapshot!("apply-two-codes", said);
    insta::assert_snapshot!("apply-two-codes-file", text);
    assert_eq!(fs::metadata(bench.file("study.yaml")).unwrap().permissions().mode() & 0o777, 0o640);
    // Nothing is left beside it.
    assert_eq!(fs::read_dir(bench.temp.path()).unwrap().count(), 1);
    let (again, same) = apply(&bench, &["--apply", "BatchSizeTuned", "--apply", "UnequalArms"]);
    insta::assert_snapshot!("apply-again", again);
    assert_eq!(same, text);
}

#[test]
fn all_is_tried_first_and_what_no_edit_satisfies_is_said() {
    let bench = Bench::with(DOUBTFUL);
    let (said, text) = apply(&bench, &["--apply", "all", "--dry-run"]);
    insta::assert_snapshot!("apply-all", said);
    assert_eq!(text, DOUBTFUL);
    let link = bench.file("link.yaml");
    std::os::unix::fs::symlink("study.yaml", &link).unwrap();
    assert_eq!(bench.call(&["plan", "link.yaml", "--apply", "all"]).code, 0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let (again, _) = apply(&bench, &["--apply", "all"]);
    assert!(again.contains("nothing to change") && again.contains("exit code 0"), "{again}");
}

#[test]
fn a_read_only_file_is_left_alone() {
    let bench = Bench::with(DOUBTFUL);
    fs::set_permissions(bench.file("study.yaml"), fs::Permissions::from_mode(0o444)).unwrap();
    let (said, text) = apply(&bench, &["--apply", "all"]);
    assert!(said.contains("study.yaml is read-only. Nothing was written") && said.contains("exit code 2"), "{said}");
    assert_eq!(text, DOUBTFUL);
}

#[test]
fn what_can_not_be_applied_is_refused_with_what_to_do() {
    let bench = Bench::with(DOUBTFUL);
    let mut said = Vec::new();
    for arguments in [&["--apply", "HumanInLoopSchedule"][..], &["--apply", "BatchSizeTune"], &["--dry-run"]] {
        said.push(format!("$ studious plan study.yaml {}\n{}", arguments.join(" "), apply(&bench, arguments).0));
    }
    let input = bench.call(&["plan", "-", "--apply", "all"]);
    said.push(format!("$ studious plan - --apply all\n{}exit code {}\n", input.err, input.code));
    fs::write(bench.file("study.yaml"), DOUBTFUL.replace("trials: 46", "trials: 0")).unwrap();
    let refused = apply(&bench, &["--apply", "all"]).0;
    said.push(format!("$ studious plan study.yaml --apply all   # trials: 0\n{refused}"));
    let said = said.concat();
    insta::assert_snapshot!("apply-refused", said);
}

#[test]
fn an_edit_is_data_beside_its_fix() {
    let bench = Bench::with(DOUBTFUL);
    let said = bench.call(&["validate", "study.yaml", "--format", "json"]);
    let validation: Value = serde_json::from_str(&said.out).unwrap();
    let change = |code: &str| {
        let problems = validation["files"][0]["problems"].as_array().unwrap();
        problems.iter().find(|problem| problem["code"] == code).unwrap_or_else(|| panic!("{code}: {said:?}"))["change"]
            .clone()
    };
    assert_eq!(change("UnequalArms"), json!({"path": "spec.rounds[0].trials", "from": 46, "to": 48}));
    assert_eq!(change("LowParallelism"), json!({"path": "spec.parallelism", "from": 1, "to": 3}));
    assert_eq!(change("HumanInLoopSchedule"), Value::Null);
    let plan: Value = serde_json::from_str(&bench.call(&["plan", "study.yaml", "--format", "json"]).out).unwrap();
    assert_eq!(plan["validation"], validation["files"][0]);
}
