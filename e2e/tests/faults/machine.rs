//! Processes of this machine that belong to the throwaway cluster, and to nothing else.

use std::{fs, process::Command};

/// A process of the cluster.
#[derive(Debug)]
pub struct Victim {
    pid: u32,
    /// Its control group, by which it is known to be the cluster's.
    cgroup: String,
}

impl Victim {
    /// Sends a signal, unless the process has ended and another has its number.
    pub fn signal(&self, signal: &str) -> bool {
        cgroup(self.pid).is_some_and(|now| now == self.cgroup)
            && Command::new("kill")
                .args([&format!("-{signal}"), &self.pid.to_string()])
                .status()
                .is_ok_and(|s| s.success())
    }
}

/// Kills them; how many there were.
pub fn kill(victims: &[Victim]) -> usize {
    victims.iter().filter(|victim| victim.signal("KILL")).count()
}

/// What `/proc` says of a process's control groups.
fn cgroup(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()
}

/// All processes of pods: the cluster keeps them under `studious-cluster-NAME/kubepods`, see e2e/cluster.
pub fn processes_of_pods() -> Vec<Victim> {
    let name = std::env::var("STUDIOUS_CLUSTER").unwrap_or_else(|_| "studious".to_owned());
    let pods = format!("/studious-cluster-{name}/kubepods");
    let numbers =
        fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter_map(|pid| Some(Victim { pid, cgroup: cgroup(pid)? }))
        .filter(|victim| victim.cgroup.contains(&pods))
        .collect()
}

/// Those of containers of pods.
pub fn processes_of_containers(ids: &[String]) -> Vec<Victim> {
    let mut victims = processes_of_pods();
    victims.retain(|victim| ids.iter().any(|id| victim.cgroup.contains(id.as_str())));
    victims
}
