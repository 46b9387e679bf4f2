//! Whether the ledger can be written, and why not.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use studious_playbook::Millis;

use crate::{LedgerError, error::DatabaseError};

/// How a damaged ledger is repaired.
pub(crate) const REPAIR: &str = "Restore the ledger from a backup; or, of a local run, move ledger.sqlite, \
                                 ledger.sqlite-wal and ledger.sqlite-shm away and run the same command: it rebuilds the \
                                 ledger from the trials' folders";

/// Why the ledger cannot be read or written. Its name is a reason for a condition; its text names the fix.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// No space is left on the volume.
    DiskFull,
    /// The volume or the file is read-only.
    ReadOnly,
    /// The disk reports an error.
    InputOutput,
    /// The file or its folder cannot be opened.
    CannotOpen,
    /// Another writer holds the file too long.
    Busy,
    /// This process is out of memory.
    OutOfMemory,
    /// SQLite finds the file inconsistent.
    Damaged,
    /// Anything else.
    Other,
}

impl Cause {
    /// The cause of a primary result code of SQLite.
    pub(crate) fn of_code(code: i64) -> Self {
        match code & 0xff {
            5 | 6 => Self::Busy,
            7 => Self::OutOfMemory,
            8 => Self::ReadOnly,
            // I/O error, protocol of locks, files that are too large for the system.
            10 | 15 | 22 => Self::InputOutput,
            11 | 26 => Self::Damaged,
            13 => Self::DiskFull,
            14 => Self::CannotOpen,
            _ => Self::Other,
        }
    }

    /// Whether trying again later may help.
    #[must_use]
    pub fn is_transient(self) -> bool {
        !matches!(self, Self::Damaged | Self::Other)
    }

    /// The fix, as an imperative sentence; empty if none is known.
    pub(crate) fn fix(self) -> &'static str {
        match self {
            Self::DiskFull => "Free space on the ledger's volume or enlarge it",
            Self::ReadOnly => "Make the ledger's volume and file writable",
            Self::InputOutput => "Check the disk of the ledger's volume",
            Self::CannotOpen => "Check that the ledger's folder exists and is writable",
            Self::Busy => "End other programs that write to the ledger",
            Self::OutOfMemory => "Raise the memory limit",
            Self::Damaged => REPAIR,
            Self::Other => "",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => "the disk is full",
            Self::ReadOnly => "the file system is read-only",
            Self::InputOutput => "the disk reports an I/O error",
            Self::CannotOpen => "the file cannot be opened",
            Self::Busy => "another writer holds the file",
            Self::OutOfMemory => "out of memory",
            Self::Damaged => "the file is damaged",
            Self::Other => "the database reports an error",
        })
    }
}

/// Whether the ledger can be written, by the outcome of its latest write.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Health {
    /// The latest write succeeded, or there was none.
    #[default]
    Working,
    /// Writes fail.
    Failing {
        /// The first failure since the last success.
        since: Millis,
        /// Of the latest failure.
        cause: Cause,
        /// What to show: the cause, the database's own words, the fix.
        message: String,
    },
}

impl Health {
    /// Health after a write that failed at `now`.
    #[must_use]
    pub fn failed(&self, now: Millis, cause: Cause, message: String) -> Self {
        let since = match self {
            Self::Working => now,
            Self::Failing { since, .. } => *since,
        };
        Self::Failing { since, cause, message }
    }

    /// Whether writes succeed.
    #[must_use]
    pub fn is_working(&self) -> bool {
        *self == Self::Working
    }

    fn cause(&self) -> Option<Cause> {
        match self {
            Self::Working => None,
            Self::Failing { cause, .. } => Some(*cause),
        }
    }
}

/// Health that the clones of a handle share. Changes are logged once: WARN when writes fail, INFO when they succeed again.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedHealth(Arc<Mutex<Health>>);

impl SharedHealth {
    pub(crate) fn now(&self) -> Health {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A write was committed.
    pub(crate) fn succeeded(&self) {
        let mut health = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Health::Failing { since, cause, .. } = &*health {
            let seconds = now().0.saturating_sub(since.0) / 1000;
            tracing::info!(?cause, seconds, "the ledger can be written again");
            *health = Health::Working;
        }
    }

    /// Passes an outcome on, and takes note of a failure that is the ledger's: not of one trial's damaged rows, nor of a
    /// refused statement.
    pub(crate) fn observe<T>(&self, outcome: Result<T, LedgerError>) -> Result<T, LedgerError> {
        match &outcome {
            Err(LedgerError::Database(error)) if error.is_of_ledger() => self.failed(error),
            _ => {}
        }
        outcome
    }

    fn failed(&self, error: &DatabaseError) {
        let mut health = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cause = error.cause();
        let next = health.failed(now(), cause, error.to_string());
        if health.cause() != Some(cause)
            && let Health::Failing { message, .. } = &next
        {
            tracing::warn!(?cause, "the ledger cannot be written: {message}");
        }
        *health = next;
    }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_beginning_and_names_the_latest_cause() {
        let first = Health::default().failed(Millis(5), Cause::DiskFull, "full".to_owned());
        let later = first.failed(Millis(9), Cause::ReadOnly, "read-only".to_owned());
        assert_eq!(
            later,
            Health::Failing { since: Millis(5), cause: Cause::ReadOnly, message: "read-only".to_owned() }
        );
    }

    #[test]
    fn extended_codes_have_the_cause_of_their_primary_code() {
        // SQLITE_IOERR_WRITE, SQLITE_READONLY_CANTLOCK, SQLITE_FULL, SQLITE_CONSTRAINT.
        let causes = [778, 520, 13, 19].map(Cause::of_code);
        assert_eq!(causes, [Cause::InputOutput, Cause::ReadOnly, Cause::DiskFull, Cause::Other]);
        assert!(!Cause::Other.is_transient() && Cause::ReadOnly.is_transient());
    }
}
