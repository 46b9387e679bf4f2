//! Advice on the hyperparameters that an optimizer has ("Choosing the optimizer", R-014).

use studious_api::{
    Hyperparameters, StudySpec,
    validate::{Violation, can_be_active},
};
use studious_rules::{
    advice::OPTIMIZER_HYPERPARAMETER_MISSING,
    registry::{KnownOptimizer, optimizer_named},
};

use super::AdviceList;
use crate::findings::wording::list;

/// The trainer holds what a study leaves out, at a value that no conclusion mentions.
pub(super) fn advise(spec: &StudySpec, found: &mut AdviceList) {
    let choice = spec.hyperparameters.iter().enumerate().find(|(_, h)| h.is_choice_of_optimizer());
    let Some((i, choice)) = choice else {
        of_the_one(spec, found);
        return;
    };
    let known = spec.known();
    let missing = |value: &studious_api::HyperparameterValue, optimizer: &KnownOptimizer| -> Vec<&'static str> {
        let configuration = Hyperparameters::from([(choice.name.clone(), value.clone())]);
        let has = |id: &str| {
            let entries = spec.hyperparameters.iter().zip(&known);
            entries
                .filter(|(h, _)| can_be_active(h, &configuration))
                .any(|(_, known)| known.is_some_and(|k| k.id == id))
        };
        optimizer.hyperparameters.iter().copied().filter(|id| !has(id)).collect()
    };
    let lacking: Vec<String> = choice
        .listed()
        .filter_map(|value| {
            let optimizer = optimizer_named(value.as_text()?)?;
            let missing = missing(value, optimizer);
            (!missing.is_empty()).then(|| format!("{} of {}", list(&missing), optimizer.name))
        })
        .collect();
    if lacking.is_empty() {
        return;
    }
    let field = if choice.value.is_some() { "value" } else { "values" };
    found.push(nothing_said(format!("spec.hyperparameters[{i}].{field}"), &lacking.join("; ")));
}

/// Of a study that compares no optimizers, and names the one that a hyperparameter belongs to (`optimizerOf`).
fn of_the_one(spec: &StudySpec, found: &mut AdviceList) {
    let named = spec.hyperparameters.iter().enumerate();
    let mut named = named.filter_map(|(i, h)| Some((i, optimizer_named(h.optimizer_of.as_deref()?)?)));
    let Some((i, optimizer)) = named.next() else { return };
    // Two, such as a generator's and a discriminator's: which hyperparameter is whose is not known of all.
    if named.any(|(_, other)| other.name != optimizer.name) {
        return;
    }
    let known = spec.known();
    let has = |id: &&str| known.iter().flatten().any(|entry| entry.id == *id);
    let missing: Vec<&str> = optimizer.hyperparameters.iter().copied().filter(|id| !has(id)).collect();
    if !missing.is_empty() {
        let lacking = format!("{} of {}", list(&missing), optimizer.name);
        found.push(nothing_said(format!("spec.hyperparameters[{i}].optimizerOf"), &lacking));
    }
}

fn nothing_said(field: String, lacking: &str) -> Violation {
    Violation::new(
        field,
        &(),
        format!("the study says nothing of {lacking}: the trainer holds them at values that no conclusion names"),
        "Give each a role, or role: Fixed with its value and fixedBecause.",
    )
    .of(&OPTIMIZER_HYPERPARAMETER_MISSING)
}
