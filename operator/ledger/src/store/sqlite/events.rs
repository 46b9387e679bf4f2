//! Events: lines that report what happened rather than what was measured.

use sqlx::{FromRow, Row as _, sqlite::SqliteRow};

use super::{ReadTransaction, WriteTransaction, to_i64, to_u64};
use crate::{
    digest::{Digest, matches},
    error::DatabaseError,
    store::{EventColumns, EventKind},
};

/// An event with its stream.
struct EventRow {
    attempt: u32,
    host: u32,
    stream: i64,
    line: i64,
    kind: String,
    step: Option<i64>,
    json: String,
    digest: i64,
}

impl FromRow<'_, SqliteRow> for EventRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            attempt: row.try_get("attempt")?,
            host: row.try_get("host")?,
            stream: row.try_get("stream")?,
            line: row.try_get("line")?,
            kind: row.try_get("kind")?,
            step: row.try_get("step")?,
            json: row.try_get("json")?,
            digest: row.try_get("digest")?,
        })
    }
}

/// What is read of an event `e` of a stream `s`.
macro_rules! columns {
    () => {
        "s.attempt, s.host, e.stream, e.line, e.kind, e.step, e.json, e.digest"
    };
}

fn digest(stream: i64, line: u64, kind: &str, step: Option<u64>, json: &str) -> Digest {
    Digest::of("event").number(stream.cast_unsigned()).number(line).text(kind).optional(step).text(json)
}

impl WriteTransaction {
    /// Adds an event; `step` is that of a checkpoint with a fingerprint.
    pub(crate) async fn insert_event(
        &mut self,
        stream: i64,
        line: u64,
        kind: EventKind,
        step: Option<u64>,
        json: &str,
    ) -> Result<(), DatabaseError> {
        sqlx::query("INSERT INTO events (stream, line, kind, step, json, digest) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(stream)
            .bind(to_i64(line))
            .bind(kind.as_str())
            .bind(step.map(to_i64))
            .bind(json)
            .bind(digest(stream, line, kind.as_str(), step, json).finish())
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Drops the events of a kind but for the last few of a stream.
    pub(crate) async fn keep_last_events(
        &mut self,
        stream: i64,
        kind: EventKind,
        keep: u32,
    ) -> Result<(), DatabaseError> {
        sqlx::query(
            "DELETE FROM events WHERE stream = ?1 AND kind = ?2 AND id <=
             (SELECT id FROM events WHERE stream = ?1 AND kind = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)",
        )
        .bind(stream)
        .bind(kind.as_str())
        .bind(keep)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }
}

impl ReadTransaction {
    /// The latest event of a kind of each host of each attempt of a trial, in the order of arrival.
    pub(crate) async fn last_events(
        &mut self,
        trial: &str,
        kind: EventKind,
    ) -> Result<Vec<EventColumns>, DatabaseError> {
        let rows: Vec<EventRow> = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM streams s JOIN events e ON e.id = (SELECT max(id) FROM events WHERE stream = s.id AND kind = ?)
             WHERE s.trial = ? ORDER BY e.id",
        ))
        .bind(kind.as_str())
        .bind(trial)
        .fetch_all(&mut *self.0)
        .await?;
        checked(trial, rows)
    }

    /// The first event of a kind of each host of each attempt of a trial.
    pub(crate) async fn first_events(
        &mut self,
        trial: &str,
        kind: EventKind,
    ) -> Result<Vec<EventColumns>, DatabaseError> {
        let rows: Vec<EventRow> = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM streams s JOIN events e ON e.id = (SELECT min(id) FROM events WHERE stream = s.id AND kind = ?)
             WHERE s.trial = ? ORDER BY s.attempt, s.host",
        ))
        .bind(kind.as_str())
        .bind(trial)
        .fetch_all(&mut *self.0)
        .await?;
        checked(trial, rows)
    }

    /// The checkpoints with fingerprints that host 0 of a trial saved: of each step and attempt the last that came,
    /// for the `limit` latest.
    pub(crate) async fn checkpoints(&mut self, trial: &str, limit: u32) -> Result<Vec<EventColumns>, DatabaseError> {
        let rows: Vec<EventRow> = sqlx::query_as(concat!(
            "SELECT * FROM (SELECT ",
            columns!(),
            ", max(e.id) FROM streams s
                  JOIN events e ON e.stream = s.id AND e.kind = 'checkpoint' AND e.step IS NOT NULL
                  WHERE s.trial = ? AND s.host = 0
                  GROUP BY e.step, s.attempt ORDER BY e.step DESC, s.attempt DESC LIMIT ?) ORDER BY step, attempt",
        ))
        .bind(trial)
        .bind(limit)
        .fetch_all(&mut *self.0)
        .await?;
        checked(trial, rows)
    }

    /// The latest events of two kinds of a trial in the order of arrival.
    pub(crate) async fn latest_events(
        &mut self,
        trial: &str,
        kinds: [EventKind; 2],
        limit: u32,
    ) -> Result<Vec<EventColumns>, DatabaseError> {
        let rows: Vec<EventRow> = sqlx::query_as(concat!(
            "SELECT * FROM (SELECT e.id, ",
            columns!(),
            " FROM streams s JOIN events e ON e.stream = s.id
                  WHERE s.trial = ? AND e.kind IN (?, ?) ORDER BY e.id DESC LIMIT ?) ORDER BY id",
        ))
        .bind(trial)
        .bind(kinds[0].as_str())
        .bind(kinds[1].as_str())
        .bind(limit)
        .fetch_all(&mut *self.0)
        .await?;
        checked(trial, rows)
    }
}

/// The events, if they are those that were written.
fn checked(trial: &str, rows: impl IntoIterator<Item = EventRow>) -> Result<Vec<EventColumns>, DatabaseError> {
    let check = |row: EventRow| {
        let EventRow { attempt, host, stream, line, kind, step, json, digest: stored } = row;
        if matches(stored, digest(stream, to_u64(line), &kind, step.map(to_u64), &json)) {
            return Ok(EventColumns { attempt, host, json });
        }
        Err(DatabaseError::damaged(format!("an event of trial {trial}, attempt {attempt}, host {host}")))
    };
    rows.into_iter().map(check).collect()
}
