//! What a study declares about a hyperparameter beside its name: `category`, `knownAs`, `optimizerOf`.

use studious_rules::registry::{self, HyperparameterCategory, STEP_BUDGET, optimizer_named};

use super::{Violation, called};
use crate::{HyperparameterValue, StudySpec, spelling, study::Hyperparameter};

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let hyperparameters = spec.hyperparameters.iter().enumerate();
    let wrong = |(i, h)| {
        let at = format!("spec.hyperparameters[{i}]");
        known_as(h, &at).or_else(|| category(h, &at)).or_else(|| optimizer_of(spec, h, &at))
    };
    hyperparameters.filter_map(wrong).collect()
}

fn known_as(h: &Hyperparameter, at: &str) -> Option<Violation> {
    let id = h.known_as.as_deref()?;
    let field = format!("{at}.knownAs");
    let Some(entry) = registry::entry(id) else {
        // Another spelling of one, or nearly the name of one.
        let fix = registry::known(id)
            .map(|entry| format!("Write {}.", entry.id))
            .or_else(|| spelling::did_you_mean(id, registry::hyperparameters().map(|entry| entry.id)))
            .unwrap_or_else(|| "docs/hyperparameters.md has their names; leave it out, or give category.".to_owned());
        return Some(Violation::new(field, &id, "is no hyperparameter that Studious knows", fix));
    };
    (entry.id == STEP_BUDGET.id).then(|| called::step_budget(field, id))
}

/// What says two kinds at once.
fn category(h: &Hyperparameter, at: &str) -> Option<Violation> {
    let entry = h.known_as.as_deref().and_then(registry::entry);
    let (said, kind) = (h.category?, entry?.category);
    let rule = || format!("contradicts knownAs: {} is of the kind {kind:?}", h.known_as.as_deref().unwrap_or_default());
    (said != kind).then(|| Violation::new(format!("{at}.category"), &said, rule(), "Remove one of them."))
}

fn optimizer_of(spec: &StudySpec, h: &Hyperparameter, at: &str) -> Option<Violation> {
    let name = h.optimizer_of.as_deref()?;
    let field = format!("{at}.optimizerOf");
    let entry = h.known_as.as_deref().and_then(registry::entry);
    if let Some(kind) = h.category.or(entry.map(|entry| entry.category))
        && kind != HyperparameterCategory::Optimizer
    {
        let rule = format!(
            "says that it is a hyperparameter of an optimizer, and another field that it is of the kind {kind:?}"
        );
        return Some(Violation::new(field, &name, rule, "Remove one of them."));
    }
    // An optimizer of one's own is unknown here; only a slip of the pen is refused.
    let choices = spec.hyperparameters.iter().filter(|other| other.is_choice_of_optimizer());
    let listed: Vec<&str> = choices.flat_map(Hyperparameter::listed).filter_map(HyperparameterValue::as_text).collect();
    if optimizer_named(name).is_some() || listed.contains(&name) {
        return None;
    }
    let known = registry::optimizers().map(|optimizer| optimizer.name).chain(listed);
    let fix = spelling::did_you_mean(name, known)?;
    Some(Violation::new(field, &name, "is no optimizer that Studious knows or the study names", fix))
}
