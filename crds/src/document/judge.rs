//! Everything that is wrong with a study as data: its fields by the schema, and the rules on all that could be read.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{header, repair};
use crate::{
    Study,
    reserved::HYPERPARAMETER_PREFIX,
    schema,
    validate::{self, Violation},
};

/// Fields that only the parser refuses, of which each costs a try.
const MOST_TRIES: usize = 32;

/// Judges a study that was read as data. `doubts` are what readers understand differently, `unsure` fields whose value is
/// open for another reason, which is reported already.
pub(super) fn judge(value: &Value, doubts: Vec<Violation>, unsure: Vec<String>) -> Result<Study, Vec<Violation>> {
    let schema = header::schema();
    let (broken, unreadable) = schema::examine(schema, value, "");
    let unknown = schema::unknown_fields(schema, value, "");
    let misspelt: Vec<String> = unknown.iter().filter_map(schema::intended_field).collect();
    // What is doubtful is not judged by the guess.
    let open: BTreeSet<String> = doubts.iter().map(|doubt| doubt.field.clone()).chain(unsure).collect();
    let is_open = |violation: &Violation| open.iter().any(|field| is_within(&violation.field, field));

    let hidden: BTreeSet<String> = open.iter().chain(&unreadable).chain(&misspelt).cloned().collect();
    let RuleCheck { study, violations: rules, unparsed } = by_rules(value, hidden);
    let mut violations = doubts;
    violations.extend(unknown);
    violations.extend(header::refusals(value).into_iter().filter(|violation| !is_open(violation)));
    // Where a rule has spoken of a field, its words are better than the schema's.
    violations.extend(rules);
    violations.extend(broken.into_iter().filter(|violation| !is_open(violation)));
    let is_told =
        |v: &Violation| violations.iter().any(|o| is_within(&v.field, &o.field) || is_within(&o.field, &v.field));
    let unparsed: Vec<Violation> = unparsed.into_iter().filter(|violation| !is_told(violation)).collect();
    violations.extend(unparsed);
    // Of `maxTrainStep` it is enough to say that it should be `maxTrainSteps`, not also that this is missing.
    violations.retain(|v| v.rule == schema::UNKNOWN_FIELD || !misspelt.iter().any(|m| schema::concerns(&v.field, m)));
    match study {
        Some(study) if violations.is_empty() => Ok(study),
        _ => Err(violations),
    }
}

/// What came of the rules.
#[derive(Default)]
struct RuleCheck {
    /// The study, if all of it could be read.
    study: Option<Study>,
    /// Rules that are broken whatever the fields hold that could not be read.
    violations: Vec<Violation>,
    /// What the schema takes and the parser does not.
    unparsed: Vec<Violation>,
}

/// Judges by the rules, with something else in place of each hidden field: several times with other values, and what is
/// not found each time is a matter of those values.
fn by_rules(value: &Value, mut hidden: BTreeSet<String>) -> RuleCheck {
    let mut judged = RuleCheck::default();
    for _ in 0..MOST_TRIES {
        match parsed(value, &hidden) {
            Ok(mut studies) => {
                let name = value["metadata"]["name"].as_str().unwrap_or_default();
                let mut said = studies.iter().map(|study| validate::refusals(name, &study.spec));
                let first = said.next().unwrap_or_default();
                let others: Vec<Vec<Violation>> = said.collect();
                let holds = |violation: &Violation| {
                    others.iter().all(|said| said.contains(violation))
                        && !hidden.iter().any(|field| is_within(&violation.field, field) || names(violation, field))
                };
                judged.violations = first.into_iter().filter(holds).collect();
                judged.study = studies.pop().filter(|_| hidden.is_empty());
                return judged;
            }
            Err(violation) => {
                // Nothing helps where even what was put there can't be read.
                if violation.field.is_empty() || hidden.iter().any(|field| is_within(&violation.field, field)) {
                    judged.unparsed.push(violation);
                    return judged;
                }
                hidden.insert(violation.field.clone());
                judged.unparsed.push(violation);
            }
        }
    }
    judged
}

/// The study as it stands, or several times with other values in its hidden fields.
fn parsed(value: &Value, hidden: &BTreeSet<String>) -> Result<Vec<Study>, Violation> {
    let parse = |value: &Value| {
        serde_path_to_error::deserialize::<_, Study>(value).map_err(|error| {
            let (at, why) = (error.path().to_string(), error.inner().to_string());
            Violation::new(at.trim_matches('.'), &(), why, "`studious explain` says what may stand there.")
        })
    };
    if hidden.is_empty() {
        return Ok(vec![parse(value)?]);
    }
    (0..repair::VARIANTS).map(|variant| parse(&repair::repaired(header::schema(), value, hidden, variant))).collect()
}

/// Whether a field is another, or below it.
fn is_within(field: &str, of: &str) -> bool {
    field.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Whether a violation is about the name of something that a hidden field may hold: what stands in its place has another.
fn names(violation: &Violation, hidden: &str) -> bool {
    let field = violation.field.as_str();
    // A list, an entry of it, or the name of one.
    let may_hold_names = |list: &str, keys: &[&str]| {
        is_within(list, hidden)
            || hidden
                .strip_prefix(list)
                .and_then(|rest| rest.split_once(']'))
                .is_some_and(|(_, rest)| rest.is_empty() || keys.iter().any(|key| rest.strip_prefix('.') == Some(key)))
    };
    let is_below = |prefixes: &[&str]| prefixes.iter().any(|prefix| field.starts_with(prefix));
    let of_hyperparameters = field.contains(".when")
        || is_below(&["spec.schedule.base", "spec.search.points", "spec.search.grid.levelsOf", "spec.policy.waive"])
        || (is_below(&["spec.trial.template"]) && violation.rule.contains(HYPERPARAMETER_PREFIX));
    (of_hyperparameters && may_hold_names("spec.hyperparameters", &["name", "alias"]))
        || (field.contains(".from.round") && may_hold_names("spec.rounds", &["name"]))
        || (field.contains(".volumeMounts[") && may_hold_names("spec.trial.template.spec.volumes", &["name"]))
        || (field.contains(".containers") && is_within("spec.trial.template.spec.initContainers", hidden))
}
