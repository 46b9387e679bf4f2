//! What was concluded, in plain words, the evidence one click away.

use maud::{Markup, html};
use studious_playbook::findings::{Finding, Severity, number};

pub(super) fn section(findings: &[Finding]) -> Markup {
    let (grave, light): (Vec<_>, Vec<_>) = findings.iter().partition(|f| f.severity != Severity::Info);
    html! {
        section aria-labelledby="findings-title" {
            h2 id="findings-title" { "Findings" }
            @if grave.is_empty() {
                p.calm {
                    @if findings.is_empty() { "Nothing can be concluded yet: no trial has ended." }
                    @else { "No warnings. What follows is good to know." }
                }
            }
            @if !grave.is_empty() {
                p.muted { "Conclusions are provisional until these are mended, or knowingly set aside." }
                @for finding in &grave { (card(finding)) }
            }
            @if !light.is_empty() {
                @if !grave.is_empty() { h3.sub { "Good to know" } }
                @for finding in &light { (card(finding)) }
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
fn words(code: &str) -> String {
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
