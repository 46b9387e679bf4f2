//! Studies and trials.

use std::collections::BTreeMap;

use studious_playbook::Millis;

use super::{ReadTransaction, WriteTransaction, to_i64, to_u64};
use crate::{
    error::DatabaseError,
    store::{StudyColumns, TrialColumns},
};

type StudyTuple = (String, String, String, String, i64);
type TrialTuple = (String, String, String, String, String, Option<i64>);

impl WriteTransaction {
    /// Puts a study in, or what changed of it; when it was first seen is kept.
    pub(crate) async fn upsert_study(&mut self, study: &StudyColumns) -> Result<(), DatabaseError> {
        sqlx::query(
            "INSERT INTO studies (uid, namespace, name, spec, created) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (uid) DO UPDATE SET namespace = excluded.namespace, name = excluded.name, spec = excluded.spec",
        )
        .bind(&study.uid)
        .bind(&study.namespace)
        .bind(&study.name)
        .bind(&study.spec)
        .bind(to_i64(study.created.0))
        .execute(&mut self.connection)
        .await?;
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
            "INSERT INTO templates (study, json) SELECT uid, ? FROM studies WHERE uid = ? RETURNING id",
        )
        .bind(json)
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
        let result = sqlx::query(
            "INSERT INTO trials (uid, study, name, round, number, objective_metric, spec, state, template)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (uid) DO UPDATE SET
                 study = excluded.study, name = excluded.name, round = excluded.round, number = excluded.number,
                 objective_metric = excluded.objective_metric, spec = excluded.spec, state = excluded.state,
                 template = excluded.template",
        )
        .bind(&trial.uid)
        .bind(&trial.study)
        .bind(&trial.name)
        .bind(round)
        .bind(number)
        .bind(objective_metric)
        .bind(&trial.spec)
        .bind(&trial.state)
        .bind(trial.template)
        .execute(&mut self.connection)
        .await;
        match result {
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => Ok(false),
            other => Ok(other.map(|_| true)?),
        }
    }

    /// Replaces the state of a trial. Returns whether the trial is there.
    pub(crate) async fn update_state(&mut self, trial: &str, state: &str) -> Result<bool, DatabaseError> {
        let result = sqlx::query("UPDATE trials SET state = ? WHERE uid = ?")
            .bind(state)
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
    /// All studies by namespace and name.
    pub(crate) async fn studies(&mut self) -> Result<Vec<StudyColumns>, DatabaseError> {
        let rows: Vec<StudyTuple> =
            sqlx::query_as("SELECT uid, namespace, name, spec, created FROM studies ORDER BY namespace, name, uid")
                .fetch_all(&mut *self.0)
                .await?;
        Ok(rows.into_iter().map(study_columns).collect())
    }

    /// A study by its uid.
    pub(crate) async fn study(&mut self, uid: &str) -> Result<Option<StudyColumns>, DatabaseError> {
        let row: Option<StudyTuple> =
            sqlx::query_as("SELECT uid, namespace, name, spec, created FROM studies WHERE uid = ?")
                .bind(uid)
                .fetch_optional(&mut *self.0)
                .await?;
        Ok(row.map(study_columns))
    }

    /// The trials of a study by round and number.
    pub(crate) async fn trials(&mut self, study: &str) -> Result<Vec<TrialColumns>, DatabaseError> {
        let rows: Vec<TrialTuple> = sqlx::query_as(
            "SELECT uid, study, name, spec, state, template FROM trials WHERE study = ? ORDER BY round, number, uid",
        )
        .bind(study)
        .fetch_all(&mut *self.0)
        .await?;
        Ok(rows.into_iter().map(trial_columns).collect())
    }

    /// The pod templates of a study by number, as JSON.
    pub(crate) async fn templates(&mut self, study: &str) -> Result<BTreeMap<i64, String>, DatabaseError> {
        let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, json FROM templates WHERE study = ?")
            .bind(study)
            .fetch_all(&mut *self.0)
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// A trial by its uid.
    pub(crate) async fn trial(&mut self, uid: &str) -> Result<Option<TrialColumns>, DatabaseError> {
        let row: Option<TrialTuple> =
            sqlx::query_as("SELECT uid, study, name, spec, state, template FROM trials WHERE uid = ?")
                .bind(uid)
                .fetch_optional(&mut *self.0)
                .await?;
        Ok(row.map(trial_columns))
    }
}

fn study_columns((uid, namespace, name, spec, created): StudyTuple) -> StudyColumns {
    StudyColumns { uid, namespace, name, spec, created: Millis(to_u64(created)) }
}

fn trial_columns((uid, study, name, spec, state, template): TrialTuple) -> TrialColumns {
    TrialColumns { uid, study, name, spec, state, template }
}
