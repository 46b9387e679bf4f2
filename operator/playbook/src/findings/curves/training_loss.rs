//! A training loss that rises over training.

use studious_api::study::Direction;
use studious_rules::{
    curves::TRAINING_LOSS_RISING,
    thresholds::{
        curves::{LOSS_BEGINNING, RISE_DEVIATIONS},
        search::FALSE_ALARMS,
    },
};

use super::{
    super::{
        Finding, Severity,
        reading::Reading,
        wording::{count, number, percent},
    },
    best_few,
    series::BinnedCurve,
};
use crate::decide::TRAIN_LOSS;

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let beginning = reading.threshold(&LOSS_BEGINNING);
    let losses: Vec<_> = best_few(reading, round)
        .into_iter()
        .filter_map(|t| {
            Some((t, BinnedCurve::of(reading, t.curves.get(TRAIN_LOSS)?, Direction::Minimize)?.rise_since(beginning)?))
        })
        .collect();
    let deviations = reading.threshold(&RISE_DEVIATIONS);
    let limit = reading.threshold(&FALSE_ALARMS) / losses.len().max(1) as f64;
    let rising: Vec<_> =
        losses.iter().filter(|(_, rise)| rise.chance <= limit && rise.by > deviations * rise.noise).collect();
    if rising.is_empty() {
        return;
    }
    let severity = if 2 * rising.len() > losses.len() { Severity::Problem } else { Severity::Warning };
    let largest = rising.iter().map(|(_, rise)| rise.by).fold(0.0, f64::max);
    findings.push(
        Finding::new(&TRAINING_LOSS_RISING,
            format!(
                "The training loss of {} of the best {} of round {} ends higher than it was after {} of training, by \
                 up to {}. That is usually a bug in the pipeline: look at the data, the loss and the sign of the update \
                 before anything else.",
                rising.len(),
                count(losses.len(), "trial"),
                round.name,
                percent(beginning),
                number(largest),
            ),
        )
        .graded(severity)
        .about(rising.iter().map(|(t, _)| *t))
        .with("rising", rising.len() as f64)
        .with("looked_at", losses.len() as f64)
        .with("largest_rise", largest)
        .with("chance", rising.iter().map(|(_, rise)| rise.chance).fold(f64::INFINITY, f64::min)),
    );
}
