//! What is wrong with study files.

use schemars::JsonSchema;
use serde::Serialize;
use studious_api::{
    document::{Diagnostic, Document},
    validate::Violation,
};
use studious_playbook::{advice::Advice, findings::Change};

use super::Printable;

/// What is wrong with study files, and what the playbook advises against.
#[derive(Debug, Default, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValidationDocument {
    /// Whether every file is valid. Warnings leave it so.
    pub valid: bool,
    /// The files in the order in which they were named.
    pub files: Vec<ValidatedFile>,
}

/// One study file.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValidatedFile {
    /// The file as it was called; - is standard input.
    pub file: String,
    /// The name of the study, if it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub study: Option<String>,
    /// Whether it is valid.
    pub valid: bool,
    /// In the order of the file.
    pub problems: Vec<FileProblem>,
}

/// Something in a study file, with its place and what to do.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileProblem {
    /// Whether the file is refused for it.
    pub severity: FileProblemSeverity,
    /// From 1. Missing where no line of the file is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// In characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The path of the field, such as `spec.rounds[1].maxTrainSteps`; missing if the file can't be read as YAML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The value there, as YAML; missing if the field is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What is wrong, as a clause about the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What to do, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The edit of the study that satisfies the advice, where one does: `studious plan --apply` writes it. Where there is
    /// none, `fix` says what to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The code of the rule, where it has one: `spec.policy.waive` names it, and `studious policy --codes` lists it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The playbook's section from which the rule is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<&'static str>,
    /// All of that in a sentence or two.
    pub message: String,
}

/// Whether a file is refused for a problem.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum FileProblemSeverity {
    /// It is.
    Error,
    /// The playbook advises against it.
    Warning,
    /// Good to know, or advice that the study waives.
    Note,
}

impl Printable for ValidationDocument {
    const KIND: &'static str = "Validation";
}

impl ValidationDocument {
    /// Of files, each with what was found in it.
    pub(crate) fn new(files: Vec<ValidatedFile>) -> Self {
        Self { valid: files.iter().all(|file| file.valid), files }
    }
}

impl ValidatedFile {
    /// A valid file.
    pub(crate) fn valid(
        file: String,
        document: &Document,
        advice: &[Advice],
        warnings: &[Diagnostic],
        notes: &[Diagnostic],
    ) -> Self {
        let mut problems = located(FileProblemSeverity::Warning, warnings);
        problems.extend(located(FileProblemSeverity::Note, notes));
        problems.sort_by_key(|problem| (problem.line, problem.column));
        for problem in &mut problems {
            let is_it = |one: &&Advice| {
                Some(one.rule.code) == problem.code && Some(&one.violation.field) == problem.field.as_ref()
            };
            problem.change = advice
                .iter()
                .find(is_it)
                .filter(|one| one.waived.is_none())
                .and_then(|one| one.change(&document.study.spec));
        }
        Self { file, study: Some(document.name.clone()), valid: true, problems }
    }

    /// A file that is refused.
    pub(crate) fn invalid(file: String, errors: &[Diagnostic]) -> Self {
        Self { file, study: None, valid: false, problems: located(FileProblemSeverity::Error, errors) }
    }

    /// A file that could not be read.
    pub(crate) fn unreadable(file: String, message: String) -> Self {
        let problem = FileProblem::new(FileProblemSeverity::Error, None, None, message);
        Self { file, study: None, valid: false, problems: vec![problem] }
    }

    /// A study that is refused, whose file has no place to point at.
    pub(crate) fn refused(file: String, violations: &[Violation]) -> Self {
        let problems = violations.iter().map(|violation| {
            FileProblem::new(FileProblemSeverity::Error, None, Some(violation), violation.to_string())
        });
        Self { file, study: None, valid: false, problems: problems.collect() }
    }
}

fn located(severity: FileProblemSeverity, diagnostics: &[Diagnostic]) -> Vec<FileProblem> {
    let problem =
        |d: &Diagnostic| FileProblem::new(severity, Some((d.line, d.column)), d.violation.as_ref(), d.message.clone());
    diagnostics.iter().map(problem).collect()
}

impl FileProblem {
    fn new(
        severity: FileProblemSeverity,
        at: Option<(usize, usize)>,
        violation: Option<&Violation>,
        message: String,
    ) -> Self {
        let part = |part: fn(&Violation) -> &String| violation.map(part).filter(|text| !text.is_empty()).cloned();
        Self {
            severity,
            line: at.map(|(line, _)| line),
            column: at.map(|(_, column)| column),
            field: part(|v| &v.field),
            value: part(|v| &v.value),
            rule: part(|v| &v.rule),
            fix: part(|v| &v.fix),
            change: None,
            code: violation.and_then(|v| v.code),
            section: violation.and_then(Violation::section),
            message,
        }
    }
}
