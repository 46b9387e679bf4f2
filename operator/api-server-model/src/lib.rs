//! A model of the Kubernetes API server, for tests of the operator as a process: list, watch with bookmarks and expiry, create,
//! update, merge patch, server-side apply, the status subresource, finalizers, deletion by owner, `TokenReview`,
//! `SubjectAccessReview`, signed pod tokens and their public keys. Nothing runs in it: a test is the kubelet.
//!
//! What it leaves out: schemas, admission, defaults, rights of the operator, namespaces as objects.

// It serves tests only: what goes wrong ends them.
#![allow(clippy::expect_used, clippy::panic)]

mod apply;
mod faults;
mod kinds;
mod refusal;
mod relay;
mod selector;
mod serve;
mod store;
#[cfg(test)]
mod tests;
mod tls;
mod tokens;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};

pub use faults::{FaultPlan, InjectedFault};
pub use relay::Relay;
pub use tls::Certificates;

use crate::{
    kinds::ResourceKind,
    store::{ObjectKey, ObjectStore},
    tokens::Tokens,
};

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct Answered {
    /// `PATCH /apis/batch/v1/namespaces/team-a/jobs/a-1`.
    pub line: String,
    /// What was sent.
    pub body: Value,
    /// The HTTP status of the answer.
    pub status: u16,
    /// Whether it failed because a test said so.
    pub had_fault: bool,
}

/// What requests share.
#[derive(Debug)]
pub(crate) struct ServerState {
    store: Mutex<ObjectStore>,
    pub(crate) versions: watch::Sender<u64>,
    pub(crate) faults: FaultPlan,
    pub(crate) tokens: Tokens,
    watch_generation: AtomicU64,
    answered: Mutex<Vec<Answered>>,
}

impl ServerState {
    pub(crate) fn store(&self) -> MutexGuard<'_, ObjectStore> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changed(&self, version: u64) {
        self.versions.send_if_modified(|known| std::mem::replace(known, version) != version);
    }

    pub(crate) fn watch_generation(&self) -> u64 {
        self.watch_generation.load(Ordering::Acquire)
    }

    pub(crate) fn note(&self, answered: Answered) {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).push(answered);
    }
}

/// The model, served at a port of this machine until it is dropped.
#[derive(Debug)]
pub struct ApiServer {
    inner: Arc<ServerState>,
    address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl ApiServer {
    /// Starts one that holds nothing.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        let inner = Arc::new(ServerState {
            store: Mutex::default(),
            versions: watch::Sender::new(0),
            faults: FaultPlan::default(),
            tokens: Tokens::new(),
            watch_generation: AtomicU64::default(),
            answered: Mutex::default(),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port of this machine");
        let address = listener.local_addr().expect("it has an address");
        let app = axum::Router::new().fallback(serve::answer).with_state(inner.clone());
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self { inner, address, serving }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A kubeconfig whose current context is this server, or what is at another address in front of it.
    #[must_use]
    pub fn kubeconfig(&self, at: Option<SocketAddr>) -> String {
        format!(
            "{{apiVersion: v1, kind: Config, current-context: model, clusters: [{{name: model, cluster: {{server: \
             'http://{}'}}}}], users: [{{name: model, user: {{}}}}], contexts: [{{name: model, context: {{cluster: model, \
             user: model, namespace: team-a}}}}]}}",
            at.unwrap_or(self.address)
        )
    }

    /// Which requests fail.
    #[must_use]
    pub fn faults(&self) -> &FaultPlan {
        &self.inner.faults
    }

    /// The requests that were answered so far.
    #[must_use]
    pub fn answered(&self) -> Vec<Answered> {
        self.inner.answered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A kubelet's token for an agent in a pod.
    #[must_use]
    pub fn token_of(&self, pod: &Value) -> String {
        let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
        self.inner.tokens.of_pod(text("namespace"), text("name"), text("uid"))
    }

    /// A user with this token, who may get the studies of these namespaces and these paths, such as `/metrics`.
    pub fn add_user(&self, token: &str, name: &str, namespaces: &[&str]) {
        self.inner.tokens.add_user(token, name, namespaces);
    }

    /// An object, by its kind's plural.
    #[must_use]
    pub fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        self.inner.store().get(&key(plural, namespace, name)).cloned()
    }

    /// Objects of a kind in a namespace, in the order of their names.
    #[must_use]
    pub fn list(&self, plural: &str, namespace: &str) -> Vec<Value> {
        self.inner.store().list(plural, Some(namespace)).map(|(_, object)| object.clone()).collect()
    }

    /// Puts in an object, its status included. Returns it as it is served.
    ///
    /// # Panics
    /// When there is one of its name.
    #[allow(clippy::must_use_candidate)] // Most tests know what they put in.
    pub fn create(&self, plural: &str, namespace: &str, object: Value) -> Value {
        let name = object["metadata"]["name"].as_str().expect("the object has a name").to_owned();
        let kind = kind(plural);
        let made = self.inner.store().create(kind, &key(plural, namespace, &name), object);
        self.wake();
        made.unwrap_or_else(|refusal| panic!("{}", refusal.status()))
    }

    /// Changes an object, its status included. Says whether it is there.
    pub fn change(&self, plural: &str, namespace: &str, name: &str, with: impl FnOnce(&mut Value)) -> bool {
        let (kind, key) = (kind(plural), key(plural, namespace, name));
        let mut store = self.inner.store();
        let Some(mut object) = store.get(&key).cloned() else { return false };
        with(&mut object);
        let status = object.clone();
        let changed = store.update(kind, &key, object, false).and_then(|_| {
            let mut status = status;
            status["metadata"] = Value::Null;
            if kind.has_status { store.update(kind, &key, status, true) } else { Ok(Value::Null) }
        });
        drop(store);
        self.wake();
        changed.is_ok()
    }

    /// Deletes an object as a client does.
    pub fn delete(&self, plural: &str, namespace: &str, name: &str) {
        let _ = self.inner.store().delete(&key(plural, namespace, name), false);
        self.wake();
    }

    /// Takes an object away, whatever holds it: as the kubelet does with a pod whose processes have ended.
    pub fn remove(&self, plural: &str, namespace: &str, name: &str) {
        self.inner.store().remove(&key(plural, namespace, name));
        self.wake();
    }

    /// Ends all watches that are being served.
    pub fn drop_watches(&self) {
        self.inner.watch_generation.fetch_add(1, Ordering::AcqRel);
        self.inner.versions.send_modify(|_| {});
    }

    /// Forgets what has happened: watches that begin at an earlier version get the answer that it is too old.
    pub fn expire(&self) {
        self.inner.store().compact();
        self.drop_watches();
    }

    /// Waits until something is there, and looks whenever an object changes.
    ///
    /// # Panics
    /// When it is not there in time.
    pub async fn until<T>(&self, what: &str, limit: Duration, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let mut changed = self.inner.versions.subscribe();
        let found = tokio::time::timeout(limit, async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = look(self) {
                    return found;
                }
                // What a test waits for may be elsewhere too.
                let _ = tokio::time::timeout(Duration::from_millis(100), changed.changed()).await;
            }
        });
        found.await.unwrap_or_else(|_| panic!("{what}: not within {} s", limit.as_secs()))
    }

    fn wake(&self) {
        let version = self.inner.store().version();
        self.inner.changed(version);
    }
}

fn kind(plural: &str) -> &'static ResourceKind {
    ResourceKind::named(plural).unwrap_or_else(|| panic!("the model has no {plural}"))
}

fn key(plural: &str, namespace: &str, name: &str) -> ObjectKey {
    (kind(plural).plural, namespace.to_owned(), name.to_owned())
}
