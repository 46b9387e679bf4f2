//! Opens a folder for a run, and takes over what an earlier run of it has left.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use studious_api::{trainer_grace, trial::TrialPhase};
use studious_ledger::{Ledger, RunState, StudyRow, TrialRow};
use studious_playbook::{
    Plan, TrialKey,
    decide::Progress,
    study::{self, View},
};
use tokio::sync::mpsc;

use super::{Held, Options, Run, looking::has_result};
use crate::{
    Error, Event,
    attempt::Attempt,
    devices::DevicePool,
    earlier::earlier_studies,
    folder::replace,
    git::GitFolder,
    leftovers::{self, Keeper},
    memory::OutOfMemoryKills,
    points::taken_points,
    record, runner,
    suggestions::Suggestions,
    trainer,
    trial::{Trial, now},
    unchanged,
};

impl Run {
    pub(super) async fn open(options: Options, events: mpsc::UnboundedSender<Event>) -> Result<(Self, Held), Error> {
        let mut spec = options.study.spec.clone();
        if let Some(parallelism) = options.parallelism {
            spec.parallelism = parallelism;
        }
        let mut refusals = trainer::refusals(&spec.trial.template, &options.working_directory);
        let shares = match options.devices.shares(&spec.trial.template, spec.trial.hosts) {
            Ok(shares) => shares,
            Err(refusal) => {
                refusals.push(refusal);
                None
            }
        };
        if let Some(shares) = shares {
            spec.parallelism = spec.parallelism.min(shares.trials);
        }
        let name = options.study.metadata.name.clone().unwrap_or_default();
        let mut plan = Plan::new(&name, &spec).map_err(Error::Invalid)?;
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
            // First written down: a run that is killed now continues with them.
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
            git: GitFolder::new(&options.working_directory, options.study_file),
            working_directory: options.working_directory,
            grace: trainer_grace(&spec.trial.template),
            ledger,
            study_uid: name,
            trials: BTreeMap::new(),
            keys: BTreeMap::new(),
            events,
            tell_exit,
            exits,
            kills: OutOfMemoryKills::begin(),
            suggestions: Suggestions::default(),
            devices: shares.map(|shares| DevicePool::new(options.devices, shares)),
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
        runner::announce(&lock, true).map_err(|e| Error::io("write", &run.folder.lock_file(), e))?;
        Ok((run, Held { _keeper: keeper, _lock: lock }))
    }

    /// Takes over what an earlier run has left.
    async fn resume(&mut self, rows: Vec<TrialRow>, retry_failed: bool, leftovers: usize) -> Result<(), Error> {
        let had_any = !rows.is_empty();
        let (mut ended, mut interrupted) = (0, 0);
        for mut row in rows {
            if retry_failed && row.state.phase == TrialPhase::Failed {
                // Its attempts were spent on what has been fixed since, and so was what a study that gave up told it.
                (row.spec.stop, row.spec.stop_reason) = (None, None);
                row.state = RunState {
                    phase: TrialPhase::Retrying,
                    attempt: row.state.attempt,
                    retry_at: Some(now()),
                    start_time: row.state.start_time,
                    ..RunState::default()
                };
            }
            // The trainer may have been fixed; the point and its budget can't have been.
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
}
