//! Conditions of hyperparameters: which values of another one they ask for.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Range;
use crate::HyperparameterValue;

/// The values of a hyperparameter for which another one exists.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum ParentValues {
    /// Any of these: `[adam, adamw]`.
    Listed(Vec<HyperparameterValue>),
    /// Every number between these ends: `{min: 4}`.
    Between(ParentInterval),
    /// Neither: what stands there, which validation refuses. One odd object that slipped past the API server (its schema
    /// can't say what this type holds) must not keep the operator from reading all others.
    #[cfg_attr(feature = "typescript", ts(skip))]
    Unreadable(Value),
}

/// An interval of numbers, open where an end is missing.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct ParentInterval {
    /// At least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// At most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// More than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// Less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

impl ParentValues {
    /// Whether a value is one of them.
    #[must_use]
    pub fn allow(&self, value: &HyperparameterValue) -> bool {
        match self {
            Self::Listed(values) => values.contains(value),
            Self::Between(interval) => value.as_f64().is_some_and(|x| interval.contains(x)),
            Self::Unreadable(_) => false,
        }
    }

    /// Whether a range that is searched has one of them.
    #[must_use]
    pub fn allow_some_of(&self, range: &Range) -> bool {
        match self {
            Self::Listed(values) => values.iter().filter_map(HyperparameterValue::as_f64).any(|x| range.has(x)),
            Self::Between(interval) => interval.overlap(range) != Overlap::Nothing,
            Self::Unreadable(_) => false,
        }
    }

    /// The values that are listed; none of an interval.
    #[must_use]
    pub fn listed(&self) -> &[HyperparameterValue] {
        match self {
            Self::Listed(values) => values,
            Self::Between(_) | Self::Unreadable(_) => &[],
        }
    }

    /// Numbers at which it may begin or cease to allow, in no order.
    pub(crate) fn ends(&self) -> Vec<f64> {
        match self {
            Self::Listed(values) => values.iter().filter_map(HyperparameterValue::as_f64).collect(),
            Self::Between(i) => [i.min, i.max, i.above, i.below].into_iter().flatten().collect(),
            Self::Unreadable(_) => Vec::new(),
        }
    }

    /// Behind the name of the hyperparameter, in a sentence: `momentum or nesterov`, `at least 4`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Listed(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "),
            Self::Between(interval) => interval.words(),
            Self::Unreadable(value) => value.to_string(),
        }
    }

    /// With the name of the hyperparameter, in a label: `optimizer=adam|adamw`, `4<=layers<=8`.
    #[must_use]
    pub fn label(&self, name: &str) -> String {
        match self {
            Self::Listed(values) => {
                let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                format!("{name}={}", values.join("|"))
            }
            Self::Between(interval) => interval.label(name),
            Self::Unreadable(value) => format!("{name}={value}"),
        }
    }
}

/// What an interval and a range that is searched have in common.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Overlap {
    /// No value.
    Nothing,
    /// One real number, which hardly any point has.
    OneNumber,
    /// Several real numbers, or whole ones.
    Numbers,
}

impl ParentInterval {
    /// Whether a number lies in it.
    #[must_use]
    pub fn contains(&self, x: f64) -> bool {
        self.min.is_none_or(|min| x >= min)
            && self.max.is_none_or(|max| x <= max)
            && self.above.is_none_or(|above| x > above)
            && self.below.is_none_or(|below| x < below)
    }

    pub(crate) fn overlap(&self, range: &Range) -> Overlap {
        let low = [self.min, self.above].into_iter().flatten().fold(range.min, f64::max);
        let high = [self.max, self.below].into_iter().flatten().fold(range.max, f64::min);
        if range.integer {
            // The whole numbers next to the ends: an open end leaves out the first.
            let low = if self.contains(low.ceil()) { low.ceil() } else { low.floor() + 1.0 };
            return if self.contains(low) && low <= range.max { Overlap::Numbers } else { Overlap::Nothing };
        }
        match low.partial_cmp(&high) {
            Some(std::cmp::Ordering::Less) => Overlap::Numbers,
            Some(std::cmp::Ordering::Equal) if self.contains(low) => Overlap::OneNumber,
            _ => Overlap::Nothing,
        }
    }

    fn words(&self) -> String {
        let say = |x: f64| HyperparameterValue::from(x).to_string();
        if let (Some(min), Some(max), None, None) = (self.min, self.max, self.above, self.below) {
            return format!("from {} to {}", say(min), say(max));
        }
        let parts = [("at least", self.min), ("above", self.above), ("at most", self.max), ("below", self.below)];
        let parts: Vec<_> = parts.into_iter().filter_map(|(word, end)| Some(format!("{word} {}", say(end?)))).collect();
        parts.join(" and ")
    }

    fn label(&self, name: &str) -> String {
        let say = |x: f64| HyperparameterValue::from(x).to_string();
        let low = self.min.map(|x| (x, ">=", "<=")).or(self.above.map(|x| (x, ">", "<")));
        let high = self.max.map(|x| (x, "<=")).or(self.below.map(|x| (x, "<")));
        match (low, high) {
            (Some((low, _, before)), Some((high, after))) => format!("{}{before}{name}{after}{}", say(low), say(high)),
            (Some((low, sign, _)), None) => format!("{name}{sign}{}", say(low)),
            (None, Some((high, sign))) => format!("{name}{sign}{}", say(high)),
            (None, None) => name.to_owned(),
        }
    }
}

impl From<Vec<HyperparameterValue>> for ParentValues {
    fn from(values: Vec<HyperparameterValue>) -> Self {
        Self::Listed(values)
    }
}

impl<'de> Deserialize<'de> for ParentValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(match &value {
            Value::Array(values) => {
                let read = |v: &Value| serde_json::from_value(v.clone());
                Self::Listed(values.iter().map(read).collect::<Result<_, _>>().map_err(serde::de::Error::custom)?)
            }
            Value::Object(_) => serde_json::from_value(value.clone()).map_or(Self::Unreadable(value), Self::Between),
            _ => Self::Unreadable(value),
        })
    }
}

// A structural schema has no word for "list or mapping"; `validate` checks it.
impl JsonSchema for ParentValues {
    fn schema_name() -> Cow<'static, str> {
        "ParentValues".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "list of values or interval of numbers", "x-kubernetes-preserve-unknown-fields": true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ParentValues {
        serde_yaml::from_str(text).unwrap()
    }

    fn range(min: f64, max: f64, integer: bool) -> Range {
        Range { min, max, scale: super::super::Scale::Linear, integer }
    }

    #[test]
    fn lists_and_intervals_are_read_and_written_alike() {
        for text in [r#"["adam",1,true]"#, r#"{"min":4.0}"#, r#"{"above":0.1,"below":0.5}"#] {
            assert_eq!(serde_json::to_string(&read(text)).unwrap(), text);
        }
    }

    #[test]
    fn what_is_neither_is_kept_as_it_stands() {
        for text in ["adam", "4", "{mni: 4}", "{min: four}", "null", "{min: 4, max: [5]}"] {
            let value = read(text);
            assert!(matches!(value, ParentValues::Unreadable(_)), "{text}: {value:?}");
            assert!(!value.allow(&4.0.into()));
        }
    }

    #[test]
    fn ends_belong_to_an_interval_unless_it_is_open_there() {
        let (closed, open) = (read("{min: 4, max: 8}"), read("{above: 4, below: 8}"));
        let inside = |of: &ParentValues| [3.9, 4.0, 6.0, 8.0, 8.1].map(|x| of.allow(&x.into()));
        assert_eq!(inside(&closed), [false, true, true, true, false]);
        assert_eq!(inside(&open), [false, false, true, false, false]);
        assert!(!closed.allow(&"6".into()) && !closed.allow(&true.into()));
        assert!(closed.allow(&6_i64.into()));
    }

    #[test]
    fn a_range_may_have_some_of_them() {
        let some = |text: &str, min: f64, max: f64, integer: bool| read(text).allow_some_of(&range(min, max, integer));
        assert!(some("{min: 4}", 1.0, 8.0, true) && some("{min: 8}", 1.0, 8.0, true));
        assert!(!some("{above: 8}", 1.0, 8.0, true) && !some("{min: 4.2, max: 4.8}", 1.0, 8.0, true));
        assert!(some("{above: 4, below: 6}", 1.0, 8.0, true) && !some("{above: 4, below: 5}", 1.0, 8.0, true));
        assert!(!some("{max: 0}", 1.0, 8.0, true) && !some("{below: 1}", 1.0, 8.0, true));
        assert!(some("{above: 4, below: 5}", 1.0, 8.0, false) && !some("{below: 1}", 1.0, 8.0, false));
        assert!(some("[1, 9]", 1.0, 8.0, true) && !some("[1.5, 9]", 1.0, 8.0, true) && !some("[]", 1.0, 8.0, true));
        let one = |text: &str| match read(text) {
            ParentValues::Between(interval) => interval.overlap(&range(1.0, 8.0, false)),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            (one("{max: 1}"), one("{min: 8}"), one("{min: 7}")),
            (Overlap::OneNumber, Overlap::OneNumber, Overlap::Numbers)
        );
    }

    #[test]
    fn they_are_said_and_labelled() {
        let said = |text: &str| (read(text).words(), read(text).label("x"));
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(said("[sgd, adam]"), pair("sgd or adam", "x=sgd|adam"));
        assert_eq!(said("{min: 4}"), pair("at least 4", "x>=4"));
        assert_eq!(said("{min: 4, max: 8}"), pair("from 4 to 8", "4<=x<=8"));
        assert_eq!(said("{above: 0.1, max: 0.5}"), pair("above 0.1 and at most 0.5", "0.1<x<=0.5"));
        assert_eq!(said("{below: 1e-5}"), pair("below 1e-5", "x<1e-5"));
    }
}
