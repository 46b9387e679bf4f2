//! Reads a `study.yaml` and says what is wrong with it by file, line and column.
//!
//! A file means here what it means to `kubectl apply`; where YAML's readers differ, the file is refused. Other documents
//! of the same file, such as a claim for the checkpoints, are left alone.

mod edit;
mod header;
mod judge;
mod repair;
pub(crate) mod scalar;
mod tree;

use std::{collections::BTreeSet, fmt};

use serde_json::{Value, json};

use crate::{GROUP, Study, VERSION, validate::Violation};
pub use edit::{Unedited, one_line, with_spec};
use tree::{Mark, Node};

/// Largest file that is read, in bytes.
pub const LARGEST_FILE: usize = 1 << 20;
/// More problems of one file are not told.
const MOST_PROBLEMS: usize = 100;

/// A study that has been read and checked.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its name (`metadata.name`).
    pub name: String,
    /// Its namespace, if the file gives one.
    pub namespace: Option<String>,
    /// The study.
    pub study: Study,
    file: String,
    node: Node,
}

impl Document {
    /// Violations at their places in the file, in its order: of each field one, and one of each rule with a code.
    #[must_use]
    pub fn locate(&self, violations: Vec<Violation>) -> Vec<Diagnostic> {
        located(&self.file, &self.node, violations)
    }
}

/// Something to tell of a place in a file. Displays as `study.yaml:12:9: message`, which editors can jump to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// The file as it was called.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong, with the field and the fix.
    pub message: String,
    /// The same in parts, unless the file could not be read as YAML.
    pub violation: Option<Violation>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// The text of a file's bytes. `file` is its name in messages.
///
/// # Errors
/// When it is not UTF-8, at the first byte that isn't.
pub fn text_of(file: &str, bytes: Vec<u8>) -> Result<String, Vec<Diagnostic>> {
    String::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        let line = before.split('\n').count();
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        let message = "is not UTF-8. Save the file as UTF-8".to_owned();
        vec![Diagnostic { file: file.to_owned(), line, column, message, violation: None }]
    })
}

/// Reads and checks the study of a file. `file` is its name in messages.
///
/// # Errors
/// Everything that is wrong, in the order of the file: it is not YAML, is too large, holds no study or several; otherwise all
/// fields that don't exist, are given twice or have values of the wrong kind, and all rules of [`crate::validate::refusals`]
/// that the rest breaks.
pub fn read(file: &str, text: &str) -> Result<Document, Vec<Diagnostic>> {
    let unreadable = |at: Mark, message: String| {
        vec![Diagnostic { file: file.to_owned(), line: at.line, column: at.column, message, violation: None }]
    };
    if text.len() > LARGEST_FILE {
        let message =
            format!("has {} bytes, and at most {LARGEST_FILE} are read. A study is a few kilobytes", text.len());
        return Err(unreadable(Mark::START, message));
    }
    let (documents, faults) = tree::parse(text).map_err(|e| unreadable(e.at, e.message))?;
    let node = header::the_study(&documents).map_err(|e| unreadable(e.at, e.message))?;

    let value = node.to_json();
    let name = value["metadata"]["name"].as_str().unwrap_or_default();
    let judged = judge::judge(&value, node.doubts(), node.given_twice());
    let mut problems: Vec<Diagnostic> = faults.iter().flat_map(|e| unreadable(e.at, e.message.clone())).collect();
    match judged {
        Ok(study) if problems.is_empty() => {
            let (file, node) = (file.to_owned(), node.clone());
            let namespace = study.metadata.namespace.clone();
            Ok(Document { name: name.to_owned(), namespace, study, file, node })
        }
        judged => {
            problems.extend(located(file, node, judged.err().unwrap_or_default()));
            Err(in_order(problems))
        }
    }
}

/// Everything for which a study is refused that is given as data and can't be read as a whole: its fields by the schema, and
/// the rules on all that could be read.
#[must_use]
pub fn refusals(name: &str, spec: &Value) -> Vec<Violation> {
    let study = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"), "kind": "Study", "metadata": {"name": name}, "spec": spec,
    });
    let mut seen = BTreeSet::new();
    let found = judge::judge(&study, Vec::new(), Vec::new()).err().unwrap_or_default();
    found.into_iter().filter(|violation| seen.insert(violation.field.clone())).collect()
}

/// Violations at their places, in the order of the file: of each field one, and one of each rule with a code.
fn located(file: &str, node: &Node, violations: Vec<Violation>) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let problems = violations
        .into_iter()
        .filter(|v| seen.insert((v.field.clone(), v.code)))
        .map(|v| {
            let at = node.place(&v.field);
            Diagnostic {
                file: file.to_owned(),
                line: at.line,
                column: at.column,
                message: v.to_string(),
                violation: Some(v),
            }
        })
        .collect();
    in_order(problems)
}

/// Problems in the order of the file.
fn in_order(mut problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    problems.sort_by_key(|p| (p.line, p.column));
    problems.truncate(MOST_PROBLEMS);
    problems
}
