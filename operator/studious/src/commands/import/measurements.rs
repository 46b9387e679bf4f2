//! Curves of trials from a CSV file of measurements, as `studious export --measurements --format csv` writes it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use studious_playbook::{Plan, record::Curve};

use super::{
    ImportProblem, listed, outcome, point,
    sheet::{Sheet, SheetRow},
};

/// Most measurements.
const MOST_ROWS: usize = 50_000_000;
/// How many wrong rows are kept to be reported.
const MOST_PROBLEMS: usize = 1_000;

/// What was measured of one trial.
#[derive(Debug, Default)]
pub(super) struct OfATrial {
    pub curves: BTreeMap<String, Curve>,
    pub hosts: BTreeMap<u32, BTreeMap<String, Curve>>,
    /// What is wrong with rows that name the trial.
    pub problems: Vec<ImportProblem>,
    /// Metrics of host 0 that were not finite.
    non_finite: Vec<String>,
}

impl OfATrial {
    /// Whether it diverged.
    pub(super) fn is_non_finite(&self, plan: &Plan) -> bool {
        self.non_finite.iter().any(|metric| outcome::decides(plan, metric))
    }
}

/// By trial.
#[derive(Debug, Default)]
pub(super) struct Curves {
    by_trial: HashMap<String, RowsOfATrial>,
    /// What is wrong with rows that name no trial.
    nameless: Vec<ImportProblem>,
    /// Rows of a trial, host, metric and step that an earlier row has too.
    pub repeated: usize,
}

#[derive(Debug, Default)]
struct RowsOfATrial {
    /// By host and metric, and step.
    values: HashMap<(u32, String), BTreeMap<u64, f64>>,
    problems: Vec<ImportProblem>,
}

impl Curves {
    /// The curves of a trial. They are given once.
    pub(super) fn take(&mut self, trial: &str) -> OfATrial {
        let RowsOfATrial { values, problems } = self.by_trial.remove(trial).unwrap_or_default();
        let mut of = OfATrial { problems, ..OfATrial::default() };
        for ((host, metric), values) in values {
            if host == 0 && values.values().any(|value| !value.is_finite()) {
                of.non_finite.push(metric.clone());
            }
            let curve: Curve = values.into_iter().filter(|(_, value)| value.is_finite()).collect();
            let curves = if host == 0 { &mut of.curves } else { of.hosts.entry(host).or_default() };
            curves.insert(metric, curve);
        }
        of
    }

    /// The trials whose curves were not taken, and what is wrong with rows of no trial that was.
    pub(super) fn into_left_over(self) -> (BTreeSet<String>, Vec<ImportProblem>) {
        let mut names = BTreeSet::new();
        let mut problems = self.nameless;
        for (name, rows) in self.by_trial {
            names.insert(name);
            problems.extend(rows.problems);
        }
        (names, problems)
    }
}

/// A step as others write it: `20` or `20.0`.
pub(super) fn step(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().or_else(|| {
        let (whole, zeros) = text.split_once('.')?;
        whole.parse().ok().filter(|_| zeros.bytes().all(|b| b == b'0'))
    })
}

/// The columns of a file of measurements.
struct CurveColumns {
    trial: usize,
    metric: usize,
    step: usize,
    value: usize,
    host: Option<usize>,
}

/// What one row says.
struct MeasuredPoint {
    host: u32,
    metric: String,
    step: u64,
    value: f64,
}

/// Reads a file of measurements. A row that is wrong is kept with its trial: what the trial measured is not known then.
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
    let (Some(trial), Some(metric), Some(step), Some(value)) = (at("trial"), at("metric"), at("step"), at("value"))
    else {
        let message = format!(
            "measurements need the columns trial, metric, step and value. There are {}",
            listed(&sheet.heads.iter().cloned().collect())
        );
        return Ok(Err(vec![ImportProblem { place: sheet.heading(), message }]));
    };
    let columns = CurveColumns { trial, metric, step, value, host: at("host") };
    let mut curves = Curves::default();
    let mut wrong = 0;
    for (i, row) in sheet.rows().enumerate() {
        if i >= MOST_ROWS {
            let message = format!("there are more than {MOST_ROWS} rows. Give fewer");
            return Ok(Err(vec![ImportProblem { place: sheet.heading(), message }]));
        }
        if wrong >= MOST_PROBLEMS {
            let message = format!("{MOST_PROBLEMS} rows are wrong, and the rest was not read. Fix the file");
            curves.nameless.push(ImportProblem { place: sheet.heading(), message });
            break;
        }
        let problem = match row {
            Err(row) => (row.cell(columns.trial).map(str::to_owned), row.problem),
            Ok(row) => {
                let name = row.cell(columns.trial).map(str::to_owned);
                match columns.measurement(&row, from_step) {
                    Ok(found) => {
                        if let (Some(name), Some(found)) = (name, found) {
                            curves.add(name, found);
                        }
                        continue;
                    }
                    Err(problem) => (name, problem),
                }
            }
        };
        wrong += 1;
        match problem {
            (Some(name), problem) => curves.by_trial.entry(name).or_default().problems.push(problem),
            (None, problem) => curves.nameless.push(problem),
        }
    }
    Ok(Ok(curves))
}

impl Curves {
    fn add(&mut self, trial: String, measurement: MeasuredPoint) {
        let MeasuredPoint { host, metric, step, value } = measurement;
        let of = self.by_trial.entry(trial).or_default();
        let earlier = of.values.entry((host, metric)).or_default().insert(step, value);
        self.repeated += usize::from(earlier.is_some());
    }
}

impl CurveColumns {
    /// What a row says; nothing where nothing was measured, or before the first step that is wanted.
    fn measurement(&self, row: &SheetRow<'_>, from_step: u64) -> Result<Option<MeasuredPoint>, ImportProblem> {
        let wrong = |column: usize, message: String| ImportProblem { place: row.place(column), message };
        let (Some(_), Some(metric)) = (row.cell(self.trial), row.cell(self.metric)) else {
            return Err(wrong(self.trial, "a measurement needs a trial and a metric".to_owned()));
        };
        let cell = row.number_text(self.step).unwrap_or_default();
        let Some(step) = step(&cell) else {
            return Err(wrong(self.step, format!("step: expected a whole number from 0, got `{cell}`")));
        };
        let host = match self.host.and_then(|column| Some((column, row.cell(column)?))) {
            None => 0,
            Some((column, cell)) => cell
                .parse()
                .map_err(|_| wrong(column, format!("host: expected the number of a host, from 0, got `{cell}`")))?,
        };
        let Some(cell) = row.number_text(self.value) else { return Ok(None) };
        if step < from_step || cell != "NaN" && cell != "nan" && point::is_nothing(&cell) {
            return Ok(None);
        }
        let Some(value) = outcome::measured(&cell) else {
            return Err(wrong(self.value, format!("value: expected a number, got `{cell}`")));
        };
        Ok(Some(MeasuredPoint { host, metric: metric.to_owned(), step, value }))
    }
}
