//! One watch: from the API server into a store, and word of every change.

use std::{fmt::Debug, hash::Hash};

use futures::StreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api, Client, Resource, ResourceExt,
    core::NamespaceResourceScope,
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, Store, store::Writer},
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;

use super::readable::Readable;

/// What was seen of an object.
pub(super) enum Seen<'a, K> {
    /// It is new or has changed.
    There(&'a K),
    /// It is gone.
    Deleted(&'a K),
}

impl<'a, K> Seen<'a, K> {
    pub(super) fn object(&self) -> &'a K {
        match self {
            Self::There(object) | Self::Deleted(object) => object,
        }
    }

    pub(super) fn is_there(&self) -> bool {
        matches!(self, Self::There(_))
    }
}

/// Objects of one namespace or of all. One that can't be read doesn't stop the others.
pub(super) fn api<K>(client: &Client, namespace: Option<&str>) -> Api<Readable<K>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// Watches until the process ends.
pub(super) async fn run<K>(
    api: Api<Readable<K>>,
    label: Option<&str>,
    mut writer: Writer<K>,
    strip: impl Fn(&mut K) + Send,
    on: impl Fn(&Seen<'_, K>) + Send,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    let kind = K::kind(&());
    let config = label.map_or_else(watcher::Config::default, |label| watcher::Config::default().labels(label));
    let mut events = std::pin::pin!(watcher(api, config).default_backoff());
    while let Some(event) = events.next().await {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(kind = %kind, %error, "the watch was interrupted; it begins again");
                continue;
            }
        };
        let Some(event) = readable(event, &writer.as_reader(), &strip) else { continue };
        // Objects of a list come into the store at its end; what it doesn't hold was deleted unseen.
        let before = if matches!(event, Event::InitDone) { writer.as_reader().state() } else { Vec::new() };
        writer.apply_watcher_event(&event);
        match &event {
            Event::Apply(object) => on(&Seen::There(object)),
            Event::Delete(object) => on(&Seen::Deleted(object)),
            Event::Init | Event::InitApply(_) => {}
            Event::InitDone => {
                let store = writer.as_reader();
                for object in before {
                    let now = store.get(&ObjectRef::from_obj(object.as_ref()));
                    if now.is_none_or(|now| now.uid() != object.uid()) {
                        on(&Seen::Deleted(&object));
                    }
                }
                for object in store.state() {
                    on(&Seen::There(&object));
                }
            }
        }
    }
}

fn readable<K>(event: Event<Readable<K>>, store: &Store<K>, strip: &impl Fn(&mut K)) -> Option<Event<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    // What can't be read any more is gone for us: as it was last seen it would hold its place for ever.
    let seen_last = |meta: &ObjectMeta| {
        let (name, namespace) = (meta.name.as_deref()?, meta.namespace.as_deref()?);
        Some(Event::Delete(K::clone(&*store.get(&ObjectRef::new(name).within(namespace))?)))
    };
    let read = |Readable(object): Readable<K>| match object {
        Ok(mut object) => {
            strip(&mut object);
            Ok(object)
        }
        Err(problem) => {
            tracing::error!(
                kind = %K::kind(&()),
                namespace = problem.metadata.namespace.as_deref().unwrap_or_default(),
                name = problem.metadata.name.as_deref().unwrap_or_default(),
                error = problem.error,
                "the object can't be read and is left alone; delete it or fix its spec"
            );
            Err(Box::new(problem.metadata))
        }
    };
    match event {
        Event::Apply(object) => read(object).map(Event::Apply).map_or_else(|meta| seen_last(&meta), Some),
        // The store takes the list in as a whole at its end.
        Event::InitApply(object) => read(object).map(Event::InitApply).ok(),
        Event::Delete(object) => read(object).map(Event::Delete).map_or_else(|meta| seen_last(&meta), Some),
        Event::Init => Some(Event::Init),
        Event::InitDone => Some(Event::InitDone),
    }
}
