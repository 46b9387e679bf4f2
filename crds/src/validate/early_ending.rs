//! Ending trials early.

use super::{Violation, printed::counted};
use crate::{StudySpec, study::EarlyEndingRule};

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
