//! Advice on how trials run: rounds, ending early, checkpoints, the image.

use studious_api::{
    StudySpec,
    study::{Algorithm, EarlyEnding, Select},
    validate::{Violation, counted},
};
use studious_rules::{
    advice::{
        CHECKPOINTS_NOT_SHARED, CHECKPOINTS_TOO_RARE, EARLY_ENDING_BY_RANK, EARLY_ENDING_TOO_LATE, LOW_PARALLELISM,
        MANY_ROUNDS, NO_TRAINER_IMAGE,
    },
    thresholds::advice::{PRACTICAL_ROUNDS, SEVERAL_AT_ONCE},
};

use super::AdviceList;
use crate::findings::Edit;

const EARLY_ENDING: &str = "spec.search.earlyEnding";

pub(super) fn advise(spec: &StudySpec, found: &mut AdviceList) {
    early_ending(spec, found);
    many_rounds(spec, found);
    checkpoints(spec, found);
    image(spec, found);
    low_parallelism(spec, found);
}

/// The playbook runs trials to their end: what is learnt of a space depends on its poor points too.
fn early_ending(spec: &StudySpec, found: &mut AdviceList) {
    let Some(rule) = &spec.search.early_ending else { return };
    found.push_with(Violation::new(
        EARLY_ENDING,
        &rule.rule,
        "ends trials by their rank in the middle of training: those that would have been best at its end may be among \
         them, and findings rest on the trials that are left",
        "Remove it if you can afford every trial's last step; better, train a first round for fewer steps and take its best \
         points into a longer one (from: {round, best}).",
    ).of(&EARLY_ENDING_BY_RANK), [Edit::RunToEnd]);
    if let Some((i, round)) = spec
        .rounds
        .iter()
        .enumerate()
        .find(|(_, round)| too_coarse(spec.evaluation.every_steps, rule, round.max_train_steps))
    {
        found.push_with(Violation::new(
            format!("{EARLY_ENDING}.fromStep"),
            &rule.from_step(round.max_train_steps),
            format!(
                "no evaluation of rounds[{i}] falls between it and the round's last step: evaluation.everySteps is {}",
                spec.evaluation.every_steps
            ),
            "Evaluate more often, or this round's trials all run to their end.",
        ).of(&EARLY_ENDING_TOO_LATE), more_often(spec, rule));
    }
}

/// Evaluations so often that the rule can look at one in every round: half as far apart, or half of that.
fn more_often(spec: &StudySpec, rule: &EarlyEnding) -> Option<Edit> {
    let halves =
        std::iter::successors(Some(spec.evaluation.every_steps), |every| Some(every / 2).filter(|half| *half > 0));
    let is_often = |every: &u64| !spec.rounds.iter().any(|round| too_coarse(*every, rule, round.max_train_steps));
    halves.skip(1).find(is_often).map(Edit::EvaluationInterval)
}

/// Whether a round's trials evaluate first at their end.
fn too_coarse(every: u64, rule: &EarlyEnding, max_train_steps: u64) -> bool {
    let every = every.max(1);
    let first = rule.from_step(max_train_steps).div_ceil(every).saturating_mul(every);
    first >= max_train_steps
}

/// "Deciding how long to train when training is compute-bound".
fn many_rounds(spec: &StudySpec, found: &mut AdviceList) {
    let rounds = spec.rounds.len();
    if rounds > spec.count(&PRACTICAL_ROUNDS) {
        found.push(
            Violation::new(
                "spec.rounds",
                &(),
                format!("{rounds} rounds are more than are usually practical"),
                "Two are a good start: short runs to settle the optimizer, then a few long ones at good points.",
            )
            .of(&MANY_ROUNDS),
        );
    }
}

/// "Saving checkpoints and retrospectively selecting the best checkpoint", and what a lost host costs.
fn checkpoints(spec: &StudySpec, found: &mut AdviceList) {
    let Some(checkpoint) = &spec.checkpoint else { return };
    let evaluation = spec.evaluation.every_steps;
    if checkpoint.every_steps > evaluation && spec.objective.select == Select::Best && checkpoint.keep_best > 0 {
        found.push_with(
            Violation::new(
                "spec.checkpoint.everySteps",
                &checkpoint.every_steps,
                format!("is more than evaluation.everySteps, {evaluation}: the best evaluation may have no checkpoint"),
                format!("Save every {evaluation} steps."),
            )
            .of(&CHECKPOINTS_TOO_RARE),
            [Edit::CheckpointInterval(evaluation)],
        );
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
        ).of(&CHECKPOINTS_NOT_SHARED));
    }
}

/// Local runs need none.
fn image(spec: &StudySpec, found: &mut AdviceList) {
    let Some(trainer) = spec.trial.template.spec.as_ref().and_then(|pod| pod.containers.first()) else { return };
    if trainer.image.as_ref().is_none_or(String::is_empty) {
        found.push(
            Violation::new(
                "spec.trial.template.spec.containers[0].image",
                &(),
                "is missing: the study runs on this machine, and not on a cluster",
                "Name the trainer's image.",
            )
            .of(&NO_TRAINER_IMAGE),
        );
    }
}

/// "A scientific approach to improving model performance": several trials at once.
fn low_parallelism(spec: &StudySpec, found: &mut AdviceList) {
    let several = spec.count(&SEVERAL_AT_ONCE);
    let largest = spec.rounds.iter().filter_map(|round| round.trials).max().unwrap_or_default();
    // A search that learns from results is better served by fewer at once.
    let learns = spec.search.algorithm == Algorithm::Bayesian;
    if learns || spec.parallelism as usize >= several || spec.parallelism >= largest {
        return;
    }
    let waves = largest.div_ceil(spec.parallelism.max(1));
    found.push_with(
        Violation::new(
            "spec.parallelism",
            &spec.parallelism,
            format!(
                "a round of {largest} trials is {waves} trainings in a row, and the playbook's approach supposes several trials \
                 at once ({several})"
            ),
            format!("Raise parallelism to {several} or more where the hardware allows."),
        )
        .of(&LOW_PARALLELISM), u32::try_from(several).ok().map(|several| Edit::Parallelism(several.min(largest))));
}
