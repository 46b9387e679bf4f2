//! Why an agent gives up.

use std::{io, net::SocketAddr, path::PathBuf};

use studious_contract::TrialJsonError;

/// Why an agent gives up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// Signals can't be received.
    #[error("signals can't be received: {0}")]
    Signals(io::Error),
    /// The address is taken.
    #[error("/metrics can't be served at {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A file of the trial.
    #[error("{path} can't be {action}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// What the trainer needs didn't come.
    #[error("the agent has written no {file} within {limit_seconds} s: its own log says why")]
    NotReady {
        /// What is missing.
        file: &'static str,
        /// How long was waited, in seconds.
        limit_seconds: u64,
    },
    /// The pod's annotation isn't what the operator wrote.
    #[error("{path} (the pod's annotation studious.dev/trial) can't be used: {source}")]
    Trial {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: TrialJsonError,
    },
    /// The operator's address.
    #[error("the operator's address {address:?} is not a valid http(s) URL: {problem}")]
    Address {
        /// As given.
        address: String,
        /// What is wrong.
        problem: String,
    },
    /// The operator's certificate authority, or TLS itself.
    #[error("no connection to the operator can be made: {0}. Is the certificate authority (STUDIOUS_CA_PEM) PEM?")]
    Tls(String),
    /// A defect of this program: a series that Prometheus doesn't take.
    #[error("the agent's own metrics are wrong: {0}")]
    Metrics(#[from] prometheus::Error),
    /// What is left was not acknowledged in time.
    #[error(
        "the operator has acknowledged lines up to {acknowledged} of metrics.jsonl, and not the rest within {limit_seconds} s of the trainer's end: {problem}"
    )]
    NotDrained {
        /// Lines acknowledged.
        acknowledged: u64,
        /// How long was tried, in seconds.
        limit_seconds: u64,
        /// The last failure.
        problem: String,
    },
}
