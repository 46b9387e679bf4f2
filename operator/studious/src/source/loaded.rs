//! A study with its trials as a command shows it, wherever it came from.

use std::collections::BTreeMap;

use studious_api::trial::TrialPhase;
use studious_playbook::{
    Plan,
    record::{Outcome, TrialRecord},
    rejudge::{self, By},
};

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
                eprintln!("error: --by: {error}");
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
        let places: BTreeMap<String, usize> =
            studious_playbook::rounds::names(&self.plan).into_iter().enumerate().map(|(i, name)| (name, i)).collect();
        self.trials.sort_by_key(|trial| places.get(&trial.record.round).copied().unwrap_or(usize::MAX));
        self
    }

    /// Trials of the latest round first, the best first within each: those of other rounds trained for another number of
    /// steps and don't compare. Trials that satisfy the study's constraints come before those that don't.
    pub(crate) fn best_first(&self) -> Vec<&LoadedTrial> {
        let direction = self.plan.spec().objective.direction;
        let rounds = studious_playbook::rounds::names(&self.plan);
        let place = |trial: &LoadedTrial| rounds.iter().position(|name| *name == trial.record.round);
        let mut sorted: Vec<&LoadedTrial> = self.trials.iter().collect();
        sorted.sort_by(|a, b| {
            place(b).cmp(&place(a)).then_with(|| match (a.objective(), b.objective()) {
                (Some(x), Some(y)) => self.satisfies(b).cmp(&self.satisfies(a)).then(direction.best_first(x, y)),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => order(a.phase).cmp(&order(b.phase)),
            })
        });
        sorted
    }

    /// The best trial of the latest round that has one which satisfies the study's constraints.
    pub(crate) fn best(&self) -> Option<&LoadedTrial> {
        self.best_first().into_iter().find(|trial| trial.objective().is_some() && self.satisfies(trial))
    }

    /// Whether a trial satisfies the study's constraints, for certain.
    pub(crate) fn satisfies(&self, trial: &LoadedTrial) -> bool {
        trial.record.standing(&self.plan.spec().constraints).is_satisfied()
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

/// Of trials without an objective, those that may still get one come first.
fn order(phase: TrialPhase) -> u8 {
    match phase {
        TrialPhase::Succeeded => 0,
        TrialPhase::Running => 1,
        TrialPhase::Retrying => 2,
        TrialPhase::Pending => 3,
        TrialPhase::Stopped => 4,
        TrialPhase::Infeasible => 5,
        TrialPhase::Failed => 6,
    }
}
