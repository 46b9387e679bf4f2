//! Streams: the cursor and the counts of what one host of one attempt wrote.

use std::collections::BTreeMap;

use sqlx::{Row, sqlite::SqliteRow};

use super::{ReadTransaction, WriteTransaction, to_i64, to_u64};
use crate::{
    error::DatabaseError,
    store::{JudgedColumns, StreamColumns},
};

/// Longest problem of a malformed line that is kept, in bytes.
const PROBLEM_BYTES: usize = 300;

/// Reads a row with its attempt and host.
fn stream_columns(row: &SqliteRow) -> Result<((u32, u32), StreamColumns), sqlx::Error> {
    let count = |column: &str| row.try_get(column).map(to_u64);
    let stream = StreamColumns {
        id: row.try_get("id")?,
        next_line: count("next_line")?,
        kept_lines: count("kept_lines")?,
        kept_bytes: count("kept_bytes")?,
        final_lines: count("final_lines")?,
        malformed: count("malformed")?,
        dropped: count("dropped")?,
        dropped_values: count("dropped_values")?,
        other_events: count("other_events")?,
        first_evaluation: row.try_get::<Option<i64>, _>("first_evaluation")?.map(to_u64),
        drained: row.try_get("drained")?,
        labels: row.try_get::<String, _>("labels")?.lines().map(str::to_owned).collect(),
        surplus: count("surplus")?,
    };
    Ok(((row.try_get("attempt")?, row.try_get("host")?), stream))
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
        Ok(stream_columns(&row)?.1)
    }

    /// Moves the cursor and the counts of a stream.
    pub(crate) async fn write_stream(&mut self, stream: &StreamColumns) -> Result<(), DatabaseError> {
        sqlx::query(
            "UPDATE streams SET next_line = ?, kept_lines = ?, kept_bytes = ?, final_lines = ?, malformed = ?,
                 dropped = ?, dropped_values = ?, other_events = ?, first_evaluation = ?, drained = ?,
                 labels = ?, surplus = ?
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
        sqlx::query("INSERT INTO malformed (stream, line, problem) VALUES (?, ?, ?)")
            .bind(stream)
            .bind(to_i64(line))
            .bind(&problem[..problem.floor_char_boundary(PROBLEM_BYTES)])
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
        let row: Option<(String, u32, i64, Option<String>)> = sqlx::query_as(
            "SELECT objective_metric, json_extract(spec, '$.hosts'), json_extract(spec, '$.maxTrainSteps'),
                 json_extract(spec, '$.constraints')
             FROM trials WHERE uid = ?",
        )
        .bind(trial)
        .fetch_optional(&mut *self.0)
        .await?;
        Ok(row.map(|(objective, hosts, max_train_steps, constraints)| JudgedColumns {
            objective,
            hosts,
            max_train_steps: to_u64(max_train_steps),
            constraints,
        }))
    }

    /// The streams of a trial by attempt and host.
    pub(crate) async fn streams(&mut self, trial: &str) -> Result<BTreeMap<(u32, u32), StreamColumns>, DatabaseError> {
        let rows = sqlx::query("SELECT * FROM streams WHERE trial = ?").bind(trial).fetch_all(&mut *self.0).await?;
        Ok(rows.iter().map(stream_columns).collect::<Result<_, _>>()?)
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
        let rows: Vec<(u32, u32, i64, String)> = sqlx::query_as(
            "SELECT s.attempt, s.host, p.line, p.problem FROM streams s JOIN malformed p ON p.stream = s.id
             WHERE s.trial = ? ORDER BY p.id",
        )
        .bind(trial)
        .fetch_all(&mut *self.0)
        .await?;
        Ok(rows.into_iter().map(|(attempt, host, line, problem)| (attempt, host, to_u64(line), problem)).collect())
    }
}
