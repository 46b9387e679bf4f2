//! Thresholds, waivers and strictness: where a study departs from the playbook's rules of thumb, and why.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use studious_rules::Threshold;

use super::StudySpec;

/// Thresholds, waivers and strictness.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Warnings refuse a study.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// Thresholds by name that differ from the default (`studious policy` lists them).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    pub thresholds: BTreeMap<String, ThresholdOverride>,
    /// Questions and findings that are knowingly set aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub waive: Vec<Waiver>,
}

/// Another value of a threshold.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThresholdOverride {
    /// The value.
    pub value: f64,
    /// Why it fits this study better than the default.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
}

/// One of the five questions, or a finding, which is knowingly set aside. Exactly one of `question` and `code` is given.
#[derive(KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.question) != has(self.code)").message("give either question or code"),
    validation = Rule::new("!has(self.hyperparameter) || has(self.code)")
        .message("goes with code: a question is waived as a whole").field_path(".hyperparameter"),
)]
pub struct Waiver {
    /// One of the five questions before the goal is judged: 1 search space, 2 sampling, 3 infeasible trials,
    /// 4 optimization, 5 training curves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 5))]
    pub question: Option<u8>,
    /// The code of a finding, such as `SearchSpaceTooNarrow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub code: Option<String>,
    /// Only what the finding says about this hyperparameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub hyperparameter: Option<String>,
    /// The reason, which is printed wherever the question or the finding is shown.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
}

impl StudySpec {
    /// A threshold's value in this study: the one that `policy.thresholds` sets, or the default.
    #[must_use]
    pub fn threshold(&self, threshold: &Threshold) -> f64 {
        let set = self.policy.as_ref().and_then(|policy| policy.thresholds.get(threshold.name));
        set.map_or(threshold.default, |set| set.value)
    }

    /// The value of a threshold that counts something.
    #[must_use]
    // Validation holds it between `least` and `most`, whole.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn count(&self, threshold: &Threshold) -> usize {
        self.threshold(threshold).clamp(threshold.least, threshold.most).round() as usize
    }
}
