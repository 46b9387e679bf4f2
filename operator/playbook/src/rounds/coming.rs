//! Trials that a study will still make.

use std::collections::HashMap;

use super::{names, points, trials_in};
use crate::{Plan, TrialKey, record::TrialRecord, trial::TrialState};

/// The trials of the rounds that have begun which aren't made yet, by those that are: records without a result or a name.
/// While they are to come, that there are so few results isn't held against the study.
///
/// Trials are known by the names that the plan gives them ([`Plan::trial_name`]).
#[must_use]
pub fn to_come(plan: &Plan, made: &[TrialRecord]) -> Vec<TrialRecord> {
    let by_name: HashMap<&str, &TrialRecord> = made.iter().map(|trial| (trial.name.as_str(), trial)).collect();
    let mut states: Vec<TrialState> = Vec::new();
    let mut coming = Vec::new();
    for round in names(plan) {
        let keys = (0..trials_in(plan, &round)).map(|index| TrialKey { round: round.clone(), index });
        let known = keys.filter_map(|key| Some((by_name.get(plan.trial_name(&key).as_str())?, key)));
        let before = states.len();
        states.extend(known.map(|(trial, key)| state(trial, key)));
        if states.len() == before {
            continue;
        }
        let points = points(plan, &round, &states).unwrap_or_default();
        let missing = points.into_iter().filter(|point| !by_name.contains_key(plan.trial_name(&point.key).as_str()));
        coming.extend(missing.map(|point| TrialRecord {
            round: point.key.round,
            hyperparameters: point.hyperparameters,
            ..TrialRecord::default()
        }));
    }
    coming
}

fn state(trial: &TrialRecord, key: TrialKey) -> TrialState {
    TrialState {
        phase: trial.outcome.phase(),
        objective: trial.objective(),
        metrics: trial.metrics.clone(),
        ..TrialState::created(key, trial.hyperparameters.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{record::Outcome, studies};

    const TWO_ROUNDS: &str = "
hyperparameters:
- {name: optimizer, role: Scientific, values: [sgd, adam]}
- {name: learning_rate, range: {min: 0.001, max: 1, scale: Log}}
rounds:
- {name: explore, trials: 6, maxTrainSteps: 100}
- {name: longer, maxTrainSteps: 200, from: {round: explore, best: 1, per: Scientific}}
";

    /// As many trials of a round as are made, each with a result.
    fn made(plan: &Plan, round: &str, count: usize, before: &[TrialRecord]) -> Vec<TrialRecord> {
        let states: Vec<TrialState> = before
            .iter()
            .enumerate()
            .map(|(i, trial)| state(trial, TrialKey { round: trial.round.clone(), index: u32::try_from(i).unwrap() }))
            .collect();
        let points = points(plan, round, &states).unwrap();
        let record = |(i, point): (usize, super::super::RoundPoint)| TrialRecord {
            name: plan.trial_name(&point.key),
            round: point.key.round,
            hyperparameters: point.hyperparameters,
            outcome: Outcome::Succeeded { objective: i as f64, step: Some(100) },
            ..TrialRecord::default()
        };
        points.into_iter().enumerate().take(count).map(record).collect()
    }

    #[test]
    fn trials_of_a_round_that_has_begun_are_to_come() {
        let plan = studies::plan(TWO_ROUNDS);
        assert_eq!(to_come(&plan, &[]), []);
        let some = made(&plan, "explore", 2, &[]);
        let coming = to_come(&plan, &some);
        assert_eq!(coming.len(), 4);
        assert!(coming.iter().all(|trial| trial.outcome == Outcome::Pending && trial.round == "explore"));
        assert!(!coming.iter().any(|trial| some.iter().any(|made| made.hyperparameters == trial.hyperparameters)));
        let all = made(&plan, "explore", 6, &[]);
        assert_eq!(to_come(&plan, &all), []);
    }

    #[test]
    fn the_best_of_a_round_are_to_come_in_the_next() {
        let plan = studies::plan(TWO_ROUNDS);
        let explored = made(&plan, "explore", 6, &[]);
        let longer = made(&plan, "longer", 2, &explored);
        assert_eq!(longer.len(), 2);
        let begun: Vec<TrialRecord> = explored.iter().chain(&longer[..1]).cloned().collect();
        let coming = to_come(&plan, &begun);
        assert_eq!(coming.len(), 1);
        assert_eq!(coming[0].hyperparameters, longer[1].hyperparameters);
    }
}
