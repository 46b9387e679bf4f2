//! A study with its trials as a command shows it, wherever it came from.

use std::{cmp::Ordering, time::Duration};

use studious_api::{study::TrialCounts, trial::TrialPhase};
use studious_dashboard::StudyState;
use studious_playbook::{
    Plan,
    record::{Outcome, TrialRecord},
    rejudge::{self, By},
    rounds,
    study::pace::time_left,
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
    /// Where it stands; nothing of trials that ran anywhere.
    pub state: Option<StudyState>,
    /// The same in a sentence.
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
    /// Whether the run that trained it was left: it resumes with the next.
    pub is_interrupted: bool,
}

impl LoadedStudy {
    /// The trials as data.
    pub(crate) fn records(&self) -> Vec<TrialRecord> {
        self.trials.iter().map(|trial| trial.record.clone()).collect()
    }

    /// The trials as data, and those that a running study will still make in the rounds that have begun.
    pub(crate) fn expected(&self) -> Vec<TrialRecord> {
        let mut records = self.records();
        if self.state.is_some_and(|state| !state.is_settled()) {
            records.extend(rounds::to_come(&self.plan, &records));
        }
        records
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
            LoadedTrial { record, phase, message, so_far: None, ..trial.clone() }
        });
        let trials = trials.collect();
        let (status, without_curves) = (self.status.clone(), self.without_curves.clone());
        Some(Self { plan, trials, state: self.state, status, without_curves })
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

    /// Trials by phase.
    pub(crate) fn counts(&self) -> TrialCounts {
        trial::counts(self.plan.total_trials(), self.trials.iter().map(|trial| trial.phase))
    }

    /// How many trials train now.
    pub(crate) fn running(&self) -> usize {
        self.trials.iter().filter(|trial| trial.phase == TrialPhase::Running && !trial.is_interrupted).count()
    }

    /// The round that began last.
    pub(crate) fn round(&self) -> Option<&str> {
        let begun = self.trials.iter().filter(|trial| trial.phase != TrialPhase::Pending);
        trial::latest_round(self.plan.spec(), begun.map(|trial| trial.record.round.as_str()))
    }

    /// How long it still takes, if it runs and that can be estimated.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let runs = self.state == Some(StudyState::Running);
        runs.then(|| time_left(&self.plan, &self.records(), self.running())).flatten()
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
