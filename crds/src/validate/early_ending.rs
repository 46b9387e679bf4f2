//! Ending trials early.

use super::{Violation, printed::counted};
use crate::{
    StudySpec,
    study::{EarlyEnding, EarlyEndingRule},
};

const FIELD: &str = "spec.search.earlyEnding";

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let Some(rule) = &spec.search.early_ending else { return Vec::new() };
    let mut found = Vec::new();
    let mut foreign = |name: &str, value: Option<u32>, other: EarlyEndingRule| {
        if let (Some(value), true) = (value, rule.rule != other) {
            found.push(Violation::new(
                format!("{FIELD}.{name}"),
                &value,
                format!("belongs to the rule {other:?}, and the rule is {:?}", rule.rule),
                "Remove it.",
            ));
        }
    };
    foreign("minTrials", rule.min_trials, EarlyEndingRule::Median);
    foreign("reductionFactor", rule.reduction_factor, EarlyEndingRule::SuccessiveHalving);
    // Once every trial of every round has ended before it, the rule does nothing: a field without effect misleads.
    let longest = spec.rounds.iter().map(|round| round.max_train_steps).max().unwrap_or_default();
    if let Some(from) = rule.from_step.filter(|from| *from >= longest) {
        found.push(Violation::new(
            format!("{FIELD}.fromStep"),
            &from,
            format!("is not before the end of any round: the longest trains for {}", counted(longest, "step")),
            "Give fewer steps, or leave it out.",
        ));
    }
    found
}

/// The playbook runs trials to their end: what is learnt of a space depends on its poor points too.
pub(super) fn warnings(spec: &StudySpec, found: &mut Vec<Violation>) {
    let Some(rule) = &spec.search.early_ending else { return };
    found.push(Violation::new(
        FIELD,
        &rule.rule,
        "ends trials by how they stand in the middle of training: those that would have been best at its end may be among \
         them, and findings rest on the trials that are left",
        "Remove it if you can afford every trial's last step; better, train a first round for fewer steps and take its best \
         points into a longer one (from: {round, best}).",
    ));
    if let Some((i, round)) =
        spec.rounds.iter().enumerate().find(|(_, round)| too_coarse(spec, rule, round.max_train_steps))
    {
        found.push(Violation::new(
            format!("{FIELD}.fromStep"),
            &rule.from_step(round.max_train_steps),
            format!(
                "no evaluation of rounds[{i}] falls between it and the round's last step: evaluation.everySteps is {}",
                spec.evaluation.every_steps
            ),
            "Evaluate more often, or this round's trials all run to their end.",
        ));
    }
}

/// Whether a round's trials evaluate first at their end.
fn too_coarse(spec: &StudySpec, rule: &EarlyEnding, max_train_steps: u64) -> bool {
    let every = spec.evaluation.every_steps.max(1);
    let first = rule.from_step(max_train_steps).div_ceil(every).saturating_mul(every);
    first >= max_train_steps
}
