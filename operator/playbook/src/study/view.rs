//! What is known of a study's trials, kept so that an event costs what it changes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use studious_api::{Hyperparameters, trial::TrialPhase};

use super::early_ending::{Contest, Trace};
use crate::{Millis, Plan, TrialKey, rounds::RoundPoint, trial::TrialState};

/// What is known of a study's trials. It belongs to one plan: when the study's spec changes, a new one is filled.
///
/// What is not put in does not exist; what is not known of a trial's evaluations is unknown, and nothing is decided on it.
#[derive(Clone, Debug, Default)]
pub struct View {
    trials: BTreeMap<TrialKey, TrialState>,
    rounds: HashMap<String, RoundState>,
    failed: usize,
    under_way: usize,
    /// Trials that wait for their next attempt, by the time from which it may begin.
    retries: BTreeSet<(Millis, TrialKey)>,
    /// Trials whose first attempt is not known to have begun.
    unbegun: BTreeSet<TrialKey>,
    /// Points that results chose.
    suggested: Vec<RoundPoint>,
    contest: Contest,
}

/// What is known of a round.
#[derive(Clone, Debug, Default)]
pub(super) struct RoundState {
    /// Trials that have ended.
    pub(super) ended: usize,
    /// The highest index of any trial.
    pub(super) last: Option<u32>,
    /// Planned points before this position all have a trial.
    pub(super) cursor: usize,
    /// Whether every planned trial is known to have ended.
    pub(super) is_over: bool,
    /// The points that it takes of another round, once worked out.
    pub(super) chosen: Option<Vec<Hyperparameters>>,
}

impl View {
    /// A view of these trials.
    #[must_use]
    pub fn of(plan: &Plan, trials: impl IntoIterator<Item = TrialState>) -> Self {
        let mut view = Self::default();
        for trial in trials {
            view.put(plan, trial);
        }
        view
    }

    /// Takes in a trial, or what became of it.
    pub fn put(&mut self, plan: &Plan, trial: TrialState) {
        if self.trials.get(&trial.key) == Some(&trial) {
            return;
        }
        self.forget(&trial.key);
        let key = trial.key.clone();
        let has_ended = trial.phase.has_ended();
        let round = self.rounds.entry(key.round.clone()).or_default();
        round.ended += usize::from(has_ended);
        round.last = round.last.max(Some(key.index));
        self.failed += usize::from(trial.phase == TrialPhase::Failed);
        self.under_way += usize::from(!has_ended);
        match (trial.phase, trial.retry_at) {
            (TrialPhase::Retrying, at) => {
                self.retries.insert((at.unwrap_or_default(), key.clone()));
            }
            (phase, _) if !phase.has_ended() && trial.attempt == 0 => {
                self.unbegun.insert(key.clone());
            }
            _ => {}
        }
        self.contest.put(plan, &trial);
        self.trials.insert(key, trial);
    }

    /// Takes out a trial that is gone.
    pub fn remove(&mut self, key: &TrialKey) {
        self.forget(key);
        self.contest.remove(key);
        let last = self.of_round(&key.round).map(|trial| trial.key.index).max();
        if let Some(round) = self.rounds.get_mut(&key.round) {
            (round.last, round.cursor, round.is_over) = (last, 0, false);
        }
    }

    /// Takes a trial out of all sums.
    fn forget(&mut self, key: &TrialKey) {
        let old = self.trials.remove(key);
        if let Some(old) = old {
            let has_ended = old.phase.has_ended();
            self.failed -= usize::from(old.phase == TrialPhase::Failed);
            self.under_way -= usize::from(!has_ended);
            self.retries.remove(&(old.retry_at.unwrap_or_default(), key.clone()));
            self.unbegun.remove(key);
            if let Some(round) = self.rounds.get_mut(&key.round) {
                round.ended -= usize::from(has_ended);
                round.is_over &= has_ended;
            }
        }
        // What rounds took of this one may change.
        for (name, round) in &mut self.rounds {
            if *name != key.round {
                round.chosen = None;
            }
        }
    }

    /// Takes in all evaluations of a trial so far, or that they are not known.
    pub fn observe(&mut self, key: &TrialKey, evaluations: Option<Arc<Trace>>) {
        self.contest.observe(key, evaluations);
    }

    /// Takes in points that were chosen since they were asked for. Those of trials that exist change nothing: a trial keeps
    /// its point. Losing them costs no more than choosing again, since nothing exists of their trials.
    pub fn suggest(&mut self, points: Vec<RoundPoint>) {
        self.suggested = points;
    }

    /// All trials, in the order of their keys.
    pub fn trials(&self) -> impl Iterator<Item = &TrialState> + Clone {
        self.trials.values()
    }

    /// A trial, if it exists.
    #[must_use]
    pub fn trial(&self, key: &TrialKey) -> Option<&TrialState> {
        self.trials.get(key)
    }

    /// Trials that have not ended.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// Trials that failed.
    pub(super) fn failed(&self) -> usize {
        self.failed
    }

    /// The trials of a round in the order of their index.
    pub(crate) fn of_round<'a>(&'a self, round: &str) -> impl Iterator<Item = &'a TrialState> + use<'a> {
        let key = |index| TrialKey { round: round.to_owned(), index };
        self.trials.range(key(0)..=key(u32::MAX)).map(|(_, trial)| trial)
    }

    /// The highest index of a round's trials.
    pub(crate) fn last_index(&self, round: &str) -> Option<u32> {
        self.rounds.get(round)?.last
    }

    pub(super) fn round(&mut self, round: &str) -> &mut RoundState {
        self.rounds.entry(round.to_owned()).or_default()
    }

    /// Attempts of trials that exist which are due.
    pub(super) fn due(&self, now: Millis) -> impl Iterator<Item = &TrialState> {
        let waited = self.retries.iter().take_while(move |(at, _)| *at <= now).map(|(_, key)| key);
        waited.chain(&self.unbegun).filter_map(|key| self.trials.get(key))
    }

    /// When the next attempt is due that is not yet.
    pub(super) fn next_retry(&self, now: Millis) -> Option<Millis> {
        self.retries.iter().map(|(at, _)| *at).find(|at| *at > now)
    }

    pub(super) fn suggested(&self, key: &TrialKey) -> Option<&RoundPoint> {
        self.suggested.iter().find(|point| point.key == *key)
    }

    pub(super) fn contest(&mut self) -> &mut Contest {
        &mut self.contest
    }
}
