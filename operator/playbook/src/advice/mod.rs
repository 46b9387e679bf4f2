//! Advice before a study runs: what the playbook advises against though it can run.
//!
//! It is shown, and refused only under `spec.policy.strict`. What can't run is refused by [`studious_api::validate`];
//! conclusions after a run are [findings](crate::findings).

mod arms;
mod hyperparameters;
mod objective;
mod running;
mod search;
#[cfg(test)]
mod tests;

use studious_api::{
    StudySpec,
    document::{self, Diagnostic, Document},
    study::Algorithm,
    validate::Violation,
};

/// A study file that has been read, and what the playbook advises against in it.
#[derive(Clone, Debug)]
pub struct Advised {
    /// The file.
    pub document: Document,
    /// The advice, at its place in the file.
    pub warnings: Vec<Diagnostic>,
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
    Ok(Advised { document, warnings })
}

/// What the playbook advises against, of a study that is valid; nothing under `spec.policy.strict`, where it is refused.
#[must_use]
pub fn warnings(spec: &StudySpec) -> Vec<Violation> {
    if is_strict(spec) { Vec::new() } else { advice(spec) }
}

/// The same as refusals, under `spec.policy.strict`; else nothing.
#[must_use]
pub fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let mut found = if is_strict(spec) { advice(spec) } else { Vec::new() };
    for refusal in &mut found {
        refusal.fix.push_str(" (Refused because spec.policy.strict is true.)");
    }
    found
}

fn is_strict(spec: &StudySpec) -> bool {
    spec.policy.as_ref().is_some_and(|policy| policy.strict)
}

fn advice(spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    objective::advise(spec, &mut found);
    hyperparameters::advise(spec, &mut found);
    if spec.search.algorithm != Algorithm::Manual {
        arms::advise(spec, &mut found);
    }
    search::advise(spec, &mut found);
    running::advise(spec, &mut found);
    found
}
