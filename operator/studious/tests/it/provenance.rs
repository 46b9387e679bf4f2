//! What was trained is recorded, and trials of different code are named (F-113).

use std::process::Command;

use crate::bench::{Bench, STUDY};

/// The study without its second round, with a script of its own.
fn study(trials: u32) -> (String, String) {
    let (head, script) = STUDY.split_once("          - |\n").unwrap();
    let confirm = "  - {name: confirm, maxTrainSteps: 40, from: {round: explore, best: 1, per: Scientific}}\n";
    assert!(head.contains(confirm));
    let head = head.replace(confirm, "").replace("trials: 8", &format!("trials: {trials}"));
    (format!("{head}          - exec sh ./train.sh\n"), script.lines().map(str::trim).collect::<Vec<_>>().join("\n"))
}

fn git(bench: &Bench, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").args(identity).args(arguments).current_dir(bench.temp.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// The finding, if there is one.
fn code_changed(bench: &Bench, of: &[&str]) -> Option<serde_json::Value> {
    let found = bench.call(&[&["findings", "--format", "json"], of].concat());
    let json: serde_json::Value = serde_json::from_str(&found.out).unwrap_or_else(|error| panic!("{error}: {found:?}"));
    json["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "CodeChanged").cloned()
}

#[test]
fn trials_of_other_code_are_named_and_a_longer_study_is_no_other_code() {
    const RUN: &str = "studious-runs/valley";
    let (text, script) = study(4);
    let bench = Bench::with(&text);
    std::fs::write(bench.file("train.sh"), &script).unwrap();
    git(&bench, &["init", "-q"]);
    git(&bench, &["add", "study.yaml", "train.sh"]);
    git(&bench, &["commit", "-q", "-m", "one"]);
    let run = |trials: u32| {
        std::fs::write(bench.file("study.yaml"), study(trials).0).unwrap();
        let done = bench.call(&["run", "study.yaml", "-q"]);
        assert_eq!(done.code, 0, "{done:?}");
    };
    run(4);
    git(&bench, &["commit", "-q", "--allow-empty", "-m", "two"]);
    run(6);
    assert_eq!(code_changed(&bench, &[RUN]), None);

    std::fs::write(bench.file("train.sh"), format!("true\n{script}")).unwrap();
    run(8);
    let finding = code_changed(&bench, &[RUN]).unwrap();
    assert_eq!(finding["trials"], serde_json::json!(["valley-explore-0006", "valley-explore-0007"]));
    let advice = finding["advice"].as_str().unwrap();
    assert!(advice.starts_with("2 of 8 trials ran different code than the others: ./train.sh ("), "{advice}");
    assert!(advice.contains(" and the files in git (") && !advice.contains("git commit"), "{advice}");

    // The same of trials that were exported.
    std::fs::write(bench.file("trials.jsonl"), bench.call(&["export", RUN]).out).unwrap();
    assert_eq!(code_changed(&bench, &["--study", "study.yaml", "--trials", "trials.jsonl"]), Some(finding));
}
