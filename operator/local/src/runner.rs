//! The process that carries out a run: which one it is, whether it has begun, and how it is asked to stop.
//!
//! The file that a run locks says so. It is believed only as long as that process has the file open, so neither the number of
//! a process that is gone nor one of another machine is taken for the run's.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::Path,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{Error, Interrupt, RunFolder};

/// The process of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RunProcess {
    /// Its number.
    pub pid: u32,
    /// Whether it has taken over what was in its folder and starts trials.
    pub has_begun: bool,
}

const BEGUN: &str = "begun";

/// Writes down in the locked file which process runs.
pub(crate) fn announce(lock: &File, has_begun: bool) -> std::io::Result<()> {
    let text = format!("{} {}\n", std::process::id(), if has_begun { BEGUN } else { "opens" });
    lock.set_len(0)?;
    lock.write_all_at(text.as_bytes(), 0)
}

impl RunFolder {
    /// The process that runs the study of this folder now. Nothing if none does, or if it can't be known: it is another
    /// user's, or of another machine that shares the folder.
    #[must_use]
    pub fn runner(&self) -> Option<RunProcess> {
        let runner = self.last_runner().filter(|_| self.is_running())?;
        has_open(runner.pid, &self.lock_file()).then_some(runner)
    }

    /// The process that ran the study of this folder last, whether it still does or not.
    #[must_use]
    pub fn last_runner(&self) -> Option<RunProcess> {
        let text = fs::read_to_string(self.lock_file()).ok()?;
        let (pid, state) = text.trim_end().split_once(' ')?;
        Some(RunProcess { pid: pid.parse().ok()?, has_begun: state == BEGUN })
    }

    /// Asks the run of this folder to stop: gently, trainers have the time that the template gives them to end. Returns
    /// whether there was a process to ask; [`RunFolder::is_running`] says when it has left.
    ///
    /// # Errors
    /// When it can't be signalled.
    pub fn ask_to_stop(&self, how: Interrupt) -> Result<bool, Error> {
        let Some(runner) = self.runner() else { return Ok(false) };
        let Ok(pid) = i32::try_from(runner.pid) else { return Ok(false) };
        // Two signals ask for what Ctrl-C twice does; of one that comes twice at once, one may be lost.
        let signals: &[Signal] = match how {
            Interrupt::Gently => &[Signal::SIGTERM],
            Interrupt::AtOnce => &[Signal::SIGTERM, Signal::SIGINT],
        };
        for signal in signals {
            kill(Pid::from_raw(pid), *signal)
                .map_err(|error| Error::io("stop the run of", self.root(), error.into()))?;
        }
        Ok(true)
    }
}

/// Whether a process has a file open.
#[cfg(target_os = "linux")]
fn has_open(pid: u32, path: &Path) -> bool {
    let Ok(path) = fs::canonicalize(path) else { return false };
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_link(file.path()).ok()).any(|file| file == path)
}

/// Whether a process is there: which files it has open can't be seen.
#[cfg(not(target_os = "linux"))]
fn has_open(pid: u32, _: &Path) -> bool {
    i32::try_from(pid).is_ok_and(|pid| kill(Pid::from_raw(pid), None).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_of_a_run_is_known_while_it_runs() {
        let temp = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temp.path());
        assert_eq!(folder.runner(), None);
        let lock = folder.lock().unwrap();
        let own = std::process::id();
        assert_eq!(folder.runner(), Some(RunProcess { pid: own, has_begun: false }));
        announce(&lock, true).unwrap();
        assert_eq!(folder.runner(), Some(RunProcess { pid: own, has_begun: true }));
        // A process that has nothing to do with it is not signalled, whatever the file says.
        fs::write(folder.lock_file(), "1 begun\n").unwrap();
        assert_eq!((folder.is_running(), folder.runner()), (true, None));
        assert!(!folder.ask_to_stop(Interrupt::Gently).unwrap());
        announce(&lock, true).unwrap();
        drop(lock);
        assert_eq!(folder.runner(), None);
    }
}
