//! What stands around the spec: `apiVersion`, `kind`, `metadata`.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::tree::{Mark, Node, Unreadable};
use crate::{GROUP, VERSION, crd, spelling, validate::Violation};

/// The one study among the documents of a file.
pub(super) fn the_study(documents: &[Node]) -> Result<&Node, Unreadable> {
    let is_study = |d: &&Node| d.get("kind").and_then(Node::as_str) == Some("Study");
    let studies: Vec<&Node> = documents.iter().filter(is_study).collect();
    match (studies.as_slice(), documents) {
        ([study], _) => Ok(study),
        ([], []) => Err(Unreadable {
            at: Mark::START,
            message: "is empty. A study begins with apiVersion: studious.dev/v1alpha1".into(),
        }),
        // Its other problems are reported as well.
        ([], [one]) if one.is_mapping() => Ok(one),
        ([], [one]) => Err(Unreadable {
            at: one.at,
            message: "must be a mapping that begins with apiVersion: studious.dev/v1alpha1".into(),
        }),
        ([], several) => Err(Unreadable {
            at: Mark::START,
            message: format!("holds {} documents, none with kind: Study", several.len()),
        }),
        ([_, second, ..], _) => Err(Unreadable {
            at: second.at,
            message: format!("is another Study; the file holds {}. Keep each in a separate file", studies.len()),
        }),
    }
}

/// The whole object's schema.
pub(super) fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let mut schema = crd::study_schema().clone();
        let text = json!({"type": "string"});
        let texts = json!({"type": "object", "additionalProperties": text});
        let anything = json!({"x-kubernetes-preserve-unknown-fields": true});
        schema["properties"]["apiVersion"] = text.clone();
        schema["properties"]["kind"] = text.clone();
        schema["properties"]["metadata"] = json!({"type": "object", "properties": {
            "name": text, "namespace": text, "labels": texts, "annotations": texts, "generateName": text,
            "finalizers": anything, "ownerReferences": anything, "managedFields": anything, "creationTimestamp": text,
            "deletionTimestamp": text, "deletionGracePeriodSeconds": anything, "generation": anything,
            "resourceVersion": text, "selfLink": text, "uid": text,
        }});
        // Whatever the operator wrote there is not the user's to fix.
        schema["properties"]["status"] = anything;
        schema
    });
    &SCHEMA
}

pub(super) fn refusals(value: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    let version = format!("{GROUP}/{VERSION}");
    for (field, wanted) in [("apiVersion", version.as_str()), ("kind", "Study")] {
        match value[field].as_str() {
            Some(given) if given == wanted => {}
            Some(given) => {
                let fix = spelling::did_you_mean(given, std::iter::once(wanted)).unwrap_or_default();
                found.push(Violation::new(field, &given, format!("must be {wanted}"), fix));
            }
            None => found.push(Violation::new(field, &(), "is missing", format!("Add {field}: {wanted}."))),
        }
    }
    if value["metadata"]["name"].is_null() {
        let fix = "Add metadata: {name: …}: trials and folders are called after it.";
        found.push(Violation::new("metadata.name", &(), "is missing", fix));
    }
    found
}
