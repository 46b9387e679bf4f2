//! Carries out what is next: begins trials and attempts, and stops them.

use studious_api::trial::TrialPhase;
use studious_ledger::{RunState, TrialRow};
use studious_playbook::{
    PlannedTrial, TrialKey,
    decide::{Progress, TrialEnd},
    study::{self, StopTrial, StudyEnd},
};

use super::Run;
use crate::{
    Error, Event,
    attempt::{Attempt, HostContext},
    code,
    devices::DeviceLease,
    trainer,
    trial::{Trial, now},
};

impl Run {
    /// Carries out what is next. Returns how the study ends, if it does.
    pub(super) async fn act(&mut self) -> Result<Option<StudyEnd>, Error> {
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

    /// Makes a trial and begins an attempt of it.
    pub(super) async fn start(&mut self, planned: PlannedTrial, number: u32) -> Result<(), Error> {
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
    pub(super) async fn begin(&mut self, key: &TrialKey, number: u32) -> Result<(), Error> {
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
        let devices = self.devices.as_ref().map(|pool| pool.take(trial.row.spec.hosts));
        let shared = Attempt::shared(&trial.row, number)?;
        let row = &mut trial.row;
        let directory = self.folder.host(&row.name, number, 0);
        let directory = std::path::absolute(&directory).unwrap_or(directory);
        let command = trainer::command(&row.spec.template, &shared, &directory, 0);
        let names = devices.as_ref().map(DeviceLease::names).unwrap_or_default();
        row.state.provenance =
            code::provenance(&row.spec, command.as_ref(), &self.working_directory, self.git.state(), names);
        // Written down before anything runs: a run that is killed now finds an attempt that has written nothing.
        self.records.put(&self.ledger, row).await?;
        let host = HostContext { working_directory: &self.working_directory, exits: &self.tell_exit, devices };
        trial.attempt = Some(Attempt::start(&self.folder, row, &shared, host)?);
        let name = trial.row.name.clone();
        self.active.insert(key.clone());
        self.note(key);
        self.tell(Event::AttemptBegan { trial: name, attempt: number });
        Ok(())
    }

    pub(super) async fn stop(&mut self, stop: &StopTrial) -> Result<(), Error> {
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
}
