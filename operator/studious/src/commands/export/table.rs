//! Trials and measurements as tables: columns with a type, cells that may be empty.

use std::{borrow::Cow, collections::BTreeSet};

use serde::Serialize;
use studious_api::HyperparameterValue;
use studious_playbook::{
    Plan,
    record::{Outcome, TrialRecord},
};

use crate::hyperparameter_names;

/// Rows of one table of measurements: ten million of them shall not stand in memory twice.
const ROWS: usize = 1 << 17;

/// Columns of the same length.
#[derive(Debug)]
pub(super) struct TrialTable<'a> {
    pub columns: Vec<(String, Cells<'a>)>,
}

/// The cells of a column.
#[derive(Debug)]
pub(super) enum Cells<'a> {
    Text(Vec<Option<Cow<'a, str>>>),
    Number(Vec<Option<f64>>),
    Integer(Vec<Option<i64>>),
    Bool(Vec<Option<bool>>),
}

impl Cells<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Number(cells) => cells.len(),
            Self::Integer(cells) => cells.len(),
            Self::Bool(cells) => cells.len(),
        }
    }
}

impl TrialTable<'_> {
    pub(super) fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, cells)| cells.len())
    }
}

/// A row for each trial.
pub(super) fn trials<'a>(plan: &Plan, records: &'a [TrialRecord]) -> TrialTable<'a> {
    let text = |f: fn(&'a TrialRecord) -> &'a str| {
        let cells = records.iter().map(|record| Some(f(record)).filter(|text| !text.is_empty()).map(Cow::Borrowed));
        Cells::Text(cells.collect())
    };
    let step = |record: &TrialRecord| match record.outcome {
        Outcome::Succeeded { step, .. } => step.and_then(|step| i64::try_from(step).ok()),
        _ => None,
    };
    let mut columns = vec![
        ("name".to_owned(), text(|record| &record.name)),
        ("round".to_owned(), text(|record| &record.round)),
        ("outcome".to_owned(), text(|record| outcome(&record.outcome).0)),
        ("reason".to_owned(), text(|record| outcome(&record.outcome).1)),
        ("objective".to_owned(), Cells::Number(records.iter().map(TrialRecord::objective).collect())),
        ("step".to_owned(), Cells::Integer(records.iter().map(step).collect())),
    ];
    let mut seen = BTreeSet::new();
    // Of the same name under another condition there is one column: a trial has one of them.
    for h in plan.spec().hyperparameters.iter().filter(|h| seen.insert(h.name.as_str())) {
        let cells = records.iter().map(|record| record.hyperparameters.get(&h.name)).collect();
        columns.push((hyperparameter_names::column(h), values(cells)));
    }
    for metric in plan.spec().constraints.iter().map(|c| c.metric.as_str()).collect::<BTreeSet<_>>() {
        let cells = records.iter().map(|record| record.metric(metric)).collect();
        columns.push((format!("metrics.{metric}"), Cells::Number(cells)));
    }
    TrialTable { columns }
}

fn outcome(outcome: &Outcome) -> (&str, &str) {
    match outcome {
        Outcome::Pending => ("pending", ""),
        Outcome::Succeeded { .. } => ("succeeded", ""),
        Outcome::Infeasible { reason } => ("infeasible", reason.as_str()),
        Outcome::Failed { reason } => ("failed", reason.as_str()),
        Outcome::Stopped { reason } => ("stopped", reason.as_str()),
    }
}

/// Values of a hyperparameter in the narrowest type that holds them all.
fn values(values: Vec<Option<&HyperparameterValue>>) -> Cells<'_> {
    let all = |is: fn(&HyperparameterValue) -> bool| values.iter().flatten().all(|value| is(value));
    if all(|value| matches!(value, HyperparameterValue::Integer(_))) {
        let cells = values.iter().map(|value| match value {
            Some(HyperparameterValue::Integer(i)) => Some(*i),
            _ => None,
        });
        return Cells::Integer(cells.collect());
    }
    if all(|value| value.as_f64().is_some()) {
        return Cells::Number(values.iter().map(|value| value.and_then(HyperparameterValue::as_f64)).collect());
    }
    if all(|value| matches!(value, HyperparameterValue::Bool(_))) {
        let cells = values.iter().map(|value| match value {
            Some(HyperparameterValue::Bool(b)) => Some(*b),
            _ => None,
        });
        return Cells::Bool(cells.collect());
    }
    let cells = values.into_iter().map(|value| match value? {
        HyperparameterValue::Text(text) => Some(Cow::Borrowed(text.as_str())),
        other => Some(Cow::Owned(other.to_string())),
    });
    Cells::Text(cells.collect())
}

/// One value that was measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Measurement<'a> {
    pub trial: &'a str,
    pub round: &'a str,
    pub host: u32,
    pub metric: &'a str,
    pub step: u64,
    pub value: f64,
}

/// All that was measured: trial by trial, host by host, metric by metric, in the order of steps.
pub(super) fn measurements(records: &[TrialRecord]) -> impl Iterator<Item = Measurement<'_>> {
    records.iter().flat_map(|record| {
        let hosts =
            std::iter::once((0, &record.curves)).chain(record.hosts.iter().map(|(host, curves)| (*host, curves)));
        hosts.flat_map(move |(host, curves)| {
            curves.iter().flat_map(move |(metric, curve)| {
                curve.iter().map(move |(step, value)| Measurement {
                    trial: &record.name,
                    round: &record.round,
                    host,
                    metric,
                    step: *step,
                    value: *value,
                })
            })
        })
    })
}

/// The same in tables, one after the other; at least one, which may be empty.
pub(super) fn measurement_tables(records: &[TrialRecord]) -> impl Iterator<Item = TrialTable<'_>> {
    let mut all = measurements(records);
    let mut is_first = true;
    std::iter::from_fn(move || {
        let rows: Vec<Measurement<'_>> = all.by_ref().take(ROWS).collect();
        if rows.is_empty() && !is_first {
            return None;
        }
        is_first = false;
        Some(table_of(&rows))
    })
}

fn table_of<'a>(rows: &[Measurement<'a>]) -> TrialTable<'a> {
    let text = |f: fn(&Measurement<'a>) -> &'a str| {
        Cells::Text(rows.iter().map(|row| Some(f(row)).filter(|text| !text.is_empty()).map(Cow::Borrowed)).collect())
    };
    let steps = rows.iter().map(|row| i64::try_from(row.step).ok());
    TrialTable {
        columns: vec![
            ("trial".to_owned(), text(|row| row.trial)),
            ("round".to_owned(), text(|row| row.round)),
            ("host".to_owned(), Cells::Integer(rows.iter().map(|row| Some(i64::from(row.host))).collect())),
            ("metric".to_owned(), text(|row| row.metric)),
            ("step".to_owned(), Cells::Integer(steps.collect())),
            ("value".to_owned(), Cells::Number(rows.iter().map(|row| Some(row.value)).collect())),
        ],
    }
}
