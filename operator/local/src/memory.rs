//! Memory of trainers: whether one that was killed ran out of it, which the kernel counts, and how much they take.

use std::path::Path;

use crate::leftovers::is_in;

/// The most resident memory of the processes whose trial directory this is, each by its own peak, added up: bytes. Nothing where
/// none is there, or the system does not say.
pub(crate) fn most_resident(directory: &Path) -> Option<u64> {
    // Trainers are given the whole path.
    let directory = std::fs::canonicalize(directory).ok()?;
    let numbers = std::fs::read_dir("/proc").ok()?.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned)
    });
    let is_of = |environment: &[u8]| environment.split(|byte| *byte == 0).any(|variable| is_in(variable, &directory));
    let of_trial = numbers
        .filter(|number| std::fs::read(format!("/proc/{number}/environ")).is_ok_and(|environment| is_of(&environment)));
    let peaks = of_trial.filter_map(|number| peak(&std::fs::read_to_string(format!("/proc/{number}/status")).ok()?));
    peaks.reduce(u64::saturating_add)
}

/// The peak of a process by its status.
fn peak(status: &str) -> Option<u64> {
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))?;
    kib.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Kills for lack of memory since the run began, each to be laid to one process that was killed.
#[derive(Debug)]
pub(crate) struct OutOfMemoryKills {
    accounted: Option<u64>,
}

impl OutOfMemoryKills {
    /// Counts from now on. Where the kernel doesn't count, no kill is laid to memory.
    pub(crate) fn begin() -> Self {
        Self { accounted: read() }
    }

    /// Whether there is a kill that hasn't been laid to a process yet; it is now.
    pub(crate) fn take_one(&mut self) -> bool {
        match (self.accounted, read()) {
            (Some(accounted), Some(total)) if total > accounted => {
                self.accounted = Some(accounted + 1);
                true
            }
            _ => false,
        }
    }
}

fn read() -> Option<u64> {
    count(&std::fs::read_to_string("/proc/vmstat").ok()?)
}

fn count(vmstat: &str) -> Option<u64> {
    vmstat.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernels_count_is_read() {
        assert_eq!(super::count("nr_free_pages 1\noom_kill 3\noom_kill_x 5\n"), Some(3));
        assert_eq!(super::count("nr_free_pages 1\n"), None);
    }

    #[test]
    fn the_peak_of_a_process_is_read() {
        assert_eq!(super::peak("Name:\tsh\nVmHWM:\t    1024 kB\nVmRSS:\t 512 kB\n"), Some(1 << 20));
        assert_eq!(super::peak("Name:\tkthreadd\n"), None);
    }
}
