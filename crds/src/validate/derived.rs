//! Hyperparameters that are worked out from others: what makes them valid, and where they exist.

use super::{Violation, assignments::is_active, called, hyperparameter_constraints::no_number, printed::short};
use crate::{
    Hyperparameters, StudySpec,
    expression::Expression,
    study::{Hyperparameter, Role},
};

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let hs = &spec.hyperparameters;
    let mut found = Vec::new();
    for (i, h) in hs.iter().enumerate() {
        if let Some(text) = h.expression.as_ref().filter(|_| h.role == Role::Derived) {
            let at = format!("spec.hyperparameters[{i}].expression");
            match Expression::parse(text) {
                Err(error) => {
                    let rule = format!("can't be read {error}");
                    let fix =
                        "Write what it is, in hyperparameters and numbers, such as effective_rate * (1 - momentum).";
                    found.push(Violation::new(at, text, rule, fix));
                }
                Ok(expression) => found.extend(names(hs, h, &at, &expression)),
            }
        }
        for parent in h.when.iter().flatten().map(|(parent, _)| parent) {
            if hs.iter().any(|other| other.name == *parent && other.role == Role::Derived) {
                let rule = format!("{parent} is Derived, and conditions name what is searched");
                let fix = "Name what it is worked out from.";
                found.push(Violation::new(format!("spec.hyperparameters[{i}].when.{parent}"), &(), rule, fix));
            }
        }
    }
    found
}

/// How it is worked out, if it is derived and that can be read.
pub(super) fn expression(h: &Hyperparameter) -> Option<Expression> {
    h.expression.as_ref().and_then(|text| Expression::parse(text).ok())
}

/// Everything that the existence of a hyperparameter depends on: what its condition names, and what it is worked out from
/// with what their conditions name.
pub(super) fn parents<'a>(hyperparameters: &'a [Hyperparameter], h: &'a Hyperparameter) -> Vec<&'a str> {
    let mut all: Vec<&Hyperparameter> = vec![h];
    if let Some(expression) = expression(h) {
        let names = expression.names();
        all.extend(hyperparameters.iter().filter(|other| names.contains(other.name.as_str())));
    }
    all.into_iter().flat_map(|h| h.when.iter().flatten()).map(|(parent, _)| parent.as_str()).collect()
}

/// Whether a hyperparameter exists where those of [`parents`] have these values: a derived one only with all that it is worked
/// out from.
pub(super) fn exists(hyperparameters: &[Hyperparameter], h: &Hyperparameter, assignment: &Hyperparameters) -> bool {
    let there = |name: &str| hyperparameters.iter().any(|other| other.name == name && is_active(other, assignment));
    is_active(h, assignment) && expression(h).is_none_or(|expression| expression.names().into_iter().all(there))
}

/// What it names must be numbers, of which one is searched, and not derived themselves.
fn names(hs: &[Hyperparameter], h: &Hyperparameter, at: &str, expression: &Expression) -> Option<Violation> {
    let text = expression.to_string();
    let refused = |rule: String, fix: String| Some(Violation::new(at, &text, rule, fix));
    for name in expression.names() {
        let of_name: Vec<&Hyperparameter> = hs.iter().filter(|other| other.name == name).collect();
        if name == h.name {
            return refused(format!("{name} can't be worked out from itself"), "Name others.".to_owned());
        }
        if of_name.is_empty() {
            let fix = called::meant(name, hs.iter().filter(|other| other.name != h.name))
                .unwrap_or_else(|| "Name one of the study's hyperparameters, or add it.".to_owned());
            return refused(format!("there is no hyperparameter {name} in this study"), fix);
        }
        if of_name.iter().any(|other| other.role == Role::Derived) {
            let fix = format!("Write out what {name} is.");
            return refused(format!("{name} is Derived, too"), fix);
        }
        if let Some(value) = no_number(&of_name) {
            let fix = "Name hyperparameters whose values are numbers.".to_owned();
            return refused(format!("{name} is not always a number: it may be {}", short(value)), fix);
        }
    }
    let is_searched = |name: &&str| hs.iter().any(|other| other.name == **name && other.role != Role::Fixed);
    if !expression.names().iter().any(is_searched) {
        let fix = "Give role: Fixed and the value.".to_owned();
        return refused("names nothing that is searched, so it is one value".to_owned(), fix);
    }
    None
}
