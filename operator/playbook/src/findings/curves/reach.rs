//! Whether trials train as long as the study says: a trainer that counts epochs where the study counts steps ends far from
//! `maxTrainSteps`, or far beyond it, and every rule about steps would mislead.

use studious_rules::{
    curves::{STEPS_BEYOND_BUDGET, STEPS_NOT_REACHED},
    thresholds::curves::{REACHED_STEPS, STEP_TRIALS},
};

use super::{
    super::{
        Finding,
        reading::{Reading, RoundTrials},
        wording::count,
    },
    median,
};
use crate::record::TrialRecord;

/// The last step at which a trial evaluated its objective, wherever that lies.
fn last_step(reading: &Reading<'_>, trial: &TrialRecord) -> Option<u64> {
    trial.curves.get(&reading.plan.spec().objective.metric)?.last().map(|(step, _)| *step)
}

/// Whether a trial trained for its step budget, so that its best step says something about that: evaluated late in it, and
/// not beyond.
pub(super) fn reaches(reading: &Reading<'_>, round: &RoundTrials<'_>, trial: &TrialRecord) -> bool {
    last_step(reading, trial).is_some_and(|step| step <= round.steps && !is_short(reading, round, step))
}

/// Whether a trial that was evaluated last at this step ends far from the step budget.
fn is_short(reading: &Reading<'_>, round: &RoundTrials<'_>, step: u64) -> bool {
    step as f64 <= reading.threshold(&REACHED_STEPS) * round.steps as f64
}

/// Trials of a round with the last step at which each was evaluated.
fn ends<'a>(reading: &Reading<'a>, round: &RoundTrials<'a>) -> Vec<(&'a TrialRecord, u64)> {
    round.succeeded().filter_map(|t| Some((t, last_step(reading, t)?))).collect()
}

/// Most trials end far from the step budget.
pub(super) fn not_reached(reading: &Reading<'_>) -> Option<Finding> {
    let round = reading.concluding()?;
    let ends = ends(reading, round);
    let short: Vec<_> = ends.iter().filter(|(_, step)| is_short(reading, round, *step)).collect();
    if ends.len() < reading.count(&STEP_TRIALS) || 2 * short.len() <= ends.len() {
        return None;
    }
    let last = median(short.iter().map(|(_, step)| *step as f64))?;
    let same = short.iter().all(|(_, step)| *step == short[0].1);
    let seen = if same {
        format!("{} of {} of round {} end at step {}", short.len(), count(ends.len(), "trial"), round.name, short[0].1)
    } else {
        format!(
            "{} of {} of round {} end early, half of them by step {last}",
            short.len(),
            count(ends.len(), "trial"),
            round.name
        )
    };
    let finding = Finding::new(
        &STEPS_NOT_REACHED,
        format!(
            "{seen}, where maxTrainSteps is {}. Nothing is said about the step budget, and no trial is ended early by its \
             evaluations, while the trainer counts something else: report training steps, not epochs, or set maxTrainSteps \
             and evaluation.everySteps in the unit that the trainer counts. A trainer that stops early by its own rule \
             makes step budgets incomparable: let it train to maxTrainSteps.",
            round.steps,
        ),
    );
    Some(
        finding
            .about(short.iter().map(|(t, _)| *t))
            .with("short", short.len() as f64)
            .with("trials", ends.len() as f64)
            .with("median_last_step", last)
            .with("max_train_steps", round.steps as f64),
    )
}

/// Most trials are evaluated beyond the step budget, where nothing counts.
pub(super) fn beyond(reading: &Reading<'_>) -> Option<Finding> {
    let round = reading.concluding()?;
    let ends = ends(reading, round);
    let beyond: Vec<_> = ends.iter().filter(|(_, step)| *step > round.steps).collect();
    if ends.len() < reading.count(&STEP_TRIALS) || 2 * beyond.len() <= ends.len() {
        return None;
    }
    let last = beyond.iter().map(|(_, step)| *step).max()?;
    let finding = Finding::new(
        &STEPS_BEYOND_BUDGET,
        format!(
            "{} of {} of round {} were evaluated beyond maxTrainSteps {}, up to step {last}. Such evaluations do not count. \
             Make the trainer stop at the maxTrainSteps of trial.json, or set maxTrainSteps in the unit that the trainer \
             counts.",
            beyond.len(),
            count(ends.len(), "trial"),
            round.name,
            round.steps,
        ),
    );
    Some(
        finding
            .about(beyond.iter().map(|(t, _)| *t))
            .with("beyond", beyond.len() as f64)
            .with("trials", ends.len() as f64)
            .with("last_step", last as f64)
            .with("max_train_steps", round.steps as f64),
    )
}
