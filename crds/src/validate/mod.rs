//! What makes a study valid: every rule in one place.

use std::fmt;

use crate::StudySpec;

/// One thing that is wrong with a study.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// Where: `spec.rounds[1].maxTrainSteps`.
    pub field: String,
    /// The value that stands there, as short YAML; empty when it is missing.
    pub value: String,
    /// The rule, as a clause: `must be larger than the round before's 500`.
    pub rule: String,
    /// What to do, as a sentence.
    pub mend: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, value, rule, mend } = self;
        if value.is_empty() { write!(f, "{field}: {rule}. {mend}") } else { write!(f, "{field}: {value}: {rule}. {mend}") }
    }
}

/// Everything for which a study is refused.
#[must_use]
pub fn refusals(name: &str, spec: &StudySpec) -> Vec<Violation> {
    let _ = (name, spec);
    Vec::new()
}

/// What the playbook advises against: shown, and refused only under `spec.policy.strict`.
#[must_use]
pub fn warnings(name: &str, spec: &StudySpec) -> Vec<Violation> {
    let _ = (name, spec);
    Vec::new()
}
