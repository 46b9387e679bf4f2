//! The sidecar of a trainer: writes `trial.json` before the trainer starts, tails `metrics.jsonl`, pushes what is new
//! to the operator until it is acknowledged, and serves Prometheus where it is asked to, so that the trainer needs no HTTP
//! server.
//!
//! ```text
//! downward API ─▶ trial.json ─▶ trainer ─▶ metrics.jsonl ─▶ tail ─▶ push ─▶ operator
//!                                                        └▶ tail ─▶ gauges ─▶ /metrics
//! ```
//!
//! The agent keeps no state but the trainer's file: after a restart it asks the operator which line is wanted next.
//! Nothing it does can slow a trainer down, and a dead operator costs neither lines nor memory: the queue is the file. With
//! a checkpoint claim, the lines that are not acknowledged outlive the pod there ([`Options::spool`]), and the agent of the
//! next attempt delivers them first.

mod earlier;
mod error;
mod gauges;
mod inputs;
mod options;
mod pump;
mod push;
mod serve;
mod spool;
mod telling;

use std::{
    future::Future,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use studious_contract::METRICS_FILE;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub use error::AgentError;
pub use options::Options;
pub use pump::FAREWELL;

use crate::{
    earlier::EarlierLines,
    gauges::Gauges,
    pump::Pump,
    push::Client,
    spool::{Delivery, Spool},
};

/// Runs until SIGTERM or SIGINT, then pushes what is left.
///
/// # Errors
/// When `trial.json` can't be made, the address is taken, or what is left was not acknowledged in time.
pub async fn run(options: Options) -> Result<(), AgentError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(AgentError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(AgentError::Signals)?;
    run_until(options, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
    .await
}

/// Waits until the agent beside this process has written what a trainer reads and may append to. The kubelet runs this as
/// the agent's `postStart` hook, and starts no other container before it has ended (*Container Lifecycle Hooks*,
/// kubernetes.io). A start-up probe would hold the trainer back for a second more: it is first asked up to its period
/// after the kubelet has seen the agent run.
///
/// # Errors
/// When that doesn't come within the limit. The kubelet then starts the agent again.
pub async fn ready(trial_dir: &Path, limit: Duration) -> Result<(), AgentError> {
    inputs::written(trial_dir, limit).await
}

/// Runs until `ended` is ready, which says that the trainer has ended, then pushes what is left.
///
/// # Errors
/// As [`run`].
pub async fn run_until(options: Options, ended: impl Future<Output = ()> + Send) -> Result<(), AgentError> {
    let started = Arc::new(OnceLock::new());
    let stop = CancellationToken::new();
    let _stopped_with_this = stop.clone().drop_guard();

    if let Some(address) = options.listen {
        serve::start(address, started.clone(), stop.clone()).await?;
    }
    let client = Client::new(&options)?;
    let trial = inputs::write(&options)?;
    let gauges = Gauges::new(&options.namespace, &trial, options.host)?;
    let gauges = started.get_or_init(|| Arc::new(gauges)).clone();
    tracing::info!(trial = trial.name, attempt = trial.attempt, host = options.host, "trial.json is there");

    let metrics = options.trial_dir.join(METRICS_FILE);
    if options.listen.is_some() {
        tokio::spawn(gauges::follow(metrics.clone(), gauges.clone(), stop.clone()));
    }
    let delivery = Arc::new(Delivery::default());
    let (earlier, spool) = match &options.spool {
        Some(folder) => (
            EarlierLines::list(folder, trial.attempt, options.drain_limit),
            Some(Spool::new(folder.clone(), metrics.clone(), trial.attempt, delivery.clone())),
        ),
        None => (EarlierLines::default(), None),
    };
    let spooling = spool.map(|spool| tokio::spawn(spool.run(stop.clone())));
    let pump = Pump::new(metrics, earlier, delivery, client, gauges, &trial, options.host);
    let result = pump.run(ended, options.drain_limit).await;
    stop.cancel();
    if let Some(spooling) = spooling {
        let _ = spooling.await;
    }
    result
}
