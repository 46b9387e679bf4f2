//! `studious try`: one trial of values that are set by hand.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use studious_api::{Study, yaml};
use studious_local::{RunEnd, RunFolder};
use studious_playbook::{
    findings,
    one_point::{self, OnePointStudy, Setting},
};
use studious_rules::Severity;

use super::run::local::{self, LocalRun, RunArguments};
use crate::{
    exit,
    json::{self, Format, ValidatedFile, ValidationDocument},
    output::{self, errln, outln},
    show,
    source::{self, LoadedStudy},
    study_file,
};

const AFTER: &str = "\
Trains one trial at the given values, as `studious run` would: the trial-and-error runs that lead to a baseline. It is a study of \
one trial, called <study>-try-1, -2, … (the next that is free), kept among the runs, and `top`, `report`, `findings`, `plot`, `ui` \
and `export` show it like any other. All tries of a study have the same seeds: only the values differ.

Fixed hyperparameters and those with one value need not be given; all others that exist at the point must be. A value outside \
the study's range, or in place of a Fixed one, is tried with a warning. The trial trains for the first round's maxTrainSteps; \
the study's schedule, constraints, evaluation and checkpoints apply, retraining, early ending and the search do not.

The same command with --name resumes a try that was interrupted.

Exit codes: 0 the trial is a result; 1 it failed; 2 the values are wrong or incomplete, and nothing was started; 130 it was \
interrupted.

Examples:
  studious try study.yaml --set learning_rate=0.1
  studious try study.yaml --set learning_rate=0.1 --set width=64 --steps 500
  studious try study.yaml --set optim.lr=0.1 --format json | tail -n 1 | jq .best.objective";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Try {
    /// The study file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The value of a hyperparameter, by its name or alias; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<Setting>,
    /// Train for so many steps [default: the first round's maxTrainSteps]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    steps: Option<u64>,
    /// Call the try so; an interrupted one of this name is resumed [default: <study>-try-1, -2, …]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Keep everything in this folder [default: <runs>/<name>]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Where runs are kept, tries of this study among them
    #[arg(long, value_name = "FOLDER", default_value = "studious-runs")]
    runs: PathBuf,
    #[command(flatten)]
    shown: RunArguments,
}

impl Try {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        // `studious validate` says what the playbook advises against.
        let file = match study_file::read(&self.file)? {
            Ok(file) => file,
            Err(problems) => {
                study_file::tell_problems(&problems);
                if self.shown.format.is_json() {
                    let wrong = ValidatedFile::invalid(self.file.display().to_string(), &problems);
                    json::print_line(&ValidationDocument::new(vec![wrong]))?;
                }
                return Ok(exit::INVALID);
            }
        };
        let of = &file.document.study;
        let name = self.name.clone().unwrap_or_else(|| one_point::name_of_try(&file.document.name, 1));
        let OnePointStudy { mut study, warnings } = match one_point::by_hand(of, &name, &self.settings, self.steps) {
            Ok(tried) => tried,
            Err(violations) => {
                study_file::refuse(&self.file, &violations, self.shown.format)?;
                errln!("{}: nothing was started", self.file.display());
                return Ok(exit::INVALID);
            }
        };
        for warning in warnings {
            errln!("warning: {warning}");
        }
        let (name, folder) = self.place(&file.document.name)?;
        study.metadata.name = Some(name.clone());
        let run = LocalRun {
            name: &name,
            study: &study,
            text: &text_of(&study)?,
            file: &self.file,
            folder: &folder,
            parallelism: None,
            retry_failed: false,
            allow_changes: false,
            shown: &self.shown,
        };
        let end = match run.carry_out().await {
            Ok(Ok(end)) => end,
            refused => {
                // A folder that was made for it, and is empty, is not kept.
                let _ = fs::remove_dir(folder.root());
                return refused?.map(|_| exit::FAILED).or_else(Ok);
            }
        };
        let tried = local::conclude(&folder).await?;
        let others = source::tries(&self.runs, &file.document.name, folder.root()).await;
        output::unless_closed(match self.shown.format {
            Format::Text => show_result(&tried, &folder, &others),
            Format::Json => local::print_study(&tried, &folder),
        })?;
        if end == RunEnd::Interrupted && !self.shown.format.is_json() {
            errln!("\n{}: {}", tried.status, self.same_command(&name));
        }
        Ok(local::exit_code(&end))
    }

    /// The name of the try and its folder, which is made for a name that is chosen here: two tries at once have two names.
    fn place(&self, study: &str) -> anyhow::Result<(String, RunFolder)> {
        if let Some(name) = &self.name {
            let path = self.dir.clone().unwrap_or_else(|| self.runs.join(name));
            return Ok((name.clone(), RunFolder::new(path)));
        }
        let mut number = 1;
        loop {
            let name = one_point::name_of_try(study, number);
            let path = self.runs.join(&name);
            if let Some(dir) = &self.dir
                && !path.exists()
            {
                return Ok((name, RunFolder::new(dir)));
            }
            fs::create_dir_all(&self.runs).with_context(|| format!("can't make {}", self.runs.display()))?;
            match fs::create_dir(&path) {
                Ok(()) => return Ok((name, RunFolder::new(path))),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error).with_context(|| format!("can't make {}", path.display())),
            }
        }
    }

    /// The command line that resumes it.
    fn same_command(&self, name: &str) -> String {
        let mut words = vec!["studious try".to_owned(), self.file.display().to_string()];
        words.extend(self.settings.iter().map(|setting| format!("--set {}={}", setting.name, setting.text)));
        words.extend(self.steps.map(|steps| format!("--steps {steps}")));
        words.push(format!("--name {name}"));
        words.extend(self.dir.as_ref().map(|dir| format!("--dir {}", dir.display())));
        if self.runs != Path::new("studious-runs") {
            words.push(format!("--runs {}", self.runs.display()));
        }
        words.join(" ")
    }
}

/// A study as a file.
fn text_of(study: &Study) -> anyhow::Result<String> {
    yaml::to_string(study).context("the study of the try can't be written")
}

/// Shows what became of the trial, what its curves show, and all tries of the study.
fn show_result(tried: &LoadedStudy, folder: &RunFolder, others: &[LoadedStudy]) -> anyhow::Result<()> {
    let Some(trial) = tried.trials.first() else { return Ok(()) };
    match show::best::best(tried) {
        Some(best) => outln!("\n{best}")?,
        None => outln!("\n{}: {}. {}\n", trial.record.name, show::trials::result(trial), trial.message)?,
    }
    let mut findings = findings::findings(&tried.plan, &tried.records());
    // What is best of one trial has been said.
    findings.retain(|finding| finding.severity > Severity::Info);
    if !findings.is_empty() {
        outln!("{}\n", findings::text(&findings).trim_end())?;
    }
    if let Some(table) = show::tries::table(tried, others) {
        outln!("{table}\n")?;
    }
    outln!("Report: {}", folder.report().display())
}
