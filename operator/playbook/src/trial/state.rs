//! A trial as far as decisions go.

use std::collections::BTreeMap;

use studious_api::{Hyperparameters, trial::TrialPhase};

use super::{Ranked, Reason, SilentFailures, TrialKey};
use crate::{Millis, record::Outcome};

/// A trial as far as decisions go.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialState {
    /// Its position in its study.
    pub key: TrialKey,
    /// Its point.
    pub hyperparameters: Hyperparameters,
    /// Where it stands.
    pub phase: TrialPhase,
    /// Why, in a word.
    pub reason: Option<Reason>,
    /// Its objective, if it succeeded.
    pub objective: Option<f64>,
    /// The step of that objective.
    pub step: Option<u64>,
    /// The metrics that constraints bound, at the step of that objective; those that are known.
    pub metrics: BTreeMap<String, f64>,
    /// The current attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// Of a trial that waits for another attempt: from when it may begin.
    pub retry_at: Option<Millis>,
    /// Its attempts that failed, if all did so alike before it wrote a line of metrics.
    pub silent: Option<SilentFailures>,
}

impl TrialState {
    /// A trial that was just created: nothing of it is known but its point.
    #[must_use]
    pub fn created(key: TrialKey, hyperparameters: Hyperparameters) -> Self {
        Self {
            key,
            hyperparameters,
            phase: TrialPhase::Pending,
            reason: None,
            objective: None,
            step: None,
            metrics: BTreeMap::new(),
            attempt: 0,
            retry_at: None,
            silent: None,
        }
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::of(self.phase, self.reason.as_ref(), self.objective, self.step)
    }
}

impl Ranked for TrialState {
    fn round(&self) -> &str {
        &self.key.round
    }

    fn phase(&self) -> TrialPhase {
        self.phase
    }

    fn objective(&self) -> Option<f64> {
        self.objective.filter(|value| self.phase == TrialPhase::Succeeded && value.is_finite())
    }

    fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.get(name).copied()
    }

    fn tie_break(&self, other: &Self) -> std::cmp::Ordering {
        self.key.index.cmp(&other.key.index)
    }
}
