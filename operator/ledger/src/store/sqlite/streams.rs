//! Streams: the cursor and the counts of what one host of one attempt wrote.

use std::collections::BTreeMap;

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{ReadTransaction, WriteTransaction, to_i64, to_u64};
use crate::{
    digest::{Digest, UNCHECKED, matches},
    error::DatabaseError,
    store::{JudgedColumns, SeriesColumns, StreamColumns},
};

/// Longest problem of a malformed line that is kept, in bytes.
const PROBLEM_BYTES: usize = 300;

/// The digest of a stream's row.
fn digest(stream: &StreamColumns) -> Digest {
    let counts = [
        stream.id.cast_unsigned(),
        stream.next_line,
        stream.kept_lines,
        stream.kept_bytes,
        stream.final_lines,
        stream.malformed,
        stream.dropped,
        stream.dropped_values,
        stream.other_events,
        stream.drained.into(),
        stream.surplus,
    ];
    let digest = counts.into_iter().fold(Digest::of("stream"), Digest::number).optional(stream.first_evaluation);
    let (metric, step) = stream.non_finite.as_ref().map_or(("", None), |(metric, step)| (metric.as_str(), Some(*step)));
    let digest = digest.optional(stream.first_step).text(metric).optional(step);
    stream.labels.iter().fold(digest, |digest, label| digest.text(label))
}

fn malformed_digest(stream: i64, line: u64, problem: &str) -> Digest {
    Digest::of("malformed").number(stream.cast_unsigned()).number(line).text(problem)
}

/// Reads a row of a trial with its attempt and host.
fn stream_columns(trial: &str, row: &SqliteRow) -> Result<((u32, u32), StreamColumns), DatabaseError> {
    let (attempt, host) = (row.try_get("attempt")?, row.try_get("host")?);
    let stored: i64 = row.try_get("digest")?;
    let stream = read_columns(row, stored)?;
    if matches(stored, digest(&stream).number(u64::from(attempt)).number(u64::from(host)).text(trial)) {
        return Ok(((attempt, host), stream));
    }
    Err(DatabaseError::damaged(format!("the cursor of trial {trial}, attempt {attempt}, host {host}")))
}

fn read_columns(row: &SqliteRow, stored: i64) -> Result<StreamColumns, sqlx::Error> {
    let count = |column: &str| row.try_get(column).map(to_u64);
    let step = |column: &str| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.map(to_u64));
    let metric: Option<String> = row.try_get("non_finite_metric")?;
    Ok(StreamColumns {
        id: row.try_get("id")?,
        next_line: count("next_line")?,
        kept_lines: count("kept_lines")?,
        kept_bytes: count("kept_bytes")?,
        final_lines: count("final_lines")?,
        malformed: count("malformed")?,
        dropped: count("dropped")?,
        dropped_values: count("dropped_values")?,
        other_events: count("other_events")?,
        first_evaluation: step("first_evaluation")?,
        first_step: step("first_step")?,
        non_finite: metric.zip(step("non_finite_step")?),
        drained: row.try_get("drained")?,
        labels: row.try_get::<String, _>("labels")?.lines().map(str::to_owned).collect(),
        surplus: count("surplus")?,
        // A new row has no digest before its first lines.
        is_checked: stored != UNCHECKED || count("next_line")? == 0,
    })
}

impl WriteTransaction {
    /// The row of a stream, made if there is none.
    pub(crate) async fn open_stream(
        &mut self,
        trial: &str,
        attempt: u32,
        host: u32,
    ) -> Result<StreamColumns, DatabaseError> {
        // An update that changes nothing, so that the row is returned in either case.
        let row = sqlx::query(
            "INSERT INTO streams (trial, attempt, host) VALUES (?, ?, ?)
             ON CONFLICT (trial, attempt, host) DO UPDATE SET host = excluded.host RETURNING *",
        )
        .bind(trial)
        .bind(attempt)
        .bind(host)
        .fetch_one(&mut self.connection)
        .await?;
        Ok(stream_columns(trial, &row)?.1)
    }

    /// Moves the cursor and the counts of a stream.
    pub(crate) async fn write_stream(
        &mut self,
        trial: &str,
        attempt: u32,
        host: u32,
        stream: &StreamColumns,
    ) -> Result<(), DatabaseError> {
        let digest = digest(stream).number(u64::from(attempt)).number(u64::from(host)).text(trial).finish();
        sqlx::query(
            "UPDATE streams SET next_line = ?, kept_lines = ?, kept_bytes = ?, final_lines = ?, malformed = ?,
                 dropped = ?, dropped_values = ?, other_events = ?, first_evaluation = ?, drained = ?,
                 labels = ?, surplus = ?, first_step = ?, non_finite_metric = ?, non_finite_step = ?, digest = ?
             WHERE id = ?",
        )
        .bind(to_i64(stream.next_line))
        .bind(to_i64(stream.kept_lines))
        .bind(to_i64(stream.kept_bytes))
        .bind(to_i64(stream.final_lines))
        .bind(to_i64(stream.malformed))
        .bind(to_i64(stream.dropped))
        .bind(to_i64(stream.dropped_values))
        .bind(to_i64(stream.other_events))
        .bind(stream.first_evaluation.map(to_i64))
        .bind(stream.drained)
        .bind(stream.labels.iter().map(String::as_str).collect::<Vec<_>>().join("\n"))
        .bind(to_i64(stream.surplus))
        .bind(stream.first_step.map(to_i64))
        .bind(stream.non_finite.as_ref().map(|(metric, _)| metric.as_str()))
        .bind(stream.non_finite.as_ref().map(|(_, step)| to_i64(*step)))
        .bind(if stream.is_checked { digest } else { UNCHECKED })
        .bind(stream.id)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Keeps an example of a line that could not be read.
    pub(crate) async fn insert_malformed(
        &mut self,
        stream: i64,
        line: u64,
        problem: &str,
    ) -> Result<(), DatabaseError> {
        let problem = &problem[..problem.floor_char_boundary(PROBLEM_BYTES)];
        sqlx::query("INSERT INTO malformed (stream, line, problem, digest) VALUES (?, ?, ?, ?)")
            .bind(stream)
            .bind(to_i64(line))
            .bind(problem)
            .bind(malformed_digest(stream, line, problem).finish())
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Deletes a stream with everything that came of it.
    pub(crate) async fn delete_stream(&mut self, stream: i64) -> Result<(), DatabaseError> {
        sqlx::query("DELETE FROM streams WHERE id = ?").bind(stream).execute(&mut self.connection).await?;
        Ok(())
    }
}

impl ReadTransaction {
    /// What decides a trial; nothing for an unknown one.
    pub(crate) async fn judged(&mut self, trial: &str) -> Result<Option<JudgedColumns>, DatabaseError> {
        let Some(row) = self.trial_row(trial).await? else { return Ok(None) };
        let parts: (u32, i64, Option<String>) = sqlx::query_as(
            "SELECT json_extract(?1, '$.hosts'), json_extract(?1, '$.maxTrainSteps'), json_extract(?1, '$.constraints')",
        )
        .bind(&row.spec)
        .fetch_one(&mut *self.0)
        .await?;
        let (hosts, max_train_steps, constraints) = parts;
        Ok(Some(JudgedColumns {
            study: row.study,
            objective: row.objective_metric,
            hosts,
            max_train_steps: to_u64(max_train_steps),
            constraints,
        }))
    }

    /// The streams of a trial by attempt and host.
    pub(crate) async fn streams(&mut self, trial: &str) -> Result<BTreeMap<(u32, u32), StreamColumns>, DatabaseError> {
        let rows = sqlx::query("SELECT * FROM streams WHERE trial = ?").bind(trial).fetch_all(&mut *self.0).await?;
        rows.iter().map(|row| stream_columns(trial, row)).collect()
    }

    /// The ids of a study's streams.
    pub(crate) async fn streams_of_study(&mut self, study: &str) -> Result<Vec<i64>, DatabaseError> {
        Ok(sqlx::query_scalar(
            "SELECT s.id FROM streams s JOIN trials t ON t.uid = s.trial WHERE t.study = ? ORDER BY s.id",
        )
        .bind(study)
        .fetch_all(&mut *self.0)
        .await?)
    }

    /// How many lines of a study's trials have come.
    pub(crate) async fn lines(&mut self, study: &str) -> Result<u64, DatabaseError> {
        let lines: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum(s.next_line), 0) FROM trials t JOIN streams s ON s.trial = t.uid WHERE t.study = ?",
        )
        .bind(study)
        .fetch_one(&mut *self.0)
        .await?;
        Ok(to_u64(lines))
    }

    /// The examples of malformed lines of a trial in the order of arrival: attempt, host, line and problem.
    pub(crate) async fn malformed(&mut self, trial: &str) -> Result<Vec<(u32, u32, u64, String)>, DatabaseError> {
        let rows: Vec<(u32, u32, i64, i64, String, i64)> = sqlx::query_as(
            "SELECT s.attempt, s.host, p.stream, p.line, p.problem, p.digest
             FROM streams s JOIN malformed p ON p.stream = s.id WHERE s.trial = ? ORDER BY p.id",
        )
        .bind(trial)
        .fetch_all(&mut *self.0)
        .await?;
        let checked = rows.into_iter().map(|(attempt, host, stream, line, problem, stored)| {
            let line = to_u64(line);
            if matches(stored, malformed_digest(stream, line, &problem)) {
                return Ok((attempt, host, line, problem));
            }
            let what = format!("an example of a malformed line of trial {trial}, attempt {attempt}, host {host}");
            Err(DatabaseError::damaged(what))
        });
        checked.collect()
    }

    /// What is known of each metric of a stream.
    pub(crate) async fn series(&mut self, stream: i64) -> Result<BTreeMap<i64, SeriesColumns>, DatabaseError> {
        series(&mut self.0, stream).await
    }
}

impl WriteTransaction {
    /// The bytes of lines that are kept of a trial.
    pub(crate) async fn trial_usage(&mut self, trial: &str) -> Result<u64, DatabaseError> {
        self.sum("SELECT coalesce(sum(kept_bytes), 0) FROM streams WHERE trial = ?", trial).await
    }

    /// The bytes of lines that are kept of a study.
    pub(crate) async fn study_usage(&mut self, study: &str) -> Result<u64, DatabaseError> {
        self.sum("SELECT coalesce(sum(bytes), 0) FROM usage WHERE study = ?", study).await
    }

    /// The bytes of lines that are kept of all studies of a study's namespace.
    pub(crate) async fn namespace_usage(&mut self, study: &str) -> Result<u64, DatabaseError> {
        let sum = "SELECT coalesce(sum(bytes), 0) FROM usage
                   WHERE namespace = (SELECT namespace FROM usage WHERE study = ?)";
        self.sum(sum, study).await
    }

    /// More bytes of lines are kept of a study.
    pub(crate) async fn add_usage(&mut self, study: &str, bytes: u64) -> Result<(), DatabaseError> {
        if bytes > 0 {
            sqlx::query("UPDATE usage SET bytes = bytes + ? WHERE study = ?")
                .bind(to_i64(bytes))
                .bind(study)
                .execute(&mut self.connection)
                .await?;
        }
        Ok(())
    }

    async fn sum(&mut self, statement: &'static str, of: &str) -> Result<u64, DatabaseError> {
        let sum: i64 = sqlx::query_scalar(statement).bind(of).fetch_one(&mut self.connection).await?;
        Ok(to_u64(sum))
    }

    /// What is known of each metric of a stream.
    pub(crate) async fn series(&mut self, stream: i64) -> Result<BTreeMap<i64, SeriesColumns>, DatabaseError> {
        series(&mut self.connection, stream).await
    }
}

async fn series(connection: &mut SqliteConnection, stream: i64) -> Result<BTreeMap<i64, SeriesColumns>, DatabaseError> {
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as("SELECT metric, last_step, digest FROM series WHERE stream = ?")
        .bind(stream)
        .fetch_all(connection)
        .await?;
    let columns = |(metric, last_step, digest)| (metric, SeriesColumns { last_step: to_u64(last_step), digest });
    Ok(rows.into_iter().map(columns).collect())
}
