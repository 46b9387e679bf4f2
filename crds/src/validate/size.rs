//! How many points a space has.

use super::assignments::{combinations, domain, held, is_active, is_excluded, told_apart, with_ancestors};
use crate::{
    Hyperparameters, StudySpec,
    expression::HyperparameterConstraint,
    study::{Algorithm, Hyperparameter, Role},
};

/// The points of one scientific configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmSize {
    /// The scientific configuration; empty where nothing is scientific.
    pub scientific: Hyperparameters,
    /// How many points it has; `None` for no end of them.
    pub points: Option<u64>,
}

/// How many different points the hyperparameters of each scientific configuration have, in the order of
/// [`super::scientific_configurations`]. `None` when that can't be counted: a scientific hyperparameter has a real range, a
/// constraint names one with a real range, or conditions and constraints have more than 10,000 combinations.
fn arm_sizes(hyperparameters: &[Hyperparameter], constraints: &[HyperparameterConstraint]) -> Option<Vec<ArmSize>> {
    let scientific = |name: &str| hyperparameters.iter().any(|h| h.name == name && h.role == Role::Scientific);
    let of_arm = hyperparameters.iter().map(|h| h.name.as_str()).filter(|name| scientific(name));
    let parents = hyperparameters.iter().flat_map(|h| h.when.iter().flatten()).map(|(parent, _)| parent.as_str());
    let constrained: Vec<&str> = constraints.iter().flat_map(HyperparameterConstraint::names).collect();
    let in_constraints = hyperparameters.iter().map(|h| h.name.as_str()).filter(|name| constrained.contains(name));
    let named = with_ancestors(hyperparameters, of_arm.chain(parents).chain(in_constraints));
    let held = held(hyperparameters);
    let mut arms: Vec<ArmSize> = Vec::new();
    // A range that only conditions ask about needs no list: where it exists, there is no end of points.
    let endless = |h: &Hyperparameter| {
        !scientific(&h.name) && !constrained.contains(&h.name.as_str()) && h.range.is_some() && domain(h).is_none()
    };
    let values_of = |h: &Hyperparameter| if endless(h) { told_apart(hyperparameters, h) } else { domain(h) };
    let all = combinations(hyperparameters, &named, values_of)?;
    for assignment in all.into_iter().filter(|a| !is_excluded(constraints, &held, a)) {
        let others = hyperparameters
            .iter()
            .filter(|h| (!named.contains(h.name.as_str()) || endless(h)) && is_active(h, &assignment));
        let values = |h: &Hyperparameter| if endless(h) { None } else { values(h) };
        let points = others.map(values).try_fold(1_u64, |product, values| Some(product.saturating_mul(values?)));
        let arm: Hyperparameters = assignment.into_iter().filter(|(name, _)| scientific(name)).collect();
        match arms.iter_mut().find(|known| known.scientific == arm) {
            Some(known) => known.points = known.points.zip(points).map(|(a, b)| a.saturating_add(b)),
            None => arms.push(ArmSize { scientific: arm, points }),
        }
    }
    Some(arms)
}

/// How many points the algorithm of a study can try; `None` for no end of them, or when that isn't known here.
#[must_use]
pub fn space_size(spec: &StudySpec) -> Option<u64> {
    let search = &spec.search;
    match search.algorithm {
        Algorithm::Manual if search.points_from.is_some() => return None,
        Algorithm::Manual => return u64::try_from(search.points.len()).ok(),
        _ => {}
    }
    searched_sizes(spec)?.iter().try_fold(0_u64, |sum, arm| Some(sum.saturating_add(arm.points?)))
}

/// How many different points the algorithm of a study may try of each scientific configuration, of a Grid those of its
/// levels, as [`arm_sizes`].
#[must_use]
pub fn searched_sizes(spec: &StudySpec) -> Option<Vec<ArmSize>> {
    arm_sizes(&spec.searched(), &spec.comparisons())
}

/// How many values a hyperparameter has, if there is an end of them.
fn values(h: &Hyperparameter) -> Option<u64> {
    match (&h.value, &h.values, &h.range) {
        (Some(_), _, _) => Some(1),
        // Worked out from others: it makes no points of its own.
        _ if h.expression.is_some() => Some(1),
        (_, Some(values), _) => u64::try_from(values.len()).ok(),
        // Whole and at most 2^54 apart: exact.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (_, _, Some(range)) if range.integer => Some((range.max - range.min + 1.0).max(0.0) as u64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(hyperparameters: &str) -> Option<Vec<Option<u64>>> {
        let all: Vec<Hyperparameter> = serde_yaml::from_str(hyperparameters).unwrap();
        arm_sizes(&all, &[]).map(|arms| arms.into_iter().map(|arm| arm.points).collect())
    }

    #[test]
    fn points_are_counted_by_arm() {
        let hyperparameters = "
- {name: layers, role: Scientific, values: [1, 2]}
- {name: width, range: {min: 1, max: 3, integer: true}}
- {name: activation, when: {layers: [2]}, values: [relu, tanh]}
- {name: size, role: Fixed, value: 3}
";
        assert_eq!(sizes(hyperparameters), Some(vec![Some(3), Some(6)]));
    }

    #[test]
    fn one_real_range_is_no_end_of_points_where_it_exists() {
        let hyperparameters = "
- {name: optimizer, values: [sgd, adam]}
- {name: kind, role: Scientific, values: [a, b]}
- {name: epsilon, when: {optimizer: [adam], kind: [b]}, range: {min: 0, max: 1}}
";
        assert_eq!(sizes(hyperparameters), Some(vec![Some(2), None]));
    }

    #[test]
    fn points_that_constraints_forbid_are_not_counted() {
        let all: Vec<Hyperparameter> = serde_yaml::from_str(
            "
- {name: heads, role: Scientific, values: [4, 8, 16]}
- {name: head_dim, values: [32, 64, 128]}
- {name: layers, range: {min: 1, max: 5, integer: true}}
- {name: most, role: Fixed, value: 1024}
- {name: activation, values: [relu, gelu]}
",
        )
        .unwrap();
        let sizes = |constraints: &[&str]| {
            let constraints: Vec<_> =
                constraints.iter().map(|text| HyperparameterConstraint::parse(text).unwrap()).collect();
            let arms = arm_sizes(&all, &constraints).unwrap();
            arms.into_iter().map(|arm| arm.points.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&[]), [30, 30, 30]);
        assert_eq!(sizes(&["heads * head_dim <= most"]), [30, 30, 20]);
        assert_eq!(sizes(&["heads * head_dim <= most", "layers <= 3"]), [18, 18, 12]);
        // One that says which scientific values there are.
        assert_eq!(sizes(&["heads < 16"]), [30, 30]);
    }

    #[test]
    fn a_range_that_conditions_ask_about_is_no_end_of_points() {
        let hyperparameters = "
- {name: kind, role: Scientific, values: [a, b]}
- {name: dropout, when: {kind: [a]}, range: {min: 0, max: 0.5}}
- {name: schedule, when: {dropout: {above: 0.1}}, values: [constant, linear]}
- {name: width, values: [1, 2, 3]}
";
        assert_eq!(sizes(hyperparameters), Some(vec![None, Some(3)]));
        let whole = "
- {name: layers, range: {min: 1, max: 6, integer: true}}
- {name: skip, when: {layers: {min: 4}}, values: [true, false]}
";
        assert_eq!(sizes(whole), Some(vec![Some(3 + 3 * 2)]));
    }

    #[test]
    fn conditions_between_nuisances_are_followed() {
        let hyperparameters = "
- {name: optimizer, values: [sgd, adam]}
- {name: beta, when: {optimizer: [adam]}, values: [1, 2, 3]}
- {name: rate, when: {optimizer: [sgd]}, values: [1, 2]}
- {name: rate, when: {optimizer: [adam]}, range: {min: 1, max: 4, integer: true}}
";
        assert_eq!(sizes(hyperparameters), Some(vec![Some(2 + 3 * 4)]));
    }
}
