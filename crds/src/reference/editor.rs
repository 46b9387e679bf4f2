//! The JSON Schema of `study.yaml` for editors.

use serde_json::{Map, Value, json};

use crate::{GROUP, VERSION, crd};

/// A JSON Schema (draft 7) of a study: what the API server's schema says, in the words that editors know. Fields that do not
/// exist are errors.
#[must_use]
pub fn editor_schema() -> Value {
    let api = crd::study_schema();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Study",
        "description": api["properties"]["spec"]["description"],
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": format!("{GROUP}/{VERSION}")},
            "kind": {"const": "Study"},
            "metadata": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
            "spec": converted(&api["properties"]["spec"]),
            "status": {"type": "object"},
        },
        "additionalProperties": false,
    })
}

/// One node. Kubernetes' own words are left out.
fn converted(schema: &Value) -> Value {
    let Some(map) = schema.as_object() else { return schema.clone() };
    if schema["x-kubernetes-int-or-string"] == true {
        return json!({"type": ["integer", "string"]});
    }
    let mut node = Map::new();
    for (key, value) in map {
        match key.as_str() {
            "properties" => {
                let fields = value.as_object().into_iter().flatten();
                node.insert(key.clone(), fields.map(|(name, field)| (name.clone(), converted(field))).collect());
            }
            "items" | "additionalProperties" => {
                node.insert(key.clone(), converted(value));
            }
            "type" if schema["nullable"] == true => {
                node.insert(key.clone(), json!([value, "null"]));
            }
            "enum" if schema["nullable"] == true => {
                let words = value.as_array().into_iter().flatten().cloned().chain([Value::Null]);
                node.insert(key.clone(), words.collect());
            }
            "nullable" | "format" => {}
            key if key.starts_with("x-kubernetes-") => {}
            _ => {
                node.insert(key.clone(), value.clone());
            }
        }
    }
    let is_closed = node.contains_key("properties")
        && !node.contains_key("additionalProperties")
        && schema["x-kubernetes-preserve-unknown-fields"] != true;
    // The branches of `oneOf` speak of some fields only.
    if is_closed && node.contains_key("type") {
        node.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    Value::Object(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(node: &Value, check: &mut impl FnMut(&Map<String, Value>)) {
        match node {
            Value::Object(map) => {
                check(map);
                map.values().for_each(|value| walk(value, check));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, check)),
            _ => {}
        }
    }

    /// F-118: editors know every field with its sentence, and none of Kubernetes' own words.
    #[test]
    fn editors_know_the_fields() {
        let schema = editor_schema();
        let steps = &schema["properties"]["spec"]["properties"]["rounds"]["items"]["properties"]["maxTrainSteps"];
        assert_eq!((&steps["type"], steps["description"].is_string()), (&json!("integer"), true));
        let role = &schema["properties"]["spec"]["properties"]["hyperparameters"]["items"]["properties"]["role"];
        assert_eq!(role["enum"], json!(["Scientific", "Nuisance", "Fixed", "Derived"]));
        assert_eq!(schema["properties"]["spec"]["additionalProperties"], false);
        let mut nodes = 0;
        walk(&schema, &mut |map| {
            nodes += 1;
            assert!(map.keys().all(|key| !key.starts_with("x-kubernetes-") && key != "nullable"), "{:?}", map.keys());
        });
        assert!(nodes > 300, "{nodes}");
    }
}
