//! What is known of the streams of a trial: how far each has come, and what was lost of it.

use std::collections::BTreeMap;

use crate::{Ledger, LedgerError, store::StreamColumns};

/// How far one host of one attempt has come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cursor {
    /// The line that is wanted next, from 0: so many have come.
    pub next_line: u64,
    /// Whether its sender said that nothing more will come.
    pub drained: bool,
}

/// How far each host of each attempt has come, by attempt (from 1) and host (from 0).
pub type Cursors = BTreeMap<(u32, u32), Cursor>;

/// What is known of one host of one attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StreamInfo {
    /// From 1.
    pub attempt: u32,
    /// From 0.
    pub host: u32,
    /// How far it has come.
    pub cursor: Cursor,
    /// Lines that could not be read.
    pub malformed: u64,
    /// The first of them: number from 0, and what was wrong.
    pub malformed_examples: Vec<(u64, String)>,
    /// Lines dropped because of [`Limits`](crate::Limits).
    pub dropped: u64,
    /// Values dropped because the trial had more names of metrics than [`Limits`](crate::Limits) allows.
    pub dropped_values: u64,
    /// Events that this version has no word for. The last few are kept.
    pub other_events: u64,
}

impl Ledger {
    /// The line that is wanted next of one host of one attempt, from 0: where a sender resumes.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn next_line(&self, trial: &str, attempt: u32, host: u32) -> Result<u64, LedgerError> {
        let cursors = self.cursors(trial).await?;
        Ok(cursors.get(&(attempt, host)).map_or(0, |cursor| cursor.next_line))
    }

    /// How far each host of each attempt of a trial has come.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn cursors(&self, trial: &str) -> Result<Cursors, LedgerError> {
        Ok(cursors_of(&self.database.read().await?.streams(trial).await?))
    }

    /// What is known of every host of every attempt of a trial, by attempt and host.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn streams(&self, trial: &str) -> Result<Vec<StreamInfo>, LedgerError> {
        let mut read = self.database.read().await?;
        let mut examples: BTreeMap<(u32, u32), Vec<(u64, String)>> = BTreeMap::new();
        for (attempt, host, line, problem) in read.malformed(trial).await? {
            examples.entry((attempt, host)).or_default().push((line, problem));
        }
        let streams = read.streams(trial).await?;
        Ok(streams
            .into_iter()
            .map(|((attempt, host), stream)| StreamInfo {
                attempt,
                host,
                cursor: cursor_of(&stream),
                malformed: stream.malformed,
                malformed_examples: examples.remove(&(attempt, host)).unwrap_or_default(),
                dropped: stream.dropped,
                dropped_values: stream.dropped_values,
                other_events: stream.other_events,
            })
            .collect())
    }

    /// How many lines have come of a study's trials: a number that grows whenever there is something new to show.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn lines(&self, study: &str) -> Result<u64, LedgerError> {
        Ok(self.database.read().await?.lines(study).await?)
    }
}

pub(crate) fn cursors_of(streams: &BTreeMap<(u32, u32), StreamColumns>) -> Cursors {
    streams.iter().map(|(key, stream)| (*key, cursor_of(stream))).collect()
}

fn cursor_of(stream: &StreamColumns) -> Cursor {
    Cursor { next_line: stream.next_line, drained: stream.drained }
}
