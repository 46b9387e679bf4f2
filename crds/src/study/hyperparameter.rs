//! Hyperparameters: role, condition, range.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use studious_rules::registry::{HyperparameterCategory, STEP_BUDGET};

use super::ParentValues;
use crate::HyperparameterValue;

/// One dimension of the study, one value held fixed, or one worked out. Exactly one of `range`, `values`, `value` and
/// `expression` is given.
#[derive(KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
// That exactly one of the three is given is said by `oneOf`, see `crd`: CEL can't see fields without a type.
#[x_kube(
    validation = Rule::new("!has(self.range) || self.role != 'Fixed'")
        .message("a Fixed hyperparameter is held at one value: give value instead of range").field_path(".range"),
    validation = Rule::new(no_step_budget())
        .message("can't be searched: all trials of a round train for the round's maxTrainSteps").field_path(".name"),
)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Hyperparameter {
    /// The name that trainers see; `HP_<NAME>` in the environment.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub name: String,
    /// Its name in the program, in imported files and in exported tables, where that is not an identifier, such as `optim.lr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9_./:\[\]-]*$"))]
    pub alias: Option<String>,
    /// Scientific: its effect is the question. Nuisance: tuned over, to compare fairly. Fixed: held. Derived: worked out from
    /// others.
    #[serde(default)]
    pub role: Role,
    /// Exists only when each hyperparameter named here has one of the given values, as a list, or a number between the given
    /// ends: `min` and `max`, or without the end itself `above` and `below`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 8))]
    pub when: Option<BTreeMap<String, ParentValues>>,
    /// An interval to search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// A list of values to choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub values: Option<Vec<HyperparameterValue>>,
    /// How a `Derived` hyperparameter is worked out from others, such as `effective_rate * (1 - momentum)`: numbers, names,
    /// `+ - * / % **`, parentheses and `abs ceil exp floor log log10 log2 max min round sqrt`. It exists where all that it
    /// names exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub expression: Option<String>,
    /// The one value of a `Fixed` hyperparameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<HyperparameterValue>,
    /// What kind of choice it is, where its name doesn't say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<HyperparameterCategory>,
    /// What it is among the hyperparameters that Studious knows, where its name doesn't say so: such as `learning_rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub known_as: Option<String>,
    /// The optimizer of which it is a hyperparameter, where neither its name nor its condition says so: such as `adam`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub optimizer_of: Option<String>,
    /// Why it isn't tuned: printed as a caveat with every conclusion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub fixed_because: Option<String>,
}

/// In CEL, that no step budget goes by the name. The webhook sees names in which other words stand around it.
fn no_step_budget() -> String {
    let spellings: Vec<_> = STEP_BUDGET.spellings().collect();
    format!("!self.name.lowerAscii().replace('_', '').matches('^({})$')", spellings.join("|"))
}

impl Hyperparameter {
    /// One of which nothing but its name and role is known yet.
    #[must_use]
    pub fn named(name: &str, role: Role) -> Self {
        Self {
            name: name.to_owned(),
            alias: None,
            role,
            when: None,
            range: None,
            values: None,
            expression: None,
            value: None,
            category: None,
            known_as: None,
            optimizer_of: None,
            fixed_because: None,
        }
    }

    /// What the program calls it: the alias, or else the name.
    #[must_use]
    pub fn program_name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

/// The name of the hyperparameter that has this name or, if none has, this alias.
#[must_use]
pub fn name_of<'a>(hyperparameters: &'a [Hyperparameter], word: &str) -> Option<&'a str> {
    let by = |is_it: &dyn Fn(&Hyperparameter) -> bool| hyperparameters.iter().find(|h| is_it(h));
    by(&|h| h.name == word).or_else(|| by(&|h| h.alias.as_deref() == Some(word))).map(|h| h.name.as_str())
}

/// What a hyperparameter is to the question of a study.
///
/// Playbook: "Identifying scientific, nuisance, and fixed hyperparameters". Nuisance unless said otherwise.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Role {
    /// Its effect on the objective is what the study measures.
    Scientific,
    /// Optimised over, so that scientific values are compared fairly.
    #[default]
    Nuisance,
    /// Held; conclusions hold for that value only.
    Fixed,
    /// Worked out from others, which are searched in its place (Playbook: "Extracting insight from experimental results": reparameterizing the search space).
    Derived,
}

/// An interval, both ends included.
#[derive(KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.min < self.max").message("must be smaller than max").field_path(".min"),
    validation = Rule::new("!has(self.scale) || self.scale != 'Log' || self.min > 0.0")
        .message("must be larger than 0 for scale Log").field_path(".min"),
    validation = Rule::new("!has(self.scale) || self.scale != 'ReverseLog' || (self.min >= 0.0 && self.max < 1.0)")
        .message("scale ReverseLog searches 1 - x in log: it needs 0 <= min and max < 1"),
    validation = Rule::new("!has(self.integer) || !self.integer || (self.min == double(int(self.min)) && self.max == double(int(self.max)))")
        .message("integer is true, so min and max must be whole numbers"),
)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Range {
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// In which scale points are spread evenly.
    #[serde(default)]
    pub scale: Scale,
    /// Whole numbers only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub integer: bool,
}

/// The scale in which a range is searched.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Scale {
    /// As it is.
    #[default]
    Linear,
    /// Logarithm of the value.
    Log,
    /// Logarithm of one minus the value: for momentum and the like, close to 1.
    ReverseLog,
}

/// Whole numbers of a range that are gone through one by one where conditions name it.
const SHORTEST_LONG_RANGE: f64 = 256.0;

impl Range {
    /// Whether it has so few values that they are gone through one by one where conditions name it.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.integer && self.max - self.min < SHORTEST_LONG_RANGE
    }

    /// Whether a number is one of its values.
    #[must_use]
    pub fn has(&self, x: f64) -> bool {
        x >= self.min && x <= self.max && (!self.integer || x.fract() == 0.0)
    }
}

impl Scale {
    /// Whether a range from `min` to `max` can be searched in this scale.
    #[must_use]
    pub fn holds(self, min: f64, max: f64) -> bool {
        match self {
            Self::Linear => true,
            Self::Log => min > 0.0,
            Self::ReverseLog => min >= 0.0 && max < 1.0,
        }
    }
}
