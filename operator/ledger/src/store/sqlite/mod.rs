//! SQLite: one file, one writer and several readers.

mod events;
mod measurements;
mod schema;
mod streams;
mod trials;

use std::{path::Path, sync::Arc, time::Duration};

use nix::{
    errno::Errno,
    unistd::{AccessFlags, access},
};
use sqlx::{
    ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{
    error::{DatabaseError, LedgerError},
    health::{Cause, SharedHealth},
};

/// What is written to see whether the ledger can be written again.
const PROBE_BYTES: i64 = 256 * 1024;
/// A larger file is not checked as a whole when a writer opens it: that would take longer than 4 s.
const LARGE: u64 = 1 << 30;
/// How long a write waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for its turn in this process.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);
/// Reports and the dashboard may read at once; each holds a connection.
const READERS: u32 = 4;

/// An open file; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    options: SqliteConnectOptions,
    /// Nothing after a transaction that did not end as it should: the next write connects again.
    writer: Arc<Mutex<Option<SqliteConnection>>>,
    reader: SqlitePool,
    /// Whether writes succeed.
    pub(crate) health: SharedHealth,
    /// The folder of the copy that is read in place of an older file.
    #[allow(dead_code, reason = "dropped with the last handle")]
    copy: Option<Arc<TempDir>>,
}

/// A write that has its turn. A connection comes back from it only through [`WriteTransaction::commit`] or
/// [`WriteTransaction::roll_back`]; otherwise it is closed, because SQLite ends some failed transactions itself (full
/// disk, I/O error) and a connection that disagrees with SQLite about that would refuse every later transaction.
pub(crate) struct WriteTransaction {
    turn: OwnedMutexGuard<Option<SqliteConnection>>,
    connection: SqliteConnection,
    /// False of a write of one statement, which SQLite begins and ends itself.
    is_begun: bool,
    health: SharedHealth,
}

/// A read that sees one moment of the ledger. It ends when it is dropped; a connection that SQLite has rolled back itself
/// (I/O error) is closed then.
pub(crate) struct ReadTransaction(PoolConnection<Sqlite>);

impl Database {
    /// Opens a file, or makes it, and brings it to the newest schema.
    ///
    /// # Errors
    /// When it cannot be opened, is damaged, is not a ledger or was written by a newer version.
    pub(crate) async fn open(path: &str) -> Result<Self, LedgerError> {
        let options = options(path).create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
        let mut connection = options.connect().await.map_err(|error| open_failed(path, error))?;
        check(path, &mut connection, Thoroughness::Structure).await?;
        schema::migrate(&mut connection).await.map_err(|error| open_failed(path, error))?.known(path)?;
        Ok(Self::new(options, Some(connection)))
    }

    /// Opens a file that exists to read it. A file of an older version is left as it is, so that the version that wrote
    /// it can continue: what is read is a copy of it, made and brought to the newest schema now.
    ///
    /// # Errors
    /// As [`Database::open`], and when the file does not exist.
    pub(crate) async fn open_to_read(path: &str) -> Result<Self, LedgerError> {
        let failed = |error| open_failed(path, error);
        let options = options(path).create_if_missing(false);
        let opened = async {
            let mut connection = options.connect().await?;
            let found = schema::found(&mut connection).await?;
            Ok((connection, found))
        };
        let (mut connection, found) = match opened.await {
            Ok(opened) => opened,
            // SQLite reads a file with a log of writes only where it can put a third file beside them.
            Err(_) if is_in_a_read_only_folder(Path::new(path)) => return Self::open_copy(path).await,
            Err(error) => return Err(failed(error)),
        };
        let found = found.known(path)?;
        check(path, &mut connection, Thoroughness::Indexes).await?;
        if found == schema::VERSION {
            return Ok(Self::new(options.pragma("query_only", "1"), None));
        }
        let folder = TempDir::new().map_err(|error| open_failed(path, sqlx::Error::Io(error)))?;
        let copy = folder.path().join("ledger.sqlite").to_string_lossy().into_owned();
        sqlx::query("VACUUM INTO ?").bind(&copy).execute(&mut connection).await.map_err(failed)?;
        connection.close().await.map_err(failed)?;
        let mut database = Self::open(&copy).await?;
        database.copy = Some(Arc::new(folder));
        Ok(database)
    }

    /// Opens a copy of a file that lies where nothing can be written, with its log of writes.
    async fn open_copy(path: &str) -> Result<Self, LedgerError> {
        let failed = |error| open_failed(path, sqlx::Error::Io(error));
        let folder = TempDir::new().map_err(failed)?;
        let copy = folder.path().join("ledger.sqlite").to_string_lossy().into_owned();
        std::fs::copy(path, &copy).map_err(failed)?;
        match std::fs::copy(format!("{path}-wal"), format!("{copy}-wal")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        // The copy has the rights of the original.
        make_writable(Path::new(&copy)).map_err(failed)?;
        let mut database = Self::open(&copy).await?;
        database.copy = Some(Arc::new(folder));
        Ok(database)
    }

    /// The file.
    pub(crate) fn file(&self) -> &Path {
        self.options.get_filename()
    }

    fn new(options: SqliteConnectOptions, connection: Option<SqliteConnection>) -> Self {
        let health = SharedHealth::default();
        let of_reader = health.clone();
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(TURN_TIMEOUT)
            .after_release(move |connection, _| {
                // One that was opened on a read-only disk keeps what SQLite shares within a process read-only.
                let is_working = of_reader.now().is_working();
                Box::pin(async move { Ok(sqlx::query("ROLLBACK").execute(connection).await.is_ok() && is_working) })
            })
            .connect_lazy_with(options.clone().pragma("query_only", "1"));
        Self { options, writer: Arc::new(Mutex::new(connection)), reader, health, copy: None }
    }

    /// Waits for the turn to write: no other caller writes until the transaction ends.
    pub(crate) async fn write(&self) -> Result<WriteTransaction, DatabaseError> {
        let mut write = self.write_once().await?;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut write.connection).await?;
        write.is_begun = true;
        Ok(write)
    }

    /// As [`Database::write`], for a single statement.
    pub(crate) async fn write_once(&self) -> Result<WriteTransaction, DatabaseError> {
        let mut turn = tokio::time::timeout(TURN_TIMEOUT, self.writer.clone().lock_owned())
            .await
            .map_err(|_| DatabaseError::busy(TURN_TIMEOUT))?;
        let connection = match turn.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        Ok(WriteTransaction { turn, connection, is_begun: false, health: self.health.clone() })
    }

    /// Begins a read.
    pub(crate) async fn read(&self) -> Result<ReadTransaction, DatabaseError> {
        let mut connection = self.reader.acquire().await?;
        sqlx::query("BEGIN").execute(&mut *connection).await?;
        Ok(ReadTransaction(connection))
    }

    /// Writes everything committed so far through to the disk.
    pub(crate) async fn sync(&self) -> Result<(), DatabaseError> {
        let mut write = self.write_once().await?;
        // A checkpoint syncs the log before it moves pages, then the file.
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_all(&mut write.connection).await?;
        write.roll_back().await
    }

    /// Writes as much as a batch may need, and deletes it.
    pub(crate) async fn probe(&self) -> Result<(), DatabaseError> {
        let mut write = self.write().await?;
        let insert = sqlx::query("INSERT INTO probe (data) VALUES (zeroblob(?))").bind(PROBE_BYTES);
        insert.execute(&mut write.connection).await?;
        write.end("COMMIT").await?;
        let mut write = self.write_once().await?;
        sqlx::query("DELETE FROM probe").execute(&mut write.connection).await?;
        write.commit().await
    }

    /// Closes the file once running calls have ended. A later write opens it again.
    pub(crate) async fn close(&self) {
        self.reader.close().await;
        let connection = self.writer.lock().await.take();
        if let Some(connection) = connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the ledger did not close cleanly; nothing acknowledged is lost");
        }
    }
}

impl WriteTransaction {
    /// Keeps what was written. Only when this returns `Ok` does it survive the death of this process.
    pub(crate) async fn commit(self) -> Result<(), DatabaseError> {
        let health = self.health.clone();
        self.end("COMMIT").await?;
        health.succeeded();
        Ok(())
    }

    /// Gives up what was written.
    pub(crate) async fn roll_back(self) -> Result<(), DatabaseError> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &'static str) -> Result<(), DatabaseError> {
        if self.is_begun {
            sqlx::query(how).execute(&mut self.connection).await?;
        }
        *self.turn = Some(self.connection);
        Ok(())
    }
}

/// What of a file is checked when it is opened; values are checked against their digests when they are read.
#[derive(Clone, Copy, PartialEq)]
enum Thoroughness {
    /// Pages and rows.
    Structure,
    /// Also that indexes lead to every row.
    Indexes,
}

/// Checks a file. Of 200 MB the structure takes 0.7 s and indexes 0.5 s more; of larger files than [`LARGE`] nothing is
/// checked that need not be.
async fn check(path: &str, connection: &mut SqliteConnection, how: Thoroughness) -> Result<(), LedgerError> {
    let is_large = std::fs::metadata(path).is_ok_and(|file| file.len() > LARGE);
    let pragma = match (how, is_large) {
        (Thoroughness::Indexes, false) => "PRAGMA integrity_check(1)",
        (Thoroughness::Structure, false) | (Thoroughness::Indexes, true) => "PRAGMA quick_check(1)",
        (Thoroughness::Structure, true) => return Ok(()),
    };
    let checked = sqlx::query_scalar(pragma).fetch_one(connection).await;
    match checked.map_err(|error| open_failed(path, error))? {
        ok if ok == "ok" => Ok(()),
        problem => Err(LedgerError::Damaged { path: path.to_owned(), problem }),
    }
}

fn is_in_a_read_only_folder(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    matches!(access(folder, AccessFlags::W_OK), Err(Errno::EACCES | Errno::EROFS | Errno::EPERM))
}

fn make_writable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let log = std::path::PathBuf::from(format!("{}-wal", path.display()));
    [path, &log]
        .into_iter()
        .filter(|file| file.exists())
        .try_for_each(|file| std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)))
}

fn options(path: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .synchronous(SqliteSynchronous::Normal)
        // A long read lets the log of writes grow; this is what it shrinks back to.
        .pragma("journal_size_limit", "67108864")
}

fn open_failed(path: &str, error: sqlx::Error) -> LedgerError {
    let source = DatabaseError::from(error);
    match source.cause() {
        Cause::Damaged => LedgerError::Damaged { path: path.to_owned(), problem: source.words() },
        _ => LedgerError::Open { path: path.to_owned(), source },
    }
}

/// The file that a location names.
///
/// # Errors
/// When the location names another kind of database.
pub(crate) fn file_of(location: &Path) -> Result<String, LedgerError> {
    let location = location.to_string_lossy();
    let Some((scheme, rest)) = location.split_once("://") else {
        return Ok(location.strip_prefix("sqlite:").unwrap_or(&location).to_owned());
    };
    if scheme == "sqlite" {
        return Ok(rest.to_owned());
    }
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let name = if matches!(scheme, "postgres" | "postgresql") { "PostgreSQL" } else { scheme };
    Err(LedgerError::NotInThisVersion { location: format!("{scheme}://{host}"), scheme: name.to_owned() })
}

/// SQLite's integers are signed; steps, lines and times stay far below either limit.
fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn to_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(location: &str) -> Result<String, LedgerError> {
        file_of(Path::new(location))
    }

    #[test]
    fn other_databases_are_refused_without_showing_a_password() {
        let error = file("postgres://me:secret@db/studious").unwrap_err().to_string();
        assert!(error.contains("PostgreSQL is not in this version") && error.contains("db/studious"), "{error}");
        assert!(!error.contains("secret"));
        assert!(file("mysql://db/x").is_err());
    }

    #[test]
    fn paths_and_sqlite_urls() {
        assert_eq!(file("runs/ledger.sqlite").unwrap(), "runs/ledger.sqlite");
        assert_eq!(file("sqlite:///data/l.sqlite").unwrap(), "/data/l.sqlite");
        assert_eq!(file("sqlite:l.sqlite").unwrap(), "l.sqlite");
    }

    #[tokio::test]
    async fn a_full_disk_refuses_writes_only_as_long_as_it_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path().join("ledger.sqlite").to_str().unwrap()).await.unwrap();
        let fill = async |rows: usize| -> Result<(), DatabaseError> {
            let mut write = database.write().await?;
            for i in 0..rows {
                sqlx::query("INSERT INTO studies VALUES (?, '', '', ?, 0, 0)")
                    .bind(format!("{i}"))
                    .bind("x".repeat(4096))
                    .execute(&mut write.connection)
                    .await?;
            }
            write.commit().await
        };
        let mut write = database.write().await.unwrap();
        sqlx::query("PRAGMA max_page_count = 60").execute(&mut write.connection).await.unwrap();
        write.commit().await.unwrap();
        let error = fill(100).await.unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("full"), "{error}");
        // The limit belonged to the connection that failed: this is the moment after space was freed.
        fill(100).await.unwrap();
    }

    #[tokio::test]
    async fn a_write_that_is_dropped_leaves_nothing_and_blocks_no_one() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path().join("ledger.sqlite").to_str().unwrap()).await.unwrap();
        for how in ["dropped", "rolled back"] {
            let mut write = database.write().await.unwrap();
            sqlx::query("INSERT INTO studies VALUES ('u', '', '', '', 0, 0)")
                .execute(&mut write.connection)
                .await
                .unwrap();
            if how == "dropped" {
                drop(write);
            } else {
                write.roll_back().await.unwrap();
            }
            let mut write = database.write().await.unwrap();
            let studies: i64 =
                sqlx::query_scalar("SELECT count(*) FROM studies").fetch_one(&mut write.connection).await.unwrap();
            write.commit().await.unwrap();
            assert_eq!(studies, 0, "{how}");
        }
    }
}
