//! JSON as trainers write it: with NaN and infinities in any spelling, and numbers that no double can hold.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

/// First character of a string that stands for a number which is not finite.
const MARK: char = '\0';

/// The fields of an object in the order in which they are written. Of two fields with one name the later one counts.
#[derive(Debug, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, Value)>);

impl Fields {
    /// Reads one object.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).or_else(|error| match quote_non_finite(text) {
            Some(quoted) => serde_json::from_str(&quoted),
            None => Err(error),
        })
    }

    /// The value of a field; nothing for `null`.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value).filter(|value| !value.is_null())
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> de::Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields: Vec<(String, Value)> = Vec::new();
                let mut places = std::collections::HashMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if let Some(place) = places.get(&name) {
                        let place: &usize = place;
                        fields[*place].1 = value;
                    } else {
                        places.insert(name.clone(), fields.len());
                        fields.push((name, value));
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A number, finite or not; nothing for another kind of value.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::String(s) => s.strip_prefix(MARK)?.parse().ok(),
        _ => None,
    }
}

/// A string.
pub(crate) fn string(value: &Value) -> Option<&str> {
    value.as_str().filter(|s| !s.starts_with(MARK))
}

/// A string that spells a number which is not finite, as some languages write it: `"NaN"`.
pub(crate) fn spelled_non_finite(value: &Value) -> Option<f64> {
    non_finite(string(value)?.trim())
}

/// A whole number from 0, which may be written as `100.0`. Below 2^53, so that it is exact wherever it is kept.
pub(crate) fn whole_number(value: &Value) -> Option<u64> {
    let whole = value.as_u64().or_else(|| {
        let x = value.as_f64()?;
        // The bounds make the cast exact.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (x.fract() == 0.0 && (0.0..9.0e15).contains(&x)).then_some(x as u64)
    })?;
    (whole < 1 << 53).then_some(whole)
}

/// `nan`, `-inf`, `Infinity`, `1e400`, `-nan(ind)`, `1.#INF`: a number that is not finite, in any spelling.
fn non_finite(word: &str) -> Option<f64> {
    if let Ok(x) = word.parse::<f64>() {
        return (!x.is_finite()).then_some(x);
    }
    // As C libraries print them: `nan(0x8000)`, `1.#QNAN`.
    let lower = word.trim_start_matches(['-', '+']).to_ascii_lowercase();
    if lower.starts_with("nan(") || ["1.#ind", "1.#qnan", "1.#snan"].iter().any(|nan| lower.starts_with(nan)) {
        return Some(f64::NAN);
    }
    lower.starts_with("1.#inf").then_some(if word.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY })
}

/// Puts numbers that JSON can't express into marked strings; `None` where there are none.
fn quote_non_finite(text: &str) -> Option<String> {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '#' | '(' | ')');
    let mut out = String::with_capacity(text.len() + 16);
    let (mut rest, mut found) = (text, false);
    while let Some(c) = rest.chars().next() {
        let taken = if c == '"' { string_length(rest) } else { rest.find(|c| !is_of_word(c)).unwrap_or(rest.len()) };
        let taken = taken.max(c.len_utf8());
        let (word, after) = rest.split_at(taken);
        match non_finite(word) {
            Some(x) => {
                out.push_str("\"\\u0000");
                out.push_str(&x.to_string());
                out.push('"');
                found = true;
            }
            None => out.push_str(word),
        }
        rest = after;
    }
    found.then_some(out)
}

/// How many bytes a string takes that begins here, with its quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(word: &str) -> Option<f64> {
        let fields = Fields::parse(&format!("{{\"a\":{word},\"b\":1}}")).ok()?;
        assert_eq!(fields.get("b").and_then(number), Some(1.0), "{word}");
        number(fields.get("a")?)
    }

    #[test]
    fn every_spelling_of_what_is_not_finite() {
        for nan in ["nan", "NaN", "NAN", "-nan", "+nan", "-NaN", "nan(0x7)", "-nan(ind)", "-1.#IND", "1.#QNAN"] {
            assert!(value(nan).is_some_and(f64::is_nan), "{nan}");
        }
        for infinity in ["inf", "Inf", "+inf", "INFINITY", "Infinity", "infinity", "1e400", "1.#INF", "1E+999"] {
            assert_eq!(value(infinity), Some(f64::INFINITY), "{infinity}");
        }
        for infinity in ["-inf", "-Infinity", "-INFINITY", "-1e400", "-1.#INF00"] {
            assert_eq!(value(infinity), Some(f64::NEG_INFINITY), "{infinity}");
        }
        for other in ["nano", "infinite", "None", "+1", "0x10", ".5", "nan nan", "--inf"] {
            assert_eq!(value(other), None, "{other}");
        }
        assert_eq!(value("1e-400"), Some(0.0));
        assert_eq!((value("true"), value("false")), (Some(1.0), Some(0.0)));
    }

    #[test]
    fn strings_stay_strings() {
        let text = r#"{"a":"NaN \" nan, 1e400","nan":-inf,"\\":NaN,"é nan":"inf"}"#;
        let fields = Fields::parse(text).unwrap();
        assert_eq!(fields.get("a").unwrap(), "NaN \" nan, 1e400");
        assert_eq!(fields.get("nan").and_then(number), Some(f64::NEG_INFINITY));
        assert!(fields.get("\\").and_then(number).unwrap().is_nan());
        assert_eq!(fields.get("é nan").unwrap(), "inf");
        assert!(Fields::parse(r#"{"a":NaN,"b":"half"#).is_err());
        assert!(Fields::parse("[NaN]").is_err());
    }

    #[test]
    fn the_later_of_two_fields_counts_and_keeps_the_first_place() {
        let fields = Fields::parse(r#"{"a":1,"b":2,"a":3}"#).unwrap();
        assert_eq!(fields.0, [("a".to_owned(), 3.into()), ("b".to_owned(), 2.into())]);
    }
}
