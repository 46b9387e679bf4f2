//! The best point: its values, and where each lies in what was searched.

use maud::{Markup, html};
use studious_api::study::{Hyperparameter, Role, Scale};
use studious_playbook::{
    Plan,
    numbers::{self, number},
    record::{Outcome, TrialRecord},
    space::Dimension,
    trial,
};

use super::retrained;

pub(super) fn section(plan: &Plan, trials: &[TrialRecord]) -> Markup {
    let Some(trial) = trial::best(plan.spec(), trials) else {
        return html! {
            section aria-labelledby="best" {
                h2 id="best" { "Best point" }
                @if trials.iter().any(|t| t.objective().is_some()) {
                    p.calm { "No trial that succeeded is known to satisfy " (bounds(plan)) "." }
                } @else {
                    p.calm { "No trial has succeeded yet." }
                }
            }
        };
    };
    let spec = plan.spec();
    let steps = spec.rounds.iter().find(|r| r.name == trial.round).map(|r| r.max_train_steps);
    let active = plan.space().active(&trial.hyperparameters);
    let rows: Vec<_> = spec
        .hyperparameters
        .iter()
        .zip(plan.space().dimensions())
        .filter(|(_, dimension)| active.iter().any(|d| std::ptr::eq(*d, *dimension)))
        .collect();
    html! {
        section aria-labelledby="best" {
            h2 id="best" { "Best point" }
            p {
                code { (trial.name) } " reached a " (spec.objective.metric) " of "
                strong { @if let Some(objective) = trial.objective() { (number(objective)) } }
                @if let Outcome::Succeeded { step: Some(step), .. } = trial.outcome {
                    " at step " (step) @if let Some(steps) = steps { " of " (steps) }
                }
                @for constraint in &spec.constraints {
                    @if let Some(value) = trial.metric(&constraint.metric) { ", with " (constraint.metric) " " (number(value)) }
                }
                ", the best of round " (trial.round)
                @if !spec.constraints.is_empty() { " of those that satisfy " (bounds(plan)) }
                "."
            }
            @if let Some(again) = retrained(plan, trials) {
                p { "Retrained with other seeds: a " (spec.objective.metric) " of " strong { (again) } "." }
            }
            div.scroll tabindex="0" role="group" aria-label="Hyperparameters of the best point" {
                table {
                    thead { tr { th scope="col" { "Hyperparameter" } th scope="col" { "Role" } th.number scope="col" { "Value" } th scope="col" { "Searched" } } }
                    tbody {
                        @for (hyperparameter, dimension) in rows {
                            tr {
                                th scope="row" { code { (hyperparameter.name) } }
                                td { (role(hyperparameter.role)) }
                                td.number { @if let Some(value) = trial.hyperparameters.get(&hyperparameter.name) { (numbers::value(value)) } }
                                td { (searched(hyperparameter, dimension, trial)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `latency_ms <= 20 and recall >= 0.9`.
fn bounds(plan: &Plan) -> String {
    plan.spec().constraints.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Scientific => "scientific",
        Role::Nuisance => "nuisance",
        Role::Fixed => "fixed",
        Role::Derived => "derived",
    }
}

/// A range as a line with the value's place on it, a list as a list.
fn searched(hyperparameter: &Hyperparameter, dimension: &Dimension, trial: &TrialRecord) -> Markup {
    if let Some(range) = &hyperparameter.range {
        let scale = match range.scale {
            Scale::Linear => "",
            Scale::Log => ", log",
            Scale::ReverseLog => ", 1 − x in log",
        };
        let place = trial.hyperparameters.get(&hyperparameter.name).and_then(|v| dimension.to_unit(v));
        return html! {
            span.range {
                span { (number(range.min)) }
                @if let Some(place) = place {
                    // Half a mark's width is left free at both ends.
                    svg viewBox="0 0 120 12" width="120" height="12" role="img" aria-label={ (format!("{:.0}", 100.0 * place)) "% of the range" } {
                        line x1="4" x2="116" y1="6" y2="6" stroke="currentColor" stroke-opacity="0.35" stroke-width="2" {}
                        circle cx=(format!("{:.1}", 4.0 + 112.0 * place)) cy="6" r="4" fill="#0072B2" stroke="currentColor" stroke-width="0.75" {}
                    }
                }
                span { (number(range.max)) (scale) }
            }
        };
    }
    if let Some(expression) = &hyperparameter.expression {
        return html! { "= " (expression) };
    }
    match (&hyperparameter.values, &hyperparameter.fixed_because) {
        (Some(values), _) => html! { (values.iter().map(numbers::value).collect::<Vec<_>>().join(", ")) },
        (None, Some(why)) => html! { "not searched: " (why) },
        (None, None) => html! { "not searched" },
    }
}
