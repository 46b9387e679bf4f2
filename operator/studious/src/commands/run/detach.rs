//! A run in the background: the same command line once more, as a process that outlives this one.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use studious_local::RunFolder;

use crate::{
    exit,
    json::{self, Format, RunStartedDocument},
    output::{errln, outln},
};

/// Starts the run that this process was called for, and returns once it starts trials; its exit code if it ends before that.
pub(super) async fn detach(study: &str, folder: &RunFolder, format: Format) -> anyhow::Result<u8> {
    // Refused here, so that nothing of it gets into the log of the run that is there.
    if folder.is_running() {
        errln!("error: {}", studious_local::Error::Locked { folder: folder.root().to_owned() });
        return Ok(exit::INVALID);
    }
    let path = folder.log();
    fs::create_dir_all(folder.root()).with_context(|| format!("can't make {}", folder.root().display()))?;
    let log = File::options().create(true).append(true).open(&path);
    let mut log = log.with_context(|| format!("can't write {}", path.display()))?;
    let before = log.seek(SeekFrom::End(0))?;
    let program = std::env::current_exe().context("can't find the program that this is")?;
    let mut child = Command::new(&program)
        .args(arguments(std::env::args_os().skip(1)))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C and the end of the terminal go to the group of this process.
        .process_group(0)
        .spawn()
        .with_context(|| format!("can't start {}", program.display()))?;
    // One that is over at once has begun, too.
    while folder.last_runner().is_none_or(|runner| runner.pid != child.id() || !runner.has_begun) {
        if let Some(status) = child.try_wait()? {
            let printed = printed_since(&path, before).unwrap_or_default();
            // Documents are for programs, words for people.
            for line in printed.lines() {
                if format.is_json() && line.starts_with('{') {
                    outln!("{line}")?;
                } else {
                    errln!("{line}");
                }
            }
            if !status.success() && !printed.lines().any(|line| line.starts_with("error") || line.contains(": error")) {
                errln!(
                    "error: the run ended before its first trial ({status}), and {} does not say why. Is the disk full?",
                    path.display()
                );
            }
            return Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::FAILED));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let document = RunStartedDocument {
        study: study.to_owned(),
        folder: folder.root().display().to_string(),
        pid: child.id(),
        log: path.display().to_string(),
    };
    if format.is_json() {
        json::print(&document)?;
        return Ok(exit::OK);
    }
    let RunStartedDocument { folder, pid, log, .. } = document;
    outln!("{study} runs as process {pid}; what it prints is in {log}")?;
    outln!("  studious top {folder}     show its status")?;
    outln!("  studious wait {folder}    wait until it ends")?;
    outln!("  studious stop {folder}    stop it; the same command resumes it")?;
    Ok(exit::OK)
}

/// The arguments of the run: those of this process without --detach.
fn arguments(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    given.filter(|word| word != "--detach").collect()
}

/// What has been written to a file since it had so many bytes.
fn printed_since(path: &Path, bytes: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(bytes))?;
    let mut printed = Vec::new();
    file.read_to_end(&mut printed)?;
    Ok(String::from_utf8_lossy(&printed).into_owned())
}
