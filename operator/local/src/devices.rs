//! Accelerators of this machine, shared out to trials that run at once: each host of a trial sees its own and no others.
//!
//! A cluster's scheduler does this by the pod's limit of `nvidia.com/gpu`. Here the same limit says how many a host gets, one
//! if the template has none, and `CUDA_VISIBLE_DEVICES` says which.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use k8s_openapi::api::core::v1::{Container, PodTemplateSpec};
use studious_api::validate::{Violation, counted};

/// The variable by which programs find the devices that they may use.
pub const VISIBLE_DEVICES: &str = "CUDA_VISIBLE_DEVICES";
/// The order of the numbers that `nvidia-smi` prints.
const DEVICE_ORDER: (&str, &str) = ("CUDA_DEVICE_ORDER", "PCI_BUS_ID");
/// The resource whose limit is how many devices a host gets.
const RESOURCE: &str = "nvidia.com/gpu";
const CONTAINER: &str = "spec.trial.template.spec.containers[0]";

/// The devices that trials of a run may use.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Devices {
    names: Vec<String>,
    /// Whether the names are the numbers of `nvidia-smi`.
    by_bus: bool,
}

/// How a study's trials share devices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shares {
    /// Devices of each host of a trial.
    pub per_host: u32,
    /// Trials that have their devices at once.
    pub trials: u32,
}

impl Devices {
    /// Devices by the names that `CUDA_VISIBLE_DEVICES` has for them.
    #[must_use]
    pub fn named(names: impl IntoIterator<Item = String>) -> Self {
        Self { names: names.into_iter().collect(), by_bus: false }
    }

    /// Those that `CUDA_VISIBLE_DEVICES` names if it is set; else those that `nvidia-smi -L` lists; else `/dev/nvidia0` and
    /// so on.
    #[must_use]
    pub fn of_this_machine() -> Self {
        if let Ok(visible) = std::env::var(VISIBLE_DEVICES) {
            return Self::named(visible_devices(&visible));
        }
        let listed = Command::new("nvidia-smi").arg("-L").output().ok().filter(|output| output.status.success());
        let names = match listed {
            Some(output) => listed_devices(&String::from_utf8_lossy(&output.stdout)),
            None => device_files(Path::new("/dev")),
        };
        Self { names, by_bus: true }
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How trials of a template with so many hosts share them. Nothing if there is nothing to share out: there are none, or
    /// the template says itself which are used.
    ///
    /// # Errors
    /// When a trial needs more than there are.
    pub fn shares(&self, template: &PodTemplateSpec, hosts: u32) -> Result<Option<Shares>, Violation> {
        let Some(container) = template.spec.as_ref().and_then(|pod| pod.containers.first()) else { return Ok(None) };
        let chosen_by_template = container.env.iter().flatten().any(|variable| variable.name == VISIBLE_DEVICES);
        if self.names.is_empty() || chosen_by_template {
            return Ok(None);
        }
        let per_host = devices_asked(container).unwrap_or(1);
        let (needed, there) = (per_host.saturating_mul(hosts), u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        if needed > there {
            let asked = match hosts {
                ..=1 => needed.to_string(),
                _ => format!("{per_host} for each of {hosts} hosts, {needed} in all"),
            };
            let fix = format!(
                "Ask for fewer, name more with --devices, or let all trials see every device with --devices none. Devices: {}.",
                self.names.join(", ")
            );
            return Err(Violation {
                field: format!("{CONTAINER}.resources.limits[{RESOURCE}]"),
                value: per_host.to_string(),
                rule: format!("a trial needs {asked}, and {} to share out", are(there)),
                fix,
                code: None,
            });
        }
        Ok(Some(Shares { per_host, trials: there.checked_div(needed).unwrap_or(u32::MAX) }))
    }
}

fn are(devices: u32) -> String {
    format!("there {} {}", if devices == 1 { "is" } else { "are" }, counted(devices, "device"))
}

/// The limit of devices, if the template has one that is a number.
fn devices_asked(container: &Container) -> Option<u32> {
    container.resources.as_ref()?.limits.as_ref()?.get(RESOURCE)?.0.parse().ok()
}

/// The devices of a value of `CUDA_VISIBLE_DEVICES`: those up to the first that is none.
fn visible_devices(value: &str) -> Vec<String> {
    let names = value.split(',').map(str::trim);
    names.take_while(|name| !name.is_empty() && !matches!(*name, "-1" | "NoDevFiles")).map(str::to_owned).collect()
}

/// The devices that `nvidia-smi -L` lists: the number of a GPU, or the UUIDs of its instances if it is divided.
fn listed_devices(text: &str) -> Vec<String> {
    let mut devices: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        if let Some((number, _)) = line.strip_prefix("GPU ").and_then(|rest| rest.split_once(':')) {
            devices.push((number.to_owned(), Vec::new()));
        } else if line.trim_start().starts_with("MIG ")
            && let Some((_, uuid)) = line.split_once("UUID: ")
            && let Some((_, instances)) = devices.last_mut()
        {
            instances.push(uuid.trim_end().trim_end_matches(')').to_owned());
        }
    }
    let names =
        |(number, instances): (String, Vec<String>)| if instances.is_empty() { vec![number] } else { instances };
    devices.into_iter().flat_map(names).collect()
}

/// `/dev/nvidia0`, `/dev/nvidia1` …
fn device_files(directory: &Path) -> Vec<String> {
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> =
        files.filter_map(|file| file.file_name().to_str()?.strip_prefix("nvidia")?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.iter().map(ToString::to_string).collect()
}

/// The devices that trials of a run share, and which are in use.
#[derive(Clone, Debug)]
pub(crate) struct DevicePool {
    devices: Devices,
    per_host: u32,
    /// How many hosts use each.
    uses: Arc<Mutex<Vec<u32>>>,
}

/// Devices of an attempt, which others may use once it is dropped.
#[derive(Debug)]
pub(crate) struct DeviceLease {
    pool: DevicePool,
    /// By host.
    taken: Vec<Vec<usize>>,
}

impl DevicePool {
    pub(crate) fn new(devices: Devices, shares: Shares) -> Self {
        let uses = Arc::new(Mutex::new(vec![0; devices.names.len()]));
        Self { devices, per_host: shares.per_host, uses }
    }

    /// Takes the devices that are used least: free ones, as no more trials run at once than have their share.
    pub(crate) fn take(&self, hosts: u32) -> DeviceLease {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = (0..hosts).map(|_| {
            let mut by_use: Vec<usize> = (0..uses.len()).collect();
            by_use.sort_by_key(|device| (uses[*device], *device));
            by_use.truncate(self.per_host as usize);
            by_use.sort_unstable();
            for device in &by_use {
                uses[*device] += 1;
            }
            by_use
        });
        let taken = taken.collect();
        drop(uses);
        DeviceLease { pool: self.clone(), taken }
    }
}

impl DeviceLease {
    /// The devices of all hosts by name.
    pub(crate) fn names(&self) -> Vec<String> {
        self.taken.iter().flatten().map(|device| self.pool.devices.names[*device].clone()).collect()
    }

    /// Says in a host's environment which devices are its own.
    pub(crate) fn tell(&self, host: u32, environment: &mut BTreeMap<String, String>) {
        let Some(taken) = self.taken.get(host as usize) else { return };
        let devices = &self.pool.devices;
        let names: Vec<&str> = taken.iter().map(|device| devices.names[*device].as_str()).collect();
        environment.insert(VISIBLE_DEVICES.to_owned(), names.join(","));
        let (order, by_bus) = DEVICE_ORDER;
        if devices.by_bus {
            environment.entry(order.to_owned()).or_insert_with(|| by_bus.to_owned());
        }
    }
}

impl Drop for DeviceLease {
    fn drop(&mut self) {
        let mut uses = self.pool.uses.lock().unwrap_or_else(PoisonError::into_inner);
        for device in self.taken.iter().flatten() {
            uses[*device] = uses[*device].saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(container: &str) -> PodTemplateSpec {
        serde_yaml::from_str(&format!("spec: {{containers: [{{name: t{container}}}]}}")).unwrap()
    }

    fn devices(n: u32) -> Devices {
        Devices::named((0..n).map(|i| i.to_string()))
    }

    fn limit(n: &str) -> PodTemplateSpec {
        template(&format!(", resources: {{limits: {{nvidia.com/gpu: {n}}}}}"))
    }

    #[test]
    fn the_limit_says_how_many_trials_run_at_once() {
        let shares = |n, template: &PodTemplateSpec, hosts| devices(n).shares(template, hosts).unwrap();
        assert_eq!(shares(4, &template(""), 1), Some(Shares { per_host: 1, trials: 4 }));
        assert_eq!(shares(4, &limit("2"), 1), Some(Shares { per_host: 2, trials: 2 }));
        assert_eq!(shares(5, &limit("'2'"), 2), Some(Shares { per_host: 2, trials: 1 }));
        // As on a cluster, a trial that asks for none sees none.
        assert_eq!(shares(4, &limit("0"), 1), Some(Shares { per_host: 0, trials: u32::MAX }));
        for (n, template) in [(0, limit("2")), (4, template(", env: [{name: CUDA_VISIBLE_DEVICES, value: '3'}]"))] {
            assert_eq!(shares(n, &template, 1), None, "{template:?}");
        }
    }

    #[test]
    fn more_than_there_are_is_refused() {
        let refused = devices(3).shares(&limit("2"), 2).unwrap_err().to_string();
        assert_eq!(
            refused,
            "spec.trial.template.spec.containers[0].resources.limits[nvidia.com/gpu]: 2: a trial needs 2 for each of 2 hosts, 4 in \
             all, and there are 3 devices to share out. Ask for fewer, name more with --devices, or let all trials see every device \
             with --devices none. Devices: 0, 1, 2."
        );
    }

    #[test]
    fn each_host_has_its_own_and_gives_them_back() {
        let pool = DevicePool::new(devices(4), Shares { per_host: 1, trials: 2 });
        let seen = |lease: &DeviceLease, host| {
            let mut environment = BTreeMap::new();
            lease.tell(host, &mut environment);
            environment[VISIBLE_DEVICES].clone()
        };
        let (first, second) = (pool.take(2), pool.take(2));
        assert_eq!(
            [(&first, 0), (&first, 1), (&second, 0), (&second, 1)].map(|(l, h)| seen(l, h)),
            ["0", "1", "2", "3"]
        );
        drop(first);
        let third = pool.take(2);
        assert_eq!([seen(&third, 0), seen(&third, 1)], ["0", "1"]);
        assert_eq!(third.names(), ["0", "1"]);
    }

    #[test]
    fn devices_are_found_by_what_names_them() {
        assert_eq!(visible_devices("2, GPU-ab,-1,3"), ["2", "GPU-ab"]);
        assert_eq!(visible_devices(""), [""; 0]);
        let listed = "GPU 0: NVIDIA A100 (UUID: GPU-1)\n  MIG 1g.5gb     Device  0: (UUID: MIG-a)\n  \
                      MIG 1g.5gb     Device  1: (UUID: MIG-b)\nGPU 1: NVIDIA A100 (UUID: GPU-2)\n";
        assert_eq!(listed_devices(listed), ["MIG-a", "MIG-b", "1"]);
        let temp = tempfile::tempdir().unwrap();
        for name in ["nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "null"] {
            std::fs::write(temp.path().join(name), "").unwrap();
        }
        assert_eq!(device_files(temp.path()), ["2", "10"]);
    }
}
