//! Lines of `metrics.jsonl` come in, each exactly once.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use studious_playbook::{
    contract::{Event, Line, LineError, MAX_METRICS_PER_LINE, Measurements},
    decide::TRAIN_LOSS,
};

use crate::{
    Ledger, LedgerError,
    trials::{to_i64, to_u64},
};

/// What is kept of one host of one attempt, at most. A trainer that writes without end fills no disk.
///
/// Beyond the limits measurements are dropped and counted, but for what decides the trial: evaluations of the objective
/// and events are kept up to twice the limits, and a few final ones (`done`, `infeasible`, a non-finite loss) always.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Lines.
    pub lines: u64,
    /// Bytes of those lines.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lines: 2_000_000, bytes: 512 * 1024 * 1024 }
    }
}

/// Final lines that are kept whatever the limits, for each host of each attempt.
const FINAL_LINES: i64 = 10;
/// Malformed lines of which number and problem are kept, for each host of each attempt; all are counted.
const MALFORMED_EXAMPLES: i64 = 5;
/// Rows put in by one statement. Few sizes, so that each is prepared once.
const CHUNKS: [usize; 4] = [256, 32, 8, 1];
/// Longest problem of a malformed line that is kept, in bytes.
const PROBLEM_BYTES: usize = 300;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Appended {
    /// The line that is wanted next, from 0.
    pub next_line: u64,
    /// The lines that are new, with their numbers from 0, in order. Lines that came before, and dropped ones, are not
    /// among them: what is here is exactly what [`Ledger::progress`] will have seen.
    pub new: Vec<(u64, Result<Line, LineError>)>,
    /// New lines of this batch that were dropped because of [`Limits`].
    pub dropped: u64,
}

/// What is known of one host of one attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StreamInfo {
    /// From 1.
    pub attempt: u32,
    /// From 0.
    pub host: u32,
    /// The line that is wanted next, from 0: so many have come.
    pub next_line: u64,
    /// Lines that could not be read.
    pub malformed: u64,
    /// The first of them: number from 0, and what was wrong.
    pub malformed_examples: Vec<(u64, String)>,
    /// Lines dropped because of [`Limits`].
    pub dropped: u64,
}

/// The cursor and counts of a stream.
struct Stream {
    id: i64,
    next_line: u64,
    kept_lines: u64,
    kept_bytes: u64,
    final_lines: i64,
    malformed: i64,
    dropped: i64,
    first_evaluation: Option<i64>,
}

/// What is looked for in the lines of a trial.
struct Judged {
    objective: String,
    hosts: u32,
}

/// Rows of a batch.
#[derive(Default)]
struct Rows {
    measurements: Vec<(i64, i64, Option<f64>)>,
    metrics: BTreeMap<String, i64>,
    latest: BTreeMap<String, Option<f64>>,
    changed: BTreeSet<String>,
    non_finite: Option<(String, u64)>,
}

impl Ledger {
    /// Takes in lines of one host of one attempt (`attempt` from 1, `host` and `first_line` from 0), without their line
    /// breaks, all in one transaction: when this returns they survive the death of this process.
    ///
    /// Lines below the cursor came before and are skipped, so a sender that doesn't know whether a batch arrived sends it
    /// again.
    ///
    /// # Errors
    /// [`LedgerError::Gap`] with the line that is wanted when lines are missing before `first_line`;
    /// [`LedgerError::UnknownTrial`] when the trial isn't in the ledger; otherwise the database's. Then nothing was taken.
    pub async fn append(
        &self,
        trial: &str,
        attempt: u32,
        host: u32,
        first_line: u64,
        lines: &[String],
    ) -> Result<Appended, LedgerError> {
        // Reading the lines takes longer than writing them: do it before the turn begins.
        let parsed: Vec<_> = lines.iter().map(|text| Line::parse(text)).collect();
        let mut transaction = self.write().await?;
        let judged = judged_of(&mut transaction, trial).await?;
        let mut stream = open_stream(&mut transaction, trial, attempt, host).await?;
        if first_line > stream.next_line {
            return Err(LedgerError::Gap { first_line, next_line: stream.next_line });
        }
        let known = usize::try_from(stream.next_line - first_line).unwrap_or(usize::MAX);
        if known >= lines.len() {
            return Ok(Appended { next_line: stream.next_line, new: Vec::new(), dropped: 0 });
        }

        let mut appended = Appended { next_line: 0, new: Vec::with_capacity(lines.len() - known), dropped: 0 };
        let mut rows = Rows { latest: latest_of(&mut transaction, trial, host).await?, ..Rows::default() };
        for (text, line) in lines.iter().zip(parsed).skip(known) {
            let number = stream.next_line;
            stream.next_line += 1;
            match &line {
                Err(problem) => {
                    if stream.malformed < MALFORMED_EXAMPLES {
                        insert_malformed(&mut transaction, stream.id, number, &problem.to_string()).await?;
                    }
                    stream.malformed += 1;
                }
                Ok(known) if !stream.keep(&self.limits, known, text.len(), host, &judged) => {
                    stream.dropped += 1;
                    appended.dropped += 1;
                    continue;
                }
                Ok(Line::Event(_)) => insert_event(&mut transaction, stream.id, number, text).await?,
                Ok(Line::Measurements(m)) => {
                    if host == 0 && m.get(&judged.objective).is_some_and(f64::is_finite) {
                        stream.first_evaluation.get_or_insert(to_i64(m.step));
                    }
                    rows.take(&mut transaction, trial, host, &judged, m).await?;
                }
            }
            appended.new.push((number, line));
        }
        rows.write(&mut transaction, trial, host, stream.id).await?;
        stream.write(&mut transaction).await?;
        transaction.commit().await?;
        appended.next_line = stream.next_line;
        Ok(appended)
    }

    /// The line that is wanted next of one host of one attempt, from 0: where a sender goes on.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn next_line(&self, trial: &str, attempt: u32, host: u32) -> Result<u64, LedgerError> {
        let next: Option<i64> =
            sqlx::query_scalar("SELECT next_line FROM streams WHERE trial = ? AND attempt = ? AND host = ?")
                .bind(trial)
                .bind(attempt)
                .bind(host)
                .fetch_optional(&self.reader)
                .await?;
        Ok(next.map_or(0, to_u64))
    }

    /// What is known of every host of every attempt of a trial, by attempt and host.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn streams(&self, trial: &str) -> Result<Vec<StreamInfo>, LedgerError> {
        let mut read = self.read().await?;
        let rows: Vec<(i64, u32, u32, i64, i64, i64)> = sqlx::query_as(
            "SELECT id, attempt, host, next_line, malformed, dropped FROM streams WHERE trial = ? ORDER BY attempt, host",
        )
        .bind(trial)
        .fetch_all(&mut *read)
        .await?;
        let mut streams = Vec::with_capacity(rows.len());
        for (id, attempt, host, next_line, malformed, dropped) in rows {
            let examples: Vec<(i64, String)> =
                sqlx::query_as("SELECT line, problem FROM malformed WHERE stream = ? ORDER BY id")
                    .bind(id)
                    .fetch_all(&mut *read)
                    .await?;
            streams.push(StreamInfo {
                attempt,
                host,
                next_line: to_u64(next_line),
                malformed: to_u64(malformed),
                malformed_examples: examples.into_iter().map(|(line, problem)| (to_u64(line), problem)).collect(),
                dropped: to_u64(dropped),
            });
        }
        Ok(streams)
    }
}

impl Stream {
    /// Whether a line is kept; counts it if so.
    fn keep(&mut self, limits: &Limits, line: &Line, bytes: usize, host: u32, judged: &Judged) -> bool {
        let bytes = bytes as u64;
        let within = |times: u64| {
            self.kept_lines < limits.lines.saturating_mul(times)
                && self.kept_bytes + bytes <= limits.bytes.saturating_mul(times)
        };
        let is_final = match line {
            Line::Event(Event::Done { .. } | Event::Infeasible { .. }) => true,
            Line::Event(_) => false,
            Line::Measurements(m) => judged.first_non_finite(m, host).is_some(),
        };
        let decides = match line {
            Line::Event(_) => true,
            Line::Measurements(m) => host == 0 && m.get(&judged.objective).is_some(),
        };
        let kept = within(1) || (decides && within(2)) || (is_final && self.final_lines < FINAL_LINES);
        if kept {
            self.kept_lines += 1;
            self.kept_bytes += bytes;
            self.final_lines += i64::from(is_final);
        }
        kept
    }

    async fn write(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE streams SET next_line = ?, kept_lines = ?, kept_bytes = ?, final_lines = ?, malformed = ?, dropped = ?,
                 first_evaluation = ?
             WHERE id = ?",
        )
        .bind(to_i64(self.next_line))
        .bind(to_i64(self.kept_lines))
        .bind(to_i64(self.kept_bytes))
        .bind(self.final_lines)
        .bind(self.malformed)
        .bind(self.dropped)
        .bind(self.first_evaluation)
        .bind(self.id)
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl Rows {
    /// Takes in one line of measurements, by the rules by which `Progress` does.
    async fn take(
        &mut self,
        connection: &mut SqliteConnection,
        trial: &str,
        host: u32,
        judged: &Judged,
        line: &Measurements,
    ) -> Result<(), sqlx::Error> {
        let step = to_i64(line.step);
        if self.non_finite.is_none() {
            self.non_finite = judged.first_non_finite(line, host).map(|metric| (metric.to_owned(), line.step));
        }
        for (name, value) in &line.values {
            let known = self.metrics.get(name).copied();
            let id = if let Some(id) = known { id } else { metric_id(connection, trial, name).await? };
            if known.is_none() {
                self.metrics.insert(name.clone(), id);
            }
            let stored = (!value.is_nan()).then_some(*value);
            self.measurements.push((id, step, stored));
            if self.latest.contains_key(name) || self.latest.len() < MAX_METRICS_PER_LINE {
                self.set_latest(name, stored);
            }
        }
        self.set_latest("step", Some(line.step as f64));
        Ok(())
    }

    fn set_latest(&mut self, name: &str, value: Option<f64>) {
        if let Some(slot) = self.latest.get_mut(name) {
            *slot = value;
        } else {
            self.latest.insert(name.to_owned(), value);
        }
        if !self.changed.contains(name) {
            self.changed.insert(name.to_owned());
        }
    }

    async fn write(
        &self,
        connection: &mut SqliteConnection,
        trial: &str,
        host: u32,
        stream: i64,
    ) -> Result<(), sqlx::Error> {
        let mut rest = self.measurements.as_slice();
        while let Some(size) = CHUNKS.into_iter().find(|size| *size <= rest.len()) {
            let (chunk, others) = rest.split_at(size);
            insert_measurements(connection, stream, chunk).await?;
            rest = others;
        }
        for name in &self.changed {
            sqlx::query(
                "INSERT INTO latest (trial, host, metric, value) VALUES (?, ?, ?, ?)
                 ON CONFLICT (trial, host, metric) DO UPDATE SET value = excluded.value",
            )
            .bind(trial)
            .bind(host)
            .bind(name)
            .bind(self.latest.get(name).copied().flatten())
            .execute(&mut *connection)
            .await?;
        }
        if let Some((metric, step)) = &self.non_finite {
            sqlx::query("INSERT INTO non_finite (trial, metric, step) VALUES (?, ?, ?) ON CONFLICT (trial) DO NOTHING")
                .bind(trial)
                .bind(metric)
                .bind(to_i64(*step))
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }
}

impl Judged {
    /// The first metric of a line that decides the trial because it isn't finite.
    fn first_non_finite<'a>(&self, line: &'a Measurements, host: u32) -> Option<&'a str> {
        let decides = |name: &str| (host == 0 && name == self.objective) || (host < self.hosts && name == TRAIN_LOSS);
        line.values.iter().find(|(name, value)| !value.is_finite() && decides(name)).map(|(name, _)| name.as_str())
    }
}

async fn judged_of(connection: &mut SqliteConnection, trial: &str) -> Result<Judged, LedgerError> {
    let row: Option<(String, u32)> =
        sqlx::query_as("SELECT objective_metric, json_extract(spec, '$.hosts') FROM trials WHERE uid = ?")
            .bind(trial)
            .fetch_optional(connection)
            .await?;
    let (objective, hosts) = row.ok_or_else(|| LedgerError::UnknownTrial { trial: trial.to_owned() })?;
    Ok(Judged { objective, hosts })
}

type StreamColumns = (i64, i64, i64, i64, i64, i64, i64, Option<i64>);

async fn open_stream(
    connection: &mut SqliteConnection,
    trial: &str,
    attempt: u32,
    host: u32,
) -> Result<Stream, sqlx::Error> {
    sqlx::query("INSERT INTO streams (trial, attempt, host) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(trial)
        .bind(attempt)
        .bind(host)
        .execute(&mut *connection)
        .await?;
    let (id, next_line, kept_lines, kept_bytes, final_lines, malformed, dropped, first_evaluation): StreamColumns =
        sqlx::query_as(
            "SELECT id, next_line, kept_lines, kept_bytes, final_lines, malformed, dropped, first_evaluation
             FROM streams WHERE trial = ? AND attempt = ? AND host = ?",
        )
        .bind(trial)
        .bind(attempt)
        .bind(host)
        .fetch_one(connection)
        .await?;
    Ok(Stream {
        id,
        next_line: to_u64(next_line),
        kept_lines: to_u64(kept_lines),
        kept_bytes: to_u64(kept_bytes),
        final_lines,
        malformed,
        dropped,
        first_evaluation,
    })
}

async fn latest_of(
    connection: &mut SqliteConnection,
    trial: &str,
    host: u32,
) -> Result<BTreeMap<String, Option<f64>>, sqlx::Error> {
    let rows: Vec<(String, Option<f64>)> =
        sqlx::query_as("SELECT metric, value FROM latest WHERE trial = ? AND host = ?")
            .bind(trial)
            .bind(host)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().collect())
}

async fn metric_id(connection: &mut SqliteConnection, trial: &str, name: &str) -> Result<i64, sqlx::Error> {
    let known: Option<i64> = sqlx::query_scalar("SELECT id FROM metrics WHERE trial = ? AND name = ?")
        .bind(trial)
        .bind(name)
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(id) = known {
        return Ok(id);
    }
    sqlx::query_scalar("INSERT INTO metrics (trial, name) VALUES (?, ?) RETURNING id")
        .bind(trial)
        .bind(name)
        .fetch_one(connection)
        .await
}

/// Of two values at one step the later one counts, but a finite one isn't replaced by one that isn't: that it came is
/// kept in `non_finite`.
async fn insert_measurements(
    connection: &mut SqliteConnection,
    stream: i64,
    rows: &[(i64, i64, Option<f64>)],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO measurements (stream, metric, step, value) ");
    query.push_values(rows, |mut row, (metric, step, value)| {
        row.push_bind(stream).push_bind(*metric).push_bind(*step).push_bind(*value);
    });
    query.push(
        " ON CONFLICT (stream, metric, step) DO UPDATE SET value = excluded.value \
         WHERE abs(excluded.value) < 9e999 OR value IS NULL OR abs(value) = 9e999",
    );
    query.build().execute(connection).await?;
    Ok(())
}

async fn insert_event(
    connection: &mut SqliteConnection,
    stream: i64,
    number: u64,
    text: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO events (stream, line, json) VALUES (?, ?, ?)")
        .bind(stream)
        .bind(to_i64(number))
        .bind(text)
        .execute(connection)
        .await?;
    Ok(())
}

async fn insert_malformed(
    connection: &mut SqliteConnection,
    stream: i64,
    number: u64,
    problem: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO malformed (stream, line, problem) VALUES (?, ?, ?)")
        .bind(stream)
        .bind(to_i64(number))
        .bind(&problem[..problem.floor_char_boundary(PROBLEM_BYTES)])
        .execute(connection)
        .await?;
    Ok(())
}
