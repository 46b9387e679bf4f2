//! Makes and deletes the Jobs of a trial.

use k8s_openapi::api::batch::v1::Job;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use studious_api::Trial;

use super::status::MANAGER;
use crate::fault::{Category, Fault, is_not_found, of_client};

/// Why a Job was not made or not deleted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// The API server didn't take it.
    #[error("Job {name} was not made: {source}")]
    Make {
        /// Its name.
        name: String,
        /// What the API server says.
        source: kube::Error,
    },
    /// The API server didn't delete it.
    #[error("Job {name} was not deleted: {source}")]
    Delete {
        /// Its name.
        name: String,
        /// What the API server says.
        source: kube::Error,
    },
}

impl Fault for ApplyError {
    fn category(&self) -> Category {
        match self {
            Self::Make { source, .. } | Self::Delete { source, .. } => of_client(source),
        }
    }
}

/// Makes a Job. Making one that is there changes nothing.
pub(super) async fn make(client: &Client, job: &Job) -> Result<(), ApplyError> {
    let name = job.name_any();
    let api: Api<Job> = Api::namespaced(client.clone(), &job.namespace().unwrap_or_default());
    match api.patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(job)).await {
        Ok(_) => Ok(()),
        Err(source) => Err(ApplyError::Make { name, source }),
    }
}

/// Deletes a Job and its pods. One that is gone is gone. The Job stays until its pods have ended: it is by the Job that
/// the agents among them are known, who have a last word to send.
pub(super) async fn delete(client: &Client, trial: &Trial, name: &str) -> Result<(), ApplyError> {
    let api: Api<Job> = Api::namespaced(client.clone(), &trial.namespace().unwrap_or_default());
    match api.delete(name, &DeleteParams::foreground()).await {
        Ok(_) => Ok(()),
        Err(error) if is_not_found(&error) => Ok(()),
        Err(source) => Err(ApplyError::Delete { name: name.to_owned(), source }),
    }
}
