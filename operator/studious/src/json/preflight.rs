//! Whether a program is ready to be tuned.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use studious_api::Hyperparameters;
use studious_playbook::{design::StepTime, preflight::PreflightReport};

use super::Printable;

/// Whether a program is ready to be tuned: what a short trial of it showed.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreflightDocument {
    /// The study whose program was tried.
    pub study: String,
    /// The folder with the short trials.
    pub folder: String,
    /// The point that was trained.
    pub hyperparameters: Hyperparameters,
    /// Training steps of a short trial.
    pub max_train_steps: u64,
    /// Where the point is outside the study's space, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What was found.
    #[serde(flatten)]
    pub report: PreflightReport,
}

impl Printable for PreflightDocument {
    const KIND: &'static str = "Preflight";
}

/// What of such a document `studious plan` reads.
#[derive(Debug, Deserialize)]
pub(crate) struct KeptPreflight {
    measured: KeptMeasurements,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeptMeasurements {
    step_time: Option<StepTime>,
}

impl KeptPreflight {
    /// What a training step took, if that was measured.
    pub(crate) fn step_time(&self) -> Option<StepTime> {
        self.measured.step_time
    }
}
