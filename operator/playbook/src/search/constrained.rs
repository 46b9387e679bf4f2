//! Constraints between hyperparameters (`spec.hyperparameterConstraints`): points at which one doesn't hold are passed over,
//! whatever the algorithm.

use studious_api::{
    HyperparameterValue, Hyperparameters, StudySpec, expression::HyperparameterConstraint, study::Algorithm,
    validate::Violation,
};

use super::Sequence;
use crate::{
    Plan,
    plan::is_crossed,
    space::{Domain, Space},
};

/// Points of each scientific configuration that are looked at for one that is allowed. A space of which less is allowed is
/// better described by other ranges.
const LOOKED_AT: u64 = 4096;
/// As many at least of each, where there are many, to say which share is allowed.
const LEAST_LOOKED_AT: u64 = 256;

/// Whether some points of the box may be passed over.
fn is_partial(space: &Space) -> bool {
    !space.constraints().is_empty() || space.dimensions().iter().any(|d| matches!(d.domain(), Domain::Derived(_)))
}

/// The share of a study's points that its constraints allow, of as many points of the whole space as tell it to 1%; nothing
/// without constraints.
#[must_use]
pub(crate) fn share(plan: &Plan) -> Option<f64> {
    let space = plan.searched();
    if !is_partial(space) {
        return None;
    }
    let arms = arms(plan);
    let each = (LOOKED_AT / arms.len().max(1) as u64).max(LEAST_LOOKED_AT);
    let sequence = sequence(plan);
    let points = arms.iter().flat_map(|arm| (0..each).map(|index| sequence.point(space, arm, index)));
    let allowed = points.filter(|point| space.allows(point)).count();
    Some(allowed as f64 / (each as f64 * arms.len() as f64))
}

/// What is wrong with the space of a valid study: a scientific configuration of which no point was found that its constraints
/// allow, and at which what is derived is a number; a learning rate of 0 or less that is derived.
pub(crate) fn unmet(spec: &StudySpec) -> Vec<Violation> {
    let search = &spec.search;
    // Other rules report whatever else is wrong with it.
    let Ok(space) = Space::constrained(&spec.searched(), &spec.comparisons()) else { return Vec::new() };
    if !is_partial(&space) || search.algorithm == Algorithm::Manual {
        return Vec::new();
    }
    let is_crossed = is_crossed(search, &space);
    let Some(arms) = (if is_crossed { space.configurations() } else { Some(&[Hyperparameters::new()][..]) }) else {
        return Vec::new();
    };
    let space = &space;
    let sequence = Sequence::new(space, search.algorithm, search.seed, is_crossed.then_some(arms));
    let meets = |arm: &Hyperparameters, allows: &dyn Fn(&Hyperparameters) -> bool| {
        (0..LOOKED_AT).any(|index| allows(&sequence.point(space, arm, index)))
    };
    if arms.is_empty() {
        return vec![violation(None, "no combination of scientific values is left by them")];
    }
    let Some(arm) = arms.iter().find(|arm| !meets(arm, &|point| space.allows(point))) else {
        let places = arms.iter().flat_map(|arm| (0..LEAST_LOOKED_AT).map(move |index| (arm, index)));
        let points = places.map(|(arm, index)| sequence.point(space, arm, index));
        let mut allowed = points.filter(|point| space.allows(point));
        return allowed.find_map(|point| no_rate(spec, &point)).into_iter().collect();
    };
    let alone = |c: &HyperparameterConstraint| !meets(arm, &|point| c.holds(point) != Some(false));
    let which = space.constraints().iter().position(alone);
    let values: Vec<String> = arm.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let of_arm = if values.is_empty() { String::new() } else { format!(" with {}", values.join(", ")) };
    let rule = match which {
        Some(_) => format!("holds at none of {LOOKED_AT} points of the space{of_arm}"),
        None if space.constraints().is_empty() => {
            format!("is a number at none of {LOOKED_AT} points of the space{of_arm}")
        }
        None => format!("hold together at none of {LOOKED_AT} points of the space{of_arm}"),
    };
    vec![violation(which.map(|i| (i, &space.constraints()[i])), &rule)]
}

/// That the learning rate of a schedule is 0 or less at a point that would be tried, where it is.
fn no_rate(spec: &StudySpec, point: &Hyperparameters) -> Option<Violation> {
    let base = &spec.schedule.as_ref()?.base;
    let (i, h) = spec.hyperparameters.iter().enumerate().find(|(_, h)| h.name == *base && h.expression.is_some())?;
    let rate = point.get(base)?.as_f64().filter(|rate| *rate <= 0.0)?;
    Some(Violation::new(
        format!("spec.hyperparameters[{i}].expression"),
        &h.expression,
        format!(
            "{base} is the peak learning rate (spec.schedule.base), and {rate} at some points: a learning rate of 0 or less trains nothing"
        ),
        format!("Give an expression that is above 0, or the constraint {base} > 0."),
    ))
}

fn violation(which: Option<(usize, &HyperparameterConstraint)>, rule: &str) -> Violation {
    let field = "spec.hyperparameterConstraints";
    Violation {
        field: which.map_or_else(|| field.to_owned(), |(i, _)| format!("{field}[{i}]")),
        value: which.map_or_else(String::new, |(_, comparison)| comparison.to_string()),
        rule: rule.to_owned(),
        fix: "Choose ranges and values of which more is allowed, or a looser constraint.".to_owned(),
        code: None,
    }
}

fn sequence(plan: &Plan) -> Sequence {
    let search = &plan.spec().search;
    Sequence::new(plan.searched(), search.algorithm, search.seed, plan.arms())
}

/// Whether the study's constraints allow some point of a scientific configuration at which a hyperparameter has one of these
/// values, which its own range or list may lack.
pub(crate) fn allows_some(plan: &Plan, arm: &Hyperparameters, name: &str, values: &[HyperparameterValue]) -> bool {
    let space = plan.space();
    if !is_partial(space) {
        return true;
    }
    let sequence = Sequence::new(space, Algorithm::QuasiRandom, plan.spec().search.seed, plan.arms());
    let mut points = (0..LEAST_LOOKED_AT).map(|index| sequence.point(space, arm, index));
    points.any(|point| {
        point.contains_key(name)
            && values.iter().any(|value| space.allows(&space.with_value(&point, name, value.clone())))
    })
}

/// The scientific configurations that have trials of their own; one, empty, where none has.
fn arms(plan: &Plan) -> Vec<Hyperparameters> {
    plan.arms().map_or_else(|| vec![Hyperparameters::new()], <[_]>::to_vec)
}
