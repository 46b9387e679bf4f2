//! `docs/study.md`.

use std::fmt::Write as _;

use super::{StudyField, children, fields};
use crate::validate::short;

const HEAD: &str = "\
# study.yaml: every field

<!-- Made by `studious explain --page`; do not edit. -->

A study is one YAML file, the same for `studious run` and for `kubectl apply`. `studious explain spec.rounds` prints a part of
this page, `studious validate study.yaml` everything that is wrong with a file, and `studious schema` the JSON Schema with which
editors complete and check it:

```
studious schema > study.schema.json
sed -i '1i # yaml-language-server: $schema=study.schema.json' study.yaml
```

`[]` stands for each entry of a list and `*` for a name of your own. **Default** is what holds when the field is left out; `–`
means that nothing holds then.

A study that runs needs these:

```yaml
";

/// The page.
#[must_use]
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str(SMALLEST);
    page.push_str("```\n");
    let Some(spec) = fields().first() else { return page };
    let (groups, plain): (Vec<_>, Vec<_>) = children(spec).partition(|field| children(field).next().is_some());
    let _ = writeln!(page, "\n## spec\n\n{}\n", spec.description);
    table(&mut page, plain.into_iter().chain(groups.iter().copied()));
    for group in groups {
        let _ = writeln!(page, "\n## {}\n\n{}\n", group.path, group.description);
        let below = format!("{}.", group.path);
        let in_list = format!("{}[]", group.path);
        let is_below = |field: &&StudyField| field.path.starts_with(&below) || field.path.starts_with(&in_list);
        table(&mut page, fields().iter().filter(is_below));
    }
    page
}

/// A study with nothing that could be left out.
const SMALLEST: &str = "\
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: digits}
spec:
  goal: Which learning rate is best?
  objective: {metric: validation_error, direction: Minimize}
  hyperparameters:
  - {name: learning_rate, range: {min: 0.0001, max: 1, scale: Log}}
  rounds: [{name: explore, trials: 20, maxTrainSteps: 500}]
  evaluation: {everySteps: 50}
  trial: {template: {spec: {containers: [{name: trainer, command: [python, train.py]}]}}}
";

fn table<'a>(page: &mut String, fields: impl Iterator<Item = &'a StudyField>) {
    page.push_str("| field | type | default | | example |\n|---|---|---|---|---|\n");
    for field in fields {
        let example = field.example.as_ref().map(short).unwrap_or_default();
        let limit = field.limit.as_ref().map(|limit| format!(" {limit}")).unwrap_or_default();
        let description = format!("{}{limit}", field.description);
        let cell = |text: &str| text.replace('|', "\\|");
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | `{}` |",
            field.path,
            cell(&field.type_),
            cell(&default_of(field)),
            cell(&description),
            cell(&example)
        );
    }
}

fn default_of(field: &StudyField) -> String {
    match &field.default {
        Some(value) => format!("`{}`", short(value)),
        None if field.required => "required".to_owned(),
        None => "–".to_owned(),
    }
}

/// A field as text for a terminal, with the fields that it holds.
#[must_use]
pub fn shown(field: &StudyField) -> String {
    let mut text = format!("{}: {}\n\n{}\n", field.path, field.type_, field.description);
    if let Some(limit) = &field.limit {
        let _ = writeln!(text, "\n{limit}");
    }
    let default = match &field.default {
        Some(value) => short(value),
        None if field.required => "none: it must be given".to_owned(),
        None => "none".to_owned(),
    };
    let _ = writeln!(text, "\nDefault: {default}");
    if let Some(example) = &field.example {
        let leaf = field.path.rsplit('.').next().unwrap_or_default().trim_end_matches("[]");
        let example = crate::yaml::to_string(&serde_json::json!({ leaf: example })).unwrap_or_default();
        let _ = write!(text, "Example:\n{}", indented(&example));
    }
    let held: Vec<_> = children(field).collect();
    if !held.is_empty() {
        text.push_str("\nFields:\n");
    }
    let names: Vec<&str> = held.iter().map(|child| child.path.rsplit('.').next().unwrap_or_default()).collect();
    let width = names.iter().map(|name| name.len()).max().unwrap_or_default();
    for (child, name) in held.iter().zip(names) {
        let required = if child.required { " (required)" } else { "" };
        let _ = writeln!(text, "  {name:width$}  {}{required}: {}", child.type_, first_sentence(&child.description));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |all, line| all + "  " + line + "\n")
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::crd::study_schema;

    /// F-118: the page is made of the types, and is not older than they are.
    #[test]
    fn the_page_is_up_to_date() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/study.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(file, page()).unwrap();
        }
        let there = std::fs::read_to_string(file).unwrap_or_default();
        assert!(there == page(), "docs/study.md is stale: studious explain --page > docs/study.md");
    }

    #[test]
    fn the_smallest_study_is_valid() {
        crate::document::read("study.yaml", SMALLEST).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let top: serde_json::Value = serde_yaml::from_str(SMALLEST).unwrap();
        let mut given: Vec<&String> = top["spec"].as_object().unwrap().keys().collect();
        given.sort();
        let mut required: Vec<&str> = study_schema()["properties"]["spec"]["required"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        required.sort_unstable();
        assert_eq!(given, required);
    }

    #[test]
    fn a_field_is_shown_with_what_it_holds() {
        let text = shown(super::super::field("spec.rounds").unwrap());
        for part in ["spec.rounds: list", "Default: none: it must be given", "maxTrainSteps", "(required)"] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
    }
}
