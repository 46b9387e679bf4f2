//! Rounds: which points each has, and where they come from.
//!
//! Fresh rounds take points of the study's sequence, one round after the other, so that a later one continues where the
//! earlier one ended. Other rounds, and retraining at the end, take the best points of a round that has ended.

mod best;
mod coming;
mod fresh;
mod settled;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use studious_api::{
    Hyperparameters, TrialSpec,
    study::{Hyperparameter, Per, Round, SeedVerification},
};

pub use self::coming::to_come;
pub(crate) use self::fresh::Fresh;
pub use self::fresh::Shortfall;
pub use self::settled::{Settled, TooLate, settled};
use crate::{Plan, TrialKey, schedule, search, seeds, trial::TrialState};

/// Name of the round that trains the best points of the last one again.
pub const RETRAIN: &str = "retrain";

/// A point of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundPoint {
    /// Where the trial stands in its study.
    pub key: TrialKey,
    /// The point.
    pub hyperparameters: Hyperparameters,
}

/// Names of all rounds in order, [`RETRAIN`] last if the study retrains.
#[must_use]
pub fn names(plan: &Plan) -> Vec<String> {
    let spec = plan.spec();
    let retrain = spec.retrain.iter().map(|_| RETRAIN.to_owned());
    spec.rounds.iter().map(|r| r.name.clone()).chain(retrain).collect()
}

/// The points of a round in the order of their index, or `None` when the round takes the best points of an earlier one
/// which has none, or doesn't exist. Only called once the rounds before have ended.
///
/// Indices go round the arms: of `a` scientific configurations, trial `i` belongs to configuration `i mod a`, so whatever
/// has run is balanced. A space with fewer points than trials leaves indices out. Of a round whose points depend on
/// results, those are left out that aren't chosen yet.
#[must_use]
pub fn points(plan: &Plan, round: &str, trials: &[TrialState]) -> Option<Vec<RoundPoint>> {
    let planned = planned(plan, round, trials)?;
    if !search::adapts(plan, round) {
        return Some(planned.into_owned());
    }
    let own: HashMap<&TrialKey, &Hyperparameters> = trials.iter().map(|t| (&t.key, &t.hyperparameters)).collect();
    let known = planned.iter().filter_map(|point| match own.get(&point.key) {
        Some(own) => Some(RoundPoint { key: point.key.clone(), hyperparameters: (*own).clone() }),
        None => search::is_known_by_index(plan, &point.key).then(|| point.clone()),
    });
    Some(known.collect())
}

/// The points that a round's trials have by their index, or that they take of another round, without a copy where they
/// are known beforehand. Of a round that [adapts](search::adapts) only the keys count.
fn planned<'a>(plan: &'a Plan, round: &str, trials: &[TrialState]) -> Option<Cow<'a, [RoundPoint]>> {
    if let Some(points) = fresh_points(plan, round) {
        return Some(Cow::Borrowed(points));
    }
    let of = |name: &str| {
        let name = name.to_owned();
        trials.iter().filter(move |trial| trial.key.round == name)
    };
    let chosen = chosen(plan, round, of)?;
    Some(Cow::Owned(placed(plan, round, &chosen, of(round))))
}

/// The points of a round that takes them of the study's sequence, in the order of their index.
pub(crate) fn fresh_points<'a>(plan: &'a Plan, round: &str) -> Option<&'a [RoundPoint]> {
    (PointSource::of(plan, round)? == PointSource::Fresh).then(|| plan.fresh().of(round))?
}

/// The points that a round takes of another one, best first; `None` when that one has none, or when the round takes fresh
/// ones. `of_round` gives the trials of a round.
pub(crate) fn chosen<'a, I: Iterator<Item = &'a TrialState>>(
    plan: &Plan,
    round: &str,
    of_round: impl Fn(&str) -> I,
) -> Option<Vec<Hyperparameters>> {
    let source = PointSource::of(plan, round)?;
    let PointSource::Best { round: from, .. } = source else { return None };
    best::chosen(plan, &source, of_round(from))
}

/// The [chosen] points of a round with their keys. `own` are the trials of the round.
pub(crate) fn placed<'a>(
    plan: &Plan,
    round: &str,
    chosen: &'a [Hyperparameters],
    own: impl Iterator<Item = &'a TrialState>,
) -> Vec<RoundPoint> {
    PointSource::of(plan, round).map_or_else(Vec::new, |source| best::placed(round, &source, chosen, own))
}

/// Where a round's points come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PointSource<'a> {
    /// Of the study's sequence.
    Fresh,
    /// The best of an earlier round.
    Best {
        /// The earlier round.
        round: &'a str,
        /// How many.
        best: u32,
        /// Of what.
        per: Per,
        /// How often each.
        times: u32,
    },
}

impl<'a> PointSource<'a> {
    /// The source of a round; `None` when the study has no such round.
    pub(crate) fn of(plan: &'a Plan, round: &str) -> Option<Self> {
        let spec = plan.spec();
        match (spec.rounds.iter().find(|r| r.name == round), &spec.retrain) {
            (Some(round), _) => Some(Self::of_round(round)),
            (None, Some(retrain)) if round == RETRAIN => Some(Self::Best {
                round: &spec.rounds.last()?.name,
                best: retrain.best,
                per: retrain.per,
                times: retrain.times,
            }),
            _ => None,
        }
    }

    fn of_round(round: &'a Round) -> Self {
        match &round.from {
            Some(from) if from.best.is_some() => {
                Self::Best { round: &from.round, best: from.best.unwrap_or_default(), per: from.per, times: 1 }
            }
            _ => Self::Fresh,
        }
    }
}

/// Trials planned in all rounds. Fewer may run where a round has fewer points to take.
#[must_use]
pub fn total_trials(plan: &Plan) -> u32 {
    names(plan).iter().map(|round| trials_in(plan, round)).fold(0, u32::saturating_add)
}

/// Trials planned in a round; 0 for one that the study doesn't have.
#[must_use]
pub fn trials_in(plan: &Plan, round: &str) -> u32 {
    match PointSource::of(plan, round) {
        None => 0,
        Some(PointSource::Fresh) if plan.awaits_points() => expected(plan, round),
        Some(PointSource::Fresh) => plan.fresh().of(round).map_or(0, |p| u32::try_from(p.len()).unwrap_or(u32::MAX)),
        Some(PointSource::Best { round: source, best, per, times }) => {
            let arms = match per {
                Per::Study => 1,
                Per::Scientific => {
                    let arms = plan.space().configurations().map_or(usize::MAX, <[_]>::len);
                    u32::try_from(arms).unwrap_or(u32::MAX)
                }
            };
            // Validation sees to it that a source is an earlier round, so this ends.
            let available = if source == round { 0 } else { trials_in(plan, source) };
            best.saturating_mul(arms).min(available).saturating_mul(times)
        }
    }
}

/// As far as is known before a study's points are taken of another one.
fn expected(plan: &Plan, round: &str) -> u32 {
    let named = plan.spec().rounds.iter().find(|r| r.name == round);
    let best = plan.spec().search.points_from.as_ref().and_then(|from| from.best);
    named.and_then(|round| round.trials).or(best).unwrap_or_default()
}

/// Training steps of a round; retraining repeats the last one.
#[must_use]
pub fn max_train_steps(plan: &Plan, round: &str) -> u64 {
    let rounds = &plan.spec().rounds;
    rounds.iter().find(|r| r.name == round).or(rounds.last()).map_or(0, |r| r.max_train_steps)
}

/// Everything needed to run a point of a round.
#[must_use]
pub fn trial_spec(plan: &Plan, point: &RoundPoint) -> TrialSpec {
    let spec = plan.spec();
    let max_train_steps = max_train_steps(plan, &point.key.round);
    // Playbook: "Considerations for multi-host pipelines": several hosts can disagree, one can't.
    let verify = if spec.trial.hosts > 1 { SeedVerification::Required } else { SeedVerification::IfReported };
    TrialSpec {
        study: plan.name().to_owned(),
        round: point.key.round.clone(),
        index: point.key.index,
        hyperparameters: point.hyperparameters.clone(),
        aliases: aliases(&spec.hyperparameters, &point.hyperparameters),
        max_train_steps,
        schedule: schedule::of_trial(spec, max_train_steps, &point.hyperparameters),
        objective: spec.objective.clone(),
        constraints: spec.constraints.clone(),
        evaluation: spec.evaluation.clone(),
        checkpoint: spec.checkpoint.clone(),
        seeds: seeds::of_trial(plan, &point.key, point.key.round == RETRAIN),
        hosts: spec.trial.hosts,
        verify: spec.seeds.verify.unwrap_or(verify),
        failure: spec.failure.clone(),
        timeout_seconds: spec.trial.timeout_seconds,
        stop: None,
        stop_reason: None,
        template: spec.trial.template.clone(),
    }
}

/// What the program calls the hyperparameters of a point, by name, where that is something else.
fn aliases(hyperparameters: &[Hyperparameter], point: &Hyperparameters) -> BTreeMap<String, String> {
    let there = hyperparameters.iter().filter(|h| point.contains_key(&h.name));
    there.filter_map(|h| Some((h.name.clone(), h.alias.clone()?))).collect()
}

#[cfg(test)]
mod fresh_tests;
#[cfg(test)]
mod tests;
