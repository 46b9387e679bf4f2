//! A line of trials as other languages and tools write it, brought to the form of `studious export`.

use std::borrow::Cow;

use serde_json::{Map, Value};
use studious_api::spelling;
use studious_playbook::trial::Reason;

use crate::trials_file::OUTCOMES;

/// The keys of a trial.
const KEYS: [&str; 19] = [
    "name",
    "round",
    "hyperparameters",
    "objective",
    "step",
    "infeasible",
    "failed",
    "stopped",
    "pending",
    "reason",
    "curves",
    "metrics",
    "hosts",
    "attempts",
    "seeds",
    "inits",
    "runtimes",
    "checkpoints",
    "remarks",
];

/// What to do about a key that no trial has; nothing, if trials have it.
pub(crate) fn unknown_key(key: &str) -> Option<String> {
    if KEYS.contains(&key) {
        return None;
    }
    let meant = match key {
        "value" | "values" | "loss" | "score" | "result" | "metric" => Some("objective"),
        "params" | "parameters" | "config" | "point" | "hparams" => Some("hyperparameters"),
        "state" | "status" | "outcome" => Some("infeasible, failed, stopped or pending, each true or false"),
        other => spelling::nearest(other, KEYS),
    };
    Some(
        meant.map_or_else(
            || format!("Remove it. Keys are {}.", KEYS.join(", ")),
            |meant| format!("Did you mean {meant}?"),
        ),
    )
}

/// The line with `null` in place of an objective that JSON has no number for: `NaN`, `-Infinity`, `1e999`.
pub(crate) fn finite(text: &str) -> Cow<'_, str> {
    const KEY: &str = "\"objective\"";
    let Some(after) = text.find(KEY).map(|at| at + KEY.len()) else { return Cow::Borrowed(text) };
    let value = text[after..].trim_start().strip_prefix(':').map_or("", str::trim_start);
    let start = text.len() - value.len();
    let end = value.find([',', '}', ' ']).unwrap_or(value.len());
    match value[..end].parse::<f64>() {
        Ok(number) if !number.is_finite() => Cow::Owned(format!("{}null{}", &text[..start], &value[end..])),
        _ => Cow::Borrowed(text),
    }
}

/// An objective that is there and not finite, in any spelling, is a divergence: languages without a NaN in JSON write `null`
/// or `"NaN"`.
pub(crate) fn diverged(fields: &mut Map<String, Value>) {
    let is_not_finite = match fields.get("objective") {
        Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().parse::<f64>().is_ok_and(|number| !number.is_finite()),
        _ => false,
    };
    let other = OUTCOMES.iter().any(|name| *name != "objective" && fields.get(*name) == Some(&Value::Bool(true)));
    if is_not_finite && !other {
        fields.remove("objective");
        fields.insert("infeasible".to_owned(), Value::Bool(true));
        fields.entry("reason").or_insert_with(|| Value::String(Reason::Diverged.to_string()));
    }
}

/// Steps as data frames write them: `1.0` is 1.
pub(crate) fn whole_steps(fields: &mut Map<String, Value>) {
    fn whole(step: &mut Value) {
        if let Some(x) = step.as_f64().filter(|x| !step.is_u64() && x.fract() == 0.0 && (0.0..9e15).contains(x)) {
            // Whole, not negative and small enough.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let count = x as u64;
            *step = Value::from(count);
        }
    }
    fn curves(of: &mut Value) {
        let points =
            of.as_object_mut().into_iter().flat_map(|curves| curves.values_mut()).filter_map(Value::as_array_mut);
        for step in points.flatten().filter_map(|point| point.as_array_mut()?.first_mut()) {
            whole(step);
        }
    }
    if let Some(step) = fields.get_mut("step") {
        whole(step);
    }
    if let Some(of) = fields.get_mut("curves") {
        curves(of);
    }
    for host in fields.get_mut("hosts").and_then(Value::as_object_mut).into_iter().flat_map(|hosts| hosts.values_mut())
    {
        curves(host);
    }
}

#[cfg(test)]
mod tests {
    use studious_playbook::record::TrialRecord;

    use super::*;

    #[test]
    fn an_objective_that_is_not_finite_is_a_divergence_in_any_spelling() {
        for objective in
            ["null", "NaN", "Infinity", "-Infinity", "nan", "-inf", "1e999", "\"NaN\"", "\"inf\"", "\"-Infinity\""]
        {
            for line in [
                format!("{{\"hyperparameters\":{{}},\"objective\":{objective}}}"),
                format!("{{\"objective\" : {objective} , \"hyperparameters\":{{}}}}"),
            ] {
                let mut value: Value = serde_json::from_str(&finite(&line)).unwrap_or_else(|e| panic!("{line}: {e}"));
                diverged(value.as_object_mut().unwrap());
                let record: TrialRecord = serde_json::from_value(value).unwrap();
                let expected = studious_playbook::record::Outcome::Infeasible { reason: Reason::Diverged };
                assert_eq!(record.outcome, expected, "{line}");
            }
        }
        for line in [
            r#"{"objective":0.3}"#,
            r#"{"objective":1e30,"curves":{"a":[[1,2.0]]}}"#,
            r#"{"pending":true,"objective":null}"#,
        ] {
            assert_eq!(finite(line), line);
            let mut value: Value = serde_json::from_str(line).unwrap();
            diverged(value.as_object_mut().unwrap());
            assert_eq!(value.get("infeasible"), None, "{line}");
        }
    }

    /// F-082: pandas writes 1.0 where some steps are missing.
    #[test]
    fn whole_steps_may_have_a_fraction_of_zero() {
        let line =
            r#"{"step":20.0,"curves":{"loss":[[1.0,0.1],[2,0.2],[2.5,0.3]]},"hosts":{"1":{"loss":[[3.0,1.0]]}}}"#;
        let mut value: Value = serde_json::from_str(line).unwrap();
        whole_steps(value.as_object_mut().unwrap());
        let expected = r#"{"step":20,"curves":{"loss":[[1,0.1],[2,0.2],[2.5,0.3]]},"hosts":{"1":{"loss":[[3,1.0]]}}}"#;
        assert_eq!(value, serde_json::from_str::<Value>(expected).unwrap());
    }

    /// F-082.
    #[test]
    fn keys_that_are_nearly_right_are_told_what_is_meant() {
        for (key, meant) in [
            ("value", "Did you mean objective?"),
            ("objectiv", "Did you mean objective?"),
            ("Objective", "Did you mean objective?"),
            ("params", "Did you mean hyperparameters?"),
            ("rounds", "Did you mean round?"),
        ] {
            assert_eq!(unknown_key(key).as_deref(), Some(meant), "{key}");
        }
        assert!(unknown_key("colour").unwrap().starts_with("Remove it. Keys are name, round,"));
        assert_eq!(unknown_key("remarks"), None);
    }
}
