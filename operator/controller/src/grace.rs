//! Trainers that outstay their welcome. The pod of a trial without a checkpoint claim has minutes of grace, for its agent to
//! deliver what is left; its trainer is to end as soon as any other. A pod has one grace period for both, so the leader
//! shortens it for pods that are being deleted while their trainer still runs.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
};
use studious_api::TRAINER_GRACE_SECONDS;
use tokio_util::sync::CancellationToken;

use crate::{context::Context, trial::sidecar::grace_without_claim};

/// What is left to the agent once its trainer is killed, in seconds.
const AGENT: u32 = 2;
/// How often pods are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Ends trainers that should have ended, until `ending`.
pub(crate) async fn enforce(context: &Context, drain: Duration, ending: &CancellationToken) {
    let grace = grace_without_claim(drain);
    let mut told: HashSet<String> = HashSet::new();
    while ending.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
        let late: Vec<Arc<Pod>> =
            context.caches.pods.state().into_iter().filter(|pod| is_late(pod, grace, context.clock.now())).collect();
        told.retain(|uid| late.iter().any(|pod| pod.uid().as_ref() == Some(uid)));
        for pod in late {
            let uid = pod.uid().unwrap_or_default();
            if !told.insert(uid.clone()) {
                continue;
            }
            if let Err(error) = shorten(context, &pod, uid.clone()).await {
                tracing::warn!(pod = pod.name_any(), %error, "cannot end a trainer that ignores SIGTERM");
                told.remove(&uid);
            }
        }
    }
}

/// Whether a pod is being deleted with the grace that its agent has, and its trainer has used up its own.
fn is_late(pod: &Pod, grace: i64, now: Timestamp) -> bool {
    let Some(due) = &pod.metadata.deletion_timestamp else { return false };
    if pod.metadata.deletion_grace_period_seconds != Some(grace) || grace <= i64::from(TRAINER_GRACE_SECONDS) {
        return false;
    }
    let since = now.duration_since(due.0) + SignedDuration::from_secs(grace);
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let runs = statuses
        .into_iter()
        .flatten()
        .any(|container| container.state.as_ref().is_some_and(|state| state.running.is_some()));
    since >= SignedDuration::from_secs(i64::from(TRAINER_GRACE_SECONDS)) && runs
}

async fn shorten(context: &Context, pod: &Pod, uid: String) -> Result<(), kube::Error> {
    let parameters = DeleteParams {
        grace_period_seconds: Some(AGENT),
        preconditions: Some(Preconditions { uid: Some(uid), resource_version: None }),
        ..DeleteParams::default()
    };
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &pod.namespace().unwrap_or_default());
    match api.delete(&pod.name_any(), &parameters).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_trainer_has_thirty_seconds_whatever_its_agent_has() {
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        let pod = |asked: &str, grace: i64, state: &str| -> Pod {
            let asked: Timestamp = asked.parse().unwrap();
            let due = asked + SignedDuration::from_secs(grace);
            serde_json::from_value(json!({
                "metadata": {"deletionTimestamp": due.to_string(), "deletionGracePeriodSeconds": grace},
                "status": {"containerStatuses": [
                    {"name": "t", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": {state: {"exitCode": 0}}},
                ]},
            }))
            .unwrap()
        };
        assert!(is_late(&pod("2026-01-01T00:09:29Z", 605, "running"), 605, now));
        assert!(!is_late(&pod("2026-01-01T00:09:31Z", 605, "running"), 605, now));
        // Its agent still delivers.
        assert!(!is_late(&pod("2026-01-01T00:09:00Z", 605, "terminated"), 605, now));
        // What a template says is the trainer's own.
        assert!(!is_late(&pod("2026-01-01T00:09:00Z", 120, "running"), 605, now));
        assert!(!is_late(&Pod::default(), 605, now));
    }
}
