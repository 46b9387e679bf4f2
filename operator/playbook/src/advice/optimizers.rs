//! Advice on the hyperparameters that an optimizer has ("Choosing the optimizer", R-014).

use studious_api::{
    Hyperparameters, StudySpec,
    study::Hyperparameter,
    validate::{Violation, can_be_active},
};
use studious_rules::{
    advice::OPTIMIZER_HYPERPARAMETER_MISSING,
    registry::{self, KnownOptimizer, OPTIMIZER, optimizer_named},
};

use super::AdviceList;
use crate::findings::wording::list;

/// The trainer holds what a study leaves out, at a value that no conclusion mentions.
pub(super) fn advise(spec: &StudySpec, found: &mut AdviceList) {
    let choice = |h: &Hyperparameter| registry::is_known(&h.name, &OPTIMIZER);
    let Some((i, choice)) = spec.hyperparameters.iter().enumerate().find(|(_, h)| choice(h)) else { return };
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
    found.push(
        Violation::new(
            format!("spec.hyperparameters[{i}].{field}"),
            &(),
            format!(
                "the study says nothing of {}: the trainer holds them at values that no conclusion names",
                lacking.join("; ")
            ),
            "Give each a role, or role: Fixed with its value and fixedBecause.",
        )
        .of(&OPTIMIZER_HYPERPARAMETER_MISSING),
    );
}
