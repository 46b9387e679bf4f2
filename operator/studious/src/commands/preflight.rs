//! `studious preflight`: whether a program is ready to be tuned.

mod stages;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use studious_local::{Devices, Error};
use studious_playbook::{
    one_point::{OnePointStudy, Setting},
    preflight::{self, ShortTrial},
};

use self::stages::{Stages, observations};
use super::run::local;
use crate::{
    exit,
    json::{self, Format, PreflightDocument},
    output::{errln, outln},
    show, study_file,
};

const AFTER: &str = "\
Trains one short trial of the study's program here, as `studious run` would, then the same trial once more: killed at a checkpoint, \
resumed, asked to end (SIGTERM) and resumed again. It checks what a study takes for granted, measures what a step takes, and reports for \
each check whether it passes, fails or is unknown. What was not seen is unknown, and no pass.

Everything is kept in <runs>/<study>-preflight, and `studious plan` takes its step time from there until the study itself has run. \
docs/preflight.md explains each check.

Exit codes: 0 everything that a study needs was seen to work; 2 something was not, or the study is refused; 1 the command failed; \
130 it was interrupted.

Examples:
  studious preflight study.yaml
  studious preflight study.yaml --steps 200 --set learning_rate=0.01
  studious preflight study.yaml --format json | jq '.checks[] | select(.status != \"Passes\")'";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct PreflightCommand {
    /// The study file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Train for so many steps [default: four times the larger of evaluation.everySteps and checkpoint.everySteps, at most the
    /// first round's maxTrainSteps]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    steps: Option<u64>,
    /// Seconds that each start of the program may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    timeout: u64,
    /// The value of a hyperparameter, by its name or alias; may be given several times [default: those of the study's first
    /// quasi-random point]
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<Setting>,
    /// Keep everything in this folder [default: <runs>/<study>-preflight]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Where runs are kept
    #[arg(long, value_name = "FOLDER", default_value = "studious-runs")]
    runs: PathBuf,
    /// Use these GPUs, by the names that `CUDA_VISIBLE_DEVICES` has for them, or `none` [default: as `studious run`]
    #[arg(long, value_name = "LIST", value_parser = local::devices)]
    devices: Option<Devices>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The folder that a preflight of a study is kept in.
pub(crate) fn folder(runs: &Path, study: &str) -> PathBuf {
    runs.join(format!("{study}-preflight"))
}

/// The file in it that says what was found.
pub(crate) fn document_file(folder: &Path) -> PathBuf {
    folder.join("preflight.json")
}

impl PreflightCommand {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let Some(file) = study_file::read_for(&self.file, self.format)? else { return Ok(exit::INVALID) };
        let name = preflight::name_of_preflight(&file.document.name);
        let asked =
            ShortTrial { name: &name, settings: &self.settings, steps: self.steps, timeout_seconds: self.timeout };
        let OnePointStudy { study, warnings } = match preflight::short_trial(&file.document.study, asked) {
            Ok(short) => short,
            Err(violations) => {
                study_file::refuse(&self.file, &violations, self.format)?;
                errln!("{}: nothing was started", self.file.display());
                return Ok(exit::INVALID);
            }
        };
        for warning in &warnings {
            errln!("warning: {warning}");
        }
        let path = self.dir.clone().unwrap_or_else(|| folder(&self.runs, &file.document.name));
        let stages = Stages {
            study: &study,
            file: &self.file,
            folder: &path,
            devices: self.devices.clone().unwrap_or_else(Devices::of_this_machine),
        };
        let seen = match Box::pin(stages.carry_out()).await {
            Ok(Some(seen)) => seen,
            Ok(None) => return Ok(exit::INTERRUPTED),
            Err(Error::Invalid(violations)) => {
                study_file::refuse(&self.file, &violations, self.format)?;
                errln!("{}: it can't run on this machine; nothing was started", self.file.display());
                return Ok(exit::INVALID);
            }
            Err(error @ Error::Locked { .. }) => {
                errln!("error: {error}");
                return Ok(exit::INVALID);
            }
            Err(error) => return Err(error.into()),
        };
        let round_steps = file.document.study.spec.rounds.first().map_or(0, |round| round.max_train_steps);
        let report = preflight::judge(&observations(&study, round_steps, seen)?);
        let document = PreflightDocument {
            study: file.document.name.clone(),
            folder: path.display().to_string(),
            hyperparameters: study.spec.search.points.first().cloned().unwrap_or_default(),
            max_train_steps: study.spec.rounds.first().map_or(0, |round| round.max_train_steps),
            warnings,
            report,
        };
        let kept = document_file(&path);
        fs::write(&kept, json::text(&document)? + "\n").with_context(|| format!("can't write {}", kept.display()))?;
        match self.format {
            Format::Json => json::print(&document)?,
            Format::Text => outln!("{}", show::preflight::describe(&document))?,
        }
        Ok(if document.report.ready { exit::OK } else { exit::INVALID })
    }
}
