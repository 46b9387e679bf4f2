//! A trial of a run: where it stands, and what becomes of it.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use studious_api::trial::{AttemptOutcome, TrialPhase};
use studious_ledger::{Attempt as PastAttempt, TrialRow};
use studious_playbook::{
    Millis,
    decide::{self, Progress, TrialEnd},
    trial::Reason,
};

use crate::{Event, RunFolder, attempt::Attempt, evaluations::Evaluations, process::OUTPUT_FILE};

/// A trial of this run.
pub(crate) struct Trial {
    pub row: TrialRow,
    pub progress: Progress,
    /// The running attempt.
    pub attempt: Option<Attempt>,
    /// The step and objective that were reported last.
    told: Option<(u64, Option<f64>)>,
    /// What the attempt says that has just ended, if it failed before a line of metrics.
    pub silent_failure: Option<String>,
    /// Its evaluations as early ending reads them.
    pub evaluations: Evaluations,
}

impl Trial {
    /// One that isn't running.
    pub(crate) fn new(row: TrialRow, progress: Progress) -> Self {
        Self { row, progress, attempt: None, told: None, silent_failure: None, evaluations: Evaluations::default() }
    }

    /// How far it has come, if that is further than was reported.
    pub(crate) fn news(&mut self) -> Option<Event> {
        let step = self.progress.step?;
        let objective = self.best_so_far().map(|(_, value)| value);
        if self.told == Some((step, objective)) {
            return None;
        }
        self.told = Some((step, objective));
        let spec = &self.row.spec;
        Some(Event::Measured { trial: self.row.name.clone(), step, max_train_steps: spec.max_train_steps, objective })
    }

    fn best_so_far(&self) -> Option<(u64, f64)> {
        let objective = &self.row.spec.objective;
        self.progress.objective(objective.direction, objective.select)
    }

    /// Takes in the objective, or how far it has come, with what else was measured there.
    fn measured(&mut self, objective: Option<(u64, f64)>) {
        let state = &mut self.row.state;
        (state.best_step, state.objective) = (objective.map(|(step, _)| step), objective.map(|(_, value)| value));
        state.metrics = objective.map(|(step, _)| self.progress.bounded_at(step)).unwrap_or_default();
    }

    /// The attempt has ended, and another follows.
    pub(crate) fn retry(
        &mut self,
        (outcome, restore_at_most): (AttemptOutcome, Option<u64>),
        message: String,
        folder: &RunFolder,
    ) -> Event {
        self.past((outcome, restore_at_most), message.clone());
        let state = &mut self.row.state;
        let past = state.past();
        state.phase = TrialPhase::Retrying;
        state.message = Some(message.clone());
        state.reason = Some(
            if outcome == AttemptOutcome::Disrupted { Reason::Disrupted } else { Reason::AttemptFailed }.to_string(),
        );
        // An interrupted run continues at once: nothing has to recover first.
        state.retry_at = Some(match outcome {
            AttemptOutcome::Disrupted => now(),
            _ => decide::next_attempt_at(&self.row.spec, state.attempt, now(), &past, outcome),
        });
        self.measured(self.best_so_far());
        Event::AttemptEnded {
            trial: self.row.name.clone(),
            attempt: self.row.state.attempt,
            message,
            output: self.output(folder),
        }
    }

    /// The trial has ended.
    pub(crate) fn end(
        &mut self,
        mut end: TrialEnd,
        attempt: Option<&Attempt>,
        other_code: Option<String>,
        folder: &RunFolder,
    ) -> Event {
        let mut remarks = self.remarks(&end, attempt);
        remarks.extend(other_code);
        for remark in &remarks {
            end.message.push_str("; ");
            end.message.push_str(remark);
        }
        self.past((end.attempt_outcome(), None), end.message.clone());
        // Of one that didn't succeed, how far it came.
        let best = end.objective.or_else(|| self.best_so_far());
        let state = &mut self.row.state;
        state.phase = end.phase;
        state.reason = end.reason.as_ref().map(ToString::to_string);
        state.message = Some(end.message.clone());
        state.retry_at = None;
        state.end_time = Some(now());
        self.measured(best);
        Event::TrialEnded {
            trial: self.row.name.clone(),
            state: Box::new(self.row.trial_state()),
            message: end.message,
            remarks,
            max_train_steps: self.row.spec.max_train_steps,
            output: self.output(folder),
        }
    }

    /// What is to be known of a trial beside how it ended.
    fn remarks(&self, end: &TrialEnd, attempt: Option<&Attempt>) -> Vec<String> {
        let contradiction = attempt.and_then(Attempt::contradiction).filter(|_| end.phase == TrialPhase::Succeeded);
        let mut remarks: Vec<String> = contradiction.into_iter().collect();
        remarks.extend(attempt.and_then(Attempt::late_writers));
        remarks.extend(self.progress.remarks(&self.row.spec));
        remarks
    }

    fn past(&mut self, (outcome, restore_at_most): (AttemptOutcome, Option<u64>), message: String) {
        let state = &mut self.row.state;
        let still = decide::still_to_restore(&state.past(), &self.progress, state.attempt);
        let silent_failure = self.silent_failure.take().filter(|_| outcome == AttemptOutcome::Failed);
        // One that waited for its next attempt has been written down.
        if state.attempt > 0 && state.attempts.last().is_none_or(|last| last.number != state.attempt) {
            state.attempts.push(PastAttempt {
                number: state.attempt,
                outcome,
                message,
                start_time: state.attempt_start_time,
                end_time: Some(now()),
                step: self.progress.step,
                restore_at_most: restore_at_most.or(still),
                silent_failure,
                provenance: state.provenance.clone(),
            });
        }
    }

    fn output(&self, folder: &RunFolder) -> PathBuf {
        folder.host(&self.row.name, self.row.state.attempt.max(1), 0).join(OUTPUT_FILE)
    }
}

/// What the clock says.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
