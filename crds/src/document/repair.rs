//! Something valid in place of fields that can't be read, so that the rest of a study can be judged.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::tree::steps;
use crate::reference;

/// How many different values a field is given in turn. A rule that is broken with each of them is broken whatever should
/// stand there.
pub(super) const VARIANTS: usize = 4;
/// The one without fields that may be left out.
const ABSENT: usize = 3;
/// By what numbers differ from one variant to the next.
const SCALES: [f64; VARIANTS] = [1.0, 1e-3, 1e3, 1.0];
/// The pod template, whose fields have no examples.
const TEMPLATE: &str = "spec.trial.template";

/// The value with others in place of hidden fields.
pub(super) fn repaired(schema: &Value, value: &Value, hidden: &BTreeSet<String>, variant: usize) -> Value {
    let mut whole = value.clone();
    let mut done: Vec<&str> = Vec::new();
    // A field comes before those that it holds.
    for field in hidden {
        if done.iter().any(|other| field.starts_with(*other) && field[other.len()..].starts_with(['.', '['])) {
            continue;
        }
        done.push(field);
        let path = steps(field);
        if let Some((last, parents)) = path.split_last() {
            put(schema, &mut whole, parents, last, field, variant);
        }
    }
    whole
}

/// Puts a value in place of one field.
fn put(schema: &Value, whole: &mut Value, parents: &[&str], last: &str, field: &str, variant: usize) {
    let (mut schema, mut holder) = (schema, whole);
    for step in parents {
        schema = below(schema, step);
        let next = match holder {
            Value::Array(items) => step.parse::<usize>().ok().and_then(|i| items.get_mut(i)),
            Value::Object(map) => map.get_mut(*step),
            _ => None,
        };
        let Some(next) = next else { return };
        holder = next;
    }
    let is_required = schema["required"].as_array().is_some_and(|all| all.iter().any(|name| name == last));
    match holder {
        Value::Object(map) if variant == ABSENT && !is_required => _ = map.remove(last),
        Value::Object(map) => _ = map.insert(last.to_owned(), instead(below(schema, last), field, variant)),
        Value::Array(items) => {
            if let Some(item) = last.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
                *item = instead(below(schema, last), field, variant);
            }
        }
        _ => {}
    }
}

/// The schema of a field of an object, or of an entry of a list.
fn below<'a>(schema: &'a Value, step: &str) -> &'a Value {
    let named = &schema["properties"][step];
    match (named.is_object(), schema["items"].is_object()) {
        (true, _) => named,
        (false, true) => &schema["items"],
        (false, false) => &schema["additionalProperties"],
    }
}

/// A value of a field: its example, or what its schema takes; another one for each variant.
fn instead(schema: &Value, field: &str, variant: usize) -> Value {
    if field.starts_with(TEMPLATE) {
        return smallest(schema, field, variant);
    }
    match example(field, variant) {
        Some(example) => varied(schema, &example, field, variant),
        None => smallest(schema, field, variant),
    }
}

/// The example of a field; of an entry of a list, one of the list's.
fn example(field: &str, variant: usize) -> Option<Value> {
    let example = reference::field(field).ok()?.example.clone()?;
    let entries = || example.as_array().filter(|items| !items.is_empty());
    if field.ends_with(']') {
        return entries().map(|items| items[variant % items.len()].clone());
    }
    Some(match entries() {
        // Of another length and with other entries each time.
        Some(items) if variant > 0 => json!([items[variant % items.len()]]),
        _ => example,
    })
}

/// An example with other numbers and words.
fn varied(schema: &Value, example: &Value, field: &str, variant: usize) -> Value {
    match example {
        Value::Object(map) => {
            let fields =
                map.iter().map(|(name, value)| (name.clone(), varied(below(schema, name), value, field, variant)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(i, item)| varied(&schema["items"], item, &format!("{field}[{i}]"), variant))
            .collect(),
        // An entry of a list of values is another one than those beside it.
        Value::Number(_) | Value::String(_) if schema["type"].is_null() => of_no_type(variant, field),
        Value::Number(number) => {
            let scaled = number.as_f64().unwrap_or(1.0) * SCALES[variant % VARIANTS];
            within(schema, scaled)
        }
        Value::String(_) if variant > 0 => smallest(schema, field, variant),
        other => other.clone(),
    }
}

/// A number that a schema takes.
fn within(schema: &Value, x: f64) -> Value {
    let is_whole = schema["type"] == "integer";
    let least = schema["minimum"].as_f64().unwrap_or(if is_whole { 0.0 } else { f64::MIN });
    let most = schema["maximum"].as_f64().unwrap_or(if is_whole { 1e9 } else { f64::MAX });
    let x = x.clamp(least, most.max(least));
    // Whole, and within the schema's limits.
    #[allow(clippy::cast_possible_truncation)]
    if is_whole { json!(x.round() as i64) } else { json!(x) }
}

/// A value where a schema takes numbers, words and truth values; another one for each field.
fn of_no_type(variant: usize, field: &str) -> Value {
    match variant {
        1 => json!(field.bytes().fold(0.25, |sum, byte| sum * 1.01 + f64::from(byte))),
        _ => json!(format!("value{variant} of {field}")),
    }
}

/// The least that a schema takes.
fn smallest(schema: &Value, field: &str, variant: usize) -> Value {
    if let Some(words) = schema["enum"].as_array().filter(|words| !words.is_empty()) {
        return words[variant % words.len()].clone();
    }
    if schema["x-kubernetes-int-or-string"] == true {
        return json!(1 + variant);
    }
    match schema["type"].as_str() {
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let fields = required.map(|name| (name.to_owned(), smallest(&schema["properties"][name], field, variant)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Some("array") => json!([]),
        Some("string") => json!(format!("stub{variant}")),
        Some("boolean") => json!(variant.is_multiple_of(2)),
        Some("integer" | "number") => within(schema, 10.0 * SCALES[variant % VARIANTS]),
        _ => of_no_type(variant, field),
    }
}
