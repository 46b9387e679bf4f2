//! The report: one HTML file.

use maud::{DOCTYPE, html};
use studious_playbook::{Plan, findings::Finding, record::TrialRecord};

/// What a report is made of.
#[derive(Clone, Copy, Debug)]
pub struct ReportInput<'a> {
    /// The study.
    pub plan: &'a Plan,
    /// Its trials, those that have not ended included.
    pub trials: &'a [TrialRecord],
    /// What was concluded, from [`studious_playbook::findings::findings`].
    pub findings: &'a [Finding],
    /// Where the study stands, in a sentence: `Completed: 30 trials succeeded, 6 were infeasible`.
    pub status: &'a str,
    /// When the report was made, as it is to be printed: the clock is the caller's.
    pub generated_at: &'a str,
}

/// Why a report can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A plot can't be written as JSON.
    #[error("the plot {id} can't be written as JSON: {source}")]
    Plot {
        /// Its name.
        id: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// One HTML file which needs nothing else: no network, no other file.
///
/// # Errors
/// When a plot can't be written as JSON.
pub fn report(input: &ReportInput<'_>) -> Result<String, ReportError> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (input.plan.name()) } }
            body {
                h1 { (input.plan.spec().goal) }
                p { (input.status) }
            }
        }
    };
    Ok(page.into_string())
}
