//! The `Trial` resource: one training run of a point in a round. Its spec holds everything needed to run it again
//! without its study.

mod provenance;
mod status;

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::{CustomResource, KubeSchema};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

pub use provenance::{MAX_CODE, MAX_COMMAND, MAX_DEVICES, MAX_MACHINES, Provenance};
pub use status::{AttemptOutcome, AttemptRecord, MAX_ATTEMPTS, MAX_RUNGS, RungStatus, TrialPhase, TrialStatus};

use crate::{
    Hyperparameters, pod_template,
    study::{Checkpoint, Constraint, Evaluation, Failure, Objective, ScheduleFamily, SeedVerification},
};

/// Everything needed to run one trial. Only `stop` can change.
// clippy takes the columns' common parts for slips.
#[allow(clippy::duplicated_attributes)]
#[derive(CustomResource, KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[kube(
    group = "studious.dev",
    version = "v1alpha1",
    kind = "Trial",
    plural = "trials",
    category = "studious",
    namespaced,
    status = "TrialStatus",
    derive = "PartialEq",
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Round", type_ = "string", json_path = ".spec.round"),
    printcolumn(name = "Objective", type_ = "number", format = "double", json_path = ".status.objective"),
    printcolumn(name = "Step", type_ = "integer", json_path = ".status.step"),
    printcolumn(name = "Attempt", type_ = "integer", json_path = ".status.attempt"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Study", type_ = "string", json_path = ".spec.study", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.study == oldSelf.study")
        .message("can't change once a trial exists: it would no longer be the run that was asked for").field_path(".study"),
    validation = Rule::new("self.round == oldSelf.round")
        .message("can't change once a trial exists: it would no longer be the run that was asked for").field_path(".round"),
    validation = Rule::new("self.index == oldSelf.index")
        .message("can't change once a trial exists: it would no longer be the run that was asked for").field_path(".index"),
    validation = Rule::new("self.hyperparameters == oldSelf.hyperparameters")
        .message("can't change once a trial exists: it would no longer be the run that was asked for").field_path(".hyperparameters"),
    validation = Rule::new("has(self.aliases) == has(oldSelf.aliases) && (!has(self.aliases) || self.aliases == oldSelf.aliases)")
        .message("can't change once a trial exists: it would no longer be the run that was asked for").field_path(".aliases"),
    validation = Rule::new("self.maxTrainSteps == oldSelf.maxTrainSteps")
        .message("can't change once a trial exists: it would no longer be the run that was asked for").field_path(".maxTrainSteps"),
    validation = Rule::new("self.objective == oldSelf.objective")
        .message("can't change once a trial exists: it would no longer be the run that was asked for").field_path(".objective"),
    validation = Rule::new("self.seeds == oldSelf.seeds")
        .message("can't change once a trial exists: it would no longer be the run that was asked for").field_path(".seeds"),
    validation = Rule::new("self.hosts == oldSelf.hosts")
        .message("can't change once a trial exists: it would no longer be the run that was asked for").field_path(".hosts"),
    validation = Rule::new("has(self.schedule) == has(oldSelf.schedule) && (!has(self.schedule) || self.schedule == oldSelf.schedule)")
        .message("can't change once a trial exists: it would no longer be the run that was asked for").field_path(".schedule"),
    validation = Rule::new("!has(oldSelf.stop) || (has(self.stop) && self.stop == oldSelf.stop)")
        .message("a trial that was stopped cannot be resumed: its attempt has ended").field_path(".stop"),
)]
pub struct TrialSpec {
    /// Name of the study it belongs to.
    #[schemars(length(min = 1, max = 63))]
    pub study: String,
    /// Name of the round.
    #[schemars(length(min = 1, max = 20))]
    pub round: String,
    /// Number within the round, from 0.
    pub index: u32,
    /// The point.
    #[schemars(schema_with = "opaque_hyperparameters")]
    pub hyperparameters: Hyperparameters,
    /// What the program calls hyperparameters of the point, by name, where that is something else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "bounded_aliases")]
    pub aliases: BTreeMap<String, String>,
    /// Training steps.
    pub max_train_steps: u64,
    /// The learning-rate schedule, worked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<TrialSchedule>,
    /// What is measured.
    pub objective: Objective,
    /// Bounds on other metrics: its status tells their values at the objective's step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub constraints: Vec<Constraint>,
    /// When it evaluates.
    pub evaluation: Evaluation,
    /// When it saves, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// Seeds of all hosts.
    pub seeds: TrialSeeds,
    /// Processes that train together.
    pub hosts: u32,
    /// How strictly seeds are verified.
    pub verify: SeedVerification,
    /// What is retried and what is a result.
    #[serde(default)]
    pub failure: Failure,
    /// Longest time of one attempt in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// End the trial, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub stop: Option<String>,
    /// Why it is to end, in a word: the rule that ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub stop_reason: Option<String>,
    /// The pod of each host, as the study gives it.
    #[schemars(schema_with = "pod_template::opaque_schema")]
    #[serde(serialize_with = "pod_template::serialize", deserialize_with = "pod_template::deserialize")]
    pub template: Arc<PodTemplateSpec>,
}

/// An object without properties, so that CEL can compare it as a whole.
fn opaque_hyperparameters(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "description": "The point.",
        "maxProperties": 64,
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

/// Texts with limits, which CEL needs to compare them.
fn bounded_aliases(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "description": "What the program calls hyperparameters of the point, by name, where that is something else.",
        "maxProperties": 64,
        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 128},
    })
}

/// A schedule worked out for one trial. At 0-based step `t` the learning rate is `base * t / warmupSteps` while
/// `t < warmupSteps`, then `base` for `constantSteps`, then falls to `base * endFactor` over `decaySteps` in a straight
/// line or half a cosine, and stays there.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct TrialSchedule {
    /// Shape of the decay.
    pub family: ScheduleFamily,
    /// Peak learning rate.
    pub base: f64,
    /// Steps of warmup.
    pub warmup_steps: u64,
    /// Steps at the peak.
    pub constant_steps: u64,
    /// Steps of decay.
    pub decay_steps: u64,
    /// Learning rate at the end as a share of the peak.
    pub end_factor: f64,
}

/// Seeds of one trial, each below 2^31.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct TrialSeeds {
    /// Of the initialisation: the same on every host.
    pub init: u32,
    /// Of the data order: one for each host, all different.
    #[schemars(length(min = 1, max = 256))]
    pub data: Vec<u32>,
    /// Of the split into train, validation and test: the same for the whole study.
    pub split: u32,
}
