//! Studies and trials on Kubernetes: observe, validate, decide, apply, status.
//!
//! ```text
//!              watches                    Study ──► study::reconcile ──► Trials, Service, status
//! API server ──────────► caches ──► queues
//!                                         Trial ──► trial::reconcile ──► Job, status
//! agents ──► ingest ──► ledger ──► live ────┘
//! ```
//!
//! What happens is decided in `studious-playbook`, the same as on a laptop; this crate observes a cluster, carries out
//! what was decided and says so in statuses. [`run`] is its one door; [`retry_after`] tells other clients how long to wait.

mod authority;
mod caches;
mod context;
mod create;
mod dashboard;
mod election;
mod events;
mod fault;
mod grace;
mod identity;
mod ingest;
mod limits;
mod live;
mod memory;
mod metrics;
mod object;
mod options;
mod rate;
mod read;
mod reconcile;
mod recovery;
mod run;
#[cfg(test)]
mod scenarios;
mod scrape;
mod server;
mod status;
mod steady;
mod study;
mod sweep;
mod trial;
mod webhook;

pub use fault::retry_after;
pub use options::Options;
pub use run::{RunError, run};
