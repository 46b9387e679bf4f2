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
    h.when.iter().flatten().all(|(parent, allowed)| assignment.get(parent).is_some_and(|v| allowed.allow(v)))
}

/// Whether a hyperparameter can exist beside these values, if those that are not given are chosen well.
#[must_use]
pub fn can_be_active(h: &Hyperparameter, given: &Hyperparameters) -> bool {
    h.when.iter().flatten().all(|(parent, allowed)| given.get(parent).is_none_or(|v| allowed.allow(v)))
}

/// All values a hyperparameter can take, if they can be listed.
pub(super) fn domain(h: &Hyperparameter) -> Option<Vec<HyperparameterValue>> {
    match (&h.value, &h.values, &h.range) {
        (Some(value), _, _) => Some(vec![value.clone()]),
        (_, Some(values), _) => Some(values.clone()),
        (_, _, Some(range)) if range.is_short() => {
            let whole: Vec<_> = std::iter::successors(Some(range.min.ceil()), |x| Some(x + 1.0))
                .take_while(|x| *x <= range.max)
                .map(HyperparameterValue::Number)
                .collect();
            Some(whole)
        }
        _ => None,
    }
}

/// Values of a hyperparameter between which no condition tells a difference: all of them, if they can be listed, or else the
/// ends of its range, those of the conditions on it, and a number between each two.
pub(super) fn told_apart(hyperparameters: &[Hyperparameter], h: &Hyperparameter) -> Option<Vec<HyperparameterValue>> {
    if let Some(all) = domain(h) {
        return Some(all);
    }
    let range = h.range.as_ref()?;
    let conditions = hyperparameters.iter().flat_map(|other| other.when.iter().flatten());
    let named = conditions.filter(|(parent, _)| **parent == h.name).flat_map(|(_, allowed)| allowed.ends());
    let mut ends: Vec<f64> = named.filter(|x| range.min < *x && *x < range.max).chain([range.min, range.max]).collect();
    ends.sort_by(f64::total_cmp);
    ends.dedup();
    let between = ends.windows(2).map(|pair| f64::midpoint(pair[0], pair[1]));
    let mut values: Vec<f64> = if range.integer {
        // An end between two whole numbers stands for those on both sides of it.
        let near = ends.iter().flat_map(|x| [x.floor() - 1.0, x.floor(), x.ceil(), x.ceil() + 1.0]);
        near.chain(between.map(f64::floor)).filter(|x| range.has(*x)).collect()
    } else {
        ends.iter().copied().chain(between).collect()
    };
    values.sort_by(f64::total_cmp);
    values.dedup();
    Some(values.into_iter().map(HyperparameterValue::Number).collect())
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
    combinations(hyperparameters, names, domain)
}

/// As [`assignments`], and of a range that can't be listed the values that conditions tell apart: whatever exists beside
/// others at some point does so in one of these.
pub(super) fn situations(hyperparameters: &[Hyperparameter], names: &BTreeSet<&str>) -> Option<Vec<Hyperparameters>> {
    combinations(hyperparameters, names, |h| told_apart(hyperparameters, h))
}

/// As [`assignments`], each hyperparameter with these values.
pub(super) fn combinations(
    hyperparameters: &[Hyperparameter],
    names: &BTreeSet<&str>,
    values: impl Fn(&Hyperparameter) -> Option<Vec<HyperparameterValue>>,
) -> Option<Vec<Hyperparameters>> {
    let mut all = vec![Hyperparameters::new()];
    for name in parents_first(hyperparameters, names)? {
        let entries: Vec<_> = hyperparameters.iter().filter(|h| h.name == name).collect();
        let domains = entries.iter().map(|h| values(h)).collect::<Option<Vec<_>>>()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told_apart_of(range: &str, conditions: &[&str]) -> Vec<String> {
        let conditions =
            conditions.iter().map(|condition| format!("- {{name: y, when: {{x: {condition}}}, values: [1]}}\n"));
        let yaml = format!("- {{name: x, range: {range}}}\n{}", conditions.collect::<String>());
        let hs: Vec<Hyperparameter> = serde_yaml::from_str(&yaml).unwrap();
        told_apart(&hs, &hs[0]).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_real_range_is_cut_where_conditions_begin_and_end() {
        let real = "{min: 0, max: 8}";
        assert_eq!(told_apart_of(real, &[]), ["0", "4", "8"]);
        assert_eq!(told_apart_of(real, &["{min: 4}", "{below: 4}"]), ["0", "2", "4", "6", "8"]);
        assert_eq!(told_apart_of(real, &["{min: -1, max: 9}"]), ["0", "4", "8"]);
    }

    #[test]
    fn a_long_range_of_whole_numbers_has_those_next_to_each_end() {
        let whole = "{min: 0, max: 1000, integer: true}";
        assert_eq!(
            told_apart_of(whole, &["{min: 499.5}"]),
            ["0", "1", "249", "498", "499", "500", "501", "749", "999", "1000"]
        );
        assert_eq!(told_apart_of("{min: 1, max: 3, integer: true}", &["{min: 2}"]), ["1", "2", "3"]);
    }

    #[test]
    fn a_scientific_configuration_may_depend_on_an_interval() {
        let hs: Vec<Hyperparameter> = serde_yaml::from_str(
            "
- {name: layers, role: Scientific, values: [2, 4, 8]}
- {name: skip, role: Scientific, when: {layers: {min: 4}}, values: [true, false]}
",
        )
        .unwrap();
        let all = scientific_configurations(&hs, &[]).unwrap();
        assert_eq!(all.iter().map(Hyperparameters::len).collect::<Vec<_>>(), [1, 2, 2, 2, 2]);
    }
}
