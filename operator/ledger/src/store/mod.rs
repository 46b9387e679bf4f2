//! The database behind the ledger. Everything above this module speaks of trials, lines and curves; everything below it
//! is SQL.
//!
//! # What a backend provides
//!
//! - [`Database`]: opened from a location; `read` and `write` begin transactions, `sync` and `close` end a life.
//! - [`WriteTransaction`]: sees and changes everything, and no other writer of the same stream runs beside it. Dropped
//!   without `commit` it leaves nothing behind, whether it was given up, failed or its future was dropped, and the next
//!   `write` works whatever became of it: a full disk, a lost connection, a restarted server.
//! - [`ReadTransaction`]: sees one moment of the database, so that a progress and the cursors read beside it agree.
//! - An idempotent append, built above from `open_stream`, which holds the row of (trial uid, attempt, host) until the
//!   end of the transaction, and `write_stream`, which moves its cursor together with the rows of the lines.
//! - Integers of 64 bits, floats that keep infinities, `NULL` for NaN, texts of UTF-8, deletes that cascade from a study
//!   to its trials and their streams.
//!
//! # How a second one fits
//!
//! The types are chosen by enum rather than by trait object: the calls are many and small, they return borrowed rows,
//! and the set of backends is closed. With one backend the names below are aliases. With two, each becomes an enum that
//! has a variant for each backend and hands every call on; nothing outside this module changes.

mod sqlite;

use std::collections::BTreeSet;

use studious_playbook::Millis;

pub(crate) use sqlite::{Database, ReadTransaction, WriteTransaction, file_of};

/// A study as it is stored; its spec is JSON.
#[derive(Clone)]
pub(crate) struct StudyColumns {
    pub(crate) uid: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) spec: String,
    pub(crate) created: Millis,
}

/// A trial as it is stored; its spec and its state are JSON. The spec has an empty pod template if `template` has a value.
pub(crate) struct TrialColumns {
    pub(crate) uid: String,
    pub(crate) study: String,
    pub(crate) name: String,
    pub(crate) spec: String,
    pub(crate) state: String,
    pub(crate) template: Option<i64>,
}

/// The cursor and the counts of what one host of one attempt wrote.
pub(crate) struct StreamColumns {
    pub(crate) id: i64,
    pub(crate) next_line: u64,
    pub(crate) kept_lines: u64,
    pub(crate) kept_bytes: u64,
    pub(crate) final_lines: u64,
    pub(crate) malformed: u64,
    pub(crate) dropped: u64,
    pub(crate) dropped_values: u64,
    pub(crate) other_events: u64,
    /// The step of the attempt's first evaluation, in the order of its lines: where it resumed.
    pub(crate) first_evaluation: Option<u64>,
    /// The step of its first measurements, in the order of its lines.
    pub(crate) first_step: Option<u64>,
    /// The metric that decides the trial and was not finite at the lowest step, with that step.
    pub(crate) non_finite: Option<(String, u64)>,
    pub(crate) drained: bool,
    /// Names of fields that hold no numbers.
    pub(crate) labels: BTreeSet<String>,
    /// The most metrics of one line that were left out because it had too many.
    pub(crate) surplus: u64,
    /// Whether its rows carry digests: not where the stream was begun by a version without them.
    pub(crate) is_checked: bool,
}

/// What is known of all values of one metric of one stream.
#[derive(Clone, Copy)]
pub(crate) struct SeriesColumns {
    pub(crate) last_step: u64,
    pub(crate) digest: i64,
}

/// What decides a trial, of its spec.
pub(crate) struct JudgedColumns {
    /// Its study's uid.
    pub(crate) study: String,
    /// The objective's metric.
    pub(crate) objective: String,
    pub(crate) hosts: u32,
    pub(crate) max_train_steps: u64,
    /// As JSON.
    pub(crate) constraints: Option<String>,
}

/// One value of a metric; nothing stands for NaN.
pub(crate) struct MeasurementColumns {
    pub(crate) metric: i64,
    pub(crate) step: u64,
    pub(crate) value: Option<f64>,
}

/// What an event is, as far as the ledger treats kinds differently.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum EventKind {
    /// Parameters were initialized or restored.
    Init,
    /// A checkpoint was saved.
    Checkpoint,
    /// The point cannot be trained.
    Infeasible,
    /// The trainer has finished.
    Done,
    /// What the trainer runs on: the last is kept, never decided on.
    Runtime,
    /// Any other: kept for people to read, never decided on.
    Other,
}

impl EventKind {
    /// Its value of `event` in a line, as it is stored.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Checkpoint => "checkpoint",
            Self::Infeasible => "infeasible",
            Self::Done => "done",
            Self::Runtime => "runtime",
            Self::Other => "other",
        }
    }
}

/// An event as it is stored: the line's text.
pub(crate) struct EventColumns {
    pub(crate) attempt: u32,
    pub(crate) host: u32,
    pub(crate) json: String,
}
