//! A manifest as YAML with what fits on a line on one line.
//!
//! A schema is deep, and most of it are leaves of one or two words: with each word on a line of its own, most of the file
//! would be the spaces before them. No library for YAML writes both styles.

use serde_json::Value;

/// Columns of a line.
const WIDTH: usize = 120;
/// Spaces by which what is inside stands further to the right.
const STEP: usize = 2;

/// The YAML of a value, which reads back as the same value.
pub(super) fn laid_out(value: &Value) -> String {
    let mut text = String::new();
    block(value, 0, &mut text);
    text
}

/// The entries of a mapping or a list, each on lines of its own.
fn block(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                entry(&format!("{}:", word(key)), value, indent, indent + entry_step(value), text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                entry("-", item, indent, indent + STEP, text);
            }
        }
        _ => {
            text.push_str(&flow(value));
            text.push('\n');
        }
    }
}

/// The dash of a list under a key stands below the key.
fn entry_step(value: &Value) -> usize {
    if value.is_array() { 0 } else { STEP }
}

/// One entry: on the line of its key or dash where it fits or has no parts, else below it.
fn entry(lead: &str, value: &Value, indent: usize, inside: usize, text: &mut String) {
    let line = flow(value);
    let fits = indent + lead.chars().count() + 1 + line.chars().count() <= WIDTH;
    text.push_str(&" ".repeat(indent));
    text.push_str(lead);
    if fits || !(value.is_object() || value.is_array()) {
        text.push(' ');
        text.push_str(&line);
        text.push('\n');
    } else if lead == "-" {
        // The first entry stands on the line of the dash.
        let mut below = String::new();
        block(value, inside, &mut below);
        text.push(' ');
        text.push_str(below.trim_start_matches(' '));
    } else {
        text.push('\n');
        block(value, inside, text);
    }
}

/// A value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<_> = map.iter().map(|(key, value)| format!("{}: {}", word(key), flow(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) => word(text),
        Value::Number(_) | Value::Bool(_) | Value::Null => value.to_string(),
    }
}

/// A string: bare where every reader of YAML takes it for one, else as JSON writes it, which is YAML.
fn word(text: &str) -> String {
    // Words of YAML 1.1, which Kubernetes' reader follows, for true, false and nothing.
    const NO_STRINGS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];
    let is_bare = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        && !NO_STRINGS.contains(&text.to_ascii_lowercase().as_str());
    if is_bare {
        return text.to_owned();
    }
    // JSON lets some characters stand that YAML doesn't.
    let escaped = |c: char| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    Value::from(text).to_string().chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_stands_on_one_line() {
        let long = "a word ".repeat(20);
        let value = json!({
            "kind": "Thing",
            "names": [{"short": "y", "text": long, "list": [1, 2.5]}, []],
            "deep": {"type": "string", "pattern": "^a: #b$", "with space": null, "text": "two\nlines", "also": long},
        });
        insta::assert_snapshot!(laid_out(&value));
    }

    #[test]
    fn it_reads_back_as_the_same() {
        let odd = [
            "", "null", "No", "~", "1", "1e3", "0x1", "-", "- a", "a: b", "#", "é", "\u{7f}", "\t", "{}", "[", "=",
            "<<",
        ];
        let wide = |text: &str| json!({text: [{"one": text.repeat(60), text: {text: "x".repeat(130)}}, [[text, "z".repeat(130)]]]});
        for text in odd {
            for value in [json!({text: text}), wide(text)] {
                let written = laid_out(&value);
                let read: Value = crate::yaml::from_str(&written).unwrap_or_else(|e| panic!("{e} in\n{written}"));
                assert_eq!(read, value, "{written}");
            }
        }
    }
}
