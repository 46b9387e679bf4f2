//! What a training step takes, by trials that ran.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::TrialRecord;

/// The share of trials on either side that a range of step times leaves out.
const TAIL: f64 = 0.1;

/// Seconds of a training step, start-up, evaluations and checkpoints included.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepTime {
    /// Of fast trials: nine of ten are slower. The same as `slow` where one number is known.
    pub fast: f64,
    /// Of slow trials: nine of ten are faster.
    pub slow: f64,
    /// The trials that it was measured on; 0 where it was given.
    pub trials: usize,
}

impl StepTime {
    /// One that was given.
    #[must_use]
    pub fn given(fast: f64, slow: f64) -> Self {
        Self { fast: fast.min(slow), slow: fast.max(slow), trials: 0 }
    }

    /// That of a trial of so many steps, by what its start and each step take on a shorter one.
    #[must_use]
    pub fn of_trial(startup_seconds: f64, seconds_per_step: f64, steps: u64) -> Option<Self> {
        let seconds = startup_seconds / steps as f64 + seconds_per_step;
        (seconds.is_finite() && seconds > 0.0).then_some(Self { fast: seconds, slow: seconds, trials: 1 })
    }

    /// That of trials which trained to their end in one attempt; nothing where none did, or none reported steps.
    #[must_use]
    pub fn measured(trials: &[TrialRecord]) -> Option<Self> {
        let mut seconds: Vec<f64> = trials.iter().filter_map(step_seconds).collect();
        seconds.sort_by(f64::total_cmp);
        // A share of a length: small and not negative.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let left_out = (TAIL * seconds.len() as f64) as usize;
        let (fast, slow) = (*seconds.get(left_out)?, *seconds.get(seconds.len() - 1 - left_out)?);
        Some(Self { fast, slow, trials: seconds.len() })
    }
}

/// Of one trial. One that was interrupted trained some steps twice, or waited.
fn step_seconds(trial: &TrialRecord) -> Option<f64> {
    trial.objective()?;
    let [span] = &trial.attempts[..] else { return None };
    let steps = trial.curves.values().filter_map(|curve| curve.last()).map(|(step, _)| *step).max()?;
    let milliseconds = span.ended?.0.checked_sub(span.started?.0)?;
    (steps > 0 && milliseconds > 0).then(|| milliseconds as f64 / 1000.0 / steps as f64)
}
