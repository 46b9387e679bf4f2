//! The tables, and how an older file becomes a newer one. The file's `user_version` counts the steps taken.

use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::LedgerError;

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
-- The step of the first evaluation of an attempt, in the order of its lines: where it continued from.
ALTER TABLE streams ADD COLUMN first_evaluation INTEGER;
",
    r"
-- Its sender said that nothing more will come.
ALTER TABLE streams ADD COLUMN drained INTEGER NOT NULL DEFAULT 0;
-- Values of metrics beyond the number of names that a trial may have.
ALTER TABLE streams ADD COLUMN dropped_values INTEGER NOT NULL DEFAULT 0;
-- Events of which only the last few are kept.
ALTER TABLE streams ADD COLUMN other_events INTEGER NOT NULL DEFAULT 0;

-- What a reader selects events by; the step is that of a checkpoint with a fingerprint.
ALTER TABLE events ADD COLUMN kind TEXT NOT NULL DEFAULT 'other';
ALTER TABLE events ADD COLUMN step INTEGER;
-- Only events whose fields have the types that are read: others never decided anything.
UPDATE events SET kind = json_extract(json, '$.event')
WHERE CASE WHEN json_valid(json, 2) THEN CASE json_extract(json, '$.event')
    WHEN 'init' THEN coalesce(json_type(json, '$.parameters_sha256'), 'null') IN ('text', 'null')
        AND coalesce(json_type(json, '$.init_seed'), 'null') IN ('integer', 'null')
        AND coalesce(json_type(json, '$.data_seed'), 'null') IN ('integer', 'null')
        AND coalesce(json_type(json, '$.restored_step'), 'null') IN ('integer', 'null')
    WHEN 'checkpoint' THEN coalesce(json_type(json, '$.parameters_sha256'), 'null') IN ('text', 'null')
        AND json_type(json, '$.step') IS 'integer' AND json_extract(json, '$.step') >= 0
    WHEN 'infeasible' THEN coalesce(json_type(json, '$.reason'), 'text') = 'text'
    WHEN 'done' THEN coalesce(json_type(json, '$.step'), 'null') IN ('integer', 'null')
    END END;
UPDATE events SET step = json_extract(json, '$.step')
WHERE CASE WHEN kind = 'checkpoint' THEN json_type(json, '$.parameters_sha256') IS 'text' END;
UPDATE streams SET other_events =
    (SELECT count(*) FROM events e WHERE e.stream = streams.id AND e.kind = 'other');
DELETE FROM events WHERE kind = 'other' AND id NOT IN
    (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY stream ORDER BY id DESC) AS back
                     FROM events WHERE kind = 'other') WHERE back <= 5);
DROP INDEX events_of_stream;
CREATE INDEX events_of_kind ON events (stream, kind, step);
",
    r"
-- The pod templates of a study's trials: nearly always one. A trial without a number has its own in its spec.
CREATE TABLE templates (
    id    INTEGER PRIMARY KEY,
    study TEXT NOT NULL REFERENCES studies (uid) ON DELETE CASCADE,
    json  TEXT NOT NULL
) STRICT;
CREATE INDEX templates_of_study ON templates (study);
ALTER TABLE trials ADD COLUMN template INTEGER;
",
    r"
-- Names of fields of measurements that hold no numbers, a line each.
ALTER TABLE streams ADD COLUMN labels TEXT NOT NULL DEFAULT '';
-- The most metrics of one line that were left out because it had too many.
ALTER TABLE streams ADD COLUMN surplus INTEGER NOT NULL DEFAULT 0;
",
    r"
-- Whom this ledger belongs to: drawn when the file is made, and written beside the files of local runs.
CREATE TABLE identity (id TEXT NOT NULL) STRICT;
INSERT INTO identity VALUES (lower(hex(randomblob(16))));

-- Where a write is tried while the ledger fails. Otherwise empty.
CREATE TABLE probe (data BLOB NOT NULL) STRICT;

-- The bytes of lines that are kept of a study's trials, for quotas.
CREATE TABLE usage (
    study     TEXT PRIMARY KEY REFERENCES studies (uid) ON DELETE CASCADE,
    namespace TEXT NOT NULL,
    bytes     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO usage SELECT d.uid, d.namespace,
    (SELECT coalesce(sum(s.kept_bytes), 0) FROM trials t JOIN streams s ON s.trial = t.uid WHERE t.study = d.uid)
FROM studies d;

-- The values of one metric of a stream: the digest of all of them, and the last step.
CREATE TABLE series (
    stream    INTEGER NOT NULL REFERENCES streams (id) ON DELETE CASCADE,
    metric    INTEGER NOT NULL,
    last_step INTEGER NOT NULL,
    digest    INTEGER NOT NULL,
    PRIMARY KEY (stream, metric)
) STRICT, WITHOUT ROWID;

-- What tells the lines of a lost attempt that come late: the step of a stream's first measurements, in the order of its
-- lines, and the lowest step at which an objective or training loss was not finite.
ALTER TABLE streams ADD COLUMN first_step INTEGER;
ALTER TABLE streams ADD COLUMN non_finite_metric TEXT;
ALTER TABLE streams ADD COLUMN non_finite_step INTEGER;
UPDATE streams SET first_step = (SELECT min(m.step) FROM measurements m WHERE m.stream = streams.id);
UPDATE streams SET (non_finite_metric, non_finite_step) = (SELECT metric, step FROM non_finite n WHERE n.trial = streams.trial)
WHERE id IN (SELECT min(s.id) FROM non_finite n JOIN streams s ON s.trial = n.trial AND s.first_step <= n.step
    JOIN metrics k ON k.trial = n.trial AND k.name = n.metric
    JOIN measurements m ON m.stream = s.id AND m.metric = k.id AND m.step = n.step
    GROUP BY n.trial);
DROP TABLE non_finite;
-- The attempt of a host's latest values: the newest that measured.
ALTER TABLE latest ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;
UPDATE latest SET attempt = (SELECT coalesce(max(s.attempt), 0) FROM streams s
    WHERE s.trial = latest.trial AND s.host = latest.host AND s.first_step IS NOT NULL);

-- A digest of the other columns; 0 of rows from before, which are not checked.
ALTER TABLE studies ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE templates ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trials ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trials ADD COLUMN state_digest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE malformed ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE latest ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
",
];

/// The newest schema version: the number of [`STEPS`].
pub(crate) const VERSION: u8 = 6;

/// What a file turned out to be.
pub(crate) enum Found {
    /// A ledger of a known version; 0 before its first table.
    Ledger(u8),
    /// Something else's tables.
    Foreign,
    /// A ledger of a version that isn't known yet.
    Newer(i64),
}

impl Found {
    /// The version of the ledger.
    ///
    /// # Errors
    /// When the file is not a ledger or was written by a newer version.
    pub(crate) fn known(self, path: &str) -> Result<u8, LedgerError> {
        match self {
            Self::Ledger(version) => Ok(version),
            Self::Foreign => Err(LedgerError::NotALedger { path: path.to_owned() }),
            Self::Newer(found) => Err(LedgerError::TooNew { path: path.to_owned(), found, known: VERSION.into() }),
        }
    }
}

/// Looks what a file is.
pub(crate) async fn found(connection: &mut SqliteConnection) -> Result<Found, sqlx::Error> {
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await?;
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(connection).await?;
    Ok(match u8::try_from(version) {
        _ if tables > 0 && application != APPLICATION_ID => Found::Foreign,
        Ok(version) if version <= VERSION => Found::Ledger(version),
        _ => Found::Newer(version),
    })
}

/// Brings a file to the newest version, in one transaction. Returns what it was before; only a ledger is changed.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<Found, sqlx::Error> {
    let mut transaction = sqlx::Connection::begin_with(connection, "BEGIN IMMEDIATE").await?;
    let found = found(&mut transaction).await?;
    if let Found::Ledger(done) = found
        && done < VERSION
    {
        for step in &STEPS[usize::from(done)..] {
            sqlx::raw_sql(*step).execute(&mut *transaction).await?;
        }
        // Pragmas take no parameters; both numbers are constants.
        let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};");
        sqlx::raw_sql(AssertSqlSafe(marks)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;

    #[tokio::test]
    async fn events_of_an_older_file_get_their_kinds_and_the_rest_is_thinned_out() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        for step in &STEPS[..2] {
            sqlx::raw_sql(*step).execute(&mut connection).await.unwrap();
        }
        sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2;")))
            .execute(&mut connection)
            .await
            .unwrap();
        let put = "INSERT INTO studies VALUES ('s', '', 's', '{}', 0);
            INSERT INTO trials VALUES ('t', 's', 't', 'r', 0, 'e', '{}', '{}');
            INSERT INTO streams (trial, attempt, host, next_line) VALUES ('t', 1, 0, 99), ('t', 2, 0, 5);
            INSERT INTO metrics (trial, name) VALUES ('t', 'e');
            INSERT INTO measurements VALUES (1, 1, 3, 0.5), (2, 1, 7, NULL), (2, 1, 9, 0.5);
            INSERT INTO non_finite VALUES ('t', 'e', 7);
            INSERT INTO latest VALUES ('t', 0, 'e', 0.5);";
        sqlx::raw_sql(put).execute(&mut connection).await.unwrap();
        let mut events: Vec<String> = (0..20).map(|i| format!(r#"{{"event":"note","i":{i}}}"#)).collect();
        events.extend(
            [
                r#"{"event":"init","init_seed":7}"#,
                r#"{"event":"init","init_seed":"seven"}"#,
                r#"{"event":"checkpoint","step":50,"parameters_sha256":"ab","loss":NaN}"#,
                r#"{"event":"checkpoint","step":60}"#,
                r#"{"event":"checkpoint","step":-1}"#,
                r#"{"event":"done"}"#,
                r#"{"event":"infeasible","reason":"diverged"}"#,
            ]
            .map(str::to_owned),
        );
        for (line, json) in (0_i64..).zip(&events) {
            let insert = sqlx::query("INSERT INTO events (stream, line, json) VALUES (1, ?, ?)").bind(line).bind(json);
            insert.execute(&mut connection).await.unwrap();
        }
        assert!(matches!(migrate(&mut connection).await.unwrap(), Found::Ledger(2)));
        let rows: Vec<(i64, String, Option<i64>)> =
            sqlx::query_as("SELECT line, kind, step FROM events WHERE kind <> 'other' ORDER BY id")
                .fetch_all(&mut connection)
                .await
                .unwrap();
        let rows: Vec<_> = rows.iter().map(|(line, kind, step)| (*line, kind.as_str(), *step)).collect();
        let decides = [
            (20, "init", None),
            (22, "checkpoint", Some(50)),
            (23, "checkpoint", None),
            (25, "done", None),
            (26, "infeasible", None),
        ];
        assert_eq!(rows, decides);
        let others: Vec<i64> = sqlx::query_scalar("SELECT line FROM events WHERE kind = 'other' ORDER BY id")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        assert_eq!(others, [17, 18, 19, 21, 24]);
        let counted: i64 = sqlx::query_scalar("SELECT other_events FROM streams WHERE id = 1")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(counted, 22);
        // What was not finite is the attempt's that wrote it; the latest values are the last attempt's.
        let kept: Vec<(Option<i64>, Option<String>, Option<i64>)> =
            sqlx::query_as("SELECT first_step, non_finite_metric, non_finite_step FROM streams ORDER BY id")
                .fetch_all(&mut connection)
                .await
                .unwrap();
        assert_eq!(kept, [(Some(3), None, None), (Some(7), Some("e".to_owned()), Some(7))]);
        let of: i64 = sqlx::query_scalar("SELECT attempt FROM latest").fetch_one(&mut connection).await.unwrap();
        assert_eq!(of, 2);
    }
}
