//! Objective, search and schedule.

use std::{cmp::Ordering, collections::BTreeMap};

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Hyperparameters;

/// The measured quantity by which trials are judged: a metric of the validation set.
#[derive(KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!self.metric.lowerAscii().matches('(^|[^a-z0-9])test([^a-z0-9]|$)')")
    .message("a metric of the test set can't be the objective: choosing trials by it would use the test set up")
    .field_path(".metric"))]
pub struct Objective {
    /// Name in `metrics.jsonl`, on host 0.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z_][A-Za-z0-9_./-]*$"))]
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
    /// Which evaluation of a trial counts.
    #[serde(default)]
    pub select: Select,
    /// What a model that has learned nothing gets, such as 0.9 for the error of ten classes that are equally frequent. A
    /// trial that is hardly better counts as infeasible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Direction {
    /// Smaller is better: errors, losses.
    Minimize,
    /// Larger is better: accuracies.
    Maximize,
}

impl Direction {
    /// Whether `a` is strictly better than `b`.
    #[must_use]
    pub fn better(self, a: f64, b: f64) -> bool {
        match self {
            Self::Minimize => a < b,
            Self::Maximize => a > b,
        }
    }

    /// Which of two comes first where the best stands in front; the better one is [`Ordering::Less`]. A value that is not a
    /// number equals every other.
    #[must_use]
    pub fn best_first(self, a: f64, b: f64) -> Ordering {
        if self.better(a, b) {
            Ordering::Less
        } else if self.better(b, a) {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    }
}

/// Which evaluation is a trial's result.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Select {
    /// The best over the course of training (retrospective checkpoint selection).
    #[default]
    Best,
    /// The last one.
    Final,
}

/// How points are chosen.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
// Which points are listed is not CEL's to see: their schema has no type. The webhook checks them.
#[x_kube(
    validation = Rule::new("!has(self.grid) || self.algorithm == 'Grid'")
        .message("says how a Grid divides ranges: set algorithm to Grid, or remove it").field_path(".grid"),
    validation = Rule::new("!has(self.pointsFrom) || self.algorithm == 'Manual'")
        .message("names the points of a Manual search: set algorithm to Manual, or remove it").field_path(".pointsFrom"),
    validation = Rule::new("!has(self.startFrom) || self.algorithm == 'Bayesian'")
        .message("names studies whose results a Bayesian search starts from: set algorithm to Bayesian, or remove it")
        .field_path(".startFrom"),
)]
pub struct Search {
    /// Quasi-random unless said otherwise: the playbook's choice for exploration.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// How scientific hyperparameters share the trials.
    #[serde(default)]
    pub scientific: Scientific,
    /// The same seed gives the same points everywhere and for ever.
    #[serde(default)]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub seed: u64,
    /// How a `Grid` divides ranges. Listed values are all tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<Grid>,
    /// The points of a `Manual` search, in the order in which they are tried. Each gives every hyperparameter that exists
    /// at it; `Fixed` ones may be left out. Points may be added to a study that runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub points: Vec<Hyperparameters>,
    /// Another study whose points a `Manual` search tries. They are taken once, when this study begins and that one has
    /// ended; each must be one of this study's space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_from: Option<PointsFrom>,
    /// Studies whose results a `Bayesian` search starts from, beside those of this study: of the same objective, where the
    /// spaces overlap. May be changed while the study runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub start_from: Vec<StartFrom>,
    /// End poor trials early. Off unless given: the playbook prefers to run to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_ending: Option<super::EarlyEnding>,
}

/// The rule by which points are chosen.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Algorithm {
    /// Shifted, scrambled Halton sequence.
    #[default]
    QuasiRandom,
    /// Independent uniform points. In a `Sampled` study scientific values are shared out evenly all the same.
    Random,
    /// Every combination of listed values and of the levels of ranges, in an order whose beginning is spread out. For one
    /// or two dimensions.
    Grid,
    /// Points listed by hand, or another study's.
    Manual,
    /// Gaussian-process search, for exploitation.
    Bayesian,
}

/// How a grid divides ranges: evenly in their scale, both ends among the levels.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grid {
    /// Levels of every range; 1 is its middle. A range of fewer whole numbers has as many levels as numbers, and one that
    /// conditions name has all of its numbers.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 256))]
    pub levels: u32,
    /// Levels of the ranges of some hyperparameters, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(inner(range(min = 1, max = 256)), extend("maxProperties" = 64))]
    pub levels_of: BTreeMap<String, u32>,
}

impl Default for Grid {
    fn default() -> Self {
        Self { levels: five(), levels_of: BTreeMap::new() }
    }
}

fn five() -> u32 {
    5
}

/// A study whose points are tried again in this one.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PointsFrom {
    /// Name of a study in the same namespace.
    #[schemars(length(min = 1, max = 63))]
    pub study: String,
    /// The round whose points are taken. Unless given: with `best` the last round that has results, otherwise all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub round: Option<String>,
    /// This many of its best points, the best first; the points of all its trials, in their order, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub best: Option<u32>,
}

/// How scientific hyperparameters are covered.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Scientific {
    /// Every scientific configuration gets its own equal share of the trials and the same nuisance points.
    #[default]
    Crossed,
    /// Scientific values are drawn uniformly together with the nuisance values.
    Sampled,
}

/// A study whose results inform an adaptive search.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartFrom {
    /// Name of a study in the same namespace.
    #[schemars(length(min = 1, max = 63))]
    pub study: String,
}

/// A learning-rate schedule: warmup, then constant, then decay.
#[derive(KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!(has(self.warmupFraction) && has(self.warmupSteps))")
        .message("give warmupFraction or warmupSteps, not both").field_path(".warmupSteps"),
    validation = Rule::new("!has(self.warmupFraction) || self.warmupFraction < 1.0")
        .message("must be smaller than 1: something must be left to train at the full learning rate")
        .field_path(".warmupFraction"),
    validation = Rule::new("self.family != 'Constant' || !has(self.endFactor) || self.endFactor == 0.0")
        .message("a Constant schedule doesn't decay: remove endFactor").field_path(".endFactor"),
)]
pub struct Schedule {
    /// Shape of the decay.
    pub family: ScheduleFamily,
    /// The hyperparameter that is the peak learning rate.
    #[schemars(length(min = 1, max = 63))]
    pub base: String,
    /// Share of the first round's steps spent warming up, 0 to 1. Later rounds warm up for as many steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub warmup_fraction: Option<f64>,
    /// Steps spent warming up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub warmup_steps: Option<u64>,
    /// Learning rate at the end, as a share of the peak.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub end_factor: f64,
}

// serde's `skip_serializing_if` wants a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(x: &f64) -> bool {
    *x == 0.0
}

/// Shape of the decay.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum ScheduleFamily {
    /// No decay.
    Constant,
    /// A straight line.
    Linear,
    /// Half a cosine.
    Cosine,
}
