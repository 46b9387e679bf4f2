//! Measurements: values of metrics by step, and the latest of each.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use sqlx::{QueryBuilder, Sqlite};

use super::{ReadTransaction, WriteTransaction, to_i64, to_u64};
use crate::{
    digest::{Digest, matches},
    error::DatabaseError,
    store::{MeasurementColumns, SeriesColumns},
};

/// Rows put in by one statement. Few sizes, so that each is prepared once.
const CHUNKS: [usize; 4] = [256, 32, 8, 1];

fn latest_digest(trial: &str, (attempt, host): (u32, u32), metric: &str, value: Option<f64>) -> Digest {
    Digest::of("latest").text(trial).number(attempt.into()).number(host.into()).text(metric).value(value)
}

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
    /// is not: that it came is kept with the stream.
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

    /// The latest value of each metric of a host in an attempt; nothing if a later attempt has measured. Those of earlier
    /// attempts are dropped.
    pub(crate) async fn open_latest(
        &mut self,
        trial: &str,
        attempt: u32,
        host: u32,
    ) -> Result<Option<BTreeMap<String, Option<f64>>>, DatabaseError> {
        let rows: Vec<(String, Option<f64>, u32)> =
            sqlx::query_as("SELECT metric, value, attempt FROM latest WHERE trial = ? AND host = ?")
                .bind(trial)
                .bind(host)
                .fetch_all(&mut self.connection)
                .await?;
        match rows.iter().map(|(_, _, of)| *of).max() {
            Some(of) if of > attempt => return Ok(None),
            Some(of) if of < attempt => {
                sqlx::query("DELETE FROM latest WHERE trial = ? AND host = ?")
                    .bind(trial)
                    .bind(host)
                    .execute(&mut self.connection)
                    .await?;
                return Ok(Some(BTreeMap::new()));
            }
            _ => {}
        }
        Ok(Some(rows.into_iter().map(|(metric, value, _)| (metric, value)).collect()))
    }

    /// Replaces the latest values of metrics of a host, which are those of an attempt.
    pub(crate) async fn write_latest(
        &mut self,
        trial: &str,
        (attempt, host): (u32, u32),
        values: &[(&str, Option<f64>)],
    ) -> Result<(), DatabaseError> {
        let mut rest = values;
        while let Some(size) = CHUNKS.into_iter().find(|size| *size <= rest.len()) {
            let (chunk, others) = rest.split_at(size);
            let mut query =
                QueryBuilder::<Sqlite>::new("INSERT INTO latest (trial, attempt, host, metric, value, digest) ");
            query.push_values(chunk, |mut columns, (name, value)| {
                columns.push_bind(trial).push_bind(attempt).push_bind(host).push_bind(*name).push_bind(*value);
                columns.push_bind(latest_digest(trial, (attempt, host), name, *value).finish());
            });
            query.push(
                " ON CONFLICT (trial, host, metric) DO UPDATE SET value = excluded.value, digest = excluded.digest",
            );
            query.build().execute(&mut self.connection).await?;
            rest = others;
        }
        Ok(())
    }

    /// Hands over the values of one metric of a stream between two steps, both included: step and value.
    pub(crate) async fn values_between(
        &mut self,
        stream: i64,
        metric: i64,
        (first, last): (u64, u64),
    ) -> Result<Vec<(u64, Option<f64>)>, DatabaseError> {
        let rows: Vec<(i64, Option<f64>)> = sqlx::query_as(
            "SELECT step, value FROM measurements WHERE stream = ? AND metric = ? AND step BETWEEN ? AND ?",
        )
        .bind(stream)
        .bind(metric)
        .bind(to_i64(first))
        .bind(to_i64(last))
        .fetch_all(&mut self.connection)
        .await?;
        Ok(rows.into_iter().map(|(step, value)| (to_u64(step), value)).collect())
    }

    /// Replaces what is known of metrics of a stream.
    pub(crate) async fn write_series(
        &mut self,
        stream: i64,
        series: &[(i64, SeriesColumns)],
    ) -> Result<(), DatabaseError> {
        let mut rest = series;
        while let Some(size) = CHUNKS.into_iter().find(|size| *size <= rest.len()) {
            let (chunk, others) = rest.split_at(size);
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO series (stream, metric, last_step, digest) ");
            query.push_values(chunk, |mut columns, (metric, series)| {
                columns.push_bind(stream).push_bind(*metric).push_bind(to_i64(series.last_step));
                columns.push_bind(series.digest);
            });
            query.push(
                " ON CONFLICT (stream, metric) DO UPDATE SET last_step = excluded.last_step, digest = excluded.digest",
            );
            query.build().execute(&mut self.connection).await?;
            rest = others;
        }
        Ok(())
    }
}

impl ReadTransaction {
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

    /// Hands over the values of all metrics of a stream, by metric and step: metric, step and value, which is nothing for
    /// NaN.
    pub(crate) async fn all_values(
        &mut self,
        stream: i64,
        mut take: impl FnMut(i64, u64, Option<f64>),
    ) -> Result<(), DatabaseError> {
        let mut rows = sqlx::query_as::<_, (i64, i64, Option<f64>)>(
            "SELECT metric, step, value FROM measurements WHERE stream = ? ORDER BY metric, step",
        )
        .bind(stream)
        .fetch(&mut *self.0);
        while let Some((metric, step, value)) = rows.try_next().await? {
            take(metric, to_u64(step), value);
        }
        Ok(())
    }

    /// Hands over the values of one metric of a stream by step, but for the value at the step `first`, which comes first:
    /// step and value, which is nothing for NaN.
    pub(crate) async fn values(
        &mut self,
        stream: i64,
        metric: i64,
        first: Option<u64>,
        mut take: impl FnMut(u64, Option<f64>),
    ) -> Result<(), DatabaseError> {
        // Without `first` no sorting: rows lie in the order of steps.
        let mut rows = sqlx::query_as::<_, (i64, Option<f64>)>(match first {
            None => "SELECT step, value FROM measurements WHERE stream = ? AND metric = ? ORDER BY step",
            Some(_) => {
                "SELECT step, value FROM measurements WHERE stream = ? AND metric = ? ORDER BY step IS NOT ?, step"
            }
        })
        .bind(stream)
        .bind(metric);
        if let Some(first) = first {
            rows = rows.bind(to_i64(first));
        }
        let mut rows = rows.fetch(&mut *self.0);
        while let Some((step, value)) = rows.try_next().await? {
            take(to_u64(step), value);
        }
        Ok(())
    }

    /// The latest value of each metric of a trial by attempt and host: metric and value, which is nothing for NaN.
    pub(crate) async fn latest(&mut self, trial: &str) -> Result<Vec<LatestRow>, DatabaseError> {
        let rows: Vec<(u32, u32, String, Option<f64>, i64)> =
            sqlx::query_as("SELECT attempt, host, metric, value, digest FROM latest WHERE trial = ?")
                .bind(trial)
                .fetch_all(&mut *self.0)
                .await?;
        let checked = rows.into_iter().map(|(attempt, host, metric, value, stored)| {
            check_latest(trial, (attempt, host), &metric, value, stored)?;
            Ok(((attempt, host), metric, value))
        });
        checked.collect()
    }

    /// The latest values of host 0 of a study's trials: trial, metric and value, which is nothing for NaN.
    pub(crate) async fn latest_of_study(
        &mut self,
        study: &str,
    ) -> Result<Vec<(String, String, Option<f64>)>, DatabaseError> {
        let rows: Vec<(String, u32, String, Option<f64>, i64)> = sqlx::query_as(
            "SELECT l.trial, l.attempt, l.metric, l.value, l.digest FROM trials t JOIN latest l ON l.trial = t.uid AND l.host = 0
             WHERE t.study = ?",
        )
        .bind(study)
        .fetch_all(&mut *self.0)
        .await?;
        let checked = rows.into_iter().map(|(trial, attempt, metric, value, stored)| {
            check_latest(&trial, (attempt, 0), &metric, value, stored)?;
            Ok((trial, metric, value))
        });
        checked.collect()
    }
}

/// A latest value: the attempt and host, the metric and the value, which is nothing for NaN.
type LatestRow = ((u32, u32), String, Option<f64>);

fn check_latest(
    trial: &str,
    (attempt, host): (u32, u32),
    metric: &str,
    value: Option<f64>,
    stored: i64,
) -> Result<(), DatabaseError> {
    if matches(stored, latest_digest(trial, (attempt, host), metric, value)) {
        return Ok(());
    }
    Err(DatabaseError::damaged(format!("the latest {metric} of trial {trial}, host {host}")))
}
