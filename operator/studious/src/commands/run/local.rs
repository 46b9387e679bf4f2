//! A study that is carried out as processes of this machine, and shown as it goes: what `studious run` and `studious try` share.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use studious_api::{Study, trial::TrialPhase};
use studious_ledger::TrialRow;
use studious_local::{Devices, Error, Interrupt, KeeperCommand, Options, RunEnd, RunFolder, Shares};
use studious_playbook::{Plan, numbers::count, record::CurveSelection, trial::TrialState};
use tokio::sync::mpsc;

use crate::{
    commands::report,
    exit,
    json::{self, Format, RunEventDocument, StudyDocument},
    output::errln,
    show::progress::{ProgressDisplay, Style},
    source::{self, LoadedStudy},
    study_file,
};

/// How a run uses this machine, and what it prints.
#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    /// Share out these GPUs, by the names that `CUDA_VISIBLE_DEVICES` has for them, or `none` [default: those of
    /// `CUDA_VISIBLE_DEVICES` if it is set, else all of this machine]
    #[arg(long, value_name = "LIST", value_parser = devices)]
    pub devices: Option<Devices>,
    /// How to print progress and result. JSON is an event a line, and at the end the study with its answer
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Print lines in place of the progress bar
    #[arg(long)]
    pub no_progress: bool,
    /// Print nothing but warnings, failures and the result
    #[arg(long, short)]
    pub quiet: bool,
}

/// Devices of the command line.
pub(crate) fn devices(text: &str) -> Result<Devices, String> {
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

/// A study that is to be carried out here.
pub(crate) struct LocalRun<'a> {
    /// Its name.
    pub name: &'a str,
    /// The study.
    pub study: &'a Study,
    /// Its text, which is kept.
    pub text: &'a str,
    /// The file that it was read from, in whose folder trainers start.
    pub file: &'a Path,
    /// Where everything is kept.
    pub folder: &'a RunFolder,
    /// Trials at once, in place of the study's.
    pub parallelism: Option<u32>,
    /// Begin trials again that failed in an earlier run.
    pub retry_failed: bool,
    /// Continue though what trials execute has changed.
    pub allow_changes: bool,
    /// How it uses this machine, and what it prints.
    pub shown: &'a RunArguments,
}

impl LocalRun<'_> {
    /// Runs it and shows how far it is. A study that is refused is reported; its exit code then.
    pub(crate) async fn carry_out(&self) -> anyhow::Result<Result<RunEnd, u8>> {
        match Box::pin(self.follow()).await {
            Ok(end) => Ok(Ok(end)),
            Err(Error::Invalid(violations)) => {
                study_file::refuse(self.file, &violations, self.shown.format)?;
                errln!("{}: it can't run on this machine; nothing was started", self.file.display());
                Ok(Err(exit::INVALID))
            }
            Err(error @ (Error::Changed { .. } | Error::Locked { .. })) => {
                errln!("error: {error}");
                Ok(Err(exit::INVALID))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn follow(&self) -> Result<RunEnd, Error> {
        let study = self.study;
        for note in studious_local::notes(&study.spec.trial.template) {
            errln!("{}: note: {note}", self.file.display());
        }
        let devices = self.shown.devices.clone().unwrap_or_else(Devices::of_this_machine);
        let options = Options {
            study: study.clone(),
            text: self.text.to_owned(),
            folder: self.folder.clone(),
            working_directory: working_directory(self.file),
            study_file: self.file.file_name().map(PathBuf::from),
            parallelism: self.parallelism,
            retry_failed: self.retry_failed,
            allow_changes: self.allow_changes,
            devices: devices.clone(),
            keeper: keeper(self.folder),
        };
        let plan = Plan::new(self.name, &study.spec).map_err(Error::Invalid)?;
        let plan = match studious_local::taken_points(self.name, &study.spec, self.folder).await? {
            Some(taken) => Plan::new(self.name, &taken.listed_in(&study.spec)).map_err(Error::Invalid)?,
            None => plan,
        };
        let style = Style::choose(self.shown.quiet || self.shown.format.is_json(), self.shown.no_progress);
        let before = trials_before(self.folder, self.name, self.retry_failed).await;

        let (tell, mut told) = mpsc::unbounded_channel();
        let (press, interrupts) = mpsc::channel(4);
        let listener = tokio::spawn(listen(press));
        // Shown once the run has begun: it may be refused.
        let mut heading = (style != Style::Quiet).then(|| self.heading(&plan, &devices));
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
    fn heading(&self, plan: &Plan, devices: &Devices) -> String {
        let spec = &self.study.spec;
        let asked = self.parallelism.unwrap_or(spec.parallelism);
        // What can't be shared out is refused by the run.
        let shares = devices.shares(&spec.trial.template, spec.trial.hosts).ok().flatten();
        format!(
            "{}\n{}, {} at once{}; everything is kept in {}",
            spec.goal,
            count(plan.total_trials() as usize, "trial"),
            shares.map_or(asked, |shares| asked.min(shares.trials)),
            shares.map_or_else(String::new, |shares| on_devices(devices, shares)),
            self.folder.root().display()
        )
    }

    /// Tells programs of an event. A run doesn't end because there is no reader, or there is no room for it.
    fn tell(&self, event: &studious_local::Event) {
        if self.shown.format.is_json() {
            let _ = json::print_line(&RunEventDocument::now(event));
        }
    }
}

/// Reads the study of a folder whose run has ended, and writes its report: before anything is printed, which may have no reader
/// any more.
pub(crate) async fn conclude(folder: &RunFolder) -> anyhow::Result<LoadedStudy> {
    let study = source::load_folder(folder.root(), CurveSelection::concluded(None)).await?;
    if !study.trials.is_empty() {
        report::write(&study, &folder.report()).context("the trials are kept, but the report could not be written")?;
    }
    Ok(study)
}

/// Prints the study with its answer on one line.
pub(crate) fn print_study(study: &LoadedStudy, folder: &RunFolder) -> anyhow::Result<()> {
    json::print_line(&StudyDocument {
        report: (!study.trials.is_empty()).then(|| folder.report().display().to_string()),
        ..StudyDocument::new(study)
    })
}

/// What a run exits with.
pub(crate) fn exit_code(end: &RunEnd) -> u8 {
    match end {
        RunEnd::Study(end) if studious_local::succeeded(end) => exit::OK,
        RunEnd::Study(_) => exit::FAILED,
        RunEnd::Interrupted => exit::INTERRUPTED,
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
pub(crate) fn working_directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// This program ends the trainers of a run that was killed. Where it can't be found, the next run does.
pub(crate) fn keeper(folder: &RunFolder) -> Option<KeeperCommand> {
    let program = std::env::current_exe().ok()?;
    Some(KeeperCommand { program, arguments: vec!["keep".into(), folder.root().into()] })
}

/// Ctrl-C, or whatever else asks this process to leave: once gently, then at once. A terminal that closes doesn't: what
/// trains for hours must not end with the connection from which it was started.
pub(crate) async fn listen(press: mpsc::Sender<Interrupt>) {
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
