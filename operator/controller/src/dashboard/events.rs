//! Events of a trial, its Jobs and its pods.

use k8s_openapi::api::events::v1::Event;
use kube::{Api, Client, ResourceExt, api::ListParams};
use studious_api::Trial;
use studious_dashboard::KubernetesEvent;
use studious_playbook::Millis;

use crate::{
    caches::Caches,
    object::{Identified, Identity},
    trial::jobs,
};

/// Events of one object that are shown.
const OF_ONE: u32 = 50;
/// Attempts, the latest, whose Jobs are asked about.
const ATTEMPTS: u32 = 3;
/// Pods that are asked about.
const PODS: usize = 8;

/// What was said about a trial, the latest first.
///
/// # Errors
/// When the API server can't be asked.
pub(super) async fn of_trial(
    client: &Client,
    caches: &Caches,
    trial: &Identified<Trial>,
) -> Result<Vec<KubernetesEvent>, kube::Error> {
    let Identity { namespace, name, .. } = &trial.id;
    let mut names = vec![name.clone()];
    let attempt = trial.status.as_ref().and_then(|status| status.attempt).unwrap_or(1).max(1);
    names.extend((attempt.saturating_sub(ATTEMPTS - 1).max(1)..=attempt).map(|n| jobs::name(name, n)));
    names.extend(caches.pods_of(namespace, name).iter().take(PODS).map(|pod| pod.name_any()));
    let api = Api::<Event>::namespaced(client.clone(), namespace);
    let lists = names.iter().map(|name| {
        let query = ListParams::default().fields(&format!("regarding.name={name}")).limit(OF_ONE);
        let api = &api;
        async move { api.list(&query).await }
    });
    let mut events: Vec<KubernetesEvent> =
        futures::future::try_join_all(lists).await?.into_iter().flat_map(|list| list.items).map(of_event).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    Ok(events)
}

fn of_event(event: Event) -> KubernetesEvent {
    let series = event.series;
    let at = series
        .as_ref()
        .map(|series| series.last_observed_time.0)
        .or(event.deprecated_last_timestamp.map(|time| time.0))
        .or(event.event_time.map(|time| time.0))
        .or(event.metadata.creation_timestamp.map(|time| time.0));
    let about = event.regarding.unwrap_or_default();
    let count = series.map(|series| series.count).or(event.deprecated_count).unwrap_or(1);
    KubernetesEvent {
        at: at.and_then(|at| u64::try_from(at.as_millisecond()).ok()).map(Millis),
        severity: event.type_.unwrap_or_default(),
        reason: event.reason.unwrap_or_default(),
        message: event.note.unwrap_or_default(),
        object: format!("{}/{}", about.kind.unwrap_or_default(), about.name.unwrap_or_default()),
        count: u32::try_from(count).unwrap_or(1),
    }
}
