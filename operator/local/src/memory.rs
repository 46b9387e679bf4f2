//! Whether a process that was killed ran out of memory: the kernel counts such kills.

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
}
