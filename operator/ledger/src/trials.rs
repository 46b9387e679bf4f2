//! Studies and trials as rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sqlx::SqliteConnection;
use studious_api::{
    Hyperparameters, StudySpec, TrialSpec,
    trial::{AttemptOutcome, TrialPhase},
};
use studious_playbook::{
    Millis,
    record::{AttemptSpan, Outcome},
    trial::{Reason, TrialKey, TrialState},
};

use crate::{Ledger, LedgerError};

/// A study.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyRow {
    /// The object's uid; locally the study's name.
    pub uid: String,
    /// Its namespace; locally empty.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// As it was given.
    pub spec: StudySpec,
    /// When it was first seen. Kept when the study is put in again.
    pub created: Millis,
}

/// A trial.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialRow {
    /// The object's uid; locally the trial's name.
    pub uid: String,
    /// The uid of its study.
    pub study: String,
    /// Its name.
    pub name: String,
    /// Everything needed to run it.
    pub spec: TrialSpec,
    /// Where it stands.
    pub state: RunState,
}

/// Where a trial stands: what a runner needs to go on after a restart.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunState {
    /// Where it stands.
    pub phase: TrialPhase,
    /// Why, in a word.
    pub reason: Option<String>,
    /// Why, in a sentence.
    pub message: Option<String>,
    /// The objective of one that succeeded; of another the best so far, if any. Always finite.
    pub objective: Option<f64>,
    /// The step of that objective.
    pub best_step: Option<u64>,
    /// The metrics that constraints bound, at that step; one that was not reported by then is missing.
    pub metrics: BTreeMap<String, f64>,
    /// The current attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// Attempts that have ended.
    pub attempts: Vec<Attempt>,
    /// Of one that waits for another attempt: from when it may begin.
    pub retry_at: Option<Millis>,
    /// When the first attempt began.
    pub start_time: Option<Millis>,
    /// When the current attempt began.
    pub attempt_start_time: Option<Millis>,
    /// When the trial ended.
    pub end_time: Option<Millis>,
}

/// An attempt that has ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// In a sentence.
    pub message: String,
    /// When it began.
    #[serde(default)]
    pub start_time: Option<Millis>,
    /// When it ended.
    #[serde(default)]
    pub end_time: Option<Millis>,
}

impl RunState {
    /// Its attempts in time, the one under way included. Processes here start when they are asked for: nothing is queued.
    #[must_use]
    pub fn spans(&self) -> Vec<AttemptSpan> {
        let ended = self.attempts.iter().map(|attempt| AttemptSpan {
            number: attempt.number,
            queued: None,
            started: attempt.start_time,
            ended: attempt.end_time,
            outcome: Some(attempt.outcome),
        });
        let mut spans: Vec<AttemptSpan> = ended.collect();
        let under_way = self.phase == TrialPhase::Running && spans.iter().all(|span| span.number != self.attempt);
        if under_way {
            let started = self.attempt_start_time;
            spans.push(AttemptSpan { number: self.attempt, queued: None, started, ended: None, outcome: None });
        }
        spans
    }

    /// The trial with this key and point as far as decisions go. An objective is a result only once it succeeded.
    #[must_use]
    pub fn trial_state(&self, key: TrialKey, hyperparameters: Hyperparameters) -> TrialState {
        let succeeded = self.phase == TrialPhase::Succeeded;
        TrialState {
            key,
            hyperparameters,
            phase: self.phase,
            reason: self.reason.as_deref().map(Reason::from),
            objective: self.objective.filter(|_| succeeded),
            step: self.best_step.filter(|_| succeeded),
            metrics: self.metrics.clone(),
            attempt: self.attempt,
            retry_at: self.retry_at,
        }
    }

    /// How the trial ended, as reports and findings read it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let reason = self.reason.as_deref().map(Reason::from);
        Outcome::of(self.phase, reason.as_ref(), self.objective, self.best_step)
    }
}

impl TrialRow {
    /// As far as decisions go.
    #[must_use]
    pub fn trial_state(&self) -> TrialState {
        self.state.trial_state(TrialKey::of(&self.spec), self.spec.hyperparameters.clone())
    }
}

type StudyColumns = (String, String, String, String, i64);
type TrialColumns = (String, String, String, String, String);

impl Ledger {
    /// Puts a study in, or its changed spec.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn upsert_study(&self, study: &StudyRow) -> Result<(), LedgerError> {
        let spec = to_json("spec", &study.uid, &study.spec)?;
        sqlx::query(
            "INSERT INTO studies (uid, namespace, name, spec, created) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (uid) DO UPDATE SET namespace = excluded.namespace, name = excluded.name, spec = excluded.spec",
        )
        .bind(&study.uid)
        .bind(&study.namespace)
        .bind(&study.name)
        .bind(spec)
        .bind(to_i64(study.created.0))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// All studies, by namespace and name.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn studies(&self) -> Result<Vec<StudyRow>, LedgerError> {
        let rows: Vec<StudyColumns> =
            sqlx::query_as("SELECT uid, namespace, name, spec, created FROM studies ORDER BY namespace, name, uid")
                .fetch_all(&self.reader)
                .await?;
        rows.into_iter().map(study_row).collect()
    }

    /// A study by its uid.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn study(&self, uid: &str) -> Result<Option<StudyRow>, LedgerError> {
        let row: Option<StudyColumns> =
            sqlx::query_as("SELECT uid, namespace, name, spec, created FROM studies WHERE uid = ?")
                .bind(uid)
                .fetch_optional(&self.reader)
                .await?;
        row.map(study_row).transpose()
    }

    /// Puts a trial in, or its changed spec and state. Measurements stay.
    ///
    /// # Errors
    /// [`LedgerError::UnknownStudy`] when its study isn't there, or when the database can't be written.
    pub async fn upsert_trial(&self, trial: &TrialRow) -> Result<(), LedgerError> {
        let spec = to_json("spec", &trial.uid, &trial.spec)?;
        let state = to_json("state", &trial.uid, &trial.state)?;
        let result = sqlx::query(
            "INSERT INTO trials (uid, study, name, round, number, objective_metric, spec, state)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (uid) DO UPDATE SET
                 study = excluded.study, name = excluded.name, round = excluded.round, number = excluded.number,
                 objective_metric = excluded.objective_metric, spec = excluded.spec, state = excluded.state",
        )
        .bind(&trial.uid)
        .bind(&trial.study)
        .bind(&trial.name)
        .bind(&trial.spec.round)
        .bind(i64::from(trial.spec.index))
        .bind(&trial.spec.objective.metric)
        .bind(spec)
        .bind(state)
        .execute(&self.writer)
        .await;
        match result {
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {
                Err(LedgerError::UnknownStudy { study: trial.study.clone() })
            }
            other => Ok(other.map(|_| ())?),
        }
    }

    /// The trials of a study: in the order of rounds, by index within each.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn trials(&self, study: &str) -> Result<Vec<TrialRow>, LedgerError> {
        let mut connection = self.reader.acquire().await?;
        trials_of(&mut connection, study).await
    }

    /// A trial by its uid.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn trial(&self, uid: &str) -> Result<Option<TrialRow>, LedgerError> {
        let row: Option<TrialColumns> =
            sqlx::query_as("SELECT uid, study, name, spec, state FROM trials WHERE uid = ?")
                .bind(uid)
                .fetch_optional(&self.reader)
                .await?;
        row.map(trial_row).transpose()
    }

    /// Deletes a study with its trials and all that was measured. Says whether there was one.
    ///
    /// Each attempt's rows go in a transaction of their own, so that other studies' batches needn't wait for all.
    ///
    /// # Errors
    /// When the database can't be written. What is left goes with the next call.
    pub async fn delete_study(&self, uid: &str) -> Result<bool, LedgerError> {
        let streams: Vec<i64> = sqlx::query_scalar(
            "SELECT s.id FROM streams s JOIN trials t ON t.uid = s.trial WHERE t.study = ? ORDER BY s.id",
        )
        .bind(uid)
        .fetch_all(&self.reader)
        .await?;
        for stream in streams {
            sqlx::query("DELETE FROM streams WHERE id = ?").bind(stream).execute(&self.writer).await?;
        }
        let deleted = sqlx::query("DELETE FROM studies WHERE uid = ?").bind(uid).execute(&self.writer).await?;
        Ok(deleted.rows_affected() > 0)
    }
}

pub(crate) async fn trials_of(connection: &mut SqliteConnection, study: &str) -> Result<Vec<TrialRow>, LedgerError> {
    let rows: Vec<TrialColumns> =
        sqlx::query_as("SELECT uid, study, name, spec, state FROM trials WHERE study = ? ORDER BY round, number, uid")
            .bind(study)
            .fetch_all(connection)
            .await?;
    let mut trials = rows.into_iter().map(trial_row).collect::<Result<Vec<_>, _>>()?;
    // Later rounds train longer, so this is the order of rounds. The sort keeps the order of indices.
    trials.sort_by_key(|trial| trial.spec.max_train_steps);
    Ok(trials)
}

fn study_row((uid, namespace, name, spec, created): StudyColumns) -> Result<StudyRow, LedgerError> {
    let spec = from_json("spec", &uid, &spec)?;
    Ok(StudyRow { uid, namespace, name, spec, created: Millis(to_u64(created)) })
}

fn trial_row((uid, study, name, spec, state): TrialColumns) -> Result<TrialRow, LedgerError> {
    let spec = from_json("spec", &uid, &spec)?;
    let state = from_json("state", &uid, &state)?;
    Ok(TrialRow { uid, study, name, spec, state })
}

fn to_json(what: &'static str, object: &str, value: &impl Serialize) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|source| LedgerError::Unwritable { what, object: object.to_owned(), source })
}

pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, object: &str, text: &str) -> Result<T, LedgerError> {
    serde_json::from_str(text).map_err(|error| LedgerError::Corrupt {
        what,
        object: object.to_owned(),
        problem: error.to_string(),
    })
}

/// SQLite's integers are signed; steps, lines and times stay far below either limit.
pub(crate) fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn to_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
