//! Reading a study file, and saying what is wrong with it.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use studious_api::{
    document::{self, Diagnostic, Document},
    reference,
    validate::Violation,
};
use studious_local::{Error, RunFolder};
use studious_playbook::{
    Plan,
    advice::{self, Advice, Advised},
};

use crate::{
    json::{self, Format, ValidatedFile, ValidationDocument},
    output::errln,
};

/// A study file that has been read and checked.
#[derive(Debug)]
pub(crate) struct StudyFile {
    /// As it was called.
    pub path: PathBuf,
    /// What stands in it.
    pub text: String,
    /// The study.
    pub document: Document,
    /// All advice of the playbook.
    pub advice: Vec<Advice>,
    /// What the playbook advises against, at its line.
    pub warnings: Vec<Diagnostic>,
    /// What is good to know, and what the study waives with its reason.
    pub notes: Vec<Diagnostic>,
}

/// Reads a study file, `-` for standard input.
pub(crate) fn read(path: &Path) -> anyhow::Result<Result<StudyFile, Vec<Diagnostic>>> {
    let text = match text(path)? {
        Ok(text) => text,
        Err(problems) => return Ok(Err(problems)),
    };
    let advised = advice::read(&path.display().to_string(), &text);
    Ok(advised.map(|Advised { document, advice, warnings, notes }| StudyFile {
        path: path.to_owned(),
        text,
        document,
        advice,
        warnings,
        notes,
    }))
}

/// The text of a study file, `-` for standard input.
pub(crate) fn text(path: &Path) -> anyhow::Result<Result<String, Vec<Diagnostic>>> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("can't read standard input")?;
        bytes
    } else {
        std::fs::read(path).with_context(|| format!("can't read {}", path.display()))?
    };
    Ok(document::text_of(&path.display().to_string(), bytes))
}

/// As [`read`], and says on standard error what is wrong with the file (then there is no study) and what the playbook
/// advises against.
pub(crate) fn read_and_tell(path: &Path) -> anyhow::Result<Option<StudyFile>> {
    read_for(path, Format::Text)
}

/// As [`read_and_tell`]; programs get what is wrong on standard output, too.
pub(crate) fn read_for(path: &Path, format: Format) -> anyhow::Result<Option<StudyFile>> {
    match read(path)? {
        Ok(file) => {
            tell_warnings(&file.warnings);
            Ok(Some(file))
        }
        Err(problems) => {
            tell_problems(&problems);
            if format.is_json() {
                let file = ValidatedFile::invalid(path.display().to_string(), &problems);
                json::print_line(&ValidationDocument::new(vec![file]))?;
            }
            Ok(None)
        }
    }
}

/// Says on standard error what of a study is refused; to programs on standard output, too.
pub(crate) fn refuse(path: &Path, violations: &[Violation], format: Format) -> anyhow::Result<()> {
    tell_violations(path, violations);
    if format.is_json() {
        let file = ValidatedFile::refused(path.display().to_string(), violations);
        json::print_line(&ValidationDocument::new(vec![file]))?;
    }
    Ok(())
}

/// The plan of a study, its points taken of another study's run among `runs` if it asks that; without one it gets what
/// is wrong.
pub(crate) async fn plan(file: &StudyFile, runs: &Path, format: Format) -> anyhow::Result<Option<Plan>> {
    match planned(file, runs).await {
        Ok(plan) => Ok(Some(plan)),
        Err(Error::Invalid(violations)) => {
            refuse(&file.path, &violations, format)?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

async fn planned(file: &StudyFile, runs: &Path) -> Result<Plan, Error> {
    let (name, spec) = (&file.document.name, &file.document.study.spec);
    let plan = Plan::new(name, spec).map_err(Error::Invalid)?;
    match studious_local::taken_points(name, spec, &RunFolder::new(runs.join(name))).await? {
        Some(taken) => Plan::new(name, &taken.listed_in(spec)).map_err(Error::Invalid),
        None => Ok(plan),
    }
}

/// A valid study file as programs get it.
impl From<&StudyFile> for ValidatedFile {
    fn from(file: &StudyFile) -> Self {
        Self::valid(file.path.display().to_string(), &file.document, &file.advice, &file.warnings, &file.notes)
    }
}

/// Each warning in a line.
pub(crate) fn tell_warnings(warnings: &[Diagnostic]) {
    for Diagnostic { file, line, column, message, .. } in warnings {
        errln!("{file}:{line}:{column}: warning: {message}");
    }
}

/// Each note in a line.
pub(crate) fn tell_notes(notes: &[Diagnostic]) {
    for Diagnostic { file, line, column, message, .. } in notes {
        errln!("{file}:{line}:{column}: note: {message}");
    }
}

/// Each violation in a line, of a study whose file has nothing to point at.
pub(crate) fn tell_violations(file: &Path, violations: &[Violation]) {
    for violation in violations {
        errln!("{}: error: {violation}", file.display());
    }
}

/// Each problem in a line that editors can jump to, and how many there are.
pub(crate) fn tell_problems(problems: &[Diagnostic]) {
    for Diagnostic { file, line, column, message, .. } in problems {
        errln!("{file}:{line}:{column}: error: {message}");
    }
    let file = problems.first().map(|p| p.file.as_str()).unwrap_or_default();
    match problems.len() {
        1 => errln!("{file}: 1 error; nothing was started"),
        n => errln!("{file}: {n} errors; nothing was started"),
    }
    // A field that does not exist has no explanation.
    let mut fields = problems.iter().filter_map(|problem| Some(problem.violation.as_ref()?.field.as_str()));
    if let Some(field) = fields.find_map(|field| reference::field(field).ok()) {
        errln!("{file}: what may stand in a field: studious explain {}, or docs/study.md", field.path);
    }
}
