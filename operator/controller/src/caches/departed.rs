//! What is recorded of objects that are gone: agents may still send for them.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use k8s_openapi::api::batch::v1::Job;
use kube::{Resource, ResourceExt};
use studious_api::{Trial, labels};

use crate::object::controller_of;

/// How long a Job is kept whose pods the cache does not show: it may be behind.
const AT_LEAST: Duration = Duration::from_mins(1);
/// Most trials and studies that are recorded as gone.
const MOST_GONE: usize = 65_536;

/// The attempt of a trial that a Job is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct AttemptOf {
    /// The Job's namespace.
    pub(crate) namespace: String,
    /// The trial's name.
    pub(crate) trial: String,
    /// The trial's uid.
    pub(crate) trial_uid: String,
    /// The attempt, from 1; nothing when the Job does not say.
    pub(crate) attempt: Option<u32>,
}

impl AttemptOf {
    /// Of a Job that a trial controls.
    pub(crate) fn job(job: &Job) -> Option<Self> {
        let owner = controller_of(job).filter(|owner| owner.kind == Trial::kind(&()))?;
        Some(Self {
            namespace: job.namespace().unwrap_or_default(),
            trial: owner.name.clone(),
            trial_uid: owner.uid.clone(),
            attempt: job.labels().get(labels::ATTEMPT).and_then(|attempt| attempt.parse().ok()),
        })
    }
}

/// Jobs whose pods outlive them, and trials and studies that were deleted, by uid.
#[derive(Debug, Default)]
pub(crate) struct Departed {
    jobs: Mutex<HashMap<String, (AttemptOf, Instant)>>,
    gone: Mutex<Gone>,
}

#[derive(Debug, Default)]
struct Gone {
    uids: HashSet<String>,
    order: VecDeque<String>,
}

impl Departed {
    /// A Job is gone. Forgets those of which `has_pods` says that no pod is left.
    pub(crate) fn job_left(&self, job: &Job, has_pods: impl Fn(&AttemptOf, &str) -> bool) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.retain(|uid, (attempt, since)| since.elapsed() < AT_LEAST || has_pods(attempt, uid));
        if let (Some(uid), Some(attempt)) = (job.uid(), AttemptOf::job(job)) {
            jobs.insert(uid, (attempt, Instant::now()));
        }
    }

    /// The attempt that a Job was which is gone.
    pub(crate) fn job(&self, uid: &str) -> Option<AttemptOf> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.get(uid).map(|(attempt, _)| attempt.clone())
    }

    /// A trial or study is gone.
    pub(crate) fn left(&self, uid: &str) {
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        if gone.uids.insert(uid.to_owned()) {
            gone.order.push_back(uid.to_owned());
        }
        while gone.order.len() > MOST_GONE {
            let Some(oldest) = gone.order.pop_front() else { break };
            gone.uids.remove(&oldest);
        }
    }

    /// Whether a trial or study was there and is gone.
    pub(crate) fn has_left(&self, uid: &str) -> bool {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).uids.contains(uid)
    }
}
