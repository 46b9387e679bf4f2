//! All trials: sortable, filterable; infeasible ones are shown as what they are.

use maud::{Markup, html};
use studious_api::study::Role;
use studious_playbook::{
    Plan,
    numbers::{self, number},
    record::{Outcome, TrialRecord},
    rounds, trial,
};

const TABLE: &str = "trial-table";

pub(super) fn section(plan: &Plan, trials: &[TrialRecord]) -> Markup {
    let rounds = rounds::names(plan);
    let columns = columns(plan);
    let sorted = sorted(plan, trials);
    html! {
        section aria-labelledby="trials" {
            h2 id="trials" { "Trials" }
            @if sorted.is_empty() { p.calm { "No trial has been started yet." } }
            @else {
                form data-filters=(TABLE) role="search" aria-label="Filter trials" {
                    label { "Contains " input type="search" name="text" placeholder="name, value, reason" autocomplete="off"; }
                    label { "Outcome "
                        select name="phase" {
                            option value="" { "all" }
                            @for outcome in ["succeeded", "infeasible", "failed", "stopped", "pending"] { option value=(outcome) { (outcome) } }
                        }
                    }
                    label { "Round "
                        select name="round" {
                            option value="" { "all" }
                            @for round in &rounds { option value=(round) { (round) } }
                        }
                    }
                    output { (sorted.len()) " trials" }
                }
                div.scroll tabindex="0" role="group" aria-label="Table of trials" {
                    table id=(TABLE) data-sortable {
                        caption.hidden { "Trials with their points and results; headings sort" }
                        thead { tr {
                            (heading("Trial", false))
                            (heading("Round", false))
                            @for column in &columns { (heading(column, is_number(plan, column))) }
                            (heading(&plan.spec().objective.metric, true))
                            (heading("Step", true))
                            @for constraint in &plan.spec().constraints { (heading(&constraint.metric, true)) }
                            (heading("Outcome", false))
                        } }
                        tbody { @for trial in &sorted { (row(plan, &columns, trial)) } }
                    }
                }
            }
        }
    }
}

fn heading(name: &str, number: bool) -> Markup {
    html! { th scope="col" class=[number.then_some("number")] { button type="button" { (name) } } }
}

fn row(plan: &Plan, columns: &[&str], trial: &TrialRecord) -> Markup {
    let (outcome, reason) = match &trial.outcome {
        Outcome::Pending => ("pending", ""),
        Outcome::Succeeded { .. } => ("succeeded", ""),
        Outcome::Infeasible { reason } => ("infeasible", reason.as_str()),
        Outcome::Failed { reason } => ("failed", reason.as_str()),
        Outcome::Stopped { reason } => ("stopped", reason.as_str()),
    };
    let (objective, step) = match trial.outcome {
        Outcome::Succeeded { objective, step } => (Some(objective), step),
        _ => (None, None),
    };
    let prefix = format!("{}-", plan.name());
    let short = trial.name.strip_prefix(&prefix).unwrap_or(&trial.name);
    html! {
        tr data-phase=(outcome) data-round=(trial.round) {
            th scope="row" data-value=(trial.name) { code title=(trial.name) { (short) } }
            td data-value=(trial.round) { (trial.round) }
            @for column in columns {
                @match trial.hyperparameters.get(*column) {
                    Some(value) => td class=[is_number(plan, column).then_some("number")] data-value=(value) { (numbers::value(value)) },
                    None => td class=(if is_number(plan, column) { "muted number" } else { "muted" }) data-value="" { "·" },
                }
            }
            @match objective {
                Some(objective) => td.number data-value=(objective) { (number(objective)) },
                None => td.number.muted data-value="" { "–" },
            }
            @match step {
                Some(step) => td.number data-value=(step) { (step) },
                None => td.number.muted data-value="" { "–" },
            }
            @for constraint in &plan.spec().constraints {
                @match trial.metric(&constraint.metric) {
                    Some(value) => td.number data-value=(value) { (number(value)) @if !constraint.allows(value) { " ✗" } },
                    None => td.number.muted data-value="" { "–" },
                }
            }
            td class={ "outcome " (outcome) } data-value={ (outcome) " " (reason) } {
                @match outcome {
                    "succeeded" => span.mark aria-hidden="true" { "●" },
                    "infeasible" => span.mark aria-hidden="true" { "✕" },
                    "failed" => span.mark aria-hidden="true" { "▲" },
                    _ => span.mark aria-hidden="true" { "○" },
                }
                " " (outcome) @if !reason.is_empty() { ": " (reason) }
                @if objective.is_some() && !trial.standing(&plan.spec().constraints).is_satisfied() { ", not within bounds" }
                @for remark in &trial.remarks { div.muted { (remark) } }
            }
        }
    }
}

/// Whether a column holds numbers, which stand right.
pub(super) fn is_number(plan: &Plan, column: &str) -> bool {
    let of = plan.spec().hyperparameters.iter().filter(|h| h.name == column);
    of.flat_map(|h| h.values.iter().flatten()).all(|value| value.as_f64().is_some())
}

/// Names of what varies, each once, scientific ones first. What is fixed has the same value in every row.
pub(super) fn columns(plan: &Plan) -> Vec<&str> {
    let mut columns = Vec::new();
    for role in [Role::Scientific, Role::Nuisance, Role::Derived] {
        for hyperparameter in plan.spec().hyperparameters.iter().filter(|h| h.role == role) {
            if !columns.contains(&hyperparameter.name.as_str()) {
                columns.push(hyperparameter.name.as_str());
            }
        }
    }
    columns
}

/// In the order in which trials are shown.
pub(super) fn sorted<'a>(plan: &Plan, trials: &'a [TrialRecord]) -> Vec<&'a TrialRecord> {
    let mut sorted: Vec<_> = trials.iter().collect();
    sorted.sort_by(|a, b| trial::compare(plan.spec(), *a, *b));
    sorted
}
