//! Trials that ran elsewhere come in, and what was concluded from them goes out.

use std::path::{Path, PathBuf};

use crate::bench::{Bench, STUDY, Said};

fn data(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    path.display().to_string()
}

fn json(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap()
}

fn bench(file: &str, text: &str) -> Bench {
    let bench = Bench::with(STUDY);
    std::fs::write(bench.file(file), text).unwrap();
    bench
}

fn import(bench: &Bench, arguments: &[&str]) -> Said {
    bench.call(&[&["import", "--study", "study.yaml"], arguments].concat())
}

#[test]
fn event_files_of_tensorboard_are_trials_with_curves() {
    let bench = Bench::with(STUDY);
    let runs = data("tensorboard/hparams");
    let arguments = [&runs, "--map", "learning_rate=lr", "--objective", "val/loss", "--out", "trials.jsonl"];
    let said = import(&bench, &arguments);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("6 trials (1 infeasible, 5 succeeded), 6 of them with curves"), "{}", said.err);
    assert!(said.err.contains("keys that are no hyperparameter of the study: note"), "{}", said.err);
    let lines = std::fs::read_to_string(bench.file("trials.jsonl")).unwrap();
    let trials: Vec<_> = lines.lines().map(json).collect();
    // As it was written, with the digits of single precision.
    assert_eq!(trials[3]["hyperparameters"]["learning_rate"], 0.177_827_941_003_892_3);
    assert_eq!(trials[3]["curves"]["loss"], json("[[0,0.1052],[10,0.0552],[20,0.0385]]"));
    assert_eq!((&trials[3]["objective"], &trials[3]["step"]), (&json("0.0385"), &json("20")));
    assert_eq!(trials[3]["attempts"][0]["started"], 1_700_000_180_000_u64);
    assert_eq!((&trials[5]["infeasible"], &trials[5]["reason"]), (&json("true"), &json("\"Diverged\"")));
    // What every command makes of them.
    let source = ["--study", "study.yaml", "--trials", "trials.jsonl"];
    let findings = bench.call(&[&["findings"], &source[..], &["--format", "json"]].concat());
    let findings = json(&findings.out);
    assert!(findings["findings"].as_array().unwrap().iter().any(|f| f["code"] == "InfeasibleFraction"), "{findings}");
    let plots = bench.call(&[&["plot"], &source[..], &["--list"]].concat()).out;
    assert!(plots.contains("axis-learning_rate") && plots.contains("curves-explore-loss"), "{plots}");
    let point = bench.call(&[&["suggest"], &source[..]].concat());
    assert_eq!((point.code, point.out.lines().count()), (0, 1), "{}", point.err);
    let md = bench.call(&[&["report"], &source[..], &["--format", "md", "--out", "-"]].concat());
    assert!(md.out.contains("| `run-03` |"), "{}", md.out);
}

#[test]
fn hyperparameters_may_stand_beside_the_events() {
    let bench = Bench::with(STUDY);
    let runs = data("tensorboard/sidecar");
    let said = import(&bench, &[&runs]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("version_0/hparams.yaml: error: hyperparameters.learning_rate"), "{}", said.err);
    assert!(said.err.contains("Keys are model.learning_rate, optimizer"), "{}", said.err);
    let said = import(&bench, &[&runs, "--map", "learning_rate=model.learning_rate", "--round", "explore"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let trial = json(said.out.lines().nth(1).unwrap());
    assert_eq!((&trial["name"], &trial["round"]), (&json("\"version_1\""), &json("\"explore\"")));
    assert_eq!(trial["hyperparameters"]["learning_rate"], 0.02);
    let one = import(&bench, &[&format!("{runs}/version_1"), "--map", "learning_rate=model.learning_rate"]);
    assert_eq!(one.out.lines().count(), 1, "{}", one.err);
}

#[test]
fn a_damaged_event_file_is_named_and_a_short_one_is_read() {
    let bench = Bench::with(STUDY);
    let folder = bench.file("runs/a");
    std::fs::create_dir_all(&folder).unwrap();
    let source = data("tensorboard/sidecar/version_0");
    let file = std::fs::read_dir(&source).unwrap().map(|e| e.unwrap().path());
    let file = file.into_iter().find(|path| path.display().to_string().contains("tfevents")).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(folder.join("hparams.yaml"), "optimizer: plain\nlearning_rate: 0.1").unwrap();
    let events = folder.join("events.out.tfevents.1.host");
    std::fs::write(&events, &bytes[..bytes.len() - 5]).unwrap();
    let said = import(&bench, &["runs"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("half a record at the end was left out"), "{}", said.err);
    assert_eq!(json(&said.out)["curves"]["loss"].as_array().unwrap().len(), 1);
    let mut damaged = bytes;
    let last = damaged.len() - 6;
    damaged[last] ^= 0x10;
    std::fs::write(&events, damaged).unwrap();
    let said = import(&bench, &["runs"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("tfevents.1.host: the record at byte"), "{}", said.err);
    assert_eq!(import(&bench, &["nowhere"]).code, 1);
}

#[test]
fn what_was_exported_comes_in_again() {
    let bench = Bench::with(STUDY);
    assert_eq!(bench.call(&["run", "study.yaml", "--quiet"]).code, 0);
    let run = "studious-runs/valley";
    for arguments in [
        &["export", run, "--format", "csv", "--out", "trials.csv"][..],
        &["export", run, "--format", "csv", "--measurements", "--out", "curves.csv"],
    ] {
        assert_eq!(bench.call(arguments).code, 0);
    }
    let said = import(&bench, &["trials.csv", "--measurements", "curves.csv"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.err.contains("note:"), "{}", said.err);
    let keys = ["name", "round", "hyperparameters", "objective", "step", "infeasible", "reason", "curves"];
    let same = |line: &str| keys.map(|key| json(line)[key].clone());
    let exported = bench.call(&["export", run]).out;
    let before: Vec<_> = exported.lines().map(same).collect();
    let after: Vec<_> = said.out.lines().map(same).collect();
    assert_eq!(before, after);
    let lines = bench.call(&["export", run, "--measurements"]).out;
    assert_eq!(json(lines.lines().next().unwrap())["metric"], "loss");
    let bytes = bench.command().args(["export", run, "--format", "parquet"]).output().unwrap().stdout;
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[test]
fn tables_of_others_are_read_by_their_own_names() {
    let optuna = ",number,value,datetime_start,params_learning_rate,params_optimizer,state\n\
                  0,0,0.5,2026-01-01,0.1,plain,COMPLETE\n\
                  1,1,,2026-01-01,0.2,fancy,FAIL\n\
                  2,2,0.7,2026-01-01,0.3,fancy,PRUNED\n";
    let ray = "loss,training_iteration,trial_id,config/learning_rate,config/optimizer\n\
               0.5,20,abc,0.1,plain\nnan,3,abd,9.5,plain\n";
    let wandb = "\"Name\",\"State\",\"learning_rate\",\"optimizer\",\"loss\",\"_step\"\n\
                 \"brisk-fog-1\",\"finished\",\"0.1\",\"plain\",\"0.5\",\"20\"\n\
                 \"dry-sky-2\",\"running\",\"0.1\",\"fancy\",\"\",\"\"\n";
    let mlflow = "run_id,status,params.learning_rate,params.optimizer,metrics.loss\nf00,FINISHED,0.1,plain,0.5\n";
    for (table, outcomes, name) in [
        (optuna, &["objective", "failed", "stopped"][..], "0"),
        (ray, &["objective", "infeasible"], "abc"),
        (wandb, &["objective", "pending"], "brisk-fog-1"),
        (mlflow, &["objective"], "f00"),
    ] {
        let bench = bench("trials.csv", table);
        let said = import(&bench, &["trials.csv"]);
        assert_eq!(said.code, 0, "{}", said.err);
        let trials: Vec<_> = said.out.lines().map(json).collect();
        assert_eq!(trials.len(), outcomes.len());
        assert_eq!((&trials[0]["name"], &trials[0]["objective"]), (&json(&format!("{name:?}")), &json("0.5")));
        for (trial, outcome) in trials.iter().zip(outcomes) {
            assert!(!trial[outcome].is_null(), "{outcome}: {trial}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_table_is_said_with_line_and_column() {
    let wrong = "name,optimizer,learning_rate,loss,step,state\n\
                 a,plain,0.1,0.5,20,done\n\
                 b,\"plai\nn\",0.1,0.5,20,done\n\
                 c,plain,99,0.5,20,done\n\
                 a,plain,0.2,half,20.5,odd\n\
                 d,plain,0.2\n\
                 e,plain,,0.5,20,done\n";
    let bench = bench("trials.csv", wrong);
    let said = import(&bench, &["trials.csv"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    insta::assert_snapshot!(said.err);
    for (arguments, told) in [
        (&["trials.csv", "--objective", "lost"][..], "there is no column lost. Columns are learning_rate, loss,"),
        (&["trials.csv", "--map", "rate=learning_rate"], "rate is not a hyperparameter of this study"),
        (&["trials.csv", "--round", "later"], "unknown round; this study has explore, confirm"),
        (&["trials.csv", "--sidecar", "x.yaml"], "a CSV file has columns"),
        (&["trials.csv", "--delimiter", ";"], "no column is the objective (loss)"),
        (&["trials.csv", "--format", "tensorboard", "--name", "x"], "is for CSV files"),
        (&["trials.csv", "--map", "learning_rate"], "NAME=COLUMN"),
    ] {
        let said = import(&bench, arguments);
        assert!(said.code == 2 && said.err.contains(told), "{arguments:?}: {}", said.err);
    }
    std::fs::write(bench.file("empty.csv"), "optimizer,learning_rate,loss\nplain,0.1,\n").unwrap();
    let said = import(&bench, &["empty.csv"]);
    assert!(said.code == 2 && said.err.contains("empty.csv:2:11: error: there is no objective"), "{}", said.err);
    let said = import(&bench, &["empty.csv", "--without-objective", "infeasible"]);
    assert_eq!(json(&said.out)["infeasible"], true, "{}", said.err);
}

/// A table of a program that was never told of the number that is searched, nor of the constraint.
#[test]
fn derived_numbers_of_tables_are_solved_and_forbidden_rows_told() {
    let bench = bench(
        "table.csv",
        "optimizer,learning_rate,momentum,width,loss\nplain,0.05,0.5,64,0.5\nfancy,0.0125,0.9,64,0.25\nplain,0.05,0.5,100,0.4\n\
         plain,0.9,0.5,64,0.9\n",
    );
    let study = STUDY.replace(
        "  hyperparameters:\n",
        "  hyperparameterConstraints: [width % 8 == 0]\n  hyperparameters:\n  \
         - {name: effective_rate, range: {min: 1.0e-3, max: 1, scale: Log}}\n  \
         - {name: momentum, values: [0.5, 0.9]}\n  - {name: width, range: {min: 8, max: 128, integer: true}}\n",
    );
    let own = study.lines().find(|line| line.contains("name: learning_rate")).unwrap();
    let derived = "  - {name: learning_rate, role: Derived, expression: effective_rate * (1 - momentum)}";
    std::fs::write(bench.file("study.yaml"), study.replace(own, derived)).unwrap();
    let said = import(&bench, &["table.csv", "--objective", "loss", "--skip-invalid"]);
    let trials: Vec<_> = said.out.lines().map(json).collect();
    assert_eq!(trials.len(), 2, "{}\n{}", said.out, said.err);
    assert_eq!(trials[0]["hyperparameters"]["effective_rate"], 0.1);
    assert!((trials[1]["hyperparameters"]["effective_rate"].as_f64().unwrap() - 0.125).abs() < 1e-12);
    assert!(said.err.contains("violates the study's constraint width % 8 == 0"), "{}", said.err);
    assert!(said.err.contains("effective_rate") && said.err.contains("outside the range"), "{}", said.err);
}
