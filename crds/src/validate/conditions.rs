//! Conditions (`when`) and hyperparameters that share a name.

use super::{
    Violation,
    assignments::{domain, is_active, situations, with_ancestors},
    called,
    printed::{list, short},
};
use crate::{
    HyperparameterValue, StudySpec, spelling,
    study::{Hyperparameter, Overlap, ParentInterval, ParentValues, Role},
};

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let hs = &spec.hyperparameters;
    let mut found = Vec::new();
    for (i, h) in hs.iter().enumerate() {
        condition(hs, i, h, &mut found);
    }
    if found.is_empty() {
        cycles(hs, &mut found);
    }
    if found.is_empty() {
        // Of a grid, at its levels.
        let searched = spec.searched();
        for (i, h) in searched.iter().enumerate() {
            existence(&searched, i, h, &mut found);
        }
    }
    namesakes(hs, found.is_empty(), &mut found);
    found
}

/// What each condition names must exist, and be able to have the values.
fn condition(hs: &[Hyperparameter], i: usize, h: &Hyperparameter, found: &mut Vec<Violation>) {
    let at = format!("spec.hyperparameters[{i}].when");
    if h.when.as_ref().is_some_and(std::collections::BTreeMap::is_empty) {
        found.push(Violation::new(
            &at,
            &(),
            "names no condition",
            "Name the hyperparameter it depends on, or remove when.",
        ));
    }
    for (parent, allowed) in h.when.iter().flatten() {
        let at = format!("{at}.{parent}");
        let entries: Vec<_> = hs.iter().filter(|p| p.name == *parent).collect();
        if entries.is_empty() {
            let fix = called::meant(parent, hs.iter().filter(|p| p.name != h.name))
                .unwrap_or_else(|| "Name one of the study's hyperparameters, or add it.".to_owned());
            found.push(Violation::new(&at, &(), format!("there is no hyperparameter {parent} in this study"), fix));
            continue;
        }
        if *parent == h.name {
            let fix = "Name the hyperparameter it depends on.";
            found.push(Violation::new(&at, &(), format!("{parent} can't depend on itself"), fix));
            continue;
        }
        if let Some(violation) = malformed(&at, parent, h, allowed) {
            found.push(violation);
            continue;
        }
        if h.role == Role::Scientific
            && let Some(nuisance) = entries.iter().find(|p| p.role == Role::Nuisance)
        {
            found.push(Violation::new(
                &at,
                allowed,
                format!(
                    "{} is Scientific and can't depend on {}, a Nuisance: which question is asked would depend on chance",
                    h.name, nuisance.name
                ),
                format!("Make {} Scientific or Fixed.", nuisance.name),
            ));
        }
        if entries.iter().any(|p| p.range.is_none() && p.values.is_none() && p.value.is_none()) {
            // Told where it is missing.
            continue;
        }
        match allowed {
            ParentValues::Listed(values) => listed(&at, parent, &entries, values, found),
            ParentValues::Between(interval) => found.extend(between(&at, parent, &entries, interval)),
            ParentValues::Unreadable(_) => {}
        }
    }
}

/// What is wrong with a condition whatever it is about.
fn malformed(at: &str, parent: &str, h: &Hyperparameter, allowed: &ParentValues) -> Option<Violation> {
    let form = format!("List values of {parent}, or give an interval of its numbers, such as {{min: 4}}.");
    match allowed {
        ParentValues::Listed(values) if values.is_empty() => {
            let fix = format!("List the values of {parent} for which {} exists.", h.name);
            Some(Violation::new(at, &(), "lists no values, so the condition never holds", fix))
        }
        ParentValues::Listed(_) => None,
        ParentValues::Unreadable(serde_json::Value::Object(map)) => {
            const ENDS: [&str; 4] = ["min", "max", "above", "below"];
            let unknown = map.keys().find(|key| !ENDS.contains(&key.as_str()));
            let Some(key) = unknown else {
                return Some(Violation::new(at, allowed, "has an end that is not a number", form));
            };
            let fix = spelling::did_you_mean(key, ENDS).unwrap_or_else(|| format!("Known here: {}.", ENDS.join(", ")));
            Some(Violation::new(format!("{at}.{key}"), &map[key], "unknown field", fix))
        }
        ParentValues::Unreadable(value) if value.is_null() => Some(Violation::new(at, &(), "is empty", form)),
        ParentValues::Unreadable(value) => {
            Some(Violation::new(at, value, "must be a list of values, or an interval", form))
        }
        ParentValues::Between(interval) => {
            let (rule, fix) = match *interval {
                ParentInterval { min: None, max: None, above: None, below: None } => {
                    ("gives no end", "Give min, max, above or below.")
                }
                ParentInterval { min: Some(_), above: Some(_), .. } => ("gives min and above", "Remove one of them."),
                ParentInterval { max: Some(_), below: Some(_), .. } => ("gives max and below", "Remove one of them."),
                _ => return None,
            };
            Some(Violation::new(at, allowed, rule, fix))
        }
    }
}

/// What is wrong with listed values of a hyperparameter, which has these entries.
fn listed(
    at: &str,
    parent: &str,
    entries: &[&Hyperparameter],
    allowed: &[HyperparameterValue],
    found: &mut Vec<Violation>,
) {
    let domains: Option<Vec<Vec<HyperparameterValue>>> = entries.iter().map(|p| domain(p)).collect();
    let Some(domains) = domains else {
        found.push(Violation::new(
            at,
            &allowed,
            format!("{parent} has a range, and a value drawn from a range hardly ever equals a given one"),
            format!("Give an interval of it, such as {{min: …}}, or list the values of {parent}."),
        ));
        return;
    };
    let possible: Vec<_> = domains.into_iter().flatten().collect();
    for (j, value) in allowed.iter().enumerate().filter(|(_, value)| !possible.contains(value)) {
        let words: Vec<String> = possible.iter().map(short).collect();
        let fix = match value {
            HyperparameterValue::Text(text) => spelling::did_you_mean(text, words.iter().map(String::as_str)),
            _ => None,
        };
        let rule = format!("{parent} never has this value: it is {}", list(&shortened(&words), "or"));
        found.push(Violation::new(
            format!("{at}[{j}]"),
            value,
            rule,
            fix.unwrap_or_else(|| "Name values that it can have.".into()),
        ));
    }
}

/// What is wrong with an interval of a hyperparameter, which has these entries.
fn between(at: &str, parent: &str, entries: &[&Hyperparameter], interval: &ParentInterval) -> Option<Violation> {
    let numbers = |h: &Hyperparameter| h.listed().any(|value| value.as_f64().is_some());
    if !entries.iter().any(|h| h.range.is_some() || numbers(h)) {
        let rule = format!("{parent} has no numbers, so none lies in an interval");
        return Some(Violation::new(at, interval, rule, format!("List values of {parent}.")));
    }
    let overlaps = entries.iter().map(|h| match &h.range {
        Some(range) => interval.overlap(range),
        None if h.listed().filter_map(HyperparameterValue::as_f64).any(|x| interval.contains(x)) => Overlap::Numbers,
        None => Overlap::Nothing,
    });
    let overlaps: Vec<Overlap> = overlaps.collect();
    let fix = "Give an interval that overlaps it.";
    if overlaps.iter().all(|overlap| *overlap == Overlap::Nothing) {
        let has = entries.iter().map(|h| match &h.range {
            Some(range) => format!("from {} to {}", number(range.min), number(range.max)),
            None => list(&shortened(&h.listed().map(short).collect::<Vec<_>>()), "or"),
        });
        let rule = format!("{parent} never has such a value: it is {}", list(&has.collect::<Vec<_>>(), "or"));
        return Some(Violation::new(at, interval, rule, fix));
    }
    if !overlaps.contains(&Overlap::Numbers) {
        let rule = format!("holds at one number of {parent} only, which a value drawn from a range hardly ever equals");
        return Some(Violation::new(at, interval, rule, fix));
    }
    None
}

fn number(x: f64) -> String {
    HyperparameterValue::from(x).to_string()
}

fn shortened(words: &[String]) -> Vec<String> {
    if words.len() <= 8 {
        return words.to_vec();
    }
    words[..6].iter().cloned().chain([format!("{} others", words.len() - 6)]).collect()
}

fn cycles(hs: &[Hyperparameter], found: &mut Vec<Violation>) {
    for (i, h) in hs.iter().enumerate() {
        let mut path = vec![h.name.as_str()];
        if closes(hs, &mut path) {
            path.push(&h.name);
            found.push(Violation::new(
                format!("spec.hyperparameters[{i}].when"),
                &h.when,
                format!("conditions form a cycle: {}", path.join(" depends on ")),
                "Remove one of these conditions: something must exist first.",
            ));
            // One cycle is reported once, though all its members close it.
            return;
        }
    }
}

/// Whether the conditions of the last name of `path` lead back to its first; `path` then holds the way.
fn closes<'a>(hs: &'a [Hyperparameter], path: &mut Vec<&'a str>) -> bool {
    let last = path[path.len() - 1];
    for parent in
        hs.iter().filter(|h| h.name == last).flat_map(|h| h.when.iter().flatten()).map(|(name, _)| name.as_str())
    {
        if parent == path[0] {
            return true;
        }
        if !path.contains(&parent) {
            path.push(parent);
            if closes(hs, path) {
                return true;
            }
            path.pop();
        }
    }
    false
}

/// A condition that never holds is a mistake.
fn existence(hs: &[Hyperparameter], i: usize, h: &Hyperparameter, found: &mut Vec<Violation>) {
    let Some(when) = &h.when else { return };
    let parents = with_ancestors(hs, when.keys().map(String::as_str));
    if let Some(all) = situations(hs, &parents)
        && !all.iter().any(|a| is_active(h, a))
    {
        found.push(Violation::new(
            format!("spec.hyperparameters[{i}].when"),
            when,
            format!(
                "can never hold: the conditions of {} exclude each other",
                list(&when.keys().collect::<Vec<_>>(), "and")
            ),
            format!("Give conditions that hold together, or remove {}.", h.name),
        ));
    }
}

/// One name may stand for several hyperparameters only where no trial has two of them.
fn namesakes(hs: &[Hyperparameter], conditions_hold: bool, found: &mut Vec<Violation>) {
    for (i, h) in hs.iter().enumerate() {
        let Some((first, other)) = hs[..i].iter().enumerate().find(|(_, o)| o.name == h.name) else { continue };
        let field = format!("spec.hyperparameters[{i}].name");
        if h.when.is_none() || other.when.is_none() {
            found.push(Violation::new(
                field,
                &h.name,
                format!("is also the name of hyperparameters[{first}]"),
                "Rename one, or give both a condition (when) such that no trial has both.",
            ));
            continue;
        }
        let scientific = |h: &Hyperparameter| h.role == Role::Scientific;
        if let Some(o) = hs[..i].iter().find(|o| o.name == h.name && scientific(o) != scientific(h)) {
            found.push(Violation::new(
                field,
                &h.name,
                format!("is {:?} here and {:?} elsewhere: one name would mean two things", h.role, o.role),
                "Give both the same role, or rename one.",
            ));
            continue;
        }
        if !conditions_hold {
            continue;
        }
        for (j, o) in hs[..i].iter().enumerate().filter(|(_, o)| o.name == h.name) {
            let parents = [h, o].into_iter().flat_map(|x| x.when.iter().flatten()).map(|(name, _)| name.as_str());
            let both = situations(hs, &with_ancestors(hs, parents))
                .map(|all| all.into_iter().find(|a| is_active(h, a) && is_active(o, a)));
            let rule = match both {
                Some(None) => continue,
                Some(Some(example)) => {
                    format!("is also the name of hyperparameters[{j}], and both exist when {}", short(&example))
                }
                None => format!(
                    "is also the name of hyperparameters[{j}], and their conditions have too many combinations to tell them apart"
                ),
            };
            let fix = "Let both depend on one hyperparameter, with different values, or rename one. Of an interval, above and \
                       below leave out the end itself.";
            found.push(Violation::new(&field, &h.name, rule, fix));
            break;
        }
    }
}
