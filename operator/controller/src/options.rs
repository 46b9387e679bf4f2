//! The operator's options.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use studious_ledger::Limits;

/// The operator's options.
#[derive(Clone, Debug)]
pub struct Options {
    /// The operator's own namespace: the Lease is there.
    pub namespace: String,
    /// Watch this namespace alone; all of them without it.
    pub watch_namespace: Option<String>,
    /// Where ingest, webhook and read API are served over TLS.
    pub listen: SocketAddr,
    /// Where the dashboard is served over TLS; with the others without it.
    pub listen_dashboard: Option<SocketAddr>,
    /// Proxies that are believed when they name a user, by address.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Where `/healthz` and `/readyz` are served in the clear.
    pub listen_plain: SocketAddr,
    /// Where `/metrics` is served over TLS.
    pub listen_metrics: SocketAddr,
    /// Whether `/metrics` is served to every client, rather than to those who may `get` it in Kubernetes.
    pub open_metrics: bool,
    /// The server's certificate chain, PEM. Read again when it changes.
    pub tls_certificate: PathBuf,
    /// The key of that certificate, PEM.
    pub tls_key: PathBuf,
    /// The ledger: the path of an SQLite file.
    pub ledger: PathBuf,
    /// What the ledger keeps at most.
    pub ledger_limits: Limits,
    /// Image of the agent: the operator's own.
    pub agent_image: String,
    /// `Always`, `IfNotPresent` or `Never`; Kubernetes' own rule without it.
    pub agent_image_pull_policy: Option<String>,
    /// Where agents send what trainers write: `https://studious.studious-system.svc:8443`.
    pub ingest_url: String,
    /// The CA that agents trust when they send: a PEM file. They get it in their environment and, renewed, in a
    /// `ConfigMap`.
    pub ca_certificate: PathBuf,
    /// Whether agents serve their host's gauges, which every client that reaches the pod can read.
    pub agent_metrics: bool,
    /// How long the agent of a trial without a checkpoint claim delivers what is left once its trainer has ended. The
    /// grace period of such pods follows from it.
    pub agent_drain: Duration,
    /// Name of the Lease that makes one replica the leader.
    pub lease: String,
    /// This replica: the pod's name.
    pub identity: String,
    /// How many objects of one kind are reconciled at once.
    pub concurrency: u16,
}
