//! One line of `metrics.jsonl`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest line that is read; a longer one is malformed.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// Most metrics of one line; a line with more is malformed.
pub const MAX_METRICS_PER_LINE: usize = 256;

/// What a trainer says in one line.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Values of metrics at a step.
    Measurements(Measurements),
    /// Something that happened.
    Event(Event),
}

/// Values of metrics at a step. NaN and infinities are kept: they decide a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurements {
    /// Training step, from 0.
    pub step: u64,
    /// Name and value, in the order of names.
    pub values: Vec<(String, f64)>,
}

impl Measurements {
    /// The value of a metric.
    #[must_use]
    pub fn get(&self, metric: &str) -> Option<f64> {
        self.values.iter().find(|(name, _)| name == metric).map(|(_, value)| *value)
    }
}

/// Something that happened to a trainer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Parameters were initialised, or restored.
    Init(Init),
    /// A checkpoint was saved.
    Checkpoint {
        /// Training step.
        step: u64,
        /// Fingerprint of what was saved.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parameters_sha256: Option<String>,
    },
    /// The trainer says that the point can't be trained.
    Infeasible {
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// The trainer has finished and written everything.
    Done {
        /// The last step.
        #[serde(default)]
        step: Option<u64>,
    },
    /// An event that this version has no word for.
    #[serde(untagged)]
    Other(serde_json::Map<String, Value>),
}

/// What a host reports of its beginning: compared between hosts before any result counts.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Init {
    /// Fingerprint of the parameters: equal on all hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters_sha256: Option<String>,
    /// The seed it initialised with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_seed: Option<u64>,
    /// The seed of its data order: different on all hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_seed: Option<u64>,
    /// The step of the checkpoint it went on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored_step: Option<u64>,
}

/// Why a line can't be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LineError {
    /// Longer than [`MAX_LINE_BYTES`].
    #[error("the line has {0} bytes; at most {MAX_LINE_BYTES} are read")]
    TooLong(usize),
    /// Not JSON, or half a line.
    #[error("not a JSON object: {0}")]
    NotJson(String),
    /// Neither an event nor measurements.
    #[error("a line needs \"step\" (a whole number from 0) or \"event\"")]
    NoStep,
    /// A metric that is no number.
    #[error("{0:?} is not a number; write labels elsewhere")]
    NotANumber(String),
    /// More than [`MAX_METRICS_PER_LINE`].
    #[error("the line has {0} metrics; at most {MAX_METRICS_PER_LINE} are read")]
    TooManyMetrics(usize),
    /// An event with fields of the wrong kind.
    #[error("the event can't be read: {0}")]
    Event(String),
}

impl Line {
    /// Reads one line, without its line break. `NaN`, `Infinity` and `-Infinity` are read as Python's json writes them.
    ///
    /// # Errors
    /// Says what is wrong with the line; nothing else is lost by it.
    pub fn parse(text: &str) -> Result<Self, LineError> {
        if text.len() > MAX_LINE_BYTES {
            return Err(LineError::TooLong(text.len()));
        }
        let value = serde_json::from_str::<Value>(text)
            .or_else(|error| match quote_non_finite(text) {
                Some(quoted) => serde_json::from_str(&quoted),
                None => Err(error),
            })
            .map_err(|error| LineError::NotJson(error.to_string()))?;
        let Value::Object(map) = value else {
            return Err(LineError::NotJson("the line holds another kind of value".to_owned()));
        };
        if map.contains_key("event") {
            return serde_json::from_value(Value::Object(map))
                .map(Line::Event)
                .map_err(|error| LineError::Event(error.to_string()));
        }
        let step = map.get("step").and_then(whole_number).ok_or(LineError::NoStep)?;
        if map.len() - 1 > MAX_METRICS_PER_LINE {
            return Err(LineError::TooManyMetrics(map.len() - 1));
        }
        let values = map
            .into_iter()
            .filter(|(name, _)| name != "step")
            .map(|(name, value)| match number(&value) {
                Some(x) => Ok((name, x)),
                None => Err(LineError::NotANumber(name)),
            })
            .collect::<Result<_, _>>()?;
        Ok(Line::Measurements(Measurements { step, values }))
    }
}

/// A step may be written as `100.0`. Steps stay below 2^53, so that they are exact wherever they are kept.
fn whole_number(value: &Value) -> Option<u64> {
    let step = value.as_u64().or_else(|| {
        let x = value.as_f64()?;
        // The bounds make the cast exact.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (x.fract() == 0.0 && (0.0..9.0e15).contains(&x)).then_some(x as u64)
    })?;
    (step < 1 << 53).then_some(step)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => match s.as_str() {
            "\u{0}NaN" => Some(f64::NAN),
            "\u{0}Infinity" => Some(f64::INFINITY),
            "\u{0}-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// Puts the literals that JSON lacks into marked strings; `None` when there are none outside strings.
fn quote_non_finite(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 16);
    let (mut rest, mut in_string, mut found) = (text, false, false);
    while let Some(c) = rest.chars().next() {
        if in_string {
            let taken = if c == '\\' { 1 + rest.chars().nth(1).map_or(0, char::len_utf8) } else { c.len_utf8() };
            in_string = c != '"';
            out.push_str(&rest[..taken]);
            rest = &rest[taken..];
            continue;
        }
        in_string = c == '"';
        if let Some(word) = ["NaN", "-Infinity", "Infinity"].into_iter().find(|word| rest.starts_with(word)) {
            out.push_str("\"\\u0000");
            out.push_str(word);
            out.push('"');
            rest = &rest[word.len()..];
            found = true;
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurements(text: &str) -> Measurements {
        match Line::parse(text).unwrap() {
            Line::Measurements(m) => m,
            Line::Event(event) => panic!("{event:?}"),
        }
    }

    #[test]
    fn reads_what_pythons_json_writes() {
        let m = measurements(r#"{"step": 100, "train_loss": NaN, "a": -Infinity, "b": Infinity, "c": 1e-3}"#);
        assert_eq!(m.step, 100);
        assert!(m.get("train_loss").unwrap().is_nan());
        assert_eq!((m.get("a"), m.get("b")), (Some(f64::NEG_INFINITY), Some(f64::INFINITY)));
        assert_eq!(m.get("c"), Some(1e-3));
    }

    #[test]
    fn nan_inside_a_string_stays_a_string() {
        assert_eq!(Line::parse(r#"{"step":1,"x":"NaN"}"#), Err(LineError::NotANumber("x".into())));
        let event = Line::parse(r#"{"event":"infeasible","reason":"NaN \" NaN"}"#).unwrap();
        assert_eq!(event, Line::Event(Event::Infeasible { reason: "NaN \" NaN".into() }));
    }

    #[test]
    fn events_known_and_unknown() {
        let Line::Event(Event::Init(init)) =
            Line::parse(r#"{"event":"init","parameters_sha256":"ab","init_seed":0,"data_seed":17,"host":"n1"}"#)
                .unwrap()
        else {
            panic!()
        };
        assert_eq!((init.init_seed, init.data_seed, init.restored_step), (Some(0), Some(17), None));
        assert_eq!(Line::parse(r#"{"event":"done"}"#), Ok(Line::Event(Event::Done { step: None })));
        assert!(matches!(Line::parse(r#"{"event":"profile","url":"x"}"#), Ok(Line::Event(Event::Other(_)))));
        assert!(matches!(
            Line::parse(r#"{"event":"checkpoint","step":"x"}"#),
            Ok(Line::Event(Event::Other(_))) | Err(_)
        ));
    }

    #[test]
    fn half_a_line_is_named_as_such() {
        for half in [
            r#"{"step":10,"train_lo"#,
            "",
            "nonsense",
            "[1]",
            r#"{"step":-1}"#,
            r#"{"train_loss":1}"#,
            r#"{"step":18446744073709551615}"#,
        ] {
            assert!(Line::parse(half).is_err(), "{half}");
        }
    }

    #[test]
    fn bounded() {
        let long = format!("{{\"step\":1,\"x\":{}}}", "1".repeat(MAX_LINE_BYTES));
        assert!(matches!(Line::parse(&long), Err(LineError::TooLong(_))));
    }
}
