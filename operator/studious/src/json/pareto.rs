//! Trials by two metrics.

use schemars::JsonSchema;
use serde::Serialize;
use studious_api::{Hyperparameters, study::Direction};
use studious_playbook::pareto::{Pareto, Second};

use super::Printable;
use crate::source::LoadedStudy;

/// The trials of the round that the answer is drawn from, by the objective and a second metric.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParetoDocument {
    /// The study's name.
    pub study: String,
    /// The round.
    pub round: String,
    /// Training steps of its trials.
    pub max_train_steps: u64,
    /// The study's objective.
    pub objective: ParetoMetric,
    /// The second metric.
    pub second: ParetoMetric,
    /// The trials that succeeded and reported both: first those on the front, the best objective first, then all others
    /// likewise.
    pub trials: Vec<ParetoEntry>,
    /// How many trials more there are, beyond --limit.
    pub omitted: usize,
    /// Trials that succeeded and never reported the second metric.
    pub unknown: usize,
    /// Infeasible trials.
    pub infeasible: usize,
    /// Trials that a rule ended early.
    pub ended_early: usize,
}

/// A metric and which way it is better.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParetoMetric {
    /// The metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
}

/// A trial by both metrics.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParetoEntry {
    /// Its name.
    pub name: String,
    /// Its objective.
    pub objective: f64,
    /// The second metric at the step of its objective.
    pub second: f64,
    /// Whether no other trial is at least as good in both and better in one.
    pub on_front: bool,
    /// Whether it satisfies the study's constraints.
    pub satisfies_constraints: bool,
    /// Its point.
    pub hyperparameters: Hyperparameters,
}

impl Printable for ParetoDocument {
    const KIND: &'static str = "Pareto";
}

impl ParetoDocument {
    /// At most `limit` trials.
    pub(crate) fn new(study: &LoadedStudy, found: &Pareto<'_>, second: &Second, limit: usize) -> Self {
        let objective = &study.plan.spec().objective;
        let trials = found.candidates.iter().take(limit).map(|candidate| ParetoEntry {
            name: candidate.trial.name.clone(),
            objective: candidate.objective,
            second: candidate.second,
            on_front: candidate.is_on_front,
            satisfies_constraints: candidate.satisfies,
            hyperparameters: candidate.trial.hyperparameters.clone(),
        });
        Self {
            study: study.plan.name().to_owned(),
            round: found.round.to_owned(),
            max_train_steps: found.steps,
            objective: ParetoMetric { metric: objective.metric.clone(), direction: objective.direction },
            second: ParetoMetric { metric: second.metric.clone(), direction: second.direction },
            trials: trials.collect(),
            omitted: found.candidates.len().saturating_sub(limit),
            unknown: found.unknown,
            infeasible: found.infeasible,
            ended_early: found.ended_early,
        }
    }
}
