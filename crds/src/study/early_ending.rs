//! Ending poor trials before their last step.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// End trials early that fall behind the others of their round. Off unless given: the playbook prefers that trials run to
/// their end, since the order of trials in the middle of training is often not their order at its end.
///
/// Trials are compared with those of their own round alone, in a `Crossed` study with those of their own scientific
/// configuration alone, at the same step. No trial is stopped in its learning-rate warmup, none of the round `retrain`,
/// and none before `fromStep`.
#[derive(KubeSchema, Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.minTrials) || self.rule == 'Median'")
        .message("belongs to the rule Median: remove it").field_path(".minTrials"),
    validation = Rule::new("!has(self.reductionFactor) || self.rule == 'SuccessiveHalving'")
        .message("belongs to the rule SuccessiveHalving: remove it").field_path(".reductionFactor"),
)]
pub struct EarlyEnding {
    /// By which rule.
    pub rule: EarlyEndingRule,
    /// No trial is stopped before this training step. `SuccessiveHalving` compares first at this step. Unless given, a
    /// tenth of the round's `maxTrainSteps` for `Median` and half of them for `SuccessiveHalving`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub from_step: Option<u64>,
    /// Of `Median`: how many other trials there must be to compare with; 5 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub min_trials: Option<u32>,
    /// Of `SuccessiveHalving`: one in so many trials continues after each comparison, and the next one comes after so many
    /// times the steps; 2 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 16))]
    pub reduction_factor: Option<u32>,
}

/// Rules that end poor trials.
#[derive(Clone, Copy, Debug, Deserialize, Eq, schemars::JsonSchema, PartialEq, Serialize)]
pub enum EarlyEndingRule {
    /// Its best evaluation is worse than the median of the others' running averages up to the same step (Golovin et al.
    /// 2017, the rule of Google Vizier).
    Median,
    /// At each of a few steps, further and further apart, only the best share of the trials that have come so far continues:
    /// asynchronous successive halving in its stopping form (Li et al. 2020).
    SuccessiveHalving,
}

impl EarlyEnding {
    /// Other trials there must be to compare with.
    pub const MIN_TRIALS: u32 = 5;
    /// One in so many continues.
    pub const REDUCTION_FACTOR: u32 = 2;
    /// `minTrials`, or what it is unless given.
    #[must_use]
    pub fn min_trials(&self) -> u32 {
        self.min_trials.unwrap_or(Self::MIN_TRIALS)
    }

    /// `reductionFactor`, or what it is unless given.
    #[must_use]
    pub fn reduction_factor(&self) -> u32 {
        self.reduction_factor.unwrap_or(Self::REDUCTION_FACTOR).max(2)
    }

    /// `fromStep`, or what it is unless given, in a round of so many training steps.
    #[must_use]
    pub fn from_step(&self, max_train_steps: u64) -> u64 {
        let share = match self.rule {
            EarlyEndingRule::Median => 10,
            EarlyEndingRule::SuccessiveHalving => 2,
        };
        self.from_step.unwrap_or_else(|| max_train_steps.div_ceil(share)).max(1)
    }
}
