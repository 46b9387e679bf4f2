//! One reconcile, the same for studies and trials: a look with a limit of time, counted, caught if it panics, and tried
//! again with growing patience if it fails.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use jiff::Timestamp;
use kube::{Resource, runtime::controller::Action};
use serde::{Serialize, de::DeserializeOwned};
use studious_ledger::LedgerError;

use crate::{
    context::Context,
    create::MakeError,
    fault::{Category, Fault, backoff, of_client},
    object::{Identified, place_of},
};

/// Why a reconcile failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// The API server did not do what it was asked.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Something was not made.
    #[error(transparent)]
    Make(#[from] MakeError),
    /// The ledger can't be read or written.
    #[error("{what}: {source}")]
    Ledger {
        /// What was not done.
        what: String,
        /// What the ledger says.
        source: LedgerError,
    },
    /// A name is taken by an object that is being deleted.
    #[error("{kind} {name} of an earlier {owner_kind} of this name is still being deleted")]
    NameTaken {
        /// Its kind.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The kind of what it belongs to.
        owner_kind: &'static str,
    },
    /// The API server doesn't answer.
    #[error("{kind} {name} was not done with in {} s: {what}", limit.as_secs())]
    TooLong {
        /// Its kind.
        kind: &'static str,
        /// Its name.
        name: String,
        /// How long it may take.
        limit: Duration,
        /// What it waits for.
        what: &'static str,
    },
    /// An object that the API server never kept.
    #[error("{kind} {name} has no uid or no namespace; it was not read from an API server")]
    Nobody {
        /// Its kind.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A defect of this program. Other objects continue.
    #[error("{kind} {name} runs into a defect of Studious: {what}. Please report it")]
    Defect {
        /// Its kind.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What the panic says.
        what: String,
    },
}

/// The API server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub(crate) struct RequestError {
    /// What was not done: `Job r-explore-0000-a1 was not made`.
    pub(crate) what: String,
    /// What the API server says.
    pub(crate) source: kube::Error,
}

impl RequestError {
    /// For `map_err`.
    pub(crate) fn of(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        move |source| Self { what, source }
    }
}

impl Fault for RequestError {
    fn category(&self) -> Category {
        of_client(&self.source)
    }
}

impl Fault for ReconcileError {
    fn category(&self) -> Category {
        match self {
            Self::Request(error) => error.category(),
            Self::Make(error) => error.category(),
            Self::Ledger { source, .. } if source.is_transient() => Category::Transient,
            Self::Ledger { .. } | Self::Nobody { .. } | Self::Defect { .. } => Category::Standing,
            Self::NameTaken { .. } | Self::TooLong { .. } => Category::Transient,
        }
    }
}

/// What looks at objects of one kind.
pub(crate) trait Reconciler: Send + Sync + Sized + 'static {
    /// The kind of object.
    type Object: Resource<DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Serialize
        + Send
        + Sync
        + 'static;
    /// Its kind as metrics and messages have it.
    const KIND: &'static str;
    /// How long one look may take: a connection that died silently must not hold an object for minutes.
    const LIMIT: Duration;
    /// What looks at both kinds share.
    fn context(&self) -> &Context;
    /// One look: observe, plan, apply, report.
    fn look(
        self: &Arc<Self>,
        object: &Identified<Self::Object>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Action, ReconcileError>> + Send;
}

/// Looks at an object and does what is to be done.
pub(crate) async fn reconcile<R: Reconciler>(
    object: Arc<R::Object>,
    reconciler: Arc<R>,
) -> Result<Action, ReconcileError> {
    let begun = std::time::Instant::now();
    let result = look_in_time(object.clone(), &reconciler).await;
    let context = reconciler.context();
    context.metrics.reconciled(R::KIND, if result.is_ok() { "ok" } else { "error" }, begun.elapsed());
    if result.is_ok()
        && let Some(uid) = &object.meta().uid
    {
        context.failures.forget(uid);
    }
    result
}

async fn look_in_time<R: Reconciler>(object: Arc<R::Object>, reconciler: &Arc<R>) -> Result<Action, ReconcileError> {
    let name = place_of(object.as_ref()).1;
    let kind = R::KIND;
    let Some(object) = Identified::of(object) else { return Err(ReconcileError::Nobody { kind, name }) };
    let look = async { reconciler.look(&object, reconciler.context().clock.now()).await };
    // A panic in one object's rules must not end the process, and with it everybody's studies.
    match tokio::time::timeout(R::LIMIT, AssertUnwindSafe(look).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(ReconcileError::Defect { kind, name, what: words_of(panic.as_ref()) }),
        Err(_) => {
            let what = "the API server or the ledger doesn't answer";
            Err(ReconcileError::TooLong { kind, name, limit: R::LIMIT, what })
        }
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
    words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a word".to_owned())
}

/// When a failed reconcile is tried again, and how loudly that is said.
#[allow(clippy::needless_pass_by_value)] // kube's signature.
pub(crate) fn error_policy<R: Reconciler>(
    object: Arc<R::Object>,
    error: &ReconcileError,
    reconciler: Arc<R>,
) -> Action {
    let context = reconciler.context();
    let (namespace, name) = place_of(object.as_ref());
    let key = object.meta().uid.clone().unwrap_or_else(|| format!("{} {namespace}/{name}", R::KIND));
    let failures = context.failures.with(&key, |n| {
        *n = n.saturating_add(1);
        *n
    });
    let category = error.category();
    let wait = backoff(category, failures, &mut rand::rng());
    match category {
        Category::Transient if failures < 5 => {
            tracing::info!(kind = R::KIND, %namespace, %name, %error, ?wait, "will try again");
        }
        _ => tracing::warn!(kind = R::KIND, %namespace, %name, %error, failures, ?wait, "will try again"),
    }
    // What was not made is reported once, where it was to be made.
    if category == Category::Standing && !matches!(error, ReconcileError::Make(_)) {
        let (events, about, note) = (context.events.clone(), object.object_ref(&()), error.to_string());
        tokio::spawn(async move { events.warning(&about, "Reconcile", "ReconcileFailed", &note).await });
    }
    Action::requeue(wait)
}
