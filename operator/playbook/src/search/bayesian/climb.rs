//! Finding the point that the acquisition finds most promising: quasi-random points of the whole arm and random changes of
//! the best trials, of which the best are improved by gradients (real coordinates) and by steps (the others) in turn.

use super::{
    acquisition::Acquisition,
    encoding::{Candidate, CoordinateKind, Encoding, nearest},
    minimise::minimise,
};
use crate::search::{generator::SplitMix64, halton};

/// How much work one search is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// Points spread over the arm.
    pub(super) spread: usize,
    /// Changes of the best trials.
    pub(super) changes: usize,
    /// How many of them are improved.
    pub(super) climbs: usize,
    /// Evaluations with a gradient for each.
    pub(super) evaluations: usize,
}

impl Effort {
    /// For a surrogate of so many points: one evaluation grows with their square.
    pub(super) fn for_points(points: usize) -> Self {
        match points {
            0..=150 => Self { spread: 400, changes: 300, climbs: 6, evaluations: 40 },
            151..=400 => Self { spread: 300, changes: 200, climbs: 4, evaluations: 30 },
            _ => Self { spread: 150, changes: 100, climbs: 2, evaluations: 20 },
        }
    }
}

/// How many places are tried on the way to one that a constraint forbids: the last is a few hundredths of the way.
const BACK: usize = 10;

/// A candidate with its worth.
type ScoredCandidate = (f64, Candidate);

/// Candidates in the order of their worth, the best first. `best` are the raw values of the trials from which changes are
/// made.
pub(super) fn climb(
    encoding: &Encoding,
    acquisition: &Acquisition,
    best: &[Vec<f64>],
    effort: Effort,
    seed: u64,
) -> Vec<ScoredCandidate> {
    let mut generator = SplitMix64::new(seed);
    let mut judged: Vec<ScoredCandidate> = Vec::with_capacity(effort.spread + effort.changes);
    let judge = |raw: Vec<f64>| {
        let candidate = encoding.candidate(raw).filter(|candidate| encoding.allows(candidate))?;
        Some((acquisition.value(&candidate.features), candidate))
    };
    let spread = halton::coordinates(generator.next(), encoding.coordinates.len());
    for index in 0..effort.spread as u64 {
        judged.extend(judge(encoding.cube(|c| spread[c].at(index))));
    }
    for i in 0..effort.changes {
        let Some(from) = best.get(i % best.len().max(1)) else { break };
        judged.extend(judge(changed(encoding, from, &mut generator)));
    }
    sort(&mut judged);
    let mut climbed = Vec::new();
    let mut from: Vec<&Candidate> = Vec::new();
    for (_, candidate) in &judged {
        if from.len() == effort.climbs {
            break;
        }
        if from.iter().all(|other| apart(&other.features, &candidate.features) > 0.05) {
            from.push(candidate);
        }
    }
    for candidate in from {
        climbed.extend(improve(encoding, acquisition, candidate.clone(), effort.evaluations));
    }
    judged.extend(climbed);
    sort(&mut judged);
    judged
}

/// The most promising first; among equals, by what they are.
fn sort(judged: &mut [ScoredCandidate]) {
    judged.sort_by(|(a, x), (b, y)| {
        let features = || x.features.iter().zip(&y.features).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne());
        b.total_cmp(a).then_with(|| features().unwrap_or(std::cmp::Ordering::Equal))
    });
}

/// The largest difference in a coordinate.
pub(super) fn apart(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

/// Some coordinates of a trial changed: all of them or a few, by little or by much.
fn changed(encoding: &Encoding, from: &[f64], generator: &mut SplitMix64) -> Vec<f64> {
    let free: Vec<usize> = (0..encoding.coordinates.len()).filter(|c| encoding.coordinates[*c].free).collect();
    let mut raw = from.to_vec();
    if free.is_empty() {
        return raw;
    }
    // Reaches from a thousandth of the range to half of it, evenly in the logarithm.
    let reach = 0.5 * libm::exp(-6.2 * unit(generator));
    let always = free[index(generator, free.len())];
    let share = if unit(generator) < 0.5 { 1.0 } else { 0.3 };
    for c in free {
        if c != always && unit(generator) >= share {
            continue;
        }
        let coordinate = &encoding.coordinates[c];
        raw[c] = match &coordinate.kind {
            CoordinateKind::Real | CoordinateKind::ManyWhole => (raw[c] + reach * normal(generator)).clamp(0.0, 1.0),
            CoordinateKind::Levels(levels) => {
                let step = (1.0 / levels.len() as f64).max(reach);
                let moved = coordinate.snap((raw[c] + step * normal(generator)).clamp(0.0, 1.0));
                if unit(generator) < 0.5 { moved } else { raw[c] }
            }
            CoordinateKind::Categories(count) => {
                if c == always || unit(generator) < 0.2 {
                    index(generator, *count) as f64
                } else {
                    raw[c]
                }
            }
        };
    }
    raw
}

/// Gradients for real coordinates and steps for the others, in turn, as long as they gain.
fn improve(
    encoding: &Encoding,
    acquisition: &Acquisition,
    from: Candidate,
    evaluations: usize,
) -> Vec<ScoredCandidate> {
    let mut best = (acquisition.value(&from.features), from);
    let mut found = Vec::new();
    for _ in 0..3 {
        let before = best.0;
        if let Some(better) = slide(encoding, acquisition, &best.1, evaluations)
            && better.0 > best.0
        {
            best = better;
            found.push(best.clone());
        }
        let slid = best.0;
        for better in steps(encoding, acquisition, &best.1) {
            if better.0 > best.0 {
                best = better;
                found.push(best.clone());
            }
        }
        if best.0 <= slid || best.0 - before < 1e-6 {
            break;
        }
    }
    found
}

/// By gradients along the real coordinates that exist.
fn slide(
    encoding: &Encoding,
    acquisition: &Acquisition,
    from: &Candidate,
    evaluations: usize,
) -> Option<ScoredCandidate> {
    let moves = |c: usize| {
        let coordinate = &encoding.coordinates[c];
        // Of the coordinates that exist, the features show what the raw values say.
        let exists = (from.features[c] - from.raw[c]).abs() < 1e-3;
        coordinate.free && exists && matches!(coordinate.kind, CoordinateKind::Real | CoordinateKind::ManyWhole)
    };
    let moving: Vec<usize> = (0..encoding.coordinates.len()).filter(|c| moves(*c)).collect();
    if moving.is_empty() {
        return None;
    }
    let start: Vec<f64> = moving.iter().map(|c| from.raw[*c]).collect();
    let mut at = from.features.clone();
    let found = minimise(&start, &vec![(0.0, 1.0); moving.len()], evaluations, 1e-5, |x| {
        moving.iter().zip(x).for_each(|(c, x)| at[*c] = *x);
        let (value, gradient) = acquisition.value_with_gradient(&at);
        (-value, moving.iter().map(|c| -gradient[*c]).collect())
    });
    let towards = |share: f64| {
        let mut raw = from.raw.clone();
        for (c, x) in moving.iter().zip(&found.at) {
            raw[*c] = if share < 1.0 { raw[*c] + share * (x - raw[*c]) } else { *x };
        }
        encoding.candidate(raw).filter(|candidate| encoding.allows(candidate))
    };
    // Gradients know nothing of constraints: where they lead beyond one, as far as it goes.
    let candidate = std::iter::successors(Some(1.0), |share| Some(0.7 * share)).take(BACK).find_map(towards)?;
    Some((acquisition.value(&candidate.features), candidate))
}

/// Every other category, the levels next to each and a few farther ones.
fn steps(encoding: &Encoding, acquisition: &Acquisition, from: &Candidate) -> Vec<ScoredCandidate> {
    let mut found = Vec::new();
    for (c, coordinate) in encoding.coordinates.iter().enumerate().filter(|(_, coordinate)| coordinate.free) {
        let others: Vec<f64> = match &coordinate.kind {
            CoordinateKind::Real | CoordinateKind::ManyWhole => continue,
            CoordinateKind::Levels(levels) => {
                let here = nearest(levels, from.raw[c]);
                let neighbours = [1, 2, 4, 8].into_iter().flat_map(|by| [here.checked_sub(by), Some(here + by)]);
                neighbours.flatten().filter_map(|level| levels.get(level).copied()).collect()
            }
            CoordinateKind::Categories(count) => {
                (0..*count).map(|i| i as f64).filter(|i| (i - from.raw[c]).abs() > 0.5).collect()
            }
        };
        for value in others {
            let mut raw = from.raw.clone();
            raw[c] = value;
            let candidate = encoding.candidate(raw).filter(|candidate| encoding.allows(candidate));
            found.extend(candidate.map(|candidate| (acquisition.value(&candidate.features), candidate)));
        }
    }
    found
}

/// Evenly from 0 to below 1.
fn unit(generator: &mut SplitMix64) -> f64 {
    (generator.next() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Evenly below a number.
// Below the length of a list.
#[allow(clippy::cast_possible_truncation)]
fn index(generator: &mut SplitMix64, below: usize) -> usize {
    generator.below(below as u64) as usize
}

/// Normally distributed (Box & Muller).
fn normal(generator: &mut SplitMix64) -> f64 {
    let (u, v) = (1.0 - unit(generator), unit(generator));
    (-2.0 * libm::log(u)).sqrt() * libm::cos(2.0 * std::f64::consts::PI * v)
}
