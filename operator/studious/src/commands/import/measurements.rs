//! Curves of trials from a CSV file of measurements, as `studious export --measurements --format csv` writes it.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use studious_playbook::{Plan, record::Curve};

use super::{ImportProblem, listed, outcome, point, sheet::Sheet};

/// Most measurements.
const MOST_ROWS: usize = 50_000_000;
/// How many wrong rows are kept to be told.
const MOST_PROBLEMS: usize = 1_000;

/// What was measured of one trial.
#[derive(Debug, Default)]
pub(super) struct OfATrial {
    pub curves: BTreeMap<String, Curve>,
    pub hosts: BTreeMap<u32, BTreeMap<String, Curve>>,
    /// Metrics of host 0 that were not finite.
    non_finite: Vec<String>,
}

impl OfATrial {
    /// Whether it diverged.
    pub(super) fn is_non_finite(&self, plan: &Plan) -> bool {
        self.non_finite.iter().any(|metric| outcome::decides(plan, metric))
    }
}

/// By trial, host, metric and step.
#[derive(Debug, Default)]
pub(super) struct Curves(HashMap<String, ByHostAndMetric>);

/// Values by step of each host and metric.
type ByHostAndMetric = HashMap<(u32, String), BTreeMap<u64, f64>>;

impl Curves {
    /// The curves of a trial. They are given once.
    pub(super) fn take(&mut self, trial: &str) -> OfATrial {
        let mut of = OfATrial::default();
        for ((host, metric), values) in self.0.remove(trial).unwrap_or_default() {
            if host == 0 && values.values().any(|value| !value.is_finite()) {
                of.non_finite.push(metric.clone());
            }
            let curve: Curve = values.into_iter().filter(|(_, value)| value.is_finite()).collect();
            let curves = if host == 0 { &mut of.curves } else { of.hosts.entry(host).or_default() };
            curves.insert(metric, curve);
        }
        of
    }

    /// The trials whose curves nobody took.
    pub(super) fn into_trials(self) -> impl Iterator<Item = String> {
        self.0.into_keys()
    }
}

/// A step as others write it: `20` or `20.0`.
pub(super) fn step(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().or_else(|| {
        let (whole, zeros) = text.split_once('.')?;
        whole.parse().ok().filter(|_| zeros.bytes().all(|b| b == b'0'))
    })
}

/// Reads a file of measurements.
pub(super) fn read(
    path: &Path,
    delimiter: Option<u8>,
    from_step: u64,
) -> anyhow::Result<Result<Curves, Vec<ImportProblem>>> {
    let sheet = match Sheet::read(path, delimiter)? {
        Ok(sheet) => sheet,
        Err(problem) => return Ok(Err(vec![problem])),
    };
    let at = |name: &str| sheet.heads.iter().position(|head| head == name);
    let (Some(trial), Some(metric), Some(steps), Some(values)) = (at("trial"), at("metric"), at("step"), at("value"))
    else {
        let message = format!(
            "measurements need the columns trial, metric, step and value. There are {}",
            listed(&sheet.heads.iter().cloned().collect())
        );
        return Ok(Err(vec![ImportProblem { place: sheet.heading(), message }]));
    };
    let host = at("host");
    let mut curves = Curves::default();
    let mut problems = Vec::new();
    for (i, row) in sheet.rows().enumerate() {
        if i >= MOST_ROWS || problems.len() >= MOST_PROBLEMS {
            if i >= MOST_ROWS {
                let message = format!("there are more than {MOST_ROWS} rows. Give fewer");
                problems.push(ImportProblem { place: sheet.heading(), message });
            }
            break;
        }
        let row = match row {
            Ok(row) => row,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let mut wrong =
            |column: usize, message: String| problems.push(ImportProblem { place: row.place(column), message });
        let (Some(name), Some(metric)) = (row.cell(trial), row.cell(metric)) else {
            wrong(trial, "a measurement needs a trial and a metric".to_owned());
            continue;
        };
        let cell = row.number_text(steps).unwrap_or_default();
        let Some(step) = step(&cell) else {
            wrong(steps, format!("step: expected a whole number from 0, got `{cell}`"));
            continue;
        };
        let host = match host.and_then(|column| Some((column, row.cell(column)?))) {
            None => 0,
            Some((column, cell)) => {
                let Ok(host) = cell.parse() else {
                    wrong(column, format!("host: expected the number of a host, from 0, got `{cell}`"));
                    continue;
                };
                host
            }
        };
        // Nothing was measured.
        let Some(cell) = row.number_text(values) else { continue };
        if step < from_step || cell != "NaN" && cell != "nan" && point::is_nothing(&cell) {
            continue;
        }
        let Some(value) = outcome::measured(&cell) else {
            wrong(values, format!("value: expected a number, got `{cell}`"));
            continue;
        };
        let of = curves.0.entry(name.to_owned()).or_default();
        of.entry((host, metric.to_owned())).or_default().insert(step, value);
    }
    Ok(if problems.is_empty() { Ok(curves) } else { Err(problems) })
}
