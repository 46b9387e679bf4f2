//! Events: lines that report what happened rather than what was measured.

use super::{ReadTransaction, WriteTransaction, to_i64};
use crate::{
    error::DatabaseError,
    store::{EventColumns, EventKind},
};

type Row = (u32, u32, String);

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
        sqlx::query("INSERT INTO events (stream, line, kind, step, json) VALUES (?, ?, ?, ?, ?)")
            .bind(stream)
            .bind(to_i64(line))
            .bind(kind.as_str())
            .bind(step.map(to_i64))
            .bind(json)
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
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT s.attempt, s.host, e.json FROM streams s
             JOIN events e ON e.id = (SELECT max(id) FROM events WHERE stream = s.id AND kind = ?)
             WHERE s.trial = ? ORDER BY e.id",
        )
        .bind(kind.as_str())
        .bind(trial)
        .fetch_all(&mut *self.0)
        .await?;
        Ok(columns(rows))
    }

    /// The first event of a kind of the hosts below `hosts` of a trial.
    pub(crate) async fn first_event(
        &mut self,
        trial: &str,
        hosts: u32,
        kind: EventKind,
    ) -> Result<Option<EventColumns>, DatabaseError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT s.attempt, s.host, e.json FROM streams s JOIN events e ON e.stream = s.id AND e.kind = ?
             WHERE s.trial = ? AND s.host < ? ORDER BY e.id LIMIT 1",
        )
        .bind(kind.as_str())
        .bind(trial)
        .bind(hosts)
        .fetch_optional(&mut *self.0)
        .await?;
        Ok(columns(row).pop())
    }

    /// The checkpoints with fingerprints that host 0 of a trial saved: of each step and attempt the last that came,
    /// for the `limit` latest.
    pub(crate) async fn checkpoints(&mut self, trial: &str, limit: u32) -> Result<Vec<EventColumns>, DatabaseError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT attempt, host, json FROM
                 (SELECT s.attempt, s.host, e.step, e.json, max(e.id) FROM streams s
                  JOIN events e ON e.stream = s.id AND e.kind = 'checkpoint' AND e.step IS NOT NULL
                  WHERE s.trial = ? AND s.host = 0
                  GROUP BY e.step, s.attempt ORDER BY e.step DESC, s.attempt DESC LIMIT ?) ORDER BY step, attempt",
        )
        .bind(trial)
        .bind(limit)
        .fetch_all(&mut *self.0)
        .await?;
        Ok(columns(rows))
    }

    /// The latest events of two kinds of a trial in the order of arrival.
    pub(crate) async fn latest_events(
        &mut self,
        trial: &str,
        kinds: [EventKind; 2],
        limit: u32,
    ) -> Result<Vec<EventColumns>, DatabaseError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT attempt, host, json FROM
                 (SELECT e.id, s.attempt, s.host, e.json FROM streams s JOIN events e ON e.stream = s.id
                  WHERE s.trial = ? AND e.kind IN (?, ?) ORDER BY e.id DESC LIMIT ?) ORDER BY id",
        )
        .bind(trial)
        .bind(kinds[0].as_str())
        .bind(kinds[1].as_str())
        .bind(limit)
        .fetch_all(&mut *self.0)
        .await?;
        Ok(columns(rows))
    }
}

fn columns(rows: impl IntoIterator<Item = Row>) -> Vec<EventColumns> {
    rows.into_iter().map(|(attempt, host, json)| EventColumns { attempt, host, json }).collect()
}
