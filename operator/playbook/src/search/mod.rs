//! Search: which points are tried.
//!
//! Not adaptive unless a study asks for it: a point depends on the study's seed and its own index alone, so running one
//! trial at a time or a hundred, restarting, infeasible points and more trials change no point. Of a Bayesian search that
//! holds of the first trials; later ones are chosen by results ([`points_for`]).
//!
//! Playbook: "Why use quasi-random search instead of more sophisticated black box optimization algorithms during the
//! exploration phase of tuning?".

pub mod bayesian;
pub(crate) mod constrained;
mod discrepancy;
mod earlier;
mod generator;
mod halton;
mod suggest;
mod taken;
mod walk;

use studious_api::{
    Hyperparameters,
    study::{Algorithm, Role},
};

pub(crate) use self::generator::SplitMix64 as Generator;
use self::halton::RadicalInverse;
pub(crate) use self::walk::Walk;
pub use self::walk::untried;
pub use self::{
    earlier::{EarlierStudy, refusal},
    suggest::{adapts, initial_trials, is_known_by_index, points_for, suggest},
    taken::{Taken, TakenPoint},
};
use crate::{Plan, seeds, space::Space};

/// A sequence of points of a space, without end.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// The coordinate of each dimension; `None` for those that take none.
    coordinate_of: Vec<Option<usize>>,
    coordinates: Coordinates,
}

#[derive(Clone, Debug)]
enum Coordinates {
    QuasiRandom(Vec<RadicalInverse>),
    /// A seed for each coordinate. Scientific values that are drawn are to be covered evenly whatever the algorithm
    /// (Playbook: "Creating a set of studies"): they, the first coordinates, are quasi-random.
    Random {
        seeds: Vec<u64>,
        even: Vec<RadicalInverse>,
    },
}

impl Sequence {
    /// The sequence of a seed. With `arms`, the scientific configurations of a crossed study, scientific hyperparameters
    /// take their values from the arm, and arms share their points: a dimension has the same coordinate in each arm.
    /// Dimensions that never meet in an arm may share a coordinate, so each arm uses the first, most even, ones. Without
    /// arms, scientific hyperparameters take the first coordinates.
    ///
    /// A grid is walked in the order in which the quasi-random sequence meets its points. Algorithms that don't choose
    /// points by index alone begin with the quasi-random sequence.
    #[must_use]
    pub fn new(space: &Space, algorithm: Algorithm, seed: u64, arms: Option<&[Hyperparameters]>) -> Self {
        let coordinate_of = assign(space, arms);
        let count = coordinate_of.iter().flatten().max().map_or(0, |last| last + 1);
        let coordinates = if algorithm == Algorithm::Random {
            let drawn = space.dimensions().iter().zip(&coordinate_of).filter(|(d, _)| d.role() == Role::Scientific);
            let even = drawn.filter_map(|(_, c)| *c).max().map_or(0, |last| last + 1);
            Coordinates::Random {
                seeds: (0..count).map(|c| seeds::derive_u64(seed, "random", &[c as u64])).collect(),
                even: halton::coordinates(seed, even),
            }
        } else {
            Coordinates::QuasiRandom(halton::coordinates(seed, count))
        };
        Self { coordinate_of, coordinates }
    }

    /// The place in the unit interval of a coordinate at an index.
    #[must_use]
    pub fn place(&self, coordinate: usize, index: u64) -> f64 {
        match &self.coordinates {
            Coordinates::QuasiRandom(all) => all.get(coordinate).map_or(0.0, |c| c.at(index)),
            Coordinates::Random { seeds, even } => match (even.get(coordinate), seeds.get(coordinate)) {
                (Some(coordinate), _) => coordinate.at(index),
                (None, seed) => seed.map_or(0.0, |seed| generator::uniform_at(*seed, index)),
            },
        }
    }

    /// The coordinate of each dimension of the space; `None` for fixed ones and those that an arm sets.
    #[must_use]
    pub fn coordinates(&self) -> &[Option<usize>] {
        &self.coordinate_of
    }

    /// The point at an index, under a scientific configuration (empty without arms).
    #[must_use]
    pub fn point(&self, space: &Space, arm: &Hyperparameters, index: u64) -> Hyperparameters {
        space.point(arm, |dimension| self.coordinate_of[dimension].map_or(0.0, |c| self.place(c, index)))
    }
}

/// Name and version of what makes a study's points: frozen, so a later release makes the same ones.
#[must_use]
pub fn generator(plan: &Plan) -> &'static str {
    let search = &plan.spec().search;
    let few = || {
        let taken = assign(plan.searched(), plan.arms()).into_iter().flatten().max();
        halton::are_few(taken.map_or(0, |last| last + 1))
    };
    match search.algorithm {
        // The second version differs where a space has one or two coordinates.
        Algorithm::QuasiRandom if few() => "scrambled-halton/v2",
        Algorithm::QuasiRandom => "scrambled-halton/v1",
        Algorithm::Random if plan.space().has_scientific() && !plan.is_crossed() => "stratified-uniform/v1",
        Algorithm::Random => "uniform/v1",
        Algorithm::Grid => "halton-ordered-grid/v1",
        Algorithm::Manual => "listed/v1",
        Algorithm::Bayesian => "gaussian-process/v1",
    }
}

/// Each dimension gets the first coordinate that none before it has which may exist beside it.
fn assign(space: &Space, arms: Option<&[Hyperparameters]>) -> Vec<Option<usize>> {
    let dimensions = space.dimensions();
    let possible: Vec<Vec<bool>> = match arms {
        Some(arms) => arms.iter().map(|arm| space.possible(arm)).collect(),
        None => vec![vec![true; dimensions.len()]],
    };
    let takes_none = |i: usize| {
        let dimension = &dimensions[i];
        let of_arm = dimension.role() == Role::Scientific
            && arms.is_some_and(|arms| arms.iter().any(|arm| arm.contains_key(dimension.name())));
        !dimension.varies() || of_arm
    };
    let mut coordinate_of: Vec<Option<usize>> = vec![None; dimensions.len()];
    // Scientific ones first: they are to be covered most evenly.
    let (scientific, others): (Vec<usize>, Vec<usize>) =
        (0..dimensions.len()).partition(|&i| dimensions[i].role() == Role::Scientific);
    for i in scientific.into_iter().chain(others).filter(|&i| !takes_none(i)) {
        let meets = |j: usize| possible.iter().any(|p| p[i] && p[j]);
        let taken: Vec<usize> =
            coordinate_of.iter().enumerate().filter_map(|(j, c)| c.filter(|_| j != i && meets(j))).collect();
        coordinate_of[i] = (0..dimensions.len()).find(|c| !taken.contains(c));
    }
    coordinate_of
}

#[cfg(test)]
mod constrained_tests;
#[cfg(test)]
mod suggest_tests;
#[cfg(test)]
mod taken_tests;
#[cfg(test)]
mod tests;
