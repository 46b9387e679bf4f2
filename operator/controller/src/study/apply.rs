//! Makes the trials of a study and the Service through which hosts find each other.

use k8s_openapi::{
    api::core::v1::{Service, ServiceSpec},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use studious_api::{Study, Trial, labels};
use studious_playbook::{PlannedTrial, trial::Reason};

use crate::fault::{Category, Fault, is_not_found, of_client};

/// Field manager of all that is written for studies.
pub(super) const MANAGER: &str = "studious-study";
/// Keeps a study until its rows are out of the ledger.
pub(crate) const FINALIZER: &str = "studious.dev/ledger";

/// Why something was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// A trial.
    #[error("trial {name} was not made: {source}")]
    Trial {
        /// Its name.
        name: String,
        /// What the API server says.
        source: kube::Error,
    },
    /// A trial was not told to stop.
    #[error("trial {name} was not told to stop: {source}")]
    Stop {
        /// Its name.
        name: String,
        /// What the API server says.
        source: kube::Error,
    },
    /// The Service.
    #[error("Service {name}, through which hosts find each other, was not made: {source}")]
    Service {
        /// Its name.
        name: String,
        /// What the API server says.
        source: kube::Error,
    },
    /// Points of another study.
    #[error("the points that study {name} takes of another one were not kept: {source}")]
    Points {
        /// The study's name.
        name: String,
        /// What the API server says.
        source: kube::Error,
    },
    /// The finalizer.
    #[error("the finalizer of study {name} was not {what}: {source}")]
    Finalizer {
        /// The study's name.
        name: String,
        /// `set` or `taken off`.
        what: &'static str,
        /// What the API server says.
        source: kube::Error,
    },
}

impl Fault for ApplyError {
    fn category(&self) -> Category {
        match self {
            Self::Trial { source, .. }
            | Self::Stop { source, .. }
            | Self::Service { source, .. }
            | Self::Points { source, .. }
            | Self::Finalizer { source, .. } => of_client(source),
        }
    }
}

/// The trial that was planned.
pub(super) fn trial(study: &Study, planned: &PlannedTrial) -> Trial {
    let mut trial = Trial::new(&planned.name, planned.spec.clone());
    trial.metadata = ObjectMeta {
        name: Some(planned.name.clone()),
        namespace: study.namespace(),
        labels: Some(
            [
                (labels::STUDY.to_owned(), study.name_any()),
                (labels::ROUND.to_owned(), planned.spec.round.clone()),
                (labels::TRIAL.to_owned(), planned.name.clone()),
            ]
            .into(),
        ),
        owner_references: Some(vec![owner(study)]),
        ..ObjectMeta::default()
    };
    trial
}

/// The headless Service through which hosts find each other before any of them is ready.
pub(super) fn service(study: &Study) -> Service {
    let label = [(labels::STUDY.to_owned(), study.name_any())];
    Service {
        metadata: ObjectMeta {
            name: Some(study.name_any()),
            namespace: study.namespace(),
            labels: Some(label.clone().into()),
            owner_references: Some(vec![owner(study)]),
            ..ObjectMeta::default()
        },
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            publish_not_ready_addresses: Some(true),
            selector: Some(label.into()),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

fn owner(study: &Study) -> OwnerReference {
    OwnerReference {
        api_version: Study::api_version(&()).into_owned(),
        kind: Study::kind(&()).into_owned(),
        name: study.name_any(),
        uid: study.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Makes a trial. Making one that is there changes nothing.
pub(super) async fn make_trial(client: &Client, trial: &Trial) -> Result<(), ApplyError> {
    let name = trial.name_any();
    let api: Api<Trial> = Api::namespaced(client.clone(), &trial.namespace().unwrap_or_default());
    match api.patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(trial)).await {
        Ok(_) => Ok(()),
        Err(source) => Err(ApplyError::Trial { name, source }),
    }
}

/// Tells a trial to stop, and why.
pub(super) async fn stop_trial(
    client: &Client,
    study: &Study,
    name: &str,
    reason: &Reason,
    why: &str,
) -> Result<(), ApplyError> {
    let api: Api<Trial> = Api::namespaced(client.clone(), &study.namespace().unwrap_or_default());
    let why: String = why.chars().take(1024).collect();
    match api
        .patch(name, &PatchParams::default(), &Patch::Merge(json!({ "spec": { "stop": why, "stopReason": reason } })))
        .await
    {
        Ok(_) => Ok(()),
        Err(error) if is_not_found(&error) => Ok(()),
        Err(source) => Err(ApplyError::Stop { name: name.to_owned(), source }),
    }
}

/// Makes the Service.
pub(super) async fn make_service(client: &Client, service: &Service) -> Result<(), ApplyError> {
    let name = service.name_any();
    let api: Api<Service> = Api::namespaced(client.clone(), &service.namespace().unwrap_or_default());
    match api.patch(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(service)).await {
        Ok(_) => Ok(()),
        Err(source) => Err(ApplyError::Service { name, source }),
    }
}

/// Sets the finalizer, or takes it off. The version makes sure that nobody else's finalizer is lost.
pub(super) async fn set_finalizer(client: &Client, study: &Study, on: bool) -> Result<(), ApplyError> {
    let name = study.name_any();
    let mut finalizers: Vec<String> = study.finalizers().to_vec();
    finalizers.retain(|finalizer| finalizer != FINALIZER);
    if on {
        finalizers.push(FINALIZER.to_owned());
    }
    let patch = json!({ "metadata": {
        "finalizers": finalizers, "resourceVersion": study.resource_version(), "uid": study.uid(),
    } });
    let api: Api<Study> = Api::namespaced(client.clone(), &study.namespace().unwrap_or_default());
    match api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(error) if !on && is_not_found(&error) => Ok(()),
        Err(source) => Err(ApplyError::Finalizer { name, what: if on { "set" } else { "taken off" }, source }),
    }
}
