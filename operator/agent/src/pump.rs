//! From the file to the operator: what is read is sent until it is acknowledged, then more is read.

use std::{
    borrow::Cow,
    future::Future,
    io,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use rand::Rng;
use studious_contract::{
    BATCH_BYTES, BATCH_LINES, JudgedMetrics, PushAnswer, PushRequest, TrialJson, json_bytes,
    tail::{Batch, Tail},
};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::{
    AgentError,
    earlier::EarlierLines,
    gauges::Gauges,
    push::{Client, PushError},
    spool::Delivery,
    telling::telling,
};

/// How often the file is looked at: two calls of `stat`.
const POLL: Duration = Duration::from_millis(50);
/// How long lines may wait for company.
const PUSH_EVERY: Duration = Duration::from_secs(1);
/// What passes is tried again after the first, doubled each time up to the second.
const TRANSIENT: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// The same for what waiting is unlikely to fix.
const REFUSED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// The longest wait once the trainer has ended: the pod waits too.
const DRAINING: Duration = Duration::from_secs(1);
/// Once the trainer has ended, a refusal is believed after this.
const REFUSED_FOR_GOOD: Duration = Duration::from_secs(5);
/// How long the file is still looked at once this process is asked to end, unless the trainer has said that it is done, or
/// the operator that it has ended. The kubelet ends a sidecar after the trainer, but when the pod's grace is over: then the
/// trainer, which ignored SIGTERM, is killed at that very moment, and may write until it is. A sidecar has two seconds even
/// so (*Sidecar Containers*, kubernetes.io).
pub const FAREWELL: Duration = Duration::from_millis(500);
/// After this the operator is asked again whether the trainer has ended; then after half as long again each time.
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// A failure that continues is logged this often.
const LOG_EVERY: Duration = Duration::from_mins(1);

/// Moves lines from the file to the operator.
pub(crate) struct Pump {
    tail: Tail,
    client: Client,
    gauges: Arc<Gauges>,
    /// Lines of earlier attempts that come first; the first of them is what `tail` reads.
    earlier: EarlierLines,
    /// This attempt, and its file.
    own: (u32, PathBuf),
    delivery: Arc<Delivery>,
    host: u32,
    judged: JudgedMetrics,
    /// Whether the operator has said where to continue.
    asked: bool,
    /// Read and not acknowledged. Bounded: nothing is read while a full push is here.
    pending: Batch,
    /// Whether something pending shouldn't wait for company.
    urgent: bool,
    /// Whether the trainer has said that nothing follows, or the operator that the trainer has ended.
    nothing_follows: bool,
    /// Most lines of one push: fewer once the operator found a body too large.
    most_lines: usize,
    last_push: Option<Instant>,
    failing: Option<Failing>,
}

/// How sending what is left ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Drained {
    /// Everything is acknowledged.
    All,
    /// The trial is gone, and its lines with it.
    Gone,
    /// The operator refuses what is left.
    Refused,
}

/// What is to be expected of a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum FailureKind {
    /// It passes.
    Transient,
    /// Time alone is unlikely to help.
    Refused,
    /// The operator has said that the trial is gone.
    Gone,
}

/// Failures in a row.
struct Failing {
    count: u32,
    kind: FailureKind,
    since: Instant,
    logged: Instant,
    problem: String,
}

impl Pump {
    /// Delivers the lines of `earlier` attempts and then those of `metrics`.
    pub(crate) fn new(
        metrics: PathBuf,
        earlier: EarlierLines,
        delivery: Arc<Delivery>,
        client: Client,
        gauges: Arc<Gauges>,
        trial: &TrialJson,
        host: u32,
    ) -> Self {
        let judged = JudgedMetrics { objective: trial.objective.metric.clone(), bounded: Vec::new() };
        let mut pump = Self {
            tail: Tail::new(metrics.clone()),
            client,
            gauges,
            earlier,
            own: (trial.attempt, metrics),
            delivery,
            host,
            judged,
            asked: false,
            pending: Batch::default(),
            urgent: false,
            nothing_follows: false,
            most_lines: BATCH_LINES,
            last_push: None,
            failing: None,
        };
        pump.begin_stream();
        pump
    }

    /// Pushes until the trainer has `ended`, then what is left, for `drain_limit`. When the trial is gone, leaves at once.
    ///
    /// # Errors
    /// When what is left wasn't acknowledged.
    pub(crate) async fn run(
        mut self,
        ended: impl Future<Output = ()>,
        drain_limit: Duration,
    ) -> Result<(), AgentError> {
        self.follow(std::pin::pin!(ended)).await;
        self.see_off().await;
        self.delivery.ended.store(true, Ordering::Release);
        tracing::info!(acknowledged = self.pending.first_line, "the trainer has ended: pushing what is left");
        match timeout_at(Instant::now() + drain_limit, self.drain()).await {
            Ok(Drained::All) => {
                self.earlier.delete_past();
                tracing::info!(lines = self.pending.first_line, "every line is acknowledged");
                return Ok(());
            }
            Ok(Drained::Gone) => {
                // What was copied is of no use to anyone.
                self.delivery.acknowledged.store(u64::MAX, Ordering::Release);
                self.earlier.delete_all();
                tracing::info!("the trial is gone: leaving with what was not acknowledged");
                return Ok(());
            }
            Ok(Drained::Refused) | Err(_) => {}
        }
        Err(AgentError::NotDrained {
            acknowledged: self.delivery.acknowledged.load(Ordering::Acquire),
            limit_seconds: drain_limit.as_secs(),
            problem: self.failing.map_or_else(|| "there was no time for them".to_owned(), |failing| failing.problem),
        })
    }

    /// Begins with the next lines of an earlier attempt, or with this attempt's own.
    fn begin_stream(&mut self) {
        self.tail = match self.earlier.current() {
            Some(earlier) => {
                tracing::info!(
                    attempt = earlier.attempt,
                    first_line = earlier.first_line,
                    "delivering lines that an earlier attempt could not deliver"
                );
                Tail::numbered_from(&earlier.path, earlier.first_line)
            }
            None => Tail::new(&self.own.1),
        };
        self.pending = Batch { first_line: self.tail.next_line(), ..Batch::default() };
        self.asked = false;
        self.urgent = false;
    }

    /// Ends the lines of an earlier attempt, which are delivered, unless the operator has lost what comes before them.
    fn end_stream(&mut self, is_delivered: bool) {
        self.earlier.end_current(is_delivered);
        self.begin_stream();
    }

    /// Pushes what comes until the trainer has ended. A push that is cut off by the end may have arrived: its lines
    /// stay pending, and sending them again is harmless.
    async fn follow(&mut self, mut ended: Pin<&mut impl Future<Output = ()>>) {
        loop {
            let wait = match self.read(false).await {
                Err(error) => self.failed(FailureKind::Transient, format!("metrics.jsonl can't be read: {error}")),
                Ok(more) if more || !self.asked || self.is_due() => {
                    tokio::select! {
                        biased;
                        () = &mut ended => return,
                        wait = self.push(false) => wait,
                    }
                }
                // A pod that was deleted by force may have continued beside this one.
                Ok(_) if self.earlier.is_empty() && self.earlier.look_now_and_then() => {
                    self.begin_stream();
                    Duration::ZERO
                }
                Ok(_) => POLL,
            };
            tokio::select! {
                biased;
                () = &mut ended => return,
                () = sleep(wait) => {}
            }
        }
    }

    /// Waits for what a trainer may write that hasn't said it is done, until the operator has heard from the kubelet that
    /// it has ended.
    async fn see_off(&mut self) {
        if let Err(error) = self.read(false).await {
            self.failed(FailureKind::Transient, format!("metrics.jsonl can't be read: {error}"));
        }
        let until = Instant::now() + FAREWELL;
        let mut wait = ASK_AGAIN;
        while !self.nothing_follows && !self.is_gone() {
            // What was read goes with the question. One that is cut off may have arrived; sending it again is harmless.
            if timeout_at(until, self.push(false)).await.is_err() {
                return;
            }
            if !self.nothing_follows {
                sleep_until(until.min(Instant::now() + wait)).await;
                wait = wait * 3 / 2;
            }
        }
    }

    /// Pushes what is left, and that it is all.
    async fn drain(&mut self) -> Drained {
        loop {
            let wait = match self.read(true).await {
                Err(error) => self.failed(FailureKind::Transient, format!("metrics.jsonl can't be read: {error}")),
                Ok(_) if self.earlier.is_empty() && self.earlier.look_again() => {
                    self.begin_stream();
                    Duration::ZERO
                }
                Ok(false) if self.asked && self.pending.lines.is_empty() && self.earlier.may_come() => POLL,
                Ok(more) => {
                    let is_last = self.earlier.is_empty() && !self.earlier.may_come();
                    let all = is_last && self.asked && !more && self.sendable() == self.pending.lines.len();
                    let end = self.pending.next_line();
                    let wait = self.push(all).await;
                    if all && self.failing.is_none() && self.pending.first_line == end {
                        return Drained::All;
                    }
                    wait
                }
            };
            if self.is_gone() {
                return Drained::Gone;
            }
            if self
                .failing
                .as_ref()
                .is_some_and(|f| f.kind == FailureKind::Refused && f.since.elapsed() >= REFUSED_FOR_GOOD)
            {
                return Drained::Refused;
            }
            sleep(wait.min(DRAINING)).await;
        }
    }

    fn is_due(&self) -> bool {
        let waited = self.last_push.is_none_or(|at| at.elapsed() >= PUSH_EVERY);
        !self.pending.lines.is_empty() && (waited || self.urgent)
    }

    /// How many pending lines go into one push.
    fn sendable(&self) -> usize {
        let mut bytes = 0;
        let fits = |line: &&String| {
            let fits = bytes < BATCH_BYTES;
            bytes += json_bytes(line);
            fits
        };
        self.pending.lines.iter().take(self.most_lines).take_while(fits).count()
    }

    /// Reads on, unless a full push is pending. Says whether there is a full push, or may be at once.
    async fn read(&mut self, ended: bool) -> io::Result<bool> {
        if !self.asked {
            return Ok(false);
        }
        if self.sendable() < self.pending.lines.len() {
            return Ok(true);
        }
        // What follows the last line break of an earlier attempt was cut off while it was copied.
        let ended = ended && self.earlier.is_empty();
        let mut tail = std::mem::replace(&mut self.tail, Tail::new(PathBuf::new()));
        let reading = tokio::task::spawn_blocking(move || {
            let batch = tail.read(ended);
            (tail, batch)
        });
        let (tail, batch) = reading.await.map_err(io::Error::other)?;
        self.tail = tail;
        let batch = batch?;
        for line in &batch.lines {
            let telling = telling(line, &self.judged);
            self.urgent |= telling.urgent;
            self.nothing_follows |= telling.last && self.earlier.is_empty();
        }
        if self.earlier.is_empty() && !batch.lines.is_empty() {
            self.earlier.own_lines_began();
        }
        self.pending.lines.extend(batch.lines);
        Ok(batch.more)
    }

    /// Sends pending lines once, with `drained` when they are the last. Says how long to wait before the next push.
    async fn push(&mut self, drained: bool) -> Duration {
        self.last_push = Some(Instant::now());
        let count = self.sendable();
        let request = PushRequest {
            attempt: self.earlier.current().map_or(self.own.0, |earlier| earlier.attempt),
            host: self.host,
            first_line: self.pending.first_line,
            lines: Cow::Borrowed(&self.pending.lines[..count]),
            drained,
        };
        let answer = self.client.push(&request).await;
        self.nothing_follows |= answer.as_ref().is_ok_and(|answer| answer.trainer_ended);
        match answer {
            Ok(PushAnswer { next_line, .. }) | Err(PushError::Gap { next_line }) if self.is_lost(next_line) => {
                tracing::error!(
                    wanted = next_line,
                    first_line = self.pending.first_line,
                    "the operator has lost earlier lines of an earlier attempt: what follows them can't be delivered"
                );
                self.end_stream(false);
                Duration::ZERO
            }
            // The earlier attempt's own agent may have delivered more than it had copied.
            Ok(PushAnswer { next_line, .. }) | Err(PushError::Gap { next_line })
                if self.earlier.is_current_delivered(next_line) =>
            {
                self.succeeded();
                self.end_stream(true);
                Duration::ZERO
            }
            Ok(PushAnswer { next_line, .. }) if count > 0 && next_line <= self.pending.first_line => self.failed(
                FailureKind::Refused,
                format!("the operator took {count} lines and still wants line {next_line}"),
            ),
            Ok(PushAnswer { next_line, .. }) => {
                self.succeeded();
                self.go_on_from(next_line);
                Duration::ZERO
            }
            Err(PushError::Gap { next_line }) if self.asked && next_line == self.pending.first_line => self.failed(
                FailureKind::Refused,
                format!("the operator wants line {next_line} first, and that is what was sent"),
            ),
            Err(PushError::Gap { next_line }) => {
                tracing::warn!(
                    sent = self.pending.first_line,
                    wanted = next_line,
                    "the operator has lost lines, or never had them: sending them again"
                );
                self.go_on_from(next_line);
                Duration::ZERO
            }
            Err(PushError::TooLarge) if count > 1 => {
                self.most_lines = count / 2;
                tracing::warn!(lines = self.most_lines, "the operator takes smaller bodies only");
                Duration::ZERO
            }
            Err(error @ (PushError::TooLarge | PushError::Refused { .. })) => {
                self.failed(FailureKind::Refused, error.to_string())
            }
            Err(error @ PushError::Gone(_)) => self.failed(FailureKind::Gone, error.to_string()),
            Err(error @ PushError::Transient(_)) => self.failed(FailureKind::Transient, error.to_string()),
        }
    }

    /// Whether the operator wants lines that no process has any more: it has lost its ledger since they were acknowledged.
    fn is_lost(&self, next_line: u64) -> bool {
        self.earlier.current().is_some_and(|earlier| next_line < earlier.first_line)
    }

    /// Whether the operator has said that the trial is gone.
    fn is_gone(&self) -> bool {
        self.failing.as_ref().is_some_and(|failing| failing.kind == FailureKind::Gone)
    }

    fn succeeded(&mut self) {
        if let Some(failing) = self.failing.take() {
            let seconds = failing.since.elapsed().as_secs();
            tracing::info!(after_failures = failing.count, seconds, "the operator takes lines again");
        }
    }

    /// The operator wants this line next: what is before it needn't be kept.
    fn go_on_from(&mut self, next_line: u64) {
        let first = self.pending.first_line;
        let done = next_line.checked_sub(first).and_then(|n| usize::try_from(n).ok());
        match done {
            Some(done) if self.asked && done <= self.pending.lines.len() => {
                self.pending.lines.drain(..done);
            }
            _ => {
                self.pending.lines.clear();
                self.tail.go_to(next_line);
            }
        }
        self.asked = true;
        self.pending.first_line = next_line;
        self.urgent = self.pending.lines.iter().any(|line| telling(line, &self.judged).urgent);
        if self.earlier.is_empty() {
            self.delivery.acknowledged.store(next_line, Ordering::Release);
            self.gauges.acknowledged.set(i64::try_from(next_line).unwrap_or(i64::MAX));
        }
    }

    /// Notes a failure. Says how long to wait.
    fn failed(&mut self, kind: FailureKind, problem: String) -> Duration {
        self.gauges.failures.inc();
        let now = Instant::now();
        let (count, since, logged) = match &self.failing {
            Some(failing) if failing.kind == kind => (failing.count + 1, failing.since, Some(failing.logged)),
            _ => (1, now, None),
        };
        let logs = logged.is_none_or(|at| now - at >= LOG_EVERY);
        if logs {
            let line = self.pending.first_line;
            if kind == FailureKind::Transient {
                tracing::warn!(problem, line, count, "lines can't be pushed now; trying again");
            } else {
                tracing::error!(problem, line, count, "lines are not taken; trying again, slowly");
            }
        }
        let logged = if logs { now } else { logged.unwrap_or(now) };
        self.failing = Some(Failing { count, kind, since, logged, problem });
        let (first, longest) = if kind == FailureKind::Transient { TRANSIENT } else { REFUSED };
        first.saturating_mul(1 << (count - 1).min(16)).min(longest).mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}
