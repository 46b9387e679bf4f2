//! `studious run`: a study as processes of this machine.

mod detach;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use studious_api::{Study, trial::TrialPhase};
use studious_ledger::TrialRow;
use studious_local::{Devices, Error, Interrupt, KeeperCommand, Options, RunEnd, RunFolder, Shares};
use studious_playbook::{Plan, findings, numbers::count, record::CurveSelection, trial::TrialState};
use tokio::sync::mpsc;

use crate::{
    exit,
    json::{self, Format, RunEventDocument, StudyDocument},
    output::{self, errln, outln},
    show::{
        self,
        durations::duration,
        progress::{ProgressDisplay, Style},
    },
    source::{self, LoadedStudy},
    study_file::{self, StudyFile},
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
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
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
    /// Share out these GPUs, by the names that `CUDA_VISIBLE_DEVICES` has for them, or `none` [default: those of
    /// `CUDA_VISIBLE_DEVICES` if it is set, else all of this machine]
    #[arg(long, value_name = "LIST", value_parser = devices)]
    devices: Option<Devices>,
    /// Run in the background: return once trials start. What it prints goes to run.log in its folder
    #[arg(long)]
    detach: bool,
    /// How to print progress and result. JSON is an event a line, and at the end the study with its answer
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print lines in place of the progress bar
    #[arg(long)]
    no_progress: bool,
    /// Print nothing but warnings, failures and the result
    #[arg(long, short)]
    quiet: bool,
}

/// Devices of the command line.
fn devices(text: &str) -> Result<Devices, String> {
    if text == "none" {
        return Ok(Devices::default());
    }
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    let is_twice = |(i, name): (usize, &String)| names[..i].contains(name);
    if names.iter().any(String::is_empty) || names.iter().enumerate().any(is_twice) {
        return Err("expected different names with commas between, such as 0,1, or none".to_owned());
    }
    Ok(Devices::named(names))
}

impl RunCommand {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let Some(file) = study_file::read_for(&self.file, self.format)? else { return Ok(exit::INVALID) };
        let path = self.dir.clone().unwrap_or_else(|| Path::new("studious-runs").join(&file.document.name));
        let folder = RunFolder::new(&path);
        if self.detach {
            return detach::detach(&file.document.name, &folder, self.format).await;
        }
        let begun = std::time::Instant::now();
        let end = match Box::pin(self.follow(&file, &folder)).await {
            Ok(end) => end,
            Err(Error::Invalid(violations)) => {
                study_file::refuse(&self.file, &violations, self.format)?;
                errln!("{}: it can't run on this machine; nothing was started", self.file.display());
                return Ok(exit::INVALID);
            }
            Err(error @ (Error::Changed { .. } | Error::Locked { .. })) => {
                errln!("error: {error}");
                return Ok(exit::INVALID);
            }
            Err(error) => return Err(error.into()),
        };
        let study = source::load_folder(&path, CurveSelection::concluded(None)).await?;
        let code = match &end {
            RunEnd::Study(end) if studious_local::succeeded(end) => exit::OK,
            RunEnd::Study(_) => exit::FAILED,
            RunEnd::Interrupted => exit::INTERRUPTED,
        };
        // Written before anything is printed, which may have no reader any more.
        if !study.trials.is_empty() {
            super::report::write(&study, &folder.report())
                .context("the trials are kept, but the report could not be written")?;
        }
        output::unless_closed(match self.format {
            Format::Text => show_result(&study, &folder, begun.elapsed()),
            Format::Json => json::print_line(&StudyDocument {
                report: (!study.trials.is_empty()).then(|| folder.report().display().to_string()),
                ..StudyDocument::new(&study)
            }),
        })?;
        if end == RunEnd::Interrupted && !self.format.is_json() {
            errln!("\n{}: {}", study.status, self.same_command());
        }
        Ok(code)
    }

    /// Runs it and shows how far it is.
    async fn follow(&self, file: &StudyFile, folder: &RunFolder) -> Result<RunEnd, Error> {
        let study = &file.document.study;
        for note in studious_local::notes(&study.spec.trial.template) {
            errln!("{}: note: {note}", file.path.display());
        }
        let devices = self.devices.clone().unwrap_or_else(Devices::of_this_machine);
        let options = Options {
            study: study.clone(),
            text: file.text.clone(),
            folder: folder.clone(),
            working_directory: working_directory(&file.path),
            study_file: file.path.file_name().map(PathBuf::from),
            parallelism: self.parallelism,
            retry_failed: self.retry_failed,
            allow_changes: self.allow_changes,
            devices: devices.clone(),
            keeper: keeper(folder),
        };
        let plan = Plan::new(&file.document.name, &study.spec).map_err(Error::Invalid)?;
        let plan = match studious_local::taken_points(&file.document.name, &study.spec, folder).await? {
            Some(taken) => Plan::new(&file.document.name, &taken.listed_in(&study.spec)).map_err(Error::Invalid)?,
            None => plan,
        };
        let style = Style::choose(self.quiet || self.format.is_json(), self.no_progress);
        let before = trials_before(folder, &file.document.name, self.retry_failed).await;

        let (tell, mut told) = mpsc::unbounded_channel();
        let (press, interrupts) = mpsc::channel(4);
        let listener = tokio::spawn(listen(press));
        // Shown once the run has begun: it may be refused.
        let mut heading = (style != Style::Quiet).then(|| self.heading(study, &plan, &devices, folder));
        let mut progress: Option<ProgressDisplay> = None;
        let run = studious_local::run(options, tell, interrupts);
        tokio::pin!(run);
        let mut tick = tokio::time::interval(Duration::from_millis(250));
        let end = loop {
            tokio::select! {
                biased;
                Some(event) = told.recv() => {
                    heading.take().iter().for_each(|heading| errln!("{heading}"));
                    self.tell(&event);
                    progress.get_or_insert_with(|| ProgressDisplay::new(&plan, style, &before)).take(event);
                }
                end = &mut run => break end,
                _ = tick.tick() => if let Some(progress) = &progress { progress.draw() },
            }
        };
        if let Some(heading) = heading.filter(|_| end.is_ok()) {
            errln!("{heading}");
        }
        // A run that was over before anything was shown has events all the same.
        while let Ok(event) = told.try_recv() {
            self.tell(&event);
            progress.get_or_insert_with(|| ProgressDisplay::new(&plan, style, &before)).take(event);
        }
        if let Some(progress) = &progress {
            progress.finish();
        }
        listener.abort();
        end
    }

    /// What is run, and where its results are.
    fn heading(&self, study: &Study, plan: &Plan, devices: &Devices, folder: &RunFolder) -> String {
        let asked = self.parallelism.unwrap_or(study.spec.parallelism);
        // What can't be shared out is refused by the run.
        let shares = devices.shares(&study.spec.trial.template, study.spec.trial.hosts).ok().flatten();
        format!(
            "{}\n{}, {} at once{}; everything is kept in {}",
            study.spec.goal,
            count(plan.total_trials() as usize, "trial"),
            shares.map_or(asked, |shares| asked.min(shares.trials)),
            shares.map_or_else(String::new, |shares| on_devices(devices, shares)),
            folder.root().display()
        )
    }

    /// Tells programs of an event. A run doesn't end because there is no reader, or there is no room for it.
    fn tell(&self, event: &studious_local::Event) {
        if self.format.is_json() {
            let _ = json::print_line(&RunEventDocument::now(event));
        }
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

/// ` on GPUs 0, 1 and 2, 1 for each trial`.
fn on_devices(devices: &Devices, shares: Shares) -> String {
    let names = devices.names();
    let of = match names {
        [one] => format!("GPU {one}"),
        many => format!("GPUs {}", many.join(", ")),
    };
    format!(", on {of} ({} for each host of a trial)", shares.per_host)
}

/// Trials start in the folder of the study file.
fn working_directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// This program ends the trainers of a run that was killed. Where it can't be found, the next run does.
fn keeper(folder: &RunFolder) -> Option<KeeperCommand> {
    let program = std::env::current_exe().ok()?;
    Some(KeeperCommand { program, arguments: vec!["keep".into(), folder.root().into()] })
}

/// Ctrl-C, or whatever else asks this process to leave: once gently, then at once. A terminal that closes doesn't: what
/// trains for hours must not end with the connection from which it was started.
async fn listen(press: mpsc::Sender<Interrupt>) {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = (signal(kinds[0]), signal(kinds[1]), signal(kinds[2]))
    else {
        return;
    };
    let mut how = Interrupt::Gently;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => continue,
        }
        if press.send(how).await.is_err() {
            return;
        }
        how = Interrupt::AtOnce;
    }
}

/// Trials of earlier runs of the folder.
async fn trials_before(folder: &RunFolder, study: &str, retry_failed: bool) -> Vec<TrialState> {
    if !folder.ledger().exists() {
        return Vec::new();
    }
    // Only for the display: the run itself reports what is wrong with the ledger.
    let Ok(ledger) = studious_ledger::Ledger::open_to_read(folder.ledger()).await else { return Vec::new() };
    let rows = ledger.trials(study).await.unwrap_or_default();
    ledger.close().await;
    let states = rows.iter().map(TrialRow::trial_state);
    states.filter(|state| !(retry_failed && state.phase == TrialPhase::Failed)).collect()
}

/// Shows the table of trials, the best point, the findings and where the report is.
fn show_result(study: &LoadedStudy, folder: &RunFolder, took: Duration) -> anyhow::Result<()> {
    if study.trials.is_empty() {
        return Ok(());
    }
    let records = study.records();
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
