//! The agent against an operator that fails, dies and comes back, with a real ledger behind it.
#![allow(missing_docs)]
// Tests may panic: that is how they fail.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, clippy::missing_errors_doc)]
#![allow(clippy::must_use_candidate, clippy::cast_possible_truncation)]

mod authority;
mod inputs;
mod operator;
mod pushing;
mod spool;
mod trouble;

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    time::{Duration, Instant},
};

use studious_agent::{AgentError, Options};
use studious_contract::METRICS_FILE;
use tokio::{sync::oneshot, task::JoinHandle};

pub const TOKEN: &str = "first-token";

/// A trial directory with an agent that runs beside it.
pub struct Pod {
    pub folder: tempfile::TempDir,
    pub options: Options,
    end: Option<oneshot::Sender<()>>,
    agent: Option<JoinHandle<Result<(), AgentError>>>,
}

impl Pod {
    pub fn new(operator: &str) -> Self {
        Self::of_attempt(operator, 1)
    }

    pub fn of_attempt(operator: &str, attempt: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trial_dir = folder.path().join("trial");
        fs::create_dir(&trial_dir).unwrap();
        let downward = folder.path().join("trial.json");
        fs::write(&downward, shared(attempt)).unwrap();
        let token_file = folder.path().join("token");
        fs::write(&token_file, format!("{TOKEN}\n")).unwrap();
        let options = Options {
            trial_dir,
            downward,
            host: 1,
            namespace: "team-a".into(),
            operator: operator.into(),
            ca_pem: None,
            ca_file: None,
            spool: None,
            token_file,
            listen: Some(free_address()),
            drain_limit: Duration::from_secs(20),
        };
        Self { folder, options, end: None, agent: None }
    }

    pub fn start(&mut self) {
        let (end, ended) = oneshot::channel();
        let agent = studious_agent::run_until(self.options.clone(), async {
            let _ = ended.await;
        });
        self.agent = Some(tokio::spawn(agent));
        self.end = Some(end);
    }

    /// What the kubelet does once the trainer has ended.
    pub async fn end(&mut self) -> Result<(), AgentError> {
        drop(self.end.take());
        self.agent.take().unwrap().await.unwrap()
    }

    /// Kills the agent as `kill -9` would.
    pub async fn kill(&mut self) {
        let agent = self.agent.take().unwrap();
        agent.abort();
        assert!(agent.await.unwrap_err().is_cancelled());
        self.options.listen = Some(free_address());
    }

    pub fn metrics(&self) -> PathBuf {
        self.options.trial_dir.join(METRICS_FILE)
    }

    pub fn write(&self, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.metrics()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub fn write_lines(&self, steps: std::ops::Range<u64>) {
        let lines: Vec<_> = steps.map(|s| format!("{{\"step\":{s},\"train_loss\":{s}.25}}\n")).collect();
        self.write(&lines.concat());
    }
}

/// What the operator writes into the pod's annotation.
pub fn shared(attempt: u32) -> String {
    let spec = operator::trial_spec();
    let coordinator = Some("s-explore-0000-a1-0.s:8476".to_owned());
    serde_json::to_string(&studious_contract::SharedTrial::new("s-explore-0000", &spec, attempt, None, coordinator))
        .unwrap()
}

pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits for something that should come soon.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what} did not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
