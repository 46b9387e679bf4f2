//! Objects as people write them.

use serde::Serialize;
use studious_api::yaml::{Mapping, Value};

/// An object with its name and spec as YAML.
pub fn manifest(kind: &str, name: &str, spec: &impl Serialize) -> Result<String, studious_api::yaml::Error> {
    let mut metadata = Mapping::new();
    metadata.insert("name".into(), name.into());
    let mut object = Mapping::new();
    object.insert("apiVersion".into(), format!("{}/{}", studious_api::GROUP, studious_api::VERSION).into());
    object.insert("kind".into(), kind.into());
    object.insert("metadata".into(), Value::Mapping(metadata));
    object.insert("spec".into(), studious_api::yaml::to_value(spec)?);
    studious_api::yaml::to_string(&Value::Mapping(object))
}
