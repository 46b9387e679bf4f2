//! Trainers must not outlive their run, however it ends.
//!
//! A run that is killed can't clean up after itself. So a second process, the keeper, waits at a pipe which the run holds
//! open: when the run is gone, whatever the cause, the keeper ends every process whose `STUDIOUS_TRIAL_DIR` lies in the
//! run's folder. It shares the run's lock, so the next run of the folder begins when that is done.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read as _},
    os::unix::ffi::OsStrExt as _,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use studious_contract::reserved::TRIAL_DIR_VARIABLE;

use crate::{Error, RunFolder};

/// How long trainers of a run that is gone have between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// Ends every process whose trial directory lies in the folder. Returns how many there were.
///
/// # Errors
/// When the folder can't be resolved.
pub fn end_leftovers(folder: &RunFolder) -> Result<usize, Error> {
    let trials = folder.root().join("trials");
    let root = std::fs::canonicalize(&trials).map_err(|e| Error::io("open", &trials, e))?;
    let found = find(&root);
    for pid in &found {
        let _ = kill(*pid, Signal::SIGTERM);
    }
    let mut waited = Duration::ZERO;
    let mut left = found.clone();
    while !left.is_empty() && waited < GRACE {
        let pause = Duration::from_millis(50);
        std::thread::sleep(pause);
        waited += pause;
        left = find(&root);
    }
    for pid in &left {
        let _ = kill(*pid, Signal::SIGKILL);
    }
    Ok(found.len())
}

/// Kills every process whose trial directory is this one or lies in it: children of a trainer that has left, which had the
/// number `trainer`.
pub(crate) fn kill_those_of(directory: &Path, trainer: Pid) {
    for pid in find_children(directory, trainer) {
        let _ = kill(pid, Signal::SIGKILL);
    }
}

/// This is asked after every trainer, so that only the environments of younger processes are read, which have higher
/// numbers. Once the numbers have come round (after four million processes) a child may be missed: what it writes doesn't
/// count all the same.
#[cfg(target_os = "linux")]
fn find_children(root: &Path, trainer: Pid) -> Vec<Pid> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let is_of = |environment: &[u8]| environment.split(|byte| *byte == 0).any(|variable| is_in(variable, root));
    numbers
        .filter(|number| *number > trainer.as_raw() && *number != own)
        .filter(|number| std::fs::read(format!("/proc/{number}/environ")).is_ok_and(|text| is_of(&text)))
        .map(Pid::from_raw)
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn find_children(root: &Path, _: Pid) -> Vec<Pid> {
    find(root)
}

/// Whether a variable names a trial directory in this folder.
pub(crate) fn is_in(variable: &[u8], root: &Path) -> bool {
    let value = variable.strip_prefix(TRIAL_DIR_VARIABLE.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
    value.is_some_and(|value| Path::new(std::ffi::OsStr::from_bytes(value)).starts_with(root))
}

fn find(root: &Path) -> Vec<Pid> {
    // Where processes can't be listed, leftovers train to their end; the next attempt has folders of its own.
    let Ok(mut system) = System::new() else { return Vec::new() };
    let what = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always).without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    let own = std::process::id();
    system
        .processes()
        .iter()
        .filter(|(pid, process)| {
            pid.as_u32() != own && process.environ().iter().any(|variable| is_in(variable.as_bytes(), root))
        })
        .filter_map(|(pid, _)| i32::try_from(pid.as_u32()).ok().map(Pid::from_raw))
        .collect()
}

/// The keeper's side: waits until the run at the other end of standard input is gone, then ends its trainers.
///
/// # Errors
/// When the folder can't be resolved.
pub fn keep(folder: &RunFolder) -> Result<usize, Error> {
    let mut byte = [0];
    // A read that fails says the same as one that ends: there is no process.
    while io::stdin().read(&mut byte).is_ok_and(|n| n > 0) {}
    end_leftovers(folder)
}

/// The run's side: while this lives, the keeper waits.
#[derive(Debug)]
pub(crate) struct Keeper {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Keeper {
    /// Starts the keeper with its program and arguments.
    pub(crate) fn start(command: &KeeperCommand, lock: &File) -> Result<Self, Error> {
        let fail = |source| Error::Start { program: command.program.display().to_string(), source };
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .stdin(Stdio::piped())
            // The lock is held as long as any process has the file open.
            .stdout(lock.try_clone().map_err(fail)?)
            .stderr(Stdio::null())
            // Ctrl-C goes to the group of the terminal; the keeper outlives it.
            .process_group(0)
            .spawn()
            .map_err(fail)?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.pipe = None;
        let _ = self.child.wait();
    }
}

/// How to start a process that calls [`keep`] on the run's folder.
#[derive(Clone, Debug)]
pub struct KeeperCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}
