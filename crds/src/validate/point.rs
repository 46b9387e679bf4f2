//! Whether a point is one of a study's space.

use super::{
    Violation,
    assignments::{is_active, parents_first},
    called, derived_values, hyperparameter_constraints,
    printed::{list, short},
    space::kind,
};
use crate::{
    HyperparameterValue, Hyperparameters, StudySpec, spelling,
    study::{Hyperparameter, Role},
};

/// How far a number may be from a listed value, a boundary or what it is worked out to, and still be that: float32 has seven
/// digits.
pub(super) const LAST_DIGITS: f64 = 1e-6;
/// How far a number may be from a whole one, and still be it: `10 ** 3.0` is 999.9999999999999 in some languages.
const WHOLE: f64 = 1e-6;

/// The value that a hyperparameter has where a number differs from it in the last digits only, as float32, repeated sums
/// and logarithms leave them: the listed or fixed value that it is within a millionth of, the boundary that it is as little
/// beyond, the whole number that it nearly is. Any other value is itself.
#[must_use]
pub fn settled(h: &Hyperparameter, value: &HyperparameterValue) -> HyperparameterValue {
    let Some(x) = value.as_f64().filter(|x| x.is_finite()) else { return value.clone() };
    let listed = || h.value.iter().chain(h.values.iter().flatten());
    if listed().any(|known| known == value) {
        return value.clone();
    }
    // Whole numbers, such as seeds, have no last digits to lose.
    let near = listed().filter_map(|value| {
        let known = value.as_f64().filter(|known| known.fract() != 0.0 || x.fract() != 0.0)?;
        Some(((x - known).abs(), value)).filter(|(gap, _)| *gap <= LAST_DIGITS * known.abs())
    });
    if let Some((_, known)) = near.min_by(|a, b| a.0.total_cmp(&b.0)) {
        return known.clone();
    }
    let Some(range) = h.range.as_ref().filter(|_| h.value.is_none() && h.values.is_none()) else {
        return value.clone();
    };
    if range.integer {
        if x.fract() == 0.0 || (x - x.round()).abs() > WHOLE {
            return value.clone();
        }
        // Whole, and too small for a number that has no fraction anyway.
        #[allow(clippy::cast_possible_truncation)]
        return HyperparameterValue::Integer(x.round() as i64);
    }
    // Zero has no last digits of its own: those of the range's width count.
    let reach = |end: f64| if end == 0.0 { 1e-9 * (range.max - range.min) } else { LAST_DIGITS * end.abs() };
    match x {
        x if x < range.min && range.min - x <= reach(range.min) => range.min.into(),
        x if x > range.max && x - range.max <= reach(range.max) => range.max.into(),
        _ => value.clone(),
    }
}

/// Values of which some were settled, by name; a name that no hyperparameter has is kept as it is.
#[must_use]
pub fn settled_point(hyperparameters: &[Hyperparameter], point: &Hyperparameters) -> Hyperparameters {
    let settle = |(name, value): (&String, &HyperparameterValue)| {
        // Of one under several conditions, the definition that changes the value is the one that it nearly fits.
        let of = || hyperparameters.iter().filter(|h| h.name == *name);
        let fits = of().any(|h| wrong(h, value, "").is_none());
        let near = of().map(|h| (h, settled(h, value))).find(|(h, near)| wrong(h, near, "").is_none());
        (name.clone(), near.filter(|_| !fits).map_or_else(|| value.clone(), |(_, near)| near))
    };
    point.iter().map(settle).collect()
}

/// A point of a study with its fixed values filled in, as [`point`], at which the study's constraints hold.
///
/// # Errors
/// As [`point`], and the first constraint that it violates.
pub fn point_of(spec: &StudySpec, given: &Hyperparameters, at: &str) -> Result<Hyperparameters, Vec<Violation>> {
    let whole = point(&spec.hyperparameters, given, at)?;
    match hyperparameter_constraints::violated(spec, &whole, at) {
        Some(violation) => Err(vec![violation]),
        None => Ok(whole),
    }
}

/// A point of the space with its fixed values filled in. A number that differs from a listed value or a boundary in the
/// last digits is that value ([`settled`]).
///
/// # Errors
/// Everything that is wrong with it, each with a field below `at`: hyperparameters that don't exist, not at this point, or
/// that are missing, and values that they can't have. Fixed and derived ones may be missing; where one that is derived is
/// given and one that it is worked out from is not, that is solved for.
pub fn point(
    hyperparameters: &[Hyperparameter],
    point: &Hyperparameters,
    at: &str,
) -> Result<Hyperparameters, Vec<Violation>> {
    let mut found = Vec::new();
    let mut whole = Hyperparameters::new();
    let solved = derived_values::solved(hyperparameters, point);
    let given = point;
    let point = &solved;
    let searched = hyperparameters.iter().filter(|h| h.role != Role::Derived);
    let all = searched.map(|h| h.name.as_str()).collect();
    // Conditions that form a cycle are reported where they stand.
    for name in parents_first(hyperparameters, &all).unwrap_or_default() {
        let of_name = |h: &&Hyperparameter| h.name == name && h.role != Role::Derived && is_active(h, &whole);
        let Some(h) = hyperparameters.iter().find(of_name) else {
            // It may be worked out here.
            if hyperparameters.iter().any(|h| h.name == name && h.role == Role::Derived) {
                continue;
            }
            // Without what it depends on it can't be known whether it exists.
            if let Some(value) = point.get(name).filter(|_| found.is_empty()) {
                found.push(inactive(hyperparameters, name, value, at));
            }
            continue;
        };
        match (point.get(name).map(|value| settled(h, value)), &h.value) {
            (Some(value), _) => match wrong(h, &value, at) {
                Some(violation) => found.push(violation),
                None => _ = whole.insert(name.to_owned(), value),
            },
            (None, Some(fixed)) if h.role == Role::Fixed => _ = whole.insert(name.to_owned(), fixed.clone()),
            (None, _) => found.push(missing(h, at)),
        }
    }
    if found.is_empty() {
        found.extend(derived_values::work_out(hyperparameters, &mut whole, given, at));
    }
    for (name, value) in point.iter().filter(|(name, _)| !hyperparameters.iter().any(|h| h.name == **name)) {
        let fix = called::meant(name, hyperparameters.iter())
            .unwrap_or_else(|| "Remove it, or add it to spec.hyperparameters.".to_owned());
        found.push(Violation::new(format!("{at}.{name}"), value, "is not a hyperparameter of this study", fix));
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
        format!("Give {}.", domain_in_words(h)),
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
            if let Some(same) = values.iter().find(|other| other.to_string() == value.to_string()) {
                return of_another_kind(field, value, h, same);
            }
            let words: Vec<String> = values.iter().map(short).collect();
            let meant = match value {
                HyperparameterValue::Text(text) => spelling::did_you_mean(text, words.iter().map(String::as_str)),
                _ => None,
            };
            let fix = meant.unwrap_or_else(|| format!("Give {}, or list it in values.", domain_in_words(h)));
            Violation::new(field, value, format!("is not among the values of {}", h.name), fix)
        }),
        (_, _, Some(range)) => {
            let rule = match value.as_f64() {
                None => "must be a number".to_owned(),
                Some(x) if range.integer && x.fract() != 0.0 => "must be a whole number".to_owned(),
                Some(x) if !(range.min..=range.max).contains(&x) => format!("is outside the range of {}", h.name),
                Some(_) => return None,
            };
            Some(Violation::new(field, value, rule, format!("Give {}, or widen its range.", domain_in_words(h))))
        }
        // Without any of them the hyperparameter itself is wrong, which is reported there.
        _ => None,
    }
}

/// A value that reads like one of the list and is of another kind: the truth value `true` and the name `"true"`.
fn of_another_kind(
    field: String,
    value: &HyperparameterValue,
    h: &Hyperparameter,
    same: &HyperparameterValue,
) -> Violation {
    let rule = format!("is a {}, and {} is a {} among the values of {}", kind(value), short(same), kind(same), h.name);
    let fix = match same {
        HyperparameterValue::Text(_) => format!("Put it in quotes: {}.", short(same)),
        _ => "Remove the quotes.".to_owned(),
    };
    Violation::new(field, value, rule, fix)
}

/// What a hyperparameter may be, in words: `a number from 0.001 to 3`.
#[must_use]
pub fn domain_in_words(h: &Hyperparameter) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> Vec<Hyperparameter> {
        serde_yaml::from_str(
            "
- {name: lr, range: {min: 1.0e-5, max: 0.1, scale: Log}}
- {name: momentum, range: {min: 0, max: 0.9}}
- {name: decay, values: [0.1, 0.3]}
- {name: width, range: {min: 8, max: 1000, integer: true}}
- {name: drop, role: Fixed, value: 0.7}
- {name: seed, values: [10000000, 20000000]}
",
        )
        .unwrap()
    }

    /// F-072: float32, sums and logarithms leave other last digits.
    #[test]
    fn a_number_within_a_millionth_of_a_value_or_boundary_is_it() {
        let space = space();
        let of = |name: &str, x: f64| {
            let h = space.iter().find(|h| h.name == name).unwrap();
            let value = settled(h, &x.into());
            let rule = wrong(h, &value, "").map(|violation| violation.rule);
            (value.as_f64().unwrap(), rule.is_none())
        };
        for (name, given, expected, fits) in [
            ("lr", f64::from(0.1_f32), 0.1_f64, true),
            ("lr", 0.100_000_000_000_000_02, 0.1, true),
            ("lr", 9.999_999_999_999_997e-6, 1e-5, true),
            ("lr", 0.100_001, 0.100_001, false),
            // Within the range it is what it is, however near to the boundary.
            ("lr", 0.099_999_999_9, 0.099_999_999_9, true),
            ("momentum", -1e-17, 0.0, true),
            ("momentum", -1e-6, -1e-6, false),
            ("decay", 0.1 + 0.2, 0.3, true),
            ("decay", f64::from(0.3_f32), 0.3, true),
            ("decay", 0.300_01, 0.300_01, false),
            ("width", 999.999_999_999_999_9, 1000.0, true),
            ("width", 1_000.000_000_1, 1000.0, true),
            ("width", 64.5, 64.5, false),
            ("drop", f64::from(0.7_f32), 0.7, true),
            ("seed", 10_000_001.0, 10_000_001.0, false),
        ] {
            let (settled, fitted) = of(name, given);
            assert_eq!((settled.to_bits(), fitted), (expected.to_bits(), fits), "{name} {given}");
        }
    }

    #[test]
    fn a_point_is_settled_as_a_whole() {
        let given =
            [("lr", 1e-3), ("momentum", 0.9), ("decay", 0.1 + 0.2), ("width", 999.999_999_999_999_9), ("seed", 2e7)];
        let given: Hyperparameters = given.map(|(name, x)| (name.to_owned(), x.into())).into();
        let whole = point(&space(), &given, "point").unwrap();
        assert_eq!(
            serde_json::to_string(&whole).unwrap(),
            r#"{"decay":0.3,"drop":0.7,"lr":0.001,"momentum":0.9,"seed":20000000.0,"width":1000}"#
        );
        assert_eq!(settled_point(&space(), &given)["decay"], HyperparameterValue::from(0.3));
    }

    #[test]
    fn what_is_derived_is_worked_out_checked_and_solved() {
        let space: Vec<Hyperparameter> = serde_yaml::from_str(
            "
- {name: effective_rate, range: {min: 1.0e-4, max: 1, scale: Log}}
- {name: momentum, range: {min: 0, max: 0.99, scale: ReverseLog}}
- {name: learning_rate, role: Derived, expression: effective_rate * (1 - momentum)}
- {name: heads, values: [2, 4]}
- {name: head_dim, role: Fixed, value: 64}
- {name: width, role: Derived, expression: heads * head_dim}
",
        )
        .unwrap();
        let told = |given: &str| {
            let given: Hyperparameters = serde_json::from_str(given).unwrap();
            match point(&space, &given, "point") {
                Ok(whole) => serde_json::to_string(&whole).unwrap(),
                Err(wrong) => wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            }
        };
        let whole =
            r#"{"effective_rate":0.25,"head_dim":64,"heads":4,"learning_rate":0.125,"momentum":0.5,"width":256}"#;
        assert_eq!(told(r#"{"effective_rate": 0.25, "momentum": 0.5, "heads": 4}"#), whole);
        assert_eq!(told(whole), whole);
        // As a program wrote it that was never told of the effective rate, or of heads.
        assert_eq!(told(r#"{"learning_rate": 0.125, "momentum": 0.5, "width": 256}"#), whole);
        assert_eq!(
            told(r#"{"effective_rate": 0.25, "momentum": 0.5, "heads": 4, "learning_rate": 0.2}"#),
            "point.learning_rate: 0.2: is effective_rate * (1 - momentum), which is 0.125 at this point. Give 0.125, or leave \
             it out."
        );
        // Which of the two is not known decides which is solved for.
        let momentum = told(r#"{"effective_rate": 0.25, "heads": 4, "learning_rate": 0.1}"#);
        assert!(momentum.contains(r#""momentum":0.6"#), "{momentum}");
        // float32 of both, and 1 - momentum magnifies what that leaves.
        let single = told(
            r#"{"effective_rate": 0.30000001192092896, "momentum": 0.9880000257492065, "heads": 4, "learning_rate": 0.003600000171}"#,
        );
        assert!(single.starts_with('{'), "{single}");
        let missing = told(r#"{"learning_rate": 0.125, "heads": 4}"#);
        assert!(missing.contains("point.effective_rate") && missing.contains("point.momentum"), "{missing}");
        let beyond = told(r#"{"learning_rate": 0.9, "momentum": 0.5, "heads": 4}"#);
        assert!(beyond.contains("effective_rate: 1.8: is outside the range"), "{beyond}");
    }

    #[test]
    fn what_is_derived_of_what_does_not_exist_is_told() {
        let space: Vec<Hyperparameter> = serde_yaml::from_str(
            "
- {name: opt, values: [sgd, mom]}
- {name: rate, range: {min: 0.01, max: 1}}
- {name: momentum, when: {opt: [mom]}, range: {min: 0, max: 0.9}}
- {name: lr, role: Derived, expression: rate * (1 - momentum)}
- {name: x, range: {min: -2, max: 2}}
- {name: square, role: Derived, expression: x ** 2}
",
        )
        .unwrap();
        let told = |given: &str| {
            let given: Hyperparameters = serde_json::from_str(given).unwrap();
            point(&space, &given, "point")
                .map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        };
        assert_eq!(
            told(r#"{"opt": "sgd", "rate": 0.1, "lr": 0.1, "x": 1}"#).unwrap_err(),
            "point.lr: 0.1: doesn't exist at this point: it is rate * (1 - momentum), of which not all exists. Remove it, or \
             change what that depends on."
        );
        assert!(!told(r#"{"opt": "sgd", "rate": 0.1, "x": 1}"#).unwrap().contains_key("lr"));
        // Two numbers would do.
        assert!(told(r#"{"opt": "sgd", "rate": 0.1, "square": 1}"#).unwrap_err().contains("point.x: is missing"));
    }

    /// F-081: a name and a truth value that read alike are told apart.
    #[test]
    fn a_value_of_another_kind_is_named_as_such() {
        let hyperparameters = |values: &str| -> Vec<Hyperparameter> {
            serde_yaml::from_str(&format!("[{{name: flag, values: {values}}}]")).unwrap()
        };
        let told = |values: &str, value: HyperparameterValue| {
            let wrong = point(&hyperparameters(values), &[("flag".to_owned(), value)].into(), "hyperparameters");
            wrong.unwrap_err()[0].to_string()
        };
        assert_eq!(
            told("['true', 'false']", true.into()),
            "hyperparameters.flag: true: is a truth value, and \"true\" is a name among the values of flag. Put it in quotes: \
             \"true\"."
        );
        assert_eq!(
            told("[16, 32]", "16".into()),
            "hyperparameters.flag: \"16\": is a name, and 16 is a number among the values of flag. Remove the quotes."
        );
        let other = told("['true', 'false']", "maybe".into());
        assert!(other.contains("Give one of \"true\" or \"false\""), "{other}");
    }
}
