//! Advice before a study runs: what the playbook advises against though it can run.
//!
//! It is shown, and refused only under `spec.policy.strict`. What can't run is refused by [`studious_api::validate`];
//! conclusions after a run are [findings](crate::findings).

mod adam;
mod apply;
mod arms;
mod batches;
pub mod edits;
mod goal;
mod hyperparameters;
mod interactions;
mod objective;
mod optimizers;
mod running;
mod schedule;
mod search;
#[cfg(test)]
mod tests;

use studious_api::{
    StudySpec,
    document::{self, Diagnostic, Document},
    study::Algorithm,
    validate::Violation,
};
use studious_rules::{Rule, Severity};

pub use self::apply::{AdviceChoice, Applied, Unapplied, apply};
use self::edits::AdviceList;
use crate::{
    findings::{Edit, policy::waiver},
    search::constrained,
};

/// One thing that the playbook advises against in a study.
#[derive(Clone, Debug)]
pub struct Advice {
    /// The rule whose advice it is. Information is no warning.
    pub rule: &'static Rule,
    /// Where, what was read and what to do.
    pub violation: Violation,
    /// The hyperparameter that it is about, if it is about one.
    pub hyperparameter: Option<String>,
    /// Why the study sets it aside (`spec.policy.waive`), if it does.
    pub waived: Option<String>,
    /// What may satisfy it, the best first.
    edits: Vec<Edit>,
}

/// A study file that has been read, and what the playbook advises against in it.
#[derive(Clone, Debug)]
pub struct Advised {
    /// The file.
    pub document: Document,
    /// All advice.
    pub advice: Vec<Advice>,
    /// The advice, at its place in the file.
    pub warnings: Vec<Diagnostic>,
    /// What is good to know, and what is waived with its reason, at its place in the file.
    pub notes: Vec<Diagnostic>,
}

/// Reads and checks the study of a file, and advises. `file` is its name in messages.
///
/// # Errors
/// As [`document::read`]; under `spec.policy.strict` also what the playbook advises against.
pub fn read(file: &str, text: &str) -> Result<Advised, Vec<Diagnostic>> {
    let document = document::read(file, text)?;
    let refusals = document.locate(refusals(&document.study.spec));
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let warnings = document.locate(warnings(&document.study.spec));
    let notes = document.locate(notes(&document.study.spec));
    let advice = advice(&document.study.spec);
    Ok(Advised { document, advice, warnings, notes })
}

/// What the playbook advises against, of a study that is valid; nothing under `spec.policy.strict`, where it is refused.
#[must_use]
pub fn warnings(spec: &StudySpec) -> Vec<Violation> {
    if is_strict(spec) { Vec::new() } else { advised_against(spec) }
}

/// The same as refusals, under `spec.policy.strict`; and that a space has no points that its constraints allow, which rules that
/// look at one field can't see.
#[must_use]
pub fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let mut found = if is_strict(spec) { advised_against(spec) } else { Vec::new() };
    for refusal in &mut found {
        refusal.fix.push_str(" (Refused because spec.policy.strict is true.)");
    }
    found.extend(constrained::unmet(spec));
    found
}

/// What is good to know before a study runs, and what it waives, each with the reason in place of what to do.
#[must_use]
pub fn notes(spec: &StudySpec) -> Vec<Violation> {
    let all = advice(spec).into_iter().filter(|one| one.waived.is_some() || one.rule.severity() == Severity::Info);
    all.map(|one| match one.waived {
        Some(reason) => Violation { fix: format!("Waived: {reason}"), ..one.violation },
        None => one.violation,
    })
    .collect()
}

/// The advice that a study waives. Nothing is worked out for one that waives nothing.
#[must_use]
pub fn waived(spec: &StudySpec) -> Vec<Advice> {
    if spec.policy.as_ref().is_none_or(|policy| policy.waive.is_empty()) {
        return Vec::new();
    }
    advice(spec).into_iter().filter(|one| one.waived.is_some()).collect()
}

fn advised_against(spec: &StudySpec) -> Vec<Violation> {
    let warnings = advice(spec).into_iter().filter(|one| one.waived.is_none() && one.rule.severity() > Severity::Info);
    warnings.map(|one| one.violation).collect()
}

fn is_strict(spec: &StudySpec) -> bool {
    spec.policy.as_ref().is_some_and(|policy| policy.strict)
}

/// All advice on a study that is valid, waived or not.
#[must_use]
pub fn advice(spec: &StudySpec) -> Vec<Advice> {
    let mut found = AdviceList::default();
    goal::advise(spec, &mut found);
    objective::advise(spec, &mut found);
    hyperparameters::advise(spec, &mut found);
    interactions::advise(spec, &mut found);
    optimizers::advise(spec, &mut found);
    batches::advise(spec, &mut found);
    schedule::advise(spec, &mut found);
    if spec.search.algorithm != Algorithm::Manual {
        adam::advise(spec, &mut found);
        arms::advise(spec, &mut found);
    }
    search::advise(spec, &mut found);
    running::advise(spec, &mut found);
    found.found.into_iter().filter_map(|(violation, edits)| with_waiver(spec, violation, edits)).collect()
}

/// A violation with its rule and the reason for which the study waives it. All advice has a code.
fn with_waiver(spec: &StudySpec, violation: Violation, edits: Vec<Edit>) -> Option<Advice> {
    let rule = violation.code.and_then(studious_rules::named)?;
    let hyperparameter = named_in(spec, &violation.field);
    let waived = waiver(spec, rule.code, hyperparameter.as_deref()).map(|waiver| waiver.reason.clone());
    Some(Advice { rule, violation, hyperparameter, waived, edits })
}

/// The hyperparameter whose field it is: `learning_rate` of `spec.hyperparameters[0].role`.
fn named_in(spec: &StudySpec, field: &str) -> Option<String> {
    let (index, _) = field.strip_prefix("spec.hyperparameters[")?.split_once(']')?;
    Some(spec.hyperparameters.get(index.parse::<usize>().ok()?)?.name.clone())
}
