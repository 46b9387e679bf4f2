//! Advice on what is held while something is compared that it interacts with.

use studious_api::{
    StudySpec,
    study::{Hyperparameter, Role},
    validate::Violation,
};
use studious_rules::{
    advice::{FIXED_INTERACTS, OPTIMIZER_NOT_TUNED},
    registry::{KnownHyperparameter, LEARNING_RATE, may_be_learning_rate},
};

use super::{AdviceList, adam, edits};
use crate::findings::{
    is_off,
    wording::{list, name},
};

/// A hyperparameter with its place in the study and its entry in the registry.
type KnownOne<'a> = (usize, &'a Hyperparameter, &'static KnownHyperparameter);

pub(super) fn advise(spec: &StudySpec, found: &mut AdviceList) {
    let known: Vec<KnownOne<'_>> = spec
        .hyperparameters
        .iter()
        .zip(spec.known())
        .enumerate()
        .filter_map(|(i, (h, known))| Some((i, h, known?)))
        .collect();
    optimizer_not_tuned(spec, &known, found);
    fixed_interacts(spec, &known, found);
}

/// Held without a reason. A reason is taken as weighed.
fn is_held(h: &Hyperparameter) -> bool {
    h.role == Role::Fixed && h.fixed_because.as_ref().is_none_or(|reason| reason.trim().is_empty())
}

fn is_compared(h: &Hyperparameter) -> bool {
    h.role == Role::Scientific && h.varies()
}

/// "Identifying scientific, nuisance, and fixed hyperparameters": the learning rate is tuned for everything that is
/// compared, and of a study that compares nothing at least some hyperparameter of the optimizer is.
fn optimizer_not_tuned(spec: &StudySpec, known: &[KnownOne<'_>], found: &mut AdviceList) {
    let is_known = |h: &Hyperparameter| known.iter().any(|(_, known, _)| known.name == h.name);
    let is_other_rate = |h: &Hyperparameter| !is_known(h) && may_be_learning_rate(h.program_name());
    let varied: Vec<&Hyperparameter> = spec.hyperparameters.iter().filter(|h| h.varies()).collect();
    // Where nothing varies, as in a study of the noise of one point, nothing is compared.
    if varied.is_empty() || varied.iter().any(|h| is_other_rate(h)) {
        return;
    }
    let of_optimizer: Vec<&KnownOne<'_>> = known.iter().filter(|(_, _, known)| known.is_of_optimizer()).collect();
    let rates: Vec<&&KnownOne<'_>> = of_optimizer.iter().filter(|(_, _, known)| known.id == LEARNING_RATE.id).collect();
    let nothing = !of_optimizer.is_empty() && of_optimizer.iter().all(|(_, h, _)| is_held(h));
    // One name may stand for several, each under its own condition: all of them are tuned, or one arm's isn't.
    let is_held_once = |name: &str| rates.iter().any(|(_, h, _)| h.name == name && is_held(h));
    let no_rate = !rates.is_empty() && rates.iter().all(|(_, h, _)| is_held_once(&h.name));
    let compared: Vec<&str> = spec.hyperparameters.iter().filter(|h| is_compared(h)).map(|h| h.name.as_str()).collect();
    let held = rates.iter().find(|(_, h, _)| is_held(h)).or(rates.first()).copied();
    let Some((i, first, _)) = held.or(of_optimizer.first()) else { return };
    let rule = if no_rate && !compared.is_empty() && rates.iter().filter(|(_, h, _)| h.name == first.name).count() > 1 {
        let (names, is) = (list(&compared), if compared.len() == 1 { "is" } else { "are" });
        format!(
            "{} is held while {names} {is} compared, and the best one differs between almost any two things compared",
            name(first)
        )
    } else if no_rate && !compared.is_empty() {
        let (names, is) = (list(&compared), if compared.len() == 1 { "is" } else { "are" });
        format!(
            "{} is the same for all while {names} {is} compared, and the best one differs between almost any two things compared",
            first.name
        )
    } else if nothing {
        "no hyperparameter of the optimizer is tuned, and the best ones differ between almost any two things compared"
            .to_owned()
    } else {
        return;
    };
    let fix = if no_rate { "Make it a Nuisance with a range" } else { "Make at least one a Nuisance" };
    found.push_with(
        Violation::new(
            format!("spec.hyperparameters[{i}].role"),
            &first.role,
            rule,
            format!("{fix}, or say in fixedBecause why it may stay."),
        )
        .of(&OPTIMIZER_NOT_TUNED),
        edits::tune(spec, *i),
    );
}

/// Same section: the more strongly a hyperparameter interacts with what is compared, the more harm it does to fix it.
/// Of the learning rate the other advice speaks, and of Adam's the one on its budget.
fn fixed_interacts(spec: &StudySpec, known: &[KnownOne<'_>], found: &mut AdviceList) {
    let beyond = adam::beyond_budget(spec);
    let compared = |other: &&KnownOne<'_>| is_compared(other.1);
    for (i, h, entry) in known {
        // What is off has no best value.
        let is_off = h.value.as_ref().is_some_and(is_off);
        if is_off || !is_held(h) || entry.id == LEARNING_RATE.id || beyond.contains(&entry.id) {
            continue;
        }
        let pair = known.iter().filter(compared).find_map(|(_, s, other)| Some((s, entry.interaction(other)?)));
        let Some((scientific, interaction)) = pair else { continue };
        found.push_with(
            Violation::new(
                format!("spec.hyperparameters[{i}].role"),
                &h.role,
                format!("{} is fixed while {} is compared: {}", h.name, scientific.name, interaction.because),
                "Make it a Nuisance with a range, or say in fixedBecause why one value is fair to all.",
            )
            .of(&FIXED_INTERACTS),
            edits::tune(spec, *i),
        );
    }
}
