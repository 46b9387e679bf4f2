//! The next points of a study, from what its trials have come to.
//!
//! Where points depend on their index alone, they are the next ones of the sequence. Where they depend on results
//! (`Bayesian`), a study begins with points of its quasi-random sequence and continues with what [`super::bayesian`]
//! proposes. Of a `Crossed` study each scientific configuration gets its turn, and all learn from one another; of a
//! `Sampled` one the scientific values are those of the quasi-random sequence, so that they are covered evenly whatever
//! the results are (Playbook: "Creating a set of studies"; requirement R-062).

use std::collections::{BTreeMap, HashSet};

use studious_api::{
    Hyperparameters,
    study::{Algorithm, Role},
};

use super::{
    Walk,
    bayesian::{self, Observation, PointResult, Request},
    earlier::{EarlierStudy, SearchHistory},
    untried,
};
use crate::{
    Plan, TrialKey,
    record::TrialRecord,
    rounds::{self, RoundPoint},
    seeds,
    space::{Dimension, PointIdentity},
    trial::TrialState,
};

/// How often the search is asked for other points when it proposes ones that the study tried in another round.
const PATIENCE: u64 = 4;
/// Most points that are asked for at once: trials of a round.
const MOST_AT_ONCE: u32 = 9999;

/// How many trials of a study begin before points depend on results: their points are those of the quasi-random sequence.
///
/// Two more than there are dimensions, at least 4 and at most 10, as [`bayesian::suggest`] needs, and one for each
/// scientific configuration. None where the study starts from others, and none where points never depend on results.
#[must_use]
pub fn initial_trials(plan: &Plan) -> u32 {
    let search = &plan.spec().search;
    if search.algorithm != Algorithm::Bayesian || !search.start_from.is_empty() {
        return 0;
    }
    u32::try_from(enough(plan).max(plan.arms().map_or(1, <[_]>::len))).unwrap_or(u32::MAX)
}

/// Whether the points of a round depend on results.
#[must_use]
pub fn adapts(plan: &Plan, round: &str) -> bool {
    plan.spec().search.algorithm == Algorithm::Bayesian && plan.fresh().of(round).is_some()
}

/// Whether a trial's point is known by its index, before any result.
#[must_use]
pub fn is_known_by_index(plan: &Plan, key: &TrialKey) -> bool {
    if !adapts(plan, &key.round) {
        return true;
    }
    let first = plan.spec().rounds.iter().find(|round| round.from.is_none());
    first.is_some_and(|first| first.name == key.round) && key.index < initial_trials(plan)
}

/// How many points must have a result before points are proposed by them.
fn enough(plan: &Plan) -> usize {
    let crossed = plan.is_crossed();
    let varies = |d: &&Dimension| d.varies() && !(crossed && d.role() == Role::Scientific);
    (plan.space().dimensions().iter().filter(varies).count() + 2).clamp(4, 10)
}

/// The next points of a study, from trials that ran anywhere; fewer than asked when the space has no more. Trials without
/// a round are of `round`. Only points without results so far, whatever their round.
#[must_use]
pub fn suggest(
    plan: &Plan,
    round: &str,
    trials: &[TrialRecord],
    earlier: &[EarlierStudy],
    count: usize,
) -> Vec<Hyperparameters> {
    let tried: HashSet<PointIdentity> = trials.iter().map(|t| PointIdentity::of(&t.hyperparameters)).collect();
    if plan.spec().search.algorithm != Algorithm::Bayesian {
        return untried(plan, &tried, count);
    }
    let Some(mut search) = SearchSession::new(plan, round, trials, earlier) else { return Vec::new() };
    let mut arms: Vec<ArmTurn> = turns(plan, round, trials);
    let mut points = Vec::new();
    while points.len() < count && arms.iter().any(|arm| !arm.used_up) {
        let wanted = count - points.len();
        // Whose turn it is, for as many as are wanted.
        let mut asked: Vec<usize> = vec![0; arms.len()];
        for _ in 0..wanted {
            let next = (0..arms.len()).filter(|i| !arms[*i].used_up).min_by_key(|i| (arms[*i].trials + asked[*i], *i));
            if let Some(next) = next {
                asked[next] += 1;
            }
        }
        let seed = seed(plan, round, trials.len() + points.len());
        let mut found: Vec<(usize, usize, Hyperparameters)> = Vec::new();
        for (number, n) in asked.into_iter().enumerate().filter(|(_, n)| *n > 0) {
            let given = if plan.is_crossed() || !plan.space().has_scientific() {
                search.propose(number, &arms[number].scientific, std::iter::empty(), n, seed)
            } else {
                (0..n).map_while(|_| search.sampled(seed)).collect()
            };
            let arm = &mut arms[number];
            arm.used_up = given.len() < n;
            for point in given {
                found.push((arm.trials, number, point));
                arm.trials += 1;
            }
        }
        found.sort_by_key(|(turn, number, _)| (*turn, *number));
        points.extend(found.into_iter().map(|(_, _, point)| point));
    }
    points
}

/// Points for trials that are to be made: those of [`decide::Action::Suggest`](crate::decide::Action::Suggest).
/// Deterministic, and the order of `trials` changes nothing. Long to work out: never where something waits for it.
///
/// Every trial gets a point: where the search has none, the next one of the quasi-random sequence.
#[must_use]
pub fn points_for(plan: &Plan, keys: &[TrialKey], trials: &[TrialState], earlier: &[EarlierStudy]) -> Vec<RoundPoint> {
    let records: Vec<TrialRecord> = trials.iter().map(record).collect();
    let mut points = Vec::new();
    let mut rounds: BTreeMap<&str, Vec<&TrialKey>> = BTreeMap::new();
    for key in keys {
        rounds.entry(&key.round).or_default().push(key);
    }
    for (round, keys) in rounds {
        let Some(mut search) = SearchSession::new(plan, round, &records, earlier) else { continue };
        // Keys of one arm are asked for together, so that their points are chosen together.
        let mut arms: BTreeMap<PointIdentity, (ArmKey, Vec<&RoundPoint>)> = BTreeMap::new();
        for even in keys.into_iter().filter_map(|key| even(plan, key)) {
            let arm = ArmKey::of(plan, even);
            arms.entry(PointIdentity::of(&arm.scientific)).or_insert_with(|| (arm, Vec::new())).1.push(even);
        }
        for (arm, even) in arms.into_values() {
            let seed = seed(plan, round, even.first().map_or(0, |point| point.key.index as usize));
            let preferred = even.iter().map(|point| point.hyperparameters.clone());
            let found = search.propose(arm.number, &arm.scientific, preferred, even.len(), seed);
            let with_points = even.into_iter().zip(found);
            points.extend(with_points.map(|(e, hyperparameters)| RoundPoint { key: e.key.clone(), hyperparameters }));
        }
    }
    points.sort_by(|a, b| a.key.cmp(&b.key));
    points
}

/// The point that a trial would have by its index alone.
fn even<'a>(plan: &'a Plan, key: &TrialKey) -> Option<&'a RoundPoint> {
    let points = plan.fresh().of(&key.round)?;
    points.binary_search_by_key(&key.index, |point| point.key.index).ok().map(|i| &points[i])
}

/// The trials that share a scientific configuration.
struct ArmKey {
    number: usize,
    scientific: Hyperparameters,
}

impl ArmKey {
    /// Of the trial that would have this point by its index alone.
    fn of(plan: &Plan, even: &RoundPoint) -> Self {
        match plan.arms() {
            Some(arms) => {
                let number = even.key.index as usize % arms.len().max(1);
                Self { number, scientific: arms.get(number).cloned().unwrap_or_default() }
            }
            None => Self { number: 0, scientific: plan.space().scientific_part(&even.hyperparameters) },
        }
    }
}

fn seed(plan: &Plan, round: &str, place: usize) -> u64 {
    let number = rounds::names(plan).iter().position(|name| name == round).unwrap_or_default();
    seeds::derive_u64(plan.spec().search.seed, "suggest", &[number as u64, place as u64])
}

/// A trial as data, as far as it is known to decisions.
fn record(trial: &TrialState) -> TrialRecord {
    TrialRecord {
        round: trial.key.round.clone(),
        hyperparameters: trial.hyperparameters.clone(),
        outcome: trial.outcome(),
        metrics: trial.metrics.clone(),
        ..TrialRecord::default()
    }
}

/// What an arm has had of a round.
struct ArmTurn {
    scientific: Hyperparameters,
    trials: usize,
    used_up: bool,
}

fn turns(plan: &Plan, round: &str, trials: &[TrialRecord]) -> Vec<ArmTurn> {
    let arm = |scientific: &Hyperparameters| ArmTurn { scientific: scientific.clone(), trials: 0, used_up: false };
    let Some(arms) = plan.arms() else { return vec![arm(&Hyperparameters::new())] };
    let mut turns: Vec<ArmTurn> = arms.iter().map(arm).collect();
    for trial in trials.iter().filter(|trial| trial.round.is_empty() || trial.round == round) {
        let of = plan.space().scientific_part(&trial.hyperparameters);
        if let Some(turn) = turns.iter_mut().find(|turn| turn.scientific == of) {
            turn.trials += 1;
        }
    }
    turns
}

/// A search running: what it proposed is known to it.
struct SearchSession<'a> {
    plan: &'a Plan,
    known: SearchHistory,
    /// Whether enough is known to go by it.
    learns: bool,
    /// Of a `Sampled` study: the sequence from the next trial on.
    even: Walk<'a>,
    asked: u32,
}

impl<'a> SearchSession<'a> {
    fn new(plan: &'a Plan, round: &str, trials: &[TrialRecord], earlier: &[EarlierStudy]) -> Option<Self> {
        let known = SearchHistory::new(plan, round, trials, earlier, enough(plan))?;
        let learns = known.results() >= enough(plan);
        let asked = u32::try_from(trials.len()).unwrap_or(u32::MAX).saturating_add(MOST_AT_ONCE);
        let mut even = Walk::new(plan, asked);
        if !plan.is_crossed() && plan.space().has_scientific() {
            for _ in 0..trials.len() {
                even.next(0);
            }
        }
        Some(Self { plan, known, learns, even, asked })
    }

    /// The next point of a `Sampled` study.
    fn sampled(&mut self, seed: u64) -> Option<Hyperparameters> {
        let even = self.even.next(0);
        let scientific = even.as_ref().map(|point| self.plan.space().scientific_part(point)).unwrap_or_default();
        self.propose(0, &scientific, even.into_iter(), 1, seed).pop()
    }

    /// Points of an arm that aren't tried yet; fewer only when it has no more. Where results don't tell, `even` ones are
    /// taken first.
    fn propose(
        &mut self,
        arm: usize,
        scientific: &Hyperparameters,
        even: impl Iterator<Item = Hyperparameters>,
        count: usize,
        seed: u64,
    ) -> Vec<Hyperparameters> {
        let mut points = if self.learns { self.learnt(scientific, count, seed) } else { Vec::new() };
        let mut walk = Walk::new(self.plan, self.asked);
        let mut others = even.chain(std::iter::from_fn(|| walk.next(arm)));
        while points.len() < count {
            let Some(point) = others.next() else { break };
            if self.known.tried.insert(PointIdentity::of(&point)) {
                let mut hyperparameters = point.clone();
                hyperparameters.extend(self.known.here.clone());
                self.known.observed.push(Observation { hyperparameters, result: PointResult::Pending });
                points.push(point);
            }
        }
        points
    }

    /// Points that the results so far speak for.
    fn learnt(&mut self, scientific: &Hyperparameters, count: usize, seed: u64) -> Vec<Hyperparameters> {
        let mut arm = scientific.clone();
        arm.extend(self.known.here.clone());
        let mut points = Vec::new();
        for turn in 0..PATIENCE {
            if points.len() >= count {
                break;
            }
            let suggestions = bayesian::suggest(&Request {
                space: &self.known.space,
                arm: &arm,
                direction: self.plan.spec().objective.direction,
                observed: &self.known.observed,
                count: count - points.len(),
                seed: seed.wrapping_add(turn),
            });
            for hyperparameters in suggestions.points {
                let point = SearchHistory::plain(&hyperparameters);
                self.known.observed.push(Observation { hyperparameters, result: PointResult::Pending });
                if self.known.tried.insert(PointIdentity::of(&point)) {
                    points.push(point);
                }
            }
            if suggestions.exhausted {
                break;
            }
        }
        points
    }
}
