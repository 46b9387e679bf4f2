//! Where in training the best evaluation falls: whether the step budget fits.
//!
//! There are far too many steps if *every* trial is at its best early. Too few show in the better half of the trials: a
//! learning rate that is too small improves to the end whatever the budget, and says nothing about it. A curve that has long
//! been flat has its best evaluation anywhere by chance: the last quarter must also be better than the quarter before it.

use studious_api::study::Select;
use studious_rules::{
    curves::{TOO_FEW_STEPS, TOO_MANY_STEPS},
    thresholds::curves::{CONSISTENTLY, EARLY_BEST, LATE_BEST, STEP_EVALUATIONS, STEP_TRIALS},
};

use super::{
    super::{
        Finding,
        change::Edit,
        reading::{Reading, RoundTrials},
        wording::{count, number, percent},
    },
    evaluations, quantile,
    reach::reaches,
    series::BinnedCurve,
};
use crate::{record::TrialRecord, trial::selected};

/// Trials with the share of the step budget at which each was best, the best trial first.
pub(crate) struct BestSteps<'r, 'a> {
    pub(crate) round: &'r RoundTrials<'a>,
    pub(crate) placed: Vec<Placed<'a>>,
    /// How many of them are the good trials: the first half.
    pub(crate) good: usize,
}

impl<'r, 'a> BestSteps<'r, 'a> {
    /// Nothing where trials are too few. If the best step fell anywhere by chance, at most 1.6% of studies of five trials
    /// would raise either finding.
    pub(crate) fn of(reading: &'r Reading<'a>) -> Option<Self> {
        let round = reading.concluding()?;
        let fewest = reading.count(&STEP_TRIALS);
        let placed: Vec<_> = reading
            .ranked(&round.trials)
            .into_iter()
            .filter(|(t, _)| reaches(reading, round, t))
            .filter_map(|(t, _)| Some((t, share(reading, t, round.steps)?)))
            .collect();
        let good = placed.len().div_ceil(2).max(fewest);
        (placed.len() >= fewest).then_some(Self { round, placed, good })
    }

    fn good(&self) -> &[Placed<'a>] {
        &self.placed[..self.good]
    }

    /// The latest, as a share of the steps.
    fn largest(&self) -> f64 {
        self.placed.iter().map(|(_, share)| *share).fold(0.0, f64::max)
    }

    fn evidence(&self, mut finding: Finding) -> Finding {
        let steps = self.round.steps as f64;
        for (name, part) in [("lower_quartile", 0.25), ("median", 0.5), ("upper_quartile", 0.75)] {
            let step =
                quantile(self.good().iter().map(|(_, share)| *share), part).map_or(f64::NAN, |share| share * steps);
            finding = finding.with(format!("{name}_best_step"), step);
        }
        finding
            .with("trials", self.placed.len() as f64)
            .with("good_trials", self.good as f64)
            .with("max_train_steps", steps)
            .with("largest_best_step", self.largest() * steps)
    }
}

/// Every trial is at its best early.
pub(super) fn too_many(reading: &Reading<'_>) -> Option<Finding> {
    let best = BestSteps::of(reading)?;
    let largest = best.largest();
    (largest <= reading.threshold(&EARLY_BEST))
        .then(|| best.evidence(far_too_many(reading, best.round, &best.placed, largest)))
}

/// The better trials are at their best at the end, and it is lower than before.
pub(super) fn too_few(reading: &Reading<'_>) -> Option<Finding> {
    let best = BestSteps::of(reading)?;
    let last = reading.threshold(&LATE_BEST);
    let improves = |trial: &TrialRecord| {
        let series = evaluations(reading, trial).and_then(|curve| BinnedCurve::of_any(curve, reading.direction()));
        series.is_some_and(|series| series.chance_of_fall(last) <= reading.alarm_level(best.round))
    };
    let late: Vec<_> = best.good().iter().filter(|(t, share)| *share > 1.0 - last && improves(t)).collect();
    (late.len() as f64 >= reading.threshold(&CONSISTENTLY) * best.good as f64)
        .then(|| best.evidence(at_the_end(reading, best.round, best.good, &late)).with("late", late.len() as f64))
}

/// A trial and the share of the step budget at which it was best.
type Placed<'a> = (&'a TrialRecord, f64);

// A step count: whole, positive and below 2^53.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn far_too_many(reading: &Reading<'_>, round: &RoundTrials<'_>, placed: &[Placed<'_>], largest: f64) -> Finding {
    let enough = (largest * round.steps as f64).ceil();
    Finding::new(
        &TOO_MANY_STEPS,
        format!(
            "Every one of {} of round {} was at its best within the first {} of its {} steps. maxTrainSteps is far too \
             large: about {} would do, with a schedule that decays by then.",
            count(placed.len(), "trial"),
            round.name,
            percent(reading.threshold(&EARLY_BEST)),
            round.steps,
            number(2.0 * enough),
        ),
    )
    .about(placed.iter().map(|(t, _)| *t))
    .suggest(
        reading
            .change(Edit::MaxTrainSteps { round: reading.round_index(round.name), to: (2.0 * enough).max(1.0) as u64 }),
    )
}

fn at_the_end(reading: &Reading<'_>, round: &RoundTrials<'_>, good: usize, late: &[&Placed<'_>]) -> Finding {
    let what = if reading.plan.spec().schedule.is_some() { "the decay schedule" } else { "the learning rate" };
    Finding::new(
        &TOO_FEW_STEPS,
        format!(
            "{} of the {good} better trials of round {} were at their best in the last {} of their {} steps. Longer \
             training may gain more: raise maxTrainSteps in a further round and tune {what} again for it.",
            late.len(),
            round.name,
            percent(reading.threshold(&LATE_BEST)),
            round.steps,
        ),
    )
    .about(late.iter().map(|(t, _)| *t))
    .suggest(reading.change(Edit::MaxTrainSteps { round: reading.round_index(round.name), to: 2 * round.steps }))
}

/// The step of the best evaluation as a share of the budget. From the curve where there is one: with `select: Final` the
/// step that counts is always the last.
fn share(reading: &Reading<'_>, trial: &TrialRecord, steps: u64) -> Option<f64> {
    let direction = reading.direction();
    let curve = evaluations(reading, trial)?;
    if curve.len() < reading.count(&STEP_EVALUATIONS) {
        return None;
    }
    let best = selected(curve.iter().copied(), direction, Select::Best)?;
    (steps > 0).then(|| best.0 as f64 / steps as f64)
}
