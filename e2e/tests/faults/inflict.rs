//! Breaks things, and repairs what doesn't come back without help.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    cluster::{kubectl, operator_namespace, output, text},
    daemons::{Supervisor, cluster},
    draw::{Draw, Fault},
    machine::{kill, processes_of_containers, processes_of_pods},
};

/// The throwaway cluster, as far as it can be broken.
pub struct Cluster {
    /// The namespace of the study.
    pub namespace: String,
    /// The folder that is the ledger's volume, on a small file system of its own.
    ledger: PathBuf,
    supervisor: Supervisor,
}

/// Runs kubectl, whose API server may be away.
fn tries(args: &[&str]) -> Option<String> {
    let out = kubectl(args).arg("--request-timeout=5s").output().ok()?;
    out.status.success().then(|| text(&out.stdout))
}

/// The names of containers' processes in the status of a pod.
fn container(pod: &Value, name: &str) -> Option<String> {
    let lists = ["containerStatuses", "initContainerStatuses"];
    let mut statuses = lists.iter().flat_map(|list| pod["status"][list].as_array().into_iter().flatten());
    let status = statuses.find(|status| status["name"] == name && status["state"]["running"].is_object())?;
    Some(status["containerID"].as_str()?.rsplit('/').next()?.to_owned())
}

impl Cluster {
    /// Gives the ledger a file system of 32 MiB, so that it can be filled without harm.
    pub fn with_small_ledger(namespace: &str) -> Self {
        let volumes = std::env::var("STUDIOUS_E2E_VOLUMES").expect("STUDIOUS_E2E_VOLUMES, see e2e/cluster");
        let this = Self {
            namespace: namespace.to_owned(),
            ledger: Path::new(&volumes).join("ledger"),
            supervisor: Supervisor::start(),
        };
        scale(0);
        this.on_node("mount -t tmpfs -o size=32m,mode=0777 faults \"$1\"");
        scale(1);
        this
    }

    /// Runs a script where the node runs; `$1` is the folder of the ledger.
    fn on_node(&self, script: &str) {
        cluster(&["exec", "sh", "-euc", script, "faults", self.ledger.to_str().expect("UTF-8")]);
    }

    /// Inflicts a fault and, after a while, ends it. Says what it hit; nothing when there was nothing to hit.
    pub fn inflict(&self, draw: &Draw) -> Option<String> {
        match draw.fault {
            Fault::Trainer => self.kill_container(draw.target, "trainer"),
            Fault::Agent => self.kill_container(draw.target, "studious-agent"),
            Fault::Preemption => self.delete_pod(draw.target, &["--grace-period=3"]),
            Fault::ForcedDeletion => self.delete_pod(draw.target, &["--grace-period=0", "--force"]),
            Fault::Operator => signal_operator(None),
            Fault::OperatorStalls => signal_operator(Some(draw.lasts)),
            Fault::OperatorPod => {
                let pod = operator()?["metadata"]["name"].as_str()?.to_owned();
                tries(&["-n", &operator_namespace(), "delete", "pod", &pod, "--grace-period=0", "--force"])?;
                Some(pod)
            }
            _ => Some(self.outage(draw)),
        }
    }

    /// Breaks for a while what is there in any case.
    fn outage(&self, draw: &Draw) -> String {
        match draw.fault {
            Fault::ApiServer => self.without("apiserver", draw.lasts),
            Fault::Etcd => self.without("etcd", draw.lasts),
            Fault::Kubelet => self.without("kubelet", draw.lasts),
            Fault::Containerd => self.without("containerd", draw.lasts),
            Fault::ControllerManager => self.without("controller-manager", draw.lasts),
            Fault::Node => {
                let killed = self.supervisor.without("kubelet", draw.lasts, || kill(&processes_of_pods()));
                format!("{killed} processes")
            }
            Fault::ConnectionsReset => self.cut("forward", "tcp dport 8443 reject with tcp reset", draw.lasts),
            Fault::PacketsDropped => self.cut("forward", "tcp dport 8443 drop", draw.lasts),
            Fault::ApiServerUnreachable => self.cut("input", "iifname \"veth*\" tcp dport 6443 drop", draw.lasts),
            Fault::DiskFull => {
                self.on_node("dd if=/dev/zero of=\"$1/fill\" bs=64k 2>/dev/null || true");
                thread::sleep(draw.lasts);
                self.on_node("rm \"$1/fill\"");
                "0 bytes left".to_owned()
            }
            other => panic!("{other:?} hits a pod"),
        }
    }

    fn without(&self, daemon: &str, lasts: Duration) -> String {
        self.supervisor.without(daemon, lasts, || daemon.to_owned())
    }

    /// The pods of the study's trials that run, by name.
    fn running(&self) -> Vec<Value> {
        let pods = tries(&["-n", &self.namespace, "get", "pods", "-o", "json"]).unwrap_or_default();
        let pods: Value = serde_json::from_str(&pods).unwrap_or_default();
        let runs = |pod: &&Value| {
            pod["status"]["phase"] == "Running"
                && pod["metadata"]["deletionTimestamp"].is_null()
                && container(pod, "trainer").is_some()
        };
        pods["items"].as_array().into_iter().flatten().filter(runs).cloned().collect()
    }

    fn pod(&self, target: usize) -> Option<Value> {
        let running = self.running();
        running.get(target.checked_rem(running.len())?).cloned()
    }

    fn kill_container(&self, target: usize, name: &str) -> Option<String> {
        let pod = self.pod(target)?;
        let container = container(&pod, name)?;
        let killed = kill(&processes_of_containers(&[container]));
        (killed > 0).then(|| pod["metadata"]["name"].as_str().unwrap_or_default().to_owned())
    }

    fn delete_pod(&self, target: usize, how: &[&str]) -> Option<String> {
        let pod = self.pod(target)?["metadata"]["name"].as_str()?.to_owned();
        let mut args = vec!["-n", &self.namespace, "delete", "pod", &pod, "--wait=false"];
        args.extend(how);
        tries(&args)?;
        Some(pod)
    }

    /// A rule of the node's own packet filter, for a while.
    fn cut(&self, hook: &str, rule: &str, lasts: Duration) -> String {
        self.on_node(&format!(
            "nft 'table inet faults {{ chain {hook} {{ type filter hook {hook} priority 10; {rule}; }}; }}'"
        ));
        thread::sleep(lasts);
        self.on_node("nft delete table inet faults");
        rule.to_owned()
    }
}

impl Drop for Cluster {
    /// Gives the ledger its own file system back.
    fn drop(&mut self) {
        if !thread::panicking() {
            scale(0);
            self.on_node("umount \"$1\"");
            scale(1);
        }
    }
}

/// Starts or ends the operator, and waits for that.
fn scale(replicas: u32) {
    let namespace = operator_namespace();
    let replicas = format!("--replicas={replicas}");
    output(&mut kubectl(&["-n", &namespace, "scale", "deployment/studious", &replicas]));
    let rolled = ["-n", &namespace, "rollout", "status", "deployment/studious", "--timeout=120s"];
    output(&mut kubectl(&rolled));
    if replicas == "--replicas=0" {
        let gone = ["-n", &namespace, "wait", "--for=delete", "pods", "--timeout=60s"];
        output(kubectl(&gone).arg("--selector=app.kubernetes.io/name=studious"));
    }
}

/// The operator's pod, if it runs.
fn operator() -> Option<Value> {
    let select = "--selector=app.kubernetes.io/name=studious";
    let pods = tries(&["-n", &operator_namespace(), "get", "pods", select, "-o", "json"])?;
    let pods: Value = serde_json::from_str(&pods).ok()?;
    let mut items = pods["items"].as_array()?.iter();
    items.find(|pod| pod["metadata"]["deletionTimestamp"].is_null() && container(pod, "studious").is_some()).cloned()
}

/// Kills the operator, or stops it for a while.
fn signal_operator(stalls: Option<Duration>) -> Option<String> {
    let pod = operator()?;
    let processes = processes_of_containers(&[container(&pod, "studious")?]);
    let hit = match stalls {
        None => kill(&processes),
        Some(lasts) => {
            let stopped = processes.iter().filter(|process| process.signal("STOP")).count();
            thread::sleep(lasts);
            for process in &processes {
                process.signal("CONT");
            }
            stopped
        }
    };
    (hit > 0).then(|| pod["metadata"]["name"].as_str().unwrap_or_default().to_owned())
}

/// What trainers noted, by trial.
pub fn logs(folder: &Path) -> std::collections::BTreeMap<String, Vec<Value>> {
    let files = fs::read_dir(folder).expect("the folder of the logs").filter_map(Result::ok);
    files
        .filter_map(|file| {
            let name = file.file_name().to_str()?.strip_suffix(".jsonl")?.to_owned();
            let lines = fs::read_to_string(file.path()).expect("a log");
            let line =
                |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"));
            Some((name.clone(), lines.lines().map(line).collect()))
        })
        .collect()
}
