//! The table of trials.

use std::{collections::BTreeSet, fmt::Write as _};

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, TableComponent, presets};
use studious_api::{study::Constraint, trial::TrialPhase};
use studious_playbook::{
    numbers::{number, value},
    record::Outcome,
};

use crate::source::{LoadedStudy, LoadedTrial};

/// The trials, the best first, at most `limit` of them; then how many were left out.
pub(crate) fn table(study: &LoadedStudy, limit: usize) -> String {
    let sorted = study.best_first();
    let shown = &sorted[..sorted.len().min(limit)];
    let columns = varied(study);
    let retried = shown.iter().any(|trial| trial.attempt > 1);
    let mut table = plain();
    let metric = &study.plan.spec().objective.metric;
    let mut header = vec!["trial".to_owned(), metric.clone(), "step".to_owned()];
    let constraints = &study.plan.spec().constraints;
    header.extend(constraints.iter().map(|constraint| constraint.metric.clone()));
    header.extend(retried.then(|| "attempt".to_owned()));
    header.extend(columns.iter().cloned());
    table.set_header(header.iter().map(|name| in_lines(name)));
    for trial in shown {
        let mut row = vec![Cell::new(&trial.record.name), right(result(trial)), right(step(trial))];
        row.extend(constraints.iter().map(|constraint| right(bounded(trial, constraint))));
        row.extend(retried.then(|| right(trial.attempt.to_string())));
        row.extend(point(trial, &columns));
        table.add_row(row);
    }
    let mut text = table.trim_fmt();
    if shown.len() < sorted.len() {
        let _ = write!(text, "\n… and {} more", sorted.len() - shown.len());
    }
    text.push_str(&legend(study, shown));
    text
}

/// The value of a metric that a constraint bounds, with a mark if that is violated, or if the trial never reported it.
fn bounded(trial: &LoadedTrial, constraint: &Constraint) -> String {
    match trial.record.metric(&constraint.metric) {
        Some(value) if constraint.allows(value) => number(value),
        Some(value) => format!("{} ✗", number(value)),
        None if trial.objective().is_some() => "? ✗".to_owned(),
        None => String::new(),
    }
}

/// What the marks mean, if there are any.
fn legend(study: &LoadedStudy, shown: &[&LoadedTrial]) -> String {
    let constraints = &study.plan.spec().constraints;
    if !shown.iter().any(|trial| trial.objective().is_some() && !study.satisfies(trial)) {
        return String::new();
    }
    let bounds: Vec<String> = constraints.iter().map(ToString::to_string).collect();
    format!("\n✗ violates {}, or never reported it (?): a result, but not the best trial", bounds.join(" or "))
}

/// Trials that failed, through no fault of their points, with what to do; at most a few of them.
pub(crate) fn failures(study: &LoadedStudy) -> Option<String> {
    const SHOWN: usize = 5;
    let failed: Vec<_> = study.trials.iter().filter(|trial| trial.phase == TrialPhase::Failed).collect();
    let lines = failed.iter().take(SHOWN).map(|trial| format!("{}: {}\n", trial.record.name, trial.message));
    let mut text: String = lines.collect();
    if failed.len() > SHOWN {
        let _ = writeln!(text, "… and {} more failed", failed.len() - SHOWN);
    }
    (!text.is_empty()).then_some(text)
}

/// A long name in lines of about eleven letters, broken after underscores.
pub(super) fn in_lines(name: &str) -> String {
    const WIDTH: usize = 11;
    let mut lines = vec![String::new()];
    for part in name.split_inclusive('_') {
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.len() + part.len() <= WIDTH => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    lines.join("\n")
}

/// A table of trials without rows yet.
pub(super) fn plain() -> Table {
    let mut table = Table::new();
    // A table that is wider than the terminal reads better with its lines broken than with its cells broken.
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_style(TableComponent::HeaderLines, '─').set_style(TableComponent::MiddleHeaderIntersections, '─');
    table
}

/// A number's cell.
pub(super) fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// The cells of a trial's point.
pub(super) fn point(trial: &LoadedTrial, columns: &[String]) -> Vec<Cell> {
    let cell = |name: &String| match trial.record.hyperparameters.get(name) {
        Some(v) if v.as_f64().is_some() => right(value(v)),
        Some(v) => Cell::new(value(v)),
        None => Cell::new("·").set_alignment(CellAlignment::Center),
    };
    columns.iter().map(cell).collect()
}

/// Hyperparameters that differ between trials, in the order of the study.
pub(super) fn varied(study: &LoadedStudy) -> Vec<String> {
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    for hyperparameter in &study.plan.spec().hyperparameters {
        let name = &hyperparameter.name;
        if hyperparameter.value.is_none() && seen.insert(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The objective, or what there is in its place.
pub(crate) fn result(trial: &LoadedTrial) -> String {
    match &trial.record.outcome {
        Outcome::Succeeded { objective, .. } => number(*objective),
        Outcome::Infeasible { reason } => with_reason("infeasible", reason.as_str()),
        Outcome::Failed { reason } => with_reason("failed", reason.as_str()),
        Outcome::Stopped { reason } => with_reason("stopped", reason.as_str()),
        Outcome::Pending => {
            let word = match trial.phase {
                _ if trial.is_interrupted => "interrupted",
                TrialPhase::Running => "running",
                TrialPhase::Retrying => "to be retried",
                _ => "pending",
            };
            trial.so_far.map_or_else(|| word.to_owned(), |x| format!("{} ({word})", number(x)))
        }
    }
}

fn with_reason(word: &str, reason: &str) -> String {
    if reason.is_empty() { word.to_owned() } else { format!("{word}: {reason}") }
}

pub(super) fn step(trial: &LoadedTrial) -> String {
    match trial.record.outcome {
        Outcome::Succeeded { step: Some(step), .. } => step.to_string(),
        _ => trial
            .record
            .curves
            .values()
            .filter_map(|curve| curve.last().map(|(step, _)| *step))
            .max()
            .map_or_else(String::new, |step| step.to_string()),
    }
}
