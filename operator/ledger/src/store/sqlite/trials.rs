//! Studies and trials.

use std::collections::BTreeMap;

use sqlx::{FromRow, Row as _, sqlite::SqliteRow};
use studious_playbook::Millis;

use super::{ReadTransaction, WriteTransaction, to_i64, to_u64};
use crate::{
    digest::{Digest, matches},
    error::DatabaseError,
    store::{StudyColumns, TrialColumns},
};

type StudyTuple = (String, String, String, String, i64, i64);

/// A row of `trials`.
pub(super) struct TrialTuple {
    pub(super) uid: String,
    pub(super) study: String,
    name: String,
    round: String,
    number: i64,
    pub(super) objective_metric: String,
    pub(super) spec: String,
    state: String,
    template: Option<i64>,
    digest: i64,
    state_digest: i64,
}

impl FromRow<'_, SqliteRow> for TrialTuple {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            uid: row.try_get("uid")?,
            study: row.try_get("study")?,
            name: row.try_get("name")?,
            round: row.try_get("round")?,
            number: row.try_get("number")?,
            objective_metric: row.try_get("objective_metric")?,
            spec: row.try_get("spec")?,
            state: row.try_get("state")?,
            template: row.try_get("template")?,
            digest: row.try_get("digest")?,
            state_digest: row.try_get("state_digest")?,
        })
    }
}

impl TrialTuple {
    fn digest(&self) -> Digest {
        let texts = [&self.uid, &self.study, &self.name, &self.round, &self.objective_metric, &self.spec];
        let digest = texts.into_iter().fold(Digest::of("trial"), |digest, text| digest.text(text));
        digest.number(to_u64(self.number)).optional(self.template.map(to_u64))
    }

    /// The row, if it is the one that was written.
    pub(super) fn checked(self) -> Result<Self, DatabaseError> {
        if !matches(self.digest, self.digest()) {
            return Err(DatabaseError::damaged(format!("the spec of trial {}", self.uid)));
        }
        if !matches(self.state_digest, state_digest(&self.uid, &self.state)) {
            return Err(DatabaseError::damaged(format!("the state of trial {}", self.uid)));
        }
        Ok(self)
    }
}

fn state_digest(trial: &str, state: &str) -> Digest {
    Digest::of("state").text(trial).text(state)
}

fn study_digest(study: &StudyColumns) -> Digest {
    let texts = [&study.uid, &study.namespace, &study.name, &study.spec];
    texts.into_iter().fold(Digest::of("study"), |digest, text| digest.text(text)).number(study.created.0)
}

fn template_digest(study: &str, json: &str) -> Digest {
    Digest::of("template").text(study).text(json)
}

impl WriteTransaction {
    /// Puts a study in, or what changed of it; when it was first seen is kept.
    pub(crate) async fn upsert_study(&mut self, study: &StudyColumns) -> Result<(), DatabaseError> {
        let created: Option<i64> = sqlx::query_scalar("SELECT created FROM studies WHERE uid = ?")
            .bind(&study.uid)
            .fetch_optional(&mut self.connection)
            .await?;
        let created = created.map_or(study.created, |created| Millis(to_u64(created)));
        let study = StudyColumns { created, ..study.clone() };
        sqlx::query(
            "INSERT INTO studies (uid, namespace, name, spec, created, digest) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (uid) DO UPDATE SET
                 namespace = excluded.namespace, name = excluded.name, spec = excluded.spec, digest = excluded.digest",
        )
        .bind(&study.uid)
        .bind(&study.namespace)
        .bind(&study.name)
        .bind(&study.spec)
        .bind(to_i64(study.created.0))
        .bind(study_digest(&study).finish())
        .execute(&mut self.connection)
        .await?;
        sqlx::query(
            "INSERT INTO usage (study, namespace) VALUES (?, ?)
             ON CONFLICT (study) DO UPDATE SET namespace = excluded.namespace",
        )
        .bind(&study.uid)
        .bind(&study.namespace)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Replaces whom the ledger belongs to.
    pub(crate) async fn set_identity(&mut self, identity: &str) -> Result<(), DatabaseError> {
        sqlx::query("UPDATE identity SET id = ?").bind(identity).execute(&mut self.connection).await?;
        Ok(())
    }

    /// The number of a pod template of a study, which is stored once. Nothing without the study.
    pub(crate) async fn template(&mut self, study: &str, json: &str) -> Result<Option<i64>, DatabaseError> {
        let known: Option<i64> = sqlx::query_scalar("SELECT id FROM templates WHERE study = ? AND json = ?")
            .bind(study)
            .bind(json)
            .fetch_optional(&mut self.connection)
            .await?;
        if known.is_some() {
            return Ok(known);
        }
        Ok(sqlx::query_scalar(
            "INSERT INTO templates (study, json, digest) SELECT uid, ?, ? FROM studies WHERE uid = ? RETURNING id",
        )
        .bind(json)
        .bind(template_digest(study, json).finish())
        .bind(study)
        .fetch_optional(&mut self.connection)
        .await?)
    }

    /// Puts a trial in, or what changed of it. Returns whether its study is there; without it nothing is written.
    pub(crate) async fn upsert_trial(
        &mut self,
        trial: &TrialColumns,
        round: &str,
        number: u32,
        objective_metric: &str,
    ) -> Result<bool, DatabaseError> {
        let row = TrialTuple {
            uid: trial.uid.clone(),
            study: trial.study.clone(),
            name: trial.name.clone(),
            round: round.to_owned(),
            number: number.into(),
            objective_metric: objective_metric.to_owned(),
            spec: trial.spec.clone(),
            state: trial.state.clone(),
            template: trial.template,
            digest: 0,
            state_digest: state_digest(&trial.uid, &trial.state).finish(),
        };
        let result = sqlx::query(
            "INSERT INTO trials
                 (uid, study, name, round, number, objective_metric, spec, state, template, digest, state_digest)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (uid) DO UPDATE SET
                 study = excluded.study, name = excluded.name, round = excluded.round, number = excluded.number,
                 objective_metric = excluded.objective_metric, spec = excluded.spec, state = excluded.state,
                 template = excluded.template, digest = excluded.digest, state_digest = excluded.state_digest",
        )
        .bind(&row.uid)
        .bind(&row.study)
        .bind(&row.name)
        .bind(&row.round)
        .bind(row.number)
        .bind(&row.objective_metric)
        .bind(&row.spec)
        .bind(&row.state)
        .bind(row.template)
        .bind(row.digest().finish())
        .bind(row.state_digest)
        .execute(&mut self.connection)
        .await;
        match result {
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(false),
            other => Ok(other.map(|_| true)?),
        }
    }

    /// Replaces the state of a trial. Returns whether the trial is there.
    pub(crate) async fn update_state(&mut self, trial: &str, state: &str) -> Result<bool, DatabaseError> {
        let result = sqlx::query("UPDATE trials SET state = ?, state_digest = ? WHERE uid = ?")
            .bind(state)
            .bind(state_digest(trial, state).finish())
            .bind(trial)
            .execute(&mut self.connection)
            .await?;
        Ok(result.rows_affected() > 0)
    }

    /// Deletes a study with everything in it. Returns whether it was there.
    pub(crate) async fn delete_study(&mut self, uid: &str) -> Result<bool, DatabaseError> {
        let result = sqlx::query("DELETE FROM studies WHERE uid = ?").bind(uid).execute(&mut self.connection).await?;
        Ok(result.rows_affected() > 0)
    }
}

impl ReadTransaction {
    /// Whom the ledger belongs to.
    pub(crate) async fn identity(&mut self) -> Result<String, DatabaseError> {
        Ok(sqlx::query_scalar("SELECT id FROM identity").fetch_one(&mut *self.0).await?)
    }

    /// All studies by namespace and name.
    pub(crate) async fn studies(&mut self) -> Result<Vec<StudyColumns>, DatabaseError> {
        let rows: Vec<StudyTuple> = sqlx::query_as(
            "SELECT uid, namespace, name, spec, created, digest FROM studies ORDER BY namespace, name, uid",
        )
        .fetch_all(&mut *self.0)
        .await?;
        rows.into_iter().map(study_columns).collect()
    }

    /// A study by its uid.
    pub(crate) async fn study(&mut self, uid: &str) -> Result<Option<StudyColumns>, DatabaseError> {
        let row: Option<StudyTuple> =
            sqlx::query_as("SELECT uid, namespace, name, spec, created, digest FROM studies WHERE uid = ?")
                .bind(uid)
                .fetch_optional(&mut *self.0)
                .await?;
        row.map(study_columns).transpose()
    }

    /// The trials of a study by round and number.
    pub(crate) async fn trials(&mut self, study: &str) -> Result<Vec<TrialColumns>, DatabaseError> {
        let rows: Vec<TrialTuple> = sqlx::query_as("SELECT * FROM trials WHERE study = ? ORDER BY round, number, uid")
            .bind(study)
            .fetch_all(&mut *self.0)
            .await?;
        rows.into_iter().map(|row| Ok(trial_columns(row.checked()?))).collect()
    }

    /// The pod templates of a study by number, as JSON.
    pub(crate) async fn templates(&mut self, study: &str) -> Result<BTreeMap<i64, String>, DatabaseError> {
        let rows: Vec<(i64, String, i64)> = sqlx::query_as("SELECT id, json, digest FROM templates WHERE study = ?")
            .bind(study)
            .fetch_all(&mut *self.0)
            .await?;
        let checked = rows.into_iter().map(|(id, json, digest)| {
            if matches(digest, template_digest(study, &json)) {
                return Ok((id, json));
            }
            Err(DatabaseError::damaged(format!("template {id} of study {study}")))
        });
        checked.collect()
    }

    /// A trial by its uid.
    pub(crate) async fn trial(&mut self, uid: &str) -> Result<Option<TrialColumns>, DatabaseError> {
        Ok(self.trial_row(uid).await?.map(trial_columns))
    }

    pub(super) async fn trial_row(&mut self, uid: &str) -> Result<Option<TrialTuple>, DatabaseError> {
        let row: Option<TrialTuple> =
            sqlx::query_as("SELECT * FROM trials WHERE uid = ?").bind(uid).fetch_optional(&mut *self.0).await?;
        row.map(TrialTuple::checked).transpose()
    }
}

fn study_columns((uid, namespace, name, spec, created, digest): StudyTuple) -> Result<StudyColumns, DatabaseError> {
    let study = StudyColumns { uid, namespace, name, spec, created: Millis(to_u64(created)) };
    if matches(digest, study_digest(&study)) {
        Ok(study)
    } else {
        Err(DatabaseError::damaged(format!("study {}", study.uid)))
    }
}

fn trial_columns(row: TrialTuple) -> TrialColumns {
    let TrialTuple { uid, study, name, spec, state, template, .. } = row;
    TrialColumns { uid, study, name, spec, state, template }
}
