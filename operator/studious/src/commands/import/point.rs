//! Values as others write them, held against a study's search space.

use std::collections::{BTreeMap, BTreeSet};

use studious_api::{HyperparameterValue, Hyperparameters, validate, validate::Violation};
use studious_playbook::{Plan, space::Dimension};

/// A point as others wrote it, held against a study.
#[derive(Debug)]
pub(super) struct ReadPoint {
    /// The point of the study.
    pub whole: Hyperparameters,
    /// Hyperparameters that were given but don't exist at it: other tools write a value for every column.
    pub idle: Vec<String>,
    /// Those whose value differs from one of the study in the last digits.
    pub settled: Vec<String>,
    /// Those that were empty, and have a value for that.
    pub filled: Vec<String>,
}

/// How tools write that there is nothing.
const NOTHING: [&str; 8] = ["None", "none", "null", "nan", "NaN", "<NA>", "NA", "N/A"];

/// Whether a cell holds nothing, in any of the spellings that tools have for that.
pub(super) fn is_nothing(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || NOTHING.contains(&text)
}

/// A point of the study. `empty` is what an empty cell of a hyperparameter means.
pub(super) fn point(
    plan: &Plan,
    given: &BTreeMap<String, String>,
    empty: &BTreeMap<String, String>,
) -> Result<ReadPoint, Vec<Violation>> {
    let all = &plan.spec().hyperparameters;
    let there = given.iter().filter(|(name, text)| is_listed(plan, name, text) || !is_nothing(text));
    let values: Hyperparameters = there.map(|(name, text)| (name.clone(), value(plan, name, text))).collect();
    let of_empty = empty.iter().filter(|(name, _)| !values.contains_key(*name));
    let of_empty: Hyperparameters = of_empty.map(|(name, text)| (name.clone(), value(plan, name, text))).collect();
    // What a program knows that was never told of what is searched in its place.
    let values = validate::solved(all, &values);
    let settled = validate::settled_point(all, &values);
    let changed: BTreeSet<&String> =
        settled.iter().filter(|(name, value)| values[*name] != **value).map(|(n, _)| n).collect();
    let given: Hyperparameters = settled.clone().into_iter().chain(of_empty.clone()).collect();
    let active: BTreeSet<&str> = plan.space().active(&given).into_iter().map(Dimension::name).collect();
    let (there, idle): (Hyperparameters, Hyperparameters) =
        given.clone().into_iter().partition(|(name, _)| active.contains(name.as_str()));
    let filled = of_empty.into_keys().filter(|name| active.contains(name.as_str())).collect();
    let settled = changed.into_iter().filter(|name| active.contains(name.as_str())).cloned().collect();
    let idle = idle.into_keys().filter(|name| values.contains_key(name)).collect();
    let whole = validate::point_of(plan.spec(), &there, "hyperparameters")?;
    Ok(ReadPoint { whole, idle, settled, filled })
}

/// Whether a text is a value that the study lists, blanks at its ends included.
pub(super) fn is_listed(plan: &Plan, name: &str, text: &str) -> bool {
    let of = plan.spec().hyperparameters.iter().filter(|h| h.name == name);
    of.flat_map(|h| h.values.iter().flatten().chain(&h.value)).any(|value| value.to_string() == text)
}

/// Whether what is wrong with a point is that some of it is missing.
pub(super) fn lacks_some(violations: &[Violation]) -> bool {
    violations.iter().any(|violation| violation.value.is_empty())
}

/// A value of a hyperparameter as text: one of those that it lists, if it is written like one, or else what it looks like.
fn value(plan: &Plan, name: &str, text: &str) -> HyperparameterValue {
    let whole = text;
    let text = text.trim();
    let looks_like = match (text.parse::<i64>(), text.parse::<f64>(), text) {
        (Ok(i), ..) => HyperparameterValue::Integer(i),
        (_, Ok(x), _) if x.is_finite() => HyperparameterValue::Number(x),
        (_, _, "true" | "True" | "TRUE") => HyperparameterValue::Bool(true),
        (_, _, "false" | "False" | "FALSE") => HyperparameterValue::Bool(false),
        _ => HyperparameterValue::Text(text.to_owned()),
    };
    let of = plan.spec().hyperparameters.iter().filter(|h| h.name == name);
    let listed = of.clone().flat_map(|h| h.values.iter().flatten().chain(&h.value));
    // As it stands, blanks included, before anything that it may be too.
    for is_it in [
        &(|value: &HyperparameterValue| value.to_string() == whole) as &dyn Fn(&HyperparameterValue) -> bool,
        &|value| value.to_string() == text,
        &|value| *value == looks_like,
    ] {
        if let Some(value) = listed.clone().find(|value| is_it(value)) {
            return value.clone();
        }
    }
    // Spreadsheets and data frames write 64.0.
    match looks_like {
        HyperparameterValue::Number(x)
            if x.fract() == 0.0
                && x.abs() < 9e15
                && of.clone().any(|h| h.range.as_ref().is_some_and(|r| r.integer)) =>
        {
            // Whole and small enough.
            #[allow(clippy::cast_possible_truncation)]
            HyperparameterValue::Integer(x as i64)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let spec = studious_api::yaml::from_str(
            "
goal: g
objective: {metric: error, direction: Minimize}
hyperparameters:
- {name: opt, role: Scientific, values: [sgd, adam]}
- {name: depth, values: ['2', '4']}
- {name: nesterov, values: [true, false]}
- {name: momentum, when: {opt: [sgd]}, range: {min: 0.5, max: 0.99, scale: Linear}}
- {name: width, range: {min: 16, max: 256, scale: Log, integer: true}}
- {name: batch, role: Fixed, value: 128}
rounds: [{name: r, trials: 4, maxTrainSteps: 100}]
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
",
        );
        Plan::new("s", &spec.unwrap()).unwrap()
    }

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn values_are_read_as_the_study_has_them() {
        let row = [("opt", "adam"), ("depth", "2"), ("nesterov", "True"), ("momentum", "0.9"), ("width", "64.0")];
        let read = point(&plan(), &given(&row), &BTreeMap::new()).unwrap();
        let json = serde_json::to_string(&read.whole).unwrap();
        assert_eq!(json, r#"{"batch":128,"depth":"2","nesterov":true,"opt":"adam","width":64}"#);
        assert_eq!(read.idle, ["momentum"]);
        assert!(read.settled.is_empty() && read.filled.is_empty());
    }

    /// F-074: Optuna writes None as an empty cell, others by name.
    #[test]
    fn nothing_is_what_the_command_line_says() {
        let empty = given(&[("opt", "adam"), ("momentum", "0.9")]);
        for cell in ["", "None", "null", "nan", " "] {
            let row = [("opt", cell), ("depth", "2"), ("nesterov", "True"), ("width", "64.0")];
            let read = point(&plan(), &given(&row), &empty).unwrap();
            assert_eq!((read.filled, &read.whole["opt"]), (vec!["opt".to_owned()], &"adam".into()), "{cell:?}");
            assert!(read.idle.is_empty(), "what exists at no point of adam is not counted: it was not given");
            let wrong = point(&plan(), &given(&row), &BTreeMap::new()).unwrap_err();
            assert!(lacks_some(&wrong), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_no_point_of_the_study_is_refused() {
        let row = [("opt", "lion"), ("depth", "2"), ("nesterov", "1"), ("width", "64.5"), ("batch", "256")];
        let wrong = point(&plan(), &given(&row), &BTreeMap::new()).unwrap_err();
        let fields: BTreeSet<_> = wrong.iter().map(|v| v.field.as_str()).collect();
        let all = ["batch", "nesterov", "opt", "width"].map(|name| format!("hyperparameters.{name}"));
        assert_eq!(fields.into_iter().collect::<Vec<_>>(), all);
    }
}
