//! The order of trials, and the best of them.
//!
//! Rounds train for different numbers of steps, so trials of different rounds are never compared by their objective: a
//! later round counts more than an earlier one. Retraining chooses nothing: the best of several runs of one point leads by
//! seed variance (Deep Learning Tuning Playbook, *Understanding trial variance*). A trial that violates a constraint, or whose
//! constrained metrics aren't known, is never the best.

use std::cmp::Ordering;

use studious_api::{
    StudySpec,
    study::{Constraint, ConstraintStatus},
    trial::TrialPhase,
};

use crate::rounds::RETRAIN;

/// What the order of trials depends on.
pub trait Ranked {
    /// Name of its round; empty of a trial that ran elsewhere and knows none: it belongs to the first.
    fn round(&self) -> &str;
    /// Where it stands.
    fn phase(&self) -> TrialPhase;
    /// The finite objective of a trial that succeeded.
    fn objective(&self) -> Option<f64>;
    /// Another metric at the step of the objective, if it is known.
    fn metric(&self, name: &str) -> Option<f64>;
    /// The order of trials with equal objectives. By what they are, never by the order in which they came.
    fn tie_break(&self, other: &Self) -> Ordering;
}

/// The position of a round in its study, `retrain` after all others; `None` of a round that the study doesn't have. The
/// order of rounds is that of `spec.rounds`, whatever their names and step budgets.
#[must_use]
pub fn round_position(spec: &StudySpec, round: &str) -> Option<usize> {
    if round.is_empty() {
        return Some(0);
    }
    let named = spec.rounds.iter().position(|r| r.name == round);
    named.or_else(|| (round == RETRAIN && spec.retrain.is_some()).then_some(spec.rounds.len()))
}

/// Whether the trials of a round choose: whether one of them may be the best of the study.
#[must_use]
pub fn chooses(spec: &StudySpec, round: &str) -> bool {
    round_position(spec, round).is_some_and(|position| position < spec.rounds.len())
}

/// The latest round, by position, that any trial belongs to: the one that runs, or ran last.
#[must_use]
pub fn latest_round<'a>(spec: &StudySpec, rounds: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    rounds.into_iter().filter_map(|round| Some((round_position(spec, round)?, round))).max().map(|(_, round)| round)
}

/// Sorts by position of the round, those of unknown rounds last. Within a round the order stays.
pub fn sort_by_round<T>(spec: &StudySpec, trials: &mut [T], round: impl Fn(&T) -> &str) {
    trials.sort_by_key(|trial| round_position(spec, round(trial)).unwrap_or(usize::MAX));
}

/// How a trial stands to the study's constraints.
#[must_use]
pub fn standing<'a>(spec: &'a StudySpec, trial: &impl Ranked) -> ConstraintStatus<'a> {
    Constraint::judge_by(&spec.constraints, |name| trial.metric(name))
}

/// Whether a trial satisfies the study's constraints, for certain.
#[must_use]
pub fn satisfies(spec: &StudySpec, trial: &impl Ranked) -> bool {
    spec.constraints.is_empty() || standing(spec, trial).is_satisfied()
}

/// Two trials of one round: those that satisfy the constraints first, then by objective; those without an objective after
/// them, the ones that may still get one first.
fn within_round<T: Ranked>(spec: &StudySpec, a: &T, b: &T) -> Ordering {
    let by_result = match (a.objective(), b.objective()) {
        (Some(x), Some(y)) => {
            satisfies(spec, b).cmp(&satisfies(spec, a)).then(spec.objective.direction.best_first(x, y))
        }
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => hope(a.phase()).cmp(&hope(b.phase())),
    };
    by_result.then_with(|| a.tie_break(b))
}

/// The order of a table of trials, best first: the latest round that chooses, then those before it, then retraining, then
/// rounds that the study doesn't have.
#[must_use]
pub fn compare<T: Ranked>(spec: &StudySpec, a: &T, b: &T) -> Ordering {
    let place = |trial: &T| match round_position(spec, trial.round()) {
        Some(position) if position < spec.rounds.len() => spec.rounds.len() - 1 - position,
        Some(_) => spec.rounds.len(),
        None => usize::MAX,
    };
    place(a).cmp(&place(b)).then_with(|| within_round(spec, a, b))
}

/// Of trials without an objective, those that may still get one come first.
fn hope(phase: TrialPhase) -> u8 {
    match phase {
        TrialPhase::Succeeded => 0,
        TrialPhase::Running => 1,
        TrialPhase::Retrying => 2,
        TrialPhase::Pending => 3,
        TrialPhase::Stopped => 4,
        TrialPhase::Infeasible => 5,
        TrialPhase::Failed => 6,
    }
}

/// Trials of one round that succeeded, best first; those that satisfy the study's constraints before all others.
#[must_use]
pub fn ranked<'a, T: Ranked>(spec: &StudySpec, trials: impl IntoIterator<Item = &'a T>) -> Vec<&'a T> {
    let mut ranked: Vec<&T> = trials.into_iter().filter(|trial| trial.objective().is_some()).collect();
    ranked.sort_by(|a, b| within_round(spec, *a, *b));
    ranked
}

/// The best trial of a study: of the latest round that has a trial which succeeded and satisfies the constraints, the one
/// with the best objective. Retrainings are left out.
#[must_use]
pub fn best<'a, T: Ranked>(spec: &StudySpec, trials: impl IntoIterator<Item = &'a T>) -> Option<&'a T> {
    let mut best: Option<(usize, &T)> = None;
    for trial in trials {
        let Some(position) = round_position(spec, trial.round()).filter(|position| *position < spec.rounds.len())
        else {
            continue;
        };
        if trial.objective().is_none() || !satisfies(spec, trial) {
            continue;
        }
        let is_better = best.is_none_or(|(of, other)| {
            position.cmp(&of).reverse().then_with(|| within_round(spec, trial, other)) == Ordering::Less
        });
        if is_better {
            best = Some((position, trial));
        }
    }
    best.map(|(_, trial)| trial)
}

/// The best trial of one round, `retrain` included: for a line about that round, not for the study.
#[must_use]
pub fn best_of_round<'a, T: Ranked>(
    spec: &StudySpec,
    round: &str,
    trials: impl IntoIterator<Item = &'a T>,
) -> Option<&'a T> {
    let position = round_position(spec, round)?;
    let of_round = trials.into_iter().filter(|trial| round_position(spec, trial.round()) == Some(position));
    let candidates = of_round.filter(|trial| trial.objective().is_some() && satisfies(spec, *trial));
    candidates.min_by(|a, b| within_round(spec, *a, *b))
}

/// The round that a study's answer is drawn from: the latest with a trial that satisfies the constraints, or else the
/// latest in which any trial succeeded. Never `retrain`.
#[must_use]
pub fn concluding_round<'a, T: Ranked + 'a>(
    spec: &'a StudySpec,
    trials: impl IntoIterator<Item = &'a T>,
) -> Option<&'a str> {
    let (mut satisfying, mut any) = (None, None);
    for trial in trials.into_iter().filter(|trial| trial.objective().is_some()) {
        let position = round_position(spec, trial.round()).filter(|position| *position < spec.rounds.len());
        any = any.max(position);
        if position > satisfying && satisfies(spec, trial) {
            satisfying = position;
        }
    }
    spec.rounds.get(satisfying.or(any)?).map(|round| round.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        studies,
        trial::{TrialKey, TrialState},
    };

    /// Two rounds, the later one called `tune`, which sorts after `retrain`; a bound on `cost`.
    fn spec() -> StudySpec {
        let mut spec = studies::plan(studies::DIGITS).spec().clone();
        spec.rounds.truncate(2);
        spec.rounds[1].name = "tune".to_owned();
        spec.retrain = serde_yaml::from_str("{best: 1, times: 5}").unwrap();
        spec.constraints = serde_yaml::from_str("[{metric: cost, max: 5}]").unwrap();
        spec
    }

    fn trial(round: &str, index: u32, objective: f64, cost: Option<f64>) -> TrialState {
        let key = TrialKey { round: round.to_owned(), index };
        TrialState {
            phase: TrialPhase::Succeeded,
            objective: Some(objective),
            metrics: cost.into_iter().map(|cost| ("cost".to_owned(), cost)).collect(),
            attempt: 1,
            ..TrialState::created(key, studious_api::Hyperparameters::new())
        }
    }

    fn names(trials: &[&TrialState]) -> Vec<String> {
        trials.iter().map(|trial| format!("{}-{}", trial.key.round, trial.key.index)).collect()
    }

    #[test]
    fn retraining_chooses_nothing_and_bounds_hold() {
        let spec = spec();
        let trials = [
            trial("explore", 0, 0.01, Some(1.0)),
            trial("tune", 0, 0.10, Some(10.0)),
            trial("tune", 1, 0.12, Some(5.0)),
            trial("tune", 2, 0.11, None),
            trial("retrain", 0, 0.06, Some(1.0)),
        ];
        assert_eq!(best(&spec, &trials).map(|t| t.key.index), Some(1));
        assert_eq!(best(&spec, &trials[..1]).map(|t| t.key.round.as_str()), Some("explore"));
        assert_eq!(best(&spec, &trials[4..]), None);
        assert_eq!(concluding_round(&spec, &trials), Some("tune"));
        assert_eq!(concluding_round(&spec, &trials[1..2]), Some("tune"));
        assert_eq!(best_of_round(&spec, "retrain", &trials).map(|t| t.objective), Some(Some(0.06)));
        let mut all: Vec<&TrialState> = trials.iter().collect();
        all.sort_by(|a, b| compare(&spec, *a, *b));
        assert_eq!(names(&all), ["tune-1", "tune-0", "tune-2", "explore-0", "retrain-0"]);
        assert_eq!(names(&ranked(&spec, &trials[1..4])), ["tune-1", "tune-0", "tune-2"]);
    }

    #[test]
    fn rounds_are_in_the_order_of_the_spec_whatever_their_names() {
        let spec = spec();
        let mut rounds = ["elsewhere", "retrain", "tune", "explore"];
        sort_by_round(&spec, &mut rounds, |round| round);
        assert_eq!(rounds, ["explore", "tune", "retrain", "elsewhere"]);
        assert_eq!(latest_round(&spec, ["tune", "explore"]), Some("tune"));
        assert_eq!(latest_round(&spec, ["tune", "retrain", "explore"]), Some("retrain"));
        assert!(chooses(&spec, "tune") && !chooses(&spec, "retrain") && !chooses(&spec, "elsewhere"));
    }

    #[test]
    fn equals_are_told_apart_by_their_index_and_the_hopeful_come_first() {
        let spec = spec();
        let pending = |index, phase| TrialState {
            phase,
            ..TrialState::created(TrialKey { round: "tune".to_owned(), index }, studious_api::Hyperparameters::new())
        };
        let trials = [
            pending(5, TrialPhase::Failed),
            pending(4, TrialPhase::Running),
            trial("tune", 3, 0.1, Some(1.0)),
            trial("tune", 2, 0.1, Some(1.0)),
        ];
        assert_eq!(best(&spec, &trials).map(|t| t.key.index), Some(2));
        let mut all: Vec<&TrialState> = trials.iter().collect();
        all.sort_by(|a, b| compare(&spec, *a, *b));
        assert_eq!(names(&all), ["tune-2", "tune-3", "tune-4", "tune-5"]);
    }
}
