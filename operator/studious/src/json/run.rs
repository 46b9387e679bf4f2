//! A run as it goes: an event a line.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use studious_api::trial::TrialPhase;
use studious_local::Event;
use studious_playbook::trial::Reason;

use super::Printable;

/// Something that happened in a run, one a line. The last line of a run is a Study.
#[derive(Debug, JsonSchema, Serialize)]
pub(crate) struct RunEventDocument {
    /// When, in RFC 3339.
    pub time: String,
    /// What.
    #[serde(flatten)]
    pub event: RunEvent,
}

/// What happened.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(tag = "event", rename_all_fields = "camelCase")]
pub(crate) enum RunEvent {
    /// The run resumes what is in its folder.
    Resumed {
        /// Trials that had ended before.
        ended: u32,
        /// Trials that were training when the run before was left.
        interrupted: u32,
        /// Processes of the run before that were still there and were ended.
        leftovers: usize,
    },
    /// The ledger lacked trials or their last measurements: they were read from the trials' folders.
    Rebuilt {
        /// How many.
        trials: usize,
    },
    /// The search learns from another study.
    StartsFrom {
        /// The other study.
        study: String,
        /// Its results that lie in this study's space.
        results: usize,
        /// Its trials.
        trials: usize,
    },
    /// A round has begun.
    RoundBegan {
        /// Its name.
        round: String,
    },
    /// An attempt of a trial has begun.
    AttemptBegan {
        /// The trial.
        trial: String,
        /// From 1.
        attempt: u32,
    },
    /// A trial has come further.
    Measured {
        /// The trial.
        trial: String,
        /// The last step of which host 0 wrote.
        step: u64,
        /// The step at which it ends.
        max_train_steps: u64,
        /// The best objective so far.
        #[serde(skip_serializing_if = "Option::is_none")]
        objective: Option<f64>,
    },
    /// A host of an attempt has left.
    HostLeft {
        /// The trial.
        trial: String,
        /// The attempt.
        attempt: u32,
        /// The host, from 0.
        host: u32,
        /// Its exit code; 128 + n after signal n.
        exit_code: i32,
        /// Seconds since it was asked to leave; missing where it was not.
        #[serde(skip_serializing_if = "Option::is_none")]
        asked_seconds: Option<f64>,
    },
    /// An attempt has ended and another follows.
    AttemptEnded {
        /// The trial.
        trial: String,
        /// The attempt that ended.
        attempt: u32,
        /// Why, in a sentence.
        message: String,
        /// The file with the trainer's output.
        output: String,
    },
    /// A trial has ended.
    TrialEnded {
        /// The trial.
        trial: String,
        /// How.
        phase: TrialPhase,
        /// Why, in a word; missing for a trial that succeeded.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Why, in a sentence.
        message: String,
        /// Its objective, if it succeeded.
        #[serde(skip_serializing_if = "Option::is_none")]
        objective: Option<f64>,
        /// The step of that objective.
        #[serde(skip_serializing_if = "Option::is_none")]
        step: Option<u64>,
        /// What a reader of the result should know, a sentence each.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        remarks: Vec<String>,
        /// The file with the trainer's output in the last attempt.
        output: String,
    },
    /// Trainers were asked to end.
    Stopping {
        /// How many trials train.
        running: usize,
    },
}

/// A run that was started in the background.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunStartedDocument {
    /// The study.
    pub study: String,
    /// The folder of the run, which `studious wait`, `stop` and `top` take.
    pub folder: String,
    /// The number of its process.
    pub pid: u32,
    /// The file with what it prints.
    pub log: String,
}

impl Printable for RunEventDocument {
    const KIND: &'static str = "RunEvent";
}

impl Printable for RunStartedDocument {
    const KIND: &'static str = "RunStarted";
}

impl RunEventDocument {
    /// An event that happens now.
    pub(crate) fn now(event: &Event) -> Self {
        let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        Self { time, event: RunEvent::from(event) }
    }
}

impl From<&Event> for RunEvent {
    fn from(event: &Event) -> Self {
        let file = |path: &Path| path.display().to_string();
        match event.clone() {
            Event::Resumed { ended, interrupted, leftovers } => Self::Resumed { ended, interrupted, leftovers },
            Event::Rebuilt { trials } => Self::Rebuilt { trials },
            Event::StartsFrom { study, results, trials } => Self::StartsFrom { study, results, trials },
            Event::RoundBegan { round } => Self::RoundBegan { round },
            Event::AttemptBegan { trial, attempt } => Self::AttemptBegan { trial, attempt },
            Event::Measured { trial, step, max_train_steps, objective } => {
                let objective = objective.filter(|objective| objective.is_finite());
                Self::Measured { trial, step, max_train_steps, objective }
            }
            Event::HostLeft { trial, attempt, host, code, asked } => {
                let asked_seconds = asked.map(|asked| asked.as_secs_f64());
                Self::HostLeft { trial, attempt, host, exit_code: code, asked_seconds }
            }
            Event::AttemptEnded { trial, attempt, message, output } => {
                Self::AttemptEnded { trial, attempt, message, output: file(&output) }
            }
            Event::TrialEnded { trial, state, message, remarks, output, .. } => Self::TrialEnded {
                trial,
                phase: state.phase,
                reason: state
                    .reason
                    .as_ref()
                    .map(Reason::as_str)
                    .filter(|reason| !reason.is_empty())
                    .map(str::to_owned),
                message,
                objective: state.objective.filter(|objective| objective.is_finite()),
                step: state.step,
                remarks,
                output: file(&output),
            },
            Event::Stopping { running } => Self::Stopping { running },
        }
    }
}
