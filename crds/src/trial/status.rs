//! What the operator says about a trial: enough to decide on, without the ledger.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Provenance;

/// What the operator says about a trial.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the trial stands.
    #[serde(default)]
    pub phase: TrialPhase,
    /// Why, in a word: `Diverged`, `OutOfMemory`, `SeedMismatch` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in a sentence, with what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The objective: set exactly when the trial succeeded, or so far while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
    /// The step of the evaluation that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_step: Option<u64>,
    /// The metrics that constraints bound, at that step; one that was not reported by then is missing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 8))]
    pub metrics: BTreeMap<String, f64>,
    /// The last training step seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// The current attempt, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Attempts that have ended; the latest 24.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_ATTEMPTS))]
    pub attempts: Vec<AttemptRecord>,
    /// What the current attempt executes, until it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
    /// How many attempts were disrupted: lost to preemption, eviction or a lost node.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub disruptions: u32,
    /// Its evaluations at the steps at which `SuccessiveHalving` compares trials: others are still compared with them when
    /// measurements are lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_RUNGS))]
    pub rungs: Vec<RungStatus>,
    /// Lines of `metrics.jsonl` that could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malformed_lines: Option<u64>,
    /// Fingerprint of the initialised parameters, equal on all hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters_sha256: Option<String>,
    /// When the first attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When the trial ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// `Ended`, and what is to be known beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

// serde's `skip_serializing_if` wants a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Most attempts that a status lists: enough to see that a trial was lost so often without coming further that it ends.
pub const MAX_ATTEMPTS: usize = 24;
/// Most rungs that a status holds. Each is at least twice as far as the one before, below 2^40 steps.
pub const MAX_RUNGS: usize = 40;

/// The evaluation of a trial at a rung of `search.earlyEnding`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RungStatus {
    /// The step at which trials are compared.
    pub rung: u64,
    /// The step of the first evaluation there or after it.
    pub step: u64,
    /// The objective at that step.
    pub value: f64,
    /// The best objective up to that step.
    pub best: f64,
}

/// Where a trial stands.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum TrialPhase {
    /// Not yet running.
    #[default]
    Pending,
    /// Waits for another attempt.
    Retrying,
    /// Training.
    Running,
    /// Ended with an objective.
    Succeeded,
    /// The point diverged, ran out of memory or can't be trained: a result.
    Infeasible,
    /// Not the point's fault; doesn't count.
    Failed,
    /// Stopped by a rule or by the end of the study.
    Stopped,
}

impl TrialPhase {
    /// Whether nothing more will happen to the trial.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Infeasible | Self::Failed | Self::Stopped)
    }
}

/// An attempt that has ended.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptRecord {
    /// From 1.
    pub number: u32,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// In a sentence.
    pub message: String,
    /// When its Job was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_time: Option<Time>,
    /// When its first host began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
    /// The step that the trial had reached by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// The next attempt restores no checkpoint beyond this step: evaluations after it were lost, and are made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_at_most: Option<u64>,
    /// Exit code and last line of a trainer that failed before the trial wrote a line of metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_failure: Option<String>,
    /// What it executed, and on which nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum AttemptOutcome {
    /// To its end.
    Finished,
    /// The trainer failed: counts against `failure.attempts`.
    Failed,
    /// Preempted, evicted, or its node or runner was lost: doesn't count.
    Disrupted,
}
