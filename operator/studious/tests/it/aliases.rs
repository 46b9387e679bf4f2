//! F-120: programs whose hyperparameters have dots and dashes in their names.

use serde_json::{Value, json};

use crate::bench::{Bench, STUDY};

/// The study of the bench with the learning rate as a Hydra program calls it, given on the command line.
fn study() -> String {
    STUDY
        .replace("name: learning_rate,", "name: optim_lr, alias: optim.lr,")
        .replace("name: optimizer,", "name: optimizer, alias: optim-name,")
        .replace("            m=", "            lr=${1#optim.lr=}\n            m=")
        .replace("-v lr=$HP_LEARNING_RATE", "-v lr=$lr")
        + "          - sh\n          - optim.lr=$(HP_OPTIM_LR)\n"
}

fn parsed(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_program_gets_its_own_names_and_tables_have_them() {
    let bench = Bench::with(&study());
    let said = bench.call(&["run", "study.yaml", "--quiet"]);
    assert_eq!(said.code, 0, "{said:?}");
    let folder = "studious-runs/valley";
    let trials = parsed(&bench.call(&["export", folder]).out);
    assert!(trials.iter().all(|trial| trial["hyperparameters"]["optim_lr"].is_number()), "{trials:?}");
    assert!(trials.iter().any(|trial| trial["objective"].is_number()), "{trials:?}");
    let csv = bench.call(&["export", folder, "--format", "csv"]).out;
    assert_eq!(csv.lines().next(), Some("name,round,outcome,reason,objective,step,optim-name,optim.lr"));
    let mut files = Vec::new();
    find(&bench.file(folder), &mut files);
    let trial: Value = serde_json::from_slice(&std::fs::read(&files[0]).unwrap()).unwrap();
    assert_eq!(trial["aliases"], json!({"optim_lr": "optim.lr", "optimizer": "optim-name"}), "{trial}");
    assert!(trial["hyperparameters"]["optim_lr"].is_number(), "{trial}");
    // What was written by alias comes in as it was.
    std::fs::write(bench.file("trials.csv"), csv).unwrap();
    let said = bench.call(&["import", "trials.csv", "--study", "study.yaml"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let points = |trials: &[Value]| trials.iter().map(|t| t["hyperparameters"].clone()).collect::<Vec<_>>();
    assert_eq!(points(&parsed(&said.out)), points(&trials));
}

fn find(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            find(&entry, files);
        } else if entry.ends_with("trial.json") {
            files.push(entry);
        }
    }
}

#[test]
fn columns_of_every_tool_may_be_called_by_the_alias() {
    let bench = Bench::with(&study());
    for (name, lr) in [
        ("optim-name", "optim.lr"),
        ("params_optim-name", "params_optim.lr"),
        ("params.optim-name", "params.optim.lr"),
        ("config/optim-name", "config/optim.lr"),
        ("config.optim-name", "optim_lr"),
        ("optimizer", "optim.lr"),
    ] {
        std::fs::write(bench.file("trials.csv"), format!("{name},{lr},loss\nfancy,0.5,0.25\n")).unwrap();
        let said = bench.call(&["import", "trials.csv", "--study", "study.yaml"]);
        assert_eq!(said.code, 0, "{name} {lr}: {}", said.err);
        let point = &parsed(&said.out)[0]["hyperparameters"];
        assert_eq!(*point, json!({"optimizer": "fancy", "optim_lr": 0.5}), "{name} {lr}");
    }
    std::fs::write(bench.file("trials.csv"), "optimizer,rate,loss\nfancy,0.5,0.25\n").unwrap();
    let said = bench.call(&["import", "trials.csv", "--study", "study.yaml", "--map", "optim.lr=rate"]);
    assert_eq!((said.code, &parsed(&said.out)[0]["hyperparameters"]["optim_lr"]), (0, &json!(0.5)), "{}", said.err);
    // Both are there: which one counts is the caller's to say.
    std::fs::write(bench.file("trials.csv"), "optimizer,optim.lr,optim_lr,loss\nfancy,0.5,0.6,0.25\n").unwrap();
    let said = bench.call(&["import", "trials.csv", "--study", "study.yaml"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("hyperparameter optim_lr may be optim.lr or optim_lr"), "{}", said.err);
}

#[test]
fn lines_of_trials_and_files_beside_events_may_use_the_alias() {
    let bench = Bench::with(&study());
    let top = |line: &str| {
        std::fs::write(bench.file("trials.jsonl"), line).unwrap();
        bench.call(&["top", "--study", "study.yaml", "--trials", "trials.jsonl", "--format", "json"])
    };
    let said = top(r#"{"hyperparameters":{"optim-name":"plain","optim.lr":0.5},"objective":0.25}"#);
    assert_eq!(said.code, 0, "{}", said.err);
    let found: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(found["trials"][0]["hyperparameters"], json!({"optimizer": "plain", "optim_lr": 0.5}));
    let said = top(r#"{"hyperparameters":{"optimizer":"plain","optim.lr":0.5,"optim_lr":0.5},"objective":0.25}"#);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("is given twice, as optim_lr and as its alias optim.lr"), "{}", said.err);

    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tensorboard/sidecar/version_0");
    let events = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let events = events.into_iter().find(|path| path.display().to_string().contains("tfevents")).unwrap();
    std::fs::create_dir_all(bench.file("runs/a")).unwrap();
    std::fs::copy(&events, bench.file("runs/a").join(events.file_name().unwrap())).unwrap();
    for settings in [
        "optim: {lr: 0.5}\noptim-name: plain\n",
        // Weights & Biases.
        "optim: {value: {lr: 0.5}}\noptim-name: {value: plain}\n",
    ] {
        std::fs::write(bench.file("runs/a/config.yaml"), settings).unwrap();
        let said = bench.call(&["import", "runs", "--study", "study.yaml"]);
        assert_eq!(said.code, 0, "{settings}: {}", said.err);
        assert_eq!(parsed(&said.out)[0]["hyperparameters"], json!({"optimizer": "plain", "optim_lr": 0.5}));
    }
}
