//! `trial.json`, as a trainer reads it.

use serde_json::{Value, json};
use studious_api::TrialSpec;

/// Port of host 0 at which hosts of a trial find each other.
pub const COORDINATOR_PORT: u16 = 8476;

/// What is wrong with the part of `trial.json` that all hosts share.
#[derive(Debug, thiserror::Error)]
pub enum TrialJsonError {
    /// It was cut or changed on the way.
    #[error("trial.json as shared by all hosts can't be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// More hosts than seeds.
    #[error("trial.json has no data seed for host {host}: host.dataSeeds has {seeds}")]
    NoSeed {
        /// The host.
        host: u32,
        /// How many seeds there are.
        seeds: usize,
    },
}

/// What all hosts of an attempt share: the pod annotation. `coordinator` is `<host 0's name>:8476`, for several hosts.
#[must_use]
pub fn shared(name: &str, spec: &TrialSpec, attempt: u32, coordinator: Option<&str>) -> Value {
    let checkpoint = spec.checkpoint.as_ref().map(|c| json!({ "everySteps": c.every_steps, "keepBest": c.keep_best }));
    json!({
        "study": spec.study,
        "name": name,
        "round": spec.round,
        "attempt": attempt,
        "hyperparameters": spec.hyperparameters,
        "maxTrainSteps": spec.max_train_steps,
        "schedule": spec.schedule,
        "objective": { "metric": spec.objective.metric, "direction": spec.objective.direction },
        "evaluation": { "everySteps": spec.evaluation.every_steps },
        "checkpoint": checkpoint,
        "seeds": { "init": spec.seeds.init, "split": spec.seeds.split },
        "host": { "count": spec.hosts, "coordinator": coordinator, "dataSeeds": spec.seeds.data },
    })
}

/// What one host reads: [`shared`] with its index and its data seed.
///
/// # Errors
/// When there is no data seed for the host.
pub fn for_host(mut shared: Value, host: u32) -> Result<Value, TrialJsonError> {
    let seeds = shared["host"]["dataSeeds"].take();
    let seed = seeds
        .get(host as usize)
        .cloned()
        .ok_or(TrialJsonError::NoSeed { host, seeds: seeds.as_array().map_or(0, Vec::len) })?;
    shared["seeds"]["data"] = seed;
    if let Some(map) = shared["host"].as_object_mut() {
        map.remove("dataSeeds");
        map.insert("index".to_owned(), host.into());
    }
    Ok(shared)
}
