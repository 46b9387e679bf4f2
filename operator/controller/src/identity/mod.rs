//! Who sends measurements: a pod's own token, verified here without asking the API server about each pod.
//!
//! The kubelet gives each agent a token for the audience `studious-agent`, bound to its pod. Its signature is checked with the
//! API server's public keys. Which trial, attempt and host the pod belongs to comes from the caches, never from what it
//! sends: a pod can write its own trial's measurements and no other's.

mod keys;
mod remembered;
#[cfg(test)]
pub(crate) mod tests;
mod token;

use std::sync::Arc;

use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{Client, Resource, ResourceExt};
use studious_api::{Trial, labels};

pub(crate) use keys::Keys;

use crate::{
    caches::{AttemptOf, Caches},
    object::{Identified, controller_of},
    trial::index_of,
};

/// A pod that has shown who it is.
pub(crate) struct Sender {
    /// Its trial.
    pub(crate) trial: Identified<Trial>,
    /// Its attempt.
    pub(crate) attempt: u32,
    /// Its index.
    pub(crate) host: u32,
    /// Its pod's uid.
    pub(crate) pod_uid: String,
    /// Its pod's name.
    pub(crate) pod_name: String,
}

/// Why a sender isn't believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    /// No token.
    #[error("send the pod's token: Authorization: Bearer <token for the audience \"studious-agent\">")]
    NoToken,
    /// A token that doesn't hold.
    #[error("the token is not accepted: {0}")]
    Token(String),
    /// The keys are not available.
    #[error("the API server's public keys are not available: {0}")]
    Keys(String),
    /// A pod that the caches don't show: too new, or gone.
    #[error("pod {namespace}/{name} is not known: it is very new, or it is gone")]
    UnknownPod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A pod whose trial or study is gone.
    #[error("the trial of pod {namespace}/{name} is gone")]
    Gone {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A pod that is no host of a trial.
    #[error("pod {namespace}/{name} is not a host of a trial: {problem}")]
    NoHost {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What is amiss.
        problem: &'static str,
    },
}

/// Finds out who sends.
///
/// # Errors
/// When the token doesn't hold, or its pod is no host of a trial.
pub(crate) async fn identify(
    client: &Client,
    keys: &Keys,
    caches: &Caches,
    bearer: Option<&str>,
) -> Result<Sender, IdentityError> {
    let pod = token::verify(client, keys, bearer.ok_or(IdentityError::NoToken)?).await?;
    host_of(caches, &pod)
}

/// The host that a verified pod is.
fn host_of(caches: &Caches, verified: &token::PodIdentity) -> Result<Sender, IdentityError> {
    let (namespace, name) = (&verified.namespace, &verified.name);
    let unknown = || IdentityError::UnknownPod { namespace: namespace.clone(), name: name.clone() };
    let no_host = |problem| IdentityError::NoHost { namespace: namespace.clone(), name: name.clone(), problem };
    let pod: Arc<Pod> = Caches::get(&caches.pods, namespace, name).ok_or_else(unknown)?;
    if pod.uid().as_deref() != Some(&verified.uid) {
        return Err(unknown());
    }
    let owner = controller_of(pod.as_ref()).filter(|owner| owner.kind == Job::kind(&()));
    let owner = owner.ok_or_else(|| no_host("no Job controls it"))?;
    let gone = || IdentityError::Gone { namespace: namespace.clone(), name: name.clone() };
    let is_ending = pod.metadata.deletion_timestamp.is_some();
    let job: Option<Arc<Job>> = Caches::get(&caches.jobs, namespace, &owner.name);
    let attempt = match job.filter(|job| job.uid().as_ref() == Some(&owner.uid)) {
        Some(job) => AttemptOf::job(&job).ok_or_else(|| no_host("its Job belongs to no trial"))?,
        // A pod may outlive its Job, and what it sends still counts for its trial.
        None => match caches.departed.job(&owner.uid) {
            Some(attempt) => attempt,
            None if is_ending && !has_trial(caches, &pod) => return Err(gone()),
            None => return Err(unknown()),
        },
    };
    let trial = Caches::get(&caches.trials, namespace, &attempt.trial)
        .and_then(Identified::of)
        .filter(|trial: &Identified<Trial>| trial.id.uid == attempt.trial_uid);
    let trial = match trial {
        Some(trial) => trial,
        None if is_ending || caches.departed.has_left(&attempt.trial_uid) => return Err(gone()),
        None => return Err(no_host("its Job belongs to no trial")),
    };
    if controller_of(&*trial).is_some_and(|study| caches.departed.has_left(&study.uid)) {
        return Err(gone());
    }
    Ok(Sender {
        attempt: attempt.attempt.ok_or_else(|| no_host("its Job has no attempt"))?,
        host: index_of(&pod).filter(|host| *host < trial.spec.hosts).ok_or_else(|| no_host("it has no index"))?,
        trial,
        pod_uid: verified.uid.clone(),
        pod_name: name.clone(),
    })
}

/// Whether the trial is there whose label a pod carries.
fn has_trial(caches: &Caches, pod: &Pod) -> bool {
    let namespace = pod.namespace().unwrap_or_default();
    let name = pod.labels().get(labels::TRIAL);
    name.is_some_and(|name| Caches::get(&caches.trials, &namespace, name).is_some())
}
