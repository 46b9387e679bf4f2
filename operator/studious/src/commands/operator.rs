//! `studious operator`: carries studies out on the cluster it runs in.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use studious_controller::Options;
use studious_ledger::Limits;

use super::service::{LogFormat, log, terminated};
use crate::exit;

const MIB: u64 = 1024 * 1024;

/// Flags of `studious operator`; the chart sets them.
#[derive(Args, Debug)]
pub(crate) struct OperatorCommand {
    /// The operator's own namespace, where its Lease is
    #[arg(long, env = "STUDIOUS_NAMESPACE", value_name = "NAMESPACE")]
    namespace: String,
    /// This replica's name: the pod's
    #[arg(long, env = "STUDIOUS_IDENTITY", value_name = "NAME")]
    identity: String,
    /// Watch this namespace alone [default: all]
    #[arg(long, value_name = "NAMESPACE")]
    watch_namespace: Option<String>,
    /// Where ingest, webhook and read API are served over TLS
    #[arg(long, default_value = "0.0.0.0:8443", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where the dashboard is served over TLS [default: with ingest, webhook and read API]
    #[arg(long, value_name = "ADDRESS")]
    listen_dashboard: Option<SocketAddr>,
    /// A proxy that signs people in before the dashboard and says who they are in X-Remote-User and X-Remote-Group; its
    /// address, or a range of addresses. It must take these headers off what others send
    #[arg(long = "trusted-proxy", value_name = "CIDR")]
    trusted_proxies: Vec<ipnet::IpNet>,
    /// Where /healthz and /readyz are served in the clear
    #[arg(long, default_value = "0.0.0.0:8080", value_name = "ADDRESS")]
    listen_plain: SocketAddr,
    /// Where /metrics is served over TLS, to callers with a token whose user may `get` that path in Kubernetes
    #[arg(long, default_value = "0.0.0.0:8445", value_name = "ADDRESS")]
    listen_metrics: SocketAddr,
    /// Serve /metrics to every client, without a token
    #[arg(long)]
    open_metrics: bool,
    /// The server's certificate chain, PEM
    #[arg(long, value_name = "FILE")]
    tls_certificate: PathBuf,
    /// The key of that certificate, PEM
    #[arg(long, value_name = "FILE")]
    tls_key: PathBuf,
    /// The certificate authority that agents are to trust, PEM
    #[arg(long, value_name = "FILE")]
    ca_certificate: PathBuf,
    /// The ledger: an SQLite file, made if it isn't there
    #[arg(long, value_name = "FILE")]
    ledger: PathBuf,
    /// Quota of a trial: MiB of the lines of all its hosts and attempts. Beyond a quota a trial keeps its objective and its
    /// events; the rest is dropped and counted
    #[arg(long, default_value_t = Limits::default().trial_bytes / MIB, value_name = "MIB")]
    ledger_trial_quota: u64,
    /// Quota of a study: MiB of the lines of all its trials
    #[arg(long, default_value_t = Limits::default().study_bytes / MIB, value_name = "MIB")]
    ledger_study_quota: u64,
    /// Quota of a namespace: MiB of the lines of all its studies [default: none]
    #[arg(long, value_name = "MIB")]
    ledger_namespace_quota: Option<u64>,
    /// Image of the agent in each trial's pods: the operator's own
    #[arg(long, env = "STUDIOUS_AGENT_IMAGE", value_name = "IMAGE")]
    agent_image: String,
    /// When that image is pulled [default: Kubernetes' own rule]
    #[arg(long, value_name = "POLICY", value_parser = ["Always", "IfNotPresent", "Never"])]
    agent_image_pull_policy: Option<String>,
    /// Let agents serve their host's gauges in the clear, to every client that reaches a trial's pod
    #[arg(long)]
    agent_metrics: bool,
    /// Where agents send measurements: `https://studious.<namespace>.svc:8443`
    #[arg(long, value_name = "URL")]
    ingest_url: String,
    /// How long agents of trials without a checkpoint claim deliver what is left once their trainer has ended, in seconds.
    /// Such a trial's pod has this time, and a little more, as its grace period
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    agent_drain_seconds: u64,
    /// The Lease that makes one replica the leader
    #[arg(long, default_value = "studious", value_name = "NAME")]
    lease: String,
    /// How many objects of one kind are reconciled at once
    #[arg(long, default_value_t = 16, value_name = "N")]
    concurrency: u16,
    /// How the log is written
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    log_format: LogFormat,
}

impl OperatorCommand {
    /// What the ledger keeps at most.
    fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            trial_bytes: self.ledger_trial_quota.saturating_mul(MIB),
            study_bytes: self.ledger_study_quota.saturating_mul(MIB),
            namespace_bytes: self.ledger_namespace_quota.map_or(usual.namespace_bytes, |mib| mib.saturating_mul(MIB)),
            ..usual
        }
    }

    /// Runs until SIGTERM or SIGINT.
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        log(self.log_format, "info,kube_runtime=warn")?;
        let ledger_limits = self.limits();
        let options = Options {
            namespace: self.namespace,
            watch_namespace: self.watch_namespace,
            listen: self.listen,
            listen_dashboard: self.listen_dashboard,
            trusted_proxies: self.trusted_proxies,
            listen_plain: self.listen_plain,
            listen_metrics: self.listen_metrics,
            open_metrics: self.open_metrics,
            tls_certificate: self.tls_certificate,
            tls_key: self.tls_key,
            ledger_limits,
            ledger: self.ledger,
            agent_image: self.agent_image,
            agent_image_pull_policy: self.agent_image_pull_policy,
            agent_metrics: self.agent_metrics,
            ingest_url: self.ingest_url,
            ca_certificate: self.ca_certificate,
            agent_drain: Duration::from_secs(self.agent_drain_seconds),
            lease: self.lease,
            identity: self.identity,
            concurrency: self.concurrency,
        };
        studious_controller::run(options, terminated()?).await?;
        Ok(exit::OK)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        operator: OperatorCommand,
    }

    fn limits(more: &str) -> Limits {
        let needed = "studious --namespace=n --identity=i --tls-certificate=c --tls-key=k --ca-certificate=a --ledger=l \
                      --agent-image=g --ingest-url=u";
        Line::parse_from(needed.split_whitespace().chain(more.split_whitespace())).operator.limits()
    }

    #[test]
    fn quotas_of_the_ledger_can_be_set() {
        assert_eq!(limits(""), Limits::default());
        let set = limits("--ledger-trial-quota=1 --ledger-study-quota=2 --ledger-namespace-quota=3");
        assert_eq!((set.trial_bytes, set.study_bytes, set.namespace_bytes), (MIB, 2 * MIB, 3 * MIB));
        assert_eq!((set.lines, set.metrics), (Limits::default().lines, Limits::default().metrics));
    }
}
