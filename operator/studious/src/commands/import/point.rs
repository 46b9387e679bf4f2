//! Values as others write them, held against a study's search space.

use std::collections::{BTreeMap, BTreeSet};

use studious_api::{HyperparameterValue, Hyperparameters, validate, validate::Violation};
use studious_playbook::{Plan, space::Dimension};

/// A point of the study, and the hyperparameters that were given but don't exist at it: other tools write a value for
/// every column.
pub(super) fn point(
    plan: &Plan,
    given: &BTreeMap<String, String>,
) -> Result<(Hyperparameters, BTreeSet<String>), Vec<Violation>> {
    let values: Hyperparameters = given.iter().map(|(name, text)| (name.clone(), value(plan, name, text))).collect();
    let active: BTreeSet<&str> = plan.space().active(&values).into_iter().map(Dimension::name).collect();
    let (there, idle): (Hyperparameters, Hyperparameters) =
        values.clone().into_iter().partition(|(name, _)| active.contains(name.as_str()));
    let whole = validate::point(&plan.spec().hyperparameters, &there, "hyperparameters")?;
    Ok((whole, idle.into_keys().collect()))
}

/// A value of a hyperparameter as text: one of those that it lists, if it is written like one, or else what it looks like.
fn value(plan: &Plan, name: &str, text: &str) -> HyperparameterValue {
    let text = text.trim();
    let looks_like = match (text.parse::<i64>(), text.parse::<f64>(), text) {
        (Ok(i), ..) => HyperparameterValue::Integer(i),
        (_, Ok(x), _) if x.is_finite() => HyperparameterValue::Number(x),
        (_, _, "true" | "True" | "TRUE") => HyperparameterValue::Bool(true),
        (_, _, "false" | "False" | "FALSE") => HyperparameterValue::Bool(false),
        _ => HyperparameterValue::Text(text.to_owned()),
    };
    let of = plan.spec().hyperparameters.iter().filter(|h| h.name == name);
    let mut listed = of.clone().flat_map(|h| h.values.iter().flatten().chain(&h.value));
    if let Some(value) = listed.find(|value| value.to_string() == text || **value == looks_like) {
        return value.clone();
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
        let spec = serde_yaml::from_str(
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
        let (whole, idle) = point(&plan(), &given(&row)).unwrap();
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(json, r#"{"batch":128,"depth":"2","nesterov":true,"opt":"adam","width":64}"#);
        assert_eq!(idle.into_iter().collect::<Vec<_>>(), ["momentum"]);
    }

    #[test]
    fn what_is_no_point_of_the_study_is_refused() {
        let row = [("opt", "lion"), ("depth", "2"), ("nesterov", "1"), ("width", "64.5"), ("batch", "256")];
        let wrong = point(&plan(), &given(&row)).unwrap_err();
        let fields: BTreeSet<_> = wrong.iter().map(|v| v.field.as_str()).collect();
        let all = ["batch", "nesterov", "opt", "width"].map(|name| format!("hyperparameters.{name}"));
        assert_eq!(fields.into_iter().collect::<Vec<_>>(), all);
    }
}
