//! What the playbook advises against though it can run: told before anything runs, and refused under
//! `spec.policy.strict`.

use super::{
    Violation,
    assignments::{can_be_active, scientific_configurations},
    early_ending,
    printed::{counted, list},
    search_warnings,
};
use crate::{
    Hyperparameters, StudySpec,
    study::{Algorithm, Hyperparameter, Role, Scientific, Select},
};

/// Fewer trials than this for each nuisance dimension tune poorly (R-051, our number).
const TRIALS_PER_DIMENSION: usize = 5;
/// Practical number of rounds.
const USUAL_ROUNDS: usize = 3;

pub(super) fn warnings(spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    for (i, h) in spec.hyperparameters.iter().enumerate() {
        hyperparameter(h, i, &mut found);
    }
    optimizer_not_tuned(spec, &mut found);
    if spec.search.algorithm != Algorithm::Manual {
        arms(spec, &mut found);
    }
    search_warnings::warnings(spec, &mut found);
    early_ending::warnings(spec, &mut found);
    many_rounds(spec, &mut found);
    checkpoints(spec, &mut found);
    image(spec, &mut found);
    found
}

/// Lower case letters and digits of a name: `batchSize` and `batch_size` are one.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn hyperparameter(h: &Hyperparameter, i: usize, found: &mut Vec<Violation>) {
    let at = format!("spec.hyperparameters[{i}]");
    let plain = plain(&h.name);
    let role = format!("{at}.role");
    // "Choosing the batch size": "should not be treated as a tunable hyperparameter for validation set performance"
    //
    if plain.ends_with("batchsize") && h.role == Role::Nuisance {
        found.push(Violation::new(
            &role,
            &h.role,
            format!(
                "{} governs speed, not the quality that can be reached: what seems best at one batch size is the effect \
                 of the others being tuned for it",
                h.name
            ),
            "Make it Fixed at the largest that the hardware supports, or Scientific so that every batch size is tuned for \
             itself.",
        ));
    }
    // "Determining the feasible batch sizes and estimating training throughput".
    if plain.contains("accum") && plain.contains("grad") {
        found.push(Violation::new(
            format!("{at}.name"),
            &h.name,
            "gradient accumulation imitates a larger batch and brings no throughput",
            "Leave it out, and choose a batch size that the hardware holds.",
        ));
    }
    // "Identifying scientific, nuisance, and fixed hyperparameters".
    if matches!(plain.as_str(), "optimizer" | "optimiser" | "opt") && h.role == Role::Nuisance {
        found.push(Violation::new(
            &role,
            &h.role,
            "the choice of optimizer is a question of its own: as a Nuisance it gets an unequal and small share of trials",
            "Make it Scientific to compare optimizers, or Fixed (with fixedBecause).",
        ));
    }
    // Same section: what is best there moves with the next change.
    if is_of_optimizer(&plain) && h.role == Role::Scientific {
        found.push(Violation::new(
            &role,
            &h.role,
            format!("which {} is best tells little: it moves with the next change", h.name),
            "Make it Nuisance, unless it is really the question.",
        ));
    }
    if let Some([one]) = h.values.as_deref() {
        let mend = "Give role: Fixed and value, so that conclusions say that they hold for it only.";
        found.push(Violation::new(format!("{at}.values"), &[one], "lists one value, so it doesn't vary", mend));
    }
}

/// Hyperparameters of optimizers and schedules by their usual names.
fn is_of_optimizer(plain: &str) -> bool {
    const NAMES: [&str; 22] = [
        "lr",
        "learningrate",
        "baselr",
        "baselearningrate",
        "peaklr",
        "peaklearningrate",
        "initiallr",
        "initiallearningrate",
        "momentum",
        "oneminusmomentum",
        "beta1",
        "beta2",
        "b1",
        "b2",
        "oneminusbeta1",
        "oneminusbeta2",
        "epsilon",
        "eps",
        "warmupfraction",
        "warmupsteps",
        "nesterov",
        "decayfactor",
    ];
    NAMES.contains(&plain)
}

/// "Identifying scientific, nuisance, and fixed hyperparameters": at least some of the optimizer's are tuned,
/// unless a reason is given.
fn optimizer_not_tuned(spec: &StudySpec, found: &mut Vec<Violation>) {
    let mut of_optimizer =
        spec.hyperparameters.iter().enumerate().filter(|(_, h)| is_of_optimizer(&plain(&h.name))).peekable();
    let Some((i, first)) = of_optimizer.peek().copied() else { return };
    if of_optimizer.all(|(_, h)| h.role == Role::Fixed && h.fixed_because.is_none()) {
        found.push(Violation::new(
            format!("spec.hyperparameters[{i}].role"),
            &first.role,
            "no hyperparameter of the optimizer is tuned, and the best ones differ between almost any two things compared",
            format!("Make {} at least a Nuisance, or say why not in fixedBecause.", first.name),
        ));
    }
}

/// Trials of each scientific configuration: equal (R-060) and enough for its nuisance dimensions (R-051, "Striking a
/// balance between informative and affordable experiments").
fn arms(spec: &StudySpec, found: &mut Vec<Violation>) {
    let crossed = spec.search.scientific == Scientific::Crossed;
    let configurations =
        if crossed { scientific_configurations(&spec.hyperparameters) } else { Some(vec![Hyperparameters::new()]) };
    let Some(configurations) = configurations.filter(|c| !c.is_empty()) else { return };
    let arms = configurations.len();
    let widest = configurations.iter().map(|c| (dimensions(spec, c, crossed), c)).max_by_key(|(names, _)| names.len());
    for (i, round) in spec.rounds.iter().enumerate() {
        let (Some(trials), None) = (round.trials.map(|n| n as usize), &round.from) else { continue };
        let field = format!("spec.rounds[{i}].trials");
        if trials < arms {
            continue;
        }
        if !trials.is_multiple_of(arms) {
            let (below, above) = (trials / arms * arms, trials.div_ceil(arms) * arms);
            found.push(Violation::new(
                &field,
                &trials,
                format!(
                    "don't share out equally among {arms} scientific configurations, which makes the comparison unfair"
                ),
                format!("Give {below} or {above}."),
            ));
        }
        if let Some((names, configuration)) = &widest {
            // Who tries every point there is tries enough.
            let enough = TRIALS_PER_DIMENSION * names.len() * arms;
            let all = super::space_size(spec).and_then(|size| usize::try_from(size).ok());
            let (each, needed) = (trials / arms, all.map_or(enough, |all| all.min(enough)));
            if each * arms < needed {
                let whose = if arms > 1 {
                    format!("{} for {}", counted(each as u64, "trial"), super::printed::short(configuration))
                } else {
                    "they".to_owned()
                };
                found.push(Violation::new(
                    field,
                    &trials,
                    format!(
                        "{whose} tune {} ({}) poorly: fewer than {TRIALS_PER_DIMENSION} for each",
                        counted(names.len() as u64, "dimension"),
                        list(names, "and")
                    ),
                    format!("Give {}, or fix those that matter least.", counted(needed as u64, "trial")),
                ));
            }
        }
    }
}

/// Names of what is searched within a scientific configuration.
pub(super) fn dimensions<'a>(spec: &'a StudySpec, configuration: &Hyperparameters, crossed: bool) -> Vec<&'a str> {
    let varies = |h: &Hyperparameter| h.range.is_some() || h.values.as_ref().is_some_and(|v| v.len() > 1);
    let searched = |h: &Hyperparameter| h.role == Role::Nuisance || (!crossed && h.role == Role::Scientific);
    // A condition on another nuisance hyperparameter can hold; one on a scientific that this configuration lacks can't.
    let lacks = |h: &Hyperparameter| {
        crossed
            && h.when.iter().flatten().any(|(parent, _)| {
                !configuration.contains_key(parent)
                    && spec.hyperparameters.iter().filter(|p| p.name == *parent).all(|p| p.role == Role::Scientific)
            })
    };
    let mut names: Vec<&str> = spec
        .hyperparameters
        .iter()
        .filter(|h| searched(h) && varies(h) && can_be_active(h, configuration) && !lacks(h))
        .map(|h| h.name.as_str())
        .collect();
    names.dedup();
    names
}

/// "Deciding how long to train when training is compute-bound".
fn many_rounds(spec: &StudySpec, found: &mut Vec<Violation>) {
    let rounds = spec.rounds.len();
    if rounds > USUAL_ROUNDS {
        found.push(Violation::new(
            "spec.rounds",
            &(),
            format!("{rounds} rounds are more than are usually practical"),
            "Two are a good start: short runs to settle the optimizer, then a few long ones at good points.",
        ));
    }
}

/// "Saving checkpoints and retrospectively selecting the best checkpoint", and what a lost host costs.
fn checkpoints(spec: &StudySpec, found: &mut Vec<Violation>) {
    let Some(checkpoint) = &spec.checkpoint else { return };
    let evaluation = spec.evaluation.every_steps;
    if checkpoint.every_steps > evaluation && spec.objective.select == Select::Best && checkpoint.keep_best > 0 {
        found.push(Violation::new(
            "spec.checkpoint.everySteps",
            &checkpoint.every_steps,
            format!("is more than evaluation.everySteps, {evaluation}: the best evaluation may have no checkpoint"),
            format!("Save every {evaluation} steps."),
        ));
    }
    if spec.trial.hosts > 1 && checkpoint.volume.is_none() {
        found.push(Violation::new(
            "spec.checkpoint.volume",
            &(),
            format!(
                "is missing: on a cluster an attempt that loses one of its {} begins again at step 0, and no host can read \
                 another's checkpoint",
                counted(spec.trial.hosts, "host")
            ),
            "Name a claim that all nodes can mount: volume: {persistentVolumeClaim: {claimName: …}}.",
        ));
    }
}

/// Local runs need none.
fn image(spec: &StudySpec, found: &mut Vec<Violation>) {
    let Some(trainer) = spec.trial.template.spec.as_ref().and_then(|pod| pod.containers.first()) else { return };
    if trainer.image.as_ref().is_none_or(String::is_empty) {
        found.push(Violation::new(
            "spec.trial.template.spec.containers[0].image",
            &(),
            "is missing: the study runs on this machine, and not on a cluster",
            "Name the trainer's image.",
        ));
    }
}
