//! Fields whose behaviour comes in later versions. They have their types, so that studies can be read and shown;
//! validation refuses a study that uses them, since a field that is silently ignored misleads.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a study is compared with.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// A study of the same namespace.
    #[schemars(length(min = 1, max = 63))]
    pub study: String,
}

/// Studies with a shared baseline and history.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

/// What kind of problem is trained.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum ProblemKind {
    /// Labels are given.
    Supervised,
    /// Labels come from the data.
    SelfSupervised,
    /// Anything else.
    Other,
}

/// Whether a study seeks insight or the best value.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Phase {
    /// Insight first.
    Exploration,
    /// Only the objective counts.
    Exploitation,
}
