//! Advice on the role of each hyperparameter, by what the registry knows of it.

use studious_api::{
    HyperparameterValue, StudySpec,
    study::{Hyperparameter, Role, Scientific},
    validate::Violation,
};
use studious_rules::{
    advice::{
        ARCHITECTURE_NUISANCE, BATCH_SIZE_TUNED, GRADIENT_ACCUMULATION_USED, OPTIMIZER_NUISANCE,
        OPTIMIZER_PARAM_SCIENTIFIC, REGULARIZATION_STRENGTH_SCIENTIFIC, SINGLE_VALUE,
    },
    registry::{
        BATCH_SIZE, GRADIENT_ACCUMULATION, HyperparameterCategory, KnownHyperparameter, NUM_LAYERS, OPTIMIZER,
        UsualRole,
    },
};

use super::{AdviceList, edits::hold_at_largest};
use crate::findings::{Edit, is_off};

/// Words of metrics that the batch size governs.
const COSTS: [&str; 11] =
    ["second", "seconds", "time", "throughput", "latency", "memory", "cost", "duration", "energy", "steps", "hours"];

pub(super) fn advise(spec: &StudySpec, found: &mut AdviceList) {
    for (i, (h, known)) in spec.hyperparameters.iter().zip(spec.known()).enumerate() {
        if let Some(known) = known {
            batch_size(spec, i, known, found);
            accumulation(h, i, known, found);
            of_optimizer(h, i, known, found);
            of_model(h, i, known, found);
        }
        if let Some([one]) = h.values.as_deref() {
            let fix = "Give role: Fixed and value, so that conclusions say that they hold for it only.";
            let rule = "lists one value, so it doesn't vary";
            let edit = Edit::Hold { hyperparameter: i, at: one.clone(), because: None };
            let at = format!("spec.hyperparameters[{i}].values");
            found.push_with(Violation::new(at, &[one], rule, fix).of(&SINGLE_VALUE), [edit]);
        }
    }
}

/// "Choosing the batch size": "should not be treated as a tunable hyperparameter for validation set performance".
/// Studies of speed may vary it.
fn batch_size(spec: &StudySpec, i: usize, known: &KnownHyperparameter, found: &mut AdviceList) {
    let h = &spec.hyperparameters[i];
    let sampled = h.role == Role::Scientific && spec.search.scientific == Scientific::Sampled;
    let is_tuned = h.varies() && (h.role == Role::Nuisance || sampled);
    let metric = spec.objective.metric.to_ascii_lowercase();
    let is_of_speed = metric.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| COSTS.contains(&word));
    if known.id != BATCH_SIZE.id || !is_tuned || is_of_speed {
        return;
    }
    let (rule, fix, edit) = if sampled {
        (
            format!("{} is drawn together with the others, so that no batch size is tuned for itself", h.name),
            "Set spec.search.scientific: Crossed, which tunes every batch size for itself.",
            Some(Edit::Scientific(Scientific::Crossed)),
        )
    } else {
        (
            format!(
                "{} governs speed, not the quality that can be reached: what seems best at one batch size is the effect of \
                 the others being tuned for it",
                h.name
            ),
            "Make it Fixed at the largest that the hardware supports, or Scientific so that every batch size is tuned for \
             itself.",
            hold_at_largest(h, i, "Held at the largest value that the study listed: it governs speed, not quality."),
        )
    };
    let at = format!("spec.hyperparameters[{i}].role");
    found.push_with(Violation::new(at, &h.role, rule, fix).of(&BATCH_SIZE_TUNED), edit);
}

/// "Determining the feasible batch sizes and estimating training throughput". One batch an update is none.
fn accumulation(h: &Hyperparameter, i: usize, known: &KnownHyperparameter, found: &mut AdviceList) {
    let is_off = |value: &HyperparameterValue| is_off(value) || value.as_f64().is_some_and(|x| x <= 1.0);
    let never = h.range.is_none() && h.listed().all(is_off);
    if known.id != GRADIENT_ACCUMULATION.id || never {
        return;
    }
    // A trainer that takes numbers takes one batch an update; what else turns it off is known where it is listed.
    let takes_numbers = h.range.is_some() || h.listed().all(|value| value.as_f64().is_some());
    let off = h.listed().find(|value| is_off(value)).cloned();
    let off = off.or_else(|| takes_numbers.then(|| HyperparameterValue::from(1_i64)));
    found.push_with(
        Violation::new(
            format!("spec.hyperparameters[{i}].name"),
            &h.name,
            "gradient accumulation imitates a larger batch and gains no throughput",
            "Leave it out, and choose a batch size that the hardware holds.",
        )
        .of(&GRADIENT_ACCUMULATION_USED),
        off.map(|at| Edit::Hold {
            hyperparameter: i,
            at,
            because: Some("Accumulating gradients gains no throughput.".to_owned()),
        }),
    );
}

/// "Identifying scientific, nuisance, and fixed hyperparameters".
fn of_optimizer(h: &Hyperparameter, i: usize, known: &KnownHyperparameter, found: &mut AdviceList) {
    let role = format!("spec.hyperparameters[{i}].role");
    if known.id == OPTIMIZER.id && h.role == Role::Nuisance {
        found.push_with(
            Violation::new(
                &role,
                &h.role,
                "the choice of optimizer is a separate question: as a Nuisance it gets an unequal and small share of trials",
                "Make it Scientific to compare optimizers, or Fixed (with fixedBecause).",
            )
            .of(&OPTIMIZER_NUISANCE), [Edit::Role { hyperparameter: i, to: Role::Scientific }]);
    }
    // Whether to have momentum is a question.
    let is_switch =
        h.range.is_none() && h.listed().any(is_off) && h.listed().filter(|value| !is_off(value)).count() == 1;
    if known.is_of_optimizer() && h.role == Role::Scientific && !is_switch {
        found.push_with(
            Violation::new(
                &role,
                &h.role,
                format!("which {} is best tells little: it moves with the next change", h.name),
                "Make it Nuisance, unless it is really the question.",
            )
            .of(&OPTIMIZER_PARAM_SCIENTIFIC),
            [Edit::Role { hyperparameter: i, to: Role::Nuisance }],
        );
    }
}

/// Same section.
fn of_model(h: &Hyperparameter, i: usize, known: &KnownHyperparameter, found: &mut AdviceList) {
    let role = format!("spec.hyperparameters[{i}].role");
    if known.id == NUM_LAYERS.id && h.role == Role::Nuisance && h.varies() {
        found.push_with(
            Violation::new(
                &role,
                &h.role,
                format!(
                    "{} decides what training and serving cost: as a Nuisance the costs of what is compared differ",
                    h.name
                ),
                "Make it Scientific to compare depths, or Fixed (with fixedBecause).",
            )
            .of(&ARCHITECTURE_NUISANCE),
            [Edit::Role { hyperparameter: i, to: Role::Scientific }],
        );
    }
    let is_regularizer =
        known.category == HyperparameterCategory::Regularization && known.role == UsualRole::StrengthNuisance;
    let strengths = strengths(h);
    if is_regularizer && h.role == Role::Scientific && (h.range.is_some() || strengths > 1) {
        let how_many = if h.range.is_some() { "a range of".to_owned() } else { strengths.to_string() };
        found.push(
            Violation::new(
                &role,
                &h.role,
                format!(
                    "compares {how_many} strengths of {}: whether to have it is a question, and its best strength moves with the \
                     next change",
                    known.called
                ),
                "Compare having it with doing without: a Scientific hyperparameter with the values true and false, and the \
                 strength as a Nuisance that exists when it is true.",
            )
            .of(&REGULARIZATION_STRENGTH_SCIENTIFIC),
        );
    }
}

/// How many values of a list are strengths: numbers that are not 0.
fn strengths(h: &Hyperparameter) -> usize {
    h.values.iter().flatten().filter(|value| value.as_f64().is_some_and(|x| x != 0.0)).count()
}
