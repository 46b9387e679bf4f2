//! `studious run`: a study as processes of this machine.

mod detach;
pub(super) mod local;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use studious_local::{RunEnd, RunFolder};
use studious_playbook::findings;

pub(super) use self::local::{LocalRun, RunArguments};
use crate::{
    exit,
    json::Format,
    output::{self, errln, outln},
    show::{self, durations::duration},
    source::LoadedStudy,
    study_file,
};

const AFTER: &str = "\
The first container of spec.trial.template is started as a process, in the folder of FILE, with the environment of this \
shell (so activate the trainer's virtual environment first) and STUDIOUS_TRIAL_DIR, HP_<NAME> and the other variables of \
docs/trainer.md. \
Images, volumes, resources and other containers matter on a cluster alone.

Everything is kept in the folder of the run. Ctrl-C stops it, and the same command resumes it: finished \
trials are never repeated, interrupted ones resume from their checkpoints. Trials and rounds may be added in between. \
A terminal that closes does not end a run; `studious stop DIR` does, and `studious wait DIR` waits for its end.

GPUs of this machine are shared out: each host of a trial sees as many as its limit of nvidia.com/gpu says (1 without a \
limit) in CUDA_VISIBLE_DEVICES, and no more trials run at once than have theirs.

Exit codes: 0 the study is complete; 1 it failed; 2 it can't run as it is written; 130 it was interrupted.

Examples:
  studious run study.yaml
  studious run study.yaml --parallelism 8 --dir /scratch/digits
  studious run study.yaml --devices 0,1
  studious run study.yaml --detach && studious wait studious-runs/digits
  studious run study.yaml --format json | jq -c 'select(.event == \"TrialEnded\")'
  studious run study.yaml --quiet && studious findings studious-runs/digits";

/// Trials in the table at the end.
const TABLE: usize = 60;

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct RunCommand {
    /// The study file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Keep everything in this folder [default: studious-runs/<study>, here]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Run this many trials at once, in place of spec.parallelism
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    parallelism: Option<u32>,
    /// Try trials again that failed before, now that the trainer is fixed
    #[arg(long)]
    retry_failed: bool,
    /// Continue though the trainer's command, image or environment has changed since trials ended: trials say which code they ran
    #[arg(long)]
    allow_changes: bool,
    /// Run in the background: return once trials start. What it prints goes to run.log in its folder
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    shown: RunArguments,
}

impl RunCommand {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let Some(file) = study_file::read_for(&self.file, self.shown.format)? else { return Ok(exit::INVALID) };
        let path = self.dir.clone().unwrap_or_else(|| Path::new("studious-runs").join(&file.document.name));
        let folder = RunFolder::new(&path);
        if self.detach {
            return detach::detach(&file.document.name, &folder, self.shown.format).await;
        }
        let begun = std::time::Instant::now();
        let run = LocalRun {
            name: &file.document.name,
            study: &file.document.study,
            text: &file.text,
            file: &file.path,
            folder: &folder,
            parallelism: self.parallelism,
            retry_failed: self.retry_failed,
            allow_changes: self.allow_changes,
            shown: &self.shown,
        };
        let end = match run.carry_out().await? {
            Ok(end) => end,
            Err(code) => return Ok(code),
        };
        let study = local::conclude(&folder).await?;
        output::unless_closed(match self.shown.format {
            Format::Text => show_result(&study, &folder, begun.elapsed()),
            Format::Json => local::print_study(&study, &folder),
        })?;
        if end == RunEnd::Interrupted && !self.shown.format.is_json() {
            errln!("\n{}: {}", study.status, self.same_command());
        }
        Ok(local::exit_code(&end))
    }

    /// The command line that resumes it.
    fn same_command(&self) -> String {
        let mut words = vec!["studious run".to_owned(), self.file.display().to_string()];
        if let Some(dir) = &self.dir {
            words.push(format!("--dir {}", dir.display()));
        }
        if let Some(n) = self.parallelism {
            words.push(format!("--parallelism {n}"));
        }
        words.join(" ")
    }
}

/// Shows the table of trials, the best point, the findings and where the report is.
fn show_result(study: &LoadedStudy, folder: &RunFolder, took: Duration) -> anyhow::Result<()> {
    if study.trials.is_empty() {
        return Ok(());
    }
    let records = study.expected();
    let findings = findings::findings(&study.plan, &records);
    let checklist = findings::checklist(&study.plan, &records, &findings);
    outln!("\n{}", findings::verdict(&study.plan, &records, &checklist).text().trim_end())?;
    outln!("\n{}\n", show::trials::table(study, TABLE))?;
    if let Some(failures) = show::trials::failures(study) {
        outln!("{failures}")?;
    }
    if let Some(best) = show::best::best(study) {
        outln!("{best}")?;
    }
    outln!("{}\n", checklist.text().trim_end())?;
    if !findings.is_empty() {
        outln!("{}\n", findings::text(&findings).trim_end())?;
    }
    outln!("{}, after {}", study.status, duration(took))?;
    outln!("Report: {}", folder.report().display())?;
    Ok(())
}
