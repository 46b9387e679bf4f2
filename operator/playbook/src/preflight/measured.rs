//! What a preflight measures: start-up, a training step, an evaluation, memory.

use schemars::JsonSchema;
use serde::Serialize;

use super::{AttemptSeen, Observations, RESOLUTION};
use crate::{contract::metrics::EXAMPLES_PER_SECOND, design::StepTime};

/// What was measured on the trial that nothing interrupted; what could not be measured is missing.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreflightMeasurements {
    /// Seconds from the start of the process to the first training step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub startup_seconds: Option<f64>,
    /// Seconds of a training step, with the evaluations and checkpoints between steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_per_step: Option<f64>,
    /// Seconds of an evaluation: from the last line of a step before it to the line with the objective, where the program writes
    /// both and they come at different times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_per_evaluation: Option<f64>,
    /// Training examples per second, as the program reports them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examples_per_second: Option<f64>,
    /// Most resident memory of its processes together, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// What a training step takes in a trial of the study's first round, start-up included: what `studious plan` reckons with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_time: Option<StepTime>,
}

impl PreflightMeasurements {
    pub(super) fn of(seen: &Observations<'_>) -> Self {
        let whole = &seen.whole;
        let pace = pace(whole);
        let startup_seconds = pace.map(|pace| pace.startup);
        Self {
            startup_seconds,
            seconds_per_step: pace.map(|pace| pace.per_step),
            seconds_per_evaluation: evaluation(whole, &seen.spec.objective.metric),
            examples_per_second: median(
                whole.values(EXAMPLES_PER_SECOND).map(|(_, _, value)| value).filter(|x| x.is_finite()).collect(),
            ),
            peak_memory_bytes: whole.peak_memory_bytes,
            step_time: pace.and_then(|pace| StepTime::of_trial(pace.startup, pace.per_step, seen.round_steps)),
        }
    }
}

#[derive(Clone, Copy)]
struct StepPace {
    startup: f64,
    per_step: f64,
}

/// By the first and the last lines of measurements. Of lines that come at once, as of a program that buffers them, the last
/// says how far it was by then.
fn pace(whole: &AttemptSeen) -> Option<StepPace> {
    let at_once = RESOLUTION.as_secs_f64() / 2.0;
    let mut arrivals: Vec<(f64, u64)> = Vec::new();
    let mut previous = f64::NEG_INFINITY;
    for (seconds, step, _) in whole.measurements() {
        match arrivals.last_mut() {
            Some((_, last)) if seconds - previous < at_once => *last = step.max(*last),
            _ => arrivals.push((seconds, step)),
        }
        previous = seconds;
    }
    let &(from, first) = arrivals.first()?;
    let &(to, last) = arrivals.iter().filter(|(_, step)| *step > first).max_by_key(|(_, step)| *step)?;
    let per_step = (to - from) / (last - first) as f64;
    (per_step > 0.0).then(|| StepPace { startup: (from - per_step * first as f64).max(0.0), per_step })
}

/// The median time between a line of a step without the objective and the one with it.
fn evaluation(whole: &AttemptSeen, objective: &str) -> Option<f64> {
    let mut times = Vec::new();
    let mut before: Option<(f64, u64)> = None;
    for (seconds, step, values) in whole.measurements() {
        match before {
            Some((since, of)) if of == step && values.iter().any(|(name, _)| name == objective) => {
                times.push(seconds - since);
                before = None;
            }
            _ => before = Some((seconds, step)),
        }
    }
    median(times).filter(|seconds| *seconds > RESOLUTION.as_secs_f64())
}

fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}
