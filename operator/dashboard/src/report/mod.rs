//! The report: one HTML file that needs nothing else, the same as data ([`report_data`]), and as text for a pull request
//! ([`report_markdown`]).
//!
//! Everything that a user wrote is escaped by `maud`; the page's policy lets only the one script run whose hash it names,
//! and nothing be fetched from anywhere.

mod answer;
mod attribution;
mod data;
mod findings;
mod markdown;
mod pictures;
mod reproduce;
mod rounds;
mod trials;
mod verdict;

#[cfg(test)]
mod tests;

pub use data::report_data;
pub use markdown::report_markdown;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use studious_api::study::Direction;
use studious_playbook::{
    Plan,
    findings::{Finding, Severity},
    numbers::number,
    plots,
    record::TrialRecord,
    trial::{self, Ranked, Retrained, judged_by_value},
};

const SCRIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/report.js"));
const STYLE: &str = include_str!("../../web/src/report.css");
/// Only the script of this page runs; styles stand in the page; plots are saved from memory; nothing is fetched.
const POLICY: &str = concat!(
    "default-src 'none'; script-src 'sha256-",
    env!("REPORT_SCRIPT_SHA256"),
    "'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
);

/// What a report is made of.
#[derive(Clone, Copy, Debug)]
pub struct ReportInput<'a> {
    /// The study.
    pub plan: &'a Plan,
    /// Its trials, those that have not ended included.
    pub trials: &'a [TrialRecord],
    /// The same and those that a study that runs will still make ([`studious_playbook::rounds::to_come`]): what its
    /// questions and its answer go by.
    pub expected: &'a [TrialRecord],
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
    /// The study can't be written as YAML.
    #[error("the study can't be written as YAML: {0}")]
    Study(#[from] studious_api::yaml::Error),
    /// Something of the report can't be written as JSON.
    #[error("the report can't be written as JSON: {0}")]
    Data(#[from] serde_json::Error),
}

/// One HTML file which needs nothing else: no network, no other file.
///
/// # Errors
/// When a plot can't be written as JSON, or the study as YAML.
pub fn report(input: &ReportInput<'_>) -> Result<String, ReportError> {
    let trials = judged_by_value(input.plan.spec(), input.trials);
    let expected = trial::judged_by_value(input.plan.spec(), input.expected);
    let input = &ReportInput { trials: &trials, expected: &expected, ..*input };
    let plan = input.plan;
    let plots = plots::plots(plan, input.trials);
    let pictures = pictures::section(&plots)?;
    let reproduce = reproduce::section(plan)?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("studious ", env!("CARGO_PKG_VERSION")));
                title { (plan.name()) ": " (plan.spec().goal) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the findings" }
                header.top {
                    (heading(input))
                    (figures(input))
                    (contents(&plots))
                }
                main id="main" {
                    (findings::section(plan, input.expected, input.findings))
                    (answer::section(plan, input.trials))
                    (pictures)
                    (trials::section(plan, input.trials))
                    (rounds::section(plan, input.trials))
                    (reproduce)
                }
                (attribution::footer(input.generated_at))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(page.into_string())
}

fn heading(input: &ReportInput<'_>) -> Markup {
    let spec = input.plan.spec();
    html! {
        p.kicker { "Study " code { (input.plan.name()) } }
        h1 { (spec.goal) }
        (verdict::paragraph(&verdict::of(input)))
        @if let Some(description) = &spec.description { p.lead { (description) } }
        p.status { (input.status) }
    }
}

/// What one wants to know first.
struct Figures {
    best: Option<f64>,
    retrained: Option<Retrained>,
    ended: u32,
    infeasible: u32,
    problems: usize,
    warnings: usize,
}

impl Figures {
    fn of(input: &ReportInput<'_>) -> Self {
        let count = |severity| input.findings.iter().filter(|f| f.severity == severity && f.waived.is_none()).count();
        let trials = trial::counts(input.plan.total_trials(), input.trials.iter().map(Ranked::phase));
        Self {
            best: trial::best(input.plan.spec(), input.trials).and_then(Ranked::objective),
            retrained: retrained(input.plan, input.trials),
            ended: trials.ended(),
            infeasible: trials.infeasible,
            problems: count(Severity::Problem),
            warnings: count(Severity::Warning),
        }
    }
}

/// What retraining showed of the best trial's point.
fn retrained(plan: &Plan, trials: &[TrialRecord]) -> Option<Retrained> {
    let best = trial::best(plan.spec(), trials)?;
    let trials = trials.iter().map(|trial| (trial, &trial.hyperparameters));
    trial::retrained(plan.spec(), &best.hyperparameters, trials)
}

/// Which way is better.
fn better(direction: Direction) -> &'static str {
    match direction {
        Direction::Minimize => "lower is better",
        Direction::Maximize => "higher is better",
    }
}

/// What one wants to know first, in large digits.
fn figures(input: &ReportInput<'_>) -> Markup {
    let objective = &input.plan.spec().objective;
    let Figures { best, retrained, ended, infeasible, problems, warnings } = Figures::of(input);
    html! {
        dl.figures {
            div {
                dt { "Best " (objective.metric) }
                dd { @match best { Some(best) => (number(best)), None => "–" } }
                @if let Some(retrained) = retrained { dd.note { "retrained: " (retrained) } }
                dd.note { (better(objective.direction)) }
            }
            div {
                dt { "Trials" }
                dd { (ended) }
                dd.note { "of " (input.plan.total_trials()) " planned" }
            }
            div {
                dt { "Infeasible" }
                dd { (infeasible) }
                dd.note { "a result, not an error" }
            }
            div {
                dt { "Fix first" }
                dd { (problems + warnings) }
                dd.note {
                    @match (problems, warnings) {
                        (0, 0) => "no open findings",
                        (0, 1) => "warning",
                        (0, _) => "warnings",
                        _ => { (problems) " of them problems" }
                    }
                }
            }
        }
    }
}

fn contents(plots: &[plots::Plot]) -> Markup {
    html! {
        nav aria-label="Sections of this report" {
            ul {
                li { a href="#main" { "Findings" } }
                li { a href="#best" { "Best point" } }
                @if !plots.is_empty() { li { a href="#plots" { "Plots" } } }
                li { a href="#trials" { "Trials" } }
                li { a href="#rounds" { "Rounds" } }
                li { a href="#reproduce" { "Reproduce" } }
            }
        }
    }
}
