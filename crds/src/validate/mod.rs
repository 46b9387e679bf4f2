//! What makes a study valid: every rule in one place.
//!
//! [`refusals`] are the rules: what can't run, what contradicts itself, what would make results meaningless, and what is
//! not in this version. [`warnings`] are the playbook's advice; `spec.policy.strict` turns them into refusals. The schema
//! of the CRD is a rule like any other here, so a caller without an API server loses nothing.

mod assignments;
mod changes;
mod conditions;
mod constraints;
mod design;
mod early_ending;
mod later;
mod names;
mod point;
mod policy;
mod printed;
mod rounds;
mod schedule;
mod search;
mod search_warnings;
mod size;
mod space;
mod template;
mod warnings;

use std::fmt;

use serde::Serialize;
use serde_json::json;

use crate::{StudySpec, crd, schema};

pub use assignments::scientific_configurations;
pub use changes::changes;
pub use point::point;
pub use size::{ArmSize, arm_sizes, space_size};

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

impl Violation {
    /// `value` is whatever stands in the field; `&()` when nothing does.
    pub(crate) fn new(
        field: impl Into<String>,
        value: &impl Serialize,
        rule: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), value: printed::short(value), rule: rule.into(), mend: mend.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, value, rule, mend } = self;
        write!(f, "{field}: ")?;
        if !value.is_empty() {
            write!(f, "{value}: ")?;
        }
        write!(f, "{rule}.")?;
        if mend.is_empty() { Ok(()) } else { write!(f, " {mend}") }
    }
}

/// Everything for which a study is refused, in the order of its fields as far as rules allow. Under
/// `spec.policy.strict` the [`warnings`] are among them.
#[must_use]
pub fn refusals(name: &str, spec: &StudySpec) -> Vec<Violation> {
    let mut found = names::refusals(name, spec);
    found.extend(design::refusals(spec));
    found.extend(space::refusals(spec));
    found.extend(conditions::refusals(spec));
    found.extend(schedule::refusals(spec));
    found.extend(search::refusals(name, spec));
    found.extend(rounds::refusals(spec));
    found.extend(early_ending::refusals(spec));
    found.extend(constraints::refusals(spec));
    // How far a space goes can be said once it and the rounds are sound.
    if found.is_empty() {
        found.extend(search::enough(spec));
    }
    found.extend(template::refusals(spec));
    found.extend(policy::refusals(spec));
    found.extend(later::refusals(spec));
    // The schema comes last: where a rule has spoken of a field, its words are better.
    found.extend(schema::check(&crd::study_schema()["properties"]["spec"], &json!(spec), "spec"));
    if spec.policy.as_ref().is_some_and(|p| p.strict) {
        found.extend(warnings::warnings(spec).into_iter().map(|mut w| {
            w.mend.push_str(" (Refused because spec.policy.strict is true.)");
            w
        }));
    }
    once_per_field(found)
}

/// What the playbook advises against: shown, and refused only under `spec.policy.strict`. Says nothing useful of a study
/// that is refused anyway.
#[must_use]
pub fn warnings(_name: &str, spec: &StudySpec) -> Vec<Violation> {
    if spec.policy.as_ref().is_some_and(|p| p.strict) { Vec::new() } else { warnings::warnings(spec) }
}

/// The first violation of each field: one mistake is told once.
fn once_per_field(found: Vec<Violation>) -> Vec<Violation> {
    let mut seen = std::collections::BTreeSet::new();
    found.into_iter().filter(|v| seen.insert(v.field.clone())).collect()
}
