//! How values stand in messages.

use serde::Serialize;
use serde_json::Value;

use crate::{HyperparameterValue, document::scalar};

/// Longest value that is printed whole, in characters.
const LONGEST: usize = 60;

/// A value as short YAML: plain words bare, everything else as JSON, which is YAML. Nothing for a missing value.
#[must_use]
pub fn short(value: &impl Serialize) -> String {
    let text = match serde_json::to_value(value) {
        Ok(Value::String(s)) if is_plain(&s) => s,
        Ok(Value::Null) | Err(_) => return String::new(),
        Ok(other) => flow(&other),
    };
    if text.chars().count() <= LONGEST {
        text
    } else {
        text.chars().take(LONGEST - 1).chain(std::iter::once('…')).collect()
    }
}

/// Whether a string is one without quotes, too: `true` and `12` are not. What is doubtful stands as it was written.
fn is_plain(s: &str) -> bool {
    let (value, doubt) = scalar::resolve(s);
    !s.is_empty()
        && (value.is_string() || doubt.is_some())
        && s.chars().all(|c| c.is_alphanumeric() || "_-./".contains(c))
}

/// JSON with a blank after commas and colons, and bare words.
fn flow(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            format!("{{{}}}", map.iter().map(|(k, v)| format!("{k}: {}", flow(v))).collect::<Vec<_>>().join(", "))
        }
        Value::String(s) if is_plain(s) => s.clone(),
        // 16.0 was 16 in the file.
        Value::Number(n) if n.is_f64() => HyperparameterValue::from(n.as_f64().unwrap_or(f64::NAN)).to_string(),
        other => other.to_string(),
    }
}

/// `a, b and c`.
pub(super) fn list<S: AsRef<str>>(items: &[S], conjunction: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<_> = head.iter().map(AsRef::as_ref).collect();
            format!("{} {conjunction} {}", head.join(", "), last.as_ref())
        }
    }
}

/// `1 trial`, `2 trials`.
#[must_use]
pub fn counted(n: impl Into<u64>, noun: &str) -> String {
    let n = n.into();
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
