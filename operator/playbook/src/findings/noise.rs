//! How far results differ by luck alone.

use studious_rules::thresholds::curves::{LATE_SHARE, NOISE_EVALUATIONS};

use super::reading::Reading;
use crate::{
    record::{Curve, TrialRecord},
    space::PointIdentity,
};

/// Trials of one point trained again with other seeds.
pub(super) struct Repeats<'a> {
    pub(super) trials: Vec<&'a TrialRecord>,
    pub(super) values: Vec<f64>,
}

impl Repeats<'_> {
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
    let mut groups: Vec<(PointIdentity, Repeats<'a>)> = Vec::new();
    for trial in reading.retrained.iter().copied() {
        let Some(value) = trial.objective() else { continue };
        let key = PointIdentity::of(&trial.hyperparameters);
        match groups.iter_mut().find(|(k, _)| *k == key) {
            Some((_, group)) => {
                group.trials.push(trial);
                group.values.push(value);
            }
            None => groups.push((key, Repeats { trials: vec![trial], values: vec![value] })),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The standard deviation between trainings of the same point with other seeds, over all points trained again.
pub(super) fn between_trials(reading: &Reading<'_>) -> Option<f64> {
    let groups = repeats(reading);
    let freedom: usize = groups.iter().map(|g| g.values.len() - 1).sum();
    (freedom > 0).then(|| (groups.iter().map(Repeats::squares).sum::<f64>() / freedom as f64).sqrt())
}

/// The standard deviation from one evaluation to the next, late in training, less the trend: that of successive
/// differences, over the square root of two.
pub(super) fn between_evaluations(reading: &Reading<'_>, curve: &Curve) -> Option<f64> {
    let last = curve.last()?.0 as f64;
    let late: Vec<f64> = curve
        .iter()
        .filter(|(step, _)| *step as f64 >= last * (1.0 - reading.threshold(&LATE_SHARE)))
        .map(|(_, v)| *v)
        .collect();
    if late.len() < reading.count(&NOISE_EVALUATIONS) {
        return None;
    }
    let differences = late.windows(2).map(|pair| (pair[1] - pair[0]).powi(2));
    Some((differences.sum::<f64>() / (2 * (late.len() - 1)) as f64).sqrt())
}
