//! What was concluded, in plain words, the evidence one click away.

use maud::{Markup, html};
use studious_playbook::{
    Plan,
    findings::{Answer, Checklist, Finding, Severity, checklist},
    numbers::number,
    record::TrialRecord,
};

pub(super) fn section(plan: &Plan, trials: &[TrialRecord], findings: &[Finding]) -> Markup {
    let (waived, open): (Vec<_>, Vec<_>) = findings.iter().partition(|f| f.waived.is_some());
    let (grave, light): (Vec<_>, Vec<_>) = open.into_iter().partition(|f| f.severity != Severity::Info);
    html! {
        section aria-labelledby="findings-title" {
            h2 id="findings-title" { "Findings" }
            @if !findings.is_empty() { (questions(&checklist(plan, trials, findings))) }
            @if grave.is_empty() {
                p.calm {
                    @if findings.is_empty() { "No conclusions yet: no trial has ended." }
                    @else { "No warnings. For information:" }
                }
            }
            @if !grave.is_empty() {
                p.muted { "Conclusions are provisional until these issues are fixed or waived." }
                @for finding in &grave { (card(finding)) }
            }
            @if !light.is_empty() {
                @if !grave.is_empty() { h3.sub { "Good to know" } }
                @for finding in &light { (card(finding)) }
            }
            @if !waived.is_empty() {
                h3.sub { "Waived" }
                @for finding in &waived { (card(finding)) }
            }
        }
    }
}

/// The five questions to ask before an answer is believed.
fn questions(checklist: &Checklist) -> Markup {
    html! {
        p {
            @if checklist.provisional { "The answer is provisional: not all five checks pass." }
            @else { "All five checks pass or are waived." }
        }
        ol.questions {
            @for question in &checklist.questions {
                @let (class, mark, word) = match question.answer {
                    Answer::Pass => ("pass", "✓", "Pass"),
                    Answer::Fail => ("fail", "✕", "Fail"),
                    Answer::Unknown => ("unknown", "?", "Unknown"),
                    Answer::Waived => ("waived", "–", "Waived"),
                };
                li class=(class) {
                    span.answer { span aria-hidden="true" { (mark) } " " (word) }
                    span { strong { (question.question) } span.reason { (question.reason) } }
                }
            }
        }
    }
}

fn card(finding: &Finding) -> Markup {
    let (class, word) = match finding.severity {
        Severity::Info => ("info", "Info"),
        Severity::Warning => ("warning", "Warning"),
        Severity::Problem => ("problem", "Problem"),
    };
    html! {
        article class={ "finding " (class) } {
            header {
                span.severity { (word) }
                strong { (words(&finding.code)) }
                @if let Some(name) = &finding.hyperparameter { code { (name) } }
            }
            p { (finding.advice) }
            @if let Some(confidence) = finding.confidence { p.muted { (confidence.words()) } }
            @if let Some(why) = &finding.waived { p.muted { "Waived by the study: " (why) } }
            @if let Some(change) = &finding.change { p.muted { "In the next study: " code { (change) } } }
            details {
                summary { "Evidence" span.hidden { " for " (words(&finding.code)) } }
                @if !finding.evidence.is_empty() {
                    table.evidence {
                        tbody {
                            @for (name, value) in &finding.evidence {
                                tr { th scope="row" { (name.replace('_', " ")) } td { (number(*value)) } }
                            }
                        }
                    }
                }
                @if !finding.trials.is_empty() {
                    p.trials {
                        "Trials: "
                        @for (i, trial) in finding.trials.iter().enumerate() {
                            @if i > 0 { ", " }
                            code { (trial) }
                        }
                    }
                }
                p.muted { "Code " code { (finding.code) } ". Playbook: “" (finding.section) "”." }
            }
        }
    }
}

/// `SearchSpaceTooNarrow` as `Search space too narrow`.
pub(super) fn words(code: &str) -> String {
    let mut words = String::new();
    for (i, c) in code.chars().enumerate() {
        if i > 0 && c.is_ascii_uppercase() {
            words.push(' ');
            words.push(c.to_ascii_lowercase());
        } else {
            words.push(c);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_read_as_words() {
        assert_eq!(super::words("SearchSpaceTooNarrow"), "Search space too narrow");
    }
}
