//! The run itself: what `next` and `judge` say, carried out as processes of this machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use studious_api::{Study, study::StudyPhase, trial::TrialPhase};
use studious_ledger::{Ledger, RunState, StudyRow, TrialRow};
use studious_playbook::{
    Millis, Plan, PlannedTrial, TrialKey,
    decide::{Progress, TrialEnd, Verdict},
    study::{self, StopTrial, StudyEnd, View},
};
use tokio::sync::mpsc;

use crate::{
    Error, Event, KeeperCommand, RunFolder,
    attempt::Attempt,
    code,
    earlier::earlier_studies,
    folder::replace,
    leftovers::{self, Keeper},
    memory::OutOfMemoryKills,
    points::taken_points,
    process::{Exit, HostId},
    record::{self, Records},
    suggestions::Suggestions,
    trainer,
    trial::{Trial, now},
    unchanged,
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
    /// Trials at once, in place of the study's.
    pub parallelism: Option<u32>,
    /// Begin trials again that failed in an earlier run.
    pub retry_failed: bool,
    /// Go on though what trials execute has changed since some have ended with a result.
    pub allow_changes: bool,
    /// How long trainers have between SIGTERM and SIGKILL.
    pub grace: Duration,
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
    /// It was interrupted, and goes on when it is run again.
    Interrupted,
}

/// Runs a study to its end, or until it is interrupted. What an earlier run of the folder has finished isn't repeated;
/// trials that it was training go on from their checkpoints.
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
    /// What is known of the trials, for decisions.
    view: View,
    /// Trials of which an attempt is under way.
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
    async fn open(options: Options, events: mpsc::UnboundedSender<Event>) -> Result<(Self, Held), Error> {
        let mut spec = options.study.spec.clone();
        if let Some(parallelism) = options.parallelism {
            spec.parallelism = parallelism;
        }
        let name = options.study.metadata.name.clone().unwrap_or_default();
        let mut plan = Plan::new(&name, &spec).map_err(Error::Invalid)?;
        let refusals = trainer::refusals(&spec.trial.template, &options.working_directory);
        if !refusals.is_empty() {
            return Err(Error::Invalid(refusals));
        }
        let folder = options.folder;
        let lock = folder.lock()?;
        let before = folder.study_as_run()?;
        let leftovers = leftovers::end_leftovers(&folder)?;
        let ledger = Ledger::open(folder.ledger()).await?;
        let (records, rows, rebuilt) =
            record::reconcile(&folder, &ledger, before.as_ref().unwrap_or(&options.study)).await?;
        if let Some(before) = &before {
            let mut begun: Vec<String> = rows.iter().map(|row| row.spec.round.clone()).collect();
            begun.dedup();
            let mut changes = unchanged::forbidden_changes(before, &options.study, &begun);
            if !options.allow_changes && rows.iter().any(has_result) {
                changes.extend(unchanged::code_changes(before, &options.study));
            }
            if !changes.is_empty() && !rows.is_empty() {
                return Err(Error::Changed { folder: folder.root().to_owned(), changes });
            }
        }
        if let Some(taken) = taken_points(&name, &spec, &folder).await? {
            // First written down: a run that is killed now goes on with them.
            replace(&folder.points(), &taken.text())?;
            plan = Plan::new(&name, &taken.listed_in(&spec)).map_err(Error::Invalid)?;
        }
        replace(&folder.study_file(), &options.text)?;
        ledger
            .upsert_study(&StudyRow {
                uid: name.clone(),
                namespace: String::new(),
                name: name.clone(),
                spec: options.study.spec.clone(),
                created: now(),
            })
            .await?;
        let runs = folder.root().parent().filter(|parent| !parent.as_os_str().is_empty());
        let earlier = earlier_studies(&plan, runs.unwrap_or(Path::new("."))).await?;
        let keeper = options.keeper.as_ref().map(|command| Keeper::start(command, &lock)).transpose()?;

        let (tell_exit, exits) = mpsc::unbounded_channel();
        let mut run = Self {
            plan,
            folder,
            records,
            working_directory: options.working_directory,
            grace: options.grace,
            ledger,
            study_uid: name,
            trials: BTreeMap::new(),
            keys: BTreeMap::new(),
            events,
            tell_exit,
            exits,
            kills: OutOfMemoryKills::begin(),
            suggestions: Suggestions::default(),
            view: View::default(),
            active: BTreeSet::new(),
            wake_at: None,
            changed: true,
        };
        if rebuilt > 0 {
            run.tell(Event::Rebuilt { trials: rebuilt });
        }
        for other in &earlier {
            let (results, trials) = (other.usable(&run.plan), other.trials.len());
            run.tell(Event::StartsFrom { study: other.name.clone(), results, trials });
        }
        run.suggestions = Suggestions::new(earlier);
        run.resume(rows, options.retry_failed, leftovers).await?;
        Ok((run, Held { _keeper: keeper, _lock: lock }))
    }

    /// Takes over what an earlier run has left.
    async fn resume(&mut self, rows: Vec<TrialRow>, retry_failed: bool, leftovers: usize) -> Result<(), Error> {
        let had_any = !rows.is_empty();
        let (mut ended, mut interrupted) = (0, 0);
        for mut row in rows {
            if retry_failed && row.state.phase == TrialPhase::Failed {
                // Its attempts were spent on what has been mended since.
                row.state = RunState {
                    phase: TrialPhase::Retrying,
                    attempt: row.state.attempt,
                    retry_at: Some(now()),
                    start_time: row.state.start_time,
                    ..RunState::default()
                };
            }
            // The trainer may have been mended; the point and its budget can't have been.
            row.spec.template = self.plan.spec().trial.template.clone();
            row.spec.failure = self.plan.spec().failure.clone();
            row.spec.timeout_seconds = self.plan.spec().trial.timeout_seconds;
            let key = TrialKey { round: row.spec.round.clone(), index: row.spec.index };
            if row.state.phase.has_ended() {
                ended += 1;
                let mut progress = Progress::default();
                if study::may_end_early(&self.plan, &key.round) {
                    progress.evaluations = self.ledger.progress(&row.uid, &row.spec).await?.evaluations;
                }
                self.insert(Trial::new(row, progress));
                continue;
            }
            interrupted += u32::from(row.state.attempt > 0);
            let progress = self.ledger.progress(&row.uid, &row.spec).await?;
            let orphan = row.state.phase == TrialPhase::Running;
            let mut trial = Trial::new(row, progress);
            if orphan {
                let mut attempt = Attempt::orphan(&self.folder, &self.ledger, &trial.row).await?;
                while attempt.read(&self.ledger, &trial.row, &mut trial.progress).await? {}
                let verdict = attempt.judge(&trial.row, &trial.progress);
                attempt.end_with(verdict);
                trial.attempt = Some(attempt);
            }
            self.insert(trial);
        }
        if had_any {
            self.tell(Event::Resumed { ended, interrupted, leftovers });
        }
        self.conclude().await?;
        Ok(())
    }

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
            // Nobody reads them any more, and there may be ten thousand.
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

    /// Carries out what is next. Returns how the study ends, if it does.
    async fn act(&mut self) -> Result<Option<StudyEnd>, Error> {
        let next = study::next(&self.plan, &mut self.view, now());
        self.wake_at = next.wake_at;
        if let Some(round) = next.began {
            self.tell(Event::RoundBegan { round });
        }
        for planned in next.create {
            self.start(planned, 1).await?;
        }
        for (key, attempt) in next.attempts {
            self.begin(&key, attempt).await?;
        }
        for stop in next.stop {
            self.stop(&stop).await?;
        }
        if !next.suggest.is_empty() {
            self.suggestions.ask(&self.plan, next.suggest, &self.view);
        }
        Ok(next.end)
    }

    fn is_due(&self) -> bool {
        self.wake_at.is_some_and(|at| at <= now())
    }

    /// Makes a trial and begins an attempt of it.
    async fn start(&mut self, planned: PlannedTrial, number: u32) -> Result<(), Error> {
        let key = planned.key();
        if !self.trials.contains_key(&key) {
            let row = TrialRow {
                uid: planned.name.clone(),
                study: self.study_uid.clone(),
                name: planned.name,
                spec: planned.spec,
                state: RunState::default(),
            };
            self.keys.insert(row.name.clone(), key.clone());
            self.trials.insert(key.clone(), Trial::new(row, Progress::default()));
        }
        self.begin(&key, number).await
    }

    /// Begins an attempt of a trial, unless it has begun.
    async fn begin(&mut self, key: &TrialKey, number: u32) -> Result<(), Error> {
        let Some(trial) = self.trials.get_mut(key) else { return Ok(()) };
        let state = &mut trial.row.state;
        if trial.attempt.is_some() || state.attempt >= number {
            return Ok(());
        }
        if state.attempt == 0 {
            self.records.make_room(&trial.row.name)?;
        }
        state.phase = TrialPhase::Running;
        state.attempt = number;
        state.retry_at = None;
        state.reason = None;
        let began = now();
        state.start_time.get_or_insert(began);
        state.attempt_start_time = Some(began);
        // Written down before anything runs: a run that is killed now finds an attempt that has written nothing.
        state.code = trainer::code(&trial.row.spec, &self.working_directory);
        self.records.put(&self.ledger, &trial.row).await?;
        trial.attempt =
            Some(Attempt::start(&self.folder, &trial.row, number, &self.working_directory, &self.tell_exit)?);
        let name = trial.row.name.clone();
        self.active.insert(key.clone());
        self.note(key);
        self.tell(Event::AttemptBegan { trial: name, attempt: number });
        Ok(())
    }

    async fn stop(&mut self, stop: &StopTrial) -> Result<(), Error> {
        let Some(trial) = self.trials.get_mut(&stop.key) else { return Ok(()) };
        // What becomes of an attempt that is ending is settled.
        if trial.attempt.as_ref().is_some_and(Attempt::is_ending) {
            return Ok(());
        }
        trial.row.spec.stop = Some(stop.why.clone());
        trial.row.spec.stop_reason = Some(stop.reason.to_string());
        if let Some(attempt) = &mut trial.attempt {
            let verdict = attempt.judge(&trial.row, &trial.progress);
            attempt.stop(self.grace);
            attempt.end_with(verdict);
            return Ok(());
        }
        // It waits for another attempt.
        let Some(end) = TrialEnd::stopped(&trial.row.spec) else { return Ok(()) };
        let event = trial.end(end, None, None, &self.folder);
        self.records.update(&self.ledger, &trial.row).await?;
        self.note(&stop.key);
        self.tell(event);
        Ok(())
    }

    fn exited(&mut self, id: &HostId, exit: Exit) {
        let out_of_memory = exit.killed && self.kills.take_one();
        let trial = self.keys.get(&id.trial).and_then(|key| self.trials.get_mut(key));
        if let Some(attempt) = trial.and_then(|t| t.attempt.as_mut()).filter(|a| a.number == id.attempt) {
            attempt.exited(id.host, exit, out_of_memory);
        }
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

    /// Reads what trainers have written and judges them by it. Says whether there is more to read at once.
    async fn look(&mut self, stopping: bool) -> Result<bool, Error> {
        let mut more = false;
        let mut further = Vec::new();
        for key in &self.active {
            let Some(trial) = self.trials.get_mut(key) else { continue };
            let Some(attempt) = &mut trial.attempt else { continue };
            more |= attempt.read(&self.ledger, &trial.row, &mut trial.progress).await?;
            attempt.end_lingering(self.grace);
            attempt.lose_patience(false);
            if !attempt.is_ending() && (!stopping || attempt.has_left()) {
                match attempt.judge(&trial.row, &trial.progress) {
                    Verdict::Continue => {}
                    Verdict::End(end) if end.phase == TrialPhase::Succeeded => {
                        attempt.let_linger();
                        attempt.end_with(Verdict::End(end));
                    }
                    verdict => {
                        attempt.stop(self.grace);
                        attempt.end_with(verdict);
                    }
                }
            }
            if let Some(event) = trial.news() {
                further.push(key.clone());
                let _ = self.events.send(event);
            }
        }
        // Only early ending looks at trials that have come further.
        further.retain(|key| study::may_end_early(&self.plan, &key.round));
        for key in &further {
            self.note(key);
        }
        Ok(more)
    }

    /// Writes down what became of attempts whose processes have left.
    async fn conclude(&mut self) -> Result<(), Error> {
        let mut over = Vec::new();
        for key in &self.active {
            let other_code = other_code(&self.trials, key);
            let Some(trial) = self.trials.get_mut(key) else { continue };
            let Some(verdict) = trial.attempt.as_ref().and_then(|attempt| attempt.verdict().cloned()) else { continue };
            let attempt = trial.attempt.take();
            let event = match verdict {
                Verdict::Retry { outcome, message } => trial.retry(outcome, message, &self.folder),
                Verdict::End(end) => trial.end(end, attempt.as_ref(), other_code, &self.folder),
                // An attempt is ended with a verdict that ends it.
                Verdict::Continue => continue,
            };
            self.records.update(&self.ledger, &trial.row).await?;
            over.push((key.clone(), event));
        }
        for (key, event) in over {
            self.active.remove(&key);
            self.note(&key);
            self.tell(event);
        }
        Ok(())
    }

    fn tell(&self, event: Event) {
        // Nobody needs to listen.
        let _ = self.events.send(event);
    }
}

/// Whether a trial has a result that later ones are compared with.
fn has_result(row: &TrialRow) -> bool {
    matches!(row.state.phase, TrialPhase::Succeeded | TrialPhase::Infeasible | TrialPhase::Stopped)
}

/// That a trial executed something else than the first trial that has a result, if it did.
fn other_code(trials: &BTreeMap<TrialKey, Trial>, key: &TrialKey) -> Option<String> {
    let code = &trials.get(key)?.row.state.code;
    let mut with_results = trials.values().filter(|trial| has_result(&trial.row) && !trial.row.state.code.is_empty());
    let first = &with_results.find(|trial| !trial.row.state.code.is_empty())?.row;
    let changed = code::difference(&first.state.code, code)?;
    Some(format!("executed other code than {}: {changed} changed; compare their results with care", first.name))
}

/// Whether a study's end is one to be glad of.
#[must_use]
pub fn succeeded(end: &StudyEnd) -> bool {
    end.phase == StudyPhase::Completed
}
