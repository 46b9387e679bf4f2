//! Warmup that takes a large part of training.

use studious_api::thresholds::curves::LONG_WARMUP;

use super::super::{
    Finding, Severity,
    change::Change,
    reading::Reading,
    wording::{number, percent},
};
use crate::schedule;

/// Requirement R-161: warmup is added to training, not taken from it.
pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let Some((best, _)) = reading.ranked(&round.trials).first().copied() else { return };
    let Some(schedule) = schedule::of_trial(reading.plan.spec(), round.steps, &best.hyperparameters) else { return };
    let share = schedule.warmup_steps as f64 / round.steps.max(1) as f64;
    if share <= reading.threshold(&LONG_WARMUP) {
        return;
    }
    let more = round.steps + schedule.warmup_steps;
    findings.push(
        Finding::new(
            "LongWarmup",
            Severity::Info,
            "How to apply learning rate warmup",
            format!(
                "Warmup takes {} of the {} steps of round {}. It should be added to training rather than taken from it: \
                 raise maxTrainSteps to {}.",
                percent(share),
                round.steps,
                round.name,
                number(more as f64),
            ),
        )
        .about([best])
        .with("share", share)
        .with("warmup_steps", schedule.warmup_steps as f64)
        .with("max_train_steps", round.steps as f64)
        .suggest(Change::new(reading.round_path(round.name, "maxTrainSteps"), round.steps, more)),
    );
}
