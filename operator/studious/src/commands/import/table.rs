//! Trials as rows of a CSV file.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use studious_api::validate::Violation;
use studious_playbook::{
    Plan,
    record::{Outcome, TrialRecord},
    rounds,
};

use super::{
    ImportProblem, Imported,
    columns::{self, Columns},
    left_out::NoTrial,
    listed,
    measurements::{self, Curves},
    notes::Notes,
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
        let heads: BTreeSet<String> = sheet.heads.iter().cloned().collect();
        let hint = if heads.len() == 1 { ". Is there another --delimiter?" } else { "" };
        let message = format!(
            "no column is the objective ({metric}). Name one with --objective; columns are {}{hint}",
            listed(&heads)
        );
        return Ok(Imported { problems: vec![ImportProblem { place: sheet.heading(), message }], ..found });
    }
    let mut curves = match curves {
        None => Curves::default(),
        Some(path) => match measurements::read(path, options.delimiter, options.from_step)? {
            Ok(curves) => curves,
            Err(problems) => return Ok(Imported { problems, ..found }),
        },
    };
    let mut reading =
        TableReading { plan, options, columns: &columns, names: BTreeMap::new(), notes: Notes::default() };
    reading.notes.others.clone_from(&sheet.notes);
    for (i, row) in sheet.rows().enumerate() {
        if i >= MOST_ROWS {
            let message = format!("there are more than {MOST_ROWS} rows. Give fewer");
            found.problems.push(ImportProblem { place: sheet.heading(), message });
            break;
        }
        let trial = row.map_err(|row| NoTrial::Wrong(vec![row.problem]));
        match trial.and_then(|row| reading.trial(&row, &mut curves)) {
            Ok(trial) => found.trials.push(trial),
            Err(why) => found.left_out.push(why),
        }
    }
    found.notes = reading.notes.sentences("row", options.without_objective);
    if !columns.unread.is_empty() {
        found.notes.push(format!("columns that were not read: {}", listed(&columns.unread)));
    }
    if found.trials.is_empty() && found.left_out.is_empty() {
        found.notes.push("there is a heading, and no row below it".to_owned());
    }
    if curves.repeated > 0 {
        found.notes.push(format!(
            "--measurements: {} a step of the same trial, metric and host; the last counts",
            if curves.repeated == 1 { "1 row repeats".to_owned() } else { format!("{} rows repeat", curves.repeated) }
        ));
    }
    let (strangers, problems) = curves.into_left_over();
    found.left_out.push_problems(problems);
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
    notes: Notes,
}

/// How a row says that its trial ended.
struct RowEnd {
    state: Option<State>,
    told: Told,
    reason: String,
    is_fail_of_optuna: bool,
}

impl TableReading<'_> {
    fn trial(&mut self, row: &SheetRow<'_>, curves: &mut Curves) -> Result<TrialRecord, NoTrial> {
        let columns = self.columns;
        let mut problems = Vec::new();
        let text = |column: Option<usize>| column.and_then(|column| row.cell(column));
        let name = text(columns.name).map_or_else(|| format!("row-{:04}", row.line()), str::to_owned);
        let place = || columns.name.map_or_else(|| row.start(), |column| row.place(column));
        if let Some(line) = self.names.get(&name) {
            let message = format!(
                "the trial of line {line} is called {name} too. Give each a name of its own, or name a column that does with \
                 --name"
            );
            problems.push(ImportProblem { place: place(), message });
        } else {
            self.names.insert(name.clone(), row.line());
        }
        let round = self.round(row, &mut problems);
        let mut metrics = BTreeMap::new();
        for (metric, column) in &columns.metrics {
            match Self::number(row, *column, &mut problems) {
                Told::Finite(value, _) => _ = metrics.insert(metric.clone(), value),
                // A metric that is missing violates what bounds it.
                Told::NonFinite => Notes::tally(&mut self.notes.non_finite, [metric.clone()]),
                Told::Nothing => {}
            }
        }
        let mut taken = curves.take(&name);
        problems.append(&mut taken.problems);
        let end = self.end(row, &round, &taken, &mut problems);
        let hyperparameters = match self.point(row) {
            Ok(point) => point,
            Err(wrong) => {
                let is_harmless = problems.is_empty() && point::lacks_some(&wrong) && end.is_without_result();
                problems.extend(wrong.into_iter().map(|violation| self.violation(row, &violation)));
                // What came to nothing need not say its whole point.
                if is_harmless {
                    return Err(NoTrial::Incomplete(name, problems));
                }
                studious_api::Hyperparameters::new()
            }
        };
        if !problems.is_empty() {
            return Err(NoTrial::Wrong(problems));
        }
        let outcome = self.outcome(row, &name, &end)?;
        Ok(TrialRecord {
            name,
            round,
            hyperparameters,
            outcome,
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

    fn point(&mut self, row: &SheetRow<'_>) -> Result<studious_api::Hyperparameters, Vec<Violation>> {
        let cell = |(name, column): (&String, &usize)| {
            let raw = row.raw(*column)?;
            let text = if point::is_listed(self.plan, name, raw) {
                raw.to_owned()
            } else {
                row.number_text(*column)?.into_owned()
            };
            Some((name.clone(), text))
        };
        let given = self.columns.hyperparameters.iter().filter_map(cell).collect();
        let read = point::point(self.plan, &given, &self.options.empty)?;
        Notes::tally(&mut self.notes.idle, read.idle);
        Notes::tally(&mut self.notes.settled, read.settled);
        Notes::tally(&mut self.notes.filled, read.filled);
        Ok(read.whole)
    }

    /// A violation at the cell that it speaks of.
    fn violation(&self, row: &SheetRow<'_>, violation: &Violation) -> ImportProblem {
        let name = violation.field.strip_prefix("hyperparameters.").unwrap_or(&violation.field);
        if name == violation.field {
            // It speaks of the row as a whole.
            return ImportProblem { place: row.start(), message: violation.to_string() };
        }
        let Some(column) = self.columns.hyperparameters.get(name) else {
            // One that was worked out from others has a value without a column.
            let is_missing = violation.value.is_empty();
            let hint = if is_missing {
                format!(" No column is {name}: --map {name}=COLUMN names one.")
            } else {
                String::new()
            };
            let message = format!("{violation}{hint}");
            return ImportProblem { place: row.start(), message };
        };
        let lists = |name: &str| self.plan.spec().hyperparameters.iter().any(|h| h.name == name && h.values.is_some());
        let hint = if violation.value.is_empty() && lists(name) {
            format!(" If an empty cell is a choice, such as None, say which: --empty {name}=VALUE.")
        } else {
            String::new()
        };
        ImportProblem { place: row.place(*column), message: format!("{violation}{hint}") }
    }

    fn end(
        &self,
        row: &SheetRow<'_>,
        round: &str,
        taken: &measurements::OfATrial,
        problems: &mut Vec<ImportProblem>,
    ) -> RowEnd {
        let columns = self.columns;
        let word = columns.state.and_then(|column| Some((column, row.cell(column)?)));
        let state = word.and_then(|(column, word)| {
            let given = self.options.state_words.get(&word.to_lowercase()).copied();
            let state = given.or_else(|| State::of(word));
            if state.is_none() {
                let message = format!(
                    "{word:?} says nothing of how a trial ended. Write succeeded, infeasible, failed, stopped or pending, say \
                     what it means with --state-word {word}=OUTCOME, or name another column with --state"
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
        RowEnd {
            state,
            told,
            reason: columns.reason.and_then(|column| row.cell(column)).unwrap_or_default().to_owned(),
            is_fail_of_optuna: word.is_some_and(|(_, word)| outcome::is_fail_of_optuna(word)),
        }
    }

    fn outcome(&mut self, row: &SheetRow<'_>, name: &str, end: &RowEnd) -> Result<Outcome, NoTrial> {
        let without = self.options.without_objective;
        let is_missing = end.told == Told::Nothing;
        let failed_in_optuna = end.is_fail_of_optuna && is_missing;
        self.notes.failed_in_optuna += usize::from(failed_in_optuna);
        self.notes.without_objective += usize::from(end.state == Some(State::Succeeded) && is_missing);
        // It may stand for an objective of NaN: the user knows.
        let state = if failed_in_optuna && without.is_some() { None } else { end.state };
        outcome::outcome(state, end.told, &end.reason, without).ok_or_else(|| {
            let message = "there is no objective, and nothing says how the trial ended. Give --state COLUMN, or \
                           --without-objective infeasible (or failed, or pending)"
                .to_owned();
            let place = self.columns.objective.map_or_else(|| row.start(), |column| row.place(column));
            NoTrial::Endless(name.to_owned(), ImportProblem { place, message })
        })
    }

    fn number(row: &SheetRow<'_>, column: usize, problems: &mut Vec<ImportProblem>) -> Told {
        let Some(cell) = row.number_text(column) else { return Told::Nothing };
        match outcome::measured(&cell) {
            Some(value) if value.is_finite() => Told::Finite(value, None),
            Some(_) => Told::NonFinite,
            None if point::is_nothing(&cell) => Told::Nothing,
            None => {
                let message = format!("expected a number, got `{cell}`. Write NaN for a trial that diverged");
                problems.push(ImportProblem { place: row.place(column), message });
                Told::Nothing
            }
        }
    }

    fn step(&self, row: &SheetRow<'_>, problems: &mut Vec<ImportProblem>) -> Option<u64> {
        let column = self.columns.step?;
        let cell = row.number_text(column).filter(|cell| !point::is_nothing(cell))?;
        // Data frames write whole numbers with a fraction where some are missing.
        let step = measurements::step(&cell);
        if step.is_none() {
            let message = format!("step: expected a whole number from 0, got `{cell}`");
            problems.push(ImportProblem { place: row.place(column), message });
        }
        step
    }
}

impl RowEnd {
    /// Whether it came to nothing that a search or a finding would use.
    fn is_without_result(&self) -> bool {
        match self.state {
            Some(State::Failed | State::Stopped | State::Pruned | State::Pending) => true,
            // Runs that only hold others together.
            None | Some(State::Succeeded) => self.told == Told::Nothing,
            Some(State::Infeasible) => false,
        }
    }
}
