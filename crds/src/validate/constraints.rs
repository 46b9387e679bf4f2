//! Bounds on metrics other than the objective.

use super::Violation;
use crate::{StudySpec, study::Constraint};

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    for (i, constraint) in spec.constraints.iter().enumerate() {
        metric(spec, i, constraint, &mut found);
        bounds(i, constraint, &mut found);
    }
    found
}

fn metric(spec: &StudySpec, i: usize, constraint: &Constraint, found: &mut Vec<Violation>) {
    let field = format!("spec.constraints[{i}].metric");
    let metric = &constraint.metric;
    if *metric == spec.objective.metric {
        found.push(Violation::new(
            field,
            metric,
            "is the objective, by which trials are compared already",
            "Bound another metric, or remove the constraint.",
        ));
    } else if metric.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.eq_ignore_ascii_case("test")) {
        found.push(Violation::new(
            field,
            metric,
            "is a metric of the test set: choosing trials by it would use the test set up",
            format!(
                "Bound a metric of the validation set, such as {}.",
                metric.to_lowercase().replace("test", "validation")
            ),
        ));
    } else if let Some(first) = spec.constraints[..i].iter().position(|other| other.metric == *metric) {
        found.push(Violation::new(
            field,
            metric,
            format!("is bounded by constraints[{first}] already"),
            "Give min and max in one constraint.",
        ));
    }
}

fn bounds(i: usize, constraint: &Constraint, found: &mut Vec<Violation>) {
    let at = format!("spec.constraints[{i}]");
    let is_finite = |bound: Option<f64>| bound.is_none_or(f64::is_finite);
    match (constraint.min, constraint.max) {
        (None, None) => {
            found.push(Violation::new(at, constraint, "bounds nothing", "Give max, min or both."));
        }
        (min, max) if !is_finite(min) || !is_finite(max) => {
            found.push(Violation::new(
                at,
                constraint,
                "a bound must be a finite number",
                "Leave out the bound that isn't.",
            ));
        }
        (Some(min), Some(max)) if min > max => {
            found.push(Violation::new(
                format!("{at}.min"),
                &min,
                format!("is larger than max, {max}: no value satisfies both"),
                "Swap them.",
            ));
        }
        _ => {}
    }
}
