//! Folders made by `studious run` as a [`StudySource`]: `studious-runs` with a folder for each study, or one such folder.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::UNIX_EPOCH,
};

use futures::{StreamExt as _, TryStreamExt as _};
use studious_api::{
    StudySpec,
    trial::{AttemptOutcome, TrialPhase},
};
use studious_dashboard::{
    Backend, KubernetesEvent, SourceError, StudyKey, StudySource, StudyState, StudySummary, TrialDetail, TrialSummary,
};
use studious_ledger::{Ledger, TrialHead as Row};
use studious_local::RunFolder;
use studious_playbook::{
    Millis, Plan, TrialKey,
    contract::JudgedMetrics,
    record::{CurveSelection, TrialRecord},
    trial::{self, TrialState},
};

use super::folder;

/// The namespace of everything here.
const NAMESPACE: &str = "local";
/// Ledgers that are kept open.
const MOST_OPEN: usize = 16;
/// Trials whose curves are read at once: as many as the ledger has readers.
const AT_ONCE: usize = 4;
/// What is shown of a trainer's output, from its end.
const OUTPUT_BYTES: u64 = 8 * 1024;

/// Folders made by `studious run`.
#[derive(Debug)]
pub(crate) struct RunFolders {
    root: PathBuf,
    ledgers: Mutex<HashMap<PathBuf, (Ledger, u64)>>,
    /// Studies at a glance with the state of the folder they were read from.
    heads: Mutex<HashMap<PathBuf, (String, StudySummary)>>,
    /// The trials that were read last, with the state of their folder: who asks for a study asks for its trials next.
    rows: Mutex<Option<(PathBuf, String, Vec<Row>)>>,
    uses: std::sync::atomic::AtomicU64,
}

impl RunFolders {
    /// The runs below a folder; or the one that the folder itself is.
    #[must_use]
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            ledgers: Mutex::default(),
            heads: Mutex::default(),
            rows: Mutex::default(),
            uses: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// Every folder that holds a run, by the name under which it is shown.
    fn runs(&self) -> Result<Vec<(String, RunFolder)>, SourceError> {
        if is_run(&self.root) {
            return Ok(vec![(name_of(&self.root), RunFolder::new(&self.root))]);
        }
        let unreadable = |error| SourceError::unreadable(self.root.display().to_string(), error);
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            // Nothing was run yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut runs = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            if is_run(&path) {
                runs.push((name_of(&path), RunFolder::new(path)));
            }
        }
        Ok(runs)
    }

    /// The folder of a study, if it is there. A name is never a path.
    fn run(&self, key: &StudyKey) -> Option<RunFolder> {
        if key.namespace != NAMESPACE {
            return None;
        }
        if is_run(&self.root) {
            return (name_of(&self.root) == key.name).then(|| RunFolder::new(&self.root));
        }
        let path = Path::new(&key.name);
        let is_a_name = path.components().count() == 1 && path.file_name() == Some(path.as_os_str());
        let path = self.root.join(path);
        (is_a_name && is_run(&path)).then(|| RunFolder::new(path))
    }

    async fn ledger(&self, folder: &RunFolder) -> Result<Ledger, SourceError> {
        let path = folder.ledger();
        let used = self.uses.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let known = self.ledgers(|ledgers| {
            let (ledger, last) = ledgers.get_mut(&path)?;
            *last = used;
            Some(ledger.clone())
        });
        if let Some(ledger) = known {
            return Ok(ledger);
        }
        let ledger = Ledger::open_to_read(&path)
            .await
            .map_err(|error| SourceError::unreadable(path.display().to_string(), error))?;
        let oldest = self.ledgers(|ledgers| {
            ledgers.insert(path, (ledger.clone(), used));
            let oldest = ledgers.iter().min_by_key(|(_, (_, used))| *used).map(|(path, _)| path.clone());
            oldest.filter(|_| ledgers.len() > MOST_OPEN).and_then(|path| ledgers.remove(&path))
        });
        if let Some((ledger, _)) = oldest {
            ledger.close().await;
        }
        Ok(ledger)
    }

    fn ledgers<T>(&self, f: impl FnOnce(&mut HashMap<PathBuf, (Ledger, u64)>) -> T) -> T {
        f(&mut self.ledgers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A study at a glance, read again only when its folder has changed.
    async fn head(&self, name: &str, folder: &RunFolder) -> Result<Option<StudySummary>, SourceError> {
        let Some(state) = state_of(folder) else { return Ok(None) };
        let heads = || self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let path = folder.root().to_owned();
        if let Some((_, head)) = heads().get(&path).filter(|(of, _)| *of == state) {
            return Ok(Some(head.clone()));
        }
        let unreadable = |why: String| SourceError::unreadable(folder.root().display().to_string(), why);
        let study = folder.study_with_points().map_err(|error| unreadable(error.to_string()))?;
        let Some(study) = study else { return Ok(None) };
        let study_name = study.metadata.name.clone().unwrap_or_default();
        let ledger = self.ledger(folder).await?;
        let rows = ledger.trial_heads(&study_name).await.map_err(|error| unreadable(error.to_string()))?;
        let created = ledger.study(&study_name).await.map_err(|error| unreadable(error.to_string()))?;
        let is_running = folder.is_running();
        let ends = rows.iter().filter_map(|row| row.state.end_time.max(row.state.start_time)).max();
        let head = StudySummary {
            key: StudyKey { namespace: NAMESPACE.to_owned(), name: name.to_owned() },
            // Opening a ledger to look may change its file.
            changed: if is_running { changed(folder).or(ends) } else { ends.or_else(|| changed(folder)) },
            labels: study.metadata.labels.clone().unwrap_or_default(),
            created: created.map(|row| row.created),
            ..stands(study_name, study.spec, &rows, is_running)
        };
        heads().insert(path.clone(), (state.clone(), head.clone()));
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = Some((path, state, rows));
        Ok(Some(head))
    }
}

impl StudySource for RunFolders {
    fn backend(&self) -> Backend {
        Backend::Local
    }

    async fn studies(&self) -> Result<Vec<StudySummary>, SourceError> {
        let mut heads = Vec::new();
        for (name, folder) in self.runs()? {
            match self.head(&name, &folder).await {
                Ok(head) => heads.extend(head),
                // One folder that can't be read must not hide the others; opening it reports why.
                Err(error) => tracing::warn!(%error, "a folder is left out"),
            }
        }
        Ok(heads)
    }

    async fn study(&self, key: &StudyKey) -> Result<Option<StudySummary>, SourceError> {
        match self.run(key) {
            Some(folder) => self.head(&key.name, &folder).await,
            None => Ok(None),
        }
    }

    async fn version(&self, key: &StudyKey) -> Result<Option<String>, SourceError> {
        Ok(self.run(key).and_then(|folder| state_of(&folder)))
    }

    async fn trials(&self, key: &StudyKey) -> Result<Vec<TrialSummary>, SourceError> {
        let Some((folder, study)) = self.of(key)? else { return Ok(Vec::new()) };
        let ledger = self.ledger(&folder).await?;
        let unreadable = |error| SourceError::unreadable(folder.ledger().display().to_string(), error);
        let read = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        let state = state_of(&folder);
        let read = read.filter(|(path, of, _)| path == folder.root() && Some(of) == state.as_ref());
        let rows = async {
            match read {
                Some((_, _, rows)) => Ok(rows),
                None => ledger.trial_heads(&study).await,
            }
        };
        let (rows, mut latest) = tokio::try_join!(rows, ledger.latest(&study)).map_err(unreadable)?;
        Ok(rows.into_iter().map(|row| at_a_glance(&mut latest, row)).collect())
    }

    async fn records(&self, key: &StudyKey, wanted: CurveSelection) -> Result<Vec<TrialRecord>, SourceError> {
        let Some((folder, study)) = self.of(key)? else { return Ok(Vec::new()) };
        let ledger = self.ledger(&folder).await?;
        let unreadable = |error| SourceError::unreadable(folder.ledger().display().to_string(), error);
        let rows = ledger.trial_heads(&study).await.map_err(unreadable)?;
        let row = ledger.study(&study).await.map_err(unreadable)?;
        let (ledger, judged) = (&ledger, &row.map(|row| JudgedMetrics::of_study(&row.spec)).unwrap_or_default());
        futures::stream::iter(rows)
            .map(|row| async move {
                let mut record = TrialRecord {
                    outcome: row.state.outcome(),
                    attempts: row.state.spans(),
                    metrics: row.state.metrics.clone(),
                    name: row.name,
                    round: row.round,
                    hyperparameters: row.hyperparameters,
                    seeds: Some(row.seeds),
                    ..TrialRecord::default()
                };
                ledger.fill(&row.uid, &mut record, judged, wanted).await?;
                Ok(record)
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
            .map_err(unreadable)
    }

    async fn trial(&self, key: &StudyKey, trial: &str, points: usize) -> Result<Option<TrialDetail>, SourceError> {
        let Some((folder, study)) = self.of(key)? else { return Ok(None) };
        let ledger = self.ledger(&folder).await?;
        let unreadable = |error| SourceError::unreadable(folder.ledger().display().to_string(), error);
        // Locally a trial's uid is its name.
        let Some(row) = ledger.trial(trial).await.map_err(unreadable)?.filter(|row| row.study == study) else {
            return Ok(None);
        };
        let mut record = TrialRecord {
            name: row.name.clone(),
            round: row.spec.round.clone(),
            hyperparameters: row.spec.hyperparameters.clone(),
            outcome: row.state.outcome(),
            attempts: row.state.spans(),
            metrics: row.state.metrics.clone(),
            seeds: Some(row.spec.seeds.clone()),
            ..TrialRecord::default()
        };
        let wanted = CurveSelection::all(Some(points));
        ledger.fill(&row.uid, &mut record, &JudgedMetrics::of(&row.spec), wanted).await.map_err(unreadable)?;
        let progress = ledger.progress(&row.uid, &row.spec).await.map_err(unreadable)?;
        let mut latest = BTreeMap::new();
        if let Some(values) = progress.latest.get(&0) {
            let finite =
                values.iter().filter(|(_, value)| value.is_finite()).map(|(name, value)| (name.clone(), *value));
            latest.insert(row.uid.clone(), finite.collect());
        }
        let attempt = row.state.attempt.max(1);
        let directory = folder.host(trial, attempt, 0);
        let head = Row {
            uid: row.uid,
            name: row.name,
            round: row.spec.round.clone(),
            index: row.spec.index,
            max_train_steps: row.spec.max_train_steps,
            hyperparameters: row.spec.hyperparameters.clone(),
            seeds: row.spec.seeds.clone(),
            state: row.state.clone(),
        };
        Ok(Some(TrialDetail {
            head: at_a_glance(&mut latest, head),
            record,
            attempt_messages: row.state.attempts.iter().map(|a| (a.number, a.message.clone())).collect(),
            malformed: progress.malformed,
            commands: commands(&directory),
            output: output(&directory.join("output.log")),
            spec: row.spec,
        }))
    }

    async fn events(&self, _: &StudyKey, _: &str) -> Result<Vec<KubernetesEvent>, SourceError> {
        Ok(Vec::new())
    }
}

impl RunFolders {
    /// The folder of a study, and the name of the study in it.
    fn of(&self, key: &StudyKey) -> Result<Option<(RunFolder, String)>, SourceError> {
        let Some(folder) = self.run(key) else { return Ok(None) };
        let study = folder.study_as_run();
        let study = study.map_err(|error| SourceError::unreadable(folder.root().display().to_string(), error))?;
        Ok(study.and_then(|study| study.metadata.name).map(|name| (folder, name)))
    }
}

/// A run has written down its study and opened its ledger.
fn is_run(path: &Path) -> bool {
    let folder = RunFolder::new(path);
    folder.study_file().is_file() && folder.ledger().is_file()
}

fn name_of(path: &Path) -> String {
    let full = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    full.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// A word that changes whenever the ledger, the study or whether it runs does.
fn state_of(folder: &RunFolder) -> Option<String> {
    use std::fmt::Write as _;
    let log = folder.ledger().with_extension("sqlite-wal");
    let mut state = if folder.is_running() { "r".to_owned() } else { "s".to_owned() };
    for (path, must) in [(folder.ledger(), true), (log, false), (folder.study_file(), true)] {
        match fs::metadata(&path) {
            Ok(metadata) => {
                let at = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
                // Writing to a String can't fail.
                let _ = write!(state, "-{:x}.{:x}", at.as_nanos(), metadata.len());
            }
            Err(_) if must => return None,
            // The log goes away when the last of those who had the ledger open closes it.
            Err(_) => state.push_str("-0"),
        }
    }
    Some(state)
}

fn changed(folder: &RunFolder) -> Option<Millis> {
    let of = |path: PathBuf| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    // An empty log says nothing: opening a ledger to look makes one.
    let log = folder.ledger().with_extension("sqlite-wal");
    let log = fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0).then(|| of(log)).flatten();
    let at = of(folder.ledger()).max(log)?.duration_since(UNIX_EPOCH).ok()?;
    Some(Millis(u64::try_from(at.as_millis()).unwrap_or(u64::MAX)))
}

fn at_a_glance(latest: &mut BTreeMap<String, BTreeMap<String, f64>>, row: Row) -> TrialSummary {
    let disruptions = row.state.attempts.iter().filter(|a| a.outcome == AttemptOutcome::Disrupted).count();
    TrialSummary {
        latest: latest.remove(&row.uid).unwrap_or_default(),
        name: row.name,
        round: row.round,
        index: row.index,
        max_train_steps: row.max_train_steps,
        hyperparameters: row.hyperparameters,
        phase: row.state.phase,
        reason: row.state.reason.unwrap_or_default(),
        message: row.state.message.unwrap_or_default(),
        objective: row.state.objective,
        best_step: row.state.best_step,
        metrics: row.state.metrics,
        attempt: row.state.attempt,
        disruptions: u32::try_from(disruptions).unwrap_or(u32::MAX),
        started: row.state.start_time,
        ended: row.state.end_time,
    }
}

/// Where a study stands. Its key, labels and times are the caller's to say.
fn stands(study_name: String, spec: StudySpec, rows: &[Row], is_running: bool) -> StudySummary {
    let plan = Plan::new(&study_name, &spec);
    let states: Vec<TrialState> = rows.iter().map(state_of_row).collect();
    let planned = plan.as_ref().map_or(0, Plan::total_trials);
    let counts = trial::counts(planned, states.iter().map(|state| state.phase));
    let (standing, message) = match &plan {
        Err(violations) => (StudyState::Invalid, violations.first().map_or_else(String::new, ToString::to_string)),
        Ok(plan) => folder::standing(plan, &states, is_running),
    };
    let begun = rows.iter().filter(|row| row.state.phase != TrialPhase::Pending).map(|row| row.round.as_str());
    StudySummary {
        key: StudyKey { namespace: NAMESPACE.to_owned(), name: study_name.clone() },
        labels: BTreeMap::new(),
        standing,
        message,
        round: trial::latest_round(&spec, begun).map(str::to_owned),
        counts,
        best: plan.as_ref().ok().and_then(|plan| trial::best_trial(plan, &states)),
        created: None,
        changed: None,
        spec: Arc::new(spec),
        study_name,
    }
}

fn state_of_row(row: &Row) -> TrialState {
    row.state.trial_state(TrialKey { round: row.round.clone(), index: row.index }, row.hyperparameters.clone())
}

/// Commands that show more of a trial's host 0 or run it again.
fn commands(directory: &Path) -> Vec<(String, String)> {
    let shown = quoted(&directory.display().to_string());
    vec![
        ("What its trainer printed".to_owned(), format!("less {shown}/output.log")),
        ("What it measured, as it does so".to_owned(), format!("tail -f {shown}/metrics.jsonl")),
        (
            "The same training again, in a folder of its own".to_owned(),
            format!("mkdir again && cp {shown}/trial.json again/ && STUDIOUS_TRIAL_DIR=$PWD/again YOUR_TRAINER"),
        ),
    ]
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:=".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The end of what a trainer printed, without what would move a terminal's cursor.
fn output(path: &Path) -> Option<String> {
    use io::{Read as _, Seek as _, SeekFrom};
    let mut file = fs::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let start = length.saturating_sub(OUTPUT_BYTES);
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut bytes = Vec::new();
    file.take(OUTPUT_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    // A line that was cut is no line.
    let text = if start > 0 { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
    Some(text.chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect())
}
