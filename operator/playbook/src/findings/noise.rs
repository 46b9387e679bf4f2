//! How far results differ by luck alone.

use std::collections::HashMap;

use studious_rules::thresholds::curves::{LATE_SHARE, NOISE_EVALUATIONS};

use super::reading::{Reading, RoundTrials};
use crate::{record::TrialRecord, rounds, space::PointIdentity};

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
    let mut groups: Vec<Repeats<'a>> = Vec::new();
    let mut known: HashMap<PointIdentity, usize> = HashMap::new();
    for trial in trials {
        let Some(value) = trial.objective() else { continue };
        let next = groups.len();
        let place = *known.entry(PointIdentity::of(&trial.hyperparameters)).or_insert(next);
        match groups.get_mut(place) {
            Some(group) => {
                group.trials.push(trial);
                group.values.push(value);
            }
            None => groups.push(Repeats { trials: vec![trial], values: vec![value] }),
        }
    }
    groups
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
    /// Degrees of freedom of its estimate: how many trainings there are beyond the first of each point.
    pub(super) freedom: usize,
}

impl Noise {
    fn of<'a>(groups: impl IntoIterator<Item = Repeats<'a>>) -> Option<Self> {
        let (squares, freedom) = groups
            .into_iter()
            .fold((0.0, 0), |(squares, freedom), group| (squares + group.squares(), freedom + group.values.len() - 1));
        let deviation = (squares / freedom as f64).sqrt();
        (freedom > 0 && deviation > 0.0).then_some(Self { deviation, freedom })
    }
}

/// The noise of trainings with the step budget of a round: from retraining, where that has the same budget, and from points
/// that rounds of this budget hold more than once. That of another budget is another; nothing where it is unknown.
pub(super) fn at_budget_of(reading: &Reading<'_>, round: &RoundTrials<'_>) -> Option<Noise> {
    let retrained = round.steps == rounds::max_train_steps(reading.plan, rounds::RETRAIN);
    let of_rounds = reading.rounds.iter().filter(|other| other.steps == round.steps).flat_map(repeated_points);
    Noise::of(repeats(reading).into_iter().filter(|_| retrained).chain(of_rounds))
}

/// The standard deviation between trainings of the same point with other seeds, over all points trained again.
pub(super) fn between_trials(reading: &Reading<'_>) -> Option<f64> {
    Noise::of(repeats(reading)).map(|noise| noise.deviation)
}

/// The standard deviation from one evaluation to the next, late in training, less the trend: that of successive
/// differences, over the square root of two.
pub(super) fn between_evaluations(reading: &Reading<'_>, curve: &[(u64, f64)]) -> Option<f64> {
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
