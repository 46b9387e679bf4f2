//! What makes a study valid: every rule in one place.
//!
//! [`refusals`] are the rules: what can't run, what contradicts itself, what would make results meaningless, and what is
//! not in this version. The schema of the CRD is a rule like any other here, so a caller without an API server loses
//! nothing. What can run but is advised against is the playbook's business.

mod assignments;
mod called;
mod changes;
mod conditions;
mod constraints;
mod declared;
mod derived;
mod derived_values;
mod design;
mod early_ending;
mod hyperparameter_constraints;
mod image;
mod later;
mod names;
mod point;
mod policy;
mod printed;
mod references;
mod resources;
mod rounds;
mod schedule;
mod search;
mod size;
mod space;
mod template;

use std::fmt;

use serde::Serialize;
use serde_json::json;
use studious_rules::Rule;

use crate::{StudySpec, crd, schema};

pub use assignments::{can_be_active, scientific_configurations, with_ancestors};
pub use changes::{changes, code_changes};
pub use derived_values::solved;
pub(crate) use later::NOT_YET;
pub use point::{domain_in_words, point, point_of, settled, settled_point};
pub use printed::{counted, short};
pub use size::{ArmSize, searched_sizes, space_size};

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
    pub fix: String,
    /// The code of the rule that it breaks, where that has one: the code of [`studious_rules`], which `spec.policy.waive` names.
    pub code: Option<&'static str>,
}

impl Violation {
    /// `value` is whatever stands in the field; `&()` when nothing does.
    #[must_use]
    pub fn new(
        field: impl Into<String>,
        value: &impl Serialize,
        rule: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), value: printed::short(value), rule: rule.into(), fix: fix.into(), code: None }
    }

    /// That it breaks a rule with a code.
    #[must_use]
    pub fn of(self, rule: &Rule) -> Self {
        Self { code: Some(rule.code), ..self }
    }

    /// The playbook's section from which the rule is, where it has a code and is from there.
    #[must_use]
    pub fn section(&self) -> Option<&'static str> {
        self.code.and_then(studious_rules::named).map(|rule| rule.section).filter(|section| !section.is_empty())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, value, rule, fix, code } = self;
        if let Some(code) = code {
            write!(f, "{code}: ")?;
        }
        write!(f, "{field}: ")?;
        if !value.is_empty() {
            write!(f, "{value}: ")?;
        }
        write!(f, "{rule}.")?;
        if !fix.is_empty() {
            write!(f, " {fix}")?;
        }
        self.section().map_or(Ok(()), |section| write!(f, " (Playbook: {section})"))
    }
}

/// Everything for which a study is refused, in the order of its fields as far as rules allow.
#[must_use]
pub fn refusals(name: &str, spec: &StudySpec) -> Vec<Violation> {
    let mut found = names::refusals(name, spec);
    found.extend(design::refusals(spec));
    found.extend(called::refusals(spec));
    found.extend(declared::refusals(spec));
    found.extend(space::refusals(spec));
    found.extend(derived::refusals(spec));
    found.extend(conditions::refusals(spec));
    found.extend(hyperparameter_constraints::refusals(spec));
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
    once_per_field(found)
}

/// The first violation of each field: one mistake is reported once.
fn once_per_field(found: Vec<Violation>) -> Vec<Violation> {
    let mut seen = std::collections::BTreeSet::new();
    found.into_iter().filter(|v| seen.insert(v.field.clone())).collect()
}
