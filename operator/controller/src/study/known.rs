//! What is known of a study's trials between two reconciles, so that an event costs what it changes.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use studious_api::{Trial, trial::TrialPhase};
use studious_playbook::{
    Plan, PlannedTrial, TrialKey,
    study::{Trace, View},
    trial::{Reason, SilentFailures, TrialState},
};

use super::{Checked, StudyMemory};
use crate::{object::Identified, trial::retry_at};

/// The view of the trials, and what it was filled from.
#[derive(Debug, Default)]
pub(super) struct KnownTrials {
    /// The plan that the view belongs to.
    plan: Option<Checked>,
    pub(super) view: View,
    /// Each trial as the cache showed it when it was put in.
    shown: HashMap<String, Arc<Trial>>,
}

impl StudyMemory {
    /// The view of the trials that the caches show, and of those that were made and that they don't show yet.
    pub(super) fn view(&mut self, plan: &Checked, trials: &[Identified<Trial>]) -> &mut View {
        let Self { known, made, .. } = self;
        if !known.plan.as_ref().is_some_and(|of| Arc::ptr_eq(of, plan)) {
            *known = KnownTrials { plan: Some(plan.clone()), ..KnownTrials::default() };
        }
        if let Ok(plan) = plan.as_ref() {
            for trial in trials {
                if known.shown.get(&trial.id.name).is_some_and(|shown| Arc::ptr_eq(shown, trial.shared())) {
                    continue;
                }
                known.view.put(plan, state(trial));
                known.shown.insert(trial.id.name.clone(), trial.shared().clone());
            }
            known.view_of_all(plan, made.values());
        }
        if known.view.trials().count() > trials.len() + made.len() {
            known.forget_gone(trials, made.values().map(|(planned, _)| planned.key()));
        }
        &mut known.view
    }

    /// Takes in what is known of the evaluations of trials that may be ended early.
    pub(super) fn observe(&mut self, evaluations: Vec<(TrialKey, Option<Arc<Trace>>)>) {
        for (key, trace) in evaluations {
            self.known.view.observe(&key, trace);
        }
    }
}

impl KnownTrials {
    /// The view, with those that were made just now.
    pub(super) fn view_of_all<'a>(
        &mut self,
        plan: &Plan,
        made: impl Iterator<Item = &'a (PlannedTrial, Timestamp)>,
    ) -> &View {
        for (planned, _) in made {
            if self.view.trial(&planned.key()).is_none() {
                self.view.put(plan, created(planned));
            }
        }
        &self.view
    }

    /// Takes out trials that are neither shown nor just made.
    fn forget_gone(&mut self, trials: &[Identified<Trial>], made: impl Iterator<Item = TrialKey>) {
        let kept: std::collections::HashSet<TrialKey> =
            trials.iter().map(|trial| TrialKey::of(&trial.spec)).chain(made).collect();
        let gone: Vec<TrialKey> =
            self.view.trials().map(|trial| &trial.key).filter(|key| !kept.contains(key)).cloned().collect();
        for key in gone {
            self.view.remove(&key);
            self.shown.retain(|_, trial| TrialKey::of(&trial.spec) != key);
        }
    }
}

/// A trial that was made and that the cache doesn't show yet. Its first attempt is its own controller's.
fn created(planned: &PlannedTrial) -> TrialState {
    TrialState { attempt: 1, ..TrialState::created(planned.key(), planned.spec.hyperparameters.clone()) }
}

/// A trial as far as decisions go.
fn state(trial: &Trial) -> TrialState {
    let status = trial.status.clone().unwrap_or_default();
    let succeeded = status.phase == TrialPhase::Succeeded;
    let waits = status.phase == TrialPhase::Retrying;
    TrialState {
        key: TrialKey::of(&trial.spec),
        hyperparameters: trial.spec.hyperparameters.clone(),
        phase: status.phase,
        reason: status.reason.as_deref().map(Reason::from),
        objective: status.objective.filter(|_| succeeded),
        step: status.best_step.filter(|_| succeeded),
        attempt: status.attempt.unwrap_or(1).max(1),
        retry_at: if waits { retry_at(&trial.spec, &status) } else { None },
        silent: SilentFailures::of(
            status.attempts.iter().map(|attempt| (attempt.outcome, attempt.silent_failure.as_deref())),
        ),
        metrics: status.metrics,
    }
}
