//! The schema of pod templates.
//!
//! Kubernetes' own schema of a pod template makes one CRD 480 kB, and `kubectl apply` fails above 256 KiB. The study's
//! copy keeps the structure, so that `kubectl explain` and the API server's checks work, and drops the descriptions; the
//! trial's copy preserves whatever the study held.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::PodTemplateSpec;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The structure of a pod template without descriptions.
pub(crate) fn schema(_: &mut SchemaGenerator) -> Schema {
    let mut settings = SchemaSettings::openapi3();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = PodTemplateSpec::json_schema(&mut settings.into_generator()).to_value();
    drop_descriptions(&mut schema);
    // They are for running pods; a template that has them is refused by Kubernetes. A seventh of the schema.
    if let Some(pod) = schema.pointer_mut("/properties/spec/properties").and_then(Value::as_object_mut) {
        pod.remove("ephemeralContainers");
    }
    if let Value::Object(map) = &mut schema {
        map.insert("description".into(), "The pod of each host: its first container is the trainer.".into());
    }
    Schema::try_from(schema).unwrap_or_default()
}

/// Any object: the study's template was checked when the study was.
pub(crate) fn opaque_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "description": "The pod of each host, as the study gives it.",
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

/// Writes a template that is shared: all trials of a study have the same one, and it is the largest part of each.
pub(crate) fn serialize<S: Serializer>(template: &Arc<PodTemplateSpec>, serializer: S) -> Result<S::Ok, S::Error> {
    template.as_ref().serialize(serializer)
}

/// Reads a template to share.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<PodTemplateSpec>, D::Error> {
    PodTemplateSpec::deserialize(deserializer).map(Arc::new)
}

/// How long a trainer that was asked to end has until it is killed where the template does not say, in seconds: as
/// [Kubernetes](https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination) has it.
pub const TRAINER_GRACE_SECONDS: u32 = 30;

/// How long a trainer that was asked to end has until it is killed: the template's `terminationGracePeriodSeconds`.
#[must_use]
pub fn trainer_grace(template: &PodTemplateSpec) -> Duration {
    let given = template.spec.as_ref().and_then(|pod| pod.termination_grace_period_seconds);
    let seconds = given.and_then(|seconds| u64::try_from(seconds).ok());
    Duration::from_secs(seconds.unwrap_or_else(|| TRAINER_GRACE_SECONDS.into()))
}

fn drop_descriptions(value: &mut Value) {
    match value {
        Value::Object(map) => {
            // A property may itself be called description; a description is a string.
            if map.get("description").is_some_and(Value::is_string) {
                map.remove("description");
            }
            map.values_mut().for_each(drop_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_descriptions),
        _ => {}
    }
}
