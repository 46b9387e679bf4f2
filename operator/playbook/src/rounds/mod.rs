//! Rounds: which points each has, and where they come from.

use studious_api::{Hyperparameters, TrialSpec};

use crate::{Plan, TrialKey, decide::TrialState};

/// A point of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundPoint {
    /// Where the trial stands in its study.
    pub key: TrialKey,
    /// The point.
    pub hyperparameters: Hyperparameters,
}

/// Names of all rounds in order, `retrain` last if the study retrains.
#[must_use]
pub fn names(plan: &Plan) -> Vec<String> {
    plan.spec()
        .rounds
        .iter()
        .map(|r| r.name.clone())
        .chain(plan.spec().retrain.as_ref().map(|_| "retrain".to_owned()))
        .collect()
}

/// The points of a round in the order of their index, or `None` when the round takes the best points of an earlier one
/// which has none. Only called once the rounds before have ended.
#[must_use]
pub fn points(plan: &Plan, round: &str, trials: &[TrialState]) -> Option<Vec<RoundPoint>> {
    let _ = (plan, round, trials);
    None
}

/// Trials planned in all rounds.
#[must_use]
pub fn total_trials(plan: &Plan) -> u32 {
    let _ = plan;
    0
}

/// Everything needed to run a point of a round.
#[must_use]
pub fn trial_spec(plan: &Plan, point: &RoundPoint) -> TrialSpec {
    let spec = plan.spec();
    TrialSpec {
        study: plan.name().to_owned(),
        round: point.key.round.clone(),
        index: point.key.index,
        hyperparameters: point.hyperparameters.clone(),
        max_train_steps: 1,
        schedule: None,
        objective: spec.objective.clone(),
        evaluation: spec.evaluation.clone(),
        checkpoint: spec.checkpoint.clone(),
        seeds: crate::seeds::of_trial(plan, &point.key, false),
        hosts: spec.trial.hosts,
        verify: studious_api::study::SeedVerification::Required,
        failure: spec.failure.clone(),
        timeout_seconds: spec.trial.timeout_seconds,
        stop: None,
        template: spec.trial.template.clone(),
    }
}
