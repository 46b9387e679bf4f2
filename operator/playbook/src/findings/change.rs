//! The change to a study that a finding suggests.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use studious_api::study::Hyperparameter;

use super::reading::Reading;

/// One edit of a study: for the next study, since the space of one that exists can't change.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Change {
    /// Where: `spec.hyperparameters[1].range.max`.
    pub path: String,
    /// What stands there now; `null` when nothing does.
    #[cfg_attr(feature = "typescript", ts(type = "unknown"))]
    pub from: Value,
    /// What should stand there; `null` when it should go.
    #[cfg_attr(feature = "typescript", ts(type = "unknown"))]
    pub to: Value,
}

impl Change {
    /// An edit of one field. A value that can't be written as JSON is `null`.
    pub(crate) fn new(path: impl Into<String>, from: impl Serialize, to: impl Serialize) -> Self {
        Self { path: path.into(), from: json(from), to: json(to) }
    }
}

fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

impl fmt::Display for Change {
    /// `spec.rounds[0].trials: 30 → 60`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nothing = |value: &Value, word: &str| if value.is_null() { word.to_owned() } else { value.to_string() };
        write!(f, "{}: {} → {}", self.path, nothing(&self.from, "(nothing)"), nothing(&self.to, "(remove)"))
    }
}

impl Reading<'_> {
    /// The path of a hyperparameter of this study: `spec.hyperparameters[1]`.
    pub(crate) fn path(&self, hyperparameter: &Hyperparameter) -> String {
        let all = &self.plan.spec().hyperparameters;
        let index = all.iter().position(|h| std::ptr::eq(h, hyperparameter)).unwrap_or(all.len());
        format!("spec.hyperparameters[{index}]")
    }

    /// The path of a field of a round: `spec.rounds[0].trials`.
    pub(crate) fn round_path(&self, round: &str, field: &str) -> String {
        let index = self.plan.spec().rounds.iter().position(|r| r.name == round).unwrap_or_default();
        format!("spec.rounds[{index}].{field}")
    }
}
