//! Faults of the API server: on request, or drawn from a seed.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum InjectedFault {
    /// It is refused, and nothing is done.
    Refuse {
        /// The HTTP status.
        code: u16,
        /// The `reason` of the `Status`.
        reason: String,
        /// The `message` of the `Status`.
        message: String,
    },
    /// The connection breaks before anything is done.
    Reset,
    /// It is carried out, and the connection breaks before the answer is there.
    LoseAnswer,
    /// It is carried out later.
    Delay(Duration),
}

impl InjectedFault {
    /// A refusal.
    #[must_use]
    pub fn refuse(code: u16, reason: &str, message: &str) -> Self {
        Self::Refuse { code, reason: reason.to_owned(), message: message.to_owned() }
    }
}

/// Faults for requests whose line (`PATCH /apis/batch/v1/namespaces/team-a/jobs/a-1`) holds all of some words.
#[derive(Debug)]
struct FaultRule {
    words: Vec<String>,
    fault: InjectedFault,
    /// How often it still applies; without a number, until it is lifted.
    left: Option<u32>,
}

#[derive(Debug)]
struct Drawn {
    rng: StdRng,
    /// The share of requests with a fault.
    share: f64,
}

/// Which requests fail, and how.
#[derive(Debug, Default)]
pub struct FaultPlan {
    rules: Mutex<Vec<FaultRule>>,
    drawn: Mutex<Option<Drawn>>,
}

impl FaultPlan {
    /// From now on, requests whose line holds all of these words, separated by blanks, fail.
    pub fn set(&self, words: &str, fault: InjectedFault) {
        self.add(words, fault, None);
    }

    /// The next so many requests whose line holds all of these words fail.
    pub fn set_for(&self, words: &str, fault: InjectedFault, times: u32) {
        self.add(words, fault, Some(times));
    }

    /// A share of all requests fails, chosen with this seed.
    pub fn draw(&self, seed: u64, share: f64) {
        let drawn = Drawn { rng: StdRng::seed_from_u64(seed), share };
        *self.drawn.lock().unwrap_or_else(PoisonError::into_inner) = Some(drawn);
    }

    /// From now on nothing fails.
    pub fn lift(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *self.drawn.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn add(&self, words: &str, fault: InjectedFault, left: Option<u32>) {
        let words = words.split_whitespace().map(str::to_owned).collect();
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push(FaultRule { words, fault, left });
    }

    /// The fault of the next request.
    pub(crate) fn next(&self, line: &str, is_watch: bool) -> Option<InjectedFault> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let fits =
            |rule: &&mut FaultRule| rule.left != Some(0) && rule.words.iter().all(|word| line.contains(word.as_str()));
        if let Some(rule) = rules.iter_mut().find(fits) {
            rule.left = rule.left.map(|left| left - 1);
            return Some(rule.fault.clone());
        }
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let Drawn { rng, share } = drawn.as_mut()?;
        if !rng.random_bool(*share) {
            return None;
        }
        let is_write = !line.starts_with("GET");
        Some(match rng.random_range(0..5) {
            0 => InjectedFault::refuse(500, "InternalError", "etcdserver: leader changed"),
            1 if is_write => InjectedFault::refuse(409, "Conflict", "the object has been modified"),
            2 if is_write => InjectedFault::LoseAnswer,
            3 => InjectedFault::Delay(Duration::from_millis(rng.random_range(1..50))),
            4 if is_watch => InjectedFault::refuse(410, "Expired", "too old resource version"),
            _ => InjectedFault::Reset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_apply_as_often_as_they_say() {
        let faults = FaultPlan::default();
        faults.set_for("PATCH jobs", InjectedFault::Reset, 1);
        assert_eq!(faults.next("GET /jobs", false), None);
        assert_eq!(faults.next("PATCH /jobs/a", false), Some(InjectedFault::Reset));
        assert_eq!(faults.next("PATCH /jobs/a", false), None);
    }

    #[test]
    fn a_seed_draws_the_same_faults_again() {
        let draw = || {
            let faults = FaultPlan::default();
            faults.draw(7, 0.3);
            (0..200).map(|_| faults.next("PATCH /jobs/a", false)).collect::<Vec<_>>()
        };
        let drawn = draw();
        assert_eq!(drawn, draw());
        let failed = drawn.iter().flatten().count();
        assert!((30..90).contains(&failed), "{failed}");
    }
}
