//! The table of trials: filtered, sorted and cut into pages here, so that a browser never holds ten thousand rows.

use std::{cmp::Ordering, collections::BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use studious_api::{HyperparameterValue, StudySpec, study::Role, trial::TrialPhase};
use studious_playbook::{Millis, trial};

use super::{
    source::TrialSummary,
    views::{HyperparameterColumn, TableColumns, TrialItem, TrialsPage},
};

/// Most rows of one answer.
const MOST_ROWS: usize = 500;
/// Rows of an answer that doesn't say how many.
const USUAL_ROWS: usize = 100;

/// Which rows, in which order.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct TableQuery {
    /// A column's name, `-` before it for the other way round; `best` without it: the last round first, in it the best.
    pub sort: Option<String>,
    /// Words that must occur in the name, point, reason or message.
    pub text: Option<String>,
    /// Phases, with commas between them.
    pub phase: Option<String>,
    /// A round.
    pub round: Option<String>,
    /// From which row.
    pub offset: Option<usize>,
    /// How many rows.
    pub limit: Option<usize>,
}

/// Why a table can't be shown.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum TableError {
    /// No such column.
    #[error(
        "sort={0}: there is no such column. Columns are best, name, round, phase, reason, objective, bestStep, step, \
             attempt, disruptions, started, ended, duration, hyperparameters.NAME and latest.METRIC"
    )]
    Column(String),
    /// No such phase.
    #[error("phase={0}: phases are Pending, Retrying, Running, Succeeded, Infeasible, Failed and Stopped")]
    Phase(String),
}

/// What a row is sorted by.
enum Key<'a> {
    Missing,
    Number(f64),
    Text(&'a str),
}

/// What may be shown of the trials of a study beside what every trial has.
pub fn columns(spec: &StudySpec, trials: &[TrialSummary]) -> TableColumns {
    let mut seen = BTreeSet::new();
    let mut hyperparameters = Vec::new();
    for role in [Role::Scientific, Role::Nuisance, Role::Derived, Role::Fixed] {
        for h in spec.hyperparameters.iter().filter(|h| h.role == role) {
            if seen.insert(h.name.as_str()) {
                let number = h.values.iter().flatten().chain(&h.value).all(|value| value.as_f64().is_some());
                hyperparameters.push(HyperparameterColumn { name: h.name.clone(), role, number });
            }
        }
    }
    let mut metrics: BTreeSet<&str> = BTreeSet::new();
    for trial in trials {
        metrics.extend(trial.latest.keys().map(String::as_str).filter(|name| *name != "step"));
    }
    TableColumns { hyperparameters, latest: metrics.into_iter().map(str::to_owned).collect() }
}

/// One page of the table.
///
/// # Errors
/// When it is asked for by a column or phase that doesn't exist.
pub fn page(spec: &StudySpec, trials: &[TrialSummary], query: &TableQuery) -> Result<TrialsPage, TableError> {
    let matching = matching(spec, trials, query)?;
    let offset = query.offset.unwrap_or(0);
    let limit = query.limit.unwrap_or(USUAL_ROWS).min(MOST_ROWS);
    let rows = matching.iter().skip(offset).take(limit).map(|trial| row(trial)).collect();
    Ok(TrialsPage { total: trials.len(), matching: matching.len(), offset, rows })
}

/// The trials that are wanted, in the order that is query.
fn matching<'a>(
    spec: &StudySpec,
    trials: &'a [TrialSummary],
    query: &TableQuery,
) -> Result<Vec<&'a TrialSummary>, TableError> {
    let words: Vec<String> =
        query.text.iter().flat_map(|text| text.split_whitespace()).map(str::to_lowercase).collect();
    let phases = phases(query.phase.as_deref().unwrap_or_default())?;
    let round = query.round.as_deref().filter(|round| !round.is_empty());
    let mut matching: Vec<&TrialSummary> = trials
        .iter()
        .filter(|t| round.is_none_or(|round| t.round == round))
        .filter(|t| phases.is_empty() || phases.contains(&t.phase))
        .filter(|t| words.is_empty() || says(t, &words))
        .collect();
    let sort = query.sort.as_deref().unwrap_or("best");
    let (column, reverse) = sort.strip_prefix('-').map_or((sort, false), |column| (column, true));
    if column == "best" {
        matching.sort_by(|a, b| trial::compare(spec, *a, *b));
        if reverse {
            matching.reverse();
        }
        return Ok(matching);
    }
    if !is_column(spec, trials, column) {
        return Err(TableError::Column(column.to_owned()));
    }
    // Stable: equals stay in the order of rounds and indices.
    matching.sort_by(|a, b| match (key(spec, a, column), key(spec, b, column)) {
        // What has no value comes last, either way.
        (Key::Missing, Key::Missing) => Ordering::Equal,
        (Key::Missing, _) => Ordering::Greater,
        (_, Key::Missing) => Ordering::Less,
        (a, b) => {
            let order = match (a, b) {
                (Key::Number(a), Key::Number(b)) => a.total_cmp(&b),
                (Key::Text(a), Key::Text(b)) => a.cmp(b),
                (Key::Number(_), _) => Ordering::Less,
                _ => Ordering::Greater,
            };
            if reverse { order.reverse() } else { order }
        }
    });
    Ok(matching)
}

fn phases(text: &str) -> Result<Vec<TrialPhase>, TableError> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| {
            serde_json::from_value(Value::String(word.to_owned())).map_err(|_| TableError::Phase(word.to_owned()))
        })
        .collect()
}

fn says(trial: &TrialSummary, words: &[String]) -> bool {
    let mut text = format!("{} {} {}", trial.name, trial.reason, trial.message).to_lowercase();
    for (name, value) in &trial.hyperparameters {
        text.push_str(&format!(" {name}={value}").to_lowercase());
    }
    words.iter().all(|word| text.contains(word.as_str()))
}

fn is_column(spec: &StudySpec, trials: &[TrialSummary], column: &str) -> bool {
    match column.split_once('.') {
        Some(("hyperparameters", name)) => spec.hyperparameters.iter().any(|h| h.name == name),
        Some(("latest", name)) => trials.is_empty() || trials.iter().any(|t| t.latest.contains_key(name)),
        Some(_) => false,
        None => matches!(
            column,
            "name"
                | "round"
                | "phase"
                | "reason"
                | "objective"
                | "bestStep"
                | "step"
                | "attempt"
                | "disruptions"
                | "started"
                | "ended"
                | "duration"
        ),
    }
}

fn key<'a>(spec: &StudySpec, trial: &'a TrialSummary, column: &str) -> Key<'a> {
    let number = |number: Option<f64>| number.map_or(Key::Missing, Key::Number);
    let time = |at: Option<Millis>| number(at.map(|at| at.0 as f64));
    match column {
        "name" => Key::Text(&trial.name),
        "round" => number(trial::round_position(spec, &trial.round).map(|position| position as f64)),
        "phase" => number(Some(f64::from(trial.phase as u8))),
        "reason" if trial.reason.is_empty() => Key::Missing,
        "reason" => Key::Text(&trial.reason),
        "objective" => number(objective(trial)),
        "bestStep" => number(trial.best_step.map(|step| step as f64)),
        "step" => number(trial.latest.get("step").copied()),
        "attempt" => number(Some(f64::from(trial.attempt))),
        "disruptions" => number(Some(f64::from(trial.disruptions))),
        "started" => time(trial.started),
        "ended" => time(trial.ended),
        "duration" => number(duration(trial)),
        _ => match column.split_once('.') {
            Some(("hyperparameters", name)) => match trial.hyperparameters.get(name) {
                None => Key::Missing,
                Some(HyperparameterValue::Text(text)) => Key::Text(text),
                Some(HyperparameterValue::Bool(b)) => number(Some(f64::from(u8::from(*b)))),
                Some(value) => number(value.as_f64()),
            },
            Some(("latest", name)) => number(trial.latest.get(name).copied()),
            _ => Key::Missing,
        },
    }
}

/// An infeasible trial has no objective, whatever it measured before.
fn objective(trial: &TrialSummary) -> Option<f64> {
    let has_one = !matches!(trial.phase, TrialPhase::Infeasible | TrialPhase::Failed);
    trial.objective.filter(|_| has_one)
}

/// Milliseconds from its first attempt's start to its end.
fn duration(trial: &TrialSummary) -> Option<f64> {
    let (started, ended) = (trial.started?, trial.ended?);
    Some(ended.0.saturating_sub(started.0) as f64)
}

/// One trial as a row.
pub fn row(trial: &TrialSummary) -> TrialItem {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    TrialItem {
        name: trial.name.clone(),
        round: trial.round.clone(),
        max_train_steps: trial.max_train_steps,
        phase: trial.phase,
        reason: text(&trial.reason),
        message: text(&trial.message),
        objective: objective(trial),
        best_step: trial.best_step,
        step: trial.latest.get("step").copied(),
        attempt: trial.attempt,
        disruptions: Some(trial.disruptions).filter(|disruptions| *disruptions > 0),
        started: trial.started,
        ended: trial.ended,
        hyperparameters: trial.hyperparameters.clone(),
        latest: trial.latest.clone(),
    }
}
