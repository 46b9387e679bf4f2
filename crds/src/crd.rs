//! The CustomResourceDefinitions as they are checked in under `crds/generated`.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::Value;

use crate::{Study, Trial};

/// Both CRDs, file name and YAML. A test fails when the files differ from this.
///
/// # Errors
/// When a CRD can't be written as YAML, which would be a defect of this crate.
pub fn manifests() -> Result<[(&'static str, String); 2], serde_yaml::Error> {
    Ok([("studies.yaml", manifest(&Study::crd())?), ("trials.yaml", manifest(&Trial::crd())?)])
}

/// The OpenAPI schema of a Study, as the API server has it.
#[must_use]
pub fn study_schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let mut crd = serde_json::to_value(Study::crd()).unwrap_or_default();
        tidy(&mut crd);
        crd.pointer_mut("/spec/versions/0/schema/openAPIV3Schema").map(Value::take).unwrap_or_default()
    });
    &SCHEMA
}

fn manifest(crd: &CustomResourceDefinition) -> Result<String, serde_yaml::Error> {
    let mut value = serde_json::to_value(crd).map_err(<serde_yaml::Error as serde::ser::Error>::custom)?;
    tidy(&mut value);
    Ok(format!("# Made by `studious crds`; do not edit.\n{}", serde_yaml::to_string(&value)?))
}

/// Drops number formats that the API server does not know (it warns about each when a CRD is applied).
fn tidy(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("format").and_then(Value::as_str).is_some_and(|f| f.starts_with("uint") || f == "int") {
                map.remove("format");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
