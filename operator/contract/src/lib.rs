//! The trainer contract, as docs/trainer.md describes it: `trial.json` in, `metrics.jsonl` out, the same in the
//! environment. And how its lines travel from a pod to the operator.
//!
//! ```text
//! trial.json ─▶ trainer ─▶ metrics.jsonl ─▶ Tail ─▶ Line ─▶ ledger          a local run
//!                                           Tail ─▶ PushRequest ─▶ operator  the agent in a pod
//! ```
//!
//! Reserved names are those of [`studious_api::reserved`], which validates pod templates against them.

pub mod environment;
mod event;
mod json;
mod line;
pub mod metrics;
mod push;
mod runtime;
#[cfg(feature = "tail")]
pub mod tail;
mod trial_json;

pub use event::{Event, Init};
pub use line::{LeftOut, Line, LineError, MAX_LINE_BYTES, MAX_METRICS_PER_LINE, Measurements};
pub use metrics::{JudgedMetrics, TRAIN_LOSS};
pub use push::{BATCH_BYTES, BATCH_LINES, MAX_PUSH_BYTES, PUSH_PATH, PushAnswer, PushRequest, json_bytes};
pub use runtime::TrainerRuntime;
pub use studious_api::reserved;
pub use trial_json::{
    COORDINATOR_PORT, HostInfo, HostSeeds, SharedHostInfo, SharedSeeds, SharedTrial, TrialCheckpoint, TrialFile,
    TrialJson, TrialJsonError, TrialObjective,
};

/// What the trainer reads, in the trial directory.
pub const TRIAL_FILE: &str = "trial.json";
/// What the trainer writes, in the trial directory.
pub const METRICS_FILE: &str = "metrics.jsonl";
