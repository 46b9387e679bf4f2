//! Values of hyperparameters.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// All active hyperparameters of a trial by name: a point of the search space.
pub type Hyperparameters = BTreeMap<String, HyperparameterValue>;

/// One value: a truth value, an integer, a real number or a name.
///
/// The API server writes `1.0` as `1`, so an integer and a real number of the same value are equal.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum HyperparameterValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A real number.
    Number(f64),
    /// A name, such as that of an optimizer.
    Text(String),
}

impl HyperparameterValue {
    /// The value as a real number, if it is one.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(i) => Some(*i as f64),
            Self::Number(x) => Some(*x),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }

    /// The name, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bool(_) | Self::Integer(_) | Self::Number(_) => None,
        }
    }
}

/// Lists, mappings and nothing read as NaN, which validation refuses: one odd object that slipped past the API server (its
/// schema can't say what this type holds) must not keep the operator from reading all others.
impl<'de> Deserialize<'de> for HyperparameterValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Bool(b) => Self::Bool(b),
            serde_json::Value::String(s) => Self::Text(s),
            serde_json::Value::Number(n) => match n.as_i64() {
                Some(i) => Self::Integer(i),
                None => Self::Number(n.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                Self::Number(f64::NAN)
            }
        })
    }
}

impl PartialEq for HyperparameterValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            _ => matches!((self.as_f64(), other.as_f64()), (Some(a), Some(b)) if a == b),
        }
    }
}

/// As it stands in a table, in `HP_<NAME>` and in messages. Real numbers print the shortest digits that read back.
impl fmt::Display for HyperparameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => b.fmt(f),
            Self::Integer(i) => i.fmt(f),
            // `{:?}` switches to exponents where `{}` would print a row of zeros.
            Self::Number(x) if *x != 0.0 && (x.abs() < 1e-4 || x.abs() >= 1e16) => write!(f, "{x:e}"),
            Self::Number(x) => x.fmt(f),
            Self::Text(s) => s.fmt(f),
        }
    }
}

impl From<f64> for HyperparameterValue {
    fn from(x: f64) -> Self {
        Self::Number(x)
    }
}

impl From<i64> for HyperparameterValue {
    fn from(i: i64) -> Self {
        Self::Integer(i)
    }
}

impl From<bool> for HyperparameterValue {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<&str> for HyperparameterValue {
    fn from(s: &str) -> Self {
        Self::Text(s.to_owned())
    }
}

// A structural schema has no word for "string, number or boolean"; the type is checked by `validate`.
impl JsonSchema for HyperparameterValue {
    fn schema_name() -> Cow<'static, str> {
        "HyperparameterValue".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "x-kubernetes-preserve-unknown-fields": true })
    }
}
