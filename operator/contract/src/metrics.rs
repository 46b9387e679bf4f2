//! Names of metrics: those that have a meaning, and those that decide a trial.

use studious_api::{StudySpec, TrialSpec};

/// The training loss: one that is not finite ends the trial.
pub const TRAIN_LOSS: &str = "train_loss";

/// Metrics that findings and gauges read, whatever the study: they are never left out of a line with too many metrics.
const WITH_A_MEANING: [&str; 9] = [
    TRAIN_LOSS,
    "train_error",
    "gradient_norm",
    "clipped_fraction",
    "learning_rate",
    "examples_per_second",
    "data_wait_fraction",
    "shard_index",
    "shard_count",
];

/// The metrics by which a trial is judged. A line is read with respect to them: `null` for one that must be finite is a
/// value that isn't, and they are kept however many others the line has.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JudgedMetrics {
    /// The metric of the objective; empty where it isn't known.
    pub objective: String,
    /// The metrics that constraints bound.
    pub bounded: Vec<String>,
}

impl JudgedMetrics {
    /// Those of a trial.
    #[must_use]
    pub fn of(spec: &TrialSpec) -> Self {
        Self {
            objective: spec.objective.metric.clone(),
            bounded: spec.constraints.iter().map(|constraint| constraint.metric.clone()).collect(),
        }
    }

    /// Those of a study.
    #[must_use]
    pub fn of_study(spec: &StudySpec) -> Self {
        Self {
            objective: spec.objective.metric.clone(),
            bounded: spec.constraints.iter().map(|constraint| constraint.metric.clone()).collect(),
        }
    }

    /// Whether a value of this metric that is not finite says that the training diverged.
    #[must_use]
    pub fn must_be_finite(&self, metric: &str) -> bool {
        metric == TRAIN_LOSS || metric == self.objective
    }

    /// Whether findings, plots or gauges of every study read this metric. It is never left out of a line with too many, and
    /// whoever concludes needs to read no other.
    #[must_use]
    pub fn is_concluded_from(&self, metric: &str) -> bool {
        metric == self.objective
            || WITH_A_MEANING.contains(&metric)
            || self.bounded.iter().any(|bounded| bounded == metric)
            || metric.strip_prefix("offline_").is_some_and(|objective| objective == self.objective)
    }
}
