//! Bounds on metrics other than the objective.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A bound on another metric, say `latency_ms` of at most 20. It is judged where the trial is: at the step of the evaluation
/// that is its objective, by the metric's latest value up to that step. A trial that violates it is a result like any
/// other, and not infeasible, but it is not the best trial. One that never reported the metric counts as violating it.
#[derive(KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.max) || has(self.min)").message("give max, min or both").field_path(".metric"),
    validation = Rule::new("!has(self.max) || !has(self.min) || self.min <= self.max")
        .message("must not be larger than max").field_path(".min"),
)]
pub struct Constraint {
    /// The metric, as host 0 writes it.
    #[schemars(length(min = 1, max = 128))]
    pub metric: String,
    /// It must not be larger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// It must not be smaller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
}

/// How a trial stands to a study's constraints.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstraintStatus<'a> {
    /// It satisfies them all, or there are none.
    Satisfied,
    /// It violates these.
    Violated(Vec<&'a Constraint>),
    /// It violates none that is known, and never reported the metrics of these.
    Unknown(Vec<&'a Constraint>),
}

impl ConstraintStatus<'_> {
    /// Whether it satisfies all constraints for certain.
    #[must_use]
    pub fn is_satisfied(&self) -> bool {
        *self == Self::Satisfied
    }
}

impl Constraint {
    /// Whether a value satisfies it. One that isn't a number doesn't.
    #[must_use]
    pub fn allows(&self, value: f64) -> bool {
        self.max.is_none_or(|max| value <= max) && self.min.is_none_or(|min| value >= min) && !value.is_nan()
    }

    /// How a trial stands whose metrics had these values at its objective's step.
    #[must_use]
    pub fn judge<'a>(constraints: &'a [Self], metrics: &BTreeMap<String, f64>) -> ConstraintStatus<'a> {
        Self::judge_by(constraints, |metric| metrics.get(metric).copied())
    }

    /// As [`Constraint::judge`], by what gives the value of a metric.
    #[must_use]
    pub fn judge_by(constraints: &[Self], metric: impl Fn(&str) -> Option<f64>) -> ConstraintStatus<'_> {
        let value = |constraint: &Self| metric(&constraint.metric);
        let violated: Vec<_> = constraints.iter().filter(|c| value(c).is_some_and(|x| !c.allows(x))).collect();
        if !violated.is_empty() {
            return ConstraintStatus::Violated(violated);
        }
        let unknown: Vec<_> = constraints.iter().filter(|c| value(c).is_none()).collect();
        if unknown.is_empty() { ConstraintStatus::Satisfied } else { ConstraintStatus::Unknown(unknown) }
    }
}

impl std::fmt::Display for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, "{min} <= {} <= {max}", self.metric),
            (None, Some(max)) => write!(f, "{} <= {max}", self.metric),
            (Some(min), None) => write!(f, "{} >= {min}", self.metric),
            (None, None) => write!(f, "{}", self.metric),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_that_was_never_reported_is_unknown_unless_another_is_violated() {
        let constraints: Vec<Constraint> =
            serde_yaml::from_str("[{metric: latency_ms, max: 20}, {metric: recall, min: 0.9}]").unwrap();
        let judge = |pairs: &[(&str, f64)]| {
            let metrics = pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            match Constraint::judge(&constraints, &metrics) {
                ConstraintStatus::Satisfied => "satisfied".to_owned(),
                ConstraintStatus::Violated(which) => format!("violated {}", which[0]),
                ConstraintStatus::Unknown(which) => format!("unknown {}", which[0]),
            }
        };
        assert_eq!(judge(&[("latency_ms", 20.0), ("recall", 0.9)]), "satisfied");
        assert_eq!(judge(&[("latency_ms", 20.1), ("recall", 0.95)]), "violated latency_ms <= 20");
        assert_eq!(judge(&[("latency_ms", f64::NAN), ("recall", 0.95)]), "violated latency_ms <= 20");
        assert_eq!(judge(&[("latency_ms", 12.0)]), "unknown recall >= 0.9");
        assert_eq!(judge(&[("recall", 0.5)]), "violated recall >= 0.9");
    }
}
