//! The answer to the study's goal, before everything else.

use maud::{Markup, html};
use studious_playbook::findings::{Verdict, VerdictKind, checklist, verdict};

use super::ReportInput;

/// The answer of a report's trials.
pub(super) fn of(input: &ReportInput<'_>) -> Verdict {
    verdict(input.plan, input.expected, &checklist(input.plan, input.expected, input.findings))
}

pub(super) fn paragraph(verdict: &Verdict) -> Markup {
    let class = match (verdict.kind, verdict.provisional) {
        (VerdictKind::Winner | VerdictKind::BestPoint, false) => "verdict sure",
        (VerdictKind::CannotJudge, _) => "verdict open",
        _ => "verdict",
    };
    html! { p class=(class) { (verdict.summary) } }
}
