//! What reconcilers share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use kube::Client;
use studious_ledger::Ledger;
use tokio::sync::Semaphore;

use crate::{caches::Caches, events::Events, live::Live, metrics::Metrics, study, trial, trial::jobs::AgentSettings};

/// What reconcilers share.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) caches: Caches,
    pub(crate) ledger: Ledger,
    pub(crate) live: Arc<Live>,
    pub(crate) events: Events,
    pub(crate) metrics: Metrics,
    pub(crate) agent: AgentSettings,
    pub(crate) studies: Arc<Memory<study::Memory>>,
    pub(crate) trials: Arc<Memory<trial::Memory>>,
    pub(crate) failures: Memory<u32>,
    /// Turns to choose points: it takes a core for as long as it lasts.
    pub(crate) suggesting: Semaphore,
}

/// What is remembered of objects by uid, beside what the cluster shows. Losing it costs requests, never correctness.
#[derive(Debug, Default)]
pub(crate) struct Memory<T>(Mutex<HashMap<String, Arc<Mutex<T>>>>);

impl<T: Default> Memory<T> {
    /// Reads or changes what is remembered of an object. Other objects don't wait for it.
    pub(crate) fn with<R>(&self, uid: &str, f: impl FnOnce(&mut T) -> R) -> R {
        let object = self.objects(|objects| objects.entry(uid.to_owned()).or_default().clone());
        f(&mut object.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// As [`Memory::with`], of an object that isn't forgotten yet.
    pub(crate) fn with_known<R>(&self, uid: &str, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        let object = self.objects(|objects| objects.get(uid).cloned())?;
        Some(f(&mut object.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Forgets an object.
    pub(crate) fn forget(&self, uid: &str) {
        self.objects(|objects| objects.remove(uid));
    }

    fn objects<R>(&self, f: impl FnOnce(&mut HashMap<String, Arc<Mutex<T>>>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
