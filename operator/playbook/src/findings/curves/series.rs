//! One curve, read as a series of equal stretches: its noise, and whether it rises beyond that.
//!
//! Noise is what changes from one stretch to the next less any trend: the root of half the mean squared difference of
//! neighbours, and of those two and three apart, whichever is largest, so that evaluations which resemble their neighbours
//! don't make the noise look small. A value that moves in whole examples of a validation set can stand still for long; no
//! noise is taken for smaller than half its smallest move.

use studious_api::study::Direction;
use studious_rules::thresholds::curves::CURVE_VALUES;

use super::super::{chance, reading::Reading};
use crate::record::Curve;

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
pub(super) struct Rise {
    /// By how much.
    pub(super) by: f64,
    /// The step by which it was at that level.
    pub(super) from: u64,
    /// The chance that a level series rises so far anywhere.
    pub(super) chance: f64,
    /// The standard deviation of the noise at its end.
    pub(super) noise: f64,
}

impl BinnedCurve {
    /// Reads a curve that is long enough to be examined for trends.
    pub(super) fn of(reading: &Reading<'_>, curve: &Curve, direction: Direction) -> Option<Self> {
        if curve.len() < reading.count(&CURVE_VALUES) {
            return None;
        }
        Self::of_any(curve, direction)
    }

    /// Reads a curve of at least two values.
    pub(super) fn of_any(curve: &Curve, direction: Direction) -> Option<Self> {
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

    /// The standard deviation of the noise in the last half.
    pub(super) fn noise(&self) -> f64 {
        noise(&self.values[self.values.len() / 2..])
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

    /// How far its last tenth lies above its lowest run of the same length, with the chance that this happens to a level
    /// series: Student's t, times the number of runs that could have been the lowest.
    pub(super) fn rise(&self) -> Rise {
        let run = self.run();
        let runs = self.values.len() - 2 * run + 1;
        let means = self.values.windows(run).take(runs).map(|w| w.iter().sum::<f64>());
        let lowest = means.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(start, _)| start);
        let mut rise = self.rise_from(lowest);
        rise.chance = (rise.chance * runs as f64).min(1.0);
        rise
    }

    /// How far its last tenth lies above the run that begins after this share of the steps.
    pub(super) fn rise_since(&self, share: f64) -> Option<Rise> {
        let first = share * *self.steps.last()? as f64;
        let start = self.steps.iter().position(|step| *step as f64 >= first)?;
        (start + 2 * self.run() <= self.values.len()).then(|| self.rise_from(start))
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
        let deviation = noise_about_line(late) * (1.0 / before.len() as f64 + 1.0 / after.len() as f64).sqrt();
        if deviation > 0.0 {
            chance::student_above(fall / deviation, ((late.len() as f64 - 2.0) / 2.0).max(1.0))
        } else {
            f64::from(u8::from(fall <= 0.0))
        }
    }

    /// Degrees of freedom of the noise at the end.
    fn freedom(&self) -> f64 {
        let late = self.values.len() - self.values.len() / 2;
        (2.0 * (late as f64 - 1.0) / 3.0).max(1.0)
    }

    fn rise_from(&self, start: usize) -> Rise {
        let run = self.run();
        let n = self.values.len();
        let mean = |from: usize| self.values[from..from + run].iter().sum::<f64>() / run as f64;
        let at_end = self.noise();
        // Training is noisier at high learning rates, which come early. What comes before is steeper, and no noise.
        let near = &self.values[start..(start + 3 * run).min(n)];
        let there = noise(near).max(at_end);
        let deviation = ((at_end * at_end + there * there) / run as f64).sqrt();
        let by = mean(n - run) - mean(start);
        let chance = if deviation > 0.0 {
            chance::student_above(by / deviation, self.freedom())
        } else {
            f64::from(u8::from(by <= 0.0))
        };
        Rise { by, from: self.steps[start + run - 1], chance, noise: at_end }
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

/// The standard deviation of the noise of a few values less their trend.
fn noise(values: &[f64]) -> f64 {
    if values.len() < FEWEST_FOR_NOISE {
        return 0.0;
    }
    let apart = |lag: usize| {
        let squares = values.iter().zip(&values[lag..]).map(|(a, b)| (b - a).powi(2));
        squares.sum::<f64>() / (2 * (values.len() - lag)) as f64
    };
    (1..=3).map(apart).fold(0.0, f64::max).sqrt().max(least_noise(values))
}

/// The same of values that may fall in a straight line: from what a value differs by from the middle of its neighbours, and
/// of those two apart.
fn noise_about_line(values: &[f64]) -> f64 {
    let bent = |lag: usize| {
        let triples = values.iter().zip(values.iter().skip(lag)).zip(values.iter().skip(2 * lag));
        let squares: Vec<f64> = triples.map(|((a, b), c)| (a - 2.0 * b + c).powi(2) / 6.0).collect();
        squares.iter().sum::<f64>() / squares.len().max(1) as f64
    };
    bent(1).max(bent(2)).sqrt().max(least_noise(values))
}

/// Half the smallest move.
fn least_noise(values: &[f64]) -> f64 {
    let moves = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).filter(|step| *step > 0.0);
    let smallest = moves.fold(f64::INFINITY, f64::min);
    if smallest.is_finite() { 0.5 * smallest } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_curves_become_stretches_and_maxima_minima() {
        let curve: Curve = (0..600_u64).map(|i| (i, (i / 10) as f64)).collect();
        let series = BinnedCurve::of_any(&curve, Direction::Maximize).unwrap();
        assert_eq!(series.values.len(), 60);
        assert_eq!((series.steps[0], series.steps[59]), (9, 599));
        assert!(series.values[59] < series.values[0]);
        assert!(BinnedCurve::of_any(&curve[..1].to_vec(), Direction::Minimize).is_none());
    }

    #[test]
    fn a_rise_is_told_from_noise() {
        let wave = |i: usize| if i.is_multiple_of(2) { 0.01 } else { -0.01 };
        let level = BinnedCurve { steps: (1..=40).collect(), values: (0..40).map(wave).collect() };
        assert!(level.rise().chance > 0.5);
        let rising = BinnedCurve {
            steps: (1..=40).collect(),
            values: (0..40).map(|i| wave(i) + 0.01 * (20.0 - i as f64).abs()).collect(),
        };
        let rise = rising.rise();
        assert!(rise.chance < 0.001 && rise.by > 0.1, "{} {}", rise.chance, rise.by);
        assert!((18..=26).contains(&rise.from), "{}", rise.from);
    }
}
