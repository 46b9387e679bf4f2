//! Makes and deletes the Jobs of a trial.

use std::sync::Arc;

use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::json;
use studious_api::{TRAINER_GRACE_SECONDS, Trial};

use super::{TrialReconciler, jobs};
use crate::{
    create::{MakeError, create},
    fault::is_not_found,
    object::{Identified, controller_of},
    reconcile::RequestError,
};

/// Makes a Job. One of this trial that is there already was made before.
pub(super) async fn make(context: &TrialReconciler, trial: &Identified<Trial>, job: &Job) -> Result<(), MakeError> {
    create(&context.client, trial, job).await
}

/// Deletes pods of a Job whose trainers run and whose grace is their agents', which is longer: one that ignores SIGTERM must
/// not hold its accelerator beside the next attempt. The operator is there to take what the agents have.
async fn end_trainers(context: &TrialReconciler, trial: &Identified<Trial>, job: &str) -> Result<(), RequestError> {
    if jobs::grace_of(trial, &context.agent) <= i64::from(TRAINER_GRACE_SECONDS) {
        return Ok(());
    }
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &trial.id.namespace);
    let parameters = DeleteParams { grace_period_seconds: Some(TRAINER_GRACE_SECONDS), ..DeleteParams::default() };
    for pod in context.caches.pods_of(&trial.id.namespace, &trial.id.name) {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        let is_of_job = controller_of(pod.as_ref()).is_some_and(|owner| owner.name == job);
        if !is_of_job || pod.metadata.deletion_timestamp.is_some() || matches!(phase, Some("Succeeded" | "Failed")) {
            continue;
        }
        let name = pod.name_any();
        match api.delete(&name, &parameters).await {
            Err(error) if !is_not_found(&error) => {
                return Err(RequestError { what: format!("pod {name} was not deleted"), source: error });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Stops the trainers of these pods and leaves the pods, whose logs tell what went wrong: a pod beyond its deadline is ended
/// by its kubelet, with a grace, and stays until its Job's time to live is over. Says whether that can be done: not where a
/// pod has not begun, or is refused.
///
/// The Job controller deletes what is left of a Job when its first pod has failed: of a trial of several hosts the log of
/// the host that ends first is sure to stay.
pub(super) async fn stop(
    context: &TrialReconciler,
    trial: &Identified<Trial>,
    pods: &[Arc<Pod>],
) -> Result<bool, RequestError> {
    let has_begun = |pod: &Pod| pod.status.as_ref().is_some_and(|status| status.start_time.is_some());
    let is_over = |pod: &Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        pod.metadata.deletion_timestamp.is_some() || matches!(phase, Some("Succeeded" | "Failed"))
    };
    let open: Vec<&Arc<Pod>> = pods.iter().filter(|pod| !is_over(pod)).collect();
    if !open.iter().all(|pod| has_begun(pod)) {
        return Ok(false);
    }
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &trial.id.namespace);
    let deadline = Patch::Merge(json!({ "spec": { "activeDeadlineSeconds": 1 } }));
    for pod in open {
        let is_stopped = pod.spec.as_ref().is_some_and(|spec| spec.active_deadline_seconds == Some(1));
        let name = pod.name_any();
        if is_stopped || context.memories.with(&trial.id.uid, |memory| memory.stopped.contains(&name)) {
            continue;
        }
        match api.patch(&name, &PatchParams::default(), &deadline).await {
            Err(error) if is_not_found(&error) => {}
            // An installation may not let the operator do this; its pods are deleted.
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 422) => {
                tracing::info!(pod = name, error = status.message, "cannot stop a pod without deleting it");
                return Ok(false);
            }
            Err(error) => return Err(RequestError { what: format!("pod {name} was not stopped"), source: error }),
            Ok(_) => {}
        }
        context.memories.with(&trial.id.uid, |memory| memory.stopped.insert(name));
    }
    Ok(true)
}

/// Deletes a Job and its pods, once. One that is gone is gone. The Job stays until its pods have ended: it is by the Job
/// that the agents among them are known, who have a last word to send.
pub(super) async fn delete(
    context: &TrialReconciler,
    trial: &Identified<Trial>,
    name: &str,
) -> Result<(), RequestError> {
    let uid = &trial.id.uid;
    if context.memories.with(uid, |memory| memory.deleted.contains(name)) {
        return Ok(());
    }
    end_trainers(context, trial, name).await?;
    let api: Api<Job> = Api::namespaced(context.client.clone(), &trial.id.namespace);
    match api.delete(name, &DeleteParams::foreground()).await {
        Err(error) if !is_not_found(&error) => {
            return Err(RequestError { what: format!("Job {name} was not deleted"), source: error });
        }
        _ => {}
    }
    context.memories.with(uid, |memory| memory.deleted.insert(name.to_owned()));
    Ok(())
}
