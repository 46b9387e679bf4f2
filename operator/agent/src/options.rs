//! The agent's options.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// The agent's options. Study, round, trial and attempt come from the downward API's `trial.json`.
#[derive(Clone, Debug)]
pub struct Options {
    /// `STUDIOUS_TRIAL_DIR`, shared with the trainer.
    pub trial_dir: PathBuf,
    /// The file with what all hosts share, from the pod's annotation.
    pub downward: PathBuf,
    /// This host's index (`JOB_COMPLETION_INDEX`).
    pub host: u32,
    /// The pod's namespace: a label of the gauges.
    pub namespace: String,
    /// The operator: `https://studious.<namespace>.svc:8443`.
    pub operator: String,
    /// Whom to believe that it is the operator, as PEM. Without it, the roots that browsers believe.
    pub ca_pem: Option<String>,
    /// More of them, in a file that is read again when it changes and need not be there.
    pub ca_file: Option<PathBuf>,
    /// The projected service-account token. It is read again for each push, since it is renewed.
    pub token_file: PathBuf,
    /// This host's folder on the checkpoint claim, for lines that could not be delivered. Without a claim there is none.
    pub spool: Option<PathBuf>,
    /// Where `/metrics` is served, in the clear; it isn't without an address.
    pub listen: Option<SocketAddr>,
    /// How long pushing what is left may take once the trainer has ended: less than the pod's grace period.
    pub drain_limit: Duration,
}

impl Options {
    /// Leaves five seconds of the usual grace period of thirty.
    pub const DRAIN_LIMIT: Duration = Duration::from_secs(25);
}
