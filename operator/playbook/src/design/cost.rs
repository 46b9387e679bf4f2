//! What a study costs: training steps, hours and accelerator-hours.

use schemars::JsonSchema;
use serde::Serialize;

use super::StepTime;
use crate::{Plan, rounds, study::pace};

/// What a study costs, should every trial train to its end once.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// By round, in their order.
    pub rounds: Vec<RoundCost>,
    /// Training steps of all trials.
    pub train_steps: u64,
    /// Trials at once.
    pub parallelism: u32,
    /// Hosts of each trial.
    pub hosts: u32,
    /// What each trial occupies, as its template's limits say; missing where they name no accelerator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerators: Option<Accelerators>,
    /// What a training step takes; missing where nothing was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_time: Option<StepTime>,
    /// Seconds from the first trial's beginning to the last one's end, with as many trials at once as `parallelism`: with
    /// fast and with slow steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<[f64; 2]>,
    /// Seconds until the first trial has ended, in the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_result_seconds: Option<[f64; 2]>,
    /// Hours of one host, summed over all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_hours: Option<[f64; 2]>,
    /// Hours of one accelerator, summed over all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator_hours: Option<[f64; 2]>,
}

/// A round.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundCost {
    /// Its name.
    pub round: String,
    /// Its trials.
    pub trials: u32,
    /// Training steps of each.
    pub max_train_steps: u64,
    /// Training steps of all.
    pub train_steps: u64,
    /// How many times all places are filled: its trials by `parallelism`, rounded up.
    pub waves: u32,
    /// Seconds that it takes, with fast and with slow steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<[f64; 2]>,
}

/// The accelerators of a trial.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accelerators {
    /// The resource, such as `nvidia.com/gpu`.
    pub resource: String,
    /// Of each host.
    pub per_host: u32,
    /// Of each trial.
    pub per_trial: u32,
}

impl Cost {
    /// The cost of a plan.
    #[must_use]
    pub fn of(plan: &Plan, step_time: Option<StepTime>) -> Self {
        let spec = plan.spec();
        let (parallelism, hosts) = (spec.parallelism.max(1), spec.trial.hosts);
        let seconds = |steps: f64| step_time.map(|time| [steps * time.fast, steps * time.slow]);
        let rounds: Vec<RoundCost> = rounds::names(plan)
            .into_iter()
            .map(|round| {
                let (trials, steps) = (rounds::trials_in(plan, &round), rounds::max_train_steps(plan, &round));
                let waves = trials.div_ceil(parallelism);
                RoundCost {
                    round,
                    trials,
                    max_train_steps: steps,
                    train_steps: u64::from(trials).saturating_mul(steps),
                    waves,
                    seconds: seconds(f64::from(waves) * steps as f64),
                }
            })
            .collect();
        let train_steps = pace::steps_planned(plan);
        let accelerators = accelerators(plan);
        let hours = |each: u32| seconds(train_steps as f64).map(|all| all.map(|s| s / 3600.0 * f64::from(each)));
        let sum = |a: [f64; 2], b: [f64; 2]| [a[0] + b[0], a[1] + b[1]];
        Self {
            train_steps,
            parallelism,
            hosts,
            step_time,
            seconds: rounds.iter().map(|round| round.seconds).reduce(|a, b| Some(sum(a?, b?))).flatten(),
            first_result_seconds: rounds.first().and_then(|round| seconds(round.max_train_steps as f64)),
            host_hours: hours(hosts),
            accelerator_hours: accelerators.as_ref().and_then(|a| hours(a.per_trial)),
            accelerators,
            rounds,
        }
    }
}

/// The devices that the template's containers are limited to: extended resources have the domain of who makes them.
fn accelerators(plan: &Plan) -> Option<Accelerators> {
    let spec = plan.spec();
    let containers = &spec.trial.template.spec.as_ref()?.containers;
    let limits = containers.iter().filter_map(|container| container.resources.as_ref()?.limits.as_ref()).flatten();
    let devices: Vec<(&String, u32)> =
        limits.filter(|(name, _)| name.contains('/')).filter_map(|(name, n)| Some((name, n.0.parse().ok()?))).collect();
    let (resource, _) = *devices.first()?;
    let per_host = devices.iter().filter(|(name, _)| *name == resource).map(|(_, n)| *n).sum::<u32>();
    (per_host > 0).then(|| Accelerators {
        resource: resource.clone(),
        per_host,
        per_trial: per_host.saturating_mul(spec.trial.hosts),
    })
}
