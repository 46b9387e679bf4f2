//! Trials as data: one trial in one JSON line. Every command that reads or writes trials without a cluster speaks it,
//! so conclusions can be drawn on trials that ran anywhere.

mod code;
mod selection;
mod training;

use std::{cmp::Ordering, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use studious_api::{
    Hyperparameters,
    study::{Constraint, ConstraintStatus},
    trial::{TrialPhase, TrialSeeds},
};

use crate::{
    space::PointIdentity,
    trial::{Ranked, Reason},
};

pub use code::{CodePart, CodeParts, code_differences, code_parts, hex, template_code};
pub use selection::{CurveMetrics, CurveSelection};
pub use training::{AttemptSpan, HostInit, HostRuntime, SavedCheckpoint};

/// Evaluations of one metric: step and value, in the order of steps.
pub type Curve = Vec<(u64, f64)>;

/// One trial with what was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrialRecord {
    /// Its name, if it has one.
    pub name: String,
    /// Its round, if it has one.
    pub round: String,
    /// The point.
    pub hyperparameters: Hyperparameters,
    /// How it ended.
    pub outcome: Outcome,
    /// Metrics of host 0 by name. Non-finite values are left out: the outcome says that there were some.
    pub curves: BTreeMap<String, Curve>,
    /// Other metrics of host 0 at the step of the objective, or the latest before it, where they are known without curves:
    /// those that constraints bound.
    pub metrics: BTreeMap<String, f64>,
    /// Metrics of the other hosts by index and name.
    pub hosts: BTreeMap<u32, BTreeMap<String, Curve>>,
    /// Its attempts in the order of their numbers.
    pub attempts: Vec<AttemptSpan>,
    /// The seeds it was given.
    pub seeds: Option<TrialSeeds>,
    /// What each host reported of its beginning.
    pub inits: Vec<HostInit>,
    /// What its hosts reported that they run on: of hosts that agree, the first.
    pub runtimes: Vec<HostRuntime>,
    /// The checkpoints that were saved, in the order of saving.
    pub checkpoints: Vec<SavedCheckpoint>,
    /// What a reader of the result should know of the lines, a sentence each: what could not be read, what was left out.
    pub remarks: Vec<String>,
}

/// How a trial ended. An infeasible trial has no objective.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Outcome {
    /// Not yet.
    #[default]
    Pending,
    /// With an objective, taken at a step.
    Succeeded {
        /// The objective.
        objective: f64,
        /// The step of the evaluation that counts.
        step: Option<u64>,
    },
    /// The point can't be trained: a result.
    Infeasible {
        /// `Diverged`, `OutOfMemory` …
        reason: Reason,
    },
    /// Not the point's fault.
    Failed {
        /// `TrainerError`, `SeedMismatch` …
        reason: Reason,
    },
    /// Stopped by a rule, with the best objective so far, if any.
    Stopped {
        /// The rule.
        reason: Reason,
    },
}

impl Outcome {
    /// How a trial in a phase ended. One that succeeded has an objective: without one, its record is damaged, and it counts
    /// as failed.
    #[must_use]
    pub fn of(phase: TrialPhase, reason: Option<&Reason>, objective: Option<f64>, step: Option<u64>) -> Self {
        let reason = || reason.cloned().unwrap_or_default();
        match (phase, objective) {
            (TrialPhase::Succeeded, Some(objective)) => Self::Succeeded { objective, step },
            (TrialPhase::Succeeded, None) => Self::Failed { reason: Reason::NoObjective },
            (TrialPhase::Infeasible, _) => Self::Infeasible { reason: reason() },
            (TrialPhase::Failed, _) => Self::Failed { reason: reason() },
            (TrialPhase::Stopped, _) => Self::Stopped { reason: reason() },
            (TrialPhase::Pending | TrialPhase::Retrying | TrialPhase::Running, _) => Self::Pending,
        }
    }

    /// The phase that it belongs to. A trial that hasn't ended is pending: what it does meanwhile isn't recorded.
    #[must_use]
    pub fn phase(&self) -> TrialPhase {
        match self {
            Self::Pending => TrialPhase::Pending,
            Self::Succeeded { .. } => TrialPhase::Succeeded,
            Self::Infeasible { .. } => TrialPhase::Infeasible,
            Self::Failed { .. } => TrialPhase::Failed,
            Self::Stopped { .. } => TrialPhase::Stopped,
        }
    }
}

impl Ranked for TrialRecord {
    fn round(&self) -> &str {
        &self.round
    }

    fn phase(&self) -> TrialPhase {
        self.outcome.phase()
    }

    fn objective(&self) -> Option<f64> {
        Self::objective(self).filter(|value| value.is_finite())
    }

    fn metric(&self, name: &str) -> Option<f64> {
        Self::metric(self, name)
    }

    fn tie_break(&self, other: &Self) -> Ordering {
        self.canonical(other)
    }
}

impl TrialRecord {
    /// An order that depends on what trials are, not on the order in which they came: by name, then by point, then by what
    /// they came to.
    #[must_use]
    pub fn canonical(&self, other: &Self) -> Ordering {
        let outcome = |trial: &Self| match &trial.outcome {
            Outcome::Succeeded { objective, step } => (0, *objective, step.unwrap_or(0)),
            Outcome::Infeasible { .. } => (1, 0.0, 0),
            _ => (2, 0.0, 0),
        };
        let ((rank, objective, step), (other_rank, other_objective, other_step)) = (outcome(self), outcome(other));
        self.name
            .cmp(&other.name)
            .then_with(|| PointIdentity::of(&self.hyperparameters).cmp(&PointIdentity::of(&other.hyperparameters)))
            .then(rank.cmp(&other_rank))
            .then(objective.total_cmp(&other_objective))
            .then(step.cmp(&other_step))
    }

    /// The objective of a trial that succeeded.
    #[must_use]
    pub fn objective(&self) -> Option<f64> {
        match self.outcome {
            Outcome::Succeeded { objective, .. } => Some(objective),
            _ => None,
        }
    }

    /// A metric at the step of the objective, or its latest value before that, if it is known.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.get(name).copied().or_else(|| {
            let curve = self.curves.get(name)?;
            let Outcome::Succeeded { step, .. } = self.outcome else { return None };
            let known = step.map_or(curve.len(), |step| curve.partition_point(|(s, _)| *s <= step));
            curve[..known].last().map(|(_, value)| *value)
        })
    }

    /// How a trial that succeeded stands to a study's constraints.
    #[must_use]
    pub fn standing<'a>(&self, constraints: &'a [Constraint]) -> ConstraintStatus<'a> {
        Constraint::judge_by(constraints, |name| self.metric(name))
    }

    /// Whether a rule ended it early (`search.earlyEnding`): it trained so far, and how it would have ended isn't known.
    #[must_use]
    pub fn ended_early(&self) -> bool {
        matches!(&self.outcome, Outcome::Stopped { reason } if reason.is_early_ending())
    }

    /// Whether it is a result: an objective or infeasible.
    #[must_use]
    pub fn is_result(&self) -> bool {
        matches!(self.outcome, Outcome::Succeeded { .. } | Outcome::Infeasible { .. })
    }
}

/// The line format.
// It marks each outcome with a key of its own, so that a reader needs to know only those it asks for.
#[allow(clippy::struct_excessive_bools)]
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct TrialLine {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    round: String,
    hyperparameters: Hyperparameters,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    objective: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    infeasible: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    failed: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stopped: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pending: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    curves: BTreeMap<String, Curve>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metrics: BTreeMap<String, f64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    hosts: BTreeMap<u32, BTreeMap<String, Curve>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<AttemptSpan>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seeds: Option<TrialSeeds>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    inits: Vec<HostInit>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    runtimes: Vec<HostRuntime>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    checkpoints: Vec<SavedCheckpoint>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<String>,
}

impl Serialize for TrialRecord {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = TrialLine {
            name: self.name.clone(),
            round: self.round.clone(),
            hyperparameters: self.hyperparameters.clone(),
            objective: None,
            step: None,
            infeasible: false,
            failed: false,
            stopped: false,
            pending: false,
            reason: None,
            curves: self.curves.clone(),
            metrics: self.metrics.clone(),
            hosts: self.hosts.clone(),
            attempts: self.attempts.clone(),
            seeds: self.seeds.clone(),
            inits: self.inits.clone(),
            runtimes: self.runtimes.clone(),
            checkpoints: self.checkpoints.clone(),
            remarks: self.remarks.clone(),
        };
        match &self.outcome {
            Outcome::Pending => line.pending = true,
            Outcome::Succeeded { objective, step } => (line.objective, line.step) = (Some(*objective), *step),
            Outcome::Infeasible { reason } => (line.infeasible, line.reason) = (true, Some(reason.clone())),
            Outcome::Failed { reason } => (line.failed, line.reason) = (true, Some(reason.clone())),
            Outcome::Stopped { reason } => (line.stopped, line.reason) = (true, Some(reason.clone())),
        }
        line.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TrialRecord {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = TrialLine::deserialize(deserializer)?;
        let reason = line.reason.unwrap_or_default();
        let outcome = match (line.objective, line.infeasible, line.failed, line.stopped, line.pending) {
            (Some(objective), false, false, false, false) => Outcome::Succeeded { objective, step: line.step },
            (None, true, false, false, false) => Outcome::Infeasible { reason },
            (None, false, true, false, false) => Outcome::Failed { reason },
            (None, false, false, true, false) => Outcome::Stopped { reason },
            (None, false, false, false, _) => Outcome::Pending,
            _ => {
                return Err(serde::de::Error::custom(
                    "give one of objective, \"infeasible\":true, \"failed\":true, \"stopped\":true and \"pending\":true",
                ));
            }
        };
        Ok(Self {
            name: line.name,
            round: line.round,
            hyperparameters: line.hyperparameters,
            outcome,
            curves: line.curves,
            metrics: line.metrics,
            hosts: line.hosts,
            attempts: line.attempts,
            seeds: line.seeds,
            inits: line.inits,
            runtimes: line.runtimes,
            checkpoints: line.checkpoints,
            remarks: line.remarks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back() {
        for line in [
            r#"{"name":"d-e-0007","round":"e","hyperparameters":{"lr":0.1,"opt":"sgd"},"objective":0.3,"step":450,"curves":{"validation_error":[[50,0.4],[100,0.35]]}}"#,
            r#"{"hyperparameters":{"lr":9.5},"infeasible":true,"reason":"Diverged"}"#,
            r#"{"hyperparameters":{"lr":9.5},"pending":true}"#,
            r#"{"hyperparameters":{"lr":0.1},"objective":0.3,"metrics":{"latency_ms":12.5},"hosts":{"1":{"examples_per_second":[[50,9000.0]]}},"attempts":[{"number":1,"queued":1000,"started":1500,"ended":9000,"outcome":"Disrupted","provenance":{"code":{"train.py":"ab"},"gitCommit":"cd","uncommittedChanges":false}},{"number":2,"queued":10000}],"seeds":{"init":7,"data":[1,2],"split":5},"inits":[{"attempt":1,"host":1,"parameters_sha256":"ab","init_seed":7,"data_seed":2,"restored_step":100}],"runtimes":[{"attempt":1,"host":0,"python":"3.12.3","packages":{"jax":"0.6.0"},"device":"cpu"}],"checkpoints":[{"attempt":1,"host":0,"step":100,"parameters_sha256":"cd"}],"remarks":["1 line of metrics.jsonl could not be read"]}"#,
        ] {
            let record: TrialRecord = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_string(&record).unwrap(), line);
        }
    }

    #[test]
    fn an_infeasible_trial_has_no_objective() {
        let both = r#"{"hyperparameters":{},"objective":1.0,"infeasible":true}"#;
        assert!(serde_json::from_str::<TrialRecord>(both).unwrap_err().to_string().contains("give one of"));
    }
}
