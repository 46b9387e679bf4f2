//! What a study would do.

use schemars::JsonSchema;
use serde::Serialize;
use studious_api::{Hyperparameters, study::Direction};
use studious_playbook::{Plan, design::Design, rounds, study::pace};

use super::{Printable, validation::ValidatedFile};

/// What a study would do.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanDocument {
    /// Its name.
    pub study: String,
    /// What it is to answer.
    pub goal: String,
    /// What is optimized.
    pub objective: PlannedObjective,
    /// Its rounds in order, retraining last.
    pub rounds: Vec<PlannedRound>,
    /// Trials of all rounds.
    pub trials: u32,
    /// Training steps of all trials.
    pub train_steps: u64,
    /// Trials at once.
    pub parallelism: u32,
    /// Hosts of each trial.
    pub hosts: u32,
    /// The scientific configurations that have an equal share of the trials; empty where none have.
    pub arms: Vec<Hyperparameters>,
    /// That the space has fewer points than trials were asked, if it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortfall: Option<String>,
    /// The study explained: its question, what its points cover, how its trials are split, what it costs and what its findings
    /// could see.
    pub design: Design,
    /// The points that are known before any result, in the order of rounds.
    pub points: Vec<PlannedPoint>,
    /// What the playbook advises against, as in a Validation.
    pub validation: ValidatedFile,
}

/// What is optimized.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedObjective {
    /// The metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
}

/// A round.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedRound {
    /// Its name.
    pub name: String,
    /// Its trials; fewer run where there are fewer points.
    pub trials: u32,
    /// Training steps of each.
    pub max_train_steps: u64,
    /// The round whose best points it takes; missing where it has points of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// A point that will be tried.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedPoint {
    /// The name of its trial.
    pub trial: String,
    /// Its round.
    pub round: String,
    /// The point.
    pub hyperparameters: Hyperparameters,
}

impl Printable for PlanDocument {
    const KIND: &'static str = "Plan";
}

impl PlanDocument {
    pub(crate) fn new(plan: &Plan, design: Design, validation: ValidatedFile) -> Self {
        let spec = plan.spec();
        let names = rounds::names(plan);
        let planned = |name: &String| {
            let declared = spec.rounds.iter().find(|round| round.name == *name);
            let from = match declared {
                Some(round) => round.from.as_ref().filter(|from| from.best.is_some()).map(|from| from.round.clone()),
                // Retraining takes those of the last.
                None => spec.rounds.last().map(|round| round.name.clone()),
            };
            PlannedRound {
                name: name.clone(),
                trials: rounds::trials_in(plan, name),
                max_train_steps: rounds::max_train_steps(plan, name),
                from,
            }
        };
        let known = names.iter().filter_map(|round| rounds::points(plan, round, &[])).flatten();
        let points = known.map(|point| PlannedPoint {
            trial: plan.trial_name(&point.key),
            round: point.key.round,
            hyperparameters: point.hyperparameters,
        });
        Self {
            study: plan.name().to_owned(),
            goal: spec.goal.clone(),
            objective: PlannedObjective { metric: spec.objective.metric.clone(), direction: spec.objective.direction },
            rounds: names.iter().map(planned).collect(),
            trials: plan.total_trials(),
            train_steps: pace::steps_planned(plan),
            parallelism: spec.parallelism,
            hosts: spec.trial.hosts,
            arms: plan.arms().map(<[_]>::to_vec).unwrap_or_default(),
            shortfall: plan.shortfall().map(ToString::to_string),
            points: points.collect(),
            design,
            validation,
        }
    }
}
