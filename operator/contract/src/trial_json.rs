//! `trial.json`, as a trainer reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use studious_api::{
    Hyperparameters, TrialSpec,
    study::{Direction, Evaluation},
    trial::TrialSchedule,
};

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

/// What one host reads.
pub type TrialJson = TrialFile<HostSeeds, HostInfo>;

/// What all hosts of an attempt share: the annotation of their pods.
pub type SharedTrial = TrialFile<SharedSeeds, SharedHostInfo>;

/// The fields of `trial.json`; those that differ by host have types of their own.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialFile<S, H> {
    /// Name of the study.
    pub study: String,
    /// Name of the trial.
    pub name: String,
    /// Name of the round.
    pub round: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// The active hyperparameters.
    pub hyperparameters: Hyperparameters,
    /// What the program calls those of them that have an alias, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aliases: BTreeMap<String, String>,
    /// Training steps.
    pub max_train_steps: u64,
    /// The learning-rate schedule, if the study has one.
    pub schedule: Option<TrialSchedule>,
    /// What is measured.
    pub objective: TrialObjective,
    /// When to evaluate.
    pub evaluation: Evaluation,
    /// When to save, and what to keep.
    pub checkpoint: Option<TrialCheckpoint>,
    /// Seeds.
    pub seeds: S,
    /// This host among the others.
    pub host: H,
}

/// What is measured.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TrialObjective {
    /// The metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
}

/// When to save, and what to keep.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrialCheckpoint {
    /// Training steps between checkpoints.
    pub every_steps: u64,
    /// How many of the best to keep.
    pub keep_best: u32,
    /// Restore no checkpoint beyond this step: evaluations between it and later ones were lost with a pod, and are made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_at_most: Option<u64>,
}

/// Seeds of one host.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct HostSeeds {
    /// Of the initialization.
    pub init: u32,
    /// Of this host's data order.
    pub data: u32,
    /// Of the split into train, validation and test.
    pub split: u32,
}

/// Seeds that all hosts share.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SharedSeeds {
    /// Of the initialization.
    pub init: u32,
    /// Of the split into train, validation and test.
    pub split: u32,
}

/// One host among the others.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct HostInfo {
    /// From 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
    /// Host 0's address, for several hosts.
    pub coordinator: Option<String>,
}

/// What all hosts share about hosts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedHostInfo {
    /// How many there are.
    pub count: u32,
    /// Host 0's address, for several hosts.
    pub coordinator: Option<String>,
    /// Seed of the data order, by host.
    pub data_seeds: Vec<u32>,
}

impl SharedTrial {
    /// What all hosts of an attempt share. `coordinator` is `<host 0's name>:8476`, for several hosts; `restore_at_most` is
    /// as in [`TrialCheckpoint`].
    #[must_use]
    pub fn new(
        name: &str,
        spec: &TrialSpec,
        attempt: u32,
        restore_at_most: Option<u64>,
        coordinator: Option<String>,
    ) -> Self {
        Self {
            study: spec.study.clone(),
            name: name.to_owned(),
            round: spec.round.clone(),
            attempt,
            hyperparameters: spec.hyperparameters.clone(),
            aliases: spec.aliases.clone(),
            max_train_steps: spec.max_train_steps,
            schedule: spec.schedule.clone(),
            objective: TrialObjective { metric: spec.objective.metric.clone(), direction: spec.objective.direction },
            evaluation: spec.evaluation.clone(),
            checkpoint: spec.checkpoint.as_ref().map(|c| TrialCheckpoint {
                every_steps: c.every_steps,
                keep_best: c.keep_best,
                restore_at_most,
            }),
            seeds: SharedSeeds { init: spec.seeds.init, split: spec.seeds.split },
            host: SharedHostInfo { count: spec.hosts, coordinator, data_seeds: spec.seeds.data.clone() },
        }
    }

    /// Reads what [`SharedTrial::new`] made, as JSON.
    ///
    /// # Errors
    /// When it was cut or changed on the way.
    pub fn parse(text: &str) -> Result<Self, TrialJsonError> {
        Ok(serde_json::from_str(text)?)
    }

    /// What one host reads.
    ///
    /// # Errors
    /// When there is no data seed for the host.
    pub fn for_host(self, index: u32) -> Result<TrialJson, TrialJsonError> {
        let SharedHostInfo { count, coordinator, data_seeds } = self.host;
        let data = data_seeds
            .get(index as usize)
            .copied()
            .ok_or(TrialJsonError::NoSeed { host: index, seeds: data_seeds.len() })?;
        Ok(TrialFile {
            seeds: HostSeeds { init: self.seeds.init, data, split: self.seeds.split },
            host: HostInfo { index, count, coordinator },
            study: self.study,
            name: self.name,
            round: self.round,
            attempt: self.attempt,
            hyperparameters: self.hyperparameters,
            aliases: self.aliases,
            max_train_steps: self.max_train_steps,
            schedule: self.schedule,
            objective: self.objective,
            evaluation: self.evaluation,
            checkpoint: self.checkpoint,
        })
    }
}
