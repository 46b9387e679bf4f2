//! The reference of a study's fields, read off the schema that the API server has: `docs/study.md`, `studious explain` and
//! the schema for editors are made of it.

mod editor;
mod page;

use std::sync::LazyLock;

use serde_json::Value;

use crate::{crd, spelling, validate::NOT_YET};

pub use editor::editor_schema;
pub use page::{page, shown};

/// A study with a value for every field.
const EXAMPLE: &str = include_str!("example.yaml");

/// A field of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyField {
    /// `spec.rounds[].maxTrainSteps`; entries of a mapping whose keys are free are called `*`.
    pub path: String,
    /// What may stand there: `whole number, 1 to 10000`.
    pub type_: String,
    /// What holds when it is left out; nothing if it must be given, or if nothing holds then.
    pub default: Option<Value>,
    /// Whether it must be given.
    pub required: bool,
    /// What it says.
    pub description: String,
    /// A value.
    pub example: Option<Value>,
    /// That this version refuses it, or all values but one.
    pub limit: Option<String>,
}

/// Every field of `spec`, each before those that it holds. The pod template is Kubernetes' and has its own reference.
#[must_use]
pub fn fields() -> &'static [StudyField] {
    static FIELDS: LazyLock<Vec<StudyField>> = LazyLock::new(|| {
        let example: Value = crate::yaml::from_str(EXAMPLE).unwrap_or_default();
        let mut fields = Vec::new();
        walk(&crd::study_schema()["properties"]["spec"], "spec", &[&example["spec"]], true, &mut fields);
        fields
    });
    &FIELDS
}

/// A field by its path, as people write it: `spec.rounds[0].trials`, `spec.rounds.trials` or `rounds.trials`.
///
/// # Errors
/// When there is none: what is meant perhaps.
pub fn field(path: &str) -> Result<&'static StudyField, String> {
    let wanted = plain(path);
    let wanted = if wanted == "spec" || wanted.starts_with("spec.") { wanted } else { format!("spec.{wanted}") };
    let is_it = |field: &&StudyField| {
        let (known, wanted) = (plain(&field.path), wanted.as_str());
        known.split('.').count() == wanted.split('.').count()
            && known.split('.').zip(wanted.split('.')).all(|(known, wanted)| known == "*" || known == wanted)
    };
    fields().iter().find(is_it).ok_or_else(|| {
        let known: Vec<String> = fields().iter().map(|field| plain(&field.path)).collect();
        let hint = spelling::did_you_mean(&wanted, known.iter().map(String::as_str))
            .unwrap_or_else(|| "`studious explain spec` lists the first level.".to_owned());
        if wanted.starts_with("spec.trial.template.") {
            "the pod template's fields are Kubernetes': see `kubectl explain pod.spec`".to_owned()
        } else {
            format!("a study has no field {path}. {hint}")
        }
    })
}

/// The fields that a field holds itself.
pub fn children(of: &StudyField) -> impl Iterator<Item = &'static StudyField> {
    let depth = plain(&of.path).split('.').count() + 1;
    let below = format!("{}.", plain(&of.path));
    fields().iter().filter(move |field| {
        let path = plain(&field.path);
        path.starts_with(&below) && path.split('.').count() == depth
    })
}

/// A path without positions in lists.
fn plain(path: &str) -> String {
    let mut plain = String::new();
    let mut depth = 0;
    for c in path.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain
}

fn walk(schema: &Value, path: &str, examples: &[&Value], required: bool, fields: &mut Vec<StudyField>) {
    // Entries of a list or of a mapping are described by the field that holds them.
    if !path.ends_with("[]") && !path.ends_with('*') {
        let default = schema.get("default").cloned();
        let is_flag = schema["type"] == "boolean" && !required;
        fields.push(StudyField {
            path: path.to_owned(),
            type_: type_of(schema),
            default: default.or(is_flag.then_some(Value::Bool(false))),
            required: required && schema.get("default").is_none(),
            description: description_of(schema),
            example: examples.iter().find(|value| !value.is_null()).map(|value| (*value).clone()),
            limit: NOT_YET.iter().find(|(field, _)| *field == path).map(|(_, allowed)| match allowed {
                Some(value) => format!("In this version only `{value}`."),
                None => "Not in this version.".to_owned(),
            }),
        });
    }
    if path == "spec.trial.template" {
        return;
    }
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let required = list(schema, "required").contains(&Value::String(name.clone()));
        let inner: Vec<&Value> = examples.iter().map(|value| &value[name.as_str()]).collect();
        walk(property, &format!("{path}.{name}"), &inner, required, fields);
    }
    if schema["items"].is_object() {
        let inner: Vec<&Value> = examples.iter().filter_map(|value| value.as_array()).flatten().collect();
        walk(&schema["items"], &format!("{path}[]"), &inner, false, fields);
    }
    if schema["additionalProperties"].is_object() {
        let inner: Vec<&Value> = examples.iter().filter_map(|value| value.as_object()).flatten().map(|e| e.1).collect();
        walk(&schema["additionalProperties"], &format!("{path}.*"), &inner, false, fields);
    }
}

/// What a field says; of a list or a mapping of names, what each entry says too.
fn description_of(schema: &Value) -> String {
    let own = schema["description"].as_str().unwrap_or_default();
    let each = [&schema["items"], &schema["additionalProperties"]].into_iter();
    let each = each.filter_map(|entry| entry["description"].as_str()).map(|text| format!(" Each: {text}"));
    format!("{own}{}", each.collect::<String>()).replace('\n', " ")
}

/// What may stand there, in words.
fn type_of(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        return format!("one of {}", words.join(", "));
    }
    let limit = |name: &str| schema[name].as_f64().map(|x| crate::HyperparameterValue::from(x).to_string());
    // The limits of the number's own type say nothing.
    let most = schema["maximum"].as_f64().filter(|most| *most < f64::from(u32::MAX)).and_then(|_| limit("maximum"));
    let within = match (limit("minimum"), most) {
        (Some(min), Some(max)) => format!(", {min} to {max}"),
        (Some(min), None) => format!(", {min} or more"),
        (None, Some(max)) => format!(", at most {max}"),
        (None, None) => String::new(),
    };
    match schema["type"].as_str() {
        Some("integer") => format!("whole number{within}"),
        Some("number") => format!("number{within}"),
        Some("boolean") => "true or false".to_owned(),
        Some("string") => "text".to_owned(),
        Some("array") => match type_of(&schema["items"]).as_str() {
            "mapping" => "list".to_owned(),
            items => format!("list, each {items}"),
        },
        Some(_) if schema["additionalProperties"].is_object() => {
            format!("mapping of names, each {}", type_of(&schema["additionalProperties"]))
        }
        Some(_) => "mapping".to_owned(),
        None => schema["title"].as_str().unwrap_or("number, text, true or false").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{document, schema, validate};

    fn example() -> Value {
        serde_yaml::from_str(EXAMPLE).unwrap()
    }

    /// F-118: no field is without a sentence and an example, and the examples are such values.
    #[test]
    fn every_field_has_a_sentence_and_an_example() {
        for field in fields() {
            assert!(!field.description.is_empty(), "{} has no description", field.path);
            assert!(field.example.is_some(), "{} has no example", field.path);
        }
        let spec = &crd::study_schema()["properties"]["spec"];
        assert_eq!(schema::check(spec, &example()["spec"], "spec"), []);
        assert_eq!(schema::unknown_fields(spec, &example()["spec"], "spec"), []);
        assert!(fields().len() > 85, "{}", fields().len());
    }

    #[test]
    fn what_is_not_in_this_version_is_what_validation_refuses() {
        let mut study = example();
        // What one of them allows, and validation refuses otherwise.
        study["spec"]["problemKind"] = "Other".into();
        study["spec"]["rounds"][0]["advance"] = "Approved".into();
        let spec = serde_json::from_value(study["spec"].clone()).unwrap();
        let found = validate::refusals("digits", &spec);
        let refused = |field: &str| {
            found.iter().any(|v| plain(&v.field) == plain(field) && v.rule.contains("not in this version"))
        };
        for (field, _) in NOT_YET {
            assert!(refused(field), "{field} is not refused: {found:#?}");
            assert!(super::field(field).unwrap().limit.is_some());
        }
    }

    #[test]
    fn a_field_is_found_as_people_write_it() {
        for path in ["spec.rounds[].maxTrainSteps", "spec.rounds[1].maxTrainSteps", "rounds.maxTrainSteps"] {
            assert_eq!(field(path).unwrap().path, "spec.rounds[].maxTrainSteps");
        }
        assert_eq!(field("policy.thresholds.edgeShare.value").unwrap().path, "spec.policy.thresholds.*.value");
        assert_eq!(field("spec").unwrap().path, "spec");
        let wrong = field("spec.rounds.maxTrainStep").unwrap_err();
        assert!(wrong.contains("Did you mean spec.rounds.maxTrainSteps?"), "{wrong}");
        assert!(field("spec.trial.template.spec").unwrap_err().contains("kubectl explain"));
        let of_rounds: Vec<_> = children(field("rounds").unwrap()).map(|field| field.path.as_str()).collect();
        assert!(of_rounds.contains(&"spec.rounds[].from") && !of_rounds.contains(&"spec.rounds[].from.best"));
    }

    /// Whatever validation names is a field that can be looked up.
    #[test]
    fn fields_of_violations_can_be_looked_up() {
        let text = EXAMPLE.replace("everySteps: 50}", "everySteps: 0}").replace("trials: 40", "trials: 0");
        let problems = document::read("study.yaml", &text).unwrap_err();
        let fields = problems.iter().filter_map(|problem| problem.violation.as_ref()).map(|v| v.field.as_str());
        let mut seen = 0;
        for path in fields.filter(|field| field.starts_with("spec.")) {
            assert!(field(path).is_ok(), "{path}");
            seen += 1;
        }
        assert!(seen > 3, "{problems:#?}");
    }
}
