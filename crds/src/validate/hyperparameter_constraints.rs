//! Constraints between hyperparameters: expressions that say which points are tried.

use super::{
    Violation,
    assignments::{scientific_configurations, situations, with_ancestors},
    called, derived,
    printed::{list, short},
};
use crate::{
    HyperparameterValue, Hyperparameters, StudySpec,
    expression::HyperparameterConstraint,
    study::{Hyperparameter, Role},
};

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    for (i, text) in spec.hyperparameter_constraints.iter().enumerate() {
        let at = format!("spec.hyperparameterConstraints[{i}]");
        match HyperparameterConstraint::parse(text) {
            Err(error) => {
                let rule = format!("can't be read {error}");
                let fix = "Write a comparison of hyperparameters and numbers, such as heads * head_dim <= 1024.";
                found.push(Violation::new(at, text, rule, fix));
            }
            Ok(comparison) => found.extend(names(spec, &at, &comparison)),
        }
    }
    if found.is_empty() {
        found.extend(forbidden_values(spec));
    }
    for (i, text) in spec.hyperparameter_constraints.iter().enumerate() {
        if let Some(first) = spec.hyperparameter_constraints[..i].iter().position(|other| other.trim() == text.trim()) {
            let at = format!("spec.hyperparameterConstraints[{i}]");
            found.push(Violation::new(at, text, format!("is hyperparameterConstraints[{first}] again"), "Remove it."));
        }
    }
    found
}

/// Values that are to be compared and that no combination of scientific values has which the constraints allow.
fn forbidden_values(spec: &StudySpec) -> Vec<Violation> {
    let (hs, comparisons) = (&spec.hyperparameters, spec.comparisons());
    if comparisons.is_empty() {
        return Vec::new();
    }
    let of = |constraints: &[HyperparameterConstraint]| scientific_configurations(hs, constraints);
    let (Some(all), Some(allowed)) = (of(&[]), of(&comparisons)) else { return Vec::new() };
    // Where nothing is left, that is reported.
    if allowed.is_empty() || allowed.len() == all.len() {
        return Vec::new();
    }
    let has = |arms: &[Hyperparameters], name: &str, value: &HyperparameterValue| {
        arms.iter().any(|arm| arm.get(name) == Some(value))
    };
    let mut found = Vec::new();
    for (i, h) in hs.iter().enumerate().filter(|(_, h)| h.role == Role::Scientific) {
        for (j, value) in h.values.iter().flatten().enumerate() {
            if has(&all, &h.name, value) && !has(&allowed, &h.name, value) {
                let at = format!("spec.hyperparameters[{i}].values[{j}]");
                let rule = "no trial has this value: the constraints forbid it beside what is Fixed".to_owned();
                found.push(Violation::new(at, value, rule, "Remove it, or change spec.hyperparameterConstraints."));
            }
        }
    }
    found
}

/// What a constraint names must be numbers, of which one is searched, and exist together.
fn names(spec: &StudySpec, at: &str, comparison: &HyperparameterConstraint) -> Option<Violation> {
    let hs = &spec.hyperparameters;
    let text = comparison.to_string();
    let named = comparison.names();
    for name in &named {
        let of_name: Vec<&Hyperparameter> = hs.iter().filter(|h| h.name == **name).collect();
        if of_name.is_empty() {
            let fix = called::meant(name, hs.iter())
                .unwrap_or_else(|| "Name one of the study's hyperparameters, or add it.".to_owned());
            return Some(Violation::new(at, &text, format!("there is no hyperparameter {name} in this study"), fix));
        }
        if let Some(value) = no_number(&of_name) {
            let rule = format!("{name} is not always a number: it may be {}", short(value));
            let fix = "Compare numbers; when says for which values a hyperparameter exists.";
            return Some(Violation::new(at, &text, rule, fix));
        }
    }
    let searched = |name: &&str| hs.iter().any(|h| h.name == **name && h.role != Role::Fixed);
    if !named.iter().any(searched) {
        let fix = "Name a hyperparameter that is searched, or remove it.";
        return Some(Violation::new(at, &text, "names nothing that is searched", fix));
    }
    let of_names = || hs.iter().filter(|h| named.contains(h.name.as_str()));
    let all = situations(hs, &with_ancestors(hs, of_names().flat_map(|h| derived::parents(hs, h))))?;
    let exists =
        |name: &str, there: &Hyperparameters| of_names().any(|h| h.name == name && derived::exists(hs, h, there));
    if !all.iter().any(|there| named.iter().all(|name| exists(name, there))) {
        let named: Vec<&&str> = named.iter().collect();
        let rule = format!("says nothing of any point: {} never exist together", list(&named, "and"));
        return Some(Violation::new(at, &text, rule, "Change their conditions (when), or remove it."));
    }
    None
}

/// A value of hyperparameters that is not a number, if they have one.
pub(super) fn no_number<'a>(of: &[&'a Hyperparameter]) -> Option<&'a HyperparameterValue> {
    of.iter().flat_map(|h| h.listed()).find(|value| value.as_f64().is_none())
}

/// The first constraint that a point violates, if it does any, as something that is wrong with it.
pub(super) fn violated(spec: &StudySpec, point: &Hyperparameters, at: &str) -> Option<Violation> {
    let comparisons = spec.comparisons();
    let violated = comparisons.into_iter().find(|comparison| comparison.nearly_holds(point) == Some(false))?;
    let values: Hyperparameters =
        violated.names().into_iter().filter_map(|name| Some((name.to_owned(), point.get(name)?.clone()))).collect();
    let rule = format!("violates the study's constraint {violated}");
    Some(Violation::new(at, &values, rule, "Give values that satisfy it, or change spec.hyperparameterConstraints."))
}
