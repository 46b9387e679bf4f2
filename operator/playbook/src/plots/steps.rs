//! Training steps along an axis.

use std::{fmt, str::FromStr};

use serde_json::{Value, json};

use super::scale;
use crate::record::Curve;

/// How training steps are laid out along the axis of curves.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum StepAxis {
    /// Each step as wide as any other.
    #[default]
    Linear,
    /// In log scale, which shows what happens at the beginning, such as during warmup. A measurement at step 0, before any
    /// training, has no place there.
    Log,
}

impl fmt::Display for StepAxis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linear => "linear",
            Self::Log => "log",
        })
    }
}

impl FromStr for StepAxis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "linear" => Ok(Self::Linear),
            "log" => Ok(Self::Log),
            other => Err(format!("unknown scale `{other}`; expected linear or log")),
        }
    }
}

impl StepAxis {
    /// The part of a curve that has a place on the axis.
    pub(super) fn shown(self, curve: &Curve) -> &[(u64, f64)] {
        match self {
            Self::Linear => curve,
            Self::Log => &curve[curve.partition_point(|(step, _)| *step == 0)..],
        }
    }

    /// The channel `x` of these curves: up to the step budget, where there is one, or to the last step that was measured.
    pub(super) fn channel<'a>(self, curves: impl Iterator<Item = &'a Curve>, budget: Option<u64>) -> Value {
        let ends = |curve: &'a Curve| {
            let shown = self.shown(curve);
            Some((shown.first()?.0, shown.last()?.0))
        };
        let (first, last) = curves.filter_map(ends).fold((u64::MAX, 0), |(a, b), (from, to)| (a.min(from), b.max(to)));
        let last = budget.unwrap_or(last);
        match self {
            Self::Log if first < last => json!({
                "field": "step", "type": "quantitative",
                "scale": { "type": "log", "domain": [first, last], "nice": false },
                "axis": {
                    "title": "training step (log scale)", "values": scale::ticks(first as f64, last as f64),
                    "format": "~s", "labelOverlap": "greedy",
                },
            }),
            _ => {
                let scale = match budget {
                    Some(budget) => json!({ "domain": [0, budget], "nice": false }),
                    None => json!({ "nice": false, "zero": false }),
                };
                json!({
                    "field": "step", "type": "quantitative", "scale": scale,
                    "axis": { "title": "training step", "format": "~s", "tickCount": 6 },
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_axis_begins_at_the_first_step_that_was_trained() {
        let curve: Curve = vec![(0, 9.0), (5, 3.0), (400, 1.0)];
        let channel = |axis: StepAxis, budget| axis.channel([&curve].into_iter(), budget)["scale"].clone();
        assert_eq!(StepAxis::Log.shown(&curve), &curve[1..]);
        assert_eq!(channel(StepAxis::Log, Some(500)), json!({ "type": "log", "domain": [5, 500], "nice": false }));
        assert_eq!(channel(StepAxis::Log, None)["domain"], json!([5, 400]));
        assert_eq!(channel(StepAxis::Linear, Some(500))["domain"], json!([0, 500]));
        // One step has no extent in log scale.
        assert_eq!(StepAxis::Log.channel([&vec![(5, 1.0)]].into_iter(), None)["axis"]["title"], "training step");
        for axis in [StepAxis::Linear, StepAxis::Log] {
            assert_eq!(axis.to_string().parse(), Ok(axis));
        }
        assert!("ln".parse::<StepAxis>().is_err());
    }
}
