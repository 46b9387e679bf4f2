//! The JSON schemas of the documents.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{
    API_VERSION, AboutDocument, FindingsDocument, ParetoDocument, PlanDocument, PlotsDocument, PolicyDocument,
    PreflightDocument, Printable, RankingDocument, RunEventDocument, RunStartedDocument, StudyDocument, TrialsDocument,
    ValidationDocument,
};

/// Makes the schema of a document.
pub(crate) type MakeSchema = fn() -> Value;

/// The documents by kind.
pub(crate) const KINDS: [(&str, MakeSchema); 13] = [
    (AboutDocument::KIND, of::<AboutDocument>),
    (FindingsDocument::KIND, of::<FindingsDocument>),
    (ParetoDocument::KIND, of::<ParetoDocument>),
    (PlanDocument::KIND, of::<PlanDocument>),
    (PlotsDocument::KIND, of::<PlotsDocument>),
    (PolicyDocument::KIND, of::<PolicyDocument>),
    (PreflightDocument::KIND, of::<PreflightDocument>),
    (RankingDocument::KIND, of::<RankingDocument>),
    (RunEventDocument::KIND, of::<RunEventDocument>),
    (RunStartedDocument::KIND, of::<RunStartedDocument>),
    (StudyDocument::KIND, of::<StudyDocument>),
    (TrialsDocument::KIND, of::<TrialsDocument>),
    (ValidationDocument::KIND, of::<ValidationDocument>),
];

/// The schema of a kind of document.
pub(crate) fn schema(kind: &str) -> Option<Value> {
    KINDS.iter().find(|(name, _)| *name == kind).map(|(_, schema)| schema())
}

fn of<D: Printable>() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<D>().to_value();
    schema["title"] = json!(D::KIND);
    schema["properties"]["apiVersion"] = json!({"const": API_VERSION});
    schema["properties"]["kind"] = json!({"const": D::KIND});
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    schema["required"] = json!([vec![json!("apiVersion"), json!("kind")], required].concat());
    schema
}
