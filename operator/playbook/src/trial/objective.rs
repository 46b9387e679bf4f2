//! Which evaluation of a trial is its objective.

use studious_api::study::{Direction, Select};

use crate::{Plan, record::TrialRecord, rounds};

/// The evaluation that `select` names, as step and value, of evaluations in the order of their steps. Of equal values the
/// earliest is the best; a value that is not finite is no evaluation.
#[must_use]
pub fn selected(
    evaluations: impl IntoIterator<Item = (u64, f64), IntoIter: DoubleEndedIterator>,
    direction: Direction,
    select: Select,
) -> Option<(u64, f64)> {
    let mut finite = evaluations.into_iter().filter(|(_, value)| value.is_finite());
    match select {
        Select::Best => finite.reduce(|best, next| if direction.better(next.1, best.1) { next } else { best }),
        Select::Final => finite.next_back(),
    }
}

/// The objective of a trial of `round` by the curve of the study's metric. As while the trial runs, values at steps beyond
/// the round's `maxTrainSteps` do not count.
#[must_use]
pub fn objective_of_curve(plan: &Plan, round: &str, curve: &[(u64, f64)]) -> Option<(u64, f64)> {
    let objective = &plan.spec().objective;
    let budget = rounds::max_train_steps(plan, round);
    selected(curve.iter().copied().filter(|(step, _)| *step <= budget), objective.direction, objective.select)
}

/// How far an objective may be from its curve's, as float32 leaves it.
const LAST_DIGITS: f64 = 1e-6;

/// What the study selects of the curve of a trial that succeeded, where it contradicts the trial's objective. Of a trial of
/// no round it may be what any round selects.
#[must_use]
pub fn contradicting(plan: &Plan, trial: &TrialRecord) -> Option<(u64, f64)> {
    let objective = trial.objective()?;
    let curve = trial.curves.get(&plan.spec().objective.metric)?;
    let rounds = if trial.round.is_empty() { rounds::names(plan) } else { vec![trial.round.clone()] };
    let selections: Vec<_> = rounds.iter().filter_map(|round| objective_of_curve(plan, round, curve)).collect();
    let agrees = |(_, value): &(u64, f64)| (value - objective).abs() <= LAST_DIGITS * value.abs().max(objective.abs());
    if selections.iter().any(agrees) { None } else { selections.last().copied() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::studies;

    #[test]
    fn the_earliest_of_the_best_or_the_last_finite_value_is_selected() {
        let curve = [(10, f64::NAN), (20, 0.5), (30, 0.2), (40, 0.7), (50, 0.2), (60, 0.4), (70, f64::INFINITY)];
        for (direction, select, expected) in [
            (Direction::Minimize, Select::Best, (30, 0.2)),
            (Direction::Maximize, Select::Best, (40, 0.7)),
            (Direction::Minimize, Select::Final, (60, 0.4)),
            (Direction::Maximize, Select::Final, (60, 0.4)),
        ] {
            assert_eq!(selected(curve, direction, select), Some(expected), "{direction:?} {select:?}");
        }
        assert_eq!(selected([(10, f64::NAN)], Direction::Minimize, Select::Best), None);
        assert_eq!(selected([], Direction::Minimize, Select::Final), None);
    }

    #[test]
    fn evaluations_beyond_the_rounds_budget_do_not_count() {
        let plan = studies::plan(studies::DIGITS);
        let curve = [(500, 0.3), (501, 0.1), (3000, 0.2), (3001, 0.0)];
        assert_eq!(objective_of_curve(&plan, "explore", &curve), Some((500, 0.3)));
        assert_eq!(objective_of_curve(&plan, "confirm", &curve), Some((501, 0.1)));
        assert_eq!(objective_of_curve(&plan, rounds::RETRAIN, &curve), Some((501, 0.1)));
        assert_eq!(objective_of_curve(&plan, "explore", &curve[1..]), None);
    }

    /// F-077.
    #[test]
    fn an_objective_that_is_not_of_its_curve_contradicts_it() {
        let plan = studies::plan(studies::DIGITS);
        let metric = &plan.spec().objective.metric;
        let trial = |round: &str, objective: f64| TrialRecord {
            round: round.to_owned(),
            outcome: crate::record::Outcome::Succeeded { objective, step: None },
            curves: [(metric.clone(), vec![(400, 0.8), (500, 0.3), (3000, 0.1)])].into(),
            ..TrialRecord::default()
        };
        for (round, objective, expected) in [
            ("explore", 0.3, None),
            ("explore", f64::from(0.3_f32), None),
            ("explore", 0.1, Some((500, 0.3))),
            ("confirm", 0.1, None),
            ("", 0.3, None),
            ("", 0.1, None),
            ("", 0.2, Some((3000, 0.1))),
        ] {
            assert_eq!(contradicting(&plan, &trial(round, objective)), expected, "{round} {objective}");
        }
        assert_eq!(contradicting(&plan, &TrialRecord::default()), None);
    }
}
