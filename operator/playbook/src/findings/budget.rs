//! What a smaller study would have found: the best of k trials drawn from those that ran.
//!
//! The playbook's bootstrap ("How many trials are needed to get good results with quasi-random search?") draws studies of
//! each size from the trials with replacement and looks at the spread of the best. Here that spread is counted, not drawn:
//! of n trials sorted from best to worst, the best of k draws is among the first i with the chance 1 - (1 - i/n)^k.
//! Infeasible trials take part, and trials that break the study's constraints: they use up the budget and are never the
//! best.

use super::reading::Reading;
use crate::{Plan, record::TrialRecord, trial::judged_by_value};

/// Shares of simulated studies whose best is at least as good as the value at the same place of [`BestOf::quantiles`],
/// the best studies first.
pub const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// An arm's trials as smaller studies would have drawn them.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// `optimizer = sgd`; empty when there is but one arm.
    pub arm: String,
    /// Trials with a result.
    pub results: usize,
    /// By the number of trials: 1, 2, 3, 4, 6, 8, 12 … up to all of them.
    pub sizes: Vec<BestOf>,
}

/// The best of `trials` trials.
#[derive(Clone, Debug, PartialEq)]
pub struct BestOf {
    /// How many trials.
    pub trials: usize,
    /// The best objective in the best 5%, 25%, 50%, 75%, 95% of studies of this size; nothing where the studies found
    /// no feasible point.
    pub quantiles: [Option<f64>; 5],
}

/// The spread of the best result by the number of trials, for each arm of the exploring round.
#[must_use]
pub fn budgets(plan: &Plan, trials: &[TrialRecord]) -> Vec<Budget> {
    budgets_of(&Reading::new(plan, &judged_by_value(plan.spec(), trials)))
}

pub(crate) fn budgets_of(reading: &Reading<'_>) -> Vec<Budget> {
    let Some(round) = reading.exploring() else { return Vec::new() };
    let arms = reading.arms(round).into_iter().map(|arm| {
        let results = arm.trials.iter().filter(|t| t.is_result()).count();
        let sorted = reading.objectives(&arm.trials);
        let sizes = sizes(results).into_iter().map(|k| best_of(&sorted, results, k)).collect();
        Budget { arm: arm.label(), results, sizes }
    });
    arms.filter(|budget| budget.results > 0).collect()
}

/// 1, 2, 3, 4, 6, 8, 12, 16 … and all.
fn sizes(all: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> =
        (0..usize::BITS - 2).flat_map(|i| [1 << i, 3 << i]).take_while(|k| *k < 4 * all).filter(|k| *k < all).collect();
    sizes.push(all);
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// `sorted` from the best; the rest of `results` is infeasible.
pub(super) fn best_of(sorted: &[f64], results: usize, k: usize) -> BestOf {
    let quantile = |share: f64| {
        // The first place at which the chance reaches the share.
        let place = results as f64 * (1.0 - libm::pow(1.0 - share, 1.0 / k as f64));
        // Between 0 and the number of trials.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let index = ((place - 1e-9).ceil().max(1.0) as usize) - 1;
        sorted.get(index).copied()
    };
    BestOf { trials: k, quantiles: QUANTILES.map(quantile) }
}

/// The expected best of `k` of the trials, drawn without replacement, if more than `results - k` are feasible; `sorted`
/// from the best.
pub(super) fn expected_best(sorted: &[f64], results: usize, k: usize) -> Option<f64> {
    if k == 0 || k > results || sorted.len() + k <= results {
        return None;
    }
    // The chance that the best of the k is the i-th, all before it left out. From the best on, so that equals leave nothing.
    let best = sorted.first()?;
    let mut left_out = 1.0;
    let mut worse = 0.0;
    for (i, objective) in sorted.iter().enumerate() {
        let chance = k as f64 / (results - i) as f64;
        worse += left_out * chance.min(1.0) * (objective - best);
        left_out *= (1.0 - chance).max(0.0);
        if left_out <= 0.0 {
            break;
        }
    }
    Some(best + worse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_are_no_worse_than_each_other() {
        assert_eq!(expected_best(&[0.1; 30], 30, 15), Some(0.1));
    }

    #[test]
    fn the_best_of_a_few_is_counted() {
        let sorted = [1.0, 2.0, 3.0, 4.0];
        // One of four: each is as likely.
        assert_eq!(best_of(&sorted, 4, 1).quantiles, [Some(1.0), Some(1.0), Some(2.0), Some(3.0), Some(4.0)]);
        // The best of two draws is the first with the chance 7/16, among the first two with 12/16.
        assert_eq!(best_of(&sorted, 4, 2).quantiles, [Some(1.0), Some(1.0), Some(2.0), Some(2.0), Some(4.0)]);
        // Two more that are infeasible.
        assert_eq!(best_of(&sorted, 6, 1).quantiles, [Some(1.0), Some(2.0), Some(3.0), None, None]);
        assert_eq!(sizes(10), [1, 2, 3, 4, 6, 8, 10]);
        assert_eq!(sizes(1), [1]);
    }

    #[test]
    fn the_expected_best_is_counted() {
        let sorted = [1.0, 2.0, 4.0];
        // Of the three pairs two have 1 as the best, one 2.
        assert!((expected_best(&sorted, 3, 2).unwrap() - 4.0 / 3.0).abs() < 1e-12);
        assert_eq!(expected_best(&sorted, 3, 3), Some(1.0));
        assert!((expected_best(&sorted, 3, 1).unwrap() - 7.0 / 3.0).abs() < 1e-12);
        // Two infeasible ones may be all that is drawn.
        assert_eq!(expected_best(&sorted, 5, 2), None);
        assert!(expected_best(&sorted, 5, 3).is_some());
    }
}
