//! What a run reports to its observer. The crate prints nothing.

use std::{path::PathBuf, time::Duration};

use studious_playbook::trial::TrialState;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The run continues from what is in its folder.
    Resumed {
        /// Trials that have ended before.
        ended: u32,
        /// Trials that were training when the run before was stopped; they continue from their checkpoints.
        interrupted: u32,
        /// Processes of the run before that were still there and were ended.
        leftovers: usize,
    },
    /// The ledger had lost trials or their last measurements: they were read from the trials' folders.
    Rebuilt {
        /// Trials.
        trials: usize,
    },
    /// The search learns from another study's results.
    StartsFrom {
        /// The other study.
        study: String,
        /// Its results whose points lie in this study's space.
        results: usize,
        /// Its trials.
        trials: usize,
    },
    /// A round has begun.
    RoundBegan {
        /// Its name.
        round: String,
    },
    /// An attempt has begun.
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
        /// The last step that host 0 wrote of.
        step: u64,
        /// The step at which it ends.
        max_train_steps: u64,
        /// The objective so far.
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
        code: i32,
        /// How long before it was asked to leave, if it was.
        asked: Option<Duration>,
    },
    /// An attempt has ended and another follows.
    AttemptEnded {
        /// The trial.
        trial: String,
        /// Its number.
        attempt: u32,
        /// Why, in a sentence.
        message: String,
        /// What the trainer printed.
        output: PathBuf,
    },
    /// A trial has ended.
    TrialEnded {
        /// The trial.
        trial: String,
        /// How it ended.
        state: Box<TrialState>,
        /// Why, in a sentence.
        message: String,
        /// What is to be known beside that: lines that could not be read, an exit code after `done`.
        remarks: Vec<String>,
        /// Its training steps, for the reckoning of time.
        max_train_steps: u64,
        /// What the trainer printed in the last attempt.
        output: PathBuf,
    },
    /// Trainers have been asked to end.
    Stopping {
        /// How many trials are training.
        running: usize,
    },
}
