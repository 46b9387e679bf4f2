//! Trials whose values are set by hand.

use serde_json::{Value, json};

use crate::{
    bench::{Bench, STUDY},
    schema::document,
};

/// What a call printed on either stream, without the time that a bar shows.
fn tried(bench: &Bench, more: &[&str]) -> String {
    let said = bench.call(&[&["try", "study.yaml", "--quiet"], more].concat());
    assert_eq!(said.code, 0, "{said:?}");
    format!("{}{}", said.err, said.out)
}

#[test]
fn tries_are_studies_of_one_trial_and_compared() {
    let bench = Bench::with(STUDY);
    let first = tried(&bench, &["--set", "learning_rate=0.1", "--set", "optimizer=plain"]);
    insta::assert_snapshot!("the-first-try", first);
    tried(&bench, &["--set", "learning_rate=0.3", "--set", "optimizer=plain"]);
    tried(&bench, &["--set", "learning_rate=5", "--set", "optimizer=fancy"]);
    let fourth = tried(&bench, &["--set", "learning_rate=20", "--set", "optimizer=fancier", "--steps", "40"]);
    insta::assert_snapshot!("the-fourth-try", fourth);

    // Every command shows it.
    let folder = "studious-runs/valley-try-2";
    for command in [&["top"][..], &["report"], &["findings"], &["export"], &["plot", "--list"], &["wait"]] {
        let said = bench.call(&[command, &[folder]].concat());
        assert_eq!(said.code, 0, "{command:?}: {said:?}");
    }
    let line: Value = serde_json::from_str(&bench.call(&["export", folder]).out).unwrap();
    assert_eq!(line["hyperparameters"], json!({"learning_rate": 0.3, "optimizer": "plain"}));
    assert_eq!((&line["round"], &line["name"]), (&json!("try"), &json!("valley-try-2-try-0000")));
    let top = bench.call(&["top", folder]).out;
    assert!(
        top.contains("Try learning_rate = 0.3, optimizer = plain by hand, for valley.") && top.contains("0.3"),
        "{top}"
    );
    let study = std::fs::read_to_string(bench.file("studious-runs/valley-try-2/study.yaml")).unwrap();
    assert!(study.contains("studious.dev/try-of: valley"), "{study}");
    let again = bench.call(&["validate", "studious-runs/valley-try-2/study.yaml"]);
    assert_eq!(again.code, 0, "{again:?}");
}

#[test]
fn a_wrong_try_says_what_to_give_and_starts_nothing() {
    let bench = Bench::with(&STUDY.replace("- {name: learning_rate,", "- {name: learning_rate, alias: optim.lr,"));
    let said = bench.call(&["try", "study.yaml", "--set", "optim.lr=fast", "--set", "momentun=1"]);
    assert_eq!(said.code, 2, "{said:?}");
    insta::assert_snapshot!("a-wrong-try", said.err);
    assert!(!bench.file("studious-runs").exists());
    let said = bench.call(&["try", "study.yaml", "--set", "optim.lr=0.1", "--format", "json"]);
    let validation = document(&said.out);
    assert_eq!((said.code, &validation["files"][0]["problems"][0]["field"]), (2, &json!("--set optimizer")));
    assert_eq!(bench.call(&["try", "study.yaml", "--set", "optim.lr"]).code, 2);
    let said = bench.call(&["try", "study.yaml", "--set", "optim.lr=1", "--set", "optimizer=plain", "--name", "A b"]);
    assert!(said.code == 2 && said.err.contains("--name: "), "{said:?}");
}

#[test]
fn a_try_is_told_to_programs_and_fails_with_its_trial() {
    let bench = Bench::with(STUDY);
    let words = ["try", "study.yaml", "--set", "learning_rate=0.1", "--set", "optimizer=plain", "--format", "json"];
    let said = bench.call(&[&words[..], &["--runs", "kept", "--name", "mine"]].concat());
    let documents: Vec<Value> = said.out.lines().map(document).collect();
    let study = documents.last().unwrap();
    assert_eq!((said.code, &study["kind"], &study["study"]), (0, &json!("Study"), &json!("mine")), "{said:?}");
    assert_eq!(study["report"], "kept/mine/report.html");
    // The same once more shows it again; other values under this name are refused.
    let again = bench.call(&[&words[..], &["--runs", "kept", "--name", "mine"]].concat());
    assert_eq!((again.code, document(again.out.lines().last().unwrap())), (0, study.clone()), "{again:?}");
    let other = ["try", "study.yaml", "--set", "learning_rate=0.2", "--set", "optimizer=plain", "--runs", "kept"];
    let said = bench.call(&[&other[..], &["--name", "mine"]].concat());
    assert!(said.code == 2 && said.err.contains("kept/mine holds trials"), "{said:?}");

    let broken =
        STUDY.replace("            m=$STUDIOUS_TRIAL_DIR/metrics.jsonl\n", "            echo no disk >&2; exit 1\n");
    let bench = Bench::with(&broken.replace("parallelism: 4", "parallelism: 4\n  failure: {attempts: 1}"));
    let said = bench.call(&words[..6]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("it printed last: no disk"), "{said:?}");
}

#[test]
fn a_try_that_cannot_start_leaves_no_folder() {
    let bench = Bench::with(&STUDY.replace("- sh\n          - -c", "- no-such-program\n          - -c"));
    let said = bench.call(&["try", "study.yaml", "--set", "learning_rate=0.1", "--set", "optimizer=plain"]);
    assert!(said.code == 2 && said.err.contains("command not found"), "{said:?}");
    assert!(!bench.file("studious-runs/valley-try-1").exists());
}
