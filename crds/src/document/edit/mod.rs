//! The text of a study with some fields changed. All other lines stay as they are, their comments too.
//!
//! Pure: a text goes in, a text comes out. What comes out is read again, and is refused where it means anything else than
//! what was asked: a layout that this editor does not know is never written over.

mod flow;
mod place;

use serde::Serialize;
use thiserror::Error;

use super::{Diagnostic, header, read, tree};
use crate::{
    StudySpec,
    yaml::{self, Mapping, Value},
};
use flow::ValueStyle;
use place::{FieldPlaces, Step};

/// Why a text was not changed.
#[derive(Clone, Debug, Error)]
pub enum Unedited {
    /// The text holds no valid study.
    #[error("the study is not valid")]
    Invalid(Vec<Diagnostic>),
    /// The study would not be valid with the new values.
    #[error("the study would not be valid: {}", words(.0))]
    WouldBeInvalid(Vec<Diagnostic>),
    /// The field is written in a way that can't be changed here: an alias, or text over several lines.
    #[error("{0}: cannot change this field in the way in which it is written. Change it by hand")]
    Layout(String),
    /// A comment would be lost.
    #[error("{0}: cannot change this field without losing the comment `{1}`. Change it by hand")]
    Comment(String, String),
}

fn words(problems: &[Diagnostic]) -> String {
    problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
}

/// The text of a study file with the spec `to` in place of its own. Only lines of fields that differ change. `file` is its
/// name in messages.
///
/// # Errors
/// When the text or what becomes of it is no valid study, or a field can't be changed in the way in which it is written.
pub fn with_spec(file: &str, text: &str, to: &StudySpec) -> Result<String, Unedited> {
    let before = read(file, text).map_err(Unedited::Invalid)?;
    let mark = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    let mut edited = text[mark.len()..].to_owned();
    let mut last = "spec".to_owned();
    // JSON stays JSON.
    let style =
        if serde_json::from_str::<serde_json::Value>(&edited).is_ok() { ValueStyle::Json } else { ValueStyle::Yaml };
    for edit in field_edits(&before.study.spec, to) {
        last = edit.field();
        let next = edit.written(&edited, style).ok_or_else(|| Unedited::Layout(last.clone()))?;
        if style == ValueStyle::Yaml
            && let Some(comment) = lost_comment(&edited, &next)
        {
            return Err(Unedited::Comment(last, comment));
        }
        edited = next;
    }
    let edited = format!("{mark}{edited}");
    match read(file, &edited) {
        Ok(after) if after.study.spec == *to && after.study.metadata == before.study.metadata => Ok(edited),
        Ok(_) => Err(Unedited::Layout(last)),
        // A text that is no YAML any more is the editor's fault, a study that breaks a rule is the edit's.
        Err(problems) if problems.iter().any(|problem| problem.violation.is_none()) => Err(Unedited::Layout(last)),
        Err(problems) => Err(Unedited::WouldBeInvalid(problems)),
    }
}

/// A comment of a text that another one lacks.
fn lost_comment(before: &str, after: &str) -> Option<String> {
    let comments = |text: &str| -> Vec<String> {
        text.lines().filter_map(place::comment_of_line).map(|(_, comment)| comment.to_owned()).collect()
    };
    let mut kept = comments(after);
    comments(before).into_iter().find(|comment| match kept.iter().position(|other| other == comment) {
        Some(place) => {
            kept.swap_remove(place);
            false
        }
        None => true,
    })
}

/// A value on one line of a study file, such as `{name: width, values: [64, 128]}`.
#[must_use]
pub fn one_line(value: &impl Serialize) -> String {
    flow::written(&yaml::to_value(value).unwrap_or_default(), ValueStyle::Yaml)
}

/// A field that is set or removed.
#[derive(Clone)]
struct FieldEdit {
    path: Vec<Step>,
    /// Nothing where the field is to go.
    to: Option<Value>,
    /// For each step of the path the fields beside it that come before it, in the order in which they are declared.
    before: Vec<Vec<String>>,
}

/// The edits that make one spec of another: of each field that differs one.
fn field_edits(from: &StudySpec, to: &StudySpec) -> Vec<FieldEdit> {
    let mut found = Vec::new();
    if let (Ok(from), Ok(to)) = (yaml::to_value(from), yaml::to_value(to)) {
        let spec = FieldEdit { path: Vec::new(), to: None, before: Vec::new() };
        compare(&spec.below(Step::Key("spec".to_owned()), Vec::new()), &from, &to, &mut found);
    }
    found
}

/// Adds what makes one value of another, where `at` leads to it.
fn compare(at: &FieldEdit, from: &Value, to: &Value, found: &mut Vec<FieldEdit>) {
    match (from, to) {
        _ if from == to => {}
        (Value::Mapping(old), Value::Mapping(new)) => compare_fields(at, old, new, found),
        (Value::Sequence(old), Value::Sequence(new)) if old.len() == new.len() => {
            for (i, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&at.below(Step::Index(i), Vec::new()), old, new, found);
            }
        }
        _ => found.push(FieldEdit { to: Some(to.clone()), ..at.clone() }),
    }
}

fn compare_fields(at: &FieldEdit, old: &Mapping, new: &Mapping, found: &mut Vec<FieldEdit>) {
    let mut before = Vec::new();
    for (key, value) in new {
        let Some(name) = key.as_str() else { continue };
        let field = at.below(Step::Key(name.to_owned()), before.clone());
        match old.get(key) {
            Some(was) => compare(&field, was, value, found),
            None => found.push(FieldEdit { to: Some(value.clone()), ..field }),
        }
        before.push(name.to_owned());
    }
    // What goes leaves last, so that what comes is put beside what stays.
    for key in old.keys().filter(|key| !new.contains_key(*key)).filter_map(Value::as_str) {
        found.push(at.below(Step::Key(key.to_owned()), Vec::new()));
    }
}

impl FieldEdit {
    /// The way to a value within this one.
    fn below(&self, step: Step, before: Vec<String>) -> Self {
        let mut below = Self { to: None, ..self.clone() };
        below.path.push(step);
        below.before.push(before);
        below
    }

    /// `spec.rounds[0].trials`.
    fn field(&self) -> String {
        let mut field = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if field.is_empty() => field.push_str(key),
                Step::Key(key) => field = format!("{field}.{key}"),
                Step::Index(i) => field = format!("{field}[{i}]"),
            }
        }
        field
    }

    /// The text with this edit; nothing where it does not know how.
    fn written(&self, text: &str, style: ValueStyle) -> Option<String> {
        let (documents, _) = tree::parse(text).ok()?;
        let root = header::the_study(&documents).ok()?;
        let places = FieldPlaces::of(text);
        let (found, missing) = places.find(root, &self.path);
        match (&self.to, missing) {
            (Some(to), []) => places.replaced(found.last()?, &flow::written(to, style)),
            (None, []) => places.removed(found),
            // A default that the text does not spell out.
            (None, _) => Some(text.to_owned()),
            (Some(to), [Step::Key(key), nested @ ..]) => {
                let value = nested.iter().rev().try_fold(flow::written(to, style), |inner, step| match step {
                    Step::Key(key) => Some(format!("{{{}: {inner}}}", flow::word(key, style))),
                    Step::Index(_) => None,
                })?;
                let before = self.before.get(self.path.len() - nested.len() - 1)?;
                places.inserted(found.last()?, before, &format!("{}: {value}", flow::word(key, style)))
            }
            (Some(_), [Step::Index(_), ..]) => None,
        }
    }
}

#[cfg(test)]
mod tests;
