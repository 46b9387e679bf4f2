//! Server-side apply, as far as the operator uses it: each manager owns what it applied last, and what it leaves out the
//! next time is removed unless another manager applied it too.
//!
//! The real API server tracks fields by schema. Here maps are granular, and lists and maps are atomic but for those named
//! in [`list_key`] and [`is_atomic`].

use serde_json::{Map, Value};

/// The key of lists that are merged by item.
fn list_key(path: &[&str]) -> Option<&'static str> {
    match *path.last()? {
        "conditions" => Some("type"),
        "ownerReferences" => Some("uid"),
        _ => None,
    }
}

/// Maps that are replaced as a whole.
fn is_atomic(path: &[&str]) -> bool {
    path.ends_with(&["spec", "selector"]) || path.ends_with(&["spec", "template"])
}

/// Removes what `before` had and `next` lacks, unless one of `others` has it; then merges `next` in.
pub(crate) fn apply(object: &mut Value, before: Option<&Value>, next: &Value, others: &[&Value]) {
    if let Some(before) = before {
        remove(object, before, Some(next), others, &mut Vec::new());
    }
    merge(object, next, &mut Vec::new());
}

/// The first path at which `next` differs from what another manager applied.
pub(crate) fn conflict(next: &Value, other: &Value) -> Option<String> {
    match (next, other) {
        (Value::Object(next), Value::Object(other)) => {
            let known = |key: &&String| !matches!(key.as_str(), "apiVersion" | "kind" | "metadata");
            next.keys().filter(known).find_map(|key| {
                let path = conflict(&next[key], other.get(key)?)?;
                Some(if path.is_empty() { format!(".{key}") } else { format!(".{key}{path}") })
            })
        }
        (next, other) => (next != other).then(String::new),
    }
}

fn remove<'a>(object: &mut Value, before: &'a Value, next: Option<&Value>, others: &[&Value], path: &mut Vec<&'a str>) {
    let (Value::Object(fields), Value::Object(before)) = (object, before) else { return };
    for (key, old) in before {
        path.push(key);
        let new = next.and_then(|next| next.get(key));
        let kept: Vec<&Value> = others.iter().filter_map(|other| other.get(key)).collect();
        match (new, old) {
            (_, Value::Object(_)) if !is_atomic(path) => {
                if let Some(field) = fields.get_mut(key) {
                    remove(field, old, new, &kept, path);
                    if new.is_none() && kept.is_empty() && field.as_object().is_some_and(Map::is_empty) {
                        fields.remove(key);
                    }
                }
            }
            (_, Value::Array(old)) if list_key(path).is_some() => {
                let by = list_key(path).unwrap_or_default();
                let has = |list: Option<&Value>, id: &Value| {
                    list.and_then(Value::as_array).is_some_and(|items| items.iter().any(|item| item[by] == *id))
                };
                if let Some(items) = fields.get_mut(key).and_then(Value::as_array_mut) {
                    let gone = |id: &Value| {
                        old.iter().any(|item| item[by] == *id)
                            && !has(new, id)
                            && !kept.iter().any(|list| has(Some(list), id))
                    };
                    items.retain(|item| !gone(&item[by]));
                }
            }
            (None, _) if kept.is_empty() => {
                fields.remove(key);
            }
            _ => {}
        }
        path.pop();
    }
}

fn merge<'a>(object: &mut Value, next: &'a Value, path: &mut Vec<&'a str>) {
    match next {
        Value::Object(next) if !is_atomic(path) => {
            if !object.is_object() {
                *object = Value::Object(Map::new());
            }
            for (key, value) in next.iter().filter(|(_, value)| !value.is_null()) {
                path.push(key);
                if let Value::Object(fields) = object {
                    merge(fields.entry(key.clone()).or_insert(Value::Null), value, path);
                }
                path.pop();
            }
        }
        Value::Array(next) => match (list_key(path), object.as_array_mut()) {
            (Some(by), Some(items)) => {
                for item in next {
                    match items.iter_mut().find(|old| old[by] == item[by]) {
                        Some(old) => *old = item.clone(),
                        None => items.push(item.clone()),
                    }
                }
            }
            _ => *object = Value::Array(next.clone()),
        },
        value => *object = value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_manager_leaves_out_goes_and_what_another_applied_stays() {
        let mut object = json!({"spec": {"stop": "why"}, "status": {"done": "1/2", "step": 3}});
        let before = json!({"status": {"done": "1/2", "step": 3}});
        apply(&mut object, Some(&before), &json!({"status": {"step": 4}}), &[&json!({"spec": {"stop": "why"}})]);
        assert_eq!(object, json!({"spec": {"stop": "why"}, "status": {"step": 4}}));
        apply(
            &mut object,
            Some(&json!({"status": {"step": 4}})),
            &json!({"status": {}}),
            &[&json!({"status": {"step": 4}})],
        );
        assert_eq!(object["status"]["step"], 4);
    }

    #[test]
    fn conditions_are_merged_by_type_and_other_lists_are_replaced() {
        let mut object =
            json!({"status": {"conditions": [{"type": "A", "status": "True"}, {"type": "C"}], "list": [1, 2]}});
        let before = json!({"status": {"conditions": [{"type": "A"}], "list": [1, 2]}});
        apply(&mut object, Some(&before), &json!({"status": {"conditions": [{"type": "B"}], "list": [3]}}), &[]);
        assert_eq!(object, json!({"status": {"conditions": [{"type": "C"}, {"type": "B"}], "list": [3]}}));
    }

    #[test]
    fn a_selector_is_replaced() {
        let mut service = json!({"spec": {"selector": {"app": "kafka"}}});
        apply(&mut service, None, &json!({"spec": {"selector": {"study": "kafka"}}}), &[]);
        assert_eq!(service, json!({"spec": {"selector": {"study": "kafka"}}}));
    }

    #[test]
    fn conflicts_name_their_path() {
        let other = json!({"spec": {"a": 1, "b": 2}});
        assert_eq!(conflict(&json!({"spec": {"a": 1}}), &other), None);
        assert_eq!(conflict(&json!({"spec": {"b": 3}}), &other).as_deref(), Some(".spec.b"));
    }
}
