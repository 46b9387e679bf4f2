//! The question and the design that answers it.

use super::{
    Violation,
    assignments::scientific_configurations,
    printed::{counted, short},
};
use crate::{
    StudySpec,
    study::{Algorithm, Per, Role, Scientific},
};

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    if spec.goal.trim().is_empty() {
        let fix = "Write the one question this study answers, in a sentence.";
        found.push(Violation::new("spec.goal", &spec.goal, "must say something", fix));
    }
    objective(spec, &mut found);
    match (spec.search.scientific, spec.search.algorithm) {
        // Who lists points says how many each scientific value gets.
        (Scientific::Crossed, Algorithm::Manual) => {}
        (Scientific::Crossed, _) => crossed(spec, &mut found),
        (Scientific::Sampled, _) => sampled(spec, &mut found),
    }
    found
}

/// Playbook: "After exploration concludes". The test set is looked at once, when everything is decided.
fn objective(spec: &StudySpec, found: &mut Vec<Violation>) {
    if let Some(chance) = spec.objective.chance.filter(|chance| !chance.is_finite()) {
        let fix = "Give what a model that has learned nothing gets, such as 0.9, or remove it.";
        found.push(Violation::new("spec.objective.chance", &chance, "must be a finite number", fix));
    }
    let metric = &spec.objective.metric;
    let mut words = metric.split(|c: char| !c.is_ascii_alphanumeric());
    if words.any(|w| w.eq_ignore_ascii_case("test")) {
        found.push(Violation::new(
            "spec.objective.metric",
            metric,
            "is a metric of the test set: choosing trials by it would use the test set up",
            format!(
                "Choose by a metric of the validation set, such as {}.",
                metric.to_lowercase().replace("test", "validation")
            ),
        ));
    }
}

/// Every scientific configuration gets an arm of its own, so they must be few and listed.
fn crossed(spec: &StudySpec, found: &mut Vec<Violation>) {
    for (i, h) in spec.hyperparameters.iter().enumerate() {
        if h.role == Role::Scientific
            && let Some(range) = &h.range
        {
            found.push(Violation::new(
                format!("spec.hyperparameters[{i}].range"),
                range,
                format!(
                    "{} is Scientific in a Crossed study, where every scientific value gets its own equal share of the \
                     trials; a range has no end of them",
                    h.name
                ),
                "List the values to compare in values, or set spec.search.scientific: Sampled.",
            ));
        }
    }
    let Some(arms) = scientific_configurations(&spec.hyperparameters, &spec.comparisons()) else { return };
    for (i, round) in spec.rounds.iter().enumerate() {
        if let (Some(trials), None) = (round.trials, &round.from)
            && trials > 0
            && (trials as usize) < arms.len()
        {
            found.push(Violation::new(
                format!("spec.rounds[{i}].trials"),
                &trials,
                format!(
                    "are fewer than the {} scientific configurations, each of which needs at least one trial",
                    arms.len()
                ),
                format!(
                    "Give at least {}, better a multiple of {} (ten for each makes {}).",
                    arms.len(),
                    arms.len(),
                    counted(10 * arms.len() as u64, "trial")
                ),
            ));
        }
    }
}

/// A scientific range has no arms.
fn sampled(spec: &StudySpec, found: &mut Vec<Violation>) {
    let hs = &spec.hyperparameters;
    let of_rounds = spec
        .rounds
        .iter()
        .enumerate()
        .filter(|(_, round)| round.from.as_ref().is_some_and(|from| from.per == Per::Scientific));
    let of_retrain = spec.retrain.iter().filter(|retrain| retrain.per == Per::Scientific);
    let fields = of_rounds.map(|(i, _)| format!("spec.rounds[{i}].from.per"));
    for field in fields.chain(of_retrain.map(|_| "spec.retrain.per".to_owned())) {
        if let Some(h) = hs.iter().find(|h| h.role == Role::Scientific && h.range.is_some()) {
            found.push(Violation::new(
                field,
                &"Scientific",
                format!(
                    "can't be counted: {} is drawn from {}, so hardly two trials share a scientific configuration",
                    h.name,
                    short(&h.range)
                ),
                format!("Remove it to take the best of the whole round, or list the values of {}.", h.name),
            ));
        }
    }
}
