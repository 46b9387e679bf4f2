//! The best point.

use std::fmt::Write as _;

use studious_playbook::{
    numbers::{number, value},
    record::Outcome,
    rounds,
};

use crate::source::LoadedStudy;

/// The best trial with its point, and what retraining showed of it; nothing if no trial has succeeded.
pub(crate) fn best(study: &LoadedStudy) -> Option<String> {
    let Some(trial) = study.best() else { return none_satisfies(study) };
    let Outcome::Succeeded { objective, step } = trial.record.outcome else { return None };
    let metric = &study.plan.spec().objective.metric;
    let steps = rounds::max_train_steps(&study.plan, &trial.record.round);
    let at = step.map_or_else(String::new, |step| format!(" at step {step} of {steps}"));
    let mut bounded = String::new();
    for constraint in &study.plan.spec().constraints {
        if let Some(value) = trial.record.metric(&constraint.metric) {
            let _ = write!(bounded, ", {} {}", constraint.metric, number(value));
        }
    }
    let mut text = format!("Best: {}, {metric} {}{at}{bounded}\n", trial.record.name, number(objective));
    if let Some(retrained) = study.retrained() {
        let _ = writeln!(text, "Trained again with other seeds: {metric} {retrained}");
    }
    let names = study.plan.spec().hyperparameters.iter().map(|h| h.name.as_str());
    let point = &trial.record.hyperparameters;
    let width = point.keys().map(String::len).max().unwrap_or_default();
    let mut shown = Vec::new();
    for name in names {
        if let Some(v) = point.get(name)
            && !shown.contains(&name)
        {
            shown.push(name);
            let _ = writeln!(text, "  {name:width$}  {}", value(v));
        }
    }
    Some(text)
}

fn none_satisfies(study: &LoadedStudy) -> Option<String> {
    study.trials.iter().find(|trial| trial.objective().is_some())?;
    let bounds: Vec<String> = study.plan.spec().constraints.iter().map(ToString::to_string).collect();
    Some(format!("Best: none. No trial that succeeded is known to satisfy {}.\n", bounds.join(" and ")))
}
