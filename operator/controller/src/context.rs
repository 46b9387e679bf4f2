//! What both controllers and what is served share.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use kube::Client;
use studious_ledger::Ledger;

use crate::{caches::Caches, events::Events, live::Live, memory::Memories, metrics::Metrics, steady::SteadyTime};

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

/// The clock: the machine's without its jumps, or one that a test sets.
pub(crate) struct Clock(Box<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub(crate) fn of_the_machine() -> Self {
        let begun = Instant::now();
        Self::new(Timestamp::now, move || begun.elapsed())
    }

    /// A clock of these readings: of a wall clock, which may jump, and of a clock that only ever passes.
    pub(crate) fn new(
        wall: impl Fn() -> Timestamp + Send + Sync + 'static,
        uptime: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self {
        let time = Mutex::new(SteadyTime::new(wall(), uptime()));
        Self(Box::new(move || {
            let (wall, uptime) = (wall(), uptime());
            time.lock().unwrap_or_else(PoisonError::into_inner).read(wall, uptime)
        }))
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }
}
