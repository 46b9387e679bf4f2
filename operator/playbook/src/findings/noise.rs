//! How far results differ by noise alone.

use std::collections::HashMap;

use studious_rules::thresholds::curves::{LATE_SHARE, NOISE_EVALUATIONS};

use super::{
    beginnings,
    curves::shrinkage,
    reading::{Reading, RoundTrials},
};
use crate::{record::TrialRecord, rounds, space::PointIdentity};

/// Trials of one point trained again with other seeds.
pub(super) struct Repeats<'a> {
    pub(super) trials: Vec<&'a TrialRecord>,
    pub(super) values: Vec<f64>,
}

impl<'a> Repeats<'a> {
    /// Trials with their values, by their point, in the order in which points appear.
    pub(super) fn grouped(trials: impl Iterator<Item = (&'a TrialRecord, f64)>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        let mut known: HashMap<PointIdentity, usize> = HashMap::new();
        for (trial, value) in trials {
            let next = groups.len();
            let place = *known.entry(PointIdentity::of(&trial.hyperparameters)).or_insert(next);
            match groups.get_mut(place) {
                Some(group) => {
                    group.trials.push(trial);
                    group.values.push(value);
                }
                None => groups.push(Self { trials: vec![trial], values: vec![value] }),
            }
        }
        groups
    }

    pub(super) fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    /// The sum of squared differences from the mean.
    fn squares(&self) -> f64 {
        let mean = self.mean();
        self.values.iter().map(|v| (v - mean).powi(2)).sum()
    }

    /// Of the sample; nothing below two values.
    pub(super) fn standard_deviation(&self) -> Option<f64> {
        (self.values.len() >= 2).then(|| (self.squares() / (self.values.len() - 1) as f64).sqrt())
    }
}

/// The points that were trained again, each with its results.
pub(super) fn repeats<'a>(reading: &Reading<'a>) -> Vec<Repeats<'a>> {
    grouped(reading.retrained.iter().copied())
}

/// The retrainings of a trial's point, if any succeeded.
pub(super) fn repeats_of<'a>(reading: &Reading<'a>, trial: &TrialRecord) -> Option<Repeats<'a>> {
    let point = PointIdentity::of(&trial.hyperparameters);
    repeats(reading)
        .into_iter()
        .find(|group| group.trials.first().is_some_and(|t| PointIdentity::of(&t.hyperparameters) == point))
}

/// Trials that succeeded, by their point, in the order in which points appear.
fn grouped<'a>(trials: impl Iterator<Item = &'a TrialRecord>) -> Vec<Repeats<'a>> {
    Repeats::grouped(trials.filter_map(|trial| Some((trial, trial.objective()?))))
}

/// Trials of one point in one round of the study, `retrain` not among them: those of a table that has a point more than once.
fn repeated_points<'a>(round: &RoundTrials<'a>) -> Vec<Repeats<'a>> {
    grouped(round.trials.iter().copied()).into_iter().filter(|group| group.values.len() > 1).collect()
}

/// The standard deviation between trainings of one point with other seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Noise {
    /// In units of the objective; above 0.
    pub(super) deviation: f64,
    /// Degrees of freedom of its estimate, by Satterthwaite (1946): as many as there are trainings beyond the first of each
    /// point where all points vary alike, and fewer where few of them make most of the noise.
    pub(super) freedom: f64,
    /// Whether longer retrainings showed it, as of the last step of the round: see [`beginnings`].
    pub(super) of_beginnings: bool,
}

impl Noise {
    fn of<'a>(groups: impl IntoIterator<Item = Repeats<'a>>, of_beginnings: bool) -> Option<Self> {
        // Of each point: its sum of squares, and the number of its trainings beyond the first.
        let known: Vec<(f64, f64)> = groups
            .into_iter()
            .filter(|group| group.values.len() > 1)
            .map(|group| (group.squares(), (group.values.len() - 1) as f64))
            .collect();
        let squares: f64 = known.iter().map(|(squares, _)| squares).sum();
        let trainings: f64 = known.iter().map(|(_, beyond)| beyond).sum();
        let deviation = (squares / trainings).sqrt();
        let parts: f64 = known.iter().map(|(squares, beyond)| squares.powi(2) / beyond).sum();
        let freedom = || (squares.powi(2) / parts).min(trainings).max(1.0);
        (deviation > 0.0).then(|| Self { deviation, freedom: freedom(), of_beginnings })
    }
}

/// The noise of trainings with the step budget of a round: from retraining, where that has the same budget, and from points
/// that rounds of this budget hold more than once; where nothing else is known, from the beginnings of longer retrainings.
/// That of another budget is another; nothing where it is unknown.
pub(super) fn at_budget_of(reading: &Reading<'_>, round: &RoundTrials<'_>) -> Option<Noise> {
    let retrained = round.steps == rounds::max_train_steps(reading.plan, rounds::RETRAIN);
    let of_rounds = reading.rounds.iter().filter(|other| other.steps == round.steps).flat_map(repeated_points);
    Noise::of(repeats(reading).into_iter().filter(|_| retrained).chain(of_rounds), false)
        .or_else(|| Noise::of(beginnings::repeats(reading, round), true))
}

/// The standard deviation between trainings of the same point with other seeds, over all points trained again.
pub(super) fn between_trials(reading: &Reading<'_>) -> Option<f64> {
    Noise::of(repeats(reading), false).map(|noise| noise.deviation)
}

/// The late evaluations of a curve: those in the last share of its steps, and at least as many as show noise.
fn late(reading: &Reading<'_>, curve: &[(u64, f64)]) -> Option<Vec<f64>> {
    let last = curve.last()?.0 as f64;
    let from = last * (1.0 - reading.threshold(&LATE_SHARE));
    let late = curve.iter().filter(|(step, _)| *step as f64 >= from).count().max(reading.count(&NOISE_EVALUATIONS));
    Some(curve.get(curve.len().checked_sub(late)?..)?.iter().map(|(_, value)| *value).collect())
}

/// The standard deviation of late evaluations of one curve, net of their trend.
pub(super) fn between_evaluations(reading: &Reading<'_>, curve: &[(u64, f64)]) -> Option<f64> {
    Some(curve_noise(reading, curve)?.variance.sqrt())
}

fn curve_noise(reading: &Reading<'_>, curve: &[(u64, f64)]) -> Option<shrinkage::CurveNoise> {
    Some(shrinkage::CurveNoise::about_line(&late(reading, curve)?))
}

/// The same of some curves together: each may be too short to show its own.
pub(super) fn between_evaluations_of(reading: &Reading<'_>, curves: &[&[(u64, f64)]]) -> Option<f64> {
    let noises: Vec<_> =
        curves.iter().filter_map(|curve| curve_noise(reading, curve)).filter(|noise| noise.variance > 0.0).collect();
    let mean = noises.iter().map(|noise| noise.variance).sum::<f64>() / noises.len().max(1) as f64;
    shrinkage::CurveNoisePrior::of(noises.iter().copied()).deviation().or_else(|| (mean > 0.0).then(|| mean.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(values: &[f64]) -> Repeats<'static> {
        Repeats { trials: Vec::new(), values: values.to_vec() }
    }

    #[test]
    fn points_that_vary_alike_add_their_freedom_and_a_noisy_one_counts_alone() {
        let alike = Noise::of([group(&[1.0, 2.0, 3.0]), group(&[5.0, 6.0, 7.0])], false).unwrap();
        assert!((alike.deviation - 1.0).abs() < 1e-12 && (alike.freedom - 4.0).abs() < 1e-12, "{alike:?}");
        let one = Noise::of([group(&[1.0, 2.0, 3.0]), group(&[5.0, 5.0, 5.0])], false).unwrap();
        assert!((one.deviation - 0.5_f64.sqrt()).abs() < 1e-12 && (one.freedom - 2.0).abs() < 1e-12, "{one:?}");
        // Variances of 1 and 4: 25 / 17 of the freedom of one.
        let between = Noise::of([group(&[1.0, 2.0, 3.0]), group(&[4.0, 6.0, 8.0]), group(&[7.0])], false).unwrap();
        assert!((between.freedom - 2.0 * 25.0 / 17.0).abs() < 1e-12, "{between:?}");
        assert_eq!(Noise::of([group(&[1.0]), group(&[2.0])], false), None);
        assert_eq!(Noise::of([group(&[1.0, 1.0])], false), None);
        assert_eq!(Noise::of([], false), None);
    }
}
