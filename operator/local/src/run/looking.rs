//! Looks at the running attempts: what they have written, which have left, what becomes of them.

use std::collections::BTreeMap;

use studious_api::trial::TrialPhase;
use studious_ledger::TrialRow;
use studious_playbook::{TrialKey, decide::Verdict, study};

use super::Run;
use crate::{
    Error, Event, code,
    process::{Exit, HostId},
    trial::Trial,
};

impl Run {
    pub(super) fn exited(&mut self, id: &HostId, exit: Exit) {
        let out_of_memory = exit.killed && self.kills.take_one();
        let trial = self.keys.get(&id.trial).and_then(|key| self.trials.get_mut(key));
        if let Some(attempt) = trial.and_then(|t| t.attempt.as_mut()).filter(|a| a.number == id.attempt) {
            attempt.exited(id.host, exit, out_of_memory);
            let (trial, attempt, asked) = (id.trial.clone(), id.attempt, attempt.asked_since(id.host));
            self.tell(Event::HostLeft { trial, attempt, host: id.host, code: exit.code, asked });
        }
    }

    /// Reads what trainers have written and judges them by it. Says whether there is more to read at once.
    pub(super) async fn look(&mut self, stopping: bool) -> Result<bool, Error> {
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
    pub(super) async fn conclude(&mut self) -> Result<(), Error> {
        let mut over = Vec::new();
        for key in &self.active {
            let other_code = other_code(&self.trials, key);
            let Some(trial) = self.trials.get_mut(key) else { continue };
            let Some(verdict) = trial.attempt.as_ref().and_then(|attempt| attempt.verdict().cloned()) else { continue };
            let attempt = trial.attempt.take();
            trial.silent_failure = attempt
                .as_ref()
                .and_then(|attempt| attempt.silent_failure(&self.folder, &trial.row.name, &trial.progress));
            let event = match verdict {
                Verdict::Retry { outcome, message, restore_at_most } => {
                    trial.retry((outcome, restore_at_most), message, &self.folder)
                }
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
}

/// Whether a trial has a result that later ones are compared with.
pub(super) fn has_result(row: &TrialRow) -> bool {
    matches!(row.state.phase, TrialPhase::Succeeded | TrialPhase::Infeasible | TrialPhase::Stopped)
}

/// That a trial executed something else than the first trial that has a result, if it did.
fn other_code(trials: &BTreeMap<TrialKey, Trial>, key: &TrialKey) -> Option<String> {
    let own = trials.get(key)?.row.state.provenance.as_ref()?;
    let mut with_results = trials.values().filter(|trial| has_result(&trial.row));
    let (first, of_first) = with_results.find_map(|trial| Some((&trial.row, trial.row.state.provenance.as_ref()?)))?;
    let changed = code::difference(of_first, own)?;
    Some(format!("executed other code than {}: {changed} changed; compare their results with care", first.name))
}
