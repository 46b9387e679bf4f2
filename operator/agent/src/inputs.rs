//! `trial.json`: what all hosts share, from the pod's annotation, with what is this host's own.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use studious_contract::{METRICS_FILE, SharedTrial, TRIAL_FILE, TrialJson, TrialJsonError};

use tokio::time::{Duration, Instant, sleep};

use crate::{AgentError, Options};

/// How often a file that is to come is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Writes `trial.json` for this host, whole or not at all, and makes an empty `metrics.jsonl` that the trainer may write
/// and this agent may read whatever users they run as.
pub(crate) fn write(options: &Options) -> Result<TrialJson, AgentError> {
    let text = fs::read_to_string(&options.downward).map_err(file_error(&options.downward, "read"))?;
    let unusable = |source: TrialJsonError| AgentError::Trial { path: options.downward.clone(), source };
    let trial = SharedTrial::parse(&text).and_then(|shared| shared.for_host(options.host)).map_err(unusable)?;
    let text = serde_json::to_string_pretty(&trial).map_err(|error| unusable(error.into()))?;

    let path = options.trial_dir.join(TRIAL_FILE);
    write_whole(&path, text.as_bytes()).map_err(file_error(&path, "written"))?;
    let metrics = options.trial_dir.join(METRICS_FILE);
    make_writable(&metrics).map_err(file_error(&metrics, "written"))?;
    Ok(trial)
}

/// Waits until a trainer may start: until [`write`] has made both files.
///
/// # Errors
/// When one of them doesn't come within the limit.
pub(crate) async fn written(trial_dir: &Path, limit: Duration) -> Result<(), AgentError> {
    let until = Instant::now() + limit;
    for file in [TRIAL_FILE, METRICS_FILE] {
        while !trial_dir.join(file).exists() {
            if Instant::now() >= until {
                return Err(AgentError::NotReady { file, limit_seconds: limit.as_secs() });
            }
            sleep(LOOK_EVERY).await;
        }
    }
    Ok(())
}

fn file_error(path: &Path, action: &'static str) -> impl Fn(io::Error) -> AgentError {
    let path = path.to_owned();
    move |source| AgentError::File { path: path.clone(), action, source }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished: PathBuf = path.to_owned();
    unfinished.as_mut_os_string().push(".unfinished");
    // One left by an agent that was killed is read-only.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
    file.write_all(bytes)?;
    file.set_permissions(Permissions::from_mode(0o444))?;
    fs::rename(&unfinished, path)
}

fn make_writable(path: &Path) -> io::Result<()> {
    match OpenOptions::new().append(true).create_new(true).open(path) {
        Ok(file) => file.set_permissions(Permissions::from_mode(0o666)),
        // After a restart the trainer's lines are already in it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
