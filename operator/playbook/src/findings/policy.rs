//! Thresholds as the study has them, and what it waives.

use studious_api::{StudySpec, study::Waiver};
use studious_rules::{Threshold, thresholds::search::FALSE_ALARMS};

use super::{
    Finding,
    reading::{Reading, RoundTrials},
};

/// The share of the false alarms that a test may have while trials of its round are to come.
///
/// A page or a status is looked at after every trial, and each look is a test. Haybittle (1971) and Peto et al. (1976) ask
/// for p ≤ 0.001 at every look but the last, which then has nearly its full level: the looks share most of their trials, so
/// together they add little. The rule needs no memory of earlier looks, so that findings depend on the trials
/// alone, and costs no power once the round has ended. Spending by doubling looks would need both.
const INTERIM: f64 = 0.02;

impl Reading<'_> {
    /// A threshold's value in this study.
    pub(crate) fn threshold(&self, threshold: &Threshold) -> f64 {
        self.plan.spec().threshold(threshold)
    }

    /// The largest p-value of an alarm that rests on the trials of a round: `falseAlarms` once all have ended, a fiftieth of
    /// it before.
    pub(super) fn alarm_level(&self, round: &RoundTrials<'_>) -> f64 {
        self.level_of(&FALSE_ALARMS, round)
    }

    /// The same of a threshold that is a p-value.
    pub(super) fn level_of(&self, threshold: &Threshold, round: &RoundTrials<'_>) -> f64 {
        self.threshold(threshold) * if round.goes_on() { INTERIM } else { 1.0 }
    }

    /// A threshold that counts something.
    pub(crate) fn count(&self, threshold: &Threshold) -> usize {
        self.plan.spec().count(threshold)
    }
}

/// The study's waivers.
pub(super) fn waivers(spec: &StudySpec) -> &[Waiver] {
    spec.policy.as_ref().map_or(&[], |policy| &policy.waive)
}

/// Why the study sets aside a code of a hyperparameter, if it does.
pub(crate) fn waiver<'a>(spec: &'a StudySpec, code: &str, hyperparameter: Option<&str>) -> Option<&'a Waiver> {
    waivers(spec).iter().find(|w| {
        w.code.as_deref() == Some(code) && (w.hyperparameter.is_none() || w.hyperparameter.as_deref() == hyperparameter)
    })
}

/// Writes the reason on every finding that the study waives by its code.
pub(super) fn waive(spec: &StudySpec, findings: &mut [Finding]) {
    if waivers(spec).is_empty() {
        return;
    }
    for finding in findings {
        if let Some(waiver) = waiver(spec, &finding.code, finding.hyperparameter.as_deref()) {
            finding.waived.get_or_insert_with(|| waiver.reason.clone());
        }
    }
}

/// Whether the study sets aside a code of a hyperparameter, or the question that it speaks to.
pub(super) fn is_waived(spec: &StudySpec, code: &str, hyperparameter: Option<&str>) -> bool {
    let question = studious_rules::named(code).and_then(|c| c.question);
    waiver(spec, code, hyperparameter).is_some()
        || waivers(spec).iter().any(|w| w.question.is_some() && w.question == question)
}
