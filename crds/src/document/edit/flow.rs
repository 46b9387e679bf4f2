//! Values as YAML on one line.

use serde_json::json;

use crate::{document::scalar, yaml::Value};

/// How a file is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ValueStyle {
    /// With quotes where they are needed only.
    Yaml,
    /// With quotes around every text and every key.
    Json,
}

/// A value as it stands within a line: `{min: 0.001, max: 1, scale: Log}`.
pub(super) fn written(value: &Value, style: ValueStyle) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(is) => is.to_string(),
        Value::Number(n) => {
            n.as_i64().map_or_else(|| number(n.as_f64().unwrap_or(f64::NAN)), |whole| whole.to_string())
        }
        Value::String(text) => word(text, style),
        Value::Sequence(items) => {
            format!("[{}]", items.iter().map(|item| written(item, style)).collect::<Vec<_>>().join(", "))
        }
        Value::Mapping(fields) => {
            let fields =
                fields.iter().map(|(key, value)| format!("{}: {}", written(key, style), written(value, style)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Tagged(tagged) => written(&tagged.value, style),
    }
}

/// `0.001`, `1.0e-5`: an exponent has a point before it, or some readers take the number for a text.
fn number(x: f64) -> String {
    if x == 0.0 || (1e-3..1e15).contains(&x.abs()) {
        return x.to_string();
    }
    let text = format!("{x:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => text,
    }
}

/// A text, in quotes where it must have them, or it could be read as something else.
pub(super) fn word(text: &str, style: ValueStyle) -> String {
    let is_plain = style == ValueStyle::Yaml
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/' | '(' | ')'))
        && !text.ends_with(' ')
        && scalar::resolve(text) == (text.into(), None);
    // Strings of JSON are strings of YAML.
    if is_plain { text.to_owned() } else { json!(text).to_string() }
}
