//! Makes the trials of a study and the Service through which hosts find each other.

use k8s_openapi::{
    api::core::v1::{Service, ServiceSpec},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use studious_api::{Study, Trial, labels};
use studious_playbook::{PlannedTrial, trial::Reason};

use crate::{
    create::{MakeError, create},
    fault::is_not_found,
    object::Identified,
    reconcile::RequestError,
};

/// The finalizer by which earlier versions held a study until its rows were out of the ledger. With it nothing could be
/// deleted while the operator was away; now the rows are swept up later.
pub(super) const OLD_FINALIZER: &str = "studious.dev/ledger";

/// The trial that was planned.
pub(super) fn trial(study: &Identified<Study>, planned: &PlannedTrial) -> Trial {
    let mut trial = Trial::new(&planned.name, planned.spec.clone());
    trial.metadata = ObjectMeta {
        name: Some(planned.name.clone()),
        namespace: Some(study.id.namespace.clone()),
        labels: Some(
            [
                (labels::STUDY.to_owned(), study.id.name.clone()),
                (labels::ROUND.to_owned(), planned.spec.round.clone()),
                (labels::TRIAL.to_owned(), planned.name.clone()),
            ]
            .into(),
        ),
        owner_references: Some(vec![study.as_owner()]),
        ..ObjectMeta::default()
    };
    trial
}

/// The headless Service through which hosts find each other before any of them is ready.
pub(super) fn service(study: &Identified<Study>) -> Service {
    let label = [(labels::STUDY.to_owned(), study.id.name.clone())];
    Service {
        metadata: ObjectMeta {
            name: Some(study.id.name.clone()),
            namespace: Some(study.id.namespace.clone()),
            labels: Some(label.clone().into()),
            owner_references: Some(vec![study.as_owner()]),
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

/// Makes a trial. One of this study that is there already was made before.
pub(super) async fn make_trial(client: &Client, study: &Identified<Study>, trial: &Trial) -> Result<(), MakeError> {
    create(client, study, trial).await
}

/// Makes the Service. One of this study that is there already was made before.
pub(super) async fn make_service(client: &Client, study: &Identified<Study>) -> Result<(), MakeError> {
    create(client, study, &service(study)).await
}

/// Tells a trial to stop, and why.
pub(super) async fn stop_trial(
    client: &Client,
    trial: &Identified<Trial>,
    reason: &Reason,
    why: &str,
) -> Result<(), RequestError> {
    let name = &trial.id.name;
    let api: Api<Trial> = Api::namespaced(client.clone(), &trial.id.namespace);
    let why: String = why.chars().take(1024).collect();
    let patch = json!({ "metadata": { "uid": trial.id.uid }, "spec": { "stop": why, "stopReason": reason } });
    match api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await {
        Err(error) if !is_not_found(&error) => {
            Err(RequestError { what: format!("could not stop trial {name}"), source: error })
        }
        _ => Ok(()),
    }
}

/// Takes off the finalizer of an earlier version. The resource version makes sure that no other finalizer is lost.
pub(super) async fn drop_finalizer(client: &Client, study: &Identified<Study>) -> Result<(), RequestError> {
    let name = &study.id.name;
    let mut finalizers: Vec<String> = study.finalizers().to_vec();
    finalizers.retain(|finalizer| finalizer != OLD_FINALIZER);
    let patch = json!({ "metadata": {
        "finalizers": finalizers, "resourceVersion": study.resource_version(), "uid": study.id.uid,
    } });
    let api: Api<Study> = Api::namespaced(client.clone(), &study.id.namespace);
    match api.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Err(error) if !is_not_found(&error) => {
            Err(RequestError { what: format!("the finalizer of study {name} was not taken off"), source: error })
        }
        _ => Ok(()),
    }
}
