//! What both controllers and what is served share.

use std::sync::Arc;

use jiff::Timestamp;
use kube::Client;
use studious_ledger::Ledger;

use crate::{caches::Caches, events::Events, live::Live, memory::Memories, metrics::Metrics};

/// What both controllers and what is served share.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) caches: Caches,
    pub(crate) ledger: Ledger,
    pub(crate) live: Arc<Live>,
    pub(crate) events: Events,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    /// How often in a row the reconcile of an object has failed, by uid.
    pub(crate) failures: Memories<u32>,
}

/// The clock: the machine's, or one that a test sets.
pub(crate) struct Clock(Box<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub(crate) fn of_the_machine() -> Self {
        Self(Box::new(Timestamp::now))
    }

    /// Another clock.
    #[cfg(test)]
    pub(crate) fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Box::new(now))
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }
}
