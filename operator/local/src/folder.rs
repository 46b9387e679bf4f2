//! Where a run keeps everything, and that two runs don't share it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use studious_api::Study;
use studious_contract::{METRICS_FILE, TRIAL_FILE, TrialJson};

use crate::{Error, points, runner};

/// A folder made by `studious run`:
///
/// ```text
/// study.yaml                                   the study as it was run last
/// points.json                                  the points, if they were taken of another study
/// ledger.sqlite                                every measurement and the state of every trial
/// report.html
/// run.log                                      what a run in the background prints
/// lock                                         held while a run is in progress, with the number of its process
/// trials/<trial>/record.json                   the trial's state, from which a lost ledger is rebuilt
/// trials/<trial>/attempt-<n>/host-<i>/         STUDIOUS_TRIAL_DIR: trial.json, metrics.jsonl, output.log
/// trials/<trial>/checkpoints/host-<i>/         outlive attempts
/// ```
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

/// How long a run waits for the lock: what is left of a run that was killed is being ended meanwhile.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

impl RunFolder {
    /// The folder at a path, which need not exist.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes room for a run that begins anew: what is in the way is renamed to `NAME.before-1`, and nothing is deleted.
    ///
    /// # Errors
    /// When a run is in progress in it, or it can't be renamed.
    pub fn set_aside(&self) -> Result<(), Error> {
        if self.is_running() {
            return Err(Error::Locked { folder: self.root.clone() });
        }
        set_aside(&self.root)
    }

    /// The study as it was run last.
    #[must_use]
    pub fn study_file(&self) -> PathBuf {
        self.root.join("study.yaml")
    }

    /// Every measurement and the state of every trial.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger.sqlite")
    }

    /// The report, written when a run ends.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }

    /// What a run in the background prints.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.root.join("run.log")
    }

    /// The file that a run locks.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Points that were taken of another study.
    pub(crate) fn points(&self) -> PathBuf {
        self.root.join("points.json")
    }

    /// The folder of a trial.
    #[must_use]
    pub fn trial(&self, trial: &str) -> PathBuf {
        self.trials().join(trial)
    }

    /// The folder of all trials.
    pub(crate) fn trials(&self) -> PathBuf {
        self.root.join("trials")
    }

    /// What a trial's folder says about the trial.
    pub(crate) fn record(&self, trial: &str) -> PathBuf {
        self.trial(trial).join("record.json")
    }

    /// The trial directory of one host in one attempt.
    #[must_use]
    pub fn host(&self, trial: &str, attempt: u32, host: u32) -> PathBuf {
        self.trial(trial).join(format!("attempt-{attempt}")).join(format!("host-{host}"))
    }

    /// Makes the folder and locks it until the file is dropped, by this process and those that inherit the file.
    pub(crate) fn lock(&self) -> Result<File, Error> {
        fs::create_dir_all(self.trials()).map_err(|e| Error::io("make", &self.root, e))?;
        let path = self.lock_file();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| Error::io("open", &path, e))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => {
                    runner::announce(&file, false).map_err(|e| Error::io("write", &path, e))?;
                    return Ok(file);
                }
                Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_PATIENCE => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(TryLockError::WouldBlock) => return Err(Error::Locked { folder: self.root.clone() }),
                Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path, e)),
            }
        }
    }

    /// Whether a run is in progress in it. Looks at the lock without keeping it.
    #[must_use]
    pub fn is_running(&self) -> bool {
        // A folder without a lock, or one that can't be opened, was never run from here.
        File::open(self.lock_file()).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Makes the trial directory of one host: `trial.json`, an empty `metrics.jsonl`, `checkpoints` and `restore`.
    pub(crate) fn prepare(
        &self,
        trial: &str,
        attempt: u32,
        host: u32,
        trial_json: &TrialJson,
    ) -> Result<PathBuf, Error> {
        let directory = self.host(trial, attempt, host);
        let fail = |e| Error::io("prepare", &directory, e);
        // Left by a run that was killed before it could write down that this attempt had begun.
        set_aside(&directory)?;
        fs::create_dir_all(&directory).map_err(fail)?;
        for index in [0, host] {
            fs::create_dir_all(self.trial(trial).join("checkpoints").join(format!("host-{index}"))).map_err(fail)?;
        }
        // Relative, so that the folder can be moved.
        symlink(format!("../../checkpoints/host-{host}"), directory.join("checkpoints")).map_err(fail)?;
        symlink("../../checkpoints/host-0", directory.join("restore")).map_err(fail)?;
        File::create(directory.join(METRICS_FILE)).map_err(fail)?;
        let file = directory.join(TRIAL_FILE);
        let text = serde_json::to_string_pretty(trial_json).map_err(|e| fail(e.into()))?;
        fs::write(&file, text + "\n").map_err(fail)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).map_err(fail)?;
        fs::canonicalize(&directory).map_err(fail)
    }

    /// The study as it was run last, if the folder has one.
    ///
    /// # Errors
    /// When the file can't be read, or isn't a study.
    pub fn study_as_run(&self) -> Result<Option<Study>, Error> {
        let path = self.study_file();
        match fs::read_to_string(&path) {
            Ok(text) => studious_api::yaml::from_str(&text).map(Some).map_err(|error| Error::NotARun {
                folder: self.root.clone(),
                reason: format!("its study.yaml can't be read: {error}"),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", &path, error)),
        }
    }

    /// As [`RunFolder::study_as_run`]; where it took its points of another study, with those points listed.
    ///
    /// # Errors
    /// When a file can't be read, or isn't a study.
    pub fn study_with_points(&self) -> Result<Option<Study>, Error> {
        let Some(mut study) = self.study_as_run()? else { return Ok(None) };
        let name = study.metadata.name.clone().unwrap_or_default();
        if let Some(taken) = points::kept(&name, &study.spec, self)? {
            study.spec = taken.listed_in(&study.spec);
        }
        Ok(Some(study))
    }
}

/// Renames what is in the way, if anything is: `NAME.before-1`, `NAME.before-2` … Nothing of a run is ever deleted.
pub(crate) fn set_aside(path: &Path) -> Result<(), Error> {
    if !path.try_exists().map_err(|e| Error::io("look for", path, e))? {
        return Ok(());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut n = 1_u32;
    let mut free = path.with_file_name(format!("{name}.before-{n}"));
    while free.exists() {
        n += 1;
        free.set_file_name(format!("{name}.before-{n}"));
    }
    fs::rename(path, &free).map_err(|e| Error::io("rename", path, e))
}

/// Replaces a file at once: a reader sees the old or the new one, never half.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let write = || -> io::Result<()> {
        let next = path.with_extension("next");
        fs::write(&next, text)?;
        fs::rename(&next, path)
    };
    write().map_err(|e| Error::io("write", path, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial_json() -> TrialJson {
        serde_json::from_str(
            r#"{"study":"s","round":"r","name":"t","attempt":1,"hyperparameters":{},"maxTrainSteps":1,
                "objective":{"metric":"e","direction":"Minimize"},"evaluation":{"everySteps":1},
                "seeds":{"init":1,"data":2,"split":3},"host":{"index":0,"count":1}}"#,
        )
        .unwrap()
    }

    #[test]
    fn restore_is_host_zeros_checkpoints() {
        let temp = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temp.path());
        let host0 = folder.prepare("t", 1, 0, &trial_json()).unwrap();
        let host1 = folder.prepare("t", 1, 1, &trial_json()).unwrap();
        fs::write(host0.join("checkpoints/step-1"), "x").unwrap();
        fs::write(host1.join("checkpoints/mine"), "y").unwrap();
        assert_eq!(fs::read_to_string(host1.join("restore/step-1")).unwrap(), "x");
        assert!(!host0.join("restore/mine").exists());
        // A later attempt finds them.
        let again = folder.prepare("t", 2, 0, &trial_json()).unwrap();
        assert!(again.join("restore/step-1").exists());
        assert!(fs::metadata(host0.join("trial.json")).unwrap().permissions().readonly());
    }

    #[test]
    fn what_is_in_the_way_of_an_attempt_is_renamed() {
        let temp = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temp.path());
        for round in 0..3 {
            let directory = folder.prepare("t", 1, 0, &trial_json()).unwrap();
            fs::write(directory.join(METRICS_FILE), round.to_string()).unwrap();
        }
        let read =
            |name: &str| fs::read_to_string(folder.host("t", 1, 0).with_file_name(name).join(METRICS_FILE)).unwrap();
        assert_eq!(["host-0.before-1", "host-0.before-2", "host-0"].map(read), ["0", "1", "2"]);
    }

    #[test]
    fn a_second_run_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temp.path().join("new/run"));
        let held = folder.lock().unwrap();
        assert!(matches!(folder.lock(), Err(Error::Locked { .. })));
        assert!(folder.is_running());
        drop(held);
        assert!(!folder.is_running());
        folder.lock().unwrap();
    }
}
