//! Advice on what depends on the batch: epochs, and batch normalization.

use studious_api::{
    HyperparameterValue, StudySpec,
    study::{Hyperparameter, Role},
    validate::{Violation, counted},
};
use studious_rules::{
    advice::{BATCH_NORM_HAZARD, EPOCH_BUDGET_COMPARISON},
    registry::{BATCH_NORM, BATCH_SIZE, GHOST_BATCH_SIZE, KnownHyperparameter, NORMALIZATION, STEP_BUDGET, is_known},
};

use super::{AdviceList, schedule::options};

pub(super) fn advise(spec: &StudySpec, found: &mut AdviceList) {
    let known = spec.known();
    let of = |entry: &'static KnownHyperparameter| {
        let pairs = spec.hyperparameters.iter().zip(&known).enumerate();
        pairs.filter(move |(_, (_, known))| known.is_some_and(|k| k.id == entry.id)).map(|(i, (h, _))| (i, h))
    };
    let batch_size = of(&BATCH_SIZE).find(|(_, h)| h.role != Role::Fixed && h.varies());
    if let Some((i, h)) = batch_size {
        epochs(spec, i, h, found);
    }
    let uses =
        of(&BATCH_NORM).find(|(_, h)| may_be_on(h)).or_else(|| of(&NORMALIZATION).find(|(_, h)| names_batch_norm(h)));
    let Some((i, norm)) = uses else { return };
    // Statistics over a number of examples of its own, or shared by all devices, don't depend on it.
    if of(&GHOST_BATCH_SIZE).any(|(_, h)| may_be_on(h)) {
        return;
    }
    let hosts = spec.trial.hosts;
    let what = match batch_size {
        Some((_, size)) => format!("{} varies", size.name),
        None if hosts > 1 => format!("a trial has {}, each with batches of its own", counted(hosts, "host")),
        None => return,
    };
    found.push(
        Violation::new(
            format!("spec.hyperparameters[{i}].name"),
            &norm.name,
            format!("batch normalization takes its statistics of the batch of one device, and {what}: models that differ are compared"),
            "Take statistics of about 64 examples whatever the batch size (ghost batch norm) or synchronize them, and say so by a \
             hyperparameter such as ghost_batch_size or sync_batch_norm; layer normalization often does as well.",
        )
        .of(&BATCH_NORM_HAZARD),
    );
}

/// "Choosing the batch size to minimize training time".
fn epochs(spec: &StudySpec, i: usize, batch_size: &Hyperparameter, found: &mut AdviceList) {
    let is_epochs = |name: &&str| is_known(name, &STEP_BUDGET) && name.to_ascii_lowercase().contains("epoch");
    let options = options(spec);
    let Some(option) = options.iter().map(String::as_str).find(is_epochs) else { return };
    // Whose steps are given too ends by whichever comes first.
    if options.iter().any(|name| is_known(name, &STEP_BUDGET) && !is_epochs(&name.as_str())) {
        return;
    }
    found.push(
        Violation::new(
            format!("spec.hyperparameters[{i}].name"),
            &batch_size.name,
            format!(
                "its values are compared while the trainer counts epochs ({option}): twice the batch gets half the \
                 steps, which hides what a larger batch gains"
            ),
            format!("Remove {option}, and let trials train for the round's maxTrainSteps."),
        )
        .of(&EPOCH_BUDGET_COMPARISON),
    );
}

/// Whether some value turns it on: neither false, 0 nor `none`.
fn may_be_on(h: &Hyperparameter) -> bool {
    let is_on = |value: &HyperparameterValue| match value {
        HyperparameterValue::Bool(on) => *on,
        HyperparameterValue::Text(text) => {
            !["none", "off", "no", "false", ""].contains(&text.to_ascii_lowercase().as_str())
        }
        number => number.as_f64() != Some(0.0),
    };
    h.range.is_some() || h.listed().any(is_on)
}

fn names_batch_norm(h: &Hyperparameter) -> bool {
    h.listed()
        .filter_map(HyperparameterValue::as_text)
        .any(|text| is_known(text, &BATCH_NORM) || text.eq_ignore_ascii_case("batch"))
}
