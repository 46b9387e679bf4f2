//! Makes and deletes the Jobs of a trial.

use k8s_openapi::api::batch::v1::Job;
use kube::{Api, api::DeleteParams};
use studious_api::Trial;

use super::TrialReconciler;
use crate::{
    create::{MakeError, create},
    fault::is_not_found,
    object::Identified,
    reconcile::RequestError,
};

/// Makes a Job. One of this trial that is there already was made before.
pub(super) async fn make(context: &TrialReconciler, trial: &Identified<Trial>, job: &Job) -> Result<(), MakeError> {
    create(&context.client, trial, job).await
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
