//! Plays the Job controller and the kubelet: each Job gets its pods, each pod a real agent and its trainer as processes.

use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use serde_json::{Value, json};
use studious_api_server_model::ApiServer;
use tokio::{
    process::{Child, Command},
    task::JoinSet,
};

use crate::cluster::{LIMIT, NAMESPACE, TestCluster, container, file, now, studious, trainer_name};

/// The label with a pod's index.
pub(crate) const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// How long a trainer has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How often a file is looked for.
const POLL: Duration = Duration::from_millis(10);

/// Runs the pods of all Jobs until it is dropped.
pub(crate) struct Kubelet {
    running: JoinSet<()>,
}

/// What a pod's processes need to know.
struct TestNode {
    api: Arc<ApiServer>,
    /// Where trainers start.
    working_directory: PathBuf,
    /// Where the folders of pods and claims are.
    folder: PathBuf,
}

impl Kubelet {
    /// Runs pods, with trainers in this folder.
    pub(crate) fn start(cluster: &TestCluster, working_directory: &Path) -> Self {
        let node = Arc::new(TestNode {
            api: cluster.api.clone(),
            working_directory: working_directory.to_owned(),
            folder: cluster.path("pods"),
        });
        let mut running = JoinSet::new();
        running.spawn(async move {
            let mut pods = JoinSet::new();
            let mut known: Vec<Value> = Vec::new();
            loop {
                let job = node.api.until("the next Job", LIMIT * 10, |api| {
                    let jobs = api.list("jobs", NAMESPACE).into_iter();
                    jobs.filter(|job| job["metadata"]["deletionTimestamp"].is_null())
                        .find(|job| !known.contains(&job["metadata"]["uid"]))
                });
                let job = job.await;
                known.push(job["metadata"]["uid"].clone());
                pods.spawn(run_job(node.clone(), job));
            }
        });
        Self { running }
    }

    /// Once a trainer has made the file `lose`, the pods that run are disrupted, as by the scheduler.
    pub(crate) fn lose_pods(&mut self, cluster: &TestCluster, folder: &Path) {
        let (api, path) = (cluster.api.clone(), folder.join("lose"));
        self.running.spawn(async move {
            file(&path).await;
            for pod in api.list("pods", NAMESPACE) {
                let name = pod["metadata"]["name"].as_str().unwrap();
                api.change("pods", NAMESPACE, name, |pod| {
                    let target =
                        json!({"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"});
                    pod["status"]["conditions"] = json!([target]);
                });
                api.delete("pods", NAMESPACE, name);
            }
        });
    }
}

/// The pod of a Job's host, as the Job controller makes it.
pub(crate) fn pod_of(job: &Value, index: u32) -> Value {
    let mut pod = job["spec"]["template"].clone();
    let name = job["metadata"]["name"].as_str().unwrap();
    pod["metadata"]["name"] = format!("{name}-{index}").into();
    pod["metadata"]["labels"][INDEX] = index.to_string().into();
    pod["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true,
    }]);
    pod["spec"]["nodeName"] = "node-1".into();
    pod
}

/// Runs the pods of a Job. Once one has failed, the others are deleted: its backoff limit is 0.
async fn run_job(node: Arc<TestNode>, job: Value) {
    let hosts = job["spec"]["completions"].as_u64().unwrap_or(1);
    let mut pods = JoinSet::new();
    for index in 0..u32::try_from(hosts).unwrap() {
        let mut pod = pod_of(&job, index);
        pod["status"] = json!({"phase": "Pending", "startTime": now()});
        let pod = node.api.create("pods", NAMESPACE, pod);
        pods.spawn(run_pod(node.clone(), job.clone(), pod, index));
    }
    let mut failed = false;
    while let Some(succeeded) = pods.join_next().await {
        if !succeeded.unwrap() && !failed {
            failed = true;
            for index in 0..hosts {
                let name = format!("{}-{index}", job["metadata"]["name"].as_str().unwrap());
                let ended =
                    node.api.get("pods", NAMESPACE, &name).is_none_or(|pod| pod["status"]["phase"] != "Running");
                if !ended {
                    node.api.delete("pods", NAMESPACE, &name);
                }
            }
        }
    }
    let type_ = if failed { "Failed" } else { "Complete" };
    node.api.change("jobs", NAMESPACE, job["metadata"]["name"].as_str().unwrap(), |job| {
        job["status"] = json!({"conditions": [{"type": type_, "status": "True"}]});
    });
}

/// Runs a pod to its end. Says whether its trainer succeeded.
async fn run_pod(node: Arc<TestNode>, job: Value, pod: Value, index: u32) -> bool {
    let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
    let folder = node.folder.join(pod["metadata"]["uid"].as_str().unwrap());
    let trial = folder.join("trial");
    lay(&node, &pod, &folder, &trial, index);
    let mut agent = start_agent(&node, &pod, &folder, &trial, index);
    while !trial.join("trial.json").exists() {
        if let Some(status) = agent.try_wait().unwrap() {
            panic!("the agent of {name} left with {status}: {}", read(&folder.join("agent.log")));
        }
        tokio::time::sleep(POLL).await;
    }
    let mut trainer = start_trainer(&node, &pod, &folder, &trial, index);
    let started = now();
    let trainer_is = |state: &Value, agent: &Value, phase: &str| {
        node.api.change("pods", NAMESPACE, &name, |pod| {
            pod["status"]["phase"] = phase.into();
            pod["status"]["containerStatuses"] = json!([container(trainer_name(&job), state)]);
            pod["status"]["initContainerStatuses"] = json!([container("studious-agent", agent)]);
        });
    };
    let agent_runs = json!({"running": {"startedAt": started}});
    trainer_is(&json!({"running": {"startedAt": started}}), &agent_runs, "Running");

    let deleted = node.api.until("the deletion of a pod", LIMIT * 10, |api| {
        let pod = api.get("pods", NAMESPACE, &name);
        pod.is_none_or(|pod| !pod["metadata"]["deletionTimestamp"].is_null()).then_some(())
    });
    let overdue = node.api.until("the deadline of a pod", LIMIT * 10, |api| {
        let pod = api.get("pods", NAMESPACE, &name);
        pod.is_some_and(|pod| pod["spec"]["activeDeadlineSeconds"] == 1).then_some(())
    });
    let (status, is_deleted) = tokio::select! {
        status = trainer.wait() => (status.unwrap(), false),
        () = deleted => (terminate(&mut trainer).await, true),
        () = overdue => (terminate(&mut trainer).await, false),
    };
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    let mut ended = json!({"terminated": {"exitCode": code, "startedAt": started, "finishedAt": now()}});
    if code != 0 && pod["spec"]["containers"][0]["terminationMessagePolicy"] == "FallbackToLogsOnError" {
        ended["terminated"]["message"] = read(&folder.join("trainer.log")).into();
    }
    trainer_is(&ended, &agent_runs, "Running");

    signal(&agent, Signal::SIGTERM);
    let left = tokio::time::timeout(LIMIT, agent.wait()).await.expect("the agent leaves").unwrap();
    let agent_ended = json!({"terminated": {"exitCode": left.code().unwrap_or(137), "finishedAt": now()}});
    trainer_is(&ended, &agent_ended, if code == 0 { "Succeeded" } else { "Failed" });
    if is_deleted {
        node.api.remove("pods", NAMESPACE, &name);
    }
    code == 0
}

/// Lays a pod's volumes. A checkpoint claim outlives it.
fn lay(node: &TestNode, pod: &Value, folder: &Path, trial: &Path, index: u32) {
    let labels = &pod["metadata"]["labels"];
    let volumes = pod["spec"]["volumes"].as_array().unwrap();
    let has_claim = volumes.iter().any(|volume| !volume["persistentVolumeClaim"].is_null());
    let checkpoints = if has_claim {
        node.folder.join("claim").join(labels["studious.dev/trial"].as_str().unwrap())
    } else {
        folder.join("checkpoints")
    };
    let spool = spool(node, &pod["metadata"]["labels"], index);
    for made in [folder, trial, &spool, &checkpoints.join("host-0"), &checkpoints.join(format!("host-{index}"))] {
        std::fs::create_dir_all(made).unwrap();
    }
    std::os::unix::fs::symlink(checkpoints.join(format!("host-{index}")), trial.join("checkpoints")).unwrap();
    std::os::unix::fs::symlink(checkpoints.join("host-0"), trial.join("restore")).unwrap();
    let shared = pod["metadata"]["annotations"]["studious.dev/trial"].as_str().unwrap();
    std::fs::write(folder.join("downward.json"), shared).unwrap();
    std::fs::write(folder.join("token"), node.api.token_of(pod)).unwrap();
}

/// A host's folder for lines on the claim of its trial.
fn spool(node: &TestNode, labels: &Value, index: u32) -> PathBuf {
    node.folder.join("claim").join(labels["studious.dev/trial"].as_str().unwrap()).join(format!("spool-{index}"))
}

fn start_agent(node: &TestNode, pod: &Value, folder: &Path, trial: &Path, index: u32) -> Child {
    let log = std::fs::File::create(folder.join("agent.log")).unwrap();
    let mut command = studious(&node.working_directory);
    command.arg("agent").arg("--downward").arg(folder.join("downward.json"));
    command.arg("--token-file").arg(folder.join("token")).args(["--listen", "127.0.0.1:0"]);
    let agents = pod["spec"]["initContainers"].as_array().unwrap().iter();
    let agent = agents.into_iter().find(|container| container["name"] == "studious-agent").unwrap();
    let mut environment = environment(agent, trial, index);
    if let Some(folder) = environment.get_mut("STUDIOUS_SPOOL") {
        *folder = spool(node, &pod["metadata"]["labels"], index).display().to_string();
    }
    command.envs(environment).env("STUDIOUS_NAMESPACE", NAMESPACE);
    command.stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true).spawn().unwrap()
}

fn start_trainer(node: &TestNode, pod: &Value, folder: &Path, trial: &Path, index: u32) -> Child {
    let trainer = &pod["spec"]["containers"][0];
    let environment = environment(trainer, trial, index);
    let words = ["command", "args"].into_iter().flat_map(|key| trainer[key].as_array().into_iter().flatten());
    let words: Vec<String> = words.map(|word| expand(word.as_str().unwrap(), &environment)).collect();
    let log = std::fs::File::create(folder.join("trainer.log")).unwrap();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(&node.working_directory).envs(environment).process_group(0);
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
    command.spawn().unwrap()
}

/// A container's variables, with the trial directory where it is here. One of a field holds the host's index.
fn environment(container: &Value, trial: &Path, index: u32) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::from([("JOB_COMPLETION_INDEX".to_owned(), index.to_string())]);
    let place = |value: &str| match value.strip_prefix("/studious/trial") {
        Some(below) => format!("{}{below}", trial.display()),
        None => value.to_owned(),
    };
    for variable in container["env"].as_array().into_iter().flatten() {
        let name = variable["name"].as_str().unwrap().to_owned();
        let field = variable["valueFrom"]["fieldRef"]["fieldPath"].as_str();
        if let Some(value) = variable["value"].as_str() {
            let value = expand(&place(value), &environment);
            environment.insert(name, value);
        } else if field == Some("metadata.labels['batch.kubernetes.io/job-completion-index']") {
            environment.insert(name, index.to_string());
        }
    }
    environment.insert("STUDIOUS_TRIAL_DIR".to_owned(), trial.display().to_string());
    environment
}

/// `$(NAME)` is a variable and `$$` a dollar, as in a pod.
fn expand(text: &str, environment: &BTreeMap<String, String>) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let variable = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        if let Some((value, after)) = variable.and_then(|(name, after)| Some((environment.get(name)?, after))) {
            expanded.push_str(value);
            rest = after;
        } else {
            expanded.push('$');
            rest = after.strip_prefix('$').unwrap_or(after);
        }
    }
    expanded + rest
}

/// Asks a trainer to leave, and kills it when it doesn't.
async fn terminate(trainer: &mut Child) -> ExitStatus {
    let group = trainer.id().map(|id| Pid::from_raw(i32::try_from(id).unwrap()));
    let send = |signal| group.map(|group| killpg(group, signal));
    let _ = send(Signal::SIGTERM);
    if let Ok(status) = tokio::time::timeout(GRACE, trainer.wait()).await {
        return status.unwrap();
    }
    let _ = send(Signal::SIGKILL);
    trainer.wait().await.unwrap()
}

fn signal(process: &Child, signal: Signal) {
    if let Some(id) = process.id() {
        let _ = kill(Pid::from_raw(i32::try_from(id).unwrap()), signal);
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
