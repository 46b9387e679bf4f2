//! The run itself: what `next` and `judge` say, carried out as processes of this machine.

mod acting;
mod looking;
mod opening;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use studious_api::{Study, study::StudyPhase};
use studious_ledger::Ledger;
use studious_playbook::{
    Millis, Plan, TrialKey,
    decide::Progress,
    study::{self, StudyEnd, View},
};
use tokio::sync::mpsc;

use crate::{
    Devices, Error, Event, KeeperCommand, RunFolder,
    devices::DevicePool,
    git::GitFolder,
    leftovers::Keeper,
    memory::OutOfMemoryKills,
    process::{Exit, HostId},
    record::Records,
    suggestions::Suggestions,
    trial::{Trial, now},
};

/// How often files are looked at.
const TICK: Duration = Duration::from_millis(100);

/// What a run needs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The study, already read.
    pub study: Study,
    /// Its text, which is kept in the folder.
    pub text: String,
    /// Where everything is kept.
    pub folder: RunFolder,
    /// Where trainers start: the folder of the study file.
    pub working_directory: PathBuf,
    /// The name of the study file there, whose changes are no changes of code.
    pub study_file: Option<PathBuf>,
    /// Trials at once, in place of the study's.
    pub parallelism: Option<u32>,
    /// Begin trials again that failed in an earlier run.
    pub retry_failed: bool,
    /// Continue though what trials execute has changed since some have ended with a result.
    pub allow_changes: bool,
    /// The accelerators that are shared out to trials.
    pub devices: Devices,
    /// What ends the trainers if this process is killed. Without it they train on until the next run ends them.
    pub keeper: Option<KeeperCommand>,
}

/// How a person ends a run before its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Interrupt {
    /// Let trainers leave by themselves.
    Gently,
    /// Kill them.
    AtOnce,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEnd {
    /// The study has ended.
    Study(StudyEnd),
    /// It was interrupted, and continues when it is run again.
    Interrupted,
}

/// Runs a study to its end, or until it is interrupted. What an earlier run of the folder has finished isn't repeated;
/// trials that it was training continue from their checkpoints.
///
/// # Errors
/// When the study can't run here, another run has the folder, the study was changed where it can't, or the disk fails.
pub async fn run(
    options: Options,
    events: mpsc::UnboundedSender<Event>,
    mut interrupts: mpsc::Receiver<Interrupt>,
) -> Result<RunEnd, Error> {
    let (mut run, _lock) = Box::pin(Run::open(options, events)).await?;
    let end = Box::pin(run.go(&mut interrupts)).await;
    run.ledger.close().await;
    end
}

struct Run {
    plan: Plan,
    folder: RunFolder,
    records: Records,
    working_directory: PathBuf,
    git: GitFolder,
    grace: Duration,
    ledger: Ledger,
    study_uid: String,
    trials: BTreeMap<TrialKey, Trial>,
    keys: BTreeMap<String, TrialKey>,
    events: mpsc::UnboundedSender<Event>,
    tell_exit: mpsc::UnboundedSender<(HostId, Exit)>,
    exits: mpsc::UnboundedReceiver<(HostId, Exit)>,
    kills: OutOfMemoryKills,
    suggestions: Suggestions,
    /// Accelerators that trials share, if there are any.
    devices: Option<DevicePool>,
    /// What is known of the trials, for decisions.
    view: View,
    /// Trials of which an attempt is running.
    active: BTreeSet<TrialKey>,
    /// When something is due though nothing happens.
    wake_at: Option<Millis>,
    /// Whether anything has changed since it was asked what to do next.
    changed: bool,
}

/// Dropped last to first: the keeper leaves before the lock is given back.
struct Held {
    _keeper: Option<Keeper>,
    _lock: std::fs::File,
}

impl Run {
    fn insert(&mut self, trial: Trial) {
        let key = TrialKey::of(&trial.row.spec);
        self.keys.insert(trial.row.name.clone(), key.clone());
        if trial.attempt.is_some() {
            self.active.insert(key.clone());
        }
        self.trials.insert(key.clone(), trial);
        self.note(&key);
    }

    /// Takes what has become of a trial into the view.
    fn note(&mut self, key: &TrialKey) {
        let Some(trial) = self.trials.get_mut(key) else { return };
        self.view.put(&self.plan, trial.row.trial_state());
        if study::may_end_early(&self.plan, &key.round) {
            let direction = self.plan.spec().objective.direction;
            self.view.observe(key, Some(trial.evaluations.trace(direction, &trial.progress)));
        } else if trial.row.state.phase.has_ended() {
            // They are not read any more, and there may be ten thousand.
            trial.progress = Progress::default();
        }
        self.changed = true;
    }

    async fn go(&mut self, interrupts: &mut mpsc::Receiver<Interrupt>) -> Result<RunEnd, Error> {
        let mut stopping = false;
        let mut finish: Option<StudyEnd> = None;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut more = false;
        loop {
            // Doing what is next may change something at once: a trial that waited for another attempt ends when stopped.
            while !stopping && finish.is_none() && (std::mem::take(&mut self.changed) || self.is_due()) {
                finish = self.act().await?;
            }
            if self.active.is_empty() {
                if let Some(end) = finish {
                    return Ok(RunEnd::Study(end));
                }
                if stopping {
                    return Ok(RunEnd::Interrupted);
                }
            }
            tokio::select! {
                Some((id, exit)) = self.exits.recv() => self.exited(&id, exit),
                chosen = self.suggestions.chosen() => {
                    self.view.suggest(chosen?);
                    self.changed = true;
                }
                Some(how) = interrupts.recv() => {
                    self.interrupt(how);
                    stopping = true;
                }
                _ = tick.tick(), if !more => {}
                () = std::future::ready(()), if more => {}
            }
            more = self.look(stopping).await?;
            self.conclude().await?;
        }
    }

    fn is_due(&self) -> bool {
        self.wake_at.is_some_and(|at| at <= now())
    }

    fn interrupt(&mut self, how: Interrupt) {
        let mut running = 0;
        for key in &self.active {
            if let Some(attempt) = self.trials.get_mut(key).and_then(|trial| trial.attempt.as_mut()) {
                running += 1;
                match how {
                    Interrupt::Gently => attempt.stop(self.grace),
                    Interrupt::AtOnce => attempt.lose_patience(true),
                }
            }
        }
        self.tell(Event::Stopping { running });
    }

    fn tell(&self, event: Event) {
        // There may be no listener.
        let _ = self.events.send(event);
    }
}

/// Whether a study's end is one to be glad of.
#[must_use]
pub fn succeeded(end: &StudyEnd) -> bool {
    end.phase == StudyPhase::Completed
}
