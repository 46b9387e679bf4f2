//! Values against the OpenAPI schema of a CRD, in words for people.

use serde_json::Value;

use crate::{
    spelling::{DID_YOU_MEAN, did_you_mean, nearest},
    validate::Violation,
};

/// Everything in which a value contradicts a schema, except fields that the schema doesn't know: see [`unknown_fields`].
pub(crate) fn check(schema: &Value, value: &Value, at: &str) -> Vec<Violation> {
    examine(schema, value, at).0
}

/// As [`check`], and the fields that can't be read: they are missing, or of another kind.
pub(crate) fn examine(schema: &Value, value: &Value, at: &str) -> (Vec<Violation>, Vec<String>) {
    let mut found = Faults::default();
    walk(schema, value, at, &mut found);
    (found.violations, found.unreadable)
}

#[derive(Default)]
struct Faults {
    violations: Vec<Violation>,
    unreadable: Vec<String>,
}

impl Faults {
    fn push(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    fn push_unreadable(&mut self, violation: Violation) {
        self.unreadable.push(violation.field.clone());
        self.push(violation);
    }
}

fn walk(schema: &Value, value: &Value, at: &str, found: &mut Faults) {
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    if let Some(wrong) = wrong_type(schema, value) {
        let spelled = (schema["type"] == "integer").then(|| not_written_as_whole(at, value)).flatten();
        found.push_unreadable(spelled.unwrap_or_else(|| wrong_type_violation(at, value, &wrong)));
        return;
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let words: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        let fix = value.as_str().and_then(|v| did_you_mean(v, words.iter().copied())).unwrap_or_default();
        found.push_unreadable(Violation::new(at, value, format!("must be one of {}", words.join(", ")), fix));
        return;
    }
    match value {
        Value::Object(map) => object(schema, map, at, found),
        Value::Array(items) => {
            count(schema, "minItems", "maxItems", items.len(), "item", at, found);
            for (i, item) in items.iter().enumerate() {
                walk(&schema["items"], item, &format!("{at}[{i}]"), found);
            }
        }
        Value::String(s) => {
            if schema["minLength"] == 1 && s.is_empty() {
                found.push(Violation::new(at, value, "must not be empty", ""));
            } else {
                count(schema, "minLength", "maxLength", s.chars().count(), "character", at, found);
            }
            if let Some(pattern) = schema["pattern"].as_str()
                && !matches_pattern(pattern, s)
            {
                found.push(Violation::new(at, value, format!("must match {pattern}"), ""));
            }
        }
        Value::Number(n) => {
            let x = n.as_f64().unwrap_or(f64::NAN);
            if let Some(min) = schema["minimum"].as_f64().filter(|min| x < *min) {
                found.push(Violation::new(at, value, format!("must be at least {}", plain(min)), ""));
            } else if let Some(max) = schema["maximum"].as_f64().filter(|max| x > *max) {
                found.push(Violation::new(at, value, format!("must be at most {}", plain(max)), ""));
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

fn plain(x: f64) -> String {
    crate::HyperparameterValue::from(x).to_string()
}

fn object(schema: &Value, map: &serde_json::Map<String, Value>, at: &str, found: &mut Faults) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if map.get(name).is_none_or(Value::is_null) {
            let what = schema["properties"][name]["description"].as_str().unwrap_or_default();
            let fix = if what.is_empty() { "Add it.".to_owned() } else { format!("Add it: {}", lower_first(what)) };
            found.push_unreadable(Violation::new(join(at, name), &(), "is missing", fix));
        }
    }
    count(schema, "minProperties", "maxProperties", map.len(), "entry", at, found);
    for (name, value) in map {
        let property = if schema["properties"][name].is_object() {
            &schema["properties"][name]
        } else if schema["additionalProperties"].is_object() {
            &schema["additionalProperties"]
        } else {
            continue;
        };
        // Kubernetes drops a null where a field may be left out.
        if !value.is_null() {
            walk(property, value, &join(at, name), found);
        }
    }
}

/// `Which way is better.` → `which way is better.`
fn lower_first(text: &str) -> String {
    let text = text.lines().next().unwrap_or_default();
    let mut chars = text.chars();
    match (chars.next(), text.chars().nth(1)) {
        (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

fn count(schema: &Value, min: &str, max: &str, n: usize, noun: &str, at: &str, found: &mut Faults) {
    let n = n as u64;
    let said = |limit: u64| format!("{limit} {noun}{}", if limit == 1 { "" } else { "s" });
    if let Some(limit) = schema[min].as_u64().filter(|limit| n < *limit) {
        found.push(Violation::new(at, &(), format!("must have at least {}", said(limit)), ""));
    } else if let Some(limit) = schema[max].as_u64().filter(|limit| n > *limit) {
        found.push(Violation::new(at, &(), format!("has {n} {noun}s, and at most {limit} are allowed"), ""));
    }
}

/// What was expected, if it is something else.
fn wrong_type(schema: &Value, value: &Value) -> Option<String> {
    if schema["x-kubernetes-int-or-string"] == true {
        return (!value.is_string() && !value.is_i64() && !value.is_u64())
            .then(|| "a whole number or a string".to_owned());
    }
    let (fits, expected) = match schema["type"].as_str()? {
        "object" => (value.is_object(), "a mapping"),
        "array" => (value.is_array(), "a list"),
        "string" => (value.is_string(), "a string"),
        "boolean" => (value.is_boolean(), "true or false"),
        "integer" => (is_whole(value), "a whole number"),
        "number" => (value.is_number(), "a number"),
        _ => return None,
    };
    (!fits).then(|| expected.to_owned())
}

/// Whether a number is written as a whole one. Whether `1e3` and `10.0` are depends on who reads them.
fn is_whole(value: &Value) -> bool {
    value.is_i64() || value.is_u64()
}

/// `1e3` where only `1000` is read the same by all.
fn not_written_as_whole(at: &str, value: &Value) -> Option<Violation> {
    const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
    let x = value.as_f64().filter(|x| x.fract() == 0.0 && x.abs() <= LARGEST_EXACT)?;
    let rule = "must be a whole number, without a point or an exponent";
    Some(Violation { value: format!("{x:?}"), ..Violation::new(at, &(), rule, format!("Write {x:.0}.")) })
}

fn wrong_type_violation(at: &str, value: &Value, expected: &str) -> Violation {
    let fix = match value {
        Value::Number(_) | Value::Bool(_) if expected == "a string" => "Put it in quotes.",
        Value::String(s) if expected.contains("number") && s.trim().parse::<f64>().is_ok() => "Remove the quotes.",
        Value::String(s) if expected == "true or false" && matches!(s.as_str(), "true" | "false") => {
            "Remove the quotes."
        }
        _ => "",
    };
    match value {
        Value::Null => Violation::new(at, &(), format!("is empty, and must be {expected}"), fix),
        // In quotes, which is what is wrong with it.
        Value::String(s) => {
            let quoted = format!("{s:?}");
            Violation { value: quoted, ..Violation::new(at, &(), format!("must be {expected}, not a string"), fix) }
        }
        _ => Violation::new(at, value, format!("must be {expected}"), fix),
    }
}

/// The rule of [`unknown_fields`].
pub(crate) const UNKNOWN_FIELD: &str = "unknown field";

/// The field that an unknown one is probably meant to be.
pub(crate) fn intended_field(unknown: &Violation) -> Option<String> {
    let meant = unknown.fix.strip_prefix(DID_YOU_MEAN)?.strip_suffix('?')?;
    let parent = unknown.field.rsplit_once('.').map_or("", |(parent, _)| parent);
    Some(join(parent, meant))
}

/// Whether a violation of `field` may come from `intended` not being there: it is about it, or about what holds it.
pub(crate) fn concerns(field: &str, intended: &str) -> bool {
    field == intended || intended.rsplit_once('.').is_some_and(|(parent, _)| parent == field)
}

/// Fields that the schema doesn't know, which the API server would drop or refuse.
pub(crate) fn unknown_fields(schema: &Value, value: &Value, at: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    unknown(schema, value, at, &mut found);
    found
}

fn unknown(schema: &Value, value: &Value, at: &str, found: &mut Vec<Violation>) {
    match value {
        Value::Object(map) => {
            let properties = schema["properties"].as_object();
            for (name, value) in map {
                let field = join(at, name);
                if let Some(property) = properties.and_then(|p| p.get(name)) {
                    unknown(property, value, &field, found);
                } else if schema["additionalProperties"].is_object() {
                    unknown(&schema["additionalProperties"], value, &field, found);
                } else if let Some(properties) = properties
                    && schema["x-kubernetes-preserve-unknown-fields"] != true
                {
                    let (given, missing): (Vec<&str>, Vec<&str>) =
                        properties.keys().map(String::as_str).partition(|key| map.contains_key(*key));
                    let fix = did_you_mean(name, missing).unwrap_or_else(|| {
                        if let Some(other) = nearest(name, given) {
                            return format!("{other} is given too: remove one of them.");
                        }
                        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                        if known.len() <= 12 {
                            format!("Known here: {}.", known.join(", "))
                        } else {
                            "Remove it.".into()
                        }
                    });
                    found.push(Violation::new(field, &(), UNKNOWN_FIELD, fix));
                }
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                unknown(&schema["items"], item, &format!("{at}[{i}]"), found);
            }
        }
        _ => {}
    }
}

/// `spec` and `rounds` make `spec.rounds`; keys with dots stand in brackets.
pub(crate) fn join(at: &str, name: &str) -> String {
    match (at.is_empty(), name.contains(['.', '/', '['])) {
        (true, _) => name.to_owned(),
        (false, true) => format!("{at}[{name}]"),
        (false, false) => format!("{at}.{name}"),
    }
}

/// Whether a string matches a pattern. A test holds that each pattern of our schemas is one.
fn matches_pattern(pattern: &str, s: &str) -> bool {
    regex_lite::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(s))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(map) => {
                found.extend(map.get("pattern").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| patterns(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| patterns(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_pattern_of_the_schema_is_understood() {
        let mut found = Vec::new();
        patterns(crate::crd::study_schema(), &mut found);
        assert!(found.len() >= 3, "{found:?}");
        for pattern in found {
            regex_lite::Regex::new(&pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        }
        assert!(matches_pattern("^[a-z]([a-z0-9-]*[a-z0-9])?$", "a-1"));
        assert!(!matches_pattern("^[a-z]([a-z0-9-]*[a-z0-9])?$", "a-"));
    }
}
