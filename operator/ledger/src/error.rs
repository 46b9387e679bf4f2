//! What can go wrong with the ledger, and what fixes it.

use std::time::Duration;

use crate::{Cause, health::REPAIR};

/// What can go wrong with the ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// A kind of database that this version can't speak to.
    #[error(
        "the ledger at {location}: {scheme} is not in this version; give the path of an SQLite file, such as ledger.sqlite"
    )]
    NotInThisVersion {
        /// What was asked for, without a password.
        location: String,
        /// `PostgreSQL` or the URL's scheme.
        scheme: String,
    },
    /// The file can't be opened.
    #[error("the ledger {path} can't be opened: {source}. Its folder must exist, on a local disk, and be writable")]
    Open {
        /// The file.
        path: String,
        /// What SQLite says.
        source: DatabaseError,
    },
    /// An SQLite file of something else.
    #[error("{path} is an SQLite file but not a ledger of Studious; give another path")]
    NotALedger {
        /// The file.
        path: String,
    },
    /// Written by a newer version.
    #[error(
        "the ledger {path} has schema version {found}, and this version knows up to {known}: use the newer studious that wrote it"
    )]
    TooNew {
        /// The file.
        path: String,
        /// Its schema version.
        found: i64,
        /// The newest schema version known.
        known: i64,
    },
    /// SQLite finds the file inconsistent.
    #[error("the ledger {path} is damaged: {problem}. {REPAIR}")]
    Damaged {
        /// The file.
        path: String,
        /// What SQLite says first.
        problem: String,
    },
    /// Lines are missing before those that came.
    #[error("lines {next_line} to {} are missing: send from line {next_line} on, not from {first_line}", first_line.saturating_sub(1))]
    Gap {
        /// The first line of what came, from 0.
        first_line: u64,
        /// The line that is wanted next, from 0.
        next_line: u64,
    },
    /// A trial that the ledger doesn't hold: not yet, or no longer.
    #[error("the ledger holds no trial {trial}: it was deleted, or must be put in (upsert_trial) before its lines")]
    UnknownTrial {
        /// Its uid.
        trial: String,
    },
    /// A study that the ledger doesn't hold: not yet, or no longer.
    #[error("the ledger holds no study {study}: it was deleted, or must be put in (upsert_study) before its trials")]
    UnknownStudy {
        /// Its uid.
        study: String,
    },
    /// A row that can't be read.
    #[error("the ledger's {what} of {object} cannot be read: {problem}. {REPAIR}")]
    Corrupt {
        /// The column.
        what: &'static str,
        /// The trial or study.
        object: String,
        /// What is wrong.
        problem: String,
    },
    /// Something that can't be written as JSON.
    #[error("the {what} of {object} can't be written: {source}")]
    Unwritable {
        /// The field.
        what: &'static str,
        /// The trial or study.
        object: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The database: busy, full, or gone.
    #[error("the ledger: {0}")]
    Database(#[from] DatabaseError),
}

impl LedgerError {
    /// Whether trying again later may help: the database is locked by another process, or the disk is full.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_transient())
    }
}

/// What a database says when it fails, whichever database it is.
#[derive(Debug)]
pub struct DatabaseError {
    problem: Problem,
    cause: Cause,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("other writers took longer than {} s", .0.as_secs())]
    Busy(Duration),
    #[error("{0} differs from its checksum")]
    Damaged(String),
    #[error(transparent)]
    Sqlx(sqlx::Error),
}

impl DatabaseError {
    /// The turn to write did not come in time.
    pub(crate) fn busy(waited: Duration) -> Self {
        Self { problem: Problem::Busy(waited), cause: Cause::Busy }
    }

    /// Rows are not those that were written; `what` names them.
    pub(crate) fn damaged(what: String) -> Self {
        Self { problem: Problem::Damaged(what), cause: Cause::Damaged }
    }

    /// Whether the ledger fails, not only the rows or the statement at hand.
    pub(crate) fn is_of_ledger(&self) -> bool {
        self.cause != Cause::Other && !matches!(self.problem, Problem::Damaged(_))
    }

    /// The database's own words.
    pub(crate) fn words(&self) -> String {
        self.problem.to_string()
    }

    /// Why it fails.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether trying again later may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.cause.is_transient()
    }
}

impl std::fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.cause {
            Cause::Other => self.problem.fmt(f),
            cause => write!(f, "{cause} ({}). {}", self.problem, cause.fix()),
        }
    }
}

impl std::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.problem.source()
    }
}

#[doc(hidden)]
impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        let cause = match &error {
            // All readers are taken.
            sqlx::Error::PoolTimedOut => Cause::Busy,
            // A worker that is gone is replaced with its connection.
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => Cause::InputOutput,
            sqlx::Error::Database(error) => {
                error.code().and_then(|code| code.parse().ok()).map_or(Cause::Other, Cause::of_code)
            }
            _ => Cause::Other,
        };
        Self { problem: Problem::Sqlx(error), cause }
    }
}
