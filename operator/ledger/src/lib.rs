//! Where measurements and trial records are kept: SQLite.
//!
//! [`Ledger::append`] takes lines of `metrics.jsonl` in, each exactly once however often it is sent; [`Ledger::progress`]
//! says what a trial's lines add up to, equal to having seen them live; [`Ledger::records`] gives trials with their
//! curves to findings, plots and reports. Trials themselves ([`TrialRow`]) are kept for the local runner, whose only
//! memory this is; on a cluster the API server's objects are the truth and losing the ledger costs plots, never a
//! decision.
//!
//! ```text
//! studies ─< trials ─< streams (trial, attempt, host: the cursor) ─< series ─< measurements; events, malformed
//! ```
//!
//! # What "acknowledged" means
//!
//! A batch is one transaction, committed before [`Ledger::append`] returns. SQLite writes ahead (`WAL`) with
//! `synchronous=NORMAL`: what was acknowledged survives the death of the process at any moment (`kill -9`), and a loss
//! of power never corrupts the file, though it may take the last commits back. Rows and the cursor are in the same
//! transaction, so then the cursor goes back too, and a sender that still has its file gets the answer where to continue.
//! [`Ledger::sync`] makes all that was acknowledged survive a loss of power as well.
//!
//! # What goes wrong
//!
//! A write that fails (full disk, read-only disk, I/O error) closes its connection, and the next one opens another: nothing
//! has to be restarted. [`Ledger::health`] says since when and why writes fail; [`Ledger::probe`] tries one. Every row has a
//! digest of its columns, and the values of one metric of a stream have one together, checked whenever they are read.
//!
//! One writer at a time: batches wait for each other in this process and, by SQLite's own lock, between processes.

mod append;
mod curves;
mod digest;
mod error;
mod heads;
mod health;
mod ledger;
mod progress;
mod series;
mod store;
mod streams;
mod trials;

pub use append::{Appended, Limits};
pub use curves::downsample;
pub use error::{DatabaseError, LedgerError};
pub use heads::TrialHead;
pub use health::{Cause, Health};
pub use ledger::Ledger;
pub use streams::{Cursor, Cursors, StreamInfo};
pub use trials::{Attempt, RunState, StudyRow, TrialRow};
