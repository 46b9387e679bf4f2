//! Whether a point is one of a study's space.

use super::{
    Violation,
    assignments::{is_active, parents_first},
    printed::{list, short},
};
use crate::{
    HyperparameterValue, Hyperparameters, spelling,
    study::{Hyperparameter, Role},
};

/// A point of the space with its fixed values filled in.
///
/// # Errors
/// Everything that is wrong with it, each with a field below `at`: hyperparameters that don't exist, not at this point, or
/// that are missing, and values that they can't have. Fixed ones may be missing.
pub fn point(
    hyperparameters: &[Hyperparameter],
    point: &Hyperparameters,
    at: &str,
) -> Result<Hyperparameters, Vec<Violation>> {
    let mut found = Vec::new();
    let mut whole = Hyperparameters::new();
    let all = hyperparameters.iter().map(|h| h.name.as_str()).collect();
    // Conditions that form a cycle are told where they stand.
    for name in parents_first(hyperparameters, &all).unwrap_or_default() {
        let Some(h) = hyperparameters.iter().find(|h| h.name == name && is_active(h, &whole)) else {
            // Without what it depends on it can't be known whether it exists.
            if let Some(value) = point.get(name).filter(|_| found.is_empty()) {
                found.push(inactive(hyperparameters, name, value, at));
            }
            continue;
        };
        match (point.get(name), &h.value) {
            (Some(value), _) => match wrong(h, value, at) {
                Some(violation) => found.push(violation),
                None => _ = whole.insert(name.to_owned(), value.clone()),
            },
            (None, Some(fixed)) if h.role == Role::Fixed => _ = whole.insert(name.to_owned(), fixed.clone()),
            (None, _) => found.push(missing(h, at)),
        }
    }
    for (name, value) in point.iter().filter(|(name, _)| !hyperparameters.iter().any(|h| h.name == **name)) {
        let mend = spelling::did_you_mean(name, hyperparameters.iter().map(|h| h.name.as_str()))
            .unwrap_or_else(|| "Remove it, or add it to spec.hyperparameters.".to_owned());
        found.push(Violation::new(format!("{at}.{name}"), value, "is not a hyperparameter of this study", mend));
    }
    if found.is_empty() { Ok(whole) } else { Err(found) }
}

fn inactive(hyperparameters: &[Hyperparameter], name: &str, value: &HyperparameterValue, at: &str) -> Violation {
    let conditions: Vec<String> = hyperparameters.iter().filter(|h| h.name == name).map(|h| short(&h.when)).collect();
    Violation::new(
        format!("{at}.{name}"),
        value,
        format!("doesn't exist at this point: {name} exists only when {}", list(&conditions, "or")),
        "Remove it, or change what it depends on.",
    )
}

fn missing(h: &Hyperparameter, at: &str) -> Violation {
    Violation::new(
        format!("{at}.{}", h.name),
        &(),
        "is missing, and exists at this point",
        format!("Give {}.", domain(h)),
    )
}

/// What is wrong with a value.
fn wrong(h: &Hyperparameter, value: &HyperparameterValue, at: &str) -> Option<Violation> {
    let field = format!("{at}.{}", h.name);
    match (&h.value, &h.values, &h.range) {
        (Some(fixed), _, _) => (fixed != value).then(|| {
            let rule = format!("{} is Fixed at {fixed}", h.name);
            Violation::new(field, value, rule, format!("Give {fixed}, or leave it out."))
        }),
        (_, Some(values), _) => (!values.contains(value)).then(|| {
            let words: Vec<String> = values.iter().map(short).collect();
            let meant = match value {
                HyperparameterValue::Text(text) => spelling::did_you_mean(text, words.iter().map(String::as_str)),
                _ => None,
            };
            let mend = meant.unwrap_or_else(|| format!("Give {}, or list it in values.", domain(h)));
            Violation::new(field, value, format!("is not among the values of {}", h.name), mend)
        }),
        (_, _, Some(range)) => {
            let rule = match value.as_f64() {
                None => "must be a number".to_owned(),
                Some(x) if range.integer && x.fract() != 0.0 => "must be a whole number".to_owned(),
                Some(x) if !(range.min..=range.max).contains(&x) => format!("is outside the range of {}", h.name),
                Some(_) => return None,
            };
            Some(Violation::new(field, value, rule, format!("Give {}, or widen its range.", domain(h))))
        }
        // Without any of them the hyperparameter itself is wrong, which is told there.
        _ => None,
    }
}

/// What stands in a hyperparameter's place, in words.
fn domain(h: &Hyperparameter) -> String {
    match (&h.value, &h.values, &h.range) {
        (Some(value), _, _) => value.to_string(),
        (_, Some(values), _) => {
            let mut words: Vec<String> = values.iter().map(short).collect();
            if words.len() > 8 {
                let more = words.len() - 6;
                words.truncate(6);
                words.push(format!("{more} others"));
            }
            format!("one of {}", list(&words, "or"))
        }
        (_, _, Some(range)) => {
            let kind = if range.integer { "a whole number" } else { "a number" };
            let (min, max) = (HyperparameterValue::from(range.min), HyperparameterValue::from(range.max));
            format!("{kind} from {min} to {max}")
        }
        _ => "its value".to_owned(),
    }
}
