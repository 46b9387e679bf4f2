//! The table of trials.

use std::collections::BTreeSet;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use studious_api::trial::TrialPhase;
use studious_playbook::record::Outcome;

use super::numbers::{number, value};
use crate::target::{Loaded, LoadedTrial};

/// The trials, the best first, at most `limit` of them; then how many were left out.
pub(crate) fn table(study: &Loaded, limit: usize) -> String {
    let sorted = study.best_first();
    let shown = &sorted[..sorted.len().min(limit)];
    let columns = varied(study);
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        // Whoever reads a file or a pipe cuts lines as they like.
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    let metric = &study.plan.spec().objective.metric;
    let mut header = vec!["trial".to_owned(), metric.clone(), "step".to_owned()];
    header.extend(columns.iter().cloned());
    table.set_header(header);
    for trial in shown {
        let mut row = vec![Cell::new(&trial.record.name), right(result(trial)), right(step(trial))];
        row.extend(columns.iter().map(|name| match trial.record.hyperparameters.get(name) {
            Some(v) if v.as_f64().is_some() => right(value(v)),
            Some(v) => Cell::new(value(v)),
            None => Cell::new("·").set_alignment(CellAlignment::Center),
        }));
        table.add_row(row);
    }
    let mut text = table.trim_fmt();
    if shown.len() < sorted.len() {
        text.push_str(&format!("\n… and {} more", sorted.len() - shown.len()));
    }
    text
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Hyperparameters that differ between trials, in the order of the study.
fn varied(study: &Loaded) -> Vec<String> {
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
        Outcome::Infeasible { reason } => with_reason("infeasible", reason),
        Outcome::Failed { reason } => with_reason("failed", reason),
        Outcome::Stopped { reason } => with_reason("stopped", reason),
        Outcome::Pending => {
            let word = match trial.phase {
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

fn step(trial: &LoadedTrial) -> String {
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
