//! Bayesian optimisation: the next points of an arm from all results so far.
//!
//! Playbook: "After exploration concludes". The surrogate is a Gaussian process ([`surrogate`], [`kernel`], [`fit`]) on
//! encoded points ([`encoding`]) and warped targets ([`warp`]); infeasible trials train a model of their own
//! ([`feasibility`]); [`acquisition`] joins the two and [`climb`] looks for its best point.
//!
//! Pure: the same request gives the same points on every machine. Transcendental functions are libm's, sums have one
//! order, and there is one thread.
//!
//! Crates that were looked at and left: egobox-gp 0.36 has no gradient of the likelihood, no priors on length scales and
//! no conditional spaces, and brings ndarray, linfa and `BLAS`-like kernels whose last bits depend on the processor;
//! friedrich fits without ARD; argmin's L-BFGS has no bounds. What remains to be written is small, and has to be the same
//! on every machine.

mod acquisition;
mod climb;
mod encoding;
mod feasibility;
mod fit;
mod kernel;
mod matrix;
mod minimise;
mod normal;
mod surrogate;
mod warp;

use std::collections::HashSet;

use studious_api::{
    Hyperparameters,
    study::{Algorithm, Direction},
};

use self::{
    acquisition::{Acquisition, Caution},
    climb::{Effort, apart, climb},
    encoding::Encoding,
    feasibility::Feasibility,
    fit::{Prior, Priors, RegressionData},
    surrogate::Surrogate,
};
use super::Sequence;
use crate::{
    seeds,
    space::{Domain, PointIdentity, Space},
};

/// What is known of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PointResult {
    /// The objective's value. One that isn't finite counts as infeasible.
    Objective(f64),
    /// It can't be trained: a result, of feasibility.
    Infeasible,
    /// Being tried, or without a result that can be used: never proposed again, and has no value.
    Pending,
}

/// A point with what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// A full point of the space.
    pub hyperparameters: Hyperparameters,
    /// What is known of it.
    pub result: PointResult,
}

/// A question for the next points.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The search space.
    pub space: &'a Space,
    /// The scientific configuration that the points have; may be empty, then all hyperparameters are searched.
    pub arm: &'a Hyperparameters,
    /// Which way the objective is better.
    pub direction: Direction,
    /// What is known of points of the space, of any arm, in any order. What is no point of the space is left out.
    pub observed: &'a [Observation],
    /// How many points are asked.
    pub count: usize,
    /// The study's seed: the first points are those of its quasi-random sequence.
    pub seed: u64,
}

/// The next points.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposedPoints {
    /// None twice, none observed.
    pub points: Vec<Hyperparameters>,
    /// Fewer than asked: the arm has no further point.
    pub exhausted: bool,
}

/// Arms of at most this many points are searched point by point.
const LISTED: u64 = 2000;
/// Larger arms are listed up to here when nothing new is met otherwise.
const LARGEST_LISTED: u64 = 200_000;
/// Indices of the quasi-random sequence that are looked at for a new point.
const PATIENCE: u64 = 10_000;
/// Trials that run at once differ by this share of the range in some coordinate: two that don't teach the same.
const APART: f64 = 0.02;
/// Parameters are fitted to at most this many points.
const FITTED: usize = 160;
/// The posterior knows at most this many points.
const KNOWN: usize = 1000;

/// The next points of an arm. With fewer results than two more than the arm has dimensions (at least 4, at most 10), they
/// are those of the study's quasi-random sequence: a process with several length scales can't be fitted to less.
#[must_use]
pub fn suggest(request: &Request) -> ProposedPoints {
    let mut asked = Asked::new(request);
    let mut points = Vec::with_capacity(request.count);
    let encoding = Encoding::new(request.space, request.arm);
    let results = EncodedResults::new(request, &encoding);
    if results.len() < (encoding.free() + 2).clamp(4, 10) {
        while points.len() < request.count {
            let Some(point) = asked.untried() else { break };
            points.push(point);
        }
    } else {
        let mut model = Model::new(request, &encoding, results);
        while points.len() < request.count {
            let Some(point) = model.next(&mut asked).or_else(|| asked.untried()) else { break };
            points.push(point);
        }
    }
    ProposedPoints { exhausted: points.len() < request.count, points }
}

/// The points that may still be proposed.
struct Asked<'a> {
    request: &'a Request<'a>,
    taken: HashSet<PointIdentity>,
    sequence: Sequence,
    next: u64,
    /// All points of a small arm.
    listed: Option<Vec<Hyperparameters>>,
    size: Option<u64>,
}

impl<'a> Asked<'a> {
    fn new(request: &'a Request<'a>) -> Self {
        let Request { space, arm, seed, .. } = *request;
        let taken = request.observed.iter().map(|o| PointIdentity::of(&o.hyperparameters)).collect();
        let arms = match (arm.is_empty(), space.configurations()) {
            (true, _) => None,
            (false, Some(all)) if all.contains(arm) => Some(all.to_vec()),
            (false, _) => Some(vec![arm.clone()]),
        };
        let sequence = Sequence::new(space, Algorithm::Bayesian, seed, arms.as_deref());
        let size = size(space, arm);
        let listed = size.filter(|size| *size <= LISTED).map(|_| space.every_point(arm));
        Self { request, taken, sequence, next: 0, listed, size }
    }

    /// Takes a point, if it is allowed and isn't taken.
    fn take(&mut self, point: &Hyperparameters) -> bool {
        self.request.space.allows(point) && self.taken.insert(PointIdentity::of(point))
    }

    /// The points of a small arm that aren't taken.
    fn remaining(&self) -> Option<Vec<Hyperparameters>> {
        let untaken = |point: &&Hyperparameters| !self.taken.contains(&PointIdentity::of(point));
        self.listed.as_ref().map(|listed| listed.iter().filter(untaken).cloned().collect())
    }

    /// The next point of the sequence that isn't taken, or any other one.
    fn untried(&mut self) -> Option<Hyperparameters> {
        let Request { space, arm, .. } = *self.request;
        let end = self.next + PATIENCE;
        while self.next < end {
            let point = self.sequence.point(space, arm, self.next);
            self.next += 1;
            if self.take(&point) {
                return Some(point);
            }
        }
        if self.listed.is_none() && self.size.is_some_and(|size| size <= LARGEST_LISTED) {
            self.listed = Some(space.every_point(arm));
        }
        let point = self.remaining()?.into_iter().next()?;
        self.take(&point).then_some(point)
    }
}

/// At most how many points an arm has; `None` for no end of them.
fn size(space: &Space, arm: &Hyperparameters) -> Option<u64> {
    let possible = space.possible(arm);
    let mut size = 1_u64;
    for (dimension, _) in space.dimensions().iter().zip(possible).filter(|(_, possible)| *possible) {
        let values = match dimension.domain() {
            _ if arm.contains_key(dimension.name()) => 1,
            Domain::Fixed(_) | Domain::Derived(_) => 1,
            Domain::Values(values) => values.as_slice().len() as u64,
            // Whole and at most 2^54: exact.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Domain::Interval(interval) if interval.is_integer() => (interval.max() - interval.min()) as u64 + 1,
            Domain::Interval(_) => return None,
        };
        size = size.saturating_mul(values);
    }
    Some(size)
}

/// What is known, as numbers, in an order of its own.
#[derive(Clone, Debug, Default)]
struct EncodedResults {
    /// Points with an objective, and the objective, less is better.
    feasible: Vec<(Vec<f64>, f64)>,
    infeasible: Vec<Vec<f64>>,
    pending: Vec<Vec<f64>>,
}

impl EncodedResults {
    fn new(request: &Request, encoding: &Encoding) -> Self {
        let sign = if request.direction == Direction::Minimize { 1.0 } else { -1.0 };
        let mut results = Self::default();
        for observed in request.observed {
            let Some(features) = encoding.features(&observed.hyperparameters) else { continue };
            match observed.result {
                PointResult::Objective(value) if value.is_finite() => results.feasible.push((features, sign * value)),
                PointResult::Objective(_) | PointResult::Infeasible => results.infeasible.push(features),
                PointResult::Pending => results.pending.push(features),
            }
        }
        results.feasible.sort_by(|(a, x), (b, y)| order(a, b).then(x.total_cmp(y)));
        results.infeasible.sort_by(|a, b| order(a, b));
        results.pending.sort_by(|a, b| order(a, b));
        results
    }

    /// How many results there are.
    fn len(&self) -> usize {
        self.feasible.len() + self.infeasible.len()
    }
}

fn order(a: &[f64], b: &[f64]) -> std::cmp::Ordering {
    a.iter().zip(b).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
}

/// Everything that is learnt from the results, and where the search continues.
struct Model<'a> {
    encoding: &'a Encoding<'a>,
    acquisition: Acquisition,
    /// Raw values of the best trials, the best first.
    best: Vec<Vec<f64>>,
    effort: Effort,
    seed: u64,
    /// Where trials are running, those of this reply included.
    pending: Vec<Vec<f64>>,
}

impl<'a> Model<'a> {
    fn new(request: &Request, encoding: &'a Encoding<'a>, results: EncodedResults) -> Self {
        let metrics = encoding.metrics();
        let EncodedResults { mut feasible, mut infeasible, pending } = results;
        let all = feasible.len() + infeasible.len() + pending.len();
        // The best first: what a subset is made of.
        feasible.sort_by(|(a, x), (b, y)| x.total_cmp(y).then_with(|| order(a, b)));
        thin(&mut feasible, KNOWN);
        thin(&mut infeasible, KNOWN);
        let (points, objectives): (Vec<Vec<f64>>, Vec<f64>) = feasible.into_iter().unzip();
        let targets = warp::targets(&objectives);
        let objective = surrogate(&metrics, &points, &targets);
        // Each arm is to get as good as it can, however good another is: only its own points are to be improved on. Of an
        // arm without any, what is expected there of the points of others.
        let (own, others): (Vec<_>, Vec<_>) = points.iter().partition(|point| encoding.is_of_arm(point));
        let moved = |point: &&Vec<f64>| encoding.candidate(Encoding::raw(point)).map(|candidate| candidate.features);
        let means: Vec<f64> = if own.is_empty() {
            others.iter().filter_map(moved).map(|point| objective.mean(&point)).collect()
        } else {
            own.iter().map(|point| objective.mean(point)).collect()
        };
        let incumbent = means.iter().copied().fold(f64::INFINITY, f64::min);
        let feasibility = (!infeasible.is_empty()).then(|| {
            let mut labelled: Vec<(Vec<f64>, bool)> = points.iter().map(|p| (p.clone(), true)).collect();
            thin(&mut labelled, FITTED);
            thin(&mut infeasible, FITTED);
            labelled.extend(infeasible.iter().map(|p| (p.clone(), false)));
            let (points, labels): (Vec<Vec<f64>>, Vec<bool>) = labelled.into_iter().unzip();
            Feasibility::new(&metrics, &points, &labels, 15)
        });
        let best = own.iter().chain(&others).take(4).map(|point| Encoding::raw(point)).collect();
        let incumbent = if incumbent.is_finite() { incumbent } else { 0.0 };
        let mut acquisition = Acquisition {
            objective,
            incumbent,
            feasibility,
            caution: Caution { factor: 5.0, least: 0.78, steepness: 100.0 },
        };
        for point in &pending {
            acquisition.expect(point);
        }
        let effort = Effort::for_points(points.len());
        let seed = seeds::derive_u64(request.seed, "bayesian", &[all as u64]);
        Self { encoding, acquisition, best, effort, seed, pending }
    }

    /// The most promising point that isn't taken.
    fn next(&mut self, asked: &mut Asked) -> Option<Hyperparameters> {
        let (point, features) = if let Some(remaining) = asked.remaining() {
            let judged = remaining.into_iter().filter_map(|point| {
                let features = self.encoding.features(&point)?;
                Some((self.acquisition.value(&features), point, features))
            });
            let (_, point, features) = judged.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
            asked.take(&point).then_some((point, features))?
        } else {
            let judged = climb(self.encoding, &self.acquisition, &self.best, self.effort, self.seed);
            let own = |features: &[f64]| self.pending.iter().all(|p| apart(p, features) >= APART);
            // Those with a place of their own first, in order of worth.
            let (apart, close): (Vec<_>, Vec<_>) = judged.into_iter().partition(|(_, c)| own(&c.features));
            apart.into_iter().chain(close).find_map(|(_, candidate)| {
                let point = self.encoding.point(&candidate.raw);
                asked.take(&point).then_some((point, candidate.features))
            })?
        };
        self.acquisition.expect(&features);
        self.pending.push(features);
        self.seed = seeds::derive_u64(self.seed, "bayesian", &[]);
        Some(point)
    }
}

/// At most so many of a list: the first half of them as they stand, the others spread over the rest.
fn thin<T>(list: &mut Vec<T>, most: usize) {
    if list.len() <= most {
        return;
    }
    let first = most / 2;
    let (rest, wanted) = (list.len() - first, most - first);
    let mut place = 0;
    list.retain(|_| {
        let keep = place < first || {
            let at = place - first;
            (at + 1) * wanted / rest > at * wanted / rest
        };
        place += 1;
        keep
    });
}

/// The surrogate of the objective: parameters fitted, to a part of the points when there are many, then given all.
fn surrogate(metrics: &[kernel::Metric], points: &[Vec<f64>], targets: &[f64]) -> Surrogate {
    let priors = Priors {
        length_scale: Prior { mean: libm::log(0.6 * (metrics.len() as f64).sqrt()), deviation: 1.0 },
        variance: Prior { mean: 0.0, deviation: 1.0 },
        noise: Prior { mean: libm::log(1e-5), deviation: 2.0 },
    };
    let mut some: Vec<(Vec<f64>, f64)> = points.iter().cloned().zip(targets.iter().copied()).collect();
    thin(&mut some, FITTED);
    let (some_points, some_targets): (Vec<Vec<f64>>, Vec<f64>) = some.into_iter().unzip();
    let fitted = RegressionData::new(metrics, &some_points, &some_targets, priors).fit(None, 30);
    Surrogate::new(fitted.kernel(metrics), fitted.noise, points, targets)
}

#[cfg(test)]
#[path = "../../../benches/regret/development.rs"]
mod development;
#[cfg(test)]
mod tests;
#[cfg(test)]
#[path = "../../../benches/regret/weak.rs"]
mod weak;
