//! The file: opening it, its one writer and its readers.

use std::{path::Path, time::Duration};

use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{Limits, error::LedgerError, schema};

/// How long a write waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for its turn in this process.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);
/// Reports and the dashboard may read at once; each holds a connection.
const READERS: u32 = 4;

/// Handle of a ledger; cloning it shares the file.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(crate) writer: SqlitePool,
    pub(crate) reader: SqlitePool,
    pub(crate) limits: Limits,
}

impl Ledger {
    /// Opens a ledger, made if it doesn't exist, with the usual [`Limits`]: a path, or `sqlite:` with a path.
    ///
    /// # Errors
    /// When it is another kind of database, can't be opened, isn't a ledger or was written by a newer version.
    pub async fn open(location: impl AsRef<Path>) -> Result<Self, LedgerError> {
        Self::open_with(location, Limits::default()).await
    }

    /// Opens a ledger with limits of one's own.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub async fn open_with(location: impl AsRef<Path>, limits: Limits) -> Result<Self, LedgerError> {
        let location = location.as_ref().to_string_lossy().into_owned();
        let path = file_of(&location)?.to_owned();
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            // A long read lets the log of writes grow; this is what it shrinks back to.
            .pragma("journal_size_limit", "67108864");
        let open_failed = |source| LedgerError::Open { path: path.clone(), source };

        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(TURN_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await
            .map_err(open_failed)?;
        let mut connection = writer.acquire().await.map_err(open_failed)?;
        match schema::migrate(&mut connection).await.map_err(open_failed)? {
            schema::Found::Ledger => {}
            schema::Found::Foreign => return Err(LedgerError::NotALedger { path }),
            schema::Found::Newer(found) => {
                return Err(LedgerError::TooNew { path, found, known: schema::VERSION.into() });
            }
        }
        drop(connection);
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(TURN_TIMEOUT)
            .connect_lazy_with(options.pragma("query_only", "1"));
        Ok(Self { writer, reader, limits })
    }

    /// Makes everything acknowledged so far survive a loss of power.
    ///
    /// # Errors
    /// When the disk doesn't take it.
    pub async fn sync(&self) -> Result<(), LedgerError> {
        // A checkpoint syncs the log before it moves pages, then the file.
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_all(&self.writer).await?;
        Ok(())
    }

    /// Closes the file once running calls have ended. Dropping the last handle closes it too, but doesn't wait.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// A write that has its turn: nobody else writes until it ends.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// A read that sees one moment of the ledger.
    pub(crate) async fn read(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.reader.begin().await
    }
}

/// The file that a location names.
fn file_of(location: &str) -> Result<&str, LedgerError> {
    if let Some((scheme, rest)) = location.split_once("://") {
        let shown = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        match scheme {
            "sqlite" => return Ok(rest),
            "postgres" | "postgresql" => {
                return Err(LedgerError::NotInThisVersion {
                    location: format!("{scheme}://{shown}"),
                    scheme: "PostgreSQL".to_owned(),
                });
            }
            _ => {
                return Err(LedgerError::NotInThisVersion {
                    location: format!("{scheme}://{shown}"),
                    scheme: scheme.to_owned(),
                });
            }
        }
    }
    Ok(location.strip_prefix("sqlite:").unwrap_or(location))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_databases_are_refused_without_showing_a_password() {
        let error = file_of("postgres://me:secret@db/studious").unwrap_err().to_string();
        assert!(error.contains("PostgreSQL is not in this version") && error.contains("db/studious"), "{error}");
        assert!(!error.contains("secret"));
        assert!(file_of("mysql://db/x").is_err());
    }

    #[test]
    fn paths_and_sqlite_urls() {
        assert_eq!(file_of("runs/ledger.sqlite").unwrap(), "runs/ledger.sqlite");
        assert_eq!(file_of("sqlite:///data/l.sqlite").unwrap(), "/data/l.sqlite");
        assert_eq!(file_of("sqlite:l.sqlite").unwrap(), "l.sqlite");
    }
}
