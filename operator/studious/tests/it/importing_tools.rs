//! Files that other tools wrote come in with every number as it was written. `data/writers` writes them anew.

use std::path::Path;

use crate::bench::{Bench, Said};

/// A study whose points the writers of the data tried; `HYPERPARAMETER` is the second one.
const STUDY: &str = r"
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: tools}
spec:
  goal: What did the other tool find?
  objective: {metric: loss, direction: Minimize}
  hyperparameters:
  - {name: lr, range: {min: 0.001, max: 1, scale: Log}}
  - HYPERPARAMETER
  rounds:
  - {name: explore, trials: 8, maxTrainSteps: 100}
  evaluation: {everySteps: 10}
  trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";
const WIDTH: &str = "{name: width, values: [16, 32, 64]}";
const SCHED: &str = "{name: sched, values: [none, cosine]}";

fn bench(hyperparameter: &str) -> Bench {
    Bench::with(&STUDY.replace("HYPERPARAMETER", hyperparameter))
}

fn data(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name).display().to_string()
}

fn import(bench: &Bench, arguments: &[&str]) -> Said {
    bench.call(&[&["import", "--study", "study.yaml"], arguments].concat())
}

/// Name, learning rate, objective, step and number of points of a trial.
type Imported = (String, f64, Option<f64>, Option<u64>, usize);

fn trials(said: &Said) -> Vec<Imported> {
    let read = |line: &str| {
        let trial: serde_json::Value = serde_json::from_str(line).unwrap();
        let curve = trial["curves"]["loss"].as_array().map_or(0, Vec::len);
        let name = trial["name"].as_str().unwrap().to_owned();
        let lr = trial["hyperparameters"]["lr"].as_f64().unwrap();
        (name, lr, trial["objective"].as_f64(), trial["step"].as_u64(), curve)
    };
    said.out.lines().map(read).collect()
}

fn layout(name: &str) -> Said {
    import(&bench(WIDTH), &[&data(&format!("layouts/{name}"))])
}

/// F-066: `add_hparams` takes a metric by the name of the curve, and writes it at step 0.
#[test]
fn a_metric_of_add_hparams_never_replaces_the_curve_of_its_tag() {
    let said = layout("same-tag-after");
    assert_eq!(said.code, 0, "{}", said.err);
    let expected = |r: u32| (format!("run{r}"), f64::from(r + 1) / 100.0, Some(f64::from(r) + 0.2), Some(20), 4);
    assert_eq!(trials(&said), [expected(0), expected(1), expected(2)]);
    assert!(!said.err.contains("note"), "{}", said.err);
}

/// F-066, F-071: what stands in a result's place before training is none.
#[test]
fn a_placeholder_that_is_written_before_training_is_no_result() {
    let said = layout("same-tag-before");
    assert_eq!(said.code, 0, "{}", said.err);
    let all = trials(&said);
    assert_eq!(all[0], ("crashed".to_owned(), 0.04, None, None, 0));
    for (r, trial) in all[1..].iter().enumerate() {
        assert_eq!((trial.2, trial.3, trial.4), (Some(r as f64 + 0.2), Some(30), 4), "{trial:?}");
    }
    assert!(said.err.contains("loss was written with the hyperparameters before training in 1 trial"), "{}", said.err);
    let said = layout("lightning");
    assert_eq!(said.code, 0, "{}", said.err);
    let expected = |r: u32| (format!("version_{r}"), f64::from(r + 1) / 100.0, Some(f64::from(r) + 0.2), Some(69), 4);
    assert_eq!(trials(&said), [expected(0), expected(1), expected(2)]);
}

/// F-071: nothing tells a zero that the trainer logged itself from a measurement but that others share it.
#[test]
fn a_first_value_that_all_share_and_none_reaches_is_said_so() {
    let said = layout("zero-first");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("2 trials have the same objective, 0 at step 0, better than all that follows"),
        "{}",
        said.err
    );
    // F-068: a folder without hyperparameters blocks nothing.
    assert!(said.err.contains("1 folder was left out, without all hyperparameters"), "{}", said.err);
    assert!(said.err.contains("empty"), "{}", said.err);
    let said = import(&bench(WIDTH), &[&data("layouts/zero-first"), "--from-step", "1"]);
    let found: Vec<_> = trials(&said).into_iter().map(|trial| (trial.2, trial.3)).collect();
    assert_eq!(found, [(Some(0.2), Some(30)), (Some(1.2), Some(30))], "{}", said.err);
    assert!(!said.err.contains("the same objective"), "{}", said.err);
}

/// F-067.
#[test]
fn every_session_is_a_trial() {
    let said = layout("one-writer");
    assert_eq!(said.code, 0, "{}", said.err);
    let expected = |i: u32| (format!("t{i}"), f64::from(i + 1) / 100.0, Some(f64::from(5 - i)), None, 0);
    assert_eq!(trials(&said), [0, 1, 2, 3, 4].map(expected));
    let said = layout("keras");
    assert_eq!(said.code, 0, "{}", said.err);
    let objectives: Vec<_> = trials(&said).into_iter().map(|trial| (trial.0, trial.2, trial.3)).collect();
    let expected = [("run-0", 1.2), ("run-1", 0.7), ("run-2", 0.2)];
    assert_eq!(objectives, expected.map(|(name, loss)| (name.to_owned(), Some(loss), Some(1))));
    let said = layout("stray");
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(trials(&said).iter().map(|trial| trial.2).collect::<Vec<_>>(), [Some(0.2), Some(1.2)]);
    assert!(said.err.contains("scalars beside the folders of the trials belong to none of them"), "{}", said.err);
    let said = layout("two-sessions");
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("two sessions differ: lr is 0.01 and 0.02"), "{}", said.err);
}

/// F-076.
#[test]
fn a_curve_that_was_logged_without_steps_is_said_so() {
    let said = layout("without-steps");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("loss was logged several times at one step in 1 trial"), "{}", said.err);
}

/// F-076: links are followed, and a circle of them ends.
#[test]
#[cfg(unix)]
fn links_to_folders_are_followed() {
    let bench = bench(WIDTH);
    std::fs::create_dir(bench.file("runs")).unwrap();
    for r in 0..2 {
        let target = data(&format!("layouts/same-tag-after/run{r}"));
        std::os::unix::fs::symlink(target, bench.file(&format!("runs/best{r}"))).unwrap();
    }
    std::os::unix::fs::symlink(bench.file("runs"), bench.file("runs/circle")).unwrap();
    let said = import(&bench, &["runs"]);
    assert_eq!(
        trials(&said).iter().map(|trial| trial.0.as_str()).collect::<Vec<_>>(),
        ["best0", "best1"],
        "{}",
        said.err
    );
}

/// F-068, F-069, F-072, F-074: what Optuna's `trials_dataframe` holds of trials that failed, were pruned, or wait.
#[test]
fn a_table_of_optuna_comes_in_whole() {
    let bench = bench(SCHED);
    let table = data("tables/optuna.csv");
    let said = import(&bench, &[&table]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("hyperparameters.sched: is missing"), "{}", said.err);
    assert!(said.err.contains("--empty sched=VALUE"), "{}", said.err);
    let said = import(&bench, &[&table, "--empty", "sched=none"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("5 trials (2 failed, 1 stopped, 2 succeeded)"), "{}", said.err);
    assert!(
        said.err.contains("1 row was left out, without all hyperparameters and without a result: 5"),
        "{}",
        said.err
    );
    assert!(said.err.contains("sched is empty in 2 rows"), "{}", said.err);
    assert!(said.err.contains("2 rows are in the state FAIL, taken as failed"), "{}", said.err);
    assert!(said.out.contains(r#""reason":"Pruned""#), "{}", said.out);
    let said = import(&bench, &[&table, "--empty", "sched=none", "--without-objective", "infeasible"]);
    assert!(said.err.contains("5 trials (2 infeasible, 1 stopped, 2 succeeded)"), "{}", said.err);
    // The digits are those of the file.
    let study = STUDY.replace("range: {min: 0.001, max: 1, scale: Log}", "values: [0.1, 0.2, 0.3, 0.4]");
    let bench = Bench::with(&study.replace("HYPERPARAMETER", SCHED));
    let said = import(&bench, &[&table, "--empty", "sched=none"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(trials(&said)[4].1.to_bits(), 0.3_f64.to_bits());
    assert!(
        said.err.contains("lr differs in the last digits from a value or boundary of the study in 1 row"),
        "{}",
        said.err
    );
}

/// F-076: another locale, another separator, another format.
#[test]
fn the_same_table_is_read_with_semicolons_decimal_commas_and_tabs() {
    let bench = bench(SCHED);
    let read = |table: &str, more: &[&str]| {
        let said = import(&bench, &[&[&*data(table), "--empty", "sched=none"], more].concat());
        assert_eq!(said.code, 0, "{}", said.err);
        said
    };
    let whole = trials(&read("tables/optuna.csv", &[]));
    let semicolons = read("tables/optuna-semicolon.csv", &[]);
    assert!(semicolons.err.contains("cells are separated by `;`"), "{}", semicolons.err);
    assert!(semicolons.err.contains("with a decimal comma: "), "{}", semicolons.err);
    for other in [
        semicolons,
        read("tables/optuna-semicolon.csv", &["--delimiter", ";"]),
        read("tables/optuna-tab.tsv", &[]),
        read("tables/optuna-tab.tsv", &["--delimiter", "\\t"]),
    ] {
        assert_eq!(trials(&other), whole);
    }
    let said = import(&bench, &[&data("tables/optuna.json")]);
    assert!(said.code == 2 && said.err.contains("optuna.json: error: is JSON, not CSV"), "{}", said.err);
    let said = import(&bench, &["nowhere1", "nowhere2"]);
    assert!(said.code == 1 && said.err.contains("nowhere1: no such file or folder"), "{}", said.err);
    let said = import(&bench, &[&data("tables/optuna-tab.tsv"), "--delimiter", ";"]);
    assert!(said.code == 2 && said.err.contains("Is there another --delimiter?"), "{}", said.err);
}

/// F-068, F-069: the parent run and the crashed one of MLflow have no point; NaN is an empty cell there, None a word.
#[test]
fn a_table_of_mlflow_comes_in_without_its_parent_run() {
    let bench = bench(SCHED);
    let said = import(&bench, &[&data("tables/mlflow.csv"), "--empty", "sched=none"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("6 trials (2 failed, 4 succeeded)"), "{}", said.err);
    assert!(said.err.contains("1 row was left out, without all hyperparameters and without a result"), "{}", said.err);
    assert!(said.err.contains("1 row ended well without an objective, taken as failed"), "{}", said.err);
    assert!(said.err.contains("sched is empty in 3 rows"), "{}", said.err);
    let more = ["--empty", "sched=none", "--without-objective", "infeasible"];
    let said = import(&bench, &[&[&*data("tables/mlflow.csv")], &more[..]].concat());
    assert!(said.err.contains("6 trials (1 failed, 1 infeasible, 4 succeeded)"), "{}", said.err);
    assert!(said.err.contains("1 row ended well without an objective, taken as infeasible"), "{}", said.err);
}

/// F-073: what no tool known here writes is said on the command line.
#[test]
fn a_word_of_state_may_be_given_its_meaning() {
    let bench = bench(WIDTH);
    let rows =
        "name,state,loss,lr,width\na,Parked,,0.1,16\nb,TrialState.COMPLETE,0.5,0.1,16\nc,EarlyStopped,0.4,0.1,32\n";
    std::fs::write(bench.file("t.csv"), rows).unwrap();
    let said = import(&bench, &["t.csv"]);
    assert!(said.code == 2 && said.err.contains("--state-word Parked=OUTCOME"), "{}", said.err);
    let said = import(&bench, &["t.csv", "--state-word", "Parked=pending"]);
    assert!(said.err.contains("3 trials (1 pending, 1 stopped, 1 succeeded)"), "{}", said.err);
    let said = import(&bench, &["t.csv", "--state-word", "Parked=gone"]);
    assert!(said.code == 2 && said.err.contains("unknown outcome gone"), "{}", said.err);
}

/// One bad row blocks nothing where that is asked for, and is said all the same.
#[test]
fn rows_that_are_wrong_may_be_left_out() {
    let bench = bench(WIDTH);
    std::fs::write(bench.file("t.csv"), "name,loss,lr,width\na,0.5,0.1,16\nb,0.4,7,16\nb,0.4,0.1,16\nc,half,0.1,16\n")
        .unwrap();
    let said = import(&bench, &["t.csv"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("--skip-invalid leaves out what is wrong"), "{}", said.err);
    let said = import(&bench, &["t.csv", "--skip-invalid"]);
    assert_eq!((said.code, trials(&said).len()), (0, 1), "{}", said.err);
    assert!(said.err.contains("t.csv:3:7: error: hyperparameters.lr: 7"), "{}", said.err);
    assert!(said.err.contains("3 rows were left out for the errors above"), "{}", said.err);
    std::fs::write(bench.file("t.csv"), "name,loss,lr,width\nb,0.4,7,16\n").unwrap();
    assert_eq!(import(&bench, &["t.csv", "--skip-invalid"]).code, 2, "nothing would be left");
}

/// Whatever path it is given by.
#[test]
fn a_file_that_is_read_is_not_written_over() {
    let bench = bench(WIDTH);
    let table = "name,loss,lr,width\na,0.5,0.1,16\n";
    std::fs::write(bench.file("t.csv"), table).unwrap();
    std::os::unix::fs::symlink("t.csv", bench.file("link.csv")).unwrap();
    for out in ["t.csv", "./t.csv", "link.csv", "study.yaml"] {
        let said = import(&bench, &["t.csv", "--out", out]);
        assert!(said.code == 1 && said.err.contains("this file is also read. Give another one"), "{out}: {said:?}");
    }
    assert_eq!(std::fs::read_to_string(bench.file("t.csv")).unwrap(), table);
    assert_eq!(import(&bench, &["t.csv", "--out", "t.jsonl"]).code, 0);
    let lines = std::fs::read_to_string(bench.file("t.jsonl")).unwrap();
    for command in ["export", "report"] {
        let source = [command, "--study", "study.yaml", "--trials", "t.jsonl", "--out", "t.jsonl"];
        let said = bench.call(&source);
        assert!(said.code == 1 && said.err.contains("--out t.jsonl: this file is also read"), "{command}: {said:?}");
    }
    assert_eq!(std::fs::read_to_string(bench.file("t.jsonl")).unwrap(), lines);
    assert_eq!(import(&bench, &["t.csv", "--out", "t.jsonl"]).code, 0, "an older result may be");
}

/// F-077: in a table with curves, and in a file of trials.
#[test]
fn an_objective_that_contradicts_its_curve_is_counted() {
    let bench = bench(WIDTH);
    std::fs::write(bench.file("t.csv"), "name,loss,lr,width\na,0.3,0.1,16\nb,0.25,0.2,16\n").unwrap();
    let curves = "trial,metric,step,value\na,loss,90,0.8\na,loss,100,0.9\nb,loss,90,0.25\nb,loss,100,0.3\n";
    std::fs::write(bench.file("curves.csv"), curves).unwrap();
    let said = import(&bench, &["t.csv", "--measurements", "curves.csv", "--out", "t.jsonl"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let told = "the objective of 1 trial differs from what the study selects of the trial's curve (of a 0.8 at step 90, where the \
                objective is 0.3); the objective was kept";
    assert!(said.err.contains(told), "{}", said.err);
    let said = bench.call(&["findings", "--study", "study.yaml", "--trials", "t.jsonl"]);
    assert!(said.err.contains(told), "{}", said.err);
}

/// F-070, F-072, F-082: files of trials as other languages write them.
#[test]
fn lines_of_trials_are_read_as_others_write_them() {
    let bench = bench(WIDTH);
    let read = |lines: &str| {
        std::fs::write(bench.file("t.jsonl"), lines).unwrap();
        bench.call(&["findings", "--study", "study.yaml", "--trials", "t.jsonl"])
    };
    let bom = "\u{feff}{\"hyperparameters\":{\"lr\":1.0000000149011612,\"width\":16.0},\"objective\":0.5,\"step\":20.0,\
               \"curves\":{\"loss\":[[10.0,0.6],[20.0,0.5]]}}\n";
    let said = read(bom);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("values of 1 trial differ in the last digits"), "{}", said.err);
    let said = read(r#"{"hyperparameters":{"lr":0.1,"width":16},"objective":null}"#);
    assert!(
        said.err.contains("the objective of 1 trial is null, taken as an objective of NaN: infeasible"),
        "{}",
        said.err
    );
    for (line, told) in [
        (r#"{"hyperparameters":{"lr":0.1,"width":16}}"#, "the line: does not say how the trial ended"),
        (
            r#"{"hyperparameters":{"lr":0.1,"width":16},"value":0.5}"#,
            "value: 0.5: is not a key of a trial. Did you mean objective?",
        ),
        (r#"{"hyperparameters":{"lr":1.01,"width":16},"objective":0.5}"#, "is outside the range of lr"),
    ] {
        let said = read(line);
        assert!(said.code == 2 && said.err.contains(told), "{line}: {}", said.err);
    }
}

/// What polars writes, which compresses with zstd unless it is told otherwise.
#[test]
fn parquet_is_read_however_it_is_compressed() {
    let bench = bench(SCHED);
    for compression in ["zstd", "gzip", "lz4", "snappy"] {
        let said = import(&bench, &[&data(&format!("tables/polars-{compression}.parquet"))]);
        assert_eq!(said.code, 0, "{compression}: {}", said.err);
        let all = trials(&said);
        assert_eq!(all.len(), 5, "{compression}");
        assert_eq!(all[4], ("t4".to_owned(), 0.300_000_000_000_000_04, Some(0.1), None, 0), "{compression}");
    }
}

/// A wrong row of the curves is its trial's, and blocks no other where that is asked for.
#[test]
fn a_wrong_measurement_is_its_trials_alone() {
    let bench = bench(WIDTH);
    std::fs::write(bench.file("t.csv"), "name,lr,width\na,0.1,16\nb,0.2,16\n").unwrap();
    let curves = "trial,metric,step,value\na,loss,90,0.8\na,loss,-5,0.9\nb,loss,90,0.25\nb,loss,90,0.3\n";
    std::fs::write(bench.file("curves.csv"), curves).unwrap();
    let said = import(&bench, &["t.csv", "--measurements", "curves.csv"]);
    let told = "curves.csv:3:8: error: step: expected a whole number from 0, got `-5`";
    assert!(said.code == 2 && said.err.contains(told), "{}", said.err);
    assert!(said.err.contains("--skip-invalid leaves out what is wrong"), "{}", said.err);
    let said = import(&bench, &["t.csv", "--measurements", "curves.csv", "--skip-invalid"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(trials(&said), [("b".to_owned(), 0.2, Some(0.3), Some(90), 1)]);
    assert!(said.err.contains(told) && said.err.contains("1 row was left out for the errors above"), "{}", said.err);
    let repeated = "note: --measurements: 1 row repeats a step";
    assert!(said.err.contains(repeated), "{}", said.err);
    // One that is cut off, too.
    std::fs::write(bench.file("curves.csv"), "trial,metric,step,value\nb,loss,90,0.8\na,loss,90,0.7\na,lo").unwrap();
    let said = import(&bench, &["t.csv", "--measurements", "curves.csv", "--skip-invalid"]);
    assert_eq!((said.code, trials(&said).len()), (0, 1), "{}", said.err);
    assert!(said.err.contains("curves.csv:4: error: the row has 2 cells"), "{}", said.err);
    std::fs::write(bench.file("curves.csv"), "trial,metric,step,value\na,loss,90,0.8\n,loss,90,0.9\n").unwrap();
    let said = import(&bench, &["t.csv", "--measurements", "curves.csv"]);
    assert!(said.code == 2 && said.err.contains("a measurement needs a trial and a metric"), "{}", said.err);
}

#[test]
fn a_constraint_of_nan_is_violated_and_noted() {
    let bench = Bench::with(
        &STUDY
            .replace("HYPERPARAMETER", WIDTH)
            .replace("  rounds:", "  constraints: [{metric: memory, max: 5}]\n  rounds:"),
    );
    std::fs::write(bench.file("t.csv"), "name,loss,lr,width,memory\na,0.3,0.1,16,inf\nb,0.4,0.2,16,3\n").unwrap();
    let said = import(&bench, &["t.csv", "--out", "t.jsonl"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("memory is not finite in 1 row, which violates its constraint"), "{}", said.err);
    let said = bench.call(&["top", "--study", "study.yaml", "--trials", "t.jsonl", "--format", "json"]);
    let top: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(top["best"]["name"], "b", "{}", said.out);
}

#[test]
fn a_table_without_rows_is_said_to_have_none() {
    let bench = bench(WIDTH);
    std::fs::write(bench.file("t.csv"), "name,loss,lr,width\n").unwrap();
    let said = import(&bench, &["t.csv"]);
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
    assert!(said.err.contains("note: there is a heading, and no row below it"), "{}", said.err);
}

/// F-074: a list of choices that are no values says so.
#[test]
fn a_choice_of_nothing_is_refused_with_what_it_is() {
    let bench = bench("{name: sched, values: [null, a]}");
    let said = bench.call(&["validate", "study.yaml"]);
    assert_eq!(said.code, 2, "{}", said.err);
    let told = "must be a number, a name, true or false, not a list, a mapping, null or NaN";
    assert!(said.err.contains(told) && !said.err.contains("while NaN"), "{}{}", said.out, said.err);
}
