//! Trials: observe → decide → apply → status.

mod apply;
mod hosts;
pub(crate) mod jobs;
mod observe;
mod reconcile;
mod status;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use studious_api::TrialStatus;

pub(crate) use hosts::index_of;
pub(crate) use observe::retry_at;
pub(crate) use reconcile::{error_policy, reconcile};

use crate::status::Written;

/// What is remembered of a trial beside what the cluster shows.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The attempt whose Job was made, and when: the cache may not show it yet.
    made: Option<(u32, Timestamp)>,
    /// The attempt whose Job the cache has shown.
    seen_job: Option<u32>,
    /// Hosts whose pods the cache has shown, by attempt.
    seen_pods: BTreeSet<(u32, u32)>,
    /// Since when a host is known to have ended, by attempt.
    ended_hosts: BTreeMap<(u32, u32), Timestamp>,
    /// What was written last.
    written: Option<Written<TrialStatus>>,
    /// When.
    written_at: Option<Timestamp>,
    /// Jobs that were deleted: the cache may go on showing them for a moment.
    deleted: BTreeSet<String>,
    /// Whether an exit code that contradicts `done` was told.
    told_exit: bool,
}

/// Reads or changes what is remembered of a trial.
fn remember<R>(context: &Arc<crate::context::Context>, uid: &str, f: impl FnOnce(&mut Memory) -> R) -> R {
    context.trials.with(uid, f)
}

#[cfg(test)]
pub(crate) mod jobs_tests;
#[cfg(test)]
pub(crate) use hosts::INDEX_LABEL;
