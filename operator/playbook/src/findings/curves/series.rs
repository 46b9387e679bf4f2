//! One curve, read as a series of equal stretches: its noise, and whether it rises beyond that.
//!
//! Noise is what a stretch differs by from the straight line between those beside it, and between those two apart, whichever
//! is larger: so a trend is no noise, and evaluations which resemble their neighbors don't make the noise look small. A value
//! that moves in whole examples of a validation set can stand still for long; no noise is taken for smaller than half its
//! smallest move.

use studious_api::study::Direction;
use studious_rules::thresholds::curves::CURVE_VALUES;

use super::{
    super::{chance, reading::Reading},
    shrinkage::{CurveNoise, CurveNoisePrior, inflation, likeness},
};

/// Stretches that a long curve is divided into. The mean of a stretch tells a trend from noise better than single values.
const STRETCHES: usize = 60;
/// Fewer values have no noise to speak of.
const FEWEST_FOR_NOISE: usize = 6;
/// Shortest run of values whose mean is compared with another's.
const SHORTEST_RUN: usize = 3;

/// A curve in at most 60 stretches, such that lower is better.
pub(super) struct BinnedCurve {
    /// The last step of each stretch.
    pub(super) steps: Vec<u64>,
    /// The mean of each stretch.
    pub(super) values: Vec<f64>,
}

/// How a series ends above an earlier level.
#[derive(Clone, Copy)]
pub(super) struct Rise {
    /// By how much.
    pub(super) by: f64,
    /// The standard error of that.
    pub(super) error: f64,
    /// Where the run at that level begins.
    pub(super) start: usize,
    /// The step by which it was at that level.
    pub(super) from: u64,
    /// The chance that a level series rises so far anywhere.
    pub(super) chance: f64,
    /// The standard deviation of the noise at its end.
    pub(super) noise: f64,
}

/// What the curves of a round say about the noise of any one of them: at the end, and where it is lowest.
pub(super) struct NoiseOfAll {
    at_end: CurveNoisePrior,
    where_lowest: CurveNoisePrior,
    /// How much of a value's noise is that of the one before.
    alike: f64,
}

impl NoiseOfAll {
    pub(super) fn of<'a>(curves: impl Iterator<Item = &'a BinnedCurve> + Clone) -> Self {
        Self {
            at_end: CurveNoisePrior::of(curves.clone().map(BinnedCurve::noise_at_end)),
            where_lowest: CurveNoisePrior::of(curves.clone().map(|curve| curve.noise_from(curve.lowest().0))),
            alike: likeness(curves.map(BinnedCurve::late)),
        }
    }

    /// Of the mean of so many of these curves.
    pub(super) fn of_mean(&self, curves: usize) -> Self {
        let n = curves as f64;
        Self { at_end: self.at_end.over(n), where_lowest: self.where_lowest.over(n), alike: self.alike }
    }

    /// Each curve by itself.
    pub(super) fn unknown() -> Self {
        Self { at_end: CurveNoisePrior::none(), where_lowest: CurveNoisePrior::none(), alike: 0.0 }
    }
}

impl BinnedCurve {
    /// Reads a curve that is long enough to be examined for trends.
    pub(super) fn of(reading: &Reading<'_>, curve: &[(u64, f64)], direction: Direction) -> Option<Self> {
        if curve.len() < reading.count(&CURVE_VALUES) {
            return None;
        }
        Self::of_any(curve, direction)
    }

    /// Reads a curve of at least two values.
    pub(super) fn of_any(curve: &[(u64, f64)], direction: Direction) -> Option<Self> {
        if curve.len() < 2 {
            return None;
        }
        let sign = if direction == Direction::Maximize { -1.0 } else { 1.0 };
        let stretches = curve.len().min(STRETCHES);
        let (mut steps, mut values) = (Vec::with_capacity(stretches), Vec::with_capacity(stretches));
        for i in 0..stretches {
            let stretch = &curve[curve.len() * i / stretches..curve.len() * (i + 1) / stretches];
            values.push(sign * stretch.iter().map(|(_, v)| v).sum::<f64>() / stretch.len() as f64);
            steps.extend(stretch.last().map(|(step, _)| *step));
        }
        Some(Self { steps, values })
    }

    /// The curve with its lowest value taken from those beside it. A trial was chosen for its lowest evaluation, so that one
    /// gains by noise, wherever it lies.
    pub(super) fn without_lowest(&self) -> Self {
        let lowest = (0..self.values.len()).min_by(|a, b| self.values[*a].total_cmp(&self.values[*b])).unwrap_or(0);
        let beside = [lowest.checked_sub(1), Some(lowest + 1)];
        let others: Vec<f64> = beside.into_iter().flatten().filter_map(|i| self.values.get(i).copied()).collect();
        let mut values = self.values.clone();
        values[lowest] = others.iter().sum::<f64>() / others.len() as f64;
        Self { steps: self.steps.clone(), values }
    }

    /// The mean of some curves that were evaluated at the same steps.
    pub(super) fn mean(curves: &[Self]) -> Option<Self> {
        let steps = curves.first()?.steps.clone();
        if curves.iter().any(|curve| curve.steps != steps) {
            return None;
        }
        let n = curves.len() as f64;
        let values = (0..steps.len()).map(|i| curves.iter().map(|curve| curve.values[i]).sum::<f64>() / n).collect();
        Some(Self { steps, values })
    }

    /// The noise in the last half.
    fn noise_at_end(&self) -> CurveNoise {
        CurveNoise::about_line(self.late())
    }

    /// The last half, and at least six values.
    fn late(&self) -> &[f64] {
        &self.values[(self.values.len() / 2).min(self.values.len().saturating_sub(FEWEST_FOR_NOISE))..]
    }

    /// The noise of the values that follow one. Training is noisier at high learning rates, which come early; what comes
    /// before is steeper, and no noise.
    fn noise_from(&self, start: usize) -> CurveNoise {
        let n = self.values.len();
        CurveNoise::about_line(
            &self.values[start.min(n.saturating_sub(FEWEST_FOR_NOISE))..(start + 3 * self.run()).min(n)],
        )
    }

    /// How much lower its lowest stretch is than its first.
    pub(super) fn improvement(&self) -> f64 {
        let lowest = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        self.values.first().map_or(0.0, |first| (first - lowest).max(0.0))
    }

    /// The length of the runs that are compared: a tenth of the series, and at least three values.
    fn run(&self) -> usize {
        (self.values.len() / 10).max(SHORTEST_RUN)
    }

    /// Where its lowest run begins, of those that end before its last one does, and how many there are.
    fn lowest(&self) -> (usize, usize) {
        let run = self.run();
        let runs = self.values.len() - 2 * run + 1;
        let means = self.values.windows(run).take(runs).map(|w| w.iter().sum::<f64>());
        (means.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(start, _)| start), runs)
    }

    /// How far its last tenth lies above its lowest run of the same length, with the chance that this happens to a level
    /// series: Student's t, times the number of runs that could have been the lowest.
    pub(super) fn rise(&self, of_all: &NoiseOfAll) -> Rise {
        let (lowest, runs) = self.lowest();
        let mut rise = self.rise_from(lowest, of_all);
        rise.chance = (rise.chance * runs as f64).min(1.0);
        rise
    }

    /// How far its last tenth lies above the run that begins after this share of the steps.
    pub(super) fn rise_since(&self, share: f64) -> Option<Rise> {
        let first = share * *self.steps.last()? as f64;
        let start = self.steps.iter().position(|step| *step as f64 >= first)?;
        (start + 2 * self.run() <= self.values.len()).then(|| self.rise_from(start, &NoiseOfAll::unknown()))
    }

    /// The chance that the last share of the steps lies so far below the share before it if both are level.
    pub(super) fn chance_of_fall(&self, share: f64) -> f64 {
        let Some(last) = self.steps.last().map(|step| *step as f64) else { return 1.0 };
        let within = |from: f64, to: f64| -> Vec<f64> {
            let places = self.steps.iter().zip(&self.values);
            places.filter(|(s, _)| **s as f64 > from * last && **s as f64 <= to * last).map(|(_, v)| *v).collect()
        };
        let (before, after) = (within(1.0 - 2.0 * share, 1.0 - share), within(1.0 - share, 1.0));
        if before.is_empty() || after.is_empty() {
            return 1.0;
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let fall = mean(&before) - mean(&after);
        let late = &self.values[(self.values.len() / 2).min(self.values.len().saturating_sub(FEWEST_FOR_NOISE))..];
        // Of a few evaluations a trend is a large part of what they move by.
        let noise = CurveNoise::about_line(late);
        let deviation = (noise.variance * (1.0 / before.len() as f64 + 1.0 / after.len() as f64)).sqrt();
        if deviation > 0.0 {
            chance::student_above(fall / deviation, noise.freedom)
        } else {
            f64::from(u8::from(fall <= 0.0))
        }
    }

    /// How far its last tenth lies above the run that begins there, with the chance that level noise does so.
    pub(super) fn rise_from(&self, start: usize, of_all: &NoiseOfAll) -> Rise {
        let run = self.run();
        let n = self.values.len();
        let mean = |from: usize| self.values[from..from + run].iter().sum::<f64>() / run as f64;
        let at_end = of_all.at_end.moderate(self.noise_at_end());
        let there = of_all.where_lowest.moderate(self.noise_from(start));
        let there = if there.variance > at_end.variance { there } else { at_end };
        let of_difference = at_end.and(there).over(run as f64 / inflation(of_all.alike, run));
        let by = mean(n - run) - mean(start);
        let deviation = of_difference.variance.sqrt();
        let chance = if deviation > 0.0 {
            chance::student_above(by / deviation, of_difference.freedom)
        } else {
            f64::from(u8::from(by <= 0.0))
        };
        Rise { by, error: deviation, start, from: self.steps[start + run - 1], chance, noise: at_end.variance.sqrt() }
    }

    /// Its lowest run of a tenth of its length.
    pub(super) fn lowest_run(&self) -> f64 {
        let run = self.run();
        self.values.windows(run).map(|w| w.iter().sum::<f64>() / run as f64).fold(f64::INFINITY, f64::min)
    }

    /// The least of the last three stretches' means of three.
    pub(super) fn lowest_late(&self) -> f64 {
        let means = self.values.windows(SHORTEST_RUN).map(|w| w.iter().sum::<f64>() / SHORTEST_RUN as f64);
        means.rev().take(SHORTEST_RUN).fold(f64::INFINITY, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Curve;

    #[test]
    fn long_curves_become_stretches_and_maxima_minima() {
        let curve: Curve = (0..600_u64).map(|i| (i, (i / 10) as f64)).collect();
        let series = BinnedCurve::of_any(&curve, Direction::Maximize).unwrap();
        assert_eq!(series.values.len(), 60);
        assert_eq!((series.steps[0], series.steps[59]), (9, 599));
        assert!(series.values[59] < series.values[0]);
        assert!(BinnedCurve::of_any(&curve[..1], Direction::Minimize).is_none());
    }

    #[test]
    fn a_rise_is_told_from_noise() {
        let wave = |i: usize| if i.is_multiple_of(2) { 0.01 } else { -0.01 };
        let level = BinnedCurve { steps: (1..=40).collect(), values: (0..40).map(wave).collect() };
        assert!(level.rise(&NoiseOfAll::unknown()).chance > 0.5);
        let rising = BinnedCurve {
            steps: (1..=40).collect(),
            values: (0..40).map(|i| wave(i) + 0.01 * (20.0 - i as f64).abs()).collect(),
        };
        let rise = rising.rise(&NoiseOfAll::unknown());
        assert!(rise.chance < 0.001 && rise.by > 0.1, "{} {}", rise.chance, rise.by);
        assert!((18..=26).contains(&rise.from), "{}", rise.from);
    }
}
