//! How trials run: seeds, evaluation, checkpoints, failure, pod template.

use std::sync::Arc;

use k8s_openapi::api::core::v1::PodTemplateSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pod_template;

/// Seeds of a study. Every seed that a trainer sees is derived from `base`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seeds {
    /// Everything is derived from this.
    #[serde(default)]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub base: u64,
    /// Whether trials of a study start from the same initialisation.
    #[serde(default)]
    pub across_trials: AcrossTrials,
    /// Whether hosts must report their seeds and fingerprints before a result counts. Required for trials of several
    /// hosts and checked if reported for one, unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<SeedVerification>,
}

/// Whether trials of one study share an initialisation.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum AcrossTrials {
    /// Each trial has seeds of its own.
    #[default]
    Vary,
    /// All trials have the same seeds.
    Same,
}

/// How strictly seeds are verified.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum SeedVerification {
    /// A host that doesn't report ends the trial as Failed.
    Required,
    /// What is reported must be right.
    IfReported,
    /// Nothing is compared. (Not `Off`, which YAML reads as false.)
    Never,
}

/// When trainers evaluate: every so many steps, never by the clock.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// Training steps between evaluations.
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub every_steps: u64,
}

/// When trainers save, and where it is kept.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// Training steps between checkpoints.
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub every_steps: u64,
    /// How many of the best checkpoints are kept beside the latest.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 100))]
    pub keep_best: u32,
    /// On a cluster, a volume that outlives a pod. Without one, an attempt that is lost begins again at step 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<CheckpointVolume>,
}

/// A volume that outlives a pod.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointVolume {
    /// A claim in the study's namespace. Trials of several hosts on several nodes need one that many nodes can mount.
    pub persistent_volume_claim: ClaimReference,
}

/// A `PersistentVolumeClaim` by name.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimReference {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub claim_name: String,
}

/// What is retried, what is a result, and when to give up.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Tries of a trial whose trainer fails. Those lost to preemption, eviction or a lost node don't count.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 99))]
    pub attempts: u32,
    /// Exit codes by which a trainer says that the point can't be trained: a result, not an error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(range(min = 1, max = 255)))]
    pub infeasible_exit_codes: Vec<i32>,
    /// A study with more failed trials than this starts no further ones; running trials continue to their end.
    #[serde(default = "five")]
    #[schemars(range(min = 0, max = 9999))]
    pub max_failed_trials: u32,
}

impl Default for Failure {
    fn default() -> Self {
        Self { attempts: three(), infeasible_exit_codes: Vec::new(), max_failed_trials: five() }
    }
}

/// How a trial runs.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialTemplate {
    /// Processes that train together, one pod each.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 256))]
    pub hosts: u32,
    /// Longest time of one attempt in seconds; an attempt that takes longer has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 31_536_000))]
    pub timeout_seconds: Option<u64>,
    /// The Kueue queue that admits its Jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub queue: Option<String>,
    /// The pod of each host. Its first container is the trainer.
    #[schemars(schema_with = "pod_template::schema")]
    #[serde(serialize_with = "pod_template::serialize", deserialize_with = "pod_template::deserialize")]
    pub template: Arc<PodTemplateSpec>,
}

fn one() -> u32 {
    1
}

fn three() -> u32 {
    3
}

fn five() -> u32 {
    5
}
