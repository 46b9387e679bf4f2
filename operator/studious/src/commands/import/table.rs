//! Trials as rows of a CSV file.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use studious_api::validate::Violation;
use studious_playbook::{Plan, numbers::count, record::TrialRecord, rounds};

use super::{
    ImportProblem, Imported,
    columns::{self, Columns},
    listed,
    measurements::{self, Curves},
    options::ImportOptions,
    outcome::{self, State, Told},
    point,
    sheet::{Sheet, SheetRow},
};

/// Most trials.
const MOST_ROWS: usize = 1_000_000;

/// Reads trials, and their curves where a second file holds some.
pub(super) fn read(
    path: &Path,
    curves: Option<&Path>,
    plan: &Plan,
    options: &ImportOptions,
) -> anyhow::Result<Imported> {
    let mut found = Imported::default();
    let sheet = match Sheet::read(path, options.delimiter)? {
        Ok(sheet) => sheet,
        Err(problem) => return Ok(Imported { problems: vec![problem], ..found }),
    };
    let columns = match columns::find(&sheet, plan, options) {
        Ok(columns) => columns,
        Err(problems) => return Ok(Imported { problems, ..found }),
    };
    if columns.objective.is_none() && curves.is_none() {
        let metric = &plan.spec().objective.metric;
        let heads = sheet.heads.iter().cloned().collect();
        let message =
            format!("no column is the objective ({metric}). Name one with --objective; columns are {}", listed(&heads));
        return Ok(Imported { problems: vec![ImportProblem { place: sheet.heading(), message }], ..found });
    }
    let mut curves = match curves {
        None => Curves::default(),
        Some(path) => match measurements::read(path, options.delimiter)? {
            Ok(curves) => curves,
            Err(problems) => return Ok(Imported { problems, ..found }),
        },
    };
    let mut reading = TableReading { plan, options, columns: &columns, names: BTreeMap::new(), idle: BTreeMap::new() };
    for (i, row) in sheet.rows().enumerate() {
        if i >= MOST_ROWS {
            let message = format!("there are more than {MOST_ROWS} rows. Give fewer");
            found.problems.push(ImportProblem { place: sheet.heading(), message });
            break;
        }
        match row.map_err(|problem| vec![problem]).and_then(|row| reading.trial(&row, &mut curves)) {
            Ok(trial) => found.trials.push(trial),
            Err(problems) => found.problems.extend(problems),
        }
    }
    if !columns.unread.is_empty() {
        found.notes.push(format!("columns that were not read: {}", listed(&columns.unread)));
    }
    for (name, n) in reading.idle {
        found.notes.push(format!(
            "{name} has a value in {} at whose point it doesn't exist; it was left out",
            count(n, "row")
        ));
    }
    let strangers: BTreeSet<String> = curves.into_trials().collect();
    if !strangers.is_empty() {
        found.notes.push(format!("curves of trials that are not in the table were left out: {}", listed(&strangers)));
    }
    Ok(found)
}

struct TableReading<'a> {
    plan: &'a Plan,
    options: &'a ImportOptions,
    columns: &'a Columns,
    /// The line of each name.
    names: BTreeMap<String, u64>,
    /// Hyperparameters with values where they don't exist, and how often.
    idle: BTreeMap<String, usize>,
}

impl TableReading<'_> {
    fn trial(&mut self, row: &SheetRow<'_>, curves: &mut Curves) -> Result<TrialRecord, Vec<ImportProblem>> {
        let columns = self.columns;
        let mut problems = Vec::new();
        let text = |column: Option<usize>| column.and_then(|column| row.cell(column));
        let name = text(columns.name).map_or_else(|| format!("row-{:04}", row.line()), str::to_owned);
        if let Some(line) = self.names.insert(name.clone(), row.line()) {
            let place = columns.name.map_or_else(|| row.start(), |column| row.place(column));
            let message = format!("the trial of line {line} is called {name} too. Give each a name of its own");
            problems.push(ImportProblem { place, message });
        }
        let round = self.round(row, &mut problems);
        let hyperparameters = self.point(row, &mut problems);
        let mut metrics = BTreeMap::new();
        for (metric, column) in &columns.metrics {
            match Self::number(row, *column, &mut problems) {
                Told::Finite(value, _) => _ = metrics.insert(metric.clone(), value),
                // One that can't be told violates what bounds it: it is missing.
                Told::NonFinite | Told::Nothing => {}
            }
        }
        let taken = curves.take(&name);
        let outcome = self.outcome(row, &round, &taken, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(TrialRecord {
            name,
            round,
            hyperparameters,
            outcome: outcome.unwrap_or_default(),
            curves: taken.curves,
            hosts: taken.hosts,
            metrics,
            ..TrialRecord::default()
        })
    }

    fn round(&self, row: &SheetRow<'_>, problems: &mut Vec<ImportProblem>) -> String {
        if let Some(round) = &self.options.round {
            return round.clone();
        }
        let Some((column, round)) = self.columns.round.and_then(|column| Some((column, row.cell(column)?))) else {
            return String::new();
        };
        let names = rounds::names(self.plan);
        if !names.iter().any(|name| name == round) {
            let message = format!(
                "round: unknown round `{round}`; this study has {}. Give --round for all rows, or name one of them",
                names.join(", ")
            );
            problems.push(ImportProblem { place: row.place(column), message });
        }
        round.to_owned()
    }

    fn point(&mut self, row: &SheetRow<'_>, problems: &mut Vec<ImportProblem>) -> studious_api::Hyperparameters {
        let columns = &self.columns.hyperparameters;
        let given =
            columns.iter().filter_map(|(name, column)| Some((name.clone(), row.cell(*column)?.to_owned()))).collect();
        match point::point(self.plan, &given) {
            Ok((whole, idle)) => {
                for name in idle {
                    *self.idle.entry(name).or_default() += 1;
                }
                whole
            }
            Err(wrong) => {
                problems.extend(wrong.into_iter().map(|violation| self.violation(row, &violation)));
                studious_api::Hyperparameters::new()
            }
        }
    }

    /// A violation at the cell that it speaks of.
    fn violation(&self, row: &SheetRow<'_>, violation: &Violation) -> ImportProblem {
        let name = violation.field.strip_prefix("hyperparameters.").unwrap_or(&violation.field);
        let Some(column) = self.columns.hyperparameters.get(name) else {
            let message = format!("{violation} No column is {name}: --map {name}=COLUMN names one.");
            return ImportProblem { place: row.start(), message };
        };
        ImportProblem { place: row.place(*column), message: violation.to_string() }
    }

    fn outcome(
        &self,
        row: &SheetRow<'_>,
        round: &str,
        taken: &measurements::OfATrial,
        problems: &mut Vec<ImportProblem>,
    ) -> Option<studious_playbook::record::Outcome> {
        let columns = self.columns;
        let before = problems.len();
        let state = columns.state.and_then(|column| Some((column, row.cell(column)?))).and_then(|(column, word)| {
            let state = State::of(word);
            if state.is_none() {
                let message = format!(
                    "{word:?} says nothing of how a trial ended. Write succeeded, infeasible, failed, stopped or pending, \
                     or name another column with --state"
                );
                problems.push(ImportProblem { place: row.place(column), message });
            }
            state
        });
        let mut told = columns.objective.map_or(Told::Nothing, |column| Self::number(row, column, problems));
        if let Told::Finite(value, _) = told {
            told = Told::Finite(value, self.step(row, problems));
        }
        if taken.is_non_finite(self.plan) {
            told = Told::NonFinite;
        } else if let (Told::Nothing, Some(curve)) = (told, taken.curves.get(&self.plan.spec().objective.metric)) {
            told = outcome::of_curve(self.plan, round, curve);
        }
        if problems.len() > before {
            return None;
        }
        let reason = columns.reason.and_then(|column| row.cell(column)).unwrap_or_default();
        let outcome = outcome::outcome(state, told, reason, self.options.without_objective);
        if outcome.is_none() {
            let message = "there is no objective, and nothing says how the trial ended. Give --state COLUMN, or \
                           --without-objective infeasible (or failed, or pending)"
                .to_owned();
            let place = columns.objective.map_or_else(|| row.start(), |column| row.place(column));
            problems.push(ImportProblem { place, message });
        }
        outcome
    }

    fn number(row: &SheetRow<'_>, column: usize, problems: &mut Vec<ImportProblem>) -> Told {
        let Some(cell) = row.cell(column) else { return Told::Nothing };
        match cell.parse::<f64>() {
            Ok(value) if value.is_finite() => Told::Finite(value, None),
            Ok(_) => Told::NonFinite,
            Err(_) => {
                let message = format!("expected a number, got `{cell}`. Write NaN for a trial that diverged");
                problems.push(ImportProblem { place: row.place(column), message });
                Told::Nothing
            }
        }
    }

    fn step(&self, row: &SheetRow<'_>, problems: &mut Vec<ImportProblem>) -> Option<u64> {
        let column = self.columns.step?;
        let cell = row.cell(column)?;
        // Data frames write whole numbers with a fraction where some are missing.
        let step = measurements::step(cell);
        if step.is_none() {
            let message = format!("step: expected a whole number from 0, got `{cell}`");
            problems.push(ImportProblem { place: row.place(column), message });
        }
        step
    }
}
