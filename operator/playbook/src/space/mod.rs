//! The search space: dimensions, conditions, transforms.
//!
//! Playbook: "Identifying scientific, nuisance, and fixed hyperparameters". A conditional hyperparameter exists only
//! when those it names have given values; the same name under another condition is another hyperparameter, with a range
//! of its own.

mod domain;
mod identity;

use std::collections::{BTreeMap, BTreeSet};

use studious_api::{
    HyperparameterValue, Hyperparameters,
    expression::{Expression, HyperparameterConstraint},
    study::{Hyperparameter, ParentValues, Role},
    validate::scientific_configurations,
};

pub use domain::{Domain, DomainError, Interval, Values};
pub use identity::PointIdentity;

/// A search space that has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// In the order in which they are declared.
    dimensions: Vec<Dimension>,
    /// Places in `dimensions`: what a condition names comes before what depends on it, otherwise as declared.
    order: Vec<usize>,
    /// For each dimension whether another one has its name.
    shared: Vec<bool>,
    configurations: Option<Vec<Hyperparameters>>,
    /// What holds at every point that is tried.
    constraints: Vec<HyperparameterConstraint>,
}

/// One hyperparameter under one condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    name: String,
    role: Role,
    condition: BTreeMap<String, ParentValues>,
    domain: Domain,
}

/// Why hyperparameters span no space.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SpaceError {
    /// One of them has no values.
    #[error("hyperparameter {name}: {error}")]
    Domain {
        /// Its place in the list.
        index: usize,
        /// Its name.
        name: String,
        /// What is wrong with it.
        error: DomainError,
    },
    /// A condition names nothing.
    #[error("hyperparameter {name}: its condition (when) names {subject}, which is not another hyperparameter")]
    UnknownSubject {
        /// Its place in the list.
        index: usize,
        /// Its name.
        name: String,
        /// What the condition names.
        subject: String,
    },
    /// Conditions that wait for each other.
    #[error("hyperparameter {name}: its condition (when) depends, in the end, on itself")]
    Cycle {
        /// Its place in the list.
        index: usize,
        /// Its name.
        name: String,
    },
}

impl SpaceError {
    /// Place of the hyperparameter in `spec.hyperparameters`.
    #[must_use]
    pub fn index(&self) -> usize {
        match self {
            Self::Domain { index, .. } | Self::UnknownSubject { index, .. } | Self::Cycle { index, .. } => *index,
        }
    }
}

impl Dimension {
    /// The name that trainers see.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is to the question of the study.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// It exists only when each hyperparameter named here has one of the given values, or lies between the given ends. Empty:
    /// always.
    #[must_use]
    pub fn condition(&self) -> &BTreeMap<String, ParentValues> {
        &self.condition
    }

    /// Its values.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Whether it varies within the study by itself: what is worked out from others doesn't.
    #[must_use]
    pub fn varies(&self) -> bool {
        !matches!(self.domain, Domain::Fixed(_) | Domain::Derived(_))
    }

    /// Its name with its condition, unique within the study: `learning_rate [optimizer=Adam]`.
    #[must_use]
    pub fn label(&self) -> String {
        if self.condition.is_empty() {
            return self.name.clone();
        }
        let terms: Vec<_> = self.condition.iter().map(|(subject, allowed)| allowed.label(subject)).collect();
        format!("{} [{}]", self.name, terms.join(", "))
    }

    /// The place of a value in the unit interval, evenly in the search scale; the middle of its cell for one of a list.
    /// `None` when the dimension doesn't hold the value, or doesn't vary.
    #[must_use]
    pub fn to_unit(&self, value: &HyperparameterValue) -> Option<f64> {
        self.domain.unit_of(value)
    }

    /// The value at a place of the unit interval.
    #[must_use]
    pub fn value_at(&self, unit: f64) -> HyperparameterValue {
        self.domain.at(unit)
    }

    /// What it is worked out to beside these values, if it is derived.
    pub(crate) fn derived(&self, values: &Hyperparameters) -> Option<HyperparameterValue> {
        let Domain::Derived(expression) = &self.domain else { return None };
        expression.value(&|name| values.get(name))
    }

    /// Whether it exists beside these values, those of all hyperparameters that its condition names included.
    pub(crate) fn exists_at(&self, values: &Hyperparameters) -> bool {
        self.is_active(|name| values.get(name))
    }

    fn is_active<'a>(&self, value_of: impl Fn(&str) -> Option<&'a HyperparameterValue>) -> bool {
        self.condition.iter().all(|(subject, allowed)| value_of(subject).is_some_and(|v| allowed.allow(v)))
            && self.operands().all(|name| value_of(name).is_some())
    }

    /// What it is worked out from, if it is derived.
    fn operands(&self) -> impl Iterator<Item = &str> {
        let expression = if let Domain::Derived(expression) = &self.domain { Some(expression) } else { None };
        expression.into_iter().flat_map(Expression::names)
    }

    /// Its value at a place of the unit interval, or as it is worked out from what is known.
    fn value<'a>(&self, place: f64, value_of: &dyn Fn(&str) -> Option<&'a HyperparameterValue>) -> HyperparameterValue {
        match &self.domain {
            Domain::Derived(expression) => expression.value(value_of).unwrap_or(HyperparameterValue::Number(f64::NAN)),
            _ => self.value_at(place),
        }
    }
}

impl Space {
    /// The space that hyperparameters span.
    ///
    /// # Errors
    /// When one of them has no values to search, or a condition names nothing or, in the end, itself. Validation says
    /// the same earlier and better.
    pub fn new(hyperparameters: &[Hyperparameter]) -> Result<Self, SpaceError> {
        Self::constrained(hyperparameters, &[])
    }

    /// The space that hyperparameters span, as [`Space::new`], of which those points are tried at which constraints hold.
    ///
    /// # Errors
    /// As [`Space::new`].
    pub fn constrained(
        hyperparameters: &[Hyperparameter],
        constraints: &[HyperparameterConstraint],
    ) -> Result<Self, SpaceError> {
        let dimensions = hyperparameters
            .iter()
            .enumerate()
            .map(|(index, h)| {
                let domain = domain(h).map_err(|error| SpaceError::Domain { index, name: h.name.clone(), error })?;
                let condition = h.when.clone().unwrap_or_default();
                let unknown =
                    condition.keys().find(|s| **s == h.name || !hyperparameters.iter().any(|o| o.name == **s));
                match unknown {
                    Some(subject) => {
                        Err(SpaceError::UnknownSubject { index, name: h.name.clone(), subject: subject.clone() })
                    }
                    None => Ok(Dimension { name: h.name.clone(), role: h.role, condition, domain }),
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        let order = dependency_order(&dimensions)?;
        let namesakes = |d: &Dimension| dimensions.iter().filter(|o| o.name == d.name).count();
        let shared = dimensions.iter().map(|d| namesakes(d) > 1).collect();
        let constraints = constraints.to_vec();
        let mut space = Self { dimensions, order, shared, configurations: None, constraints };
        // A name may be scientific under one condition and fixed under another: the scientific part is the arm.
        space.configurations = scientific_configurations(hyperparameters, &space.constraints)
            .map(|all| all.iter().map(|configuration| space.scientific_part(configuration)).collect());
        Ok(space)
    }

    /// All dimensions in the order in which they are declared, fixed ones included.
    #[must_use]
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// What holds at every point that is tried.
    #[must_use]
    pub fn constraints(&self) -> &[HyperparameterConstraint] {
        &self.constraints
    }

    /// Whether every constraint holds at a point, or says nothing of it, and what is derived there is a number.
    #[must_use]
    pub fn allows(&self, point: &Hyperparameters) -> bool {
        let is_number = |d: &Dimension| {
            let value = point.get(&d.name).filter(|_| matches!(d.domain, Domain::Derived(_)));
            value.and_then(HyperparameterValue::as_f64).is_none_or(f64::is_finite)
        };
        self.dimensions.iter().all(is_number)
            && self.constraints.iter().all(|constraint| constraint.holds(point) != Some(false))
    }

    /// Places in [`Space::dimensions`], what a condition names before what depends on it.
    pub(crate) fn subjects_first(&self) -> &[usize] {
        &self.order
    }

    /// Whether any hyperparameter is scientific.
    #[must_use]
    pub fn has_scientific(&self) -> bool {
        self.dimensions.iter().any(|d| d.role == Role::Scientific)
    }

    /// The dimensions that exist at a point, in the order of declaration. Conditions are followed through: one that
    /// names a hyperparameter which itself doesn't exist doesn't hold. Hyperparameters that the point lacks have no
    /// value, except fixed ones.
    #[must_use]
    pub fn active(&self, point: &Hyperparameters) -> Vec<&Dimension> {
        let mut active = vec![false; self.dimensions.len()];
        let mut values: BTreeMap<&str, &HyperparameterValue> = BTreeMap::new();
        for &i in &self.order {
            let dimension = &self.dimensions[i];
            if !dimension.is_active(|name| values.get(name).copied()) {
                continue;
            }
            active[i] = true;
            // What is derived is named by no condition.
            let ((_, Some(value)) | (Domain::Fixed(value), None)) = (&dimension.domain, point.get(&dimension.name))
            else {
                continue;
            };
            values.entry(&dimension.name).or_insert(value);
        }
        self.dimensions.iter().zip(active).filter_map(|(d, active)| active.then_some(d)).collect()
    }

    /// The scientific part of a point: trials which share it are one arm.
    #[must_use]
    pub fn scientific_part(&self, point: &Hyperparameters) -> Hyperparameters {
        self.active(point)
            .into_iter()
            .filter(|d| d.role == Role::Scientific)
            .filter_map(|d| Some((d.name.clone(), point.get(&d.name)?.clone())))
            .collect()
    }

    /// All scientific configurations: every combination of values of scientific hyperparameters, those that exist only.
    /// In the order of declaration, the first one slowest, values in the order in which they are listed; a condition's
    /// subject comes before what depends on it. One, empty, without scientific hyperparameters. `None` when they can't be
    /// listed: a scientific hyperparameter has a real range, or there are more than any round has trials.
    #[must_use]
    pub fn configurations(&self) -> Option<&[Hyperparameters]> {
        self.configurations.as_deref()
    }

    /// For each dimension whether it may exist under a scientific configuration: for sure, or for some values of
    /// hyperparameters that the configuration leaves open.
    pub(crate) fn possible(&self, configuration: &Hyperparameters) -> Vec<bool> {
        let mut possible = vec![false; self.dimensions.len()];
        for &i in &self.order {
            let may_hold = |subject: &String, allowed: &ParentValues| match configuration.get(subject) {
                Some(value) => allowed.allow(value),
                None => self.dimensions.iter().enumerate().any(|(j, d)| {
                    d.name == *subject
                        && possible[j]
                        && match &d.domain {
                            Domain::Fixed(value) => allowed.allow(value),
                            Domain::Values(values) => values.as_slice().iter().any(|v| allowed.allow(v)),
                            Domain::Interval(interval) => allowed.allow_some_of(&interval.range()),
                            Domain::Derived(_) => false,
                        }
                }),
            };
            let may_be =
                |name: &str| self.dimensions.iter().zip(&possible).any(|(d, possible)| d.name == name && *possible);
            possible[i] = self.dimensions[i].condition.iter().all(|(subject, allowed)| may_hold(subject, allowed))
                && self.dimensions[i].operands().all(may_be);
        }
        possible
    }

    /// A point: the scientific configuration, all fixed values, and for every other dimension that exists the value at
    /// the place which `place` gives for it (by its index in [`Space::dimensions`]).
    #[must_use]
    pub fn point(&self, scientific: &Hyperparameters, place: impl Fn(usize) -> f64) -> Hyperparameters {
        // A study has thousands of points: the map is built once, from a list.
        let mut point: Vec<(&str, HyperparameterValue)> = Vec::with_capacity(self.dimensions.len());
        for &i in &self.order {
            let dimension = &self.dimensions[i];
            let value_of = |name: &str| point.iter().find(|(n, _)| *n == name).map(|(_, value)| value);
            if (self.shared[i] && value_of(&dimension.name).is_some()) || !dimension.is_active(value_of) {
                continue;
            }
            let given = match dimension.role {
                Role::Scientific => scientific.get(&dimension.name).cloned(),
                Role::Nuisance | Role::Fixed | Role::Derived => None,
            };
            let value = given.unwrap_or_else(|| dimension.value(place(i), &value_of));
            point.push((&dimension.name, value));
        }
        point.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// A point with another value of one hyperparameter, and what is derived from it.
    pub(crate) fn with_value(
        &self,
        point: &Hyperparameters,
        name: &str,
        value: HyperparameterValue,
    ) -> Hyperparameters {
        let mut point = point.clone();
        point.insert(name.to_owned(), value);
        for dimension in &self.dimensions {
            if point.contains_key(&dimension.name)
                && dimension.exists_at(&point)
                && let Some(value) = dimension.derived(&point)
            {
                point.insert(dimension.name.clone(), value);
            }
        }
        point
    }

    /// Every point of a scientific configuration that is allowed, the first dimension slowest. None at all when a dimension
    /// has no end of values.
    pub(crate) fn every_point(&self, scientific: &Hyperparameters) -> Vec<Hyperparameters> {
        let mut points = Vec::new();
        let whole = self.extend(0, &mut Vec::new(), scientific, &mut points);
        points.retain(|point| self.allows(point));
        if whole { points } else { Vec::new() }
    }

    /// Adds every point that begins with the values given for the first places of the order. Says whether all of them
    /// could be listed.
    fn extend<'a>(
        &'a self,
        place: usize,
        point: &mut Vec<(&'a str, HyperparameterValue)>,
        scientific: &Hyperparameters,
        points: &mut Vec<Hyperparameters>,
    ) -> bool {
        let Some(&i) = self.order.get(place) else {
            points.push(point.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect());
            return true;
        };
        let dimension = &self.dimensions[i];
        let value_of = |name: &str| point.iter().find(|(n, _)| *n == name).map(|(_, value)| value);
        if value_of(&dimension.name).is_some() || !dimension.is_active(value_of) {
            return self.extend(place + 1, point, scientific, points);
        }
        let given = scientific.get(&dimension.name).filter(|_| dimension.role == Role::Scientific);
        let values = match (given, &dimension.domain) {
            (Some(value), _) => Some(vec![value.clone()]),
            (None, Domain::Derived(_)) => Some(vec![dimension.value(0.0, &value_of)]),
            (None, domain) => domain.every(),
        };
        let Some(values) = values else {
            return false;
        };
        values.into_iter().all(|value| {
            point.push((&dimension.name, value));
            let whole = self.extend(place + 1, point, scientific, points);
            point.pop();
            whole
        })
    }
}

fn domain(h: &Hyperparameter) -> Result<Domain, DomainError> {
    if let (Some(expression), None, None, None) = (&h.expression, &h.range, &h.values, &h.value) {
        return Expression::parse(expression).map(Domain::Derived).map_err(|e| DomainError::Expression(e.to_string()));
    }
    match (&h.range, &h.values, &h.value) {
        _ if h.expression.is_some() => Err(DomainError::NotOne),
        (Some(range), None, None) => Interval::new(range).map(Domain::Interval),
        (None, Some(values), None) => Values::new(values).map(Domain::Values),
        (None, None, Some(value)) => Ok(Domain::Fixed(value.clone())),
        _ => Err(DomainError::NotOne),
    }
}

/// Always the first dimension, as declared, all of whose subjects are placed.
fn dependency_order(dimensions: &[Dimension]) -> Result<Vec<usize>, SpaceError> {
    let mut order = Vec::with_capacity(dimensions.len());
    let mut open: BTreeSet<usize> = (0..dimensions.len()).collect();
    while let Some(&first) = open.first() {
        let names = |i: usize, name: &str| {
            dimensions[i].condition.contains_key(name) || dimensions[i].operands().any(|operand| operand == name)
        };
        let waits = |i: usize| open.iter().any(|&j| names(i, &dimensions[j].name));
        let Some(next) = open.iter().copied().find(|&i| !waits(i)) else {
            return Err(SpaceError::Cycle { index: first, name: dimensions[first].name.clone() });
        };
        open.remove(&next);
        order.push(next);
    }
    Ok(order)
}

#[cfg(test)]
mod tests;
