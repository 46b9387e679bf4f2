//! What a trial's folder says about its trial: enough to rebuild a lost ledger, and to know whose checkpoints lie in it.
//!
//! The ledger is written first and `record.json` after it. So a ledger that is behind a record has lost its last commits
//! (its write-ahead log was lost, or it was copied without), and one without the trial was lost itself: then the record and
//! the attempts' `metrics.jsonl` say what it knew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use studious_api::{Study, TrialSpec};
use studious_contract::{METRICS_FILE, tail::Tail};
use studious_ledger::{Ledger, RunState, StudyRow, TrialRow};

use crate::{
    Error, RunFolder,
    folder::{replace, set_aside},
    trial::now,
};

/// `record.json` of a trial's folder.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    /// The ledger that it belongs to.
    run: String,
    /// Everything needed to run the trial, but for the pod template: that is the study's.
    spec: TrialSpec,
    /// As the ledger had it when this was written.
    state: RunState,
}

/// The ledger of a run, and the records beside it.
pub(crate) struct Records {
    folder: RunFolder,
    run: String,
}

impl Records {
    /// Writes a trial down: in the ledger, then in its folder.
    pub(crate) async fn put(&self, ledger: &Ledger, row: &TrialRow) -> Result<(), Error> {
        ledger.upsert_trial(row).await?;
        self.write(row)
    }

    /// As [`Records::put`], of a trial whose state has changed.
    pub(crate) async fn update(&self, ledger: &Ledger, row: &TrialRow) -> Result<(), Error> {
        ledger.update_state(&row.uid, &row.state).await?;
        self.write(row)
    }

    /// Makes room for a trial that begins: a folder of its name that this run knows nothing of is renamed, so that its
    /// checkpoints are not resumed.
    pub(crate) fn make_room(&self, trial: &str) -> Result<(), Error> {
        if self.folder.record(trial).exists() { Ok(()) } else { set_aside(&self.folder.trial(trial)) }
    }

    fn write(&self, row: &TrialRow) -> Result<(), Error> {
        let path = self.folder.record(&row.name);
        let spec = TrialSpec { template: Arc::default(), ..row.spec.clone() };
        let record = Record { run: self.run.clone(), spec, state: row.state.clone() };
        let text = serde_json::to_string_pretty(&record).map_err(|e| Error::io("write", &path, e.into()))?;
        fs::create_dir_all(self.folder.trial(&row.name)).map_err(|e| Error::io("make", &path, e))?;
        replace(&path, &(text + "\n"))
    }
}

/// The trials of a study, once the ledger knows what their folders say, with how many it did not know in full.
///
/// # Errors
/// When the ledger was lost and the folders do not say enough, when folders are those of another run, or when files or the
/// ledger cannot be read or written.
pub(crate) async fn reconcile(
    folder: &RunFolder,
    ledger: &Ledger,
    study: &Study,
) -> Result<(Records, Vec<TrialRow>, usize), Error> {
    let name = study.metadata.name.clone().unwrap_or_default();
    let rows = ledger.trials(&name).await?;
    let (found, without) = read_all(folder)?;
    if rows.is_empty() && found.is_empty() && !without.is_empty() {
        return Err(Error::LedgerLost { folder: folder.root().to_owned(), trials: without.len() });
    }
    let runs: BTreeSet<&str> = found.values().map(|record| record.run.as_str()).collect();
    if let (true, Some(run)) = (rows.is_empty(), runs.first()) {
        ledger.set_identity(run).await?;
    }
    let records = Records { folder: folder.clone(), run: ledger.identity().await? };
    if let Some((trial, _)) = found.iter().find(|(_, record)| record.run != records.run) {
        return Err(Error::OtherRun { folder: folder.trial(trial), ledger: folder.ledger() });
    }
    if !found.is_empty() && ledger.study(&name).await?.is_none() {
        let row = StudyRow {
            uid: name.clone(),
            namespace: String::new(),
            name: name.clone(),
            spec: study.spec.clone(),
            created: now(),
        };
        ledger.upsert_study(&row).await?;
    }
    let known: BTreeMap<&str, &TrialRow> = rows.iter().map(|row| (row.name.as_str(), row)).collect();
    let mut rebuilt = 0;
    for (trial, mut record) in found {
        record.spec.template.clone_from(&study.spec.trial.template);
        match known.get(trial.as_str()) {
            Some(row) if how_far(&row.state) >= how_far(&record.state) => {}
            _ => {
                rebuild(folder, ledger, &name, trial, record).await?;
                rebuilt += 1;
            }
        }
    }
    // Of a run of an earlier version, which wrote none.
    for row in rows.iter().filter(|row| !folder.record(&row.name).exists()) {
        records.write(row)?;
    }
    let rows = if rebuilt > 0 { ledger.trials(&name).await? } else { rows };
    Ok((records, rows, rebuilt))
}

/// How far a trial has come, to compare what a ledger and a record say about it.
fn how_far(state: &RunState) -> (u32, Option<u32>, bool) {
    (state.attempt, state.attempts.last().map(|attempt| attempt.number), state.phase.has_ended())
}

/// The records of a folder, and the trials' folders that have none.
fn read_all(folder: &RunFolder) -> Result<(BTreeMap<String, Record>, Vec<String>), Error> {
    let trials = folder.trials();
    let fail = |e: io::Error| Error::io("read", &trials, e);
    let (mut found, mut without) = (BTreeMap::new(), Vec::new());
    for entry in fs::read_dir(&trials).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Set aside by an earlier run.
        if !entry.path().is_dir() || name.contains(".before-") {
            continue;
        }
        let path = folder.record(&name);
        match fs::read(&path) {
            Ok(text) => match serde_json::from_slice(&text) {
                Ok(record) => {
                    found.insert(name, record);
                }
                Err(_) => without.push(name),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => without.push(name),
            Err(error) => return Err(Error::io("read", &path, error)),
        }
    }
    Ok((found, without))
}

/// Puts a trial in with all that its attempts wrote. Lines that the ledger has count once.
async fn rebuild(folder: &RunFolder, ledger: &Ledger, study: &str, trial: String, record: Record) -> Result<(), Error> {
    let row =
        TrialRow { uid: trial.clone(), study: study.to_owned(), name: trial, spec: record.spec, state: record.state };
    ledger.upsert_trial(&row).await?;
    for attempt in 1..=row.state.attempt {
        for host in 0..row.spec.hosts {
            let next_line = ledger.next_line(&row.uid, attempt, host).await?;
            let path = folder.host(&row.name, attempt, host).join(METRICS_FILE);
            let mut tail = Tail::starting_at(&path, next_line);
            loop {
                let batch = tail.read(true).map_err(|e| Error::io("read", &path, e))?;
                if !batch.lines.is_empty() {
                    ledger.append(&row.uid, attempt, host, batch.first_line, &batch.lines).await?;
                }
                if !batch.more {
                    break;
                }
            }
        }
    }
    Ok(())
}
