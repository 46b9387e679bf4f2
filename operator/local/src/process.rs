//! One host of a trial as a process of this machine, in a process group of its own.

use std::{
    io::{self, Write as _},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use studious_contract::{METRICS_FILE, reserved::is_reserved_variable, tail::Extent};
use studious_playbook::trial::last_line as last_line_of;
use tokio::{
    io::AsyncReadExt as _,
    net::unix::pipe::Receiver,
    process::{Child, Command},
    sync::mpsc,
};

use crate::{Error, leftovers, trainer::TrainerCommand};

/// Most of a trainer's output that is kept; what it writes after that is read and dropped.
pub const MAX_OUTPUT_BYTES: u64 = 64 * 1024 * 1024;

/// What a trainer printed, in the trial directory.
pub(crate) const OUTPUT_FILE: &str = "output.log";

/// How long output is still read after the trainer has left: a child of its own may hold the pipe open.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(2);

/// How a host ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Exit {
    /// Exit code; 128 + n after signal n, as a shell has it.
    pub code: i32,
    /// By SIGKILL: out of memory, perhaps.
    pub killed: bool,
    /// Its metrics as they were when it left.
    pub written: Option<Extent>,
}

/// The process group of a host. Dropping it kills whatever is left of it.
#[derive(Debug)]
pub(crate) struct HostProcess {
    group: Pid,
    ended: bool,
}

impl HostProcess {
    /// Starts a host. `on_exit` is called once it has left and its output is written.
    pub(crate) fn start(
        command: &TrainerCommand,
        directory: &Path,
        working_directory: &Path,
        exits: mpsc::UnboundedSender<(HostId, Exit)>,
        id: HostId,
    ) -> Result<Self, Error> {
        let log = directory.join(OUTPUT_FILE);
        let fail = |e| Error::Start { program: command.program.clone(), source: e };
        let file = std::fs::File::create(&log).map_err(|e| Error::io("make", &log, e))?;
        // One pipe for both streams keeps their lines in order.
        let (reader, writer) = io::pipe().map_err(fail)?;
        let reader = Receiver::from_owned_fd(OwnedFd::from(reader)).map_err(fail)?;
        let mut process = Command::new(&command.program);
        process
            .args(&command.arguments)
            .current_dir(working_directory)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(fail)?)
            .stderr(writer)
            .process_group(0);
        // What the caller's shell has set must not look like the contract.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_reserved_variable) {
                process.env_remove(name);
            }
        }
        process.envs(&command.environment);
        let child = process.spawn().map_err(fail)?;
        // The command holds the write ends; while it lives the pipe never ends.
        drop(process);
        let group = Pid::from_raw(child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or_default());
        let started = Started { child, group, directory: directory.to_owned() };
        tokio::spawn(watch(started, reader, file, exits, id));
        Ok(Self { group, ended: false })
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Ends it at once.
    pub(crate) fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }

    /// It has left: its number may belong to another process from now on.
    pub(crate) fn forget(&mut self) {
        self.ended = true;
    }

    fn signal(&self, signal: Signal) {
        if self.ended || self.group.as_raw() <= 0 {
            return;
        }
        match killpg(self.group, signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => tracing::warn!(group = self.group.as_raw(), %signal, %error, "can't signal a trainer"),
        }
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A host of an attempt of a trial.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct HostId {
    pub trial: String,
    pub attempt: u32,
    pub host: u32,
}

/// A process that runs.
struct Started {
    child: Child,
    group: Pid,
    /// Its trial directory.
    directory: PathBuf,
}

async fn watch(
    started: Started,
    reader: Receiver,
    file: std::fs::File,
    exits: mpsc::UnboundedSender<(HostId, Exit)>,
    id: HostId,
) {
    let Started { mut child, group, directory } = started;
    let mut output = tokio::spawn(keep_output(reader, file));
    let status = child.wait().await;
    let written = Extent::of(&directory.join(METRICS_FILE));
    // As in a container, what the trainer leaves behind ends with it: its group, and what left the group.
    let _ = killpg(group, Signal::SIGKILL);
    let _ = tokio::task::spawn_blocking(move || leftovers::kill_those_of(&directory, group)).await;
    if tokio::time::timeout(OUTPUT_PATIENCE, &mut output).await.is_err() {
        output.abort();
    }
    let exit = match status {
        Ok(status) => {
            use std::os::unix::process::ExitStatusExt as _;
            let signal = status.signal();
            Exit {
                code: status.code().or_else(|| signal.map(|n| 128 + n)).unwrap_or(255),
                killed: signal == Some(Signal::SIGKILL as i32),
                written,
            }
        }
        Err(error) => {
            tracing::warn!(trial = id.trial, host = id.host, %error, "can't wait for a trainer");
            Exit { code: 255, killed: false, written }
        }
    };
    // The receiver is gone only when the run itself is over.
    let _ = exits.send((id, exit));
}

async fn keep_output(mut reader: Receiver, mut file: std::fs::File) {
    let mut buffer = vec![0; 64 * 1024];
    let mut kept = 0_u64;
    let mut full = false;
    loop {
        let n = match reader.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => n,
        };
        if full {
            continue;
        }
        // Files of this size go to the page cache: no need for another thread.
        let written = file.write_all(&buffer[..n]);
        kept += n as u64;
        if written.is_err() || kept >= MAX_OUTPUT_BYTES {
            full = true;
            let _ = writeln!(file, "\n[studious: output beyond {} MiB is dropped]", MAX_OUTPUT_BYTES >> 20);
        }
    }
}

/// The last line that a trainer printed, shortened; nothing if it printed nothing.
#[must_use]
pub fn last_line(output: &Path) -> Option<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    const TAIL: u64 = 4096;
    let mut file = std::fs::File::open(output).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    last_line_of(&String::from_utf8_lossy(&bytes))
}
