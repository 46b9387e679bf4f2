//! A study explained before it costs anything: what it asks and what would answer that, which points it tries and how much
//! of each dimension an arm sees, what it costs, how its budget is split, and what its findings could see.
//!
//! Playbook: "Choosing the goal for the next round of experiments", "Designing the next round of experiments", "Striking a
//! balance between informative and affordable experiments".

mod balance;
mod cost;
mod coverage;
mod question;
mod step_time;
mod text;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::{
    balance::{Balance, Desideratum, Want},
    cost::{Accelerators, Cost, RoundCost},
    coverage::{ArmCoverage, Coverage, DimensionCoverage, Gap},
    question::{QuestionKind, StudyQuestion},
    step_time::StepTime,
};
use crate::{
    Plan,
    findings::detectable::{Detectable, detectable},
    search::constrained,
};

/// A study explained.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Design {
    /// What it asks.
    pub question: StudyQuestion,
    /// Which part of the space it sees; missing while its points are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// Which points its constraints between hyperparameters allow; missing without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<AllowedPoints>,
    /// How its trials are split.
    pub balance: Balance,
    /// What it costs.
    pub cost: Cost,
    /// What its findings could see; missing where that is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detectable: Option<Detectable>,
    /// Why it is unknown what its findings could see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undetermined: Option<String>,
}

/// The points that constraints between hyperparameters allow.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AllowedPoints {
    /// The constraints, as the study has them.
    pub constraints: Vec<String>,
    /// The share of the space that they allow, to about 0.01.
    pub share: f64,
}

impl AllowedPoints {
    fn of(plan: &Plan) -> Option<Self> {
        let constraints: Vec<String> = plan.space().constraints().iter().map(ToString::to_string).collect();
        let share = constrained::share(plan)?;
        let is_whole = plan.space().constraints().is_empty() && share >= 1.0;
        (!is_whole).then_some(Self { constraints, share })
    }
}

impl Design {
    /// Explains a study. `step_time` is what a training step takes, as far as that was measured.
    #[must_use]
    pub fn of(plan: &Plan, step_time: Option<StepTime>) -> Self {
        let coverage = Coverage::of(plan);
        let (detectable, undetermined) = match detectable(plan) {
            Ok(detectable) => (Some(detectable), None),
            Err(why) => (None, Some(why.to_string())),
        };
        Self {
            question: StudyQuestion::of(plan),
            balance: Balance::of(plan, coverage.as_ref()),
            coverage,
            allowed: AllowedPoints::of(plan),
            cost: Cost::of(plan, step_time),
            detectable,
            undetermined,
        }
    }
}

#[cfg(test)]
mod tests;
