//! One line of `metrics.jsonl`.

use serde_json::Value;

use crate::{
    Event, JudgedMetrics,
    json::{Fields, number, spelled_non_finite, string, whole_number},
};

/// Longest line that is read; a longer one is malformed.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// Most metrics of one line that are kept, beside those by which a trial is judged.
pub const MAX_METRICS_PER_LINE: usize = 256;
/// Most names of labels of one line that are kept.
const MAX_LABELS: usize = 16;
/// Longest name of a label and longest value in a message, in bytes.
const SHOWN_BYTES: usize = 64;

/// What a trainer says in one line.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Values of metrics at a step.
    Measurements(Measurements),
    /// Something that happened.
    Event(Event),
}

/// Values of metrics at a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurements {
    /// Training step, from 0.
    pub step: u64,
    /// Name and value, in the order of names. NaN and infinities are kept: they decide a trial.
    pub values: Vec<(String, f64)>,
    /// What else the line held.
    pub left_out: LeftOut,
}

/// What a line of measurements held that is no measurement.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LeftOut {
    /// Names of fields that hold no number, shortened; the first few.
    pub labels: Vec<String>,
    /// How many metrics were beyond [`MAX_METRICS_PER_LINE`].
    pub surplus: u64,
}

impl Measurements {
    /// Values at a step, with nothing left out.
    #[must_use]
    pub fn new(step: u64, values: Vec<(String, f64)>) -> Self {
        Self { step, values, left_out: LeftOut::default() }
    }

    /// The value of a metric.
    #[must_use]
    pub fn get(&self, metric: &str) -> Option<f64> {
        self.values.iter().find(|(name, _)| name == metric).map(|(_, value)| *value)
    }
}

/// Why a line can't be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LineError {
    /// Longer than [`MAX_LINE_BYTES`].
    #[error("the line has too many bytes; at most {MAX_LINE_BYTES} are read. Write fewer metrics on a line")]
    TooLong,
    /// Not JSON, or half a line.
    #[error("not a JSON object: {0}")]
    NotJson(String),
    /// Neither an event nor measurements.
    #[error("a line needs \"step\" (a whole number from 0) or \"event\" (a name)")]
    NoStep,
    /// A known event with a field of the wrong kind.
    #[error("event {event:?}: {field}: expected {expected}, got {}", shortened(.given))]
    EventField {
        /// The event.
        event: String,
        /// Its field.
        field: &'static str,
        /// What the field must hold.
        expected: &'static str,
        /// What it holds, as JSON.
        given: String,
    },
}

impl Line {
    /// Reads one line, without its line break, of a trial that is judged by these metrics.
    ///
    /// Numbers that are not finite are read in any spelling. Of a line of measurements only the numbers are kept: truth
    /// values count as 1 and 0, `null` is a metric that wasn't measured, and other values are labels. Where a value must be
    /// finite, `null` and strings such as `"NaN"` mean one that isn't: that is how languages without a NaN in JSON
    /// write it.
    ///
    /// # Errors
    /// Says what is wrong with the line; nothing else is lost by it.
    pub fn parse(text: &str, judged: &JudgedMetrics) -> Result<Self, LineError> {
        if text.len() > MAX_LINE_BYTES {
            return Err(LineError::TooLong);
        }
        // Some editors and languages begin a file of UTF-8 with a mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let fields = Fields::parse(text).map_err(|error| LineError::NotJson(error.to_string()))?;
        match fields.get("event") {
            Some(event) => {
                let name = string(event).ok_or(LineError::NoStep)?;
                Event::read(name, &fields).map(Line::Event)
            }
            None => measurements(fields, judged).map(Line::Measurements),
        }
    }
}

fn measurements(fields: Fields, judged: &JudgedMetrics) -> Result<Measurements, LineError> {
    let step = fields.get("step").and_then(whole_number).ok_or(LineError::NoStep)?;
    let mut read = Measurements::new(step, Vec::with_capacity(fields.0.len()));
    let mut metrics = 0;
    for (name, value) in fields.0 {
        if name == "step" || name == "event" {
            continue;
        }
        match number_of(&name, &value, judged) {
            Some(number) => {
                metrics += 1;
                if metrics <= MAX_METRICS_PER_LINE || judged.is_concluded_from(&name) {
                    read.values.push((name, number));
                } else {
                    read.left_out.surplus += 1;
                }
            }
            None if value.is_null() || read.left_out.labels.len() == MAX_LABELS => {}
            None => read.left_out.labels.push(shortened(&name).replace(char::is_control, " ")),
        }
    }
    read.values.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(read)
}

fn number_of(name: &str, value: &Value, judged: &JudgedMetrics) -> Option<f64> {
    number(value).or_else(|| {
        let must_be_finite = judged.must_be_finite(name);
        (must_be_finite && value.is_null())
            .then_some(f64::NAN)
            .or_else(|| spelled_non_finite(value).filter(|_| must_be_finite))
    })
}

fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Init;

    fn judged() -> JudgedMetrics {
        JudgedMetrics { objective: "err".into(), bounded: vec!["latency_ms".into()] }
    }

    fn parse(text: &str) -> Result<Line, LineError> {
        Line::parse(text, &judged())
    }

    fn measurements(text: &str) -> Measurements {
        match parse(text) {
            Ok(Line::Measurements(m)) => m,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn event(text: &str) -> Event {
        match parse(text) {
            Ok(Line::Event(event)) => event,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn numbers_are_kept_in_the_order_of_names() {
        let m = measurements(r#"{"step": 100.0, "train_loss": NaN, "b": inf, "a": -Infinity, "c": 1e-3}"#);
        assert_eq!(m.step, 100);
        assert!(m.get("train_loss").unwrap().is_nan());
        assert_eq!(m.values.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b", "c", "train_loss"]);
        assert_eq!((m.get("a"), m.get("b")), (Some(f64::NEG_INFINITY), Some(f64::INFINITY)));
        assert_eq!(m.left_out, LeftOut::default());
    }

    #[test]
    fn a_mark_at_the_beginning_of_a_file_costs_no_line() {
        assert_eq!(measurements("\u{feff}{\"step\":1,\"err\":0.5}").get("err"), Some(0.5));
    }

    #[test]
    fn what_is_no_number_costs_the_line_nothing() {
        let m = measurements(
            r#"{"step":100,"split":"val","err":0.3,"lr":null,"early":true,"latency_ms":null,"shape":[1],"event":null}"#,
        );
        assert_eq!(m.values, [("early".to_owned(), 1.0), ("err".to_owned(), 0.3)]);
        assert_eq!(m.left_out, LeftOut { labels: vec!["split".into(), "shape".into()], surplus: 0 });
    }

    #[test]
    fn null_for_what_must_be_finite_is_not_finite() {
        for value in ["null", r#""NaN""#, r#""-Infinity""#, "nan", "-inf", "1e400"] {
            for metric in ["err", "train_loss"] {
                let m = measurements(&format!(r#"{{"step":1,"{metric}":{value},"x":{value}}}"#));
                assert!(m.get(metric).is_some_and(|x| !x.is_finite()), "{metric} {value}");
            }
        }
        assert_eq!(measurements(r#"{"step":1,"x":null,"y":"NaN"}"#).values, []);
        assert_eq!(measurements(r#"{"step":1,"err":"0.5"}"#).left_out.labels, ["err"]);
    }

    #[test]
    fn of_too_many_metrics_those_that_decide_are_kept() {
        let many: String = (0..300).flat_map(|i| [format!(r#""gn/{i:03}":{i},"#)]).collect();
        let m = measurements(&format!(
            r#"{{"step":7,{many}"latency_ms":3,"train_loss":1,"offline_err":2,"err":0.5,"another":1}}"#
        ));
        assert_eq!(
            (m.step, m.get("err"), m.get("latency_ms"), m.get("train_loss")),
            (7, Some(0.5), Some(3.0), Some(1.0))
        );
        assert_eq!((m.get("offline_err"), m.get("gn/255"), m.get("gn/256")), (Some(2.0), Some(255.0), None));
        assert_eq!((m.values.len(), m.left_out.surplus), (256 + 4, 45));
    }

    #[test]
    fn events_are_told_by_their_name() {
        let Event::Init(init) =
            event(r#"{"event":"init","parameters_sha256":"ab","init_seed":0,"data_seed":17.0,"host":"n1"}"#)
        else {
            panic!()
        };
        assert_eq!((init.init_seed, init.data_seed, init.restored_step), (Some(0), Some(17), None));
        assert_eq!(event(r#"{"event":"done"}"#), Event::Done { step: None });
        assert_eq!(event(r#"{"event":"done","step":3.0}"#), Event::Done { step: Some(3) });
        assert_eq!(event(r#"{"event":"infeasible","reason":null}"#), Event::Infeasible { reason: String::new() });
        let event = event(r#"{"event":"infeasible","reason":"NaN \" NaN","loss":nan}"#);
        assert_eq!(event, Event::Infeasible { reason: "NaN \" NaN".into() });
    }

    #[test]
    fn an_unknown_event_is_another_one() {
        assert_eq!(event(r#"{"event":"profile","step":"x"}"#), Event::Other { name: "profile".into() });
        assert_eq!(event(r#"{"event":"Done"}"#), Event::Other { name: "Done".into() });
    }

    /// F-009: every field of every known event, with every kind of value that it can't hold.
    #[test]
    fn a_known_event_with_a_wrong_field_is_malformed() {
        let words = ["7", "[]", "{}", "true", "NaN"];
        let whole = ["\"12\"", "[3]", "{}", "true", "-1", "1.5", "NaN", "1e300"];
        let fields: [(&str, &str, &[&str]); 8] = [
            ("init", "parameters_sha256", &words),
            ("init", "init_seed", &whole),
            ("init", "data_seed", &whole),
            ("init", "restored_step", &whole),
            ("checkpoint", "step", &whole),
            ("checkpoint", "parameters_sha256", &words),
            ("infeasible", "reason", &words),
            ("done", "step", &whole),
        ];
        for (name, field, values) in fields {
            let others = if (name, field) == ("checkpoint", "parameters_sha256") { r#","step":1"# } else { "" };
            for value in values {
                let line = format!(r#"{{"event":"{name}","{field}":{value}{others}}}"#);
                match parse(&line) {
                    Err(LineError::EventField { event, field: wrong, .. }) => {
                        assert_eq!((event.as_str(), wrong), (name, field), "{line}");
                    }
                    other => panic!("{line}: {other:?}"),
                }
            }
            let null = parse(&format!(r#"{{"event":"{name}","{field}":null{others}}}"#));
            assert_eq!(null.is_err(), (name, field) == ("checkpoint", "step"), "{name} {field}: {null:?}");
        }
        assert_eq!(event(r#"{"event":"init"}"#), Event::Init(Init::default()));
        assert_eq!(parse(r#"{"event":3,"step":1}"#), Err(LineError::NoStep));
    }

    #[test]
    fn half_a_line_is_named_as_such() {
        for half in [
            r#"{"step":10,"train_lo"#,
            r#"{"step":10,"train_loss":nan"#,
            "",
            "nonsense",
            "[1]",
            r#"{"step":-1}"#,
            r#"{"step":1.5}"#,
            r#"{"step":null}"#,
            r#"{"step":NaN}"#,
            r#"{"step":true}"#,
            r#"{"train_loss":1}"#,
            r#"{"step":18446744073709551615}"#,
        ] {
            assert!(parse(half).is_err(), "{half}");
        }
        let long = format!("{{\"step\":1,\"x\":{}}}", "1".repeat(MAX_LINE_BYTES));
        assert_eq!(parse(&long), Err(LineError::TooLong));
    }
}
