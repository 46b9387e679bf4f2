//! Trials: observe → plan → apply → report.

mod apply;
mod hosts;
pub(crate) mod jobs;
mod observe;
mod reconcile;
mod report;
pub(crate) mod sidecar;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    sync::Arc,
};

use jiff::Timestamp;
use studious_api::TrialStatus;

pub(crate) use hosts::{has_trainer_ended, index_of};
pub(crate) use observe::retry_at;

use crate::{context::Context, memory::Memories, status::Written};

/// What looks at trials.
pub(crate) struct TrialReconciler {
    pub(crate) context: Arc<Context>,
    pub(crate) memories: Arc<Memories<TrialMemory>>,
    /// What Jobs are built with.
    pub(crate) agent: jobs::AgentSettings,
}

impl Deref for TrialReconciler {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

/// What is cached of a trial beside what the cluster shows.
#[derive(Debug, Default)]
pub(crate) struct TrialMemory {
    /// The attempt whose Job was made, and when: the cache may not show it yet.
    made: Option<(u32, Timestamp)>,
    /// The attempt whose Job the cache has shown.
    seen_job: Option<u32>,
    /// Hosts whose pods the cache has shown, by attempt.
    seen_pods: BTreeSet<(u32, u32)>,
    /// Since when a host is known to have ended, by attempt.
    ended_hosts: BTreeMap<(u32, u32), Timestamp>,
    /// The status that was written last.
    written: Option<Written<TrialStatus>>,
    /// Jobs that were deleted: the cache may continue showing them for a moment.
    deleted: BTreeSet<String>,
    /// Pods that were stopped and stay, for their logs: likewise.
    stopped: BTreeSet<String>,
    /// Whether an exit code that contradicts `done` was reported.
    told_exit: bool,
    /// Why no pod of the Job was made, and when that was asked.
    refused_pods: Option<(Timestamp, Option<String>)>,
}

#[cfg(test)]
pub(crate) mod jobs_tests;
#[cfg(test)]
pub(crate) use hosts::INDEX_LABEL;
