//! One watch: from the API server into a store, and word of every change.

use std::{fmt::Debug, hash::Hash};

use futures::StreamExt;
use kube::{
    Api, Client, Resource, ResourceExt,
    core::{DeserializeGuard, NamespaceResourceScope},
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, store::Writer},
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;

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
pub(super) fn api<K>(client: &Client, namespace: Option<&str>) -> Api<DeserializeGuard<K>>
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
    api: Api<DeserializeGuard<K>>,
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
        let Some(event) = readable(event, &strip) else { continue };
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

fn readable<K: Resource<DynamicType = ()>>(
    event: Event<DeserializeGuard<K>>,
    strip: &impl Fn(&mut K),
) -> Option<Event<K>> {
    let read = |DeserializeGuard(object): DeserializeGuard<K>| match object {
        Ok(mut object) => {
            strip(&mut object);
            Some(object)
        }
        Err(problem) => {
            tracing::error!(
                kind = %K::kind(&()),
                namespace = problem.metadata.namespace.as_deref().unwrap_or_default(),
                name = problem.metadata.name.as_deref().unwrap_or_default(),
                error = problem.error,
                "the object can't be read and is left alone; delete it or mend its spec"
            );
            None
        }
    };
    Some(match event {
        Event::Apply(object) => Event::Apply(read(object)?),
        Event::InitApply(object) => Event::InitApply(read(object)?),
        Event::Delete(object) => Event::Delete(read(object)?),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    })
}
