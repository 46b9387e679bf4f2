//! Values by step over the attempts of a trial: which of them are on the path that the trial took to its end.

use std::collections::{BTreeMap, btree_map::Entry};

/// Values of one metric of host 0 by step: those of the latest attempt, and of each earlier one before the first step of
/// every later one. The order in which attempts arrive changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// By step.
    pub values: BTreeMap<u64, f64>,
    /// The attempt of each value.
    attempts: BTreeMap<u64, u32>,
    /// The step of each attempt's first value.
    firsts: BTreeMap<u32, u64>,
}

impl Series {
    /// Takes in a value, if it is on the path.
    pub(super) fn observe(&mut self, attempt: u32, step: u64, value: f64) {
        if let Entry::Vacant(vacant) = self.firsts.entry(attempt) {
            vacant.insert(step);
            let beyond = self.attempts.range(step..);
            let overtaken: Vec<u64> = beyond.filter(|(_, of)| **of < attempt).map(|(step, _)| *step).collect();
            for step in overtaken {
                self.forget(step);
            }
        }
        let is_later_known = self.attempts.get(&step).is_some_and(|known| *known > attempt);
        if is_later_known || is_overtaken(&self.firsts, attempt, step) {
            return;
        }
        self.values.insert(step, value);
        self.attempts.insert(step, attempt);
    }

    /// Drops the value of a step.
    pub(super) fn forget(&mut self, step: u64) {
        self.values.remove(&step);
        self.attempts.remove(&step);
    }

    /// Whose value that of a step is.
    pub(super) fn attempt_of(&self, step: u64) -> Option<u32> {
        self.attempts.get(&step).copied()
    }

    /// The latest value up to a step.
    #[must_use]
    pub fn up_to(&self, step: u64) -> Option<f64> {
        self.values.range(..=step).next_back().map(|(_, value)| *value)
    }

    /// How many attempts have a value, and the first step of the latest: changes whenever an attempt takes over.
    #[must_use]
    pub fn resumed(&self) -> (usize, Option<u64>) {
        (self.firsts.len(), self.firsts.last_key_value().map(|(_, step)| *step))
    }
}

/// Whether a later attempt's first step is at this step of an attempt, or before it.
pub(super) fn is_overtaken(firsts: &BTreeMap<u32, u64>, attempt: u32, step: u64) -> bool {
    firsts.range(attempt.saturating_add(1)..).any(|(_, first)| *first <= step)
}
