//! Points as the surrogate sees them: a number for each hyperparameter that varies.
//!
//! * A real range: the place in the unit interval, evenly in its scale (log, reverse log).
//! * A whole-number range: the place of the whole number itself, so the kernel never sees anything between two whole
//!   numbers (Garrido-Merchán & Hernández-Lobato 2020). A list of numbers: the place of its rank.
//! * Any other list: the number of the value; two of them are the same or not.
//! * A conditional hyperparameter: where it doesn't exist, a neutral place in the middle of its range, or a category of its
//!   own. That it doesn't exist is said by the coordinate of what its condition names; points which both lack it are at no
//!   distance in it (as in the kernels for conditional spaces of Swersky et al. 2014). The same name under another
//!   condition has a coordinate of its own.

use studious_api::{HyperparameterValue, Hyperparameters, study::Role};

use super::kernel::Metric;
use crate::space::{Domain, Space};

/// Whole-number ranges of more values than this move as if they were real and are rounded in the end.
const MOST_LEVELS: usize = 64;
/// Where a hyperparameter is that doesn't exist.
const NEUTRAL: f64 = 0.5;
/// The category of a list that doesn't exist.
const ABSENT: f64 = -1.0;

/// What a coordinate's values are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CoordinateKind {
    /// Anything in the unit interval.
    Real,
    /// As many whole numbers that they move like reals.
    ManyWhole,
    /// These places, upwards.
    Levels(Vec<f64>),
    /// Whole numbers below this one, in no order.
    Categories(usize),
}

/// One number of a point.
#[derive(Clone, Debug)]
pub(super) struct Coordinate {
    pub(super) kind: CoordinateKind,
    /// For numbers in a list: the place in the list by level.
    listed: Option<Vec<usize>>,
    /// Whether it varies in the arm.
    pub(super) free: bool,
}

/// A point that may be proposed.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// A value for every coordinate, whether it exists or not: what moves continue from.
    pub(super) raw: Vec<f64>,
    /// What the surrogate sees.
    pub(super) features: Vec<f64>,
}

/// How points of a space become numbers.
#[derive(Debug)]
pub(super) struct Encoding<'a> {
    space: &'a Space,
    arm: &'a Hyperparameters,
    pub(super) coordinates: Vec<Coordinate>,
    /// By dimension the coordinate, if it has one.
    coordinate_of: Vec<Option<usize>>,
    /// What the arm holds: coordinate and value.
    held: Vec<(usize, f64)>,
    /// Whether every coordinate exists at every point and shows what it is given.
    plain: bool,
}

impl<'a> Encoding<'a> {
    /// Of a space, for points of an arm.
    pub(super) fn new(space: &'a Space, arm: &'a Hyperparameters) -> Self {
        let possible = space.possible(arm);
        let mut coordinates = Vec::new();
        let mut coordinate_of = vec![None; space.dimensions().len()];
        let mut plain = true;
        let mut all_held = Vec::new();
        for (i, dimension) in space.dimensions().iter().enumerate() {
            let held = dimension.role() == Role::Scientific && arm.contains_key(dimension.name());
            let Some((kind, listed)) = kind(dimension.domain()) else { continue };
            plain &= dimension.condition().is_empty() && !held;
            coordinate_of[i] = Some(coordinates.len());
            let coordinate = Coordinate { kind, listed, free: possible[i] && !held };
            if let Some(value) = arm.get(dimension.name()).filter(|_| held && possible[i])
                && let Some(feature) = coordinate.feature(dimension.domain(), value)
            {
                all_held.push((coordinates.len(), feature));
            }
            coordinates.push(coordinate);
        }
        Self { space, arm, coordinates, coordinate_of, held: all_held, plain }
    }

    pub(super) fn metrics(&self) -> Vec<Metric> {
        let metric = |c: &Coordinate| {
            if matches!(c.kind, CoordinateKind::Categories(_)) { Metric::Category } else { Metric::Number }
        };
        self.coordinates.iter().map(metric).collect()
    }

    /// How many coordinates vary in the arm.
    pub(super) fn free(&self) -> usize {
        self.coordinates.iter().filter(|c| c.free).count()
    }

    /// The numbers of a point; `None` when it isn't one of the space.
    pub(super) fn features(&self, point: &Hyperparameters) -> Option<Vec<f64>> {
        let mut features: Vec<f64> = self.coordinates.iter().map(Coordinate::absent).collect();
        for dimension in self.space.active(point) {
            let value = point.get(dimension.name())?;
            // The dimension is one of the space's own list.
            let index = self.space.dimensions().iter().position(|d| std::ptr::eq(d, dimension))?;
            match self.coordinate_of[index] {
                Some(c) => features[c] = self.coordinates[c].feature(dimension.domain(), value)?,
                None if matches!(dimension.domain(), Domain::Derived(_)) => {}
                None if dimension.domain() != &Domain::Fixed(value.clone()) => return None,
                None => {}
            }
        }
        Some(features)
    }

    /// Whether a point has all that the arm holds.
    pub(super) fn is_of_arm(&self, features: &[f64]) -> bool {
        self.held.iter().all(|(c, value)| features[*c].to_bits() == value.to_bits())
    }

    /// The point that has these values where they exist.
    pub(super) fn point(&self, raw: &[f64]) -> Hyperparameters {
        self.space.point(self.arm, |i| self.coordinate_of[i].map_or(0.0, |c| self.coordinates[c].place(raw[c])))
    }

    /// A candidate from values for all coordinates, snapped to what exists. `None` for what is no point of the space: an
    /// arm that its scientific hyperparameters don't have.
    pub(super) fn candidate(&self, mut raw: Vec<f64>) -> Option<Candidate> {
        for (coordinate, value) in self.coordinates.iter().zip(&mut raw) {
            *value = coordinate.snap(*value);
        }
        let whole = |c: &Coordinate| c.kind == CoordinateKind::ManyWhole;
        let features = if self.plain && !self.coordinates.iter().any(whole) {
            raw.clone()
        } else {
            self.features(&self.point(&raw))?
        };
        Some(Candidate { raw, features })
    }

    /// Whether the study's constraints allow a candidate.
    pub(super) fn allows(&self, candidate: &Candidate) -> bool {
        self.space.constraints().is_empty() || self.space.allows(&self.point(&candidate.raw))
    }

    /// Values for all coordinates, of which a point shows some.
    pub(super) fn raw(features: &[f64]) -> Vec<f64> {
        features.iter().map(|x| x.max(0.0)).collect()
    }

    /// Places of the unit cube, by coordinate, as values of the coordinates.
    pub(super) fn cube(&self, place: impl Fn(usize) -> f64) -> Vec<f64> {
        self.coordinates.iter().enumerate().map(|(number, c)| c.at(place(number))).collect()
    }
}

impl Coordinate {
    fn absent(&self) -> f64 {
        if matches!(self.kind, CoordinateKind::Categories(_)) { ABSENT } else { NEUTRAL }
    }

    fn feature(&self, domain: &Domain, value: &HyperparameterValue) -> Option<f64> {
        match (&self.kind, domain) {
            (CoordinateKind::Categories(_), Domain::Values(values)) => {
                values.as_slice().iter().position(|v| v == value).map(|i| i as f64)
            }
            (CoordinateKind::Levels(levels), Domain::Values(values)) => {
                let place = values.as_slice().iter().position(|v| v == value)?;
                let level = self.listed.as_ref()?.iter().position(|p| *p == place)?;
                levels.get(level).copied()
            }
            _ => domain.unit_of(value),
        }
    }

    /// The value at a place of the unit interval.
    fn at(&self, unit: f64) -> f64 {
        match &self.kind {
            CoordinateKind::Real | CoordinateKind::ManyWhole => unit,
            CoordinateKind::Levels(levels) => levels[cell(unit, levels.len())],
            CoordinateKind::Categories(count) => cell(unit, *count) as f64,
        }
    }

    /// The nearest value that there is.
    pub(super) fn snap(&self, value: f64) -> f64 {
        match &self.kind {
            CoordinateKind::Real | CoordinateKind::ManyWhole => value.clamp(0.0, 1.0),
            CoordinateKind::Levels(levels) => levels[nearest(levels, value)],
            CoordinateKind::Categories(count) => value.round().clamp(0.0, count.saturating_sub(1) as f64),
        }
    }

    /// The place in the unit interval of its dimension.
    fn place(&self, value: f64) -> f64 {
        match (&self.kind, &self.listed) {
            (CoordinateKind::Real | CoordinateKind::ManyWhole, _) | (CoordinateKind::Levels(_), None) => value,
            (CoordinateKind::Levels(levels), Some(listed)) => {
                (listed[nearest(levels, value)] as f64 + 0.5) / levels.len() as f64
            }
            (CoordinateKind::Categories(count), _) => (value + 0.5) / *count as f64,
        }
    }
}

/// In which of some equal cells of the unit interval a place is.
// Below the number of cells, which is a small one: exact.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn cell(unit: f64, cells: usize) -> usize {
    ((unit.clamp(0.0, 1.0) * cells as f64) as usize).min(cells - 1)
}

/// The number of the level nearest to a value.
pub(super) fn nearest(levels: &[f64], value: f64) -> usize {
    let after = levels.partition_point(|level| *level < value);
    if after == 0 {
        return 0;
    }
    match levels.get(after) {
        Some(level) if level - value < value - levels[after - 1] => after,
        _ => after - 1,
    }
}

/// What the coordinate of a domain is, with the order of a list of numbers; `None` for a fixed one.
fn kind(domain: &Domain) -> Option<(CoordinateKind, Option<Vec<usize>>)> {
    match domain {
        Domain::Fixed(_) | Domain::Derived(_) => None,
        Domain::Values(values) => {
            let values = values.as_slice();
            let numbers: Option<Vec<f64>> = values.iter().map(HyperparameterValue::as_f64).collect();
            // Two values are the same or not: no order to learn.
            let Some(numbers) = numbers.filter(|numbers| numbers.len() > 2) else {
                return Some((CoordinateKind::Categories(values.len()), None));
            };
            let mut order: Vec<usize> = (0..values.len()).collect();
            order.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
            let levels = (0..values.len()).map(|i| (i as f64 + 0.5) / values.len() as f64).collect();
            Some((CoordinateKind::Levels(levels), Some(order)))
        }
        Domain::Interval(interval) if !interval.is_integer() => Some((CoordinateKind::Real, None)),
        Domain::Interval(interval) if interval.max() - interval.min() >= MOST_LEVELS as f64 => {
            Some((CoordinateKind::ManyWhole, None))
        }
        Domain::Interval(_) => {
            let values = domain.every().unwrap_or_default();
            Some((CoordinateKind::Levels(values.iter().filter_map(|v| domain.unit_of(v)).collect()), None))
        }
    }
}
