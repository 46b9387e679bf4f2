//! The operator as a process, and the API server it talks to.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use studious_api_server_model::{ApiServer, Certificates, Relay};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// The namespace of all studies.
pub(crate) const NAMESPACE: &str = "team-a";
/// Nothing takes longer, on a machine that is busy.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// An operator with its API server.
pub(crate) struct TestCluster {
    pub api: Arc<ApiServer>,
    /// What agents and pods reach the operator through.
    pub network: Arc<Relay>,
    pub folder: TempDir,
    /// The ledger's file, in a folder of its own.
    pub ledger: PathBuf,
    listen: SocketAddr,
    listen_plain: SocketAddr,
    listen_metrics: SocketAddr,
    operator: Option<Child>,
    /// Each start gets a log of its own.
    starts: u32,
    http: reqwest::Client,
}

impl TestCluster {
    /// Starts both and waits until the operator leads.
    pub(crate) async fn start() -> Self {
        let mut cluster = Self::without_operator().await;
        cluster.start_operator().await;
        cluster
    }

    /// Starts the API server alone.
    pub(crate) async fn without_operator() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::generate();
        std::fs::create_dir(folder.path().join("ledger")).unwrap();
        for (name, text) in [
            ("ca.crt", &certificates.authority),
            ("tls.crt", &certificates.certificate),
            ("tls.key", &certificates.key),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let authority = reqwest::Certificate::from_pem(certificates.authority.as_bytes()).unwrap();
        let client = reqwest::Client::builder().add_root_certificate(authority).no_proxy().timeout(LIMIT);
        let (listen, listen_plain, listen_metrics) = (free_address(), free_address(), free_address());
        let network = Relay::to(listen).await;
        Self {
            api: Arc::new(ApiServer::start().await),
            network: Arc::new(network),
            ledger: folder.path().join("ledger/ledger.sqlite"),
            folder,
            listen,
            listen_plain,
            listen_metrics,
            operator: None,
            starts: 0,
            http: client.build().unwrap(),
        }
    }

    /// Where a pod finds the operator.
    pub(crate) fn ingest(&self) -> String {
        format!("https://{}", self.network.address())
    }

    /// Where the operator listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listen
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the operator, with the ledger that is there.
    pub(crate) async fn start_operator(&mut self) {
        self.starts += 1;
        std::fs::write(self.path("kubeconfig"), self.api.kubeconfig(None)).unwrap();
        let log = std::fs::File::create(self.path(&format!("operator-{}.log", self.starts))).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_studious"));
        command.args([
            "operator",
            "--namespace",
            "studious-system",
            "--identity",
            "operator-1",
            "--agent-image",
            "agent",
        ]);
        command.args(["--listen", &self.listen.to_string(), "--listen-plain", &self.listen_plain.to_string()]);
        command.args(["--listen-metrics", &self.listen_metrics.to_string()]);
        command.args(["--ingest-url", &self.ingest()]);
        for (flag, file) in [("--tls-certificate", "tls.crt"), ("--tls-key", "tls.key"), ("--ca-certificate", "ca.crt")]
        {
            command.arg(flag).arg(self.path(file));
        }
        command.arg("--ledger").arg(&self.ledger);
        command.env("KUBECONFIG", self.path("kubeconfig")).env("HOME", self.folder.path()).env("RUST_LOG", "info");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
        self.operator = Some(command.spawn().unwrap());
        let ready = format!("http://{}/readyz", self.listen_plain);
        let begun = std::time::Instant::now();
        loop {
            if self.http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            if let Some(status) = self.operator.as_mut().and_then(|child| child.try_wait().unwrap()) {
                panic!("the operator left with {status}:\n{}", self.log());
            }
            assert!(begun.elapsed() < LIMIT, "the operator is not ready:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops the operator as Kubernetes does.
    pub(crate) async fn stop_operator(&mut self) {
        let Some(mut operator) = self.operator.take() else { return };
        let pid = Pid::from_raw(i32::try_from(operator.id().unwrap()).unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        tokio::time::timeout(LIMIT, operator.wait()).await.expect("the operator stops").unwrap();
    }

    /// Kills the operator, as a lost node does.
    pub(crate) async fn kill_operator(&mut self) {
        if let Some(mut operator) = self.operator.take() {
            operator.kill().await.unwrap();
        }
    }

    /// What the operator has logged since its last start.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path(&format!("operator-{}.log", self.starts))).unwrap_or_default()
    }

    /// Puts in a study, as `kubectl apply` does.
    pub(crate) fn apply(&self, study: &Value) {
        self.api.create("studies", NAMESPACE, study.clone());
    }

    pub(crate) fn study(&self, name: &str) -> Value {
        self.api.get("studies", NAMESPACE, name).unwrap_or_default()
    }

    /// Trials of a study in the order of their names.
    pub(crate) fn trials(&self, study: &str) -> Vec<Value> {
        let trials = self.api.list("trials", NAMESPACE);
        trials.into_iter().filter(|trial| trial["spec"]["study"] == study).collect()
    }

    /// Waits until something is there. Shows what the operator logged when it isn't in time.
    pub(crate) async fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let found = tokio::time::timeout(LIMIT, self.api.until(what, LIMIT * 2, |_| look(self))).await;
        found.unwrap_or_else(|_| panic!("{what}: not within {} s\n{}", LIMIT.as_secs(), self.log()))
    }

    /// Waits until a study has ended, and returns it.
    pub(crate) async fn ended(&self, study: &str) -> Value {
        self.until(&format!("the end of study {study}"), |cluster| {
            let study = cluster.study(study);
            matches!(study["status"]["phase"].as_str(), Some("Completed" | "Failed" | "Invalid")).then_some(study)
        })
        .await
    }

    /// A trial in a phase.
    pub(crate) async fn trial_is(&self, name: &str, phase: &str) -> Value {
        self.until(&format!("trial {name} {phase}"), |cluster| {
            cluster.api.get("trials", NAMESPACE, name).filter(|trial| trial["status"]["phase"] == phase)
        })
        .await
    }

    /// The Job of an attempt, once there is one.
    pub(crate) async fn job(&self, trial: &str, attempt: u32) -> Value {
        let name = format!("{trial}-a{attempt}");
        self.until(&format!("Job {name}"), |cluster| cluster.api.get("jobs", NAMESPACE, &name)).await
    }

    /// Puts in the pod of a Job's host whose trainer is in a state, such as `{"running": {}}`.
    pub(crate) fn pod(&self, job: &Value, index: u32, trainer: &Value) -> Value {
        let mut pod = crate::kubelet::pod_of(job, index);
        pod["status"] = json!({
            "phase": "Running", "startTime": now(),
            "containerStatuses": [container(trainer_name(job), trainer)],
            "initContainerStatuses": [container("studious-agent", &json!({"running": {"startedAt": now()}}))],
        });
        self.api.create("pods", NAMESPACE, pod)
    }

    /// The operator's answer to a push of lines from a pod: the HTTP status and its body.
    pub(crate) async fn push(&self, pod: &Value, first: u64, lines: &[String], drained: bool) -> (u16, Value) {
        let begun = std::time::Instant::now();
        loop {
            let answer = self.send(pod, first, lines, drained).await.unwrap();
            let status = answer.status().as_u16();
            // A pod that is very new is known in a moment, and one that sends too often waits.
            if !matches!(status, 429 | 503) || begun.elapsed() > LIMIT {
                return (status, answer.json().await.unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the operator says of its readiness: the HTTP status and its words.
    pub(crate) async fn ready(&self) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}/readyz", self.listen_plain)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap_or_default())
    }

    /// The operator's answer to a scrape with this token: the HTTP status and the series.
    pub(crate) async fn scrape(&self, token: Option<&str>) -> (u16, String) {
        let request = self.http.get(format!("https://{}/metrics", self.listen_metrics));
        let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// What is served in the clear at a path: the HTTP status.
    pub(crate) async fn in_the_clear(&self, path: &str) -> u16 {
        reqwest::get(format!("http://{}{path}", self.listen_plain)).await.unwrap().status().as_u16()
    }

    /// What the operator answers to a user who asks for a study's records: the HTTP status and its body.
    pub(crate) async fn records(&self, study: &str, token: &str) -> (u16, String) {
        let url = format!("{}/v1/namespaces/{NAMESPACE}/studies/{study}/records", self.ingest());
        let answer = self.http.get(url).header("Studious-Token", token).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// One push, once.
    pub(crate) async fn send(
        &self,
        pod: &Value,
        first: u64,
        lines: &[String],
        drained: bool,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let label = |name: &str| pod["metadata"]["labels"][name].as_str().and_then(|text| text.parse::<u32>().ok());
        let body = json!({
            "attempt": label("studious.dev/attempt"), "host": label(crate::kubelet::INDEX), "firstLine": first,
            "lines": lines, "drained": drained,
        });
        let url = format!("{}/v1/measurements", self.ingest());
        self.http.post(url).bearer_auth(self.api.token_of(pod)).json(&body).send().await
    }
}

/// A container's status.
pub(crate) fn container(name: &str, state: &Value) -> Value {
    json!({"name": name, "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": state})
}

/// The name of a Job's trainer: of its first container.
pub(crate) fn trainer_name(job: &Value) -> &str {
    job["spec"]["template"]["spec"]["containers"][0]["name"].as_str().unwrap()
}

/// The clock, as the kubelet writes it.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An address that nobody listens at. Its port is none of those that the kernel gives to connections (32768 and above), so
/// that none of them takes it before the operator does.
fn free_address() -> SocketAddr {
    static TAKEN: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 100).unwrap() * 100;
    loop {
        let taken = TAKEN.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let address = SocketAddr::from(([127, 0, 0, 1], 20_000 + (first + taken) % 12_000));
        if std::net::TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Waits for a file.
pub(crate) async fn file(path: &Path) {
    let there = async {
        while !path.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, there).await.unwrap_or_else(|_| panic!("{} was not made", path.display()));
}

/// The built command.
pub(crate) fn studious(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_studious"));
    command.current_dir(folder).env_remove("KUBECONFIG").env("HOME", folder).stdin(Stdio::null());
    command
}
