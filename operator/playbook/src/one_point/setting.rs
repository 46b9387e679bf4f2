//! A value that is given by hand: `learning_rate=0.1`.

use std::str::FromStr;

use studious_api::{
    HyperparameterValue,
    study::Hyperparameter,
    validate::{Violation, domain_in_words},
};

/// A hyperparameter, by its name or alias, and the value that it is to have, as text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setting {
    /// The name or alias.
    pub name: String,
    /// The value.
    pub text: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
                Ok(Self { name: name.trim().to_owned(), text: value.trim().to_owned() })
            }
            _ => Err("expected NAME=VALUE, such as learning_rate=0.1".to_owned()),
        }
    }
}

impl Setting {
    /// That it breaks a rule.
    pub(super) fn violation(&self, rule: impl Into<String>, fix: impl Into<String>) -> Violation {
        let (rule, fix) = (rule.into(), fix.into());
        Violation { field: format!("--set {}", self.name), value: self.text.clone(), rule, fix, code: None }
    }

    /// The value as one of a hyperparameter: a number where that has numbers, a name where it has names.
    ///
    /// # Errors
    /// When the value is of another kind than those of the hyperparameter.
    pub(super) fn read(&self, h: &Hyperparameter) -> Result<HyperparameterValue, Violation> {
        if let Some(known) = h.listed().find(|value| value.to_string() == self.text) {
            return Ok(known.clone());
        }
        let has = |is: fn(&HyperparameterValue) -> bool| h.listed().any(is);
        let number = number(&self.text).filter(|_| h.range.is_some() || has(|value| value.as_f64().is_some()));
        let whole = h.range.as_ref().is_some_and(|range| range.integer);
        let read = match (number, self.text.parse::<bool>()) {
            (Some(HyperparameterValue::Number(x)), _) if whole => whole_number(x),
            (Some(number), _) => Some(number),
            (None, Ok(truth)) if has(|value| matches!(value, HyperparameterValue::Bool(_))) => Some(truth.into()),
            (None, _) if has(|value| value.as_text().is_some()) => Some(self.text.as_str().into()),
            _ => None,
        };
        read.ok_or_else(|| {
            let rule = if whole {
                "must be a whole number"
            } else if h.range.is_some() || has(|value| value.as_f64().is_some()) {
                "must be a number"
            } else {
                "must be true or false"
            };
            self.violation(rule, format!("Give {}.", domain_in_words(h)))
        })
    }
}

/// `3`, `0.1` or `1e-3`; not `nan` and `inf`.
fn number(text: &str) -> Option<HyperparameterValue> {
    let whole = text.parse::<i64>().ok().map(HyperparameterValue::from);
    whole.or_else(|| text.parse::<f64>().ok().filter(|x| x.is_finite()).map(HyperparameterValue::from))
}

/// `1e3` is a whole number.
fn whole_number(x: f64) -> Option<HyperparameterValue> {
    /// Beyond it a real number doesn't hold every whole one.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    // Whole, and too small to be cut.
    #[allow(clippy::cast_possible_truncation)]
    (x.fract() == 0.0 && x.abs() <= LARGEST).then_some(HyperparameterValue::Integer(x as i64))
}
