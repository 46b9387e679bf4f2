//! Warmup: taken out of training, or added to it.

use studious_api::{
    StudySpec,
    study::{Schedule, ScheduleFamily},
};
use studious_rules::{
    curves::LONG_WARMUP_TAKES_STEPS,
    registry::WARMUP,
    thresholds::curves::{FIRST_WARMUP, LONG_WARMUP},
};

use super::super::{
    Finding,
    change::{Change, Edit},
    reading::Reading,
    wording::{number, percent},
};
use crate::schedule;

/// Requirement R-161: warmup is added to training, not taken from it. Warmup that is given in steps is taken as added, as
/// in the playbook's example, 1,000 steps of warmup before 10,000 others; a fraction is part of the step budget.
pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let Some((best, _)) = reading.ranked(&round.trials).first().copied() else { return };
    let spec = reading.plan.spec();
    let Some(fractional) = spec.schedule.as_ref().filter(|s| s.warmup_steps.is_none()) else { return };
    let Some(schedule) = schedule::of_trial(spec, round.steps, &best.hyperparameters) else { return };
    let share = schedule.warmup_steps as f64 / round.steps.max(1) as f64;
    if share <= reading.threshold(&LONG_WARMUP) {
        return;
    }
    findings.push(
        Finding::new(
            &LONG_WARMUP_TAKES_STEPS,
            format!(
                "Warmup takes {} of the {} steps of round {}. It should be added to training rather than taken from it: \
                 raise maxTrainSteps to {}, and give warmup in steps (warmupSteps: {}).",
                percent(share),
                round.steps,
                round.name,
                number((round.steps + schedule.warmup_steps) as f64),
                schedule.warmup_steps,
            ),
        )
        .about([best])
        .with("share", share)
        .with("warmup_steps", schedule.warmup_steps as f64)
        .with("max_train_steps", round.steps as f64)
        .suggest(added(reading, fractional.clone(), schedule.warmup_steps)),
    );
}

/// Whether a study has warmup: in its schedule, or as a hyperparameter, beside which trainers refuse another.
pub(crate) fn warms_up(spec: &StudySpec) -> bool {
    let has_some = |s: &Schedule| s.warmup_fraction.is_some_and(|f| f > 0.0) || s.warmup_steps.is_some_and(|n| n > 0);
    spec.known().into_iter().flatten().any(|known| known.id == WARMUP.id)
        || spec.schedule.as_ref().is_some_and(has_some)
}

/// A first warmup before the steps of every round, where the study [has none](warms_up). `rate` is the learning rate.
pub(in crate::findings) fn prepend(reading: &Reading<'_>, rate: &str) -> Option<Change> {
    let spec = reading.plan.spec();
    if warms_up(spec) {
        return None;
    }
    let schedule = match &spec.schedule {
        Some(schedule) => schedule.clone(),
        None => Schedule {
            family: ScheduleFamily::Constant,
            base: rate.to_owned(),
            warmup_fraction: None,
            warmup_steps: None,
            end_factor: 0.0,
        },
    };
    let first = spec.rounds.first()?.max_train_steps;
    // A share of a number of steps: whole, positive and below 2^53.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let steps = (reading.threshold(&FIRST_WARMUP) * first as f64).round().max(1.0) as u64;
    added(reading, schedule, steps)
}

/// So many steps of warmup before those of every round.
fn added(reading: &Reading<'_>, schedule: Schedule, steps: u64) -> Option<Change> {
    let max_train_steps = reading.plan.spec().rounds.iter().map(|round| round.max_train_steps + steps).collect();
    let schedule = Schedule { warmup_fraction: None, warmup_steps: Some(steps), ..schedule };
    reading.change(Edit::PrependWarmup { schedule, max_train_steps })
}
