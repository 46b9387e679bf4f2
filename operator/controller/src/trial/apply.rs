//! Makes and deletes the Jobs of a trial.

use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{Api, ResourceExt, api::DeleteParams};
use studious_api::Trial;

use super::{TrialReconciler, jobs};
use crate::{
    create::{MakeError, create},
    fault::is_not_found,
    grace,
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
    if jobs::grace_of(trial, &context.agent) <= i64::from(grace::TRAINER) {
        return Ok(());
    }
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &trial.id.namespace);
    let parameters = DeleteParams { grace_period_seconds: Some(grace::TRAINER), ..DeleteParams::default() };
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
