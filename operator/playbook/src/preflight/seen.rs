//! One attempt as it is seen from outside: what its hosts wrote, when, and how they left.

use std::collections::BTreeMap;

use crate::contract::{Event, Init, Line};

/// Seconds that a program may take to leave after `done`: a run asks those to end that take longer.
const SOON: f64 = 4.0;

/// One attempt of the short trial. Times are seconds since it was started.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttemptSeen {
    /// What host 0 wrote, in its order.
    pub lines: Vec<SeenLine>,
    /// How host 0 left; missing where it was not seen to leave.
    pub exit: Option<HostExit>,
    /// What it was asked to do before it left by itself.
    pub request: Option<StopRequest>,
    /// The last line that it printed.
    pub last_printed: Option<String>,
    /// Files in its checkpoint folder when it had left.
    pub checkpoint_files: usize,
    /// Most resident memory of its processes together, in bytes.
    pub peak_memory_bytes: Option<u64>,
}

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenLine {
    /// When it was there.
    pub seconds: f64,
    /// The line, or why it can't be read.
    pub line: Result<Line, String>,
}

/// How a host left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostExit {
    /// When.
    pub seconds: f64,
    /// Its exit code; 128 + n after signal n.
    pub code: i32,
}

/// What an attempt was asked to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StopRequest {
    /// SIGKILL at a checkpoint.
    Kill,
    /// SIGTERM, and SIGKILL after the grace period.
    End {
        /// When.
        seconds: f64,
        /// Because it did not end within the time it had.
        overdue: bool,
    },
}

impl AttemptSeen {
    /// Events in their order.
    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.lines.iter().filter_map(|seen| match &seen.line {
            Ok(Line::Event(event)) => Some(event),
            _ => None,
        })
    }

    /// Its report of its beginning.
    pub(super) fn init(&self) -> Option<&Init> {
        self.events().find_map(|event| match event {
            Event::Init(init) => Some(init),
            _ => None,
        })
    }

    /// Steps and fingerprints of the checkpoints it said it saved.
    pub(super) fn checkpoints(&self) -> impl Iterator<Item = (u64, Option<&str>)> {
        self.events().filter_map(|event| match event {
            Event::Checkpoint { step, parameters_sha256 } => Some((*step, parameters_sha256.as_deref())),
            _ => None,
        })
    }

    /// Whether it said `done`.
    pub(super) fn is_done(&self) -> bool {
        self.events().any(|event| matches!(event, Event::Done { .. }))
    }

    /// Measurements: when, at which step, which values.
    pub(super) fn measurements(&self) -> impl Iterator<Item = (f64, u64, &[(String, f64)])> {
        self.lines.iter().filter_map(|seen| match &seen.line {
            Ok(Line::Measurements(m)) => Some((seen.seconds, m.step, m.values.as_slice())),
            _ => None,
        })
    }

    /// The values of a metric, NaN and infinities included: when, at which step, the value.
    pub(super) fn values<'a>(&'a self, metric: &'a str) -> impl Iterator<Item = (f64, u64, f64)> + 'a {
        self.measurements().filter_map(move |(seconds, step, values)| {
            values.iter().find(|(name, _)| name == metric).map(|(_, value)| (seconds, step, *value))
        })
    }

    /// The last value of a metric at each step.
    pub(super) fn by_step(&self, metric: &str) -> BTreeMap<u64, f64> {
        self.values(metric).map(|(_, step, value)| (step, value)).collect()
    }

    /// The last step that a line names.
    #[must_use]
    pub fn last_step(&self) -> Option<u64> {
        self.measurements().map(|(_, step, _)| step).max()
    }

    /// Whether it was asked to end before it had left by itself.
    #[must_use]
    pub fn was_interrupted(&self) -> bool {
        self.request.is_some() && !self.left_when_done()
    }

    /// Whether it left with exit code 0 soon after it had said `done`. A run that is judged by then asks it to end as it does so.
    fn left_when_done(&self) -> bool {
        let done = self.lines.iter().find(|seen| matches!(seen.line, Ok(Line::Event(Event::Done { .. }))));
        let times = done.zip(self.exit.filter(|exit| exit.code == 0));
        times.is_some_and(|(done, exit)| exit.seconds - done.seconds < SOON)
    }

    /// When it was asked to end and whether that was overdue, if it was, and did not end by itself.
    pub(super) fn asked_to_end(&self) -> Option<(f64, bool)> {
        match self.request {
            Some(StopRequest::End { seconds, overdue }) if !(overdue && self.left_when_done()) => {
                Some((seconds, overdue))
            }
            _ => None,
        }
    }

    /// Whether it can be killed now so that a checkpoint is lost to nothing: it saved one and trained beyond. Where no checkpoint
    /// is expected, once it has come halfway. Nothing to kill is left after the last step.
    #[must_use]
    pub fn can_be_killed(&self, max_train_steps: u64, saves: bool) -> bool {
        let Some(step) = self.last_step().filter(|step| *step < max_train_steps) else { return false };
        if saves { self.checkpoints().next().is_some() } else { step >= max_train_steps / 2 }
    }

    /// Whether it ended by itself, with exit code 0.
    #[must_use]
    pub fn ended_well(&self) -> bool {
        !self.was_interrupted() && self.exit.is_some_and(|exit| exit.code == 0)
    }

    /// Whether it trains far beyond its last step.
    #[must_use]
    pub fn overruns(&self, max_train_steps: u64) -> bool {
        self.last_step().is_some_and(|step| step >= max_train_steps.saturating_mul(2))
    }

    /// Whether it said that it saved a checkpoint.
    #[must_use]
    pub fn saves(&self) -> bool {
        self.checkpoints().next().is_some()
    }
}
