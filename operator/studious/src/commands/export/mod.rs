//! `studious export`: the trials of a study as data.

mod csv;
mod parquet;
#[cfg(test)]
mod round_trip_tests;
mod table;

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal as _, Write},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use studious_playbook::record::CurveSelection;

use crate::{
    exit,
    output::{self, errln},
    source::{SourceArguments, Target},
};

const AFTER: &str = "\
jsonl prints one JSON object a line: name, round, hyperparameters, objective and step (or \"infeasible\":true with a \
reason, or \"pending\":true), and curves as [step, value] pairs. csv and parquet hold a table with a row for each trial, \
without curves: name, round, outcome, reason, objective, step, a column for each hyperparameter by its alias or name \
(hyperparameters.NAME where that is taken), and metrics.NAME for what constraints bound.

--measurements makes a row of every value that was measured instead: trial, round, host, metric, step, value.

Examples:
  studious export studious-runs/digits --format csv > digits.csv
  studious export study/digits --format parquet --out digits.parquet
  studious export studious-runs/digits --measurements --format parquet --out curves.parquet
  studious export study/digits | jq -r 'select(.objective < 0.05) | .name'
  studious export --study study.yaml --trials trials.jsonl --format csv
  kubectl study export digits --format csv";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Export {
    #[command(flatten)]
    source: SourceArguments,
    /// How to write them
    #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
    format: ExportFormat,
    /// Every value that was measured, in place of trials
    #[arg(long)]
    measurements: bool,
    /// Write here; - is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum ExportFormat {
    /// One JSON object a line, with curves
    Jsonl,
    /// A table as text
    Csv,
    /// A table as columns with their types, for pandas, Polars, DuckDB, Spark
    Parquet,
}

impl Export {
    /// The study that it looks at.
    pub(crate) fn target_mut(&mut self) -> Option<&mut Target> {
        self.source.target_mut()
    }

    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let to_output = self.out == Path::new("-");
        if self.format == ExportFormat::Parquet && to_output && io::stdout().is_terminal() {
            errln!("error: parquet is not for terminals. Give a file: --out trials.parquet");
            return Ok(exit::INVALID);
        }
        output::refuse_overwriting(&self.out, self.source.files())?;
        let Some(study) = self.source.load(CurveSelection::WHOLE).await? else { return Ok(exit::INVALID) };
        if let (Some(why), true) = (&study.without_curves, self.measurements || self.format == ExportFormat::Jsonl) {
            errln!("warning: {why}. Curves are left out");
        }
        let records = study.records();
        let write = |out: Box<dyn Write + Send>| -> io::Result<()> {
            match (self.format, self.measurements) {
                (ExportFormat::Jsonl, false) => jsonl(&records, out),
                (ExportFormat::Jsonl, true) => jsonl(table::measurements(&records), out),
                (ExportFormat::Csv, false) => csv::write(&[table::trials(&study.plan, &records)], out),
                (ExportFormat::Csv, true) => csv::write(table::measurement_tables(&records), out),
                (ExportFormat::Parquet, false) => {
                    parquet::write("trials", &[table::trials(&study.plan, &records)], out)
                }
                (ExportFormat::Parquet, true) => {
                    parquet::write("measurements", table::measurement_tables(&records), out)
                }
            }
        };
        if to_output {
            write(output::data()).map_err(output::failed)?;
            return Ok(exit::OK);
        }
        let failed = || format!("can't write {}", self.out.display());
        let file = File::create(&self.out).with_context(failed)?;
        write(Box::new(file)).with_context(failed)?;
        Ok(exit::OK)
    }
}

/// One object a line.
fn jsonl<T: serde::Serialize>(rows: impl IntoIterator<Item = T>, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    for row in rows {
        serde_json::to_writer(&mut out, &row)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// What the tests of both tables are made of.
#[cfg(test)]
fn examples() -> (studious_playbook::Plan, Vec<studious_playbook::record::TrialRecord>) {
    let spec = studious_api::yaml::from_str(
        "
goal: g
objective: {metric: error, direction: Minimize}
constraints: [{metric: latency_ms, max: 20}]
hyperparameters:
- {name: opt, role: Scientific, values: ['sgd, plain', adam]}
- {name: lr, when: {opt: ['sgd, plain']}, range: {min: 1.0e-6, max: 10, scale: Log}}
- {name: lr, when: {opt: [adam]}, range: {min: 1.0e-6, max: 1, scale: Log}}
- {name: step, range: {min: 1, max: 9, integer: true}}
rounds: [{name: r, trials: 4, maxTrainSteps: 100}]
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
",
    )
    .unwrap();
    let plan = studious_playbook::Plan::new("s", &spec).unwrap();
    let records = [
        r#"{"name":"a","round":"r","hyperparameters":{"opt":"sgd, plain","lr":1e-5,"step":3},"objective":0.5,"step":10,"metrics":{"latency_ms":12.5},"curves":{"error":[[5,0.75],[10,0.5]],"train_loss":[[10,2.0]]},"hosts":{"1":{"train_loss":[[10,3.0]]}}}"#,
        r#"{"name":"b","round":"r","hyperparameters":{"opt":"adam","lr":1,"step":4},"infeasible":true,"reason":"Diverged"}"#,
        r#"{"name":"c","round":"r","hyperparameters":{"opt":"adam"},"pending":true}"#,
    ]
    .map(|line| serde_json::from_str(line).unwrap());
    (plan, records.into())
}
