//! Infeasible by value: a finite objective that is hopeless (Deep Learning Tuning Playbook, *Extracting insight from
//! experiment results*: "really bad loss values", "many standard deviations worse").
//!
//! One rule for findings, shares, regions, plots and the search, that needs no search algorithm. Within a round it compares
//! the trials that succeeded, and holds against none of the better quarter:
//!
//! - **`FarWorse`.** The logarithm of an objective that is minimized and positive is far from its fellows: beyond the
//!   median by more than `hopelessDeviations` standard deviations. These are seen in the better half alone, from the best
//!   twentieth over the quartile to the median, so that it holds while up to half are hopeless. Of other objectives, which
//!   have no logarithm, more than `hopelessDistance` times the larger of these distances. What few trials show of their
//!   spread is unsure: the rule is wider by 1 + 20/n.
//! - **`ChanceLevel`.** The trial has learned nothing: it gained less than `chanceGain` of the way from the chance level to
//!   the best trial. The level is `objective.chance`; without it, a pile at the worst end of an arm's many different values: at
//!   least `pileShare` of the trials (and five) within `pileWidth` of the span from the worst to the best.

use std::{borrow::Cow, collections::BTreeMap};

use studious_api::{
    StudySpec,
    study::{Direction, Role},
};
use studious_rules::thresholds::search::{CHANCE_GAIN, HOPELESS_DEVIATIONS, HOPELESS_DISTANCE, PILE_SHARE, PILE_WIDTH};

use super::Reason;
use crate::{
    record::{Outcome, TrialRecord},
    space::PointIdentity,
};

/// Fewer results say too little of how far they differ.
const FEWEST: usize = 8;
/// Fewer different values pile up by being few.
const DIFFERENT: usize = 20;
/// Fewer trials are no pile.
const FEWEST_PILED: usize = 5;
/// The least spread of a logarithm: an arm whose results lie close together and several times above another's is worse, not
/// hopeless.
const LEAST_SPREAD: f64 = 0.25;
/// A spread of so many trials is known to a factor of two: the rule is twice as wide.
const SMALL_STUDIES: f64 = 20.0;
/// Standard normal quantiles of the quartile and of the best twentieth.
const QUARTILE: f64 = 0.674;
const TWENTIETH: f64 = 1.645;

/// The trials with those that are infeasible by value as infeasible ones; borrowed where there are none.
#[must_use]
pub fn judged_by_value<'a>(spec: &StudySpec, trials: &'a [TrialRecord]) -> Cow<'a, [TrialRecord]> {
    let hopeless = hopeless(spec, trials);
    if hopeless.is_empty() {
        return Cow::Borrowed(trials);
    }
    let mut judged = trials.to_vec();
    for (i, reason) in hopeless {
        judged[i].outcome = Outcome::Infeasible { reason };
    }
    Cow::Owned(judged)
}

/// The positions of trials that are infeasible by value, with the rule that says so.
#[must_use]
pub fn hopeless(spec: &StudySpec, trials: &[TrialRecord]) -> Vec<(usize, Reason)> {
    let mut found = Vec::new();
    for round in spec.rounds.iter().map(|round| round.name.as_str()) {
        let first = spec.rounds.first().is_some_and(|first| first.name == round);
        let of_round = trials.iter().enumerate().filter(|(_, t)| t.round == round || (first && t.round.is_empty()));
        let values: Vec<RoundResult> = of_round
            .filter_map(|(i, t)| {
                Some(RoundResult { trial: i, objective: t.objective().filter(|o| o.is_finite())?, arm: arm(spec, t) })
            })
            .collect();
        found.extend(of_values(spec, &values));
    }
    found
}

/// A result of a round.
struct RoundResult {
    /// The position of its trial.
    trial: usize,
    objective: f64,
    /// Its scientific values.
    arm: PointIdentity,
}

fn arm(spec: &StudySpec, trial: &TrialRecord) -> PointIdentity {
    let scientific = spec.hyperparameters.iter().filter(|h| h.role == Role::Scientific && h.values.is_some());
    let own = scientific.filter_map(|h| Some((h.name.clone(), trial.hyperparameters.get(&h.name)?.clone())));
    PointIdentity::of(&own.collect())
}

fn of_values(spec: &StudySpec, values: &[RoundResult]) -> Vec<(usize, Reason)> {
    if values.len() < FEWEST {
        return Vec::new();
    }
    // The larger the worse.
    let sign = if spec.objective.direction == Direction::Minimize { 1.0 } else { -1.0 };
    let sorted = |of: &dyn Fn(&RoundResult) -> bool| {
        let mut sorted: Vec<f64> = values.iter().filter(|v| of(v)).map(|v| sign * v.objective).collect();
        sorted.sort_by(f64::total_cmp);
        sorted
    };
    let all = sorted(&|_| true);
    let far = far_worse(spec, &all);
    let better_quarter = quantile(&all, 0.25);
    // A pile shows the level of chance within an arm: one whose results lie together is worse than another, not hopeless.
    let declared = spec.objective.chance.is_some();
    let mut levels: BTreeMap<&PointIdentity, f64> = BTreeMap::new();
    let mut level = |arm| {
        *levels.entry(arm).or_insert_with(|| {
            let kept = sorted(&|v: &RoundResult| (declared || v.arm == *arm) && sign * v.objective <= far);
            chance_level(spec, &kept)
        })
    };
    values
        .iter()
        .filter_map(|RoundResult { trial, objective: value, arm }| {
            let value = sign * value;
            let reason = if value <= better_quarter {
                return None;
            } else if value > far {
                Reason::FarWorse
            } else if value >= level(arm) {
                Reason::ChanceLevel
            } else {
                return None;
            };
            Some((*trial, reason))
        })
        .collect()
}

/// The value beyond which a result is far worse than its fellows.
fn far_worse(spec: &StudySpec, sorted: &[f64]) -> f64 {
    // Of an even number the better one of the two in the middle: half may be hopeless.
    let median = sorted[(sorted.len() - 1) / 2];
    let (quartile, twentieth) = (quantile(sorted, 0.25), quantile(sorted, 0.05));
    let unsure = 1.0 + SMALL_STUDIES / sorted.len() as f64;
    if sorted.first().is_some_and(|best| *best > 0.0) {
        let (median, quartile, twentieth) = (libm::log(median), libm::log(quartile), libm::log(twentieth));
        let spread =
            ((quartile - twentieth) / (TWENTIETH - QUARTILE)).max((median - quartile) / QUARTILE).max(LEAST_SPREAD);
        return libm::exp(median + unsure * spread * spec.threshold(&HOPELESS_DEVIATIONS));
    }
    let spread = (quartile - twentieth).max(median - quartile).max(LEAST_SPREAD * quartile.abs());
    if spread > 0.0 { median + unsure * spread * spec.threshold(&HOPELESS_DISTANCE) } else { f64::INFINITY }
}

/// The value from which on a result is no better than chance.
fn chance_level(spec: &StudySpec, sorted: &[f64]) -> f64 {
    let (Some(best), Some(worst)) = (sorted.first(), sorted.last()) else { return f64::INFINITY };
    if let Some(chance) = spec.objective.chance {
        let chance = if spec.objective.direction == Direction::Minimize { chance } else { -chance };
        let way = chance - best;
        return if way > 0.0 { chance - spec.threshold(&CHANCE_GAIN) * way } else { f64::INFINITY };
    }
    let different = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()).count();
    let edge = worst - spec.threshold(&PILE_WIDTH) * (worst - best);
    let piled = sorted.iter().filter(|value| **value >= edge).count();
    let is_pile = different >= DIFFERENT
        && piled >= FEWEST_PILED
        && piled as f64 >= spec.threshold(&PILE_SHARE) * sorted.len() as f64;
    if is_pile { edge } else { f64::INFINITY }
}

/// Of sorted values, linearly between two.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    // Not negative, and at most the last.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let below = at.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (at - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
#[path = "hopeless_tests.rs"]
mod tests;
