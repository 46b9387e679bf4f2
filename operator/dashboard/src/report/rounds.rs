//! Rounds: what was planned and what became of it; and what was held fixed.

use maud::{Markup, html};
use serde::Serialize;
use studious_api::study::{Per, Role};
use studious_playbook::{
    Plan,
    numbers::{self, number},
    record::{Outcome, TrialRecord},
    rounds,
    trial::{self, Ranked},
};

pub(super) fn section(plan: &Plan, trials: &[TrialRecord]) -> Markup {
    let spec = plan.spec();
    let has_stopped = trials.iter().any(|t| matches!(t.outcome, Outcome::Stopped { .. }));
    let fixed: Vec<_> = spec.hyperparameters.iter().filter(|h| h.role == Role::Fixed).collect();
    html! {
        section aria-labelledby="rounds" {
            h2 id="rounds" { "Rounds" }
            p.muted { "Trials of one round share a step budget. Results of different rounds are not compared." }
            div.scroll tabindex="0" role="group" aria-label="Table of rounds" {
                table {
                    thead { tr {
                        th scope="col" { "Round" } th.number scope="col" { "Steps" } th scope="col" { "Points" }
                        th.number scope="col" { "Planned" } th.number scope="col" { "Succeeded" } th.number scope="col" { "Infeasible" }
                        th.number scope="col" { "Failed" }
                        @if has_stopped { th.number scope="col" { "Stopped" } }
                        th.number scope="col" { "Best " (spec.objective.metric) }
                    } }
                    tbody { @for name in &rounds::names(plan) { (row(plan, trials, name, has_stopped)) } }
                }
            }
            @if !fixed.is_empty() {
                h3.sub { "Held fixed" }
                p.muted { "What this study finds may not hold at other values of these." }
                ul {
                    @for hyperparameter in fixed {
                        li {
                            code { (hyperparameter.name) }
                            @if let Some(value) = &hyperparameter.value { " = " (numbers::value(value)) }
                            @if let Some(why) = &hyperparameter.fixed_because { " (" (why) ")" }
                        }
                    }
                }
            }
        }
    }
}

fn row(plan: &Plan, trials: &[TrialRecord], name: &str, has_stopped: bool) -> Markup {
    let round = outline(plan, trials, name);
    html! {
        tr {
            th scope="row" { (name) }
            td.number { (round.max_train_steps) }
            td { (round.points) }
            td.number { (round.planned) }
            td.number { (round.succeeded) }
            td.number { (round.infeasible) }
            td.number { (round.failed) }
            @if has_stopped { td.number { (round.stopped) } }
            td.number { @match round.best { Some(best) => (number(best)), None => "–" } }
        }
    }
}

/// What was planned of a round and what became of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outline {
    pub name: String,
    pub max_train_steps: u64,
    /// Where its points come from, in words.
    pub points: String,
    pub planned: u32,
    pub succeeded: u32,
    pub infeasible: u32,
    pub failed: u32,
    pub stopped: u32,
    /// The best objective of a trial that satisfies the study's constraints.
    pub best: Option<f64>,
}

pub(super) fn outline(plan: &Plan, trials: &[TrialRecord], name: &str) -> Outline {
    let of_round = trials.iter().filter(|trial| trial.round == name);
    let counts = trial::counts(rounds::trials_in(plan, name), of_round.map(Ranked::phase));
    Outline {
        name: name.to_owned(),
        max_train_steps: rounds::max_train_steps(plan, name),
        points: points(plan, name),
        planned: counts.total,
        succeeded: counts.succeeded,
        infeasible: counts.infeasible,
        failed: counts.failed,
        stopped: counts.stopped,
        best: trial::best_of_round(plan.spec(), name, trials).and_then(Ranked::objective),
    }
}

fn points(plan: &Plan, name: &str) -> String {
    let spec = plan.spec();
    if let (true, Some(retrain)) = (name == rounds::RETRAIN, &spec.retrain) {
        let each = of_each(retrain.per);
        return format!("the best {}{each} again, {} times each, with other seeds", retrain.best, retrain.times);
    }
    match spec.rounds.iter().find(|r| r.name == name).and_then(|r| r.from.as_ref()) {
        None => "fresh".to_owned(),
        Some(from) => match (from.best, from.shrink_to_best) {
            (_, Some(share)) => format!("fresh, in the box of the best {}% of {}", number(100.0 * share), from.round),
            (Some(best), None) => format!("the best {best} of {}{}", from.round, of_each(from.per)),
            (None, None) => format!("from {}", from.round),
        },
    }
}

fn of_each(per: Per) -> &'static str {
    match per {
        Per::Study => "",
        Per::Scientific => " of each scientific configuration",
    }
}
