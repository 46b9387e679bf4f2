//! Rounds of fresh points.

use std::collections::{BTreeMap, HashSet};

use studious_api::Hyperparameters;

use super::{RoundPoint, Source};
use crate::{Plan, TrialKey, search::Sequence, space::PointIdentity};

/// How many indices of the sequence are looked at for each trial before a space counts as used up.
const LOOK_AHEAD: u64 = 1000;

/// The points of all fresh rounds. They depend on the study alone, so a plan works them out once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fresh(BTreeMap<String, Vec<RoundPoint>>);

impl Fresh {
    /// Of a plan.
    pub(crate) fn new(plan: &Plan) -> Self {
        let search = &plan.spec().search;
        let sequence = Sequence::new(plan.space(), search.algorithm, search.seed, plan.arms());
        let whole = [Hyperparameters::new()];
        let arms = plan.arms().unwrap_or(&whole);

        let mut rounds = BTreeMap::new();
        // Where the next round goes on in the sequence: after the last index that any arm took.
        let mut start = 0;
        for round in &plan.spec().rounds {
            if Source::of_round(round) != Source::Fresh {
                continue;
            }
            let trials = round.trials.unwrap_or_default();
            let mut taken: Vec<Arm> =
                arms.iter().map(|_| Arm { next: start, seen: HashSet::new(), used_up: false }).collect();
            let mut points = Vec::new();
            for index in 0..trials {
                let number = index as usize % arms.len();
                let arm = &mut taken[number];
                if let Some(hyperparameters) =
                    arm.next_point(|i| sequence.point(plan.space(), &arms[number], i), trials)
                {
                    points.push(RoundPoint { key: TrialKey { round: round.name.clone(), index }, hyperparameters });
                }
            }
            start = taken.iter().filter(|a| !a.used_up).map(|a| a.next).max().unwrap_or(start);
            rounds.insert(round.name.clone(), points);
        }
        Self(rounds)
    }

    /// The points of a round, if it is a fresh one.
    pub(crate) fn of(&self, round: &str) -> Option<&[RoundPoint]> {
        self.0.get(round).map(Vec::as_slice)
    }
}

/// What one arm of a round has taken of the sequence.
struct Arm {
    next: u64,
    seen: HashSet<PointIdentity>,
    used_up: bool,
}

impl Arm {
    /// The next point that the arm doesn't have yet. Whole numbers and lists repeat; a point that the arm has is skipped,
    /// so a round never trains one point twice.
    fn next_point(&mut self, at: impl Fn(u64) -> Hyperparameters, trials: u32) -> Option<Hyperparameters> {
        if self.used_up {
            return None;
        }
        let end = self.next + LOOK_AHEAD.saturating_mul(u64::from(trials));
        while self.next < end {
            let point = at(self.next);
            self.next += 1;
            if self.seen.insert(PointIdentity::of(&point)) {
                return Some(point);
            }
        }
        self.used_up = true;
        None
    }
}
