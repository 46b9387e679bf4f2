//! The learning-rate schedule of a trial, and how it carries over to longer rounds.
//!
//! Playbook: "Round 1", "Round 2". What a later round keeps of the first one:
//!
//! - Warmup keeps its number of steps: it is the part most likely to transfer.
//! - Linear decay keeps its number of steps, and the constant part before it grows: the extra steps are spent at the
//!   high learning rate. In the first round there is no constant part.
//! - Cosine decay keeps the base rate and stretches over all steps after warmup.
//! - A constant schedule stays constant.

use std::f64::consts::PI;

use studious_api::{Hyperparameters, StudySpec, study::ScheduleFamily, trial::TrialSchedule};

/// The schedule of a point in a round of `max_train_steps`. `None` when the study has none, or when the point lacks the
/// hyperparameter that is the peak learning rate, which validation refuses.
#[must_use]
pub fn of_trial(spec: &StudySpec, max_train_steps: u64, point: &Hyperparameters) -> Option<TrialSchedule> {
    let schedule = spec.schedule.as_ref()?;
    let base = point.get(&schedule.base)?.as_f64()?;
    let first = spec.rounds.first().map_or(max_train_steps, |round| round.max_train_steps);
    let warmup_steps = match (schedule.warmup_steps, schedule.warmup_fraction) {
        (Some(steps), _) => steps,
        (None, Some(fraction)) => share(first, fraction),
        (None, None) => 0,
    }
    .min(max_train_steps);
    let after_warmup = max_train_steps - warmup_steps;
    let decay_steps = match schedule.family {
        ScheduleFamily::Constant => 0,
        ScheduleFamily::Linear => first.saturating_sub(warmup_steps).min(after_warmup),
        ScheduleFamily::Cosine => after_warmup,
    };
    Some(TrialSchedule {
        family: schedule.family,
        base,
        warmup_steps,
        constant_steps: after_warmup - decay_steps,
        decay_steps,
        end_factor: schedule.end_factor,
    })
}

/// A share of steps, to the nearest whole step.
fn share(steps: u64, fraction: f64) -> u64 {
    // At most the steps themselves, which are below 2^53.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rounded = (steps as f64 * fraction.clamp(0.0, 1.0)).round() as u64;
    rounded
}

/// The learning rate at a step, from 0. Trainers compute the same.
#[must_use]
pub fn rate(schedule: &TrialSchedule, step: u64) -> f64 {
    let &TrialSchedule { family, base, warmup_steps, constant_steps, decay_steps, end_factor } = schedule;
    if step < warmup_steps {
        return base * step as f64 / warmup_steps as f64;
    }
    let into_decay = (step - warmup_steps).saturating_sub(constant_steps);
    if into_decay == 0 || family == ScheduleFamily::Constant {
        return base;
    }
    // From 0 at the peak to 1 at the end.
    let progress = if into_decay >= decay_steps { 1.0 } else { into_decay as f64 / decay_steps as f64 };
    let above_end = match family {
        ScheduleFamily::Cosine => 0.5 * (1.0 + libm::cos(PI * progress)),
        ScheduleFamily::Linear | ScheduleFamily::Constant => 1.0 - progress,
    };
    base * (end_factor + (1.0 - end_factor) * above_end)
}

/// Whether two schedules have the same learning rate at every one of these first steps, whatever comes after.
#[must_use]
pub fn begin_alike(a: &TrialSchedule, b: &TrialSchedule, steps: u64) -> bool {
    let is_before_decay = |s: &TrialSchedule| s.decay_steps == 0 || s.warmup_steps + s.constant_steps >= steps;
    a == b
        || (a.base.total_cmp(&b.base).is_eq()
            && a.warmup_steps == b.warmup_steps
            && is_before_decay(a)
            && is_before_decay(b))
}

#[cfg(test)]
mod tests;
