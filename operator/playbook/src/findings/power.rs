//! The power of this study's search for boundaries: in how many studies like it a boundary would be seen if there were one.
//!
//! A question that passes because its test could not fail is worse than none. So the same tests look at planted studies: the
//! very points of an arm, and objectives whose optimum lies a quarter of the range beyond the boundary, with half the weight
//! on a parabola of each other axis and noise of 5% of the square of the range. They must see it in 80 of 100 studies
//! (`boundaryPower`). The planted noise is drawn by a fixed generator: the same study has the same power everywhere.

use super::edges::{self, EdgeLimits, Points};
use crate::search::Generator;

/// What is planted in a study whose boundary is too near.
#[derive(Clone, Copy, Debug)]
pub(super) struct BeyondBoundary {
    /// How far beyond the boundary the optimum lies, as a share of the range.
    pub(super) beyond: f64,
    /// The standard deviation of the noise, as a share of what the objective changes along the range with its optimum at the
    /// end.
    pub(super) noise: f64,
}

/// What must be seen for the first question to pass.
const OF_FIRST_QUESTION: BeyondBoundary = BeyondBoundary { beyond: 0.25, noise: 0.05 };
/// The weight of the other axes.
const OF_OTHERS: f64 = 0.5;
/// Planted studies of one boundary.
const PLANTED: usize = 25;
/// So many tell by themselves where all or none of them are seen.
const CLEAR: usize = 12;
/// So many trials show what more of them would.
const MOST_TRIALS: usize = 100;
/// Numbers of trials of which the least that would tell is sought.
const NUMBERS: [usize; 16] = [8, 10, 12, 15, 18, 21, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300];

/// The share of planted studies at these points whose boundary is seen. `limit` is the largest p-value of an alarm.
pub(super) fn of_points(limits: &EdgeLimits, points: &Points, limit: f64) -> f64 {
    of_planted(limits, points, limit, OF_FIRST_QUESTION)
}

/// The same of another optimum and noise.
pub(super) fn of_planted(limits: &EdgeLimits, points: &Points, limit: f64, planted: BeyondBoundary) -> f64 {
    let points = points.some(MOST_TRIALS);
    share(|generator| sees(limits, &points, limit, planted, generator))
}

/// The least number of trials, drawn evenly from so many dimensions, of which a planted boundary would be seen often enough.
pub(super) fn needed(limits: &EdgeLimits, dimensions: usize, limit: f64, power: f64) -> Option<usize> {
    NUMBERS.into_iter().find(|n| {
        let of_numbers = share(|generator| {
            let mut axis = || (0..*n).map(|_| uniform(generator)).collect::<Vec<f64>>();
            let (distances, others) = (axis(), (1..dimensions).map(|_| axis()).collect());
            let points = Points { distances, boundary: 0.0, is_list: false, others, categories: Vec::new() };
            sees(limits, &points, limit, OF_FIRST_QUESTION, generator)
        });
        of_numbers >= power
    })
}

/// The share of planted studies that is seen.
fn share(is_seen: impl Fn(&mut Generator) -> bool) -> f64 {
    let mut generator = Generator::new(20_230_119);
    let mut found = 0;
    for planted in 1..=PLANTED {
        found += usize::from(is_seen(&mut generator));
        if planted == CLEAR && (found == 0 || found == CLEAR) {
            return found as f64 / CLEAR as f64;
        }
    }
    found as f64 / PLANTED as f64
}

fn sees(limits: &EdgeLimits, points: &Points, limit: f64, planted: BeyondBoundary, generator: &mut Generator) -> bool {
    let losses: Vec<f64> = (0..points.distances.len())
        .map(|i| {
            let others: f64 = points.others.iter().map(|other| (other[i] - 0.5).powi(2)).sum();
            let beyond = points.distances[i] - points.boundary + planted.beyond;
            beyond.powi(2) + OF_OTHERS * others + planted.noise * normal(generator)
        })
        .collect();
    edges::look(limits, points, &losses).is_some_and(|sight| sight.chance <= limit)
}

/// From 0 to 1.
pub(super) fn uniform(generator: &mut Generator) -> f64 {
    generator.below(1 << 53) as f64 / (1_u64 << 53) as f64
}

/// About normal: the sum of twelve.
pub(super) fn normal(generator: &mut Generator) -> f64 {
    (0..12).map(|_| uniform(generator)).sum::<f64>() - 6.0
}

impl Points {
    /// So many of the trials at most, drawn at random: their order may be that of their values.
    fn some(&self, most: usize) -> Self {
        let all = self.distances.len();
        if all <= most {
            return self.clone();
        }
        // Below the length of a vector.
        #[allow(clippy::cast_possible_truncation)]
        let drawn: Vec<usize> =
            Generator::new(1).permutation(all as u64).into_iter().take(most).map(|i| i as usize).collect();
        let of = |column: &Vec<f64>| drawn.iter().map(|i| column[*i]).collect::<Vec<f64>>();
        Self {
            distances: of(&self.distances),
            others: self.others.iter().map(of).collect(),
            categories: self.categories.iter().map(of).collect(),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> EdgeLimits {
        let plan = crate::findings::simulated::plan(crate::findings::simulated::ONE);
        EdgeLimits::of(&crate::findings::reading::Reading::new(&plan, &[]))
    }

    fn line(distances: Vec<f64>) -> Points {
        Points { distances, boundary: 0.0, is_list: false, others: Vec::new(), categories: Vec::new() }
    }

    #[test]
    fn power_grows_with_trials_and_shrinks_with_tests() {
        let needed = |dimensions, pairs: f64| needed(&limits(), dimensions, 0.05 / (2.0 * pairs), 0.8).unwrap();
        assert!(needed(1, 1.0) <= 12 && needed(4, 4.0) <= 30, "{} {}", needed(1, 1.0), needed(4, 4.0));
        assert!(needed(1, 1.0) < needed(4, 4.0) && needed(4, 4.0) < needed(8, 48.0));
    }

    #[test]
    fn where_trials_lie_decides() {
        let suffices = |points: &Points| of_points(&limits(), points, 0.025) >= 0.8;
        let spread =
            |from: f64, to: f64| line((0..20).map(|i| from + (to - from) * (f64::from(i) + 0.5) / 20.0).collect());
        assert!(suffices(&spread(0.0, 1.0)));
        assert!(!suffices(&line(vec![0.5; 20])), "one value shows nothing");
        assert!(!suffices(&spread(0.6, 1.0)), "nobody looked at the boundary");
        // Trials beyond it were infeasible: the boundary lies inwards.
        assert!(suffices(&Points { boundary: 0.4, ..spread(0.4, 1.0) }));
        assert!(suffices(&line((0..5000).map(|i| f64::from(i) / 5000.0).collect())), "a few of many show it");
    }
}
