//! Thresholds as the study has them, and what it waives.

use studious_api::{StudySpec, study::Waiver};
use studious_rules::Threshold;

use super::{Finding, reading::Reading};

impl Reading<'_> {
    /// A threshold's value in this study.
    pub(crate) fn threshold(&self, threshold: &Threshold) -> f64 {
        self.plan.spec().threshold(threshold)
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

/// Writes the reason on every finding that the study waives by its code.
pub(super) fn waive(spec: &StudySpec, findings: &mut [Finding]) {
    for waiver in waivers(spec) {
        for finding in findings.iter_mut().filter(|f| Some(&f.code) == waiver.code.as_ref()) {
            if waiver.hyperparameter.is_none() || waiver.hyperparameter == finding.hyperparameter {
                finding.waived.get_or_insert_with(|| waiver.reason.clone());
            }
        }
    }
}

/// Whether the study sets aside a code of a hyperparameter, or the question that it speaks to.
pub(super) fn is_waived(spec: &StudySpec, code: &str, hyperparameter: Option<&str>) -> bool {
    let question = studious_rules::named(code).and_then(|c| c.question);
    waivers(spec).iter().any(|w| {
        (w.code.as_deref() == Some(code)
            && (w.hyperparameter.is_none() || w.hyperparameter.as_deref() == hyperparameter))
            || (w.question.is_some() && w.question == question)
    })
}
