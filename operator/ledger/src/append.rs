//! Lines of `metrics.jsonl` come in, each exactly once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;
use studious_contract::{Event, JudgedMetrics, Line, LineError, MAX_METRICS_PER_LINE, Measurements, TRAIN_LOSS};
use studious_playbook::decide::keep_labels;

use crate::{
    Ledger, LedgerError,
    error::DatabaseError,
    series::NewValues,
    store::{EventKind, StreamColumns, WriteTransaction},
    trials::from_json,
};

/// What is kept, at most. A trainer that writes without end fills no disk.
///
/// Beyond the limits of its stream measurements are dropped and counted, but for what decides the trial: evaluations of the objective
/// and events are kept up to twice the limits, and a few final ones (`done`, `infeasible`, a non-finite loss) always.
/// Of events that this version has no word for the last few are kept, and all are counted. Beyond a quota the same is
/// dropped, and evaluations of the objective and events have the limits of their stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Lines, of each host of each attempt.
    pub lines: u64,
    /// Bytes of those lines.
    pub bytes: u64,
    /// Quota of a trial: bytes of the lines of all its hosts and attempts.
    pub trial_bytes: u64,
    /// Quota of a study: bytes of the lines of all its trials.
    pub study_bytes: u64,
    /// Quota of a namespace: bytes of the lines of all its studies.
    pub namespace_bytes: u64,
    /// Names of metrics, for each trial. The objective, metrics of constraints and the training loss are kept beyond.
    pub metrics: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            lines: 2_000_000,
            bytes: 512 * MIB,
            trial_bytes: 1024 * MIB,
            study_bytes: 4096 * MIB,
            // Without a quota: one study has one.
            namespace_bytes: u64::MAX,
            metrics: 1000,
        }
    }
}

/// Final lines that are kept whatever the limits, for each host of each attempt.
const FINAL_LINES: u64 = 10;
/// Malformed lines of which number and problem are kept, for each host of each attempt; all are counted.
const MALFORMED_EXAMPLES: u64 = 5;
/// Events of unknown kinds that are kept, for each host of each attempt: the last. All are counted.
const OTHER_EVENTS: u32 = 5;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Appended {
    /// The line that is wanted next, from 0.
    pub next_line: u64,
    /// The lines that are new, with their numbers from 0, in order. Lines that came before, and what was dropped, are not
    /// among them: what is here is exactly what [`Ledger::progress`] will have seen.
    pub new: Vec<(u64, Result<Line, LineError>)>,
    /// New lines of this batch that were dropped because of [`Limits`].
    pub dropped: u64,
    /// Values that were dropped from new lines because of [`Limits`].
    pub dropped_values: u64,
}

impl Appended {
    /// The line that was wanted before this batch: an observer that has seen fewer has missed some, and reads again.
    #[must_use]
    pub fn first_new(&self) -> u64 {
        self.next_line.saturating_sub(self.new.len() as u64).saturating_sub(self.dropped)
    }
}

/// What is looked for in the lines of a trial.
struct Judged {
    study: String,
    metrics: JudgedMetrics,
    hosts: u32,
    max_train_steps: u64,
}

/// Rows of a batch.
#[derive(Default)]
struct Rows<'a> {
    names: BTreeMap<String, i64>,
    limit: usize,
    values: NewValues,
    /// Nothing where a later attempt has measured.
    latest: Option<BTreeMap<String, Option<f64>>>,
    changed: BTreeSet<String>,
    others: VecDeque<(u64, &'a str)>,
    /// The latest event `runtime`.
    runtime: Option<(u64, &'a str)>,
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
        let taken = self.take_in(trial, (attempt, host), first_line, lines, false).await;
        self.database.health.observe(taken)
    }

    /// As [`Ledger::append`], for the last lines of a host: in the same transaction its stream is marked as drained, so
    /// that any replica knows that nothing more will come.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub async fn append_last(
        &self,
        trial: &str,
        attempt: u32,
        host: u32,
        first_line: u64,
        lines: &[String],
    ) -> Result<Appended, LedgerError> {
        let taken = self.take_in(trial, (attempt, host), first_line, lines, true).await;
        self.database.health.observe(taken)
    }

    async fn judged(&self, trial: &str) -> Result<Judged, LedgerError> {
        #[derive(Deserialize)]
        struct Bound {
            metric: String,
        }
        let unknown = || LedgerError::UnknownTrial { trial: trial.to_owned() };
        let row = self.database.read().await?.judged(trial).await?.ok_or_else(unknown)?;
        let bounds: Vec<Bound> = match row.constraints {
            Some(constraints) => from_json("constraints", trial, &constraints)?,
            None => Vec::new(),
        };
        let bounded = bounds.into_iter().map(|bound| bound.metric).collect();
        let metrics = JudgedMetrics { objective: row.objective, bounded };
        Ok(Judged { study: row.study, metrics, hosts: row.hosts, max_train_steps: row.max_train_steps })
    }

    /// Bytes that the quotas leave.
    async fn room(&self, write: &mut WriteTransaction, trial: &str, study: &str) -> Result<u64, DatabaseError> {
        let limits = &self.limits;
        let of_trial = limits.trial_bytes.saturating_sub(write.trial_usage(trial).await?);
        let of_study = limits.study_bytes.saturating_sub(write.study_usage(study).await?);
        if limits.namespace_bytes == u64::MAX {
            return Ok(of_trial.min(of_study));
        }
        let of_namespace = limits.namespace_bytes.saturating_sub(write.namespace_usage(study).await?);
        Ok(of_trial.min(of_study).min(of_namespace))
    }

    async fn take_in(
        &self,
        trial: &str,
        (attempt, host): (u32, u32),
        first_line: u64,
        lines: &[String],
        is_last: bool,
    ) -> Result<Appended, LedgerError> {
        // Reading the lines takes longer than writing them: do it before the turn begins.
        let judged = self.judged(trial).await?;
        let parsed: Vec<_> = lines.iter().map(|text| Line::parse(text, &judged.metrics)).collect();
        let mut write = self.database.write().await?;
        let mut stream = write.open_stream(trial, attempt, host).await?;
        if first_line > stream.next_line {
            write.roll_back().await?;
            return Err(LedgerError::Gap { first_line, next_line: stream.next_line });
        }
        let known = usize::try_from(stream.next_line - first_line).unwrap_or(usize::MAX);
        if known >= lines.len() && (stream.drained || !is_last) {
            write.roll_back().await?;
            return Ok(Appended { next_line: stream.next_line, new: Vec::new(), dropped: 0, dropped_values: 0 });
        }

        let mut appended = Appended { next_line: 0, new: Vec::new(), dropped: 0, dropped_values: 0 };
        let mut room = self.room(&mut write, trial, &judged.study).await?;
        let kept_before = stream.kept_bytes;
        let measures = parsed.iter().skip(known).any(|line| matches!(line, Ok(Line::Measurements(_))));
        let mut rows = Rows { limit: self.limits.metrics, ..Rows::default() };
        if measures {
            rows.names = write.metrics(trial).await?;
            rows.latest = write.open_latest(trial, attempt, host).await?;
        }
        for (text, mut line) in lines.iter().zip(parsed).skip(known) {
            let number = stream.next_line;
            stream.next_line += 1;
            match &mut line {
                Err(problem) => {
                    if stream.malformed < MALFORMED_EXAMPLES {
                        write.insert_malformed(stream.id, number, &problem.to_string()).await?;
                    }
                    stream.malformed += 1;
                }
                Ok(Line::Event(Event::Other { .. })) => rows.other(&mut stream, number, text),
                Ok(Line::Event(Event::Runtime(_))) => rows.runtime = Some((number, text)),
                Ok(known) if !stream.keep(&self.limits, &mut room, (known, text.len()), host, &judged) => {
                    stream.dropped += 1;
                    appended.dropped += 1;
                    continue;
                }
                Ok(Line::Event(event)) => {
                    let (kind, step) = event_columns(event);
                    write.insert_event(stream.id, number, kind, step, text).await?;
                }
                Ok(Line::Measurements(m)) => {
                    if judged.is_evaluation(m, host) {
                        stream.first_evaluation.get_or_insert(m.step);
                    }
                    stream.measure(m, judged.first_non_finite(m, host));
                    keep_labels(&mut stream.labels, &m.left_out.labels);
                    stream.surplus = stream.surplus.max(m.left_out.surplus);
                    appended.dropped_values += rows.take(&mut write, trial, &judged, m).await?;
                }
            }
            appended.new.push((number, line));
        }
        rows.write(&mut write, trial, (attempt, host), &stream).await?;
        stream.dropped_values += appended.dropped_values;
        stream.drained |= is_last;
        write.add_usage(&judged.study, stream.kept_bytes - kept_before).await?;
        write.write_stream(trial, attempt, host, &stream).await?;
        write.commit().await?;
        appended.next_line = stream.next_line;
        Ok(appended)
    }
}

impl StreamColumns {
    /// Takes in a line of measurements, and which metric that decides the trial was not finite in it.
    fn measure(&mut self, line: &Measurements, non_finite: Option<&str>) {
        self.first_step.get_or_insert(line.step);
        if let Some(metric) = non_finite
            && self.non_finite.as_ref().is_none_or(|(_, lowest)| line.step < *lowest)
        {
            self.non_finite = Some((metric.to_owned(), line.step));
        }
    }

    /// Whether a line of so many bytes is kept; counts it if so. `room` is what the quotas leave.
    fn keep(
        &mut self,
        limits: &Limits,
        room: &mut u64,
        (line, bytes): (&Line, usize),
        host: u32,
        judged: &Judged,
    ) -> bool {
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
            Line::Measurements(m) => host == 0 && m.get(&judged.metrics.objective).is_some(),
        };
        let kept =
            (within(1) && bytes <= *room) || (decides && within(2)) || (is_final && self.final_lines < FINAL_LINES);
        if kept {
            self.kept_lines += 1;
            self.kept_bytes += bytes;
            self.final_lines += u64::from(is_final);
            *room = room.saturating_sub(bytes);
        }
        kept
    }
}

impl<'a> Rows<'a> {
    /// Takes in one line of measurements, by the rules by which `Progress` does. Values under names beyond the limit are
    /// taken out of the line; says how many.
    async fn take(
        &mut self,
        write: &mut WriteTransaction,
        trial: &str,
        judged: &Judged,
        line: &mut Measurements,
    ) -> Result<u64, DatabaseError> {
        let before = line.values.len();
        let mut kept = Vec::with_capacity(before);
        for (name, value) in std::mem::take(&mut line.values) {
            let id = match self.names.get(&name) {
                Some(id) => *id,
                None if self.names.len() >= self.limit && !judged.needs(&name) => continue,
                None => {
                    let id = write.insert_metric(trial, &name).await?;
                    self.names.insert(name.clone(), id);
                    id
                }
            };
            let stored = (!value.is_nan()).then_some(value);
            self.values.take(id, line.step, stored);
            self.set_latest(&name, stored, MAX_METRICS_PER_LINE);
            kept.push((name, value));
        }
        line.values = kept;
        self.set_latest("step", Some(line.step as f64), usize::MAX);
        Ok((before - line.values.len()) as u64)
    }

    /// Takes in an event that this version has no word for.
    fn other(&mut self, stream: &mut StreamColumns, number: u64, text: &'a str) {
        stream.other_events += 1;
        self.others.push_back((number, text));
        if self.others.len() > OTHER_EVENTS as usize {
            self.others.pop_front();
        }
    }

    /// Sets the latest value of a metric, if it has one or fewer than `limit` have.
    fn set_latest(&mut self, name: &str, value: Option<f64>, limit: usize) {
        let Some(latest) = &mut self.latest else { return };
        if let Some(slot) = latest.get_mut(name) {
            *slot = value;
        } else if latest.len() >= limit {
            return;
        } else {
            latest.insert(name.to_owned(), value);
        }
        if !self.changed.contains(name) {
            self.changed.insert(name.to_owned());
        }
    }

    async fn write(
        &self,
        write: &mut WriteTransaction,
        trial: &str,
        (attempt, host): (u32, u32),
        stream: &StreamColumns,
    ) -> Result<(), DatabaseError> {
        let names = self.names.iter().map(|(name, id)| (*id, name.as_str())).collect();
        self.values.write(write, stream, &names).await?;
        let value = |name: &String| self.latest.as_ref().and_then(|latest| latest.get(name).copied().flatten());
        let latest: Vec<(&str, Option<f64>)> = self.changed.iter().map(|name| (name.as_str(), value(name))).collect();
        write.write_latest(trial, (attempt, host), &latest).await?;
        for (number, text) in &self.others {
            write.insert_event(stream.id, *number, EventKind::Other, None, text).await?;
        }
        if !self.others.is_empty() {
            write.keep_last_events(stream.id, EventKind::Other, OTHER_EVENTS).await?;
        }
        if let Some((number, text)) = self.runtime {
            write.insert_event(stream.id, number, EventKind::Runtime, None, text).await?;
            write.keep_last_events(stream.id, EventKind::Runtime, 1).await?;
        }
        Ok(())
    }
}

impl Judged {
    /// The first metric of a line that decides the trial because it isn't finite.
    fn first_non_finite<'a>(&self, line: &'a Measurements, host: u32) -> Option<&'a str> {
        let decides =
            |name: &str| (host == 0 && name == self.metrics.objective) || (host < self.hosts && name == TRAIN_LOSS);
        if line.step > self.max_train_steps {
            return None;
        }
        line.values.iter().find(|(name, value)| !value.is_finite() && decides(name)).map(|(name, _)| name.as_str())
    }

    /// Whether a line is an evaluation that counts.
    fn is_evaluation(&self, line: &Measurements, host: u32) -> bool {
        let value = line.get(&self.metrics.objective);
        host == 0 && line.step <= self.max_train_steps && value.is_some_and(f64::is_finite)
    }

    /// Whether a metric is kept however many names a trial has.
    fn needs(&self, name: &str) -> bool {
        self.metrics.must_be_finite(name) || self.metrics.bounded.iter().any(|bounded| bounded == name)
    }
}

/// What an event is stored and selected by: its kind, and the step of a checkpoint with a fingerprint.
fn event_columns(event: &Event) -> (EventKind, Option<u64>) {
    match event {
        Event::Init(_) => (EventKind::Init, None),
        Event::Checkpoint { step, parameters_sha256 } => {
            (EventKind::Checkpoint, parameters_sha256.as_ref().map(|_| *step))
        }
        Event::Infeasible { .. } => (EventKind::Infeasible, None),
        Event::Done { .. } => (EventKind::Done, None),
        Event::Runtime(_) => (EventKind::Runtime, None),
        Event::Other { .. } => (EventKind::Other, None),
    }
}
