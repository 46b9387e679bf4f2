//! Rounds of fresh points.

use std::{collections::BTreeMap, fmt};

use studious_api::Hyperparameters;

use super::{PointSource, RoundPoint};
use crate::{Plan, TrialKey, search::Walk};

/// Most trials of a round.
const MOST_TRIALS: u32 = 9999;

/// The points of all fresh rounds. They depend on the study alone, so a plan works them out once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fresh {
    rounds: BTreeMap<String, Vec<RoundPoint>>,
    shortfall: Option<Shortfall>,
}

/// A space that has fewer points than trials were asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shortfall {
    /// Trials asked of fresh rounds.
    pub asked: u32,
    /// Trials that have a point.
    pub given: u32,
    /// What ends first: the whole space, or these scientific configurations, each with the number of its points.
    pub arms: Vec<(String, u64)>,
    /// Whether points are passed over that constraints between hyperparameters forbid.
    pub is_constrained: bool,
}

impl Fresh {
    /// Of a plan.
    ///
    /// A later round continues where the earlier one ended, and no point is tried twice: to train one again, longer or with
    /// other seeds, is what `from` and `retrain` are for.
    pub(crate) fn new(plan: &Plan) -> Self {
        let rounds: Vec<_> =
            plan.spec().rounds.iter().filter(|r| PointSource::of_round(r) == PointSource::Fresh).collect();
        let most = rounds.iter().map(|round| round.trials.unwrap_or(MOST_TRIALS)).max().unwrap_or_default();
        let mut walk = Walk::new(plan, most);
        let mut fresh = BTreeMap::new();
        let mut asked = Vec::new();
        for round in rounds {
            let mut points = Vec::new();
            for index in 0..round.trials.unwrap_or(MOST_TRIALS) {
                if walk.is_used_up() {
                    break;
                }
                if let Some(hyperparameters) = walk.next(index as usize % walk.arms()) {
                    points.push(RoundPoint { key: TrialKey { round: round.name.clone(), index }, hyperparameters });
                }
            }
            walk.align();
            asked.push(round.trials);
            fresh.insert(round.name.clone(), points);
        }
        let is_constrained = !plan.space().constraints().is_empty();
        let shortfall = shortfall(&walk, &asked, fresh.values().map(Vec::len).sum(), is_constrained);
        Self { rounds: fresh, shortfall }
    }

    /// The points of a round, if it is a fresh one.
    pub(crate) fn of(&self, round: &str) -> Option<&[RoundPoint]> {
        self.rounds.get(round).map(Vec::as_slice)
    }

    /// That fewer points are there than trials were asked.
    pub(crate) fn shortfall(&self) -> Option<&Shortfall> {
        self.shortfall.as_ref()
    }
}

fn shortfall(walk: &Walk<'_>, asked: &[Option<u32>], given: usize, is_constrained: bool) -> Option<Shortfall> {
    // Without a number all there are were asked.
    let asked = asked.iter().copied().sum::<Option<u32>>()?;
    let given = u32::try_from(given).unwrap_or(u32::MAX);
    if given >= asked {
        return None;
    }
    let named = |scientific: &Hyperparameters| {
        scientific.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
    };
    let whole: Option<u64> = walk.sizes().map(|(_, size)| size).sum();
    let arms = match whole {
        Some(points) => vec![("the space".to_owned(), points)],
        None => walk.sizes().filter_map(|(arm, size)| Some((named(arm), size?))).collect(),
    };
    Some(Shortfall { asked, given, arms, is_constrained })
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (what, points)) in self.arms.iter().enumerate() {
            let s = if *points == 1 { "" } else { "s" };
            write!(f, "{}{what} has {points} point{s}", if i > 0 { ", " } else { "" })?;
        }
        let Self { asked, given, .. } = self;
        if self.arms.is_empty() && self.is_constrained {
            return write!(
                f,
                "no further point was found that the constraints between hyperparameters allow, {asked} trials asked: {given} run"
            );
        }
        if self.arms.is_empty() {
            f.write_str("the space has no further point")?;
        }
        write!(f, ", {asked} trials asked: {given} run, since no point is tried twice")
    }
}
