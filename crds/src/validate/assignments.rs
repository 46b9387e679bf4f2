//! Which hyperparameters are active together: conditions worked out by trying every assignment of the few
//! hyperparameters that conditions name.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    HyperparameterValue, Hyperparameters,
    expression::HyperparameterConstraint,
    study::{Hyperparameter, Role},
};

/// More assignments than this are not tried. No round has more trials, so no study needs more.
const LIMIT: usize = 10_000;
/// Whole numbers of a range that conditions may name.
const WIDEST_INTEGER_DOMAIN: f64 = 256.0;

/// Every combination of scientific values that the conditions allow, in the order of the hyperparameters and of their
/// values. One empty combination when nothing is scientific.
///
/// Those are left out at which a constraint doesn't hold that names scientific and `Fixed` hyperparameters only.
///
/// `None` when they can't be counted: a scientific hyperparameter has a real range, conditions form a cycle, or there are
/// more than 10,000.
#[must_use]
pub fn scientific_configurations(
    hyperparameters: &[Hyperparameter],
    constraints: &[HyperparameterConstraint],
) -> Option<Vec<Hyperparameters>> {
    let scientific = |name: &str| hyperparameters.iter().any(|h| h.name == name && h.role == Role::Scientific);
    let roots = hyperparameters.iter().filter(|h| h.role == Role::Scientific).map(|h| h.name.as_str());
    let all = assignments(hyperparameters, &with_ancestors(hyperparameters, roots))?;
    let mut configurations: Vec<Hyperparameters> = Vec::new();
    let held = held(hyperparameters);
    for assignment in all {
        let configuration: Hyperparameters = assignment.into_iter().filter(|(name, _)| scientific(name)).collect();
        if !configurations.contains(&configuration) && !is_excluded(constraints, &held, &configuration) {
            configurations.push(configuration);
        }
    }
    Some(configurations)
}

/// The values of those that are `Fixed` at every point.
pub(super) fn held(hyperparameters: &[Hyperparameter]) -> Hyperparameters {
    let held = hyperparameters.iter().filter(|h| h.role == Role::Fixed && h.when.is_none());
    held.filter_map(|h| Some((h.name.clone(), h.value.clone()?))).collect()
}

/// Whether some constraint doesn't hold, whatever else a point has. `held` are values that all points have.
pub(super) fn is_excluded(
    constraints: &[HyperparameterConstraint],
    held: &Hyperparameters,
    values: &Hyperparameters,
) -> bool {
    if constraints.is_empty() {
        return false;
    }
    let known: Hyperparameters = held.iter().chain(values).map(|(name, value)| (name.clone(), value.clone())).collect();
    constraints.iter().any(|constraint| constraint.holds(&known) == Some(false))
}

/// Whether a hyperparameter exists where others have these values.
pub(super) fn is_active(h: &Hyperparameter, assignment: &Hyperparameters) -> bool {
    h.when.iter().flatten().all(|(parent, allowed)| assignment.get(parent).is_some_and(|v| allowed.contains(v)))
}

/// Whether a hyperparameter can exist beside these values, if those that are not given are chosen well.
#[must_use]
pub fn can_be_active(h: &Hyperparameter, given: &Hyperparameters) -> bool {
    h.when.iter().flatten().all(|(parent, allowed)| given.get(parent).is_none_or(|v| allowed.contains(v)))
}

/// All values a hyperparameter can take, if they can be listed.
pub(super) fn domain(h: &Hyperparameter) -> Option<Vec<HyperparameterValue>> {
    match (&h.value, &h.values, &h.range) {
        (Some(value), _, _) => Some(vec![value.clone()]),
        (_, Some(values), _) => Some(values.clone()),
        (_, _, Some(range)) if range.integer && range.max - range.min < WIDEST_INTEGER_DOMAIN => {
            let whole: Vec<_> = std::iter::successors(Some(range.min.ceil()), |x| Some(x + 1.0))
                .take_while(|x| *x <= range.max)
                .map(HyperparameterValue::Number)
                .collect();
            Some(whole)
        }
        _ => None,
    }
}

/// These names and all that their conditions depend on.
#[must_use]
pub fn with_ancestors<'a>(
    hyperparameters: &'a [Hyperparameter],
    roots: impl Iterator<Item = &'a str>,
) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    let mut open: Vec<&str> = roots.collect();
    while let Some(name) = open.pop() {
        if names.insert(name) {
            let entries = hyperparameters.iter().filter(|h| h.name == name);
            open.extend(entries.flat_map(|h| h.when.iter().flatten()).map(|(parent, _)| parent.as_str()));
        }
    }
    names
}

/// Every assignment of the named hyperparameters that their conditions allow; those that don't exist under an assignment
/// are absent from it. `names` holds its own ancestors. `None` when they can't be listed.
pub(super) fn assignments(hyperparameters: &[Hyperparameter], names: &BTreeSet<&str>) -> Option<Vec<Hyperparameters>> {
    let mut all = vec![Hyperparameters::new()];
    for name in parents_first(hyperparameters, names)? {
        let entries: Vec<_> = hyperparameters.iter().filter(|h| h.name == name).collect();
        let domains = entries.iter().map(|h| domain(h)).collect::<Option<Vec<_>>>()?;
        let mut next = Vec::new();
        for assignment in all {
            match entries.iter().position(|h| is_active(h, &assignment)) {
                None => next.push(assignment),
                Some(i) => next.extend(domains[i].iter().map(|value| {
                    let mut longer = assignment.clone();
                    longer.insert(name.to_owned(), value.clone());
                    longer
                })),
            }
            if next.len() > LIMIT {
                return None;
            }
        }
        all = next;
    }
    Some(all)
}

/// The names in an order in which each comes after those its conditions name, otherwise as given. `None` for a cycle.
pub(super) fn parents_first<'a>(hyperparameters: &'a [Hyperparameter], names: &BTreeSet<&str>) -> Option<Vec<&'a str>> {
    let mut waiting: Vec<&str> = Vec::new();
    let mut parents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for h in hyperparameters.iter().filter(|h| names.contains(h.name.as_str())) {
        if !waiting.contains(&h.name.as_str()) {
            waiting.push(&h.name);
        }
        parents.entry(&h.name).or_default().extend(h.when.iter().flatten().map(|(parent, _)| parent.as_str()));
    }
    let mut order: Vec<&str> = Vec::new();
    while !waiting.is_empty() {
        let next = waiting.iter().position(|name| parents[name].iter().all(|p| order.contains(p)))?;
        order.push(waiting.remove(next));
    }
    Some(order)
}
