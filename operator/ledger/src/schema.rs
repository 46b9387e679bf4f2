//! The tables, and how an older file becomes a newer one. The file's `user_version` counts the steps taken.

use sqlx::{AssertSqlSafe, SqliteConnection};

/// Marks an SQLite file as a ledger: "Stud" in ASCII.
pub(crate) const APPLICATION_ID: i64 = 0x5374_7564;

/// Each step takes a file from the version of its index to the next. Steps are never changed once released.
const STEPS: [&str; VERSION as usize] = [
    r"
CREATE TABLE studies (
    uid       TEXT PRIMARY KEY,
    namespace TEXT NOT NULL,
    name      TEXT NOT NULL,
    spec      TEXT NOT NULL,
    created   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE trials (
    uid    TEXT PRIMARY KEY,
    study  TEXT NOT NULL REFERENCES studies (uid) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    round  TEXT NOT NULL,
    number INTEGER NOT NULL,
    objective_metric TEXT NOT NULL,
    spec   TEXT NOT NULL,
    state  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX trials_of_study ON trials (study, round, number);

-- What one host of one attempt wrote: its cursor and its counts.
CREATE TABLE streams (
    id           INTEGER PRIMARY KEY,
    trial        TEXT NOT NULL REFERENCES trials (uid) ON DELETE CASCADE,
    attempt      INTEGER NOT NULL,
    host         INTEGER NOT NULL,
    next_line    INTEGER NOT NULL DEFAULT 0,
    kept_lines   INTEGER NOT NULL DEFAULT 0,
    kept_bytes   INTEGER NOT NULL DEFAULT 0,
    final_lines  INTEGER NOT NULL DEFAULT 0,
    malformed    INTEGER NOT NULL DEFAULT 0,
    dropped      INTEGER NOT NULL DEFAULT 0,
    UNIQUE (trial, attempt, host)
) STRICT;

-- Names of metrics, by trial so that they go with it.
CREATE TABLE metrics (
    id    INTEGER PRIMARY KEY,
    trial TEXT NOT NULL REFERENCES trials (uid) ON DELETE CASCADE,
    name  TEXT NOT NULL,
    UNIQUE (trial, name)
) STRICT;

-- NULL stands for NaN; infinities are kept as they are.
CREATE TABLE measurements (
    stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    metric INTEGER NOT NULL,
    step   INTEGER NOT NULL,
    value  REAL,
    PRIMARY KEY (stream, metric, step)
) STRICT, WITHOUT ROWID;

-- In the order of arrival, which the id keeps.
CREATE TABLE events (
    id     INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    line   INTEGER NOT NULL,
    json   TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_stream ON events (stream);

-- The first few lines of each stream that could not be read.
CREATE TABLE malformed (
    id      INTEGER PRIMARY KEY,
    stream  INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    line    INTEGER NOT NULL,
    problem TEXT NOT NULL
) STRICT;
CREATE INDEX malformed_of_stream ON malformed (stream);

-- The last value of each metric, by host.
CREATE TABLE latest (
    trial  TEXT NOT NULL REFERENCES trials (uid) ON DELETE CASCADE,
    host   INTEGER NOT NULL,
    metric TEXT NOT NULL,
    value  REAL,
    PRIMARY KEY (trial, host, metric)
) STRICT, WITHOUT ROWID;

-- The first objective or training loss of a trial that was not finite.
CREATE TABLE non_finite (
    trial  TEXT PRIMARY KEY REFERENCES trials (uid) ON DELETE CASCADE,
    metric TEXT NOT NULL,
    step   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
",
    r"
-- The step of the first evaluation of an attempt, in the order of its lines: where it went on from.
ALTER TABLE streams ADD COLUMN first_evaluation INTEGER;
",
];

/// The newest schema version: the number of [`STEPS`].
pub(crate) const VERSION: u8 = 2;

/// What a file turned out to be.
pub(crate) enum Found {
    /// A ledger, now of the newest version.
    Ledger,
    /// Something else's tables.
    Foreign,
    /// A ledger of a version that isn't known yet.
    Newer(i64),
}

/// Brings a file to the newest version, in one transaction.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<Found, sqlx::Error> {
    let mut transaction = sqlx::Connection::begin_with(connection, "BEGIN IMMEDIATE").await?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *transaction).await?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *transaction).await?;
    if tables > 0 && application != APPLICATION_ID {
        return Ok(Found::Foreign);
    }
    let done = match usize::try_from(version) {
        Ok(done) if done <= STEPS.len() => done,
        _ => return Ok(Found::Newer(version)),
    };
    if done < STEPS.len() {
        for step in &STEPS[done..] {
            sqlx::raw_sql(*step).execute(&mut *transaction).await?;
        }
        // Pragmas take no parameters; both numbers are constants.
        let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};");
        sqlx::raw_sql(AssertSqlSafe(marks)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(Found::Ledger)
}
