//! Every way of being wrong that we could think of, and what is said of it. Read the snapshot as a user would.

use std::fmt::Write;

use serde_json::{Value, json};
use studious_api::document;

use crate::STUDY;

mod cases;

use cases::WRONG;

/// Faults of three kinds: of YAML (a key twice, a tag, a doubtful word), of fields, and of rules.
const THREE_KINDS: &str = "\
apiVersion: studious.dev/v1
kind: Study
metadata: {name: Three_Kinds}
spec:
  goal: !secret Which one?
  objective: {metric: test_error, direction: Minimise}
  parallelism: 4
  parallelism: 8
  hyperparameters:
  - {name: lr, range: {min: 0, max: 1, scale: Log}}
  - {name: width, range: {min: 64, max: sixteen, integer: true}}
  - {name: depth, values: 3}
  - {name: nesterov, values: [yes, no]}
  - {nmae: dropout, when: {nesterv: [true]}, range: {min: 0.9, max: 0.1}}
  rounds:
  - {name: explore, trials: many, maxTrainSteps: 500}
  - {name: confirm, trials: 4, maxTrainSteps: 100}
  schedule: {family: Cosine, base: lr, warmupFraction: 2}
  evaluation: {}
  trial:
    hosts: 2
    template:
      spec:
        restartPolicy: Always
        containers:
        - {name: trainer, image: Trainer:1, command: [python, 3, --drop=$(HP_DROPOUT), --x=$(STUDIOUS_X)]}
";

/// Whatever can be judged is, of all layers at once, each fault once and in the order of the file.
#[test]
fn faults_of_all_kinds_are_told_at_once() {
    let problems = document::read("study.yaml", THREE_KINDS).unwrap_err();
    let told = problems.iter().fold(String::new(), |told, problem| told + &problem.to_string() + "\n");
    insta::assert_snapshot!(told);
}

fn changed(before: &str, after: &str) -> String {
    assert!(STUDY.contains(before), "the study has no {before:?}");
    STUDY.replacen(before, after, 1)
}

#[test]
fn wrong_studies_are_refused_at_their_line() {
    let mut told = String::new();
    for (what, before, after) in WRONG {
        writeln!(told, "# {what}").unwrap();
        match document::read("study.yaml", &changed(before, after)) {
            Ok(_) => panic!("{what} is accepted"),
            Err(problems) => problems.iter().for_each(|p| writeln!(told, "{p}").unwrap()),
        }
        told.push('\n');
    }
    insta::assert_snapshot!(told);
}

/// F-120: variables are called by names.
#[test]
fn the_variable_of_an_alias_is_refused_with_that_of_the_name() {
    let text = changed("name: learning_rate,", "name: learning_rate, alias: optim.lr,")
        .replace("studious_trainer.digits]", "train, optim.lr=$(HP_OPTIM_LR)]");
    let problems = document::read("study.yaml", &text).unwrap_err();
    let [problem] = problems.as_slice() else { panic!("{problems:#?}") };
    assert!(problem.message.contains("Write $(HP_LEARNING_RATE): variables are called by the name"), "{problem}");
    document::read("study.yaml", &text.replace("HP_OPTIM_LR", "HP_LEARNING_RATE")).unwrap();
}

/// What is put in place of a field that can't be read decides nothing: only what holds with any value is told.
#[test]
fn nothing_is_said_of_what_could_not_be_read() {
    for (what, before, after, fields) in [
        (
            "a round of unknown length",
            "maxTrainSteps: 500",
            "maxTrainSteps: long",
            &["spec.rounds[0].maxTrainSteps"][..],
        ),
        ("rounds that are no list", "  rounds:\n", "  rounds: 3\n  ignored:\n", &["spec.ignored", "spec.rounds"]),
        (
            "a hyperparameter without a name",
            "{name: learning_rate, role",
            "{nmae: learning_rate, role",
            &["spec.hyperparameters[1].nmae"],
        ),
        (
            "unknown values of what conditions name",
            "values: [sgd, momentum, nesterov]",
            "values: sgd",
            &["spec.hyperparameters[0].values"],
        ),
        (
            "a base of an unknown kind",
            "range: {min: 1.0e-4, max: 10, scale: Log}",
            "values: 3",
            &["spec.hyperparameters[1].values"],
        ),
        ("a missing template", "    template:\n", "    tmplate:\n", &["spec.trial.tmplate"]),
        ("no spec", "spec:\n", "spce:\n", &["spce"]),
    ] {
        let problems = document::read("study.yaml", &changed(before, after)).unwrap_err();
        let told: Vec<_> = problems.iter().map(|p| p.violation.as_ref().unwrap().field.as_str()).collect();
        let mut told_once = told.clone();
        told_once.sort_unstable();
        assert_eq!(told_once, fields, "{what}: {problems:#?}");
    }
}

/// Every field of a study in turn holds something of another kind: that is told, and nothing else.
#[test]
fn one_field_of_the_wrong_kind_is_one_fault() {
    let study: Value = serde_yaml::from_str(STUDY).unwrap();
    let mut fields = Vec::new();
    walk(&study["spec"], "", &mut fields);
    let mut told = 0;
    for pointer in fields {
        let mut spec = study["spec"].clone();
        let field = spec.pointer_mut(&pointer).unwrap();
        *field = if field.is_array() { json!("wrong") } else { json!([["wrong"]]) };
        let found = document::refusals("digits", &spec);
        let path = pointer.split('/').skip(1).fold("spec".to_owned(), |path, step| match step.parse::<usize>() {
            Ok(i) => format!("{path}[{i}]"),
            Err(_) => format!("{path}.{step}"),
        });
        // Values may be of any kind as far as the schema goes: rules refuse those, and what depends on them.
        if [".values", ".value", ".when"].iter().any(|part| path.contains(part)) {
            continue;
        }
        let others: Vec<_> = found.iter().filter(|violation| !violation.field.starts_with(&path)).collect();
        assert!(!found.is_empty() && others.is_empty(), "{path}: {others:#?}");
        told += found.len();
    }
    assert!(told > 60, "{told}");
}

/// JSON pointers to every field.
fn walk(value: &Value, at: &str, fields: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, value)| (format!("{at}/{name}"), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, value)| (format!("{at}/{i}"), value)).collect(),
        _ => Vec::new(),
    };
    for (pointer, value) in below {
        fields.push(pointer.clone());
        walk(value, &pointer, fields);
    }
}

/// in every spelling that trainers have, and not what only looks like it.
#[test]
fn the_length_of_training_is_refused_in_every_spelling() {
    let told = |hyperparameter: &str| {
        let study = STUDY.replace("{name: width,", &format!("{{{hyperparameter},"));
        assert_ne!(study, STUDY, "{hyperparameter}");
        let problems = document::read("study.yaml", &study).err().unwrap_or_default();
        problems.iter().any(|problem| problem.message.starts_with("MaxTrainStepsTuned: "))
    };
    for name in [
        "max_train_steps",
        "train_epochs",
        "epochs",
        "num_epochs",
        "nEpochs",
        "iterations",
        "max_iter",
        "numTrainSteps",
        "steps",
        "total_steps",
        "n_epochs",
        "training_iterations",
        "num_updates",
        "max_epochs",
        "num_epoch",
        "env_steps",
        "total_env_steps",
        "train_tokens",
    ] {
        assert!(told(&format!("name: {name}")), "{name}");
    }
    for alias in ["trainer.max_epochs", "runner.max_iters", "train.epochs", "hp/num_train_steps", "--epochs"] {
        assert!(told(&format!("name: w, alias: {alias}")), "{alias}");
    }
    // A name that says what else it counts.
    for alias in ["n_steps", "steps", "n_epochs"] {
        assert!(!told(&format!("name: rollout_length, alias: {alias}")), "{alias}");
        assert!(told(&format!("name: max_steps, alias: {alias}")), "{alias}");
    }
    for name in
        ["warmup_steps", "decay_steps", "eval_steps", "ns_steps", "critic_iterations", "steps_per_epoch", "stepsize"]
    {
        assert!(!told(&format!("name: {name}")), "{name}");
    }
}
