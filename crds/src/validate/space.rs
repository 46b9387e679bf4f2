//! Each hyperparameter by itself: its role, its range or values.

use super::{Violation, printed::list};
use crate::{
    HyperparameterValue, StudySpec,
    study::{Hyperparameter, Range, Role, Scale},
};

/// Whole numbers up to here are exact as real numbers.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    for (i, h) in spec.hyperparameters.iter().enumerate() {
        let at = format!("spec.hyperparameters[{i}]");
        shape(h, &at, &mut found);
        if let Some(r) = &h.range {
            range(r, &format!("{at}.range"), &mut found);
        }
        values(h, &at, &mut found);
    }
    found
}

fn shape(h: &Hyperparameter, at: &str, found: &mut Vec<Violation>) {
    let fields = [
        ("range", h.range.is_some()),
        ("values", h.values.is_some()),
        ("value", h.value.is_some()),
        ("expression", h.expression.is_some()),
    ];
    let given: Vec<&str> = fields.into_iter().filter_map(|(name, there)| there.then_some(name)).collect();
    let name = &h.name;
    match (h.role, given.as_slice()) {
        (Role::Fixed, []) => found.push(Violation::new(
            format!("{at}.value"),
            &(),
            format!("is missing: {name} is Fixed, that is, held at one value"),
            "Give the value.",
        )),
        (Role::Derived, []) => found.push(Violation::new(
            format!("{at}.expression"),
            &(),
            format!("is missing: {name} is Derived, that is, worked out from others"),
            "Give an expression, such as expression: effective_rate * (1 - momentum).",
        )),
        (_, []) => found.push(Violation::new(
            at,
            &(),
            format!("{name} has neither range nor values, so there is nothing to search"),
            "Give range: {min: …, max: …} or values: […]; to hold it at one value, give role: Fixed and value.",
        )),
        (Role::Fixed, ["value"])
        | (Role::Scientific | Role::Nuisance, ["range" | "values"])
        | (Role::Derived, ["expression"]) => {}
        (Role::Derived, [other]) => found.push(Violation::new(
            format!("{at}.{other}"),
            &(),
            format!("doesn't go with role Derived: {name} is worked out from others"),
            "Give expression instead, or another role.",
        )),
        (_, ["expression"]) => found.push(Violation::new(
            format!("{at}.expression"),
            &h.expression,
            format!("doesn't go with role {:?}: {name} is worked out, not searched", h.role),
            "Give role: Derived. Its role is that of what it is worked out from.",
        )),
        (Role::Fixed, [other]) => found.push(Violation::new(
            format!("{at}.{other}"),
            &(),
            format!("doesn't go with role Fixed: {name} is held at one value"),
            "Give value instead, or make it Nuisance to tune it.",
        )),
        (_, ["value"]) => found.push(Violation::new(
            format!("{at}.value"),
            &h.value,
            format!("doesn't go with role {:?}: one value doesn't vary", h.role),
            "Give role: Fixed to hold it, or range or values to search it.",
        )),
        (_, several) => found.push(Violation::new(
            at,
            &(),
            format!("{name} has {}, of which only one can hold", list(several, "and")),
            "Give exactly one of range, values, value and expression.",
        )),
    }
    if h.fixed_because.is_some() && h.role != Role::Fixed {
        found.push(Violation::new(
            format!("{at}.fixedBecause"),
            &h.fixed_because,
            format!("says why {name} is not tuned, but its role is {:?}", h.role),
            "Remove it, or give role: Fixed.",
        ));
    }
}

fn range(r: &Range, at: &str, found: &mut Vec<Violation>) {
    let Range { min, max, scale, integer } = *r;
    let mut refuse = |end: &str, value: f64, rule: String, fix: &str| {
        // JSON has no words for these, so they are printed here.
        let value = if value.is_finite() { serde_json::json!(value) } else { serde_json::json!(value.to_string()) };
        found.push(Violation::new(format!("{at}.{end}"), &value, rule, fix));
    };
    for (end, value) in [("min", min), ("max", max)] {
        if !value.is_finite() {
            refuse(end, value, "must be a finite number".into(), "Give the largest range that makes sense.");
        }
    }
    if !(min.is_finite() && max.is_finite()) {
        return;
    }
    if min >= max {
        let fix = if min.total_cmp(&max).is_eq() {
            "To hold it at one value give role: Fixed and value instead of range."
        } else {
            "Exchange them, if that is what is meant."
        };
        refuse("min", min, format!("must be smaller than max, which is {}", HyperparameterValue::from(max)), fix);
        return;
    }
    match scale {
        Scale::Log if min <= 0.0 => {
            let fix = "Give the smallest value worth trying, such as max/10000; to try zero as well, make it a choice of \
                        its own with a conditional range.";
            refuse("min", min, "must be larger than 0 for scale Log: zero has no logarithm".into(), fix);
        }
        Scale::ReverseLog if min < 0.0 => {
            refuse(
                "min",
                min,
                "must not be below 0 for scale ReverseLog".into(),
                "ReverseLog searches 1 - x in log: give 0 <= min and max < 1.",
            );
        }
        Scale::ReverseLog if max >= 1.0 => {
            let fix = "ReverseLog searches 1 - x in log: give the largest value worth trying, such as 0.9999.";
            refuse("max", max, "must be smaller than 1 for scale ReverseLog".into(), fix);
        }
        _ => {}
    }
    if integer {
        for (end, value) in [("min", min), ("max", max)] {
            if value.fract() != 0.0 {
                let fix = if end == "min" { value.ceil() } else { value.floor() };
                refuse(end, value, "must be a whole number, since integer is true".into(), &format!("Give {fix}."));
            } else if value.abs() > LARGEST_EXACT {
                refuse(end, value, "is too large for a whole number".into(), "Stay within 2^53.");
            }
        }
        if scale == Scale::ReverseLog {
            let fix = "Remove integer, or search a range of whole numbers in Linear or Log.";
            found.push(Violation::new(
                format!("{at}.integer"),
                &true,
                "doesn't go with scale ReverseLog, which is for values between 0 and 1",
                fix,
            ));
        }
    }
}

/// Lists, mappings and nothing are read as NaN.
fn is_a_value(value: &HyperparameterValue) -> bool {
    !matches!(value, HyperparameterValue::Number(x) if x.is_nan())
}

fn values(h: &Hyperparameter, at: &str, found: &mut Vec<Violation>) {
    let several = h.values.iter().flatten().enumerate().map(|(i, v)| (format!("{at}.values[{i}]"), v));
    let one = h.value.iter().map(|v| (format!("{at}.value"), v));
    for (field, value) in several.chain(one) {
        match value {
            HyperparameterValue::Number(x) if !x.is_finite() => {
                let rule = if x.is_nan() {
                    "must be a number, a name, true or false, not a list, a mapping, null or NaN"
                } else {
                    "must be a finite number"
                };
                let fix = "Remove it, or give the choice a name that the trainer looks up, such as none.";
                found.push(Violation::new(field, &x.to_string(), rule, fix));
            }
            HyperparameterValue::Text(s) if s.is_empty() => {
                found.push(Violation::new(field, s, "must not be empty", "Give the choice a name, such as none."));
            }
            HyperparameterValue::Text(s) if s.len() > 256 => {
                let fix = "Give it a short name and let the trainer look up what it stands for.";
                found.push(Violation::new(field, s, "is longer than 256 bytes", fix));
            }
            _ => {}
        }
    }
    let Some(values) = &h.values else { return };
    if values.is_empty() {
        found.push(Violation::new(format!("{at}.values"), &(), "must hold at least one value", "List what to try."));
    }
    for (i, value) in values.iter().enumerate() {
        if values[..i].contains(value) {
            let fix = "Remove it; a value listed twice doesn't get more trials.";
            found.push(Violation::new(format!("{at}.values[{i}]"), value, "is listed twice", fix));
        } else if let Some(first) = values.iter().find(|v| is_a_value(v) && kind(v) != kind(value))
            && i > 0
            && is_a_value(value)
            && is_a_value(&values[0])
            && kind(&values[0]) != kind(value)
        {
            found.push(Violation::new(
                format!("{at}.values[{i}]"),
                value,
                format!(
                    "is a {}, while {} is a {}: one hyperparameter has values of one kind",
                    kind(value),
                    first,
                    kind(first)
                ),
                "Quote all of them to make them names, or none.",
            ));
        }
    }
}

/// What a value is, in a word.
pub(super) fn kind(value: &HyperparameterValue) -> &'static str {
    match value {
        HyperparameterValue::Bool(_) => "truth value",
        HyperparameterValue::Integer(_) | HyperparameterValue::Number(_) => "number",
        HyperparameterValue::Text(_) => "name",
    }
}
