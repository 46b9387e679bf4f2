//! What was held fixed limits what may be concluded, and so does advice that was set aside.

use studious_api::study::Role;
use studious_rules::search::FIXED_CAVEAT;

use super::{Finding, reading::Reading, wording::name};
use crate::advice;

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    // Before there are results, there is nothing to limit.
    if reading.rounds.iter().all(|round| round.results().next().is_none()) {
        return;
    }
    for hyperparameter in reading.plan.spec().hyperparameters.iter().filter(|h| h.role == Role::Fixed) {
        let Some(value) = &hyperparameter.value else { continue };
        let because = hyperparameter
            .fixed_because
            .as_ref()
            .map_or_else(String::new, |why| format!(" ({})", why.trim_end_matches('.')));
        findings.push(
            Finding::new(
                &FIXED_CAVEAT,
                // One that is held under a condition may be tuned where that doesn't hold.
                format!(
                    "{} was held at {value}{because}. What this study finds may not hold at other values.",
                    name(hyperparameter)
                ),
            )
            .of(&hyperparameter.name)
            .with("value", value.as_f64().unwrap_or(f64::NAN)),
        );
    }
}

/// Advice before the run that the study waives: shown with its reason wherever conclusions are.
pub(super) fn waived_advice(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let all = advice::waived(reading.plan.spec());
    for advised in all.into_iter().filter(|_| reading.rounds.iter().any(|round| round.results().next().is_some())) {
        if findings.iter().any(|finding| finding.code == advised.rule.code) {
            continue;
        }
        let mut finding =
            Finding::new(advised.rule, format!("{}: {}.", advised.violation.field, advised.violation.rule));
        finding.hyperparameter = advised.hyperparameter;
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::super::simulated::{Luck, ONE, one, plan, raised};
    use crate::findings::findings;

    const WAIVE: &str = "policy: {waive: [{code: GoalTooBroad, reason: Both are one question here}]}\nevaluation:";

    #[test]
    fn what_is_held_under_a_condition_is_told_with_it() {
        let trials = one(10, &mut Luck(7), |u, _| Some((u[0] - 0.5).powi(2)));
        let held = "hyperparameters:\n- {name: warmup, role: Fixed, when: {learning_rate: {below: 0.1}}, value: 0}";
        let said = raised(&ONE.replace("hyperparameters:", held), &trials, "FixedCaveat").advice;
        assert!(said.starts_with("warmup (with learning_rate below 0.1) was held at 0."), "{said}");
    }

    #[test]
    fn advice_that_was_waived_is_shown_beside_conclusions() {
        let trials = one(10, &mut Luck(7), |u, _| Some((u[0] - 0.5).powi(2)));
        let broad = ONE.replace("goal: g", "goal: Does it help? How much?");
        let waived = broad.replace("evaluation:", WAIVE);
        let found = raised(&waived, &trials, "GoalTooBroad");
        assert_eq!(found.waived.as_deref(), Some("Both are one question here"));
        assert!(found.advice.starts_with("spec.goal: asks 2 questions"), "{}", found.advice);
        assert_eq!(found.section, "Choosing the goal for the next round of experiments");
        // Unless it is waived, it was said before the run; unless there is a conclusion, it limits nothing.
        let is_silent =
            |yaml: &str, trials: &[_]| findings(&plan(yaml), trials).iter().all(|f| f.code != "GoalTooBroad");
        assert!(is_silent(&broad, &trials));
        assert!(is_silent(&ONE.replace("evaluation:", WAIVE), &trials));
        assert!(is_silent(&waived, &[]));
    }
}
