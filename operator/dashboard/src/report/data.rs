//! The report as data: everything that it says, and the specifications of its plots.

use serde_json::{Map, Value, json};
use studious_playbook::{
    findings::checklist,
    plots,
    record::{Outcome, TrialRecord},
    rounds,
    trial::{self, Ranked},
};

use super::{ReportError, ReportInput, attribution, reproduce, retrained, rounds as outlines, verdict};

/// What a reader may rely on: it grows when a field changes its meaning or goes.
const VERSION: u32 = 1;

/// Everything that a report says, as one JSON object: the study, the answer to its goal (`verdict`), its checklist and findings, the best point, rounds, trials
/// (without curves, which `studious export` has), and the plots with their specifications.
///
/// # Errors
/// When the study, a trial or a plot can't be written as JSON.
pub fn report_data(input: &ReportInput<'_>) -> Result<Value, ReportError> {
    let trials = trial::judged_by_value(input.plan.spec(), input.trials);
    let expected = trial::judged_by_value(input.plan.spec(), input.expected);
    let input = &ReportInput { trials: &trials, expected: &expected, ..*input };
    let plan = input.plan;
    let rounds: Vec<_> = rounds::names(plan).iter().map(|name| outlines::outline(plan, input.trials, name)).collect();
    let trials = input.trials.iter().map(without_curves).collect::<Result<Vec<_>, _>>()?;
    let plots: Vec<Value> = plots::plots(plan, input.trials)
        .into_iter()
        .map(|plot| {
            json!({ "id": plot.id, "title": plot.title, "subtitle": plot.subtitle, "specification": plot.specification })
        })
        .collect();
    let best = trial::best(plan.spec(), input.trials).map(|trial| best_point(input, trial));
    Ok(json!({
        "reportVersion": VERSION,
        "studious": env!("CARGO_PKG_VERSION"),
        "generatedAt": input.generated_at,
        "study": serde_json::to_value(reproduce::manifest(plan)?)?,
        "status": input.status,
        "counts": counts(input),
        "verdict": verdict::of(input),
        "checklist": checklist(plan, input.expected, input.findings),
        "findings": input.findings,
        "best": best,
        "rounds": rounds,
        "trials": trials,
        "plots": plots,
        "attribution": attribution::TEXT,
    }))
}

fn counts(input: &ReportInput<'_>) -> Value {
    let counts = trial::counts(input.plan.total_trials(), input.trials.iter().map(Ranked::phase));
    json!({
        "planned": counts.total,
        "succeeded": counts.succeeded,
        "infeasible": counts.infeasible,
        "failed": counts.failed,
        "stopped": counts.stopped,
        "pending": counts.pending,
    })
}

fn best_point(input: &ReportInput<'_>, trial: &TrialRecord) -> Value {
    let step = match trial.outcome {
        Outcome::Succeeded { step, .. } => step,
        _ => None,
    };
    let bounded = input.plan.spec().constraints.iter();
    let metrics: Map<String, Value> =
        bounded.filter_map(|c| Some((c.metric.clone(), json!(trial.metric(&c.metric)?)))).collect();
    json!({
        "name": trial.name,
        "round": trial.round,
        "objective": trial.objective(),
        "step": step,
        "hyperparameters": trial.hyperparameters,
        "metrics": metrics,
        "retrained": retrained(input.plan, input.trials).map(|again| json!({
            "mean": again.mean,
            "standardDeviation": again.standard_deviation,
            "trials": again.n,
        })),
    })
}

/// A trial in the line format of `studious export`, without what grows with its length.
fn without_curves(trial: &TrialRecord) -> Result<Value, serde_json::Error> {
    let short = TrialRecord {
        name: trial.name.clone(),
        round: trial.round.clone(),
        hyperparameters: trial.hyperparameters.clone(),
        outcome: trial.outcome.clone(),
        metrics: trial.metrics.clone(),
        attempts: trial.attempts.clone(),
        seeds: trial.seeds.clone(),
        ..TrialRecord::default()
    };
    serde_json::to_value(short)
}
