//! Measurements: values of metrics by step, and the latest of each.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use sqlx::{QueryBuilder, Sqlite};

use super::{ReadTransaction, WriteTransaction, to_i64, to_u64};
use crate::{error::DatabaseError, store::MeasurementColumns};

/// Rows put in by one statement. Few sizes, so that each is prepared once.
const CHUNKS: [usize; 4] = [256, 32, 8, 1];

impl WriteTransaction {
    /// The names of a trial's metrics with their ids.
    pub(crate) async fn metrics(&mut self, trial: &str) -> Result<BTreeMap<String, i64>, DatabaseError> {
        let rows: Vec<(String, i64)> = sqlx::query_as("SELECT name, id FROM metrics WHERE trial = ?")
            .bind(trial)
            .fetch_all(&mut self.connection)
            .await?;
        Ok(rows.into_iter().collect())
    }

    /// Gives a metric of a trial an id.
    pub(crate) async fn insert_metric(&mut self, trial: &str, name: &str) -> Result<i64, DatabaseError> {
        Ok(sqlx::query_scalar("INSERT INTO metrics (trial, name) VALUES (?, ?) RETURNING id")
            .bind(trial)
            .bind(name)
            .fetch_one(&mut self.connection)
            .await?)
    }

    /// Puts measurements in. Of two values at one step the later one counts, but a finite one is not replaced by one that
    /// is not: that it came is kept by [`WriteTransaction::insert_non_finite`].
    pub(crate) async fn insert_measurements(
        &mut self,
        stream: i64,
        rows: &[MeasurementColumns],
    ) -> Result<(), DatabaseError> {
        let mut rest = rows;
        while let Some(size) = CHUNKS.into_iter().find(|size| *size <= rest.len()) {
            let (chunk, others) = rest.split_at(size);
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO measurements (stream, metric, step, value) ");
            query.push_values(chunk, |mut columns, row| {
                columns.push_bind(stream).push_bind(row.metric).push_bind(to_i64(row.step)).push_bind(row.value);
            });
            query.push(
                " ON CONFLICT (stream, metric, step) DO UPDATE SET value = excluded.value \
                 WHERE abs(excluded.value) < 9e999 OR value IS NULL OR abs(value) = 9e999",
            );
            query.build().execute(&mut self.connection).await?;
            rest = others;
        }
        Ok(())
    }

    /// The latest value of each metric of a host.
    pub(crate) async fn latest(
        &mut self,
        trial: &str,
        host: u32,
    ) -> Result<BTreeMap<String, Option<f64>>, DatabaseError> {
        let rows: Vec<(String, Option<f64>)> =
            sqlx::query_as("SELECT metric, value FROM latest WHERE trial = ? AND host = ?")
                .bind(trial)
                .bind(host)
                .fetch_all(&mut self.connection)
                .await?;
        Ok(rows.into_iter().collect())
    }

    /// Replaces the latest values of metrics of a host.
    pub(crate) async fn write_latest(
        &mut self,
        trial: &str,
        host: u32,
        values: &[(&str, Option<f64>)],
    ) -> Result<(), DatabaseError> {
        let mut rest = values;
        while let Some(size) = CHUNKS.into_iter().find(|size| *size <= rest.len()) {
            let (chunk, others) = rest.split_at(size);
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO latest (trial, host, metric, value) ");
            query.push_values(chunk, |mut columns, (name, value)| {
                columns.push_bind(trial).push_bind(host).push_bind(*name).push_bind(*value);
            });
            query.push(" ON CONFLICT (trial, host, metric) DO UPDATE SET value = excluded.value");
            query.build().execute(&mut self.connection).await?;
            rest = others;
        }
        Ok(())
    }

    /// Keeps that a metric that decides a trial was not finite, unless one is kept.
    pub(crate) async fn insert_non_finite(
        &mut self,
        trial: &str,
        metric: &str,
        step: u64,
    ) -> Result<(), DatabaseError> {
        sqlx::query("INSERT INTO non_finite (trial, metric, step) VALUES (?, ?, ?) ON CONFLICT (trial) DO NOTHING")
            .bind(trial)
            .bind(metric)
            .bind(to_i64(step))
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }
}

impl ReadTransaction {
    /// Hands over the finite values of a metric of host 0 of a trial, by attempt and step, but for the first that an
    /// attempt evaluated, which comes first of that attempt if `as_resumed`.
    pub(crate) async fn finite_values(
        &mut self,
        trial: &str,
        metric: &str,
        as_resumed: bool,
        mut take: impl FnMut(u32, u64, f64),
    ) -> Result<(), DatabaseError> {
        let mut rows = sqlx::query_as::<_, (u32, i64, f64)>(
            "SELECT s.attempt, m.step, m.value
             FROM streams s JOIN metrics n ON n.trial = s.trial AND n.name = ?
             JOIN measurements m ON m.stream = s.id AND m.metric = n.id
             WHERE s.trial = ? AND s.host = 0 AND abs(m.value) < 9e999
             ORDER BY s.attempt, ? AND m.step IS NOT s.first_evaluation, m.step",
        )
        .bind(metric)
        .bind(trial)
        .bind(as_resumed)
        .fetch(&mut *self.0);
        while let Some((attempt, step, value)) = rows.try_next().await? {
            take(attempt, to_u64(step), value);
        }
        Ok(())
    }

    /// The id of a metric of a trial.
    pub(crate) async fn metric(&mut self, trial: &str, name: &str) -> Result<Option<i64>, DatabaseError> {
        Ok(sqlx::query_scalar("SELECT id FROM metrics WHERE trial = ? AND name = ?")
            .bind(trial)
            .bind(name)
            .fetch_optional(&mut *self.0)
            .await?)
    }

    /// The names of a trial's metrics by id.
    pub(crate) async fn metric_names(&mut self, trial: &str) -> Result<BTreeMap<i64, String>, DatabaseError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT id, name FROM metrics WHERE trial = ?").bind(trial).fetch_all(&mut *self.0).await?;
        Ok(rows.into_iter().collect())
    }

    /// Hands over the values of one metric of a stream, or of all, by metric and step: metric, step and value, which is
    /// nothing for NaN.
    pub(crate) async fn values(
        &mut self,
        stream: i64,
        metric: Option<i64>,
        mut take: impl FnMut(i64, u64, Option<f64>),
    ) -> Result<(), DatabaseError> {
        let rows = sqlx::query_as::<_, (i64, i64, Option<f64>)>(match metric {
            Some(_) => "SELECT metric, step, value FROM measurements WHERE stream = ? AND metric = ? ORDER BY step",
            None => "SELECT metric, step, value FROM measurements WHERE stream = ? ORDER BY metric, step",
        })
        .bind(stream);
        let mut rows = match metric {
            Some(metric) => rows.bind(metric),
            None => rows,
        }
        .fetch(&mut *self.0);
        while let Some((metric, step, value)) = rows.try_next().await? {
            take(metric, to_u64(step), value);
        }
        Ok(())
    }

    /// The latest value of each metric of a trial by host: host, metric and value, which is nothing for NaN.
    pub(crate) async fn latest(&mut self, trial: &str) -> Result<Vec<(u32, String, Option<f64>)>, DatabaseError> {
        Ok(sqlx::query_as("SELECT host, metric, value FROM latest WHERE trial = ?")
            .bind(trial)
            .fetch_all(&mut *self.0)
            .await?)
    }

    /// The latest values of host 0 of a study's trials: trial, metric and value, which is nothing for NaN.
    pub(crate) async fn latest_of_study(
        &mut self,
        study: &str,
    ) -> Result<Vec<(String, String, Option<f64>)>, DatabaseError> {
        Ok(sqlx::query_as(
            "SELECT l.trial, l.metric, l.value FROM trials t JOIN latest l ON l.trial = t.uid AND l.host = 0
             WHERE t.study = ?",
        )
        .bind(study)
        .fetch_all(&mut *self.0)
        .await?)
    }

    /// The first metric that decides a trial and was not finite, with its step.
    pub(crate) async fn non_finite(&mut self, trial: &str) -> Result<Option<(String, u64)>, DatabaseError> {
        let row: Option<(String, i64)> = sqlx::query_as("SELECT metric, step FROM non_finite WHERE trial = ?")
            .bind(trial)
            .fetch_optional(&mut *self.0)
            .await?;
        Ok(row.map(|(metric, step)| (metric, to_u64(step))))
    }
}
