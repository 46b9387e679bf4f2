//! What the operator says about a study.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Hyperparameters;

/// What the operator says about a study. Counts, not lists: its size doesn't grow with the number of trials.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StudyStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the study stands.
    #[serde(default)]
    pub phase: StudyPhase,
    /// The round that runs, or ran last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<String>,
    /// Trials that have ended and trials planned, `12/54`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// Trials by phase.
    #[serde(default)]
    pub trials: TrialCounts,
    /// The best trial so far, in the latest round that has one; of a study with constraints, of those that satisfy them all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestTrial>,
    /// How points are made, so that they can be made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<GeneratorStatus>,
    /// The most severe findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub findings: Vec<FindingSummary>,
    /// How many findings there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings_count: Option<i64>,
    /// Codes of findings that had their Event: each has one, when it first appears.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub announced: Vec<String>,
    /// When the first trial was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When the study ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// `Accepted`, `Progressing`, `Complete`; the five questions, `SearchSpaceLargeEnough`, `SampledEnough`,
    /// `FewInfeasible`, `OptimizationSound` and `TrainingCurvesSound`; `NuisanceTunedEnough` of studies with arms; and
    /// `Conclusive`, which is `False` while the answer is provisional.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// Where a study stands.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum StudyPhase {
    /// Nothing has been started.
    #[default]
    Pending,
    /// Refused: see the condition `Accepted`.
    Invalid,
    /// Trials run.
    Running,
    /// No further trials are started while `spec.suspend` is true.
    Paused,
    /// Every trial of every round has ended.
    Completed,
    /// Stopped: see the condition `Complete`.
    Failed,
}

/// Trials by phase.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialCounts {
    /// Planned in all rounds.
    #[serde(default)]
    pub total: u32,
    /// Created, not yet running.
    #[serde(default)]
    pub pending: u32,
    /// Running, or waiting for another attempt.
    #[serde(default)]
    pub running: u32,
    /// Ended with an objective.
    #[serde(default)]
    pub succeeded: u32,
    /// Ended as infeasible: a result.
    #[serde(default)]
    pub infeasible: u32,
    /// Failed, through no fault of the point.
    #[serde(default)]
    pub failed: u32,
    /// Stopped by a rule or by the end of the study.
    #[serde(default)]
    pub stopped: u32,
}

impl TrialCounts {
    /// Trials that have ended.
    #[must_use]
    pub fn ended(&self) -> u32 {
        self.succeeded + self.infeasible + self.failed + self.stopped
    }
}

/// The best trial so far.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BestTrial {
    /// Its name.
    pub trial: String,
    /// Its objective.
    pub objective: f64,
    /// The step of the evaluation that counts.
    pub step: u64,
    /// Its point.
    pub hyperparameters: Hyperparameters,
    /// The metrics that constraints bound, at that step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 8))]
    pub metrics: BTreeMap<String, f64>,
    /// What training its point again with other seeds showed (`spec.retrain`). The best trial owes part of its
    /// value to noise, by which it was chosen; retraining chooses none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrained: Option<RetrainedBest>,
}

/// What training the best point again showed.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct RetrainedBest {
    /// Mean of the objectives.
    pub mean: f64,
    /// Their standard deviation; missing of a single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_deviation: Option<f64>,
    /// Retrainings that succeeded.
    pub trials: u32,
    /// `0.1 ± 0.03 (5 retrainings)`.
    pub summary: String,
}

/// How points are made.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GeneratorStatus {
    /// Name and version of the generator; a later version never changes what this one makes.
    pub name: String,
    /// The seed.
    pub seed: u64,
}

/// One finding in short.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingSummary {
    /// Stable code, such as `SearchSpaceTooNarrow`.
    pub code: String,
    /// `Info`, `Warning` or `Problem`.
    pub severity: String,
    /// The hyperparameter it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hyperparameter: Option<String>,
    /// What was found and what to do, in a sentence or two; of one that the study waives, why.
    pub advice: String,
}
