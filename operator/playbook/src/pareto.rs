//! Trials by two metrics at once: which are not worse than another in both.

use studious_api::study::Direction;

use crate::{
    Plan,
    findings::reading::{Reading, RoundTrials},
    record::{Outcome, TrialRecord},
};

/// A metric beside the objective, and which way it is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Second {
    /// The metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
}

impl Second {
    /// A metric of a study. Unless said otherwise a metric with an upper bound is better when smaller, one with a lower bound
    /// alone when larger; one without a bound when smaller.
    #[must_use]
    pub fn of(plan: &Plan, metric: &str, direction: Option<Direction>) -> Self {
        let constraint = plan.spec().constraints.iter().find(|c| c.metric == metric);
        let by_bound = match constraint {
            Some(constraint) if constraint.max.is_none() => Direction::Maximize,
            _ => Direction::Minimize,
        };
        Self { metric: metric.to_owned(), direction: direction.unwrap_or(by_bound) }
    }
}

/// A trial that succeeded and reported both metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct ParetoTrial<'a> {
    /// The trial.
    pub trial: &'a TrialRecord,
    /// Its objective.
    pub objective: f64,
    /// The other metric at the step of its objective.
    pub second: f64,
    /// Whether it is on the front: no other is at least as good in both and better in one.
    pub is_on_front: bool,
    /// Whether it satisfies the study's constraints.
    pub satisfies: bool,
}

/// The trials of the round that the study's answer is drawn from, by two metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Pareto<'a> {
    /// The round.
    pub round: &'a str,
    /// Its step budget.
    pub steps: u64,
    /// Trials on the front, the best objective first; then all others likewise.
    pub candidates: Vec<ParetoTrial<'a>>,
    /// Trials that succeeded and never reported the other metric.
    pub unknown: usize,
    /// Infeasible trials.
    pub infeasible: usize,
    /// Trials that a rule ended early.
    pub ended_early: usize,
}

/// The trials of a study by its objective and a second metric; nothing before a trial has succeeded. The order of `trials`
/// changes nothing. Only trials of one round are compared: others have other step budgets.
#[must_use]
pub fn pareto<'a>(plan: &'a Plan, trials: &'a [TrialRecord], second: &Second) -> Option<Pareto<'a>> {
    let reading = Reading::new(plan, trials);
    let round = reading.concluding()?;
    Some(of_round(&reading, round, second))
}

pub(crate) fn of_round<'a>(reading: &Reading<'a>, round: &RoundTrials<'a>, second: &Second) -> Pareto<'a> {
    let ranked = reading.ranked(&round.trials);
    let mut candidates: Vec<ParetoTrial<'a>> = ranked
        .iter()
        .filter_map(|(trial, objective)| {
            let value = trial.metric(&second.metric).filter(|value| value.is_finite())?;
            let satisfies = reading.satisfies(trial);
            Some(ParetoTrial { trial, objective: *objective, second: value, is_on_front: false, satisfies })
        })
        .collect();
    let unknown = ranked.len() - candidates.len();
    let points: Vec<(f64, f64)> = candidates.iter().map(|c| (c.objective, c.second)).collect();
    for (candidate, on_front) in candidates.iter_mut().zip(front(reading.direction(), second.direction, &points)) {
        candidate.is_on_front = on_front;
    }
    candidates.sort_by(|a, b| {
        let objectives = order(reading.direction(), a.objective, b.objective);
        b.is_on_front.cmp(&a.is_on_front).then(objectives).then(order(second.direction, a.second, b.second))
    });
    Pareto {
        round: round.name,
        steps: round.steps,
        candidates,
        unknown,
        infeasible: round.trials.iter().filter(|t| matches!(t.outcome, Outcome::Infeasible { .. })).count(),
        ended_early: round.trials.iter().filter(|t| t.ended_early()).count(),
    }
}

/// The better first.
fn order(direction: Direction, a: f64, b: f64) -> std::cmp::Ordering {
    match direction {
        Direction::Minimize => a.total_cmp(&b),
        Direction::Maximize => b.total_cmp(&a),
    }
}

/// For each point whether no other is at least as good in both numbers and better in one. Equal points share their fate.
fn front(first: Direction, second: Direction, points: &[(f64, f64)]) -> Vec<bool> {
    let mut places: Vec<usize> = (0..points.len()).collect();
    places.sort_by(|a, b| {
        let ((a1, a2), (b1, b2)) = (points[*a], points[*b]);
        order(first, a1, b1).then(order(second, a2, b2))
    });
    let mut on_front = vec![false; points.len()];
    // The best second number among those with a better first; and the point that set it.
    let mut best: Option<(f64, f64)> = None;
    for place in places {
        let point = points[place];
        let is_new = best.is_none_or(|(_, b)| second.better(point.1, b));
        let is_same = best.is_some_and(|b| b.0.total_cmp(&point.0).is_eq() && b.1.total_cmp(&point.1).is_eq());
        on_front[place] = is_new || is_same;
        if is_new {
            best = Some(point);
        }
    }
    on_front
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_front_is_what_nothing_beats_in_both() {
        let points = [(0.1, 30.0), (0.2, 20.0), (0.2, 20.0), (0.2, 25.0), (0.3, 20.0), (0.4, 5.0)];
        let expected = [true, true, true, false, false, true];
        assert_eq!(front(Direction::Minimize, Direction::Minimize, &points), expected);
        let turned: Vec<_> = points.iter().map(|(a, b)| (-a, -b)).collect();
        assert_eq!(front(Direction::Maximize, Direction::Maximize, &turned), expected);
    }

    proptest! {
        #[test]
        fn as_by_the_definition(points in proptest::collection::vec((0_u8..8, 0_u8..8), 0..30)) {
            let points: Vec<(f64, f64)> = points.into_iter().map(|(a, b)| (f64::from(a), f64::from(b))).collect();
            let (first, second) = (Direction::Minimize, Direction::Maximize);
            let beats = |a: (f64, f64), b: (f64, f64)| {
                !first.better(b.0, a.0) && !second.better(b.1, a.1) && (first.better(a.0, b.0) || second.better(a.1, b.1))
            };
            let by_definition: Vec<bool> = points.iter().map(|b| !points.iter().any(|a| beats(*a, *b))).collect();
            prop_assert_eq!(front(first, second, &points), by_definition);
        }
    }
}
