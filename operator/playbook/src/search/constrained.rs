//! Constraints between hyperparameters (`spec.hyperparameterConstraints`): points at which one doesn't hold are passed over,
//! whatever the algorithm.

use studious_api::{Hyperparameters, expression::Comparison, study::Algorithm, validate::Violation};

use super::Sequence;
use crate::Plan;

/// Points of each scientific configuration that are looked at for one that is allowed. A space of which less is allowed is
/// better described by other ranges.
const LOOKED_AT: u64 = 4096;

/// The share of a study's points that its constraints allow, of as many points of the whole space as tell it to 1%; nothing
/// without constraints.
#[must_use]
pub(crate) fn share(plan: &Plan) -> Option<f64> {
    let space = plan.searched();
    if space.constraints().is_empty() {
        return None;
    }
    let arms = arms(plan);
    let each = (LOOKED_AT / arms.len().max(1) as u64).max(16);
    let sequence = sequence(plan);
    let points = arms.iter().flat_map(|arm| (0..each).map(|index| sequence.point(space, arm, index)));
    let allowed = points.filter(|point| space.allows(point)).count();
    Some(allowed as f64 / (each as f64 * arms.len() as f64))
}

/// The scientific configurations of which no point was found that the constraints allow, as what is wrong with them.
pub(crate) fn unmet(plan: &Plan) -> Vec<Violation> {
    let space = plan.searched();
    if space.constraints().is_empty() || plan.spec().search.algorithm == Algorithm::Manual {
        return Vec::new();
    }
    let sequence = sequence(plan);
    let meets = |arm: &Hyperparameters, allows: &dyn Fn(&Hyperparameters) -> bool| {
        (0..LOOKED_AT).any(|index| allows(&sequence.point(space, arm, index)))
    };
    let arms = arms(plan);
    if arms.is_empty() {
        return vec![violation(None, "no combination of scientific values is left by them")];
    }
    let Some(arm) = arms.iter().find(|arm| !meets(arm, &|point| space.allows(point))) else { return Vec::new() };
    let alone = |c: &Comparison| !meets(arm, &|point| c.holds(point) != Some(false));
    let which = space.constraints().iter().position(alone);
    let values: Vec<String> = arm.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let of_arm = if values.is_empty() { String::new() } else { format!(" with {}", values.join(", ")) };
    let rule = match which {
        Some(_) => format!("holds at none of {LOOKED_AT} points of the space{of_arm}"),
        None => format!("hold together at none of {LOOKED_AT} points of the space{of_arm}"),
    };
    vec![violation(which.map(|i| (i, &space.constraints()[i])), &rule)]
}

fn violation(which: Option<(usize, &Comparison)>, rule: &str) -> Violation {
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

/// The scientific configurations that have trials of their own; one, empty, where none has.
fn arms(plan: &Plan) -> Vec<Hyperparameters> {
    plan.arms().map_or_else(|| vec![Hyperparameters::new()], <[_]>::to_vec)
}
