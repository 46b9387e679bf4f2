//! Rounds and retraining.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stage of a study with one step budget.
#[derive(KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.name != 'retrain'").message("the name retrain is kept for spec.retrain")
        .field_path(".name"),
)]
pub struct Round {
    /// Part of the trials' names.
    #[schemars(length(min = 1, max = 20), regex(pattern = r"^[a-z]([a-z0-9-]*[a-z0-9])?$"))]
    pub name: String,
    /// How many trials. With `from.best` it follows from the points taken, and may be left out; with `Grid` and `Manual` all
    /// points that are left are tried without it. It may be raised while no later round has begun: trials that exist keep
    /// their points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9999))]
    pub trials: Option<u32>,
    /// Training steps of every trial of this round.
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub max_train_steps: u64,
    /// Take points from an earlier round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RoundSource>,
    /// When the next round begins.
    #[serde(default)]
    pub advance: Advance,
}

/// Where a round's points come from.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundSource {
    /// Name of an earlier round.
    #[schemars(length(min = 1, max = 20))]
    pub round: String,
    /// This many of its best points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub best: Option<u32>,
    /// Overall, or of each scientific configuration.
    #[serde(default)]
    pub per: Per,
    /// Fresh points in the box of the best share of its trials, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub shrink_to_best: Option<f64>,
}

/// Of what the best are taken.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Per {
    /// Of the whole round.
    #[default]
    Study,
    /// Of each scientific configuration.
    Scientific,
}

/// When the next round begins.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Advance {
    /// As soon as every trial of this round has ended.
    #[default]
    Automatic,
    /// When no finding stands against it.
    WhenFindingsPass,
    /// When a person says so.
    Approved,
}

/// Train the best points again with other seeds, to measure seed variance.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Retrain {
    /// How many of the last round's points.
    #[schemars(range(min = 1, max = 100))]
    pub best: u32,
    /// Overall, or of each scientific configuration: the latter measures every arm that the study compares.
    #[serde(default)]
    pub per: Per,
    /// How often each.
    #[schemars(range(min = 1, max = 99))]
    pub times: u32,
}
