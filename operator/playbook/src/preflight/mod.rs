//! Whether a program is ready to be tuned: a short trial, seen from outside, and what that shows.
//!
//! Playbook: "Guide for starting a new project". A study takes training and evaluation that run for granted; what is assumed is
//! checked here on the trainer contract: one trial to its end, and one that is killed, resumed, asked to end and resumed. What
//! was not seen is unknown, never passed.

mod checks;
mod measured;
mod point;
mod seen;
#[cfg(test)]
mod tests;
mod values;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use studious_api::{StudySpec, trial::TrialSeeds};

pub use self::{
    measured::PreflightMeasurements,
    point::{ShortTrial, name_of_preflight, short_trial},
    seen::{AttemptSeen, HostExit, SeenLine, StopRequest},
};

/// Lines that come within so short a time are seen at once.
pub const RESOLUTION: Duration = Duration::from_millis(10);

/// What a short trial of a program showed.
#[derive(Clone, Debug)]
pub struct Observations<'a> {
    /// The study of the short trial.
    pub spec: &'a StudySpec,
    /// The seeds that the trial was given.
    pub seeds: TrialSeeds,
    /// Steps of the first round of the study that it stands for.
    pub round_steps: u64,
    /// A trial that nothing interrupted.
    pub whole: AttemptSeen,
    /// The same trial, killed at a checkpoint; missing where it was not begun.
    pub killed: Option<AttemptSeen>,
    /// That trial resumed, and asked to end.
    pub resumed: Option<AttemptSeen>,
    /// And resumed once more.
    pub again: Option<AttemptSeen>,
}

/// What a preflight found.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreflightReport {
    /// Whether everything that a study needs was seen to work.
    pub ready: bool,
    /// Each check.
    pub checks: Vec<Check>,
    /// What was measured; what could not be measured is missing.
    pub measured: PreflightMeasurements,
}

/// One thing that a study takes for granted of a program.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its name, such as `Evaluates`.
    pub code: CheckCode,
    /// Whether it holds.
    pub status: CheckStatus,
    /// Whether a study needs it.
    pub needed: bool,
    /// What was seen.
    pub message: String,
    /// What to do where it fails; where it is unknown, what would make it known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// What is checked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
pub enum CheckCode {
    /// The program starts and writes lines.
    Starts,
    /// It ends without being asked.
    EndsItself,
    /// Its exit code is 0.
    ExitCode,
    /// It trains for `maxTrainSteps`, no more and no less.
    ObeysMaxTrainSteps,
    /// It reports the objective's metric.
    Evaluates,
    /// It evaluates every `evaluation.everySteps` and at the end.
    EvaluationDistance,
    /// Objective and training loss are finite.
    Finite,
    /// Lines of `metrics.jsonl` can be read.
    ReadableLines,
    /// It reports its seeds and a fingerprint of its parameters.
    ReportsInit,
    /// It says `done`.
    SaysDone,
    /// It saves checkpoints.
    SavesCheckpoints,
    /// After a kill it continues from its checkpoint.
    Resumes,
    /// What it restores is what it saved.
    RestoresWhatItSaved,
    /// It ends when it is sent SIGTERM.
    EndsOnRequest,
    /// The same seeds give the same values.
    Repeats,
    /// A trial that was interrupted has the values of one that wasn't.
    ResumesExactly,
}

/// Whether a check holds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum CheckStatus {
    /// It was seen to hold.
    Passes,
    /// It was seen not to hold.
    Fails,
    /// It could not be seen.
    Unknown,
}

/// Judges what was seen.
#[must_use]
pub fn judge(seen: &Observations<'_>) -> PreflightReport {
    let checks = checks::all(seen);
    let ready = checks.iter().all(|check| !check.needed || check.status == CheckStatus::Passes);
    PreflightReport { ready, checks, measured: PreflightMeasurements::of(seen) }
}

impl Check {
    fn new(code: CheckCode, status: CheckStatus, message: impl Into<String>) -> Self {
        Self { code, status, needed: false, message: message.into(), fix: None }
    }

    fn passes(code: CheckCode, message: impl Into<String>) -> Self {
        Self::new(code, CheckStatus::Passes, message)
    }

    fn fails(code: CheckCode, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(code, CheckStatus::Fails, message) }
    }

    fn unknown(code: CheckCode, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(code, CheckStatus::Unknown, message) }
    }

    /// That a study needs it, if it does.
    fn needed_if(self, needed: bool) -> Self {
        Self { needed, ..self }
    }
}
