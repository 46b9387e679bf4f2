//! The table of the tries of a study.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment};
use studious_playbook::{numbers::value, trial};

use super::trials::{in_lines, plain, result, right, step};
use crate::source::{LoadedStudy, LoadedTrial};

/// One try.
struct TryRow<'a> {
    study: &'a LoadedStudy,
    trial: &'a LoadedTrial,
}

/// A try and the earlier ones of the same objective, the best first, with the values in which they differ; nothing where there is
/// no earlier one. Then how many have another objective.
pub(crate) fn table<'a>(tried: &'a LoadedStudy, others: &'a [LoadedStudy]) -> Option<String> {
    let objective = &tried.plan.spec().objective;
    let (same, different): (Vec<&LoadedStudy>, Vec<_>) =
        others.iter().partition(|other| other.plan.spec().objective == *objective);
    let of = |study: &'a LoadedStudy| study.trials.first().map(|trial| TryRow { study, trial });
    let mut rows: Vec<TryRow<'_>> = same.into_iter().chain([tried]).filter_map(of).collect();
    if rows.len() < 2 {
        return None;
    }
    rows.sort_by(|a, b| trial::compare(tried.plan.spec(), a.trial, b.trial));
    let differing = differing(&rows);
    let steps: Vec<u64> = rows.iter().map(|row| budget(row.study)).collect();
    let has_budgets = steps.iter().any(|n| *n != steps[0]);
    let mut table = plain();
    let mut header = vec!["try".to_owned(), objective.metric.clone(), "step".to_owned()];
    header.extend(has_budgets.then(|| "of".to_owned()));
    header.extend(differing.iter().map(|name| (*name).to_owned()));
    table.set_header(header.iter().map(|name| in_lines(name)));
    for (row, steps) in rows.iter().zip(&steps) {
        let mut cells = vec![Cell::new(row.study.plan.name()), right(result(row.trial)), right(step(row.trial))];
        cells.extend(has_budgets.then(|| right(steps.to_string())));
        cells.extend(differing.iter().map(|name| match row.trial.record.hyperparameters.get(*name) {
            Some(v) if v.as_f64().is_some() => right(value(v)),
            Some(v) => Cell::new(value(v)),
            None => Cell::new("·").set_alignment(CellAlignment::Center),
        }));
        table.add_row(cells);
    }
    let mut text = format!("Tries of this study, the best first:\n{}", table.trim_fmt());
    if !different.is_empty() {
        let _ = write!(text, "\nLeft out, since their objective is another: {}", different.len());
    }
    Some(text)
}

fn budget(study: &LoadedStudy) -> u64 {
    study.plan.spec().rounds.first().map_or(0, |round| round.max_train_steps)
}

/// Names of hyperparameters whose values differ between the tries, or which some lack.
fn differing<'a>(rows: &[TryRow<'a>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for h in rows.iter().flat_map(|row| &row.study.plan.spec().hyperparameters) {
        let at = |row: &TryRow<'_>| row.trial.record.hyperparameters.get(&h.name).cloned();
        if !names.contains(&h.name.as_str()) && rows.iter().any(|row| at(row) != at(&rows[0])) {
            names.push(&h.name);
        }
    }
    names
}
