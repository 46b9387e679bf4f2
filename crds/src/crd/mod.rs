//! The `CustomResourceDefinition`s as they are checked in under `crds/generated`.

mod layout;

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Value, json};

use crate::{Study, Trial};

/// Both CRDs, file name and YAML. A test fails when the files differ from this.
///
/// # Errors
/// When a CRD can't be written as JSON, which would be a defect of this crate.
pub fn manifests() -> Result<[(&'static str, String); 2], serde_json::Error> {
    Ok([("studies.yaml", manifest(&Study::crd())?), ("trials.yaml", manifest(&Trial::crd())?)])
}

/// The OpenAPI schema of a Study, as the API server has it.
#[must_use]
pub fn study_schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let mut crd = finished(&Study::crd()).unwrap_or_default();
        crd.pointer_mut(SCHEMA_PATH).map(Value::take).unwrap_or_default()
    });
    &SCHEMA
}

/// Whole numbers up to here are exact as real numbers: 2^53 - 1.
const LARGEST_EXACT: u64 = 9_007_199_254_740_991;
const SCHEMA_PATH: &str = "/spec/versions/0/schema/openAPIV3Schema";

fn manifest(crd: &CustomResourceDefinition) -> Result<String, serde_json::Error> {
    Ok(format!("# Made by `studious crds`; do not edit.\n{}", layout::laid_out(&finished(crd)?)))
}

/// A CRD with what its types' attributes can't say.
fn finished(crd: &CustomResourceDefinition) -> Result<Value, serde_json::Error> {
    let mut crd = serde_json::to_value(crd)?;
    if let Some(schema) = crd.pointer_mut(SCHEMA_PATH) {
        tidy(schema);
        // A fresh object shows where it stands before the operator has seen it.
        if let Some(status) = schema.pointer_mut("/properties/status") {
            status["default"] = json!({"phase": "Pending"});
        }
        // Rules on the name need a field to speak of; without one the API server calls it <nil>.
        if schema.get("x-kubernetes-validations").is_some()
            && let Some(properties) = schema.get_mut("properties")
        {
            properties["metadata"] = json!({"type": "object", "properties": {"name": {"type": "string"}}});
        }
        if let Some(hyperparameter) = schema.pointer_mut("/properties/spec/properties/hyperparameters/items") {
            hyperparameter["oneOf"] = exactly_one();
        }
    }
    Ok(crd)
}

/// Range or values to vary, value to hold, expression to work out.
fn exactly_one() -> Value {
    let varies = json!({"role": {"enum": ["Scientific", "Nuisance"]}});
    json!([
        {"required": ["range"], "properties": varies},
        {"required": ["values"], "properties": varies},
        {"required": ["value"], "properties": {"role": {"enum": ["Fixed"]}}},
        {"required": ["expression"], "properties": {"role": {"enum": ["Derived"]}}},
    ])
}

/// Replaces number formats that the API server does not know (it warns about each when a CRD is applied) by limits, so
/// that it accepts nothing that the types can't hold.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let format = map.get("format").and_then(Value::as_str).unwrap_or_default().to_owned();
            if format.starts_with("uint") || format == "int" {
                map.remove("format");
            }
            match format.as_str() {
                "uint32" => map.entry("maximum").or_insert(json!(u32::MAX)),
                // The API server reads limits as real numbers.
                "uint64" => map.entry("maximum").or_insert(json!(LARGEST_EXACT)),
                _ => &mut Value::Null,
            };
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
