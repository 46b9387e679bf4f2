//! Findings: conclusions drawn from trials, each with numbers a sceptic could check.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Plan, record::TrialRecord};

/// A conclusion drawn from the trials.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Finding {
    /// Stable code, such as `SearchSpaceTooNarrow`.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// The hyperparameter it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hyperparameter: Option<String>,
    /// The trials it speaks of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<String>,
    /// The numbers behind it.
    pub evidence: BTreeMap<String, f64>,
    /// What was found and what to do, in a sentence or two.
    pub advice: String,
    /// The playbook's section.
    pub section: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Conclusions are weaker for it.
    Warning,
    /// Conclusions should not be drawn before it is mended.
    Problem,
}

/// All findings of a study, the most severe first. Depends on the set of trials alone, not on their order.
#[must_use]
pub fn findings(plan: &Plan, trials: &[TrialRecord]) -> Vec<Finding> {
    let _ = (plan, trials);
    Vec::new()
}
