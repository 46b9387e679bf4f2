//! A study with its trials as a command shows it, wherever it came from.

use std::cmp::Ordering;

use studious_api::trial::TrialPhase;
use studious_playbook::{
    Plan,
    record::{Outcome, TrialRecord},
    rejudge::{self, By},
    trial::{self, Ranked, Retrained},
};

use crate::output::errln;

/// A study as it stands.
#[derive(Debug)]
pub(crate) struct LoadedStudy {
    /// The study.
    pub plan: Plan,
    /// Its trials, in the order of rounds, by index within each.
    pub trials: Vec<LoadedTrial>,
    /// Where it stands, in a sentence.
    pub status: String,
    /// Why there are no curves, if they could be somewhere.
    pub without_curves: Option<String>,
}

/// A trial as it stands.
#[derive(Clone, Debug)]
pub(crate) struct LoadedTrial {
    /// The trial as data.
    pub record: TrialRecord,
    /// Where it stands.
    pub phase: TrialPhase,
    /// Why, in a sentence.
    pub message: String,
    /// The objective so far, of one that hasn't ended.
    pub so_far: Option<f64>,
    /// The current attempt.
    pub attempt: u32,
}

impl LoadedStudy {
    /// The trials as data.
    pub(crate) fn records(&self) -> Vec<TrialRecord> {
        self.trials.iter().map(|trial| trial.record.clone()).collect()
    }

    /// The same trials judged by another objective. Nothing when that can't be, which has been said on standard error.
    pub(crate) fn judged_by(&self, by: &By) -> Option<Self> {
        let (plan, records) = match rejudge::rejudge(&self.plan, &self.records(), by) {
            Ok(judged) => judged,
            Err(error) => {
                errln!("error: --by: {error}");
                return None;
            }
        };
        let trials = self.trials.iter().zip(records).map(|(trial, record)| {
            let lacks = trial.record.objective().is_some() && record.objective().is_none();
            let (phase, message) = if lacks {
                (TrialPhase::Failed, format!("it measured no {}", plan.spec().objective.metric))
            } else {
                (trial.phase, trial.message.clone())
            };
            LoadedTrial { record, phase, message, so_far: None, attempt: trial.attempt }
        });
        let trials = trials.collect();
        Some(Self { plan, trials, status: self.status.clone(), without_curves: self.without_curves.clone() })
    }

    /// Sorts trials into the order of the study's rounds; within one they keep theirs.
    pub(super) fn in_order_of_rounds(mut self) -> Self {
        trial::sort_by_round(self.plan.spec(), &mut self.trials, |trial| &trial.record.round);
        self
    }

    /// The trials in the order in which they are shown, see [`trial::compare`].
    pub(crate) fn best_first(&self) -> Vec<&LoadedTrial> {
        let mut sorted: Vec<&LoadedTrial> = self.trials.iter().collect();
        sorted.sort_by(|a, b| trial::compare(self.plan.spec(), *a, *b));
        sorted
    }

    /// The best trial, see [`trial::best`].
    pub(crate) fn best(&self) -> Option<&LoadedTrial> {
        trial::best(self.plan.spec(), &self.trials)
    }

    /// What retraining showed of the best trial's point.
    pub(crate) fn retrained(&self) -> Option<Retrained> {
        let trials = self.trials.iter().map(|trial| (trial, &trial.record.hyperparameters));
        trial::retrained(self.plan.spec(), &self.best()?.record.hyperparameters, trials)
    }

    /// Whether a trial satisfies the study's constraints, for certain.
    pub(crate) fn satisfies(&self, trial: &LoadedTrial) -> bool {
        trial::satisfies(self.plan.spec(), trial)
    }
}

impl LoadedTrial {
    /// The objective of a trial that succeeded.
    pub(crate) fn objective(&self) -> Option<f64> {
        self.record.objective()
    }

    /// The step of that objective, if it is known.
    pub(crate) fn step(&self) -> Option<u64> {
        match self.record.outcome {
            Outcome::Succeeded { step, .. } => step,
            _ => None,
        }
    }
}

impl Ranked for LoadedTrial {
    fn round(&self) -> &str {
        &self.record.round
    }

    fn phase(&self) -> TrialPhase {
        self.phase
    }

    fn objective(&self) -> Option<f64> {
        Ranked::objective(&self.record)
    }

    fn metric(&self, name: &str) -> Option<f64> {
        self.record.metric(name)
    }

    fn tie_break(&self, other: &Self) -> Ordering {
        self.record.tie_break(&other.record)
    }
}
