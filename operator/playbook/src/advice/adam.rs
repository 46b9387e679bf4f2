//! How many of Adam's hyperparameters a number of trials supports: "How should Adam's hyperparameters be tuned?".

use studious_api::{
    HyperparameterValue, Hyperparameters, StudySpec,
    study::{Algorithm, Hyperparameter, Role, Scientific},
    validate::{Violation, counted},
};
use studious_rules::{
    Threshold,
    advice::ADAM_BUDGET,
    registry::{BETA1, BETA2, EPSILON, optimizer_in, optimizer_named},
    thresholds::advice::{ADAM_BETA1_TRIALS, ADAM_BETA2_TRIALS, ADAM_EPSILON_TRIALS},
};

use super::{
    AdviceList,
    arms::{configurations, dimensions, trials_of_each},
};
use crate::findings::{Edit, wording::list};

/// From how many trials on each is tuned beside the learning rate.
const FROM: [(&str, &Threshold); 3] =
    [(BETA1.id, &ADAM_BETA1_TRIALS), (EPSILON.id, &ADAM_EPSILON_TRIALS), (BETA2.id, &ADAM_BETA2_TRIALS)];

pub(super) fn advise(spec: &StudySpec, found: &mut AdviceList) {
    let Some(trials) = trials_of_each(spec) else { return };
    let arms = configurations(spec);
    let Some(excess) = arms.iter().map(|arm| excess(spec, arm, trials)).max_by_key(Vec::len) else { return };
    let Some(first) = excess.first() else { return };
    let Some(i) = spec.hyperparameters.iter().position(|h| std::ptr::eq(h, *first)) else { return };
    let names: Vec<&str> = excess.iter().map(|h| h.name.as_str()).collect();
    let known = |h: &Hyperparameter| registry_id(spec, h);
    let needed = FROM
        .iter()
        .filter(|(id, _)| excess.iter().any(|h| known(h) == Some(*id)))
        .map(|(_, from)| spec.count(from))
        .max()
        .unwrap_or_default()
        .saturating_mul(arms.len());
    let [beta1, epsilon, beta2] = FROM.map(|(_, from)| spec.count(from));
    let each = if arms.len() > 1 { " for each scientific configuration" } else { "" };
    found.push_with(
        Violation::new(
            format!("spec.hyperparameters[{i}].role"),
            &first.role,
            format!(
                "{} {} tuned with {}{each}: Adam's beta1 is tuned beside the learning rate from {beta1} trials on, epsilon from \
                 {epsilon}, and beta2 with substantially more ({beta2})",
                list(&names),
                if names.len() == 1 { "is" } else { "are" },
                counted(trials as u64, "trial"),
            ),
            format!(
                "Make {} Fixed (with fixedBecause), or give {}.",
                list(&names),
                counted(needed as u64, "trial")
            ),
        )
        .of(&ADAM_BUDGET), trials_edit(spec, needed));
}

/// The trials in the round that has most.
fn trials_edit(spec: &StudySpec, needed: usize) -> Option<Edit> {
    let fresh = spec.rounds.iter().enumerate().filter(|(_, round)| round.from.is_none());
    let (round, _) = fresh.max_by_key(|(i, round)| (round.trials, std::cmp::Reverse(*i)))?;
    Some(Edit::Trials { round, to: u32::try_from(needed).ok()? })
}

/// What is tuned of Adam's in a configuration that so many trials don't support.
pub(super) fn excess<'a>(
    spec: &'a StudySpec,
    configuration: &Hyperparameters,
    trials: usize,
) -> Vec<&'a Hyperparameter> {
    let beyond = beyond(spec, trials);
    if beyond.is_empty() {
        return Vec::new();
    }
    let searched = dimensions(spec, configuration, spec.search.scientific == Scientific::Crossed);
    spec.hyperparameters
        .iter()
        .filter(|h| h.role == Role::Nuisance && h.varies() && searched.contains(&h.name.as_str()))
        .filter(|h| registry_id(spec, h).is_some_and(|id| beyond.contains(&id)) && is_adams(spec, h, configuration))
        .collect()
}

/// The ids of what the trials of a configuration don't support.
pub(super) fn beyond_budget(spec: &StudySpec) -> Vec<&'static str> {
    if spec.search.algorithm == Algorithm::Manual {
        return FROM.iter().map(|(id, _)| *id).collect();
    }
    trials_of_each(spec).map_or_else(Vec::new, |trials| beyond(spec, trials))
}

fn beyond(spec: &StudySpec, trials: usize) -> Vec<&'static str> {
    FROM.iter().filter(|(_, from)| trials < spec.count(from)).map(|(id, _)| *id).collect()
}

/// Whether the values that a beta is searched in can be decay rates: below 1, and near it, or so far from 1 by its name.
/// `beta1` from 1e-5 to 1e-3 is the noise of a diffusion model.
fn may_be_decay_rate(h: &Hyperparameter) -> bool {
    let largest = match &h.range {
        Some(range) => range.max,
        None => h.listed().filter_map(HyperparameterValue::as_f64).fold(f64::NEG_INFINITY, f64::max),
    };
    let is_missing_part = h.name.to_ascii_lowercase().contains("minus");
    largest <= 1.0 && (is_missing_part || largest >= SMALLEST_DECAY_RATE)
}

/// A running mean that decays by more than half in each step keeps hardly anything.
const SMALLEST_DECAY_RATE: f64 = 0.5;

fn registry_id(spec: &StudySpec, h: &Hyperparameter) -> Option<&'static str> {
    let i = spec.hyperparameters.iter().position(|other| std::ptr::eq(other, h))?;
    spec.known()[i].map(|known| known.id)
}

/// Whether a hyperparameter is Adam's: by what the study says, by its name, or else by the optimizer under which it exists. Where the study names no
/// optimizer that the registry knows, betas are taken as Adam's.
fn is_adams(spec: &StudySpec, h: &Hyperparameter, configuration: &Hyperparameters) -> bool {
    if let Some(optimizer) = &h.optimizer_of {
        return optimizer_named(optimizer).is_some_and(|optimizer| optimizer.is_adam);
    }
    if [BETA1.id, BETA2.id].iter().any(|id| registry_id(spec, h) == Some(id)) && !may_be_decay_rate(h) {
        return false;
    }
    if let Some(optimizer) = optimizer_in(&h.name) {
        return optimizer.is_adam;
    }
    let Some(choice) = spec.hyperparameters.iter().find(|h| h.is_choice_of_optimizer()) else {
        return true;
    };
    let values: Vec<&HyperparameterValue> =
        match (h.when.as_ref().and_then(|when| when.get(&choice.name)), configuration.get(&choice.name)) {
            (Some(allowed), _) => allowed.listed().iter().collect(),
            (None, Some(value)) => vec![value],
            (None, None) => choice.listed().collect(),
        };
    let optimizers: Vec<_> =
        values.into_iter().filter_map(HyperparameterValue::as_text).filter_map(optimizer_named).collect();
    optimizers.is_empty() || optimizers.iter().any(|optimizer| optimizer.is_adam)
}
