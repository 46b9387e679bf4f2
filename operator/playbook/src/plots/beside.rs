//! Chosen trials beside each other: one metric against the step, each curve named by what sets its trial apart.
//!
//! Playbook: "Learning rate warmup" and "Gradient clipping" set a training with and one without beside each other.

use studious_api::HyperparameterValue;

use super::{
    Plot,
    overlay::{RunCurve, drawn},
    steps::StepAxis,
};
use crate::{
    Plan,
    findings::wording::{list, number},
    record::{Outcome, TrialRecord},
};

/// Colours and dashes tell no more apart.
const MOST: usize = 5;

/// Why trials can't be drawn beside each other.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BesideError {
    /// None, or more than can be told apart.
    #[error("{0} trials were named: give 1 to {MOST}")]
    Number(usize),
    /// A name that no trial has.
    #[error("no trial is called {0}")]
    Unknown(String),
    /// None of the trials reported the metric.
    #[error("none of these trials has a curve of {metric}; they have {known}")]
    NotMeasured {
        /// What was asked for.
        metric: String,
        /// What there is.
        known: String,
    },
}

/// A metric of the trials with these names against the step.
pub(super) fn plot(
    plan: &Plan,
    trials: &[TrialRecord],
    names: &[String],
    metric: &str,
    steps: StepAxis,
) -> Result<Plot, BesideError> {
    if names.is_empty() || names.len() > MOST {
        return Err(BesideError::Number(names.len()));
    }
    let of = |name: &String| trials.iter().find(|t| t.name == *name).ok_or_else(|| BesideError::Unknown(name.clone()));
    let chosen = names.iter().map(of).collect::<Result<Vec<&TrialRecord>, _>>()?;
    let shown = |value: &HyperparameterValue| value.as_f64().map_or_else(|| value.to_string(), number);
    let value = |trial: &TrialRecord, name: &str| trial.hyperparameters.get(name).map(&shown);
    let mut hyperparameters: Vec<&str> = Vec::new();
    for h in plan.spec().hyperparameters.iter().filter(|h| h.value.is_none()) {
        if !hyperparameters.contains(&h.name.as_str()) {
            hyperparameters.push(&h.name);
        }
    }
    let (same, differ): (Vec<&str>, Vec<&str>) =
        hyperparameters.into_iter().partition(|name| chosen.iter().all(|t| value(t, name) == value(chosen[0], name)));
    let point = |trial: &TrialRecord, which: &[&str]| -> Vec<String> {
        which.iter().filter_map(|name| Some(format!("{name} = {}", value(trial, name)?))).collect()
    };
    let labels: Vec<String> = chosen
        .iter()
        .map(|trial| {
            let point = if differ.is_empty() { trial.name.clone() } else { point(trial, &differ).join(", ") };
            match &trial.outcome {
                Outcome::Infeasible { reason } if !reason.is_empty() => format!("{point} (infeasible: {reason})"),
                Outcome::Infeasible { .. } => format!("{point} (infeasible)"),
                _ => point,
            }
        })
        .collect();
    let runs: Vec<RunCurve<'_>> = chosen
        .iter()
        .zip(&labels)
        .filter_map(|(trial, name)| {
            let marked = match trial.outcome {
                Outcome::Succeeded { step, .. } if metric == plan.spec().objective.metric => step,
                _ => None,
            };
            Some(RunCurve { name, curve: trial.curves.get(metric)?, marked })
        })
        .collect();
    let title = match differ.as_slice() {
        [] => format!("{metric} of {}", list(names)),
        differ => format!("{metric} by {}", list(differ)),
    };
    let alike = point(chosen[0], &same);
    let lead = if alike.is_empty() { String::new() } else { format!("{} in all. ", list(&alike)) };
    drawn(metric, title, &lead, &runs, steps).map(|plot| Plot { id: format!("beside-{}", plot.id), ..plot }).ok_or_else(
        || {
            let mut known: Vec<&str> = chosen.iter().flat_map(|t| t.curves.keys()).map(String::as_str).collect();
            known.sort_unstable();
            known.dedup();
            let known = if known.is_empty() { "none".to_owned() } else { list(&known) };
            BesideError::NotMeasured { metric: metric.to_owned(), known }
        },
    )
}
