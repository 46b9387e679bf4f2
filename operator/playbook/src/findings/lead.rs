//! Which arm leads, by how much, and what rules out calling it the winner: the one comparison behind
//! `DifferenceWithinNoise`, `BestPerArm` and the study's answer.
//!
//! An arm stands for its tuned point. Where the points of two arms or more were trained again with other seeds, the means
//! of the retrainings are compared, since the trial that was chosen owes part of its value to noise. Else the best results
//! are. Two kinds of noise (requirement R-087) may make a difference. That of a training: the difference must be larger
//! than the interval of a difference of so many trainings (Student's t). And that of the search: one arm's best point may
//! be a chance find. If the arms didn't matter, which trials belong to which would be chance; the best r of both together,
//! those that beat the other arm's best, would all belong to one arm with a chance that is counted exactly. Where means are
//! compared and both arms were tried at the same points, as those of crossed studies are, neither had better points by chance.

use std::collections::HashSet;

use studious_api::{Hyperparameters, study::Direction};
use studious_rules::thresholds::search::{FALSE_ALARMS, NOISE_DEVIATIONS};

use super::{
    chance::student_quantile,
    exact,
    noise::{self, Noise, Repeats},
    reading::{Arm, Reading, RoundTrials},
};
use crate::{record::TrialRecord, space::PointIdentity};

/// Trials of the leading arm that must beat the best of the other where both were tried at the same points. An arm that has
/// one point, as one that tunes nothing, need have no second: its retrainings alone decide.
const FEWEST_AHEAD: usize = 2;

/// Retrainings of each of two points below which neither is called the winner. Two say too little of the noise: where they
/// happen to agree, a difference looks larger than it is, and the winner's value was a third of a deviation too good
/// (measured on real trainings, the example `winners`).
pub(crate) const FEWEST_RETRAININGS: u32 = 3;

/// How an arm stands.
pub(super) struct Standing<'a> {
    pub(super) arm: Arm<'a>,
    /// The trial whose point stands for it.
    pub(super) trial: &'a TrialRecord,
    /// The best objective of its trials in the round that the answer is drawn from.
    pub(super) best: f64,
    /// What is compared: the mean of the retrainings of its point, or else its best objective.
    pub(super) value: f64,
    /// Retrainings behind that mean; 0 where the best objective is compared.
    pub(super) retrainings: usize,
    /// Trials of it with a result.
    pub(super) results: usize,
}

/// What rules out calling the leading arm the winner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Doubt {
    /// Two trainings of one point, or the means of so many, may differ as much.
    WithinNoise {
        /// By how much, at most, in 95 of 100 cases.
        within: f64,
    },
    /// Too few of its trials beat the best of the other arm.
    SearchLuck,
    /// Each point was trained once with this step budget, and nothing says how far two trainings differ.
    NoiseUnknown,
    /// An arm whose point was not trained again has a best that is better than the leader's mean.
    NotRetrained,
}

/// The two arms in front.
pub(super) struct Lead<'a> {
    pub(super) first: Standing<'a>,
    pub(super) second: Standing<'a>,
    /// All others that have a result, best first.
    pub(super) others: Vec<Standing<'a>>,
    /// By how much the first is ahead; not negative.
    pub(super) gap: f64,
    /// Whether means of retrainings are compared.
    pub(super) by_means: bool,
    /// That of a training with the round's step budget, if it is known.
    pub(super) noise: Option<Noise>,
    /// Half the width of the difference's interval; `None` where the noise is unknown, or what is compared was chosen for
    /// being best.
    pub(super) half_width: Option<f64>,
    /// Results of the first that beat the best of the second.
    pub(super) ahead: usize,
    /// The chance of so many, or more, if arms don't matter.
    pub(super) search_luck: f64,
    pub(super) doubt: Option<Doubt>,
}

impl Lead<'_> {
    /// Whether the leading arm is the winner: nothing contradicts it, and both points were trained again, so that its
    /// value and the difference are no longer those it was chosen by. Without retraining an arm that all trials favor may
    /// owe that to one seed that they share, and its value to the choice of the best of many.
    pub(super) fn is_winner(&self) -> bool {
        self.doubt.is_none() && self.half_width.is_some() && self.has_enough_retrainings()
    }

    /// Whether both points were trained again often enough to know how far their trainings differ.
    pub(super) fn has_enough_retrainings(&self) -> bool {
        self.by_means && self.first.retrainings.min(self.second.retrainings) >= FEWEST_RETRAININGS as usize
    }

    /// The value of the leading arm to expect with other seeds. An arm that leads was chosen for its mean, so the difference
    /// is too large on average: by the variance of its error, divided by the difference, where any size of a difference is as
    /// likely as another (Tweedie's formula with a prior of 1/x, Efron 2011, "Tweedie's formula and selection bias"). The
    /// leading arm's mean has half of that.
    pub(super) fn expected(&self, direction: Direction) -> Option<f64> {
        let noise = self.noise.filter(|_| self.half_width.is_some() && self.gap > 0.0)?;
        let variance = noise.deviation.powi(2) * shares(&self.first, &self.second);
        let back = 0.5 * (variance / self.gap).min(self.gap);
        Some(if direction.better(1.0, 0.0) { self.first.value - back } else { self.first.value + back })
    }
}

/// The arms of the round that the answer is drawn from, the leading one first; nothing with fewer than two that have a
/// result which satisfies the constraints.
pub(super) fn lead<'a>(reading: &Reading<'a>) -> Option<Lead<'a>> {
    let round = reading.concluding()?;
    let arms = reading.arms(round);
    if arms.len() < 2 {
        return None;
    }
    let repeats = noise::repeats(reading);
    let mut standings: Vec<_> = arms.into_iter().filter_map(|arm| standing(reading, arm, &repeats)).collect();
    let by_means = standings.iter().filter(|s| s.retrainings > 0).count() > 1;
    if !by_means {
        for standing in &mut standings {
            (standing.value, standing.retrainings) = (standing.best, 0);
        }
    }
    let direction = reading.direction();
    standings.sort_by(|a, b| direction.best_first(a.value, b.value));
    if by_means {
        // The leader is one that was trained again: a single result that was chosen for being best is no mean.
        let leader = standings.iter().position(|s| s.retrainings > 0)?;
        standings[..=leader].rotate_right(1);
    }
    let mut standings = standings.into_iter();
    let (first, second) = (standings.next()?, standings.next()?);
    let noise = noise::at_budget_of(reading, round);
    let signed = if direction.better(second.value, first.value) { -1.0 } else { 1.0 };
    let gap = signed * (first.value - second.value).abs();
    let (ahead, search_luck) = search_luck(reading, round, &first.arm, &second.arm);
    let alpha = reading.threshold(&FALSE_ALARMS);
    let within = noise.map(|noise| within(reading, noise, &first, &second));
    let doubt = if gap < 0.0 {
        Some(Doubt::NotRetrained)
    } else {
        match within {
            Some(within) if gap <= within => Some(Doubt::WithinNoise { within }),
            // The means differ, and both arms were tried at the same points: neither had better points by chance. That
            // one trial alone is ahead may still be noise: two keep studies of equal arms at the level of the test.
            Some(_)
                if by_means
                    && (!round.explores
                        || has_one_point(&first.arm)
                        || (ahead >= FEWEST_AHEAD && same_points(&first.arm, &second.arm))) =>
            {
                None
            }
            // Of points that an earlier round chose, which are few and the best, the search's variance can't be seen.
            Some(_) if !round.explores => None,
            _ if search_luck > alpha && round.explores => Some(Doubt::SearchLuck),
            _ if search_luck > alpha => Some(Doubt::NoiseUnknown),
            _ => None,
        }
    };
    Some(Lead {
        half_width: within.filter(|_| by_means && second.retrainings > 0),
        others: standings.collect(),
        gap: gap.abs(),
        first,
        second,
        by_means,
        noise,
        ahead,
        search_luck,
        doubt,
    })
}

/// By how much two points that are equally good may differ: the t interval of a difference of means, or of single results,
/// where it is at least as wide as the study's threshold wants.
fn within(reading: &Reading<'_>, noise: Noise, a: &Standing<'_>, b: &Standing<'_>) -> f64 {
    let t = student_quantile(0.5 * reading.threshold(&FALSE_ALARMS), noise.freedom);
    let deviations =
        if a.retrainings > 0 && b.retrainings > 0 { t } else { t.max(reading.threshold(&NOISE_DEVIATIONS)) };
    deviations * noise.deviation * shares(a, b).sqrt()
}

/// The variance of the difference between two values, as a multiple of that of one training.
fn shares(a: &Standing<'_>, b: &Standing<'_>) -> f64 {
    [a, b].iter().map(|standing| 1.0 / standing.retrainings.max(1) as f64).sum()
}

/// What is compared of one arm with another: the mean of the retrainings of its point, or else its best objective.
pub(super) fn value(reading: &Reading<'_>, arm: &Arm<'_>) -> Option<f64> {
    standing(reading, arm.clone(), &noise::repeats(reading)).map(|standing| standing.value)
}

fn standing<'a>(reading: &Reading<'a>, arm: Arm<'a>, repeats: &[Repeats<'a>]) -> Option<Standing<'a>> {
    let (best_trial, best) =
        reading.ranked(&arm.trials).first().copied().filter(|(trial, _)| reading.satisfies(trial))?;
    let results = arm.trials.iter().filter(|t| t.is_result()).count();
    // Of several of its points that were trained again, the best on average.
    let direction = reading.direction();
    let again = repeats
        .iter()
        .filter(|group| group.trials.first().is_some_and(|trial| arm.holds(trial)))
        .map(|group| (group, group.mean()))
        .reduce(|a, b| if direction.better(b.1, a.1) { b } else { a });
    let (trial, value, retrainings) = match again {
        Some((group, mean)) => (*group.trials.first()?, mean, group.values.len()),
        None => (best_trial, best, 0),
    };
    Some(Standing { arm, trial, best, value, retrainings, results })
}

/// How many results of one arm beat the best of another in the round that the answer is drawn from, and the chance of so
/// many if arms don't matter. Points that an earlier round chose are few: there the exploring round counts too, if the same
/// arm leads in it. Two rounds are two chances to find something, which is paid for.
fn search_luck(reading: &Reading<'_>, round: &RoundTrials<'_>, better: &Arm<'_>, other: &Arm<'_>) -> (usize, f64) {
    let here = compare(reading, better, other);
    let Some(earlier) = reading.exploring().filter(|_| !round.explores) else { return here };
    let arms = reading.arms(earlier);
    let of = |arm: &Arm<'_>| arms.iter().find(|a| a.configuration == arm.configuration);
    match (of(better), of(other)) {
        (Some(better), Some(other)) => {
            let (_, before) = compare(reading, better, other);
            (here.0, (2.0 * here.1.min(before)).min(1.0))
        }
        _ => here,
    }
}

/// Whether an arm has no point to choose from.
fn has_one_point(arm: &Arm<'_>) -> bool {
    let points: HashSet<_> = arm.trials.iter().map(|trial| PointIdentity::of(&trial.hyperparameters)).collect();
    points.len() == 1
}

/// Whether most trials of each arm have a partner in the other, with the same values of all that both have beside what
/// tells the arms apart. Crossed studies give the same points to all arms.
fn same_points(a: &Arm<'_>, b: &Arm<'_>) -> bool {
    let tells_apart = |name: &str| [a, b].iter().any(|arm| arm.configuration.iter().any(|(n, _)| *n == name));
    let is_shared = |name: &str| {
        let has = |arm: &Arm<'_>| arm.trials.iter().any(|trial| trial.hyperparameters.contains_key(name));
        has(a) && has(b) && !tells_apart(name)
    };
    let points = |arm: &Arm<'_>| -> HashSet<PointIdentity> {
        let shared = |trial: &&TrialRecord| -> Hyperparameters {
            let own = trial.hyperparameters.iter().filter(|(name, _)| is_shared(name));
            own.map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        arm.trials.iter().map(|trial| PointIdentity::of(&shared(trial))).collect()
    };
    let (of_a, of_b) = (points(a), points(b));
    let common = of_a.intersection(&of_b).count();
    2 * common > of_a.len().max(of_b.len())
}

fn compare(reading: &Reading<'_>, better: &Arm<'_>, other: &Arm<'_>) -> (usize, f64) {
    let (a, b) = (reading.objectives(&better.trials), reading.objectives(&other.trials));
    let Some(against) = b.first() else { return (0, 1.0) };
    let ahead = a.iter().filter(|o| reading.direction().better(**o, *against)).count();
    let results = |arm: &Arm<'_>| arm.trials.iter().filter(|t| t.is_result()).count();
    let (n, m) = (results(better), results(other));
    let chance = match ahead {
        0 => 1.0,
        _ => exact::all_marked(n + m, n, ahead) + exact::all_marked(n + m, m, ahead),
    };
    (ahead, chance.min(1.0))
}
