//! Which evaluation of a trial is its objective.

use studious_api::study::{Direction, Select};

use crate::{Plan, rounds};

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
}
