//! The schemas of what commands print: those that are checked in, and whether a document is one of them.

use std::path::PathBuf;

use serde_json::Value;

use crate::bench::{Bench, STUDY};

fn checked_in() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas")
}

/// To write them anew: `studious schema --out docs/schemas`.
#[test]
fn schemas_that_are_checked_in_are_those_of_the_command() {
    let bench = Bench::with(STUDY);
    assert_eq!(bench.call(&["schema", "--out", "schemas"]).code, 0);
    let names = |folder: PathBuf| {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(checked_in()), names(bench.file("schemas")));
    for name in names(checked_in()) {
        let read = |folder: PathBuf| std::fs::read_to_string(folder.join(&name)).unwrap();
        assert_eq!(read(checked_in()), read(bench.file("schemas")), "{name}: run studious schema --out docs/schemas");
    }
    let one = bench.call(&["schema", "Validation"]).out;
    assert!(serde_json::from_str::<Value>(&one).unwrap()["properties"]["kind"].is_object());
}

/// Reads a document and checks it against the schema of its kind, in which it names no unknown field.
pub(crate) fn document(text: &str) -> Value {
    let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(document["apiVersion"], "cli.studious.dev/v1", "{text}");
    let path = checked_in().join(format!("{}.json", document["kind"].as_str().unwrap()));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    if let Err(wrong) = check(&schema, &schema, &document, "") {
        panic!("{}: {wrong} in {text}", path.display());
    }
    let known = names(&schema, &schema);
    for name in document.as_object().unwrap().keys() {
        assert!(known.contains(name), "{name} is not in {}", path.display());
    }
    document
}

/// Names of the properties of an object, in all its alternatives.
fn names(root: &Value, schema: &Value) -> Vec<String> {
    let schema = resolved(root, schema);
    let mut found: Vec<String> =
        schema["properties"].as_object().into_iter().flat_map(|all| all.keys().cloned()).collect();
    for part in ["oneOf", "anyOf", "allOf"].iter().flat_map(|key| schema[key].as_array().into_iter().flatten()) {
        found.extend(names(root, part));
    }
    found
}

fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(path) => root.pointer(path.trim_start_matches('#')).unwrap_or_else(|| panic!("{path} is missing")),
        None => schema,
    }
}

/// Whether a value is as a schema says, by the keywords that these schemas have.
fn check(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let schema = resolved(root, schema);
    let fail = |what: &str| Err(format!("{at}: {value} is not {what}"));
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    };
    match &schema["type"] {
        Value::String(kind) if !is(kind) => return fail(kind),
        Value::Array(kinds) if !kinds.iter().filter_map(Value::as_str).any(is) => return fail("of those types"),
        _ => {}
    }
    if schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
        return fail("one of the enum");
    }
    if !schema["const"].is_null() && schema["const"] != *value {
        return fail("the constant");
    }
    if let Some(minimum) = schema["minimum"].as_f64()
        && value.as_f64().is_some_and(|x| x < minimum)
    {
        return fail("at least the minimum");
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value[name].is_null() && value.as_object().is_none_or(|object| !object.contains_key(name)) {
            return Err(format!("{at}: {name} is missing"));
        }
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let own = &schema["properties"][name];
        let of_all = if own.is_null() { &schema["additionalProperties"] } else { own };
        if of_all.is_object() {
            check(root, of_all, field, &format!("{at}.{name}"))?;
        }
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        if schema["items"].is_object() {
            check(root, &schema["items"], item, &format!("{at}[{i}]"))?;
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(root, part, value, at)?;
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(parts) = schema[key].as_array() {
            let wrong: Vec<String> = parts.iter().filter_map(|part| check(root, part, value, at).err()).collect();
            if wrong.len() == parts.len() {
                return Err(wrong.join("; or "));
            }
        }
    }
    Ok(())
}
