//! A training loss that rises over training, of the best trials or of many.
//!
//! Playbook: "Examining the training curves": "is the training loss increasing? Usually this indicates a bug". A learning
//! rate that is too high makes a loss rise as well, so one trial of many that are not among the best is no finding.

use studious_api::study::Direction;
use studious_rules::{
    curves::TRAINING_LOSS_RISING,
    thresholds::curves::{LOSS_BEGINNING, MANY_RISING, RISE_DEVIATIONS},
};

use super::{
    super::{
        Finding, Severity,
        reading::{Reading, RoundTrials},
        wording::{count, number, percent},
    },
    best_few,
    series::{BinnedCurve, Rise},
};
use crate::{decide::TRAIN_LOSS, record::TrialRecord};

/// The training losses of a round.
pub(super) struct Losses<'a> {
    /// How many are long enough to be looked at.
    pub(super) looked_at: usize,
    /// Those of them that are among the best few trials.
    pub(super) best: usize,
    /// Those that end higher than they were early in training, beyond chance.
    pub(super) rising: Vec<RisingLoss<'a>>,
}

/// A training loss that rises.
pub(super) struct RisingLoss<'a> {
    trial: &'a TrialRecord,
    rise: Rise,
    in_best: bool,
}

impl<'a> Losses<'a> {
    /// Reads those of all trials that succeeded. One half of the false alarms is shared by the best few, one by all.
    pub(super) fn of(reading: &Reading<'a>, round: &RoundTrials<'a>) -> Self {
        let beginning = reading.threshold(&LOSS_BEGINNING);
        let best = best_few(reading, round);
        let losses: Vec<_> = round
            .succeeded()
            .filter_map(|t| {
                let series = BinnedCurve::of(reading, t.curves.get(TRAIN_LOSS)?, Direction::Minimize)?;
                let in_best = best.iter().any(|b| std::ptr::eq(*b, t));
                Some(RisingLoss { trial: t, rise: series.rise_since(beginning)?, in_best })
            })
            .collect();
        let half = 0.5 * reading.alarm_level(round);
        let (looked_at, best) = (losses.len(), losses.iter().filter(|loss| loss.in_best).count());
        let deviations = reading.threshold(&RISE_DEVIATIONS);
        let rises = |loss: &RisingLoss<'_>| {
            let of = if loss.in_best { best } else { looked_at };
            loss.rise.chance <= half / of.max(1) as f64 && loss.rise.by > deviations * loss.rise.noise
        };
        Self { looked_at, best, rising: losses.into_iter().filter(rises).collect() }
    }
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let Losses { looked_at, best, rising } = Losses::of(reading, round);
    let in_best = rising.iter().filter(|loss| loss.in_best).count();
    if in_best == 0 && (rising.is_empty() || (rising.len() as f64) < reading.threshold(&MANY_RISING) * looked_at as f64)
    {
        return;
    }
    let severity = if 2 * in_best > best { Severity::Problem } else { Severity::Warning };
    let largest = rising.iter().map(|loss| loss.rise.by).fold(0.0, f64::max);
    findings.push(
        Finding::new(&TRAINING_LOSS_RISING,
            format!(
                "The training loss of {} of {} of round {} ({in_best} of the best {best}) ends higher than it was after \
                 {} of training, by up to {}. That is usually a bug in the pipeline: look at the data, the loss and the \
                 sign of the update before anything else.",
                rising.len(),
                count(looked_at, "trial"),
                round.name,
                percent(reading.threshold(&LOSS_BEGINNING)),
                number(largest),
            ),
        )
        .graded(severity)
        .about(rising.iter().map(|loss| loss.trial))
        .with("rising", rising.len() as f64)
        .with("looked_at", looked_at as f64)
        .with("rising_in_best", in_best as f64)
        .with("looked_at_in_best", best as f64)
        .with("largest_rise", largest)
        .with("chance", rising.iter().map(|loss| loss.rise.chance).fold(f64::INFINITY, f64::min)),
    );
}
