//! The best point.

use std::fmt::Write as _;

use studious_playbook::{record::Outcome, rounds};

use super::numbers::{number, value};
use crate::target::Loaded;

/// The best trial of the latest round that has one, with its point; nothing if no trial has succeeded.
pub(crate) fn best(study: &Loaded) -> Option<String> {
    let trial = study.best()?;
    let Outcome::Succeeded { objective, step } = trial.record.outcome else { return None };
    let metric = &study.plan.spec().objective.metric;
    let steps = rounds::max_train_steps(&study.plan, &trial.record.round);
    let at = step.map_or_else(String::new, |step| format!(" at step {step} of {steps}"));
    let mut text = format!("Best: {}, {metric} {}{at}\n", trial.record.name, number(objective));
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
