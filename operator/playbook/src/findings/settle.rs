//! What becomes of suggested changes once all findings are known: none contradicts another, and each makes a valid study.

use studious_rules::{
    Rule,
    curves::INSTABILITY_LIMITS_LR,
    search::{FEASIBILITY_EDGE, LEARNING_RATE_STABILITY_EDGE, SEARCH_SPACE_TOO_NARROW},
};

use super::{
    Finding,
    change::{Change, Edit},
};
use crate::Plan;

/// Takes away changes that cut what another finding asks to search, that set what a graver finding sets otherwise, or that
/// make a study which is refused. Findings are in their final order.
pub(super) fn settle(plan: &Plan, findings: &mut [Finding]) {
    let beyond: Vec<(String, bool)> = findings.iter().flat_map(asks_beyond).collect();
    let mut kept: Vec<Change> = Vec::new();
    for finding in findings {
        let Some(change) = finding.change.take() else { continue };
        let cuts =
            cut(plan, &change).is_some_and(|(name, upper)| beyond.iter().any(|(n, u)| *n == name && *u == upper));
        let contradicts = kept.iter().any(|other| other.overlaps(&change) && other.edit != change.edit);
        if cuts || contradicts || Plan::new(plan.name(), &change.edit.applied(plan.spec())).is_err() {
            continue;
        }
        kept.push(change.clone());
        finding.change = Some(change);
    }
}

/// The ends of which hyperparameters' ranges a finding asks to search beyond.
fn asks_beyond(finding: &Finding) -> Vec<(String, bool)> {
    let by = |rule: &Rule| finding.code == rule.code;
    let seen = |key: &str| finding.evidence.contains_key(key);
    let upper = by(&INSTABILITY_LIMITS_LR)
        || by(&LEARNING_RATE_STABILITY_EDGE)
        || (by(&FEASIBILITY_EDGE) && seen("all_infeasible_above"))
        || (by(&SEARCH_SPACE_TOO_NARROW) && finding.evidence.get("side").is_some_and(|side| *side > 0.0));
    let lower = (by(&FEASIBILITY_EDGE) && seen("all_infeasible_below"))
        || (by(&SEARCH_SPACE_TOO_NARROW) && finding.evidence.get("side").is_some_and(|side| *side < 0.0));
    let ends = [(upper, true), (lower, false)].into_iter().filter(|(asks, _)| *asks);
    finding.hyperparameter.iter().flat_map(|name| ends.clone().map(|(_, end)| (name.clone(), end))).collect()
}

/// The end of which hyperparameter's range a change moves inward.
fn cut(plan: &Plan, change: &Change) -> Option<(String, bool)> {
    let Edit::Boundary { hyperparameter, upper, to } = change.edit else { return None };
    let h = plan.spec().hyperparameters.get(hyperparameter)?;
    let range = h.range.as_ref()?;
    let inward = if upper { to < range.max } else { to > range.min };
    inward.then(|| (h.name.clone(), upper))
}
