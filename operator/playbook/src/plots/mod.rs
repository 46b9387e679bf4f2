//! Plots as Vega-Lite specifications: dashboard, report and notebook show the same picture.

use serde_json::Value;

use crate::{Plan, record::TrialRecord};

/// A picture of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// Stable name, such as `axis-learning_rate`; a file name.
    pub id: String,
    /// What is seen, in a line.
    pub title: String,
    /// A Vega-Lite 6 specification with its data inside.
    pub specification: Value,
}

/// The plots that every study gets: an axis plot per varied hyperparameter and training curves.
#[must_use]
pub fn plots(plan: &Plan, trials: &[TrialRecord]) -> Vec<Plot> {
    let _ = (plan, trials);
    Vec::new()
}
