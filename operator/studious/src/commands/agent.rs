//! `studious agent`: the sidecar of a trainer.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use studious_agent::Options;

use super::service::{LogFormat, log};
use crate::exit;

/// Flags of `studious agent`; the operator sets them through the environment.
#[derive(Args, Debug)]
pub(crate) struct Agent {
    /// The folder shared with the trainer
    #[arg(long, env = "STUDIOUS_TRIAL_DIR", value_name = "FOLDER")]
    trial_dir: PathBuf,
    /// What all hosts of the trial share: the downward API's file
    #[arg(long, default_value = "/studious/downward/trial.json", value_name = "FILE")]
    downward: PathBuf,
    /// This host's index
    #[arg(long, env = "JOB_COMPLETION_INDEX", value_name = "N")]
    host: u32,
    /// The pod's namespace
    #[arg(long, env = "STUDIOUS_NAMESPACE", value_name = "NAMESPACE")]
    namespace: String,
    /// The operator's address
    #[arg(long, env = "STUDIOUS_INGEST_URL", value_name = "URL")]
    operator: String,
    /// The certificate authority to trust, as PEM text
    #[arg(long, env = "STUDIOUS_CA_PEM", value_name = "PEM", hide_env_values = true)]
    ca_pem: Option<String>,
    /// More certificate authorities, in a PEM file that may come later and is read again when it changes
    #[arg(long, env = "STUDIOUS_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// This host's folder on the checkpoint claim, for lines that could not be delivered
    #[arg(long, env = "STUDIOUS_SPOOL", value_name = "FOLDER")]
    spool: Option<PathBuf>,
    /// The pod's token
    #[arg(long, default_value = "/studious/token/token", value_name = "FILE")]
    token_file: PathBuf,
    /// Where /metrics is served, in the clear and to every client [default: nowhere]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// How long sending what is left may take once the trainer has ended, in seconds
    #[arg(long, env = "STUDIOUS_DRAIN_SECONDS", default_value_t = Options::DRAIN_LIMIT.as_secs(), value_name = "SECONDS")]
    drain_limit: u64,
    /// How the log is written
    #[arg(long, value_enum, default_value_t = LogFormat::Json, value_name = "FORMAT")]
    log_format: LogFormat,
}

/// Flags of `studious agent-ready`, which the kubelet runs beside the agent.
#[derive(Args, Debug)]
pub(crate) struct AgentReady {
    /// The folder shared with the trainer
    #[arg(long, env = "STUDIOUS_TRIAL_DIR", value_name = "FOLDER")]
    trial_dir: PathBuf,
    /// How long the agent may take, in seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    limit: u64,
}

impl AgentReady {
    /// Waits until the agent has written what the trainer reads.
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        studious_agent::ready(&self.trial_dir, Duration::from_secs(self.limit)).await?;
        Ok(exit::OK)
    }
}

impl Agent {
    /// Runs until SIGTERM or SIGINT, then sends what is left.
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        log(self.log_format, "info")?;
        studious_agent::run(Options {
            trial_dir: self.trial_dir,
            downward: self.downward,
            host: self.host,
            namespace: self.namespace,
            operator: self.operator,
            ca_pem: self.ca_pem.filter(|pem| !pem.is_empty()),
            ca_file: self.ca_file,
            spool: self.spool,
            token_file: self.token_file,
            listen: self.listen,
            drain_limit: Duration::from_secs(self.drain_limit),
        })
        .await?;
        Ok(exit::OK)
    }
}
