//! The trainer's environment, for programs that can't read `trial.json`: one definition for local runs and for Jobs.

use studious_api::reserved::{HOST_VARIABLE, TRIAL_DIR_VARIABLE, hyperparameter_variable};

use crate::SharedTrial;

/// What a variable holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum VariableValue {
    /// The same on every host.
    Text(String),
    /// The host's index: a Job has one template for all its pods.
    HostIndex,
}

/// A trainer's environment in the order in which its variables stand: those of [`TRAINER_VARIABLES`], then the active
/// hyperparameters. All stand before the template's own, which may refer to them. One that says nothing for this trial is
/// missing. `directory` is the trial directory as the trainer sees it.
///
/// [`TRAINER_VARIABLES`]: studious_api::reserved::TRAINER_VARIABLES
pub fn environment(trial: &SharedTrial, directory: &str) -> Vec<(String, VariableValue)> {
    let data_seed = trial.host.data_seeds.first();
    let checkpoint = trial.checkpoint.as_ref();
    let texts = [
        (TRIAL_DIR_VARIABLE, Some(directory.to_owned())),
        ("STUDIOUS_CHECKPOINTS", Some(format!("{directory}/checkpoints"))),
        ("STUDIOUS_RESTORE", Some(format!("{directory}/restore"))),
        ("STUDIOUS_STUDY", Some(trial.study.clone())),
        ("STUDIOUS_ROUND", Some(trial.round.clone())),
        ("STUDIOUS_TRIAL", Some(trial.name.clone())),
        ("STUDIOUS_ATTEMPT", Some(trial.attempt.to_string())),
        ("STUDIOUS_MAX_TRAIN_STEPS", Some(trial.max_train_steps.to_string())),
        ("STUDIOUS_EVALUATE_EVERY_STEPS", Some(trial.evaluation.every_steps.to_string())),
        ("STUDIOUS_CHECKPOINT_EVERY_STEPS", checkpoint.map(|checkpoint| checkpoint.every_steps.to_string())),
        ("STUDIOUS_SEED_INIT", Some(trial.seeds.init.to_string())),
        ("STUDIOUS_SEED_DATA", data_seed.map(ToString::to_string)),
        ("STUDIOUS_SEED_SPLIT", Some(trial.seeds.split.to_string())),
        ("STUDIOUS_HOST_COUNT", Some(trial.host.count.to_string())),
        ("STUDIOUS_COORDINATOR", trial.host.coordinator.clone()),
    ];
    let texts = texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), VariableValue::Text(value?))));
    let indexes = ["STUDIOUS_HOST_INDEX", HOST_VARIABLE].map(|name| (name.to_owned(), VariableValue::HostIndex));
    let point = trial.hyperparameters.iter();
    let point = point.map(|(name, value)| (hyperparameter_variable(name), VariableValue::Text(value.to_string())));
    texts.chain(indexes).chain(point).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use studious_api::reserved::TRAINER_VARIABLES;

    use super::*;

    fn trial(hosts: u32) -> SharedTrial {
        let coordinator = (hosts > 1).then_some("h:8476");
        let text = serde_json::json!({
            "study": "s", "round": "r", "name": "s-r-0000", "attempt": 2, "maxTrainSteps": 500,
            "hyperparameters": {"width": 64, "lr": 1e-5, "opt": "sgd"},
            "objective": {"metric": "e", "direction": "Minimize"}, "evaluation": {"everySteps": 50},
            "checkpoint": {"everySteps": 100, "keepBest": 1},
            "seeds": {"init": 1, "split": 3}, "host": {"count": hosts, "coordinator": coordinator, "dataSeeds": [7, 8]},
        });
        SharedTrial::parse(&text.to_string()).unwrap()
    }

    #[test]
    fn values_print_as_a_shell_would_want_them() {
        let env = environment(&trial(2), "/d");
        let shown: Vec<String> = env
            .iter()
            .map(|(name, value)| match value {
                VariableValue::Text(text) => format!("{name}={text}"),
                VariableValue::HostIndex => format!("{name}=?"),
            })
            .collect();
        assert_eq!(
            shown.join(" "),
            "STUDIOUS_TRIAL_DIR=/d STUDIOUS_CHECKPOINTS=/d/checkpoints STUDIOUS_RESTORE=/d/restore STUDIOUS_STUDY=s \
             STUDIOUS_ROUND=r STUDIOUS_TRIAL=s-r-0000 STUDIOUS_ATTEMPT=2 STUDIOUS_MAX_TRAIN_STEPS=500 \
             STUDIOUS_EVALUATE_EVERY_STEPS=50 STUDIOUS_CHECKPOINT_EVERY_STEPS=100 STUDIOUS_SEED_INIT=1 \
             STUDIOUS_SEED_DATA=7 STUDIOUS_SEED_SPLIT=3 STUDIOUS_HOST_COUNT=2 STUDIOUS_COORDINATOR=h:8476 \
             STUDIOUS_HOST_INDEX=? JOB_COMPLETION_INDEX=? HP_LR=1e-5 HP_OPT=sgd HP_WIDTH=64"
        );
    }

    /// F-120: variables are called by names; what the program calls a hyperparameter is every host's to read.
    #[test]
    fn aliases_make_no_variables_and_reach_every_host() {
        let mut shared = trial(2);
        let variables = environment(&shared, "/d");
        shared.aliases = [("lr".to_owned(), "optim.lr".to_owned())].into();
        assert_eq!(environment(&shared, "/d"), variables);
        let text = serde_json::to_string(&shared).unwrap();
        let host = SharedTrial::parse(&text).unwrap().for_host(1).unwrap();
        let json = serde_json::to_value(&host).unwrap();
        assert_eq!((&json["aliases"]["lr"], &json["hyperparameters"]["lr"]), (&"optim.lr".into(), &1e-5.into()));
        let without = serde_json::to_value(trial(1).for_host(0).unwrap()).unwrap();
        assert!(without.get("aliases").is_none(), "{without}");
    }

    /// F-115: what a study may name is what its trainers have.
    #[test]
    fn variables_are_those_that_validation_knows() {
        let names = |hosts| -> BTreeSet<String> {
            let names = environment(&trial(hosts), "/d").into_iter().map(|(name, _)| name);
            names.filter(|name| !name.starts_with("HP_")).collect()
        };
        assert_eq!(names(2), TRAINER_VARIABLES.iter().map(|(name, _)| (*name).to_owned()).collect());
        assert!(!names(1).contains("STUDIOUS_COORDINATOR"));
    }

    /// docs/trainer.md has every variable with what it holds.
    #[test]
    fn the_page_has_every_variable() {
        let page = include_str!("../../../docs/trainer.md");
        for (name, holds) in TRAINER_VARIABLES {
            let row = format!("| `{name}` | {holds} |");
            assert!(page.contains(&row), "docs/trainer.md lacks: {row}");
        }
    }
}
