//! The tests of one end of one axis: whether the best trials cluster there, and whether the objective still improves
//! towards it. They know distances and objectives only, so that the power of a study's check is that of the same code.
//!
//! **The best few.** The best three trials lie closer to the boundary than noise explains: if values along the axis had no
//! effect, any three trials could have been the best, so the ranks of their distances are three ranks drawn at random (the
//! one-sided Wilcoxon rank-sum test). The best, or two of the best three, must lie within a tenth of the range. Where values
//! of the axis tie (lists, small whole numbers, grids), more of the best are taken, and the test is whether so many of them
//! have the outermost value (the hypergeometric test). Trials whose objective equals that of the last one taken are taken
//! too, or none of them where they are many, so no order of equals decides.
//!
//! **All trials**: [`super::trend`].
//!
//! The p-value is twice the smaller one, since two tests are made.

use std::collections::BTreeSet;

use studious_rules::thresholds::search::{BEST_SHARE, EDGE_SHARE, EDGE_TRIALS, FEW_VALUES, MOST_BEST};

use super::{exact, reading::Reading, trend};

/// The thresholds of both tests.
pub(super) struct EdgeLimits {
    /// The share of a range that counts as its boundary.
    edge_share: f64,
    /// The best trials that are examined.
    edge_trials: usize,
    few_values: usize,
    best_share: f64,
    most_best: usize,
}

/// Trials as they lie to one end of an axis.
#[derive(Clone)]
pub(super) struct Points {
    /// From the end of the axis: 0 at that end, 1 at the other.
    pub(super) distances: Vec<f64>,
    /// The distance of the boundary, which lies inwards where all trials beyond are infeasible.
    pub(super) boundary: f64,
    /// Whether the axis is a list.
    pub(super) is_list: bool,
    /// Positions along each other axis, 0 to 1; the middle where it is not active.
    pub(super) others: Vec<Vec<f64>>,
    /// For each value of a list that is no axis, 1 where a trial has it and 0 elsewhere.
    pub(super) categories: Vec<Vec<f64>>,
}

/// What is seen at the boundary.
pub(super) struct Sight {
    /// The best trials, by their index.
    pub(super) best: Vec<usize>,
    /// How many of them lie at the boundary.
    pub(super) near: usize,
    /// Whether the best cluster there; else it is the trend that points there.
    pub(super) clusters: bool,
    /// The p-value of both tests.
    pub(super) chance: f64,
}

impl EdgeLimits {
    pub(super) fn of(reading: &Reading<'_>) -> Self {
        Self {
            edge_share: reading.threshold(&EDGE_SHARE),
            edge_trials: reading.count(&EDGE_TRIALS),
            few_values: reading.count(&FEW_VALUES),
            best_share: reading.threshold(&BEST_SHARE),
            most_best: reading.count(&MOST_BEST),
        }
    }
}

impl Points {
    /// Whether so many trials share their values that the outermost value is the boundary. Continuous values that differ are
    /// not, however few they are.
    fn tie(&self, limits: &EdgeLimits) -> bool {
        let distinct = self.distances.iter().map(|d| d.to_bits()).collect::<BTreeSet<_>>().len();
        let (all, few) = (self.distances.len(), distinct <= limits.few_values);
        distinct < all && (self.is_list || few && 2 * distinct <= all)
    }

    fn outermost(&self) -> f64 {
        self.distances.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// Looks at one end. `losses` are objectives, the smaller the better: infinite for a trial that is only known to be worse
/// than the best, NaN for one that violates a constraint. Nothing where too few satisfy the constraints, or nothing varies.
pub(super) fn look(limits: &EdgeLimits, points: &Points, losses: &[f64]) -> Option<Sight> {
    let all = losses.len();
    let tie = points.tie(limits);
    // A share of a length: small and not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let share = (all as f64 * limits.best_share).round() as usize;
    let wanted = if tie { share.min(limits.most_best).max(limits.edge_trials) } else { limits.edge_trials };
    let mut order: Vec<usize> = (0..all).filter(|i| losses[*i].is_finite()).collect();
    order.sort_by(|a, b| losses[*a].total_cmp(&losses[*b]));
    let best = best(&order, losses, wanted)?;
    if best.len() == all {
        return None;
    }
    // Of values that tie, the outermost is the boundary, if it is the end of the range.
    let outermost = points.outermost();
    let reached = !tie || outermost - points.boundary <= limits.edge_share || points.boundary > 0.0;
    let is_near = |i: &usize| {
        let distance = points.distances[*i];
        if tie { reached && distance <= outermost } else { distance - points.boundary <= limits.edge_share }
    };
    let near = best.iter().filter(|i| is_near(i)).count();
    let first = losses[order[0]];
    let equals = order.iter().take_while(|i| losses[**i] <= first).count();
    let near_equals = order[..equals].iter().filter(|i| is_near(i)).count();
    let clusters = 3 * near >= 2 * best.len() || 3 * near_equals >= 2 * equals;
    let of_best = if !clusters {
        1.0
    } else if tie {
        let there = (0..all).filter(is_near).count();
        exact::at_least(all, there, best.len(), near)
    } else {
        ranks(points, &best)
    };
    let start = if tie { outermost } else { points.boundary };
    let of_trend = if reached { trend::towards(points, start, losses) } else { 1.0 };
    let chance = (2.0 * of_best.min(of_trend)).min(1.0);
    Some(Sight { best, near, clusters: clusters && of_best < 1.0, chance })
}

/// The best few of a sorted list: with all that equal the last one, or without them where they are as many again and more.
/// Where trials lie decides nothing.
fn best(order: &[usize], losses: &[f64], wanted: usize) -> Option<Vec<usize>> {
    let last = losses[*order.get(wanted.checked_sub(1)?)?];
    let better = order.partition_point(|i| losses[*i] < last);
    let with_equals = order.partition_point(|i| losses[*i] <= last);
    let taken = if better > 0 && with_equals > 2 * wanted { better } else { with_equals };
    Some(order[..taken].to_vec())
}

/// The p-value of the distances of the best. Equal distances all count as the farther one: never too sure of itself.
fn ranks(points: &Points, best: &[usize]) -> f64 {
    let mut sorted = points.distances.clone();
    sorted.sort_by(f64::total_cmp);
    let sum: usize = best.iter().map(|i| sorted.partition_point(|d| *d <= points.distances[*i])).sum();
    if 2 * sum >= best.len() * (sorted.len() + 1) {
        // No closer than the middle: more likely than not.
        return 1.0;
    }
    exact::rank_sum_at_most(sorted.len(), best.len(), sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> EdgeLimits {
        EdgeLimits { edge_share: 0.1, edge_trials: 3, few_values: 10, best_share: 1.0 / 6.0, most_best: 20 }
    }

    fn line(distances: Vec<f64>) -> Points {
        Points { distances, boundary: 0.0, is_list: false, others: Vec::new(), categories: Vec::new() }
    }

    /// The middles of so many equal parts.
    fn spread(n: u32) -> Vec<f64> {
        (0..n).map(|i| (f64::from(i) + 0.5) / f64::from(n)).collect()
    }

    #[test]
    fn few_different_values_are_no_grid() {
        for n in 8..=12 {
            let points = line(spread(n));
            assert!(!points.tie(&limits()), "{n}");
            let sight = look(&limits(), &points, &points.distances).unwrap();
            assert!(sight.clusters && sight.chance <= 0.025, "{n}: {}", sight.chance);
        }
        let grid: Vec<f64> = (0..12).map(|i| f64::from(i % 4) / 3.0).collect();
        assert!(line(grid.clone()).tie(&limits()));
        // Nine values of ten trials: one of them twice.
        let mut nine = spread(10);
        nine[3] = nine[2];
        assert!(!line(nine).tie(&limits()));
        assert!(Points { is_list: true, ..line(grid) }.tie(&limits()));
    }

    #[test]
    fn equals_of_the_best_are_all_taken() {
        // A third of the trials tie at the best, all over the range, and come in ascending order.
        let points = line(spread(30));
        let losses: Vec<f64> = (0..30).map(|i| f64::from(u8::from(i % 3 != 0))).collect();
        let sight = look(&limits(), &points, &losses).unwrap();
        assert!(sight.best.len() == 10 && !sight.clusters && sight.chance > 0.5, "{}", sight.chance);
        // All equal: nothing varies.
        assert!(look(&limits(), &points, &[0.5; 30]).is_none());
        // The lower two thirds tie: the boundary is no better than the middle.
        let losses: Vec<f64> = (0..30).map(|i| f64::from(u8::from(i >= 20))).collect();
        assert!(look(&limits(), &points, &losses).unwrap().chance > 0.5);
        // Two are better than all others, which tie.
        let losses: Vec<f64> = (0..30).map(|i| if i < 2 { 0.0 } else { 1.0 }).collect();
        let sight = look(&limits(), &points, &losses).unwrap();
        assert!(sight.best.len() == 2 && sight.clusters && sight.chance < 0.01, "{}", sight.chance);
        // The outermost four tie.
        let losses: Vec<f64> = (0..30).map(|i| if i < 4 { 0.0 } else { f64::from(i) }).collect();
        let sight = look(&limits(), &points, &losses).unwrap();
        assert!(sight.best.len() == 4 && sight.clusters && sight.chance < 1e-4, "{}", sight.chance);
    }

    #[test]
    fn what_violates_a_constraint_is_not_the_best() {
        let points = line(spread(12));
        let losses: Vec<f64> = (0..12).map(|i| if i < 6 { f64::NAN } else { f64::from(i) }).collect();
        assert!(look(&limits(), &points, &losses).unwrap().chance > 0.5);
        assert!(look(&limits(), &points, &[f64::NAN; 12]).is_none());
    }
}
