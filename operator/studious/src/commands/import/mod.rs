//! `studious import`: trials that ran elsewhere, as the JSON lines that every other command reads.

mod columns;
mod left_out;
mod measurements;
pub(crate) mod notes;
mod options;
mod outcome;
mod parquet_text;
mod point;
mod sheet;
mod table;
mod tensorboard;

use std::{
    collections::BTreeSet,
    fmt,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use studious_playbook::{
    Plan,
    numbers::count,
    record::TrialRecord,
    trial::{self, Ranked},
};

use crate::{
    exit,
    output::{self, errln},
    study_file,
};
use left_out::OmittedTrials;
use options::{ImportFormat, ImportOptions, Mapping, WithoutObjective};

/// How many problems are reported.
const MOST_TOLD: usize = 20;

const AFTER: &str = "\
A CSV or Parquet file has a row for each trial. Columns are found by their names: those of `studious export --format csv`, of \
Optuna's trials_dataframe (params_NAME, value, state), of Ray Tune's results (config/NAME, trial_id), of Weights & Biases' \
and of MLflow's export (params.NAME, metrics.NAME, status). --map and --metric name others.

A folder holds TensorBoard's event files: one folder for each trial, its hyperparameters from the HParams plugin, or else \
from hparams.yaml, hparams.json, params.json, config.yaml or config.json beside the events.

Every point is checked against the study: what is not in its search space is an error with its line and column. What was not read is \
named on standard error.

Examples:
  studious import trials.csv --study study.yaml --out trials.jsonl
  studious import runs --study study.yaml --metric validation_error=val/error --out trials.jsonl
  studious import sweep.csv --study study.yaml --map learning_rate=lr --objective val_loss \
| studious findings --study study.yaml --trials -";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Import {
    /// A CSV or Parquet file, or folders with TensorBoard's event files
    #[arg(required = true, value_name = "FILE_OR_FOLDER")]
    sources: Vec<PathBuf>,
    /// The study file whose trials they are
    #[arg(long, value_name = "FILE")]
    study: PathBuf,
    /// What is read [default: a folder is TensorBoard's, a file CSV]
    #[arg(long, value_enum)]
    format: Option<ImportFormat>,
    /// The column or key of a hyperparameter; may be given again
    #[arg(long = "map", value_name = "HYPERPARAMETER=COLUMN")]
    map: Vec<Mapping>,
    /// The column or tag of a metric; may be given again
    #[arg(long = "metric", value_name = "METRIC=COLUMN")]
    metrics: Vec<Mapping>,
    /// The column or tag of the objective
    #[arg(long, value_name = "COLUMN")]
    objective: Option<String>,
    /// The round that all of them belong to [default: the column round, or none]
    #[arg(long, value_name = "ROUND")]
    round: Option<String>,
    /// CSV: the column with the trials' names
    #[arg(long, value_name = "COLUMN")]
    name: Option<String>,
    /// CSV: the column with the step of the objective
    #[arg(long, value_name = "COLUMN")]
    step: Option<String>,
    /// CSV: the column that says how a trial ended
    #[arg(long, value_name = "COLUMN")]
    state: Option<String>,
    /// CSV: the column that says why
    #[arg(long, value_name = "COLUMN")]
    reason: Option<String>,
    /// CSV: a second file with curves: columns trial, metric, step, value, and host if there are several
    #[arg(long, value_name = "FILE")]
    measurements: Option<PathBuf>,
    /// CSV: what stands between cells, \t for a tab [default: the one of , ; and tab that the heading has most]
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,
    /// CSV: what a word in the column of the state means: succeeded, infeasible, failed, pruned, stopped or pending; may be
    /// given again
    #[arg(long = "state-word", value_name = "WORD=OUTCOME")]
    state_words: Vec<Mapping>,
    /// The value of a hyperparameter where there is none, such as Optuna's None; may be given again
    #[arg(long, value_name = "HYPERPARAMETER=VALUE")]
    empty: Vec<Mapping>,
    /// Leave out what was measured before this step
    #[arg(long, value_name = "STEP", default_value_t = 0)]
    from_step: u64,
    /// Leave out trials that are wrong, each with its error, and import the others
    #[arg(long)]
    skip_invalid: bool,
    /// What a trial without an objective is, where nothing says how it ended [default: an error]
    #[arg(long, value_enum, value_name = "OUTCOME")]
    without_objective: Option<WithoutObjective>,
    /// TensorBoard: the file with the hyperparameters in each trial's folder
    #[arg(long, value_name = "FILE")]
    sidecar: Option<String>,
    /// Write here; - is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

/// Something that is wrong with what is imported, at its place.
#[derive(Clone, Debug, Eq, PartialEq)]
struct ImportProblem {
    /// `trials.csv:3:14`, or a file or folder.
    place: String,
    /// What is wrong, and the fix.
    message: String,
}

impl fmt::Display for ImportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: error: {}", self.place, self.message)
    }
}

/// What was found.
#[derive(Debug, Default)]
struct Imported {
    trials: Vec<TrialRecord>,
    /// What is wrong with the whole.
    problems: Vec<ImportProblem>,
    left_out: OmittedTrials,
    /// What was taken for what, each a sentence.
    notes: Vec<String>,
}

impl Import {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        tokio::task::spawn_blocking(move || self.import()).await?
    }

    fn import(self) -> anyhow::Result<u8> {
        let inputs = self.sources.iter().chain([&self.study]).chain(&self.measurements);
        output::refuse_overwriting(&self.out, inputs.map(PathBuf::as_path))?;
        let Some(file) = study_file::read_and_tell(&self.study)? else { return Ok(exit::INVALID) };
        let Ok(plan) = Plan::new(&file.document.name, &file.document.study.spec).inspect_err(|violations| {
            study_file::tell_violations(&file.path, violations);
        }) else {
            return Ok(exit::INVALID);
        };
        let options = match self.options(&plan) {
            Ok(options) => options,
            Err(why) => {
                errln!("error: {why}");
                return Ok(exit::INVALID);
            }
        };
        if let Some(missing) = self.sources.iter().find(|path| !path.exists()) {
            errln!("error: {}: no such file or folder", missing.display());
            return Ok(exit::FAILED);
        }
        let found = if self.reads_tensorboard() {
            tensorboard::read(&self.sources, &plan, &options)?
        } else {
            let [path] = self.sources.as_slice() else {
                errln!("error: a CSV file holds all trials: give one. --format tensorboard reads several folders");
                return Ok(exit::INVALID);
            };
            table::read(path, self.measurements.as_deref(), &plan, &options)?
        };
        self.finish(&plan, found)
    }

    /// Tells what is wrong, or writes the trials and tells what to know of them.
    fn finish(&self, plan: &Plan, found: Imported) -> anyhow::Result<u8> {
        let mut errors = found.problems;
        errors.extend(found.left_out.errors(self.skip_invalid, !found.trials.is_empty()));
        let told = if errors.is_empty() { found.left_out.wrong() } else { &errors };
        for problem in told.iter().take(MOST_TOLD) {
            errln!("{problem}");
        }
        if !errors.is_empty() {
            let more = errors.len().saturating_sub(MOST_TOLD);
            let hidden = if more > 0 { format!(", of which {more} are not shown") } else { String::new() };
            let skip = if found.trials.is_empty() || self.skip_invalid || found.left_out.wrong().is_empty() {
                ""
            } else {
                ". --skip-invalid leaves out what is wrong and imports the rest"
            };
            errln!("{}{hidden}; nothing was written{skip}", count(errors.len(), "error"));
            return Ok(exit::INVALID);
        }
        let noun = if self.reads_tensorboard() { "folder" } else { "row" };
        let left_out = found.left_out.sentences(noun);
        for note in left_out.iter().chain(&found.notes).chain(&notes::suspicions(plan, &found.trials)) {
            errln!("note: {note}");
        }
        self.write(&found.trials)?;
        errln!("{}", summary(&found.trials));
        Ok(exit::OK)
    }

    fn reads_tensorboard(&self) -> bool {
        let looks_so = |path: &PathBuf| {
            path.is_dir() || path.file_name().is_some_and(|name| name.to_string_lossy().contains("tfevents"))
        };
        self.format.map_or_else(|| self.sources.iter().all(looks_so), |format| format == ImportFormat::Tensorboard)
    }

    /// What the command line says, checked against the study.
    fn options(&self, plan: &Plan) -> Result<ImportOptions, String> {
        let mut metrics = options::collected(&self.metrics, "--metric")?;
        let objective = &plan.spec().objective.metric;
        if let Some(column) = &self.objective
            && metrics.insert(objective.clone(), column.clone()).is_some()
        {
            return Err(format!("--objective {column}: --metric names a column for {objective} too. Give one of them"));
        }
        let options = ImportOptions {
            hyperparameters: options::of_hyperparameters(plan, &self.map, "--map")?,
            metrics,
            round: self.round.clone(),
            name: self.name.clone(),
            step: self.step.clone(),
            state: self.state.clone(),
            reason: self.reason.clone(),
            delimiter: match &self.delimiter {
                None => None,
                Some(text) => Some(options::delimiter(text).map_err(|why| format!("--delimiter {text}: {why}"))?),
            },
            without_objective: self.without_objective,
            sidecar: self.sidecar.clone(),
            empty: options::of_hyperparameters(plan, &self.empty, "--empty")?,
            state_words: options::state_words(&self.state_words)?,
            from_step: self.from_step,
        };
        options.check(plan, self.reads_tensorboard(), self.measurements.is_some())?;
        Ok(options)
    }

    /// Writes the trials.
    fn write(&self, trials: &[TrialRecord]) -> anyhow::Result<()> {
        let lines = |out: &mut dyn Write| -> io::Result<()> {
            let mut out = BufWriter::new(out);
            for trial in trials {
                serde_json::to_writer(&mut out, trial)?;
                out.write_all(b"\n")?;
            }
            out.flush()
        };
        if self.out == Path::new("-") {
            return lines(&mut output::data()).map_err(output::failed);
        }
        let failed = || format!("can't write {}", self.out.display());
        lines(&mut File::create(&self.out).with_context(failed)?).with_context(failed)?;
        Ok(())
    }
}

fn summary(trials: &[TrialRecord]) -> String {
    let counts = trial::counts(0, trials.iter().map(Ranked::phase));
    let by_phase: Vec<String> = [
        (counts.failed, "failed"),
        (counts.infeasible, "infeasible"),
        (counts.pending, "pending"),
        (counts.stopped, "stopped"),
        (counts.succeeded, "succeeded"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    let by_phase = if by_phase.is_empty() { String::new() } else { format!(" ({})", by_phase.join(", ")) };
    let with_curves = trials.iter().filter(|trial| !trial.curves.is_empty()).count();
    format!("{}{by_phase}, {with_curves} of them with curves", count(trials.len(), "trial"))
}

/// The trials of a table that `studious export` wrote, and all that was said about them.
#[cfg(test)]
pub(crate) fn of_table(path: &Path, plan: &Plan) -> (Vec<TrialRecord>, Vec<String>) {
    let found = table::read(path, None, plan, &ImportOptions::default()).unwrap();
    let errors = found.left_out.errors(false, false);
    let told = found.problems.iter().chain(&errors).map(ToString::to_string).chain(found.notes).collect();
    (found.trials, told)
}

/// Names in a sentence, of many the first few.
fn listed(names: &BTreeSet<String>) -> String {
    const MOST: usize = 12;
    let text = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(MOST) {
        Some(more @ 1..) => format!("{text} and {more} more"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-083: not `1 trials`, and not `0 trials ()`.
    #[test]
    fn what_was_read_is_counted_in_words() {
        assert_eq!(summary(&[]), "0 trials, 0 of them with curves");
        assert_eq!(summary(&[TrialRecord::default()]), "1 trial (1 pending), 0 of them with curves");
    }
}
