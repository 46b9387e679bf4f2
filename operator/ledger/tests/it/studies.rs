use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use studious_api::trial::{AttemptOutcome, TrialPhase};
use studious_contract::JudgedMetrics;
use studious_ledger::{Attempt, Ledger, LedgerError, RunState};
use studious_playbook::{
    Millis,
    record::{CurveSelection, Outcome, TrialRecord},
};

use crate::{TRIAL, ledger, lines, study_row, trial_row};

#[tokio::test]
async fn trials_read_back_as_they_were_put_in() {
    let (folder, ledger) = ledger().await;
    let mut trial = trial_row("t7", "study-uid", 7);
    trial.state = RunState {
        phase: TrialPhase::Succeeded,
        objective: Some(0.1 + 0.2),
        best_step: Some(450),
        attempt: 2,
        attempts: vec![Attempt {
            restore_at_most: None,
            silent_failure: None,
            provenance: None,
            number: 1,
            outcome: AttemptOutcome::Disrupted,
            message: "host 1 was lost: \"node\"".into(),
            start_time: Some(Millis(1)),
            end_time: Some(Millis(2)),
            step: Some(5),
        }],
        start_time: Some(Millis(1)),
        end_time: Some(Millis(1_800_000_000_000)),
        ..RunState::default()
    };
    ledger.upsert_trial(&trial).await.unwrap();
    ledger.close().await;
    let ledger = Ledger::open(folder.path().join("ledger.sqlite")).await.unwrap();
    assert_eq!(ledger.trial("t7").await.unwrap(), Some(trial.clone()));
    assert_eq!(ledger.trials("study-uid").await.unwrap(), [trial_row(TRIAL, "study-uid", 0), trial]);
    assert_eq!(ledger.trial("t8").await.unwrap(), None);
    assert_eq!(ledger.studies().await.unwrap(), [study_row("study-uid")]);
}

/// The largest part of ten thousand trials is in memory and in the file once.
#[tokio::test]
async fn trials_share_the_template_of_their_study() {
    let (folder, ledger) = ledger().await;
    for index in 1..4 {
        let mut trial = trial_row(&format!("t{index}"), "study-uid", index);
        if index == 3 {
            std::sync::Arc::make_mut(&mut trial.spec.template).spec.as_mut().unwrap().hostname = Some("other".into());
        }
        ledger.upsert_trial(&trial).await.unwrap();
        assert_eq!(ledger.trial(&trial.uid).await.unwrap(), Some(trial));
    }
    let trials = ledger.trials("study-uid").await.unwrap();
    let same = |a: usize, b: usize| std::sync::Arc::ptr_eq(&trials[a].spec.template, &trials[b].spec.template);
    assert!(same(0, 1) && same(1, 2) && !same(2, 3));
    assert_eq!(trials[3].spec.template.spec.as_ref().unwrap().hostname.as_deref(), Some("other"));
    ledger.close().await;
    // A trial of an earlier version has its template in its spec.
    let path = folder.path().join("ledger.sqlite");
    sql(
        &path,
        "UPDATE trials SET template = NULL, digest = 0, spec = json_set(spec, '$.template', json('{\"spec\":null}'))",
    )
    .await;
    let ledger = Ledger::open(&path).await.unwrap();
    assert!(ledger.trials("study-uid").await.unwrap()[0].spec.template.spec.is_none());
}

/// Rounds come as the spec has them, whatever their names and budgets; retraining has the budget of the last one.
#[tokio::test]
async fn trials_come_in_the_order_of_the_rounds() {
    let (_folder, ledger) = ledger().await;
    let mut study = study_row("study-uid");
    let round = |name: &str, steps: u64| {
        let mut round = study_row("x").spec.rounds[0].clone();
        (round.name, round.max_train_steps) = (name.to_owned(), steps);
        round
    };
    study.spec.rounds = vec![round("explore", 1000), round("verify", 2000)];
    study.spec.retrain = Some(serde_json::from_str(r#"{"best":1,"times":2}"#).unwrap());
    ledger.upsert_study(&study).await.unwrap();
    for (name, steps) in [("retrain", 2000), ("verify", 2000), ("elsewhere", 10)] {
        for index in [1, 0] {
            let mut trial = trial_row(&format!("{name}-{index}"), "study-uid", index);
            (trial.spec.round, trial.spec.max_train_steps) = (name.to_owned(), steps);
            ledger.upsert_trial(&trial).await.unwrap();
        }
    }
    let order = [TRIAL, "verify-0", "verify-1", "retrain-0", "retrain-1", "elsewhere-0", "elsewhere-1"];
    let trials = ledger.trials("study-uid").await.unwrap();
    assert_eq!(trials.iter().map(|trial| trial.uid.as_str()).collect::<Vec<_>>(), order);
    let heads = ledger.trial_heads("study-uid").await.unwrap();
    assert_eq!(heads.iter().map(|head| head.uid.as_str()).collect::<Vec<_>>(), order);
}

#[tokio::test]
async fn a_trial_needs_its_study() {
    let (_folder, ledger) = ledger().await;
    let error = ledger.upsert_trial(&trial_row("t1", "gone", 1)).await.unwrap_err();
    assert!(matches!(&error, LedgerError::UnknownStudy { study } if study == "gone"), "{error}");
}

#[tokio::test]
async fn putting_a_trial_in_again_keeps_its_measurements() {
    let (_folder, ledger) = ledger().await;
    ledger.append(TRIAL, 1, 0, 0, &lines(0..5)).await.unwrap();
    ledger.upsert_trial(&trial_row(TRIAL, "study-uid", 0)).await.unwrap();
    ledger.upsert_study(&study_row("study-uid")).await.unwrap();
    assert_eq!(ledger.next_line(TRIAL, 1, 0).await.unwrap(), 5);
}

#[tokio::test]
async fn a_changed_state_keeps_the_spec() {
    let (_folder, ledger) = ledger().await;
    let mut trial = trial_row(TRIAL, "study-uid", 0);
    trial.state = RunState { phase: TrialPhase::Succeeded, objective: Some(0.5), ..RunState::default() };
    ledger.update_state(TRIAL, &trial.state).await.unwrap();
    assert_eq!(ledger.trial(TRIAL).await.unwrap(), Some(trial));
    let error = ledger.update_state("gone", &RunState::default()).await.unwrap_err();
    assert!(matches!(error, LedgerError::UnknownTrial { .. }), "{error}");
}

#[tokio::test]
async fn records_have_outcomes_and_curves_without_lost_attempts() {
    let (_folder, ledger) = ledger().await;
    let file = |values: &[(u64, f64)]| -> Vec<String> {
        values.iter().map(|(s, v)| format!(r#"{{"step":{s},"validation_error":{v}}}"#)).collect()
    };
    ledger.append(TRIAL, 1, 0, 0, &file(&[(10, 0.5), (20, 0.4), (30, 0.35)])).await.unwrap();
    ledger.append(TRIAL, 1, 1, 0, &file(&[(10, 9.0)])).await.unwrap();
    ledger.append(TRIAL, 2, 0, 0, &file(&[(20, 0.45), (40, 0.2)])).await.unwrap();
    let mut trial = trial_row(TRIAL, "study-uid", 0);
    trial.state.phase = TrialPhase::Infeasible;
    trial.state.reason = Some("Diverged".into());
    ledger.upsert_trial(&trial).await.unwrap();
    let records = ledger.records("study-uid", CurveSelection::WHOLE).await.unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].outcome, Outcome::Infeasible { reason: "Diverged".into() });
    assert_eq!(records[0].curves["validation_error"], [(10, 0.5), (20, 0.45), (40, 0.2)]);
}

#[tokio::test]
async fn curves_of_which_nothing_is_concluded_are_read_only_when_they_are_wanted() {
    let (_folder, ledger) = ledger().await;
    let line = |step: u64| {
        let layers: Vec<String> = (0..40).map(|layer| format!(r#""gn/l{layer}":{step}"#)).collect();
        let layers = layers.join(",");
        format!(r#"{{"step":{step},{layers},"validation_error":0.5,"offline_validation_error":1,"gradient_norm":2}}"#)
    };
    let trial = trial_row(TRIAL, "study-uid", 0);
    ledger.upsert_trial(&trial).await.unwrap();
    let lines: Vec<String> = (1..=20).map(|n| line(10 * n)).collect();
    // Of one attempt and of two: they are read in different ways.
    for (attempt, host, lines) in [(1, 0, &lines[..8]), (1, 1, &lines[..]), (2, 0, &lines[8..])] {
        ledger.append(TRIAL, attempt, host, 0, lines).await.unwrap();
    }
    let of = async |wanted| ledger.records("study-uid", wanted).await.unwrap().remove(0);
    let (all, some) = (of(CurveSelection::WHOLE).await, of(CurveSelection::concluded(None)).await);
    assert_eq!((all.curves.len(), all.hosts[&1].len()), (43, 43));
    let concluded = ["gradient_norm", "offline_validation_error", "validation_error"];
    for (all, some) in [(&all.curves, &some.curves), (&all.hosts[&1], &some.hosts[&1])] {
        assert_eq!(some.keys().collect::<Vec<_>>(), concluded);
        assert!(some.iter().all(|(name, curve)| curve.len() == 20 && all[name] == *curve));
    }
    let thin = of(CurveSelection::concluded(Some(6))).await;
    assert!(thin.curves.values().all(|curve| curve.len() == 6));
}

#[tokio::test]
async fn records_hold_what_each_host_reported() {
    let (_folder, ledger) = ledger().await;
    let texts = |lines: &[&str]| -> Vec<String> { lines.iter().map(ToString::to_string).collect() };
    let first = texts(&[
        r#"{"event":"init","parameters_sha256":"aa","init_seed":7,"data_seed":1}"#,
        r#"{"step":10,"validation_error":0.5,"examples_per_second":900}"#,
        r#"{"event":"checkpoint","step":10,"parameters_sha256":"bb"}"#,
        r#"{"event":"done","step":10}"#,
    ]);
    let second = texts(&[
        r#"{"event":"init","parameters_sha256":"bb","restored_step":10}"#,
        r#"{"step":10,"examples_per_second":800}"#,
    ]);
    ledger.append(TRIAL, 1, 0, 0, &first).await.unwrap();
    ledger.append(TRIAL, 2, 1, 0, &second).await.unwrap();
    let mut trial = trial_row(TRIAL, "study-uid", 0);
    let (began, ended) = (Some(Millis(5)), Some(Millis(9)));
    trial.state.phase = TrialPhase::Running;
    trial.state.attempt = 2;
    trial.state.attempts = vec![Attempt {
        restore_at_most: None,
        silent_failure: None,
        provenance: None,
        number: 1,
        outcome: AttemptOutcome::Disrupted,
        message: "lost".into(),
        start_time: began,
        end_time: ended,
        step: None,
    }];
    ledger.upsert_trial(&trial).await.unwrap();

    let record = ledger.records("study-uid", CurveSelection::WHOLE).await.unwrap().remove(0);
    assert_eq!(record.hosts[&1]["examples_per_second"], [(10, 800.0)]);
    assert_eq!(record.curves["examples_per_second"], [(10, 900.0)]);
    let inits: Vec<_> = record.inits.iter().map(|i| (i.attempt, i.host, i.init.restored_step)).collect();
    assert_eq!(inits, [(1, 0, None), (2, 1, Some(10))]);
    let saved: Vec<_> = record.checkpoints.iter().map(|c| (c.attempt, c.host, c.step)).collect();
    assert_eq!(saved, [(1, 0, 10)]);
    let spans: Vec<_> = record.attempts.iter().map(|a| (a.number, a.started, a.ended, a.outcome)).collect();
    assert_eq!(spans, [(1, began, ended, Some(AttemptOutcome::Disrupted)), (2, None, None, None)]);
    assert_eq!(record.seeds, Some(trial.spec.seeds.clone()));

    // The same, added to a record that was made from elsewhere.
    let mut filled = TrialRecord::default();
    let judged = JudgedMetrics::of(&trial.spec);
    ledger.fill(TRIAL, &mut filled, &judged, CurveSelection::all(Some(8))).await.unwrap();
    assert_eq!((filled.hosts, filled.inits, filled.checkpoints), (record.hosts, record.inits, record.checkpoints));
}

/// F-113: the latest of each host of each attempt, once where hosts agree.
#[tokio::test]
async fn records_hold_what_hosts_run_on() {
    let (_folder, ledger) = ledger().await;
    let runtime = |jax: u32| vec![format!(r#"{{"event":"runtime","python":"3.12.3","packages":{{"jax":"0.{jax}"}}}}"#)];
    for (attempt, host, line, jax) in [(1, 0, 0, 4), (1, 0, 1, 5), (1, 1, 0, 5), (2, 0, 0, 6), (2, 1, 0, 7)] {
        ledger.append(TRIAL, attempt, host, line, &runtime(jax)).await.unwrap();
    }
    let record = ledger.records("study-uid", CurveSelection::WHOLE).await.unwrap().remove(0);
    let known = record.runtimes.iter().map(|r| (r.attempt, r.host, r.runtime.packages["jax"].as_str()));
    assert_eq!(known.collect::<Vec<_>>(), [(1, 0, "0.5"), (2, 0, "0.6"), (2, 1, "0.7")]);
    // A trainer that says no more than that has said nothing that decides anything.
    assert!(ledger.progress(TRIAL, &trial_row(TRIAL, "study-uid", 0).spec).await.unwrap().is_blank());
}

#[tokio::test]
async fn a_deleted_study_leaves_nothing_and_takes_nothing_else() {
    let (_folder, ledger) = ledger().await;
    ledger.upsert_study(&study_row("other")).await.unwrap();
    ledger.upsert_trial(&trial_row("other-trial", "other", 0)).await.unwrap();
    for trial in [TRIAL, "other-trial"] {
        ledger.append(trial, 1, 0, 0, &lines(0..50)).await.unwrap();
    }
    assert!(ledger.delete_study("study-uid").await.unwrap());
    assert!(!ledger.delete_study("study-uid").await.unwrap());
    assert!(ledger.trials("study-uid").await.unwrap().is_empty());
    assert!(ledger.curves(TRIAL, 0, None).await.unwrap().is_empty());
    assert!(ledger.streams(TRIAL).await.unwrap().is_empty());
    assert_eq!(ledger.curves("other-trial", 0, None).await.unwrap()["train_loss"].len(), 50);
    let late = ledger.append(TRIAL, 1, 0, 50, &lines(50..60)).await.unwrap_err();
    assert!(matches!(late, LedgerError::UnknownTrial { .. }), "{late}");
}

#[tokio::test]
async fn wrong_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Ledger::open(folder.path().join("no/folder/ledger.sqlite")).await.unwrap_err();
    assert!(missing.to_string().contains("Its folder must exist"), "{missing}");

    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "these are notes, long enough to be no database header at all, and then some more of it")
        .unwrap();
    let not_sqlite = Ledger::open(&text).await.unwrap_err();
    assert!(matches!(not_sqlite, LedgerError::Damaged { .. }), "{not_sqlite}");

    let foreign = folder.path().join("notes.sqlite");
    sql(&foreign, "CREATE TABLE notes (text TEXT)").await;
    let error = Ledger::open(&foreign).await.unwrap_err();
    assert!(matches!(error, LedgerError::NotALedger { .. }), "{error}");

    let newer = folder.path().join("newer.sqlite");
    Ledger::open(&newer).await.unwrap().close().await;
    sql(&newer, "PRAGMA user_version = 1000").await;
    let error = Ledger::open(&newer).await.unwrap_err();
    assert!(matches!(error, LedgerError::TooNew { found: 1000, .. }), "{error}");

    let refused = Ledger::open("postgres://u:p@db/x").await.unwrap_err();
    assert!(matches!(refused, LedgerError::NotInThisVersion { .. }), "{refused}");
}

/// A reading command leaves a ledger of an older version to that version, and still reads it.
#[tokio::test]
async fn reading_changes_no_file() {
    let (folder, ledger) = ledger().await;
    ledger.append(TRIAL, 1, 0, 0, &lines(0..5)).await.unwrap();
    ledger.close().await;
    let path = folder.path().join("ledger.sqlite");
    // As version 2 had it, as far as reading goes.
    let older = "ALTER TABLE trials DROP COLUMN template; DROP TABLE templates; DROP INDEX events_of_kind; ALTER TABLE events DROP COLUMN kind; ALTER TABLE events DROP COLUMN step;
        CREATE INDEX events_of_stream ON events (stream); ALTER TABLE streams DROP COLUMN drained;
        ALTER TABLE streams DROP COLUMN dropped_values; ALTER TABLE streams DROP COLUMN other_events;
        ALTER TABLE streams DROP COLUMN labels; ALTER TABLE streams DROP COLUMN surplus;
        DROP TABLE identity; DROP TABLE probe; DROP TABLE usage; DROP TABLE series;
        ALTER TABLE studies DROP COLUMN digest; ALTER TABLE trials DROP COLUMN digest;
        ALTER TABLE trials DROP COLUMN state_digest; ALTER TABLE streams DROP COLUMN digest;
        ALTER TABLE events DROP COLUMN digest; ALTER TABLE malformed DROP COLUMN digest;
        ALTER TABLE latest DROP COLUMN digest; ALTER TABLE latest DROP COLUMN attempt;
        ALTER TABLE streams DROP COLUMN first_step; ALTER TABLE streams DROP COLUMN non_finite_metric;
        ALTER TABLE streams DROP COLUMN non_finite_step;
        CREATE TABLE non_finite (trial TEXT PRIMARY KEY REFERENCES trials (uid) ON DELETE CASCADE, metric TEXT NOT NULL,
            step INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        PRAGMA user_version = 2;";
    sql(&path, older).await;
    let before = std::fs::read(&path).unwrap();
    let reading = Ledger::open_to_read(&path).await.unwrap();
    assert_eq!(reading.curves(TRIAL, 0, None).await.unwrap()["train_loss"].len(), 5);
    reading.close().await;
    assert!(std::fs::read(&path).unwrap() == before, "the file was changed");

    // A newest one can't be written through either.
    Ledger::open(&path).await.unwrap().close().await;
    let reading = Ledger::open_to_read(&path).await.unwrap();
    assert_eq!(reading.next_line(TRIAL, 1, 0).await.unwrap(), 5);
    let refused = reading.append(TRIAL, 1, 0, 5, &lines(5..6)).await.unwrap_err();
    assert!(refused.to_string().contains("readonly"), "{refused}");
    assert!(Ledger::open_to_read(folder.path().join("none.sqlite")).await.is_err());
    assert!(!folder.path().join("none.sqlite").exists());
}

#[tokio::test]
async fn a_damaged_file_is_refused_to_readers() {
    let (folder, ledger) = ledger().await;
    ledger.append(TRIAL, 1, 0, 0, &lines(0..5000)).await.unwrap();
    ledger.sync().await.unwrap();
    ledger.close().await;
    let path = folder.path().join("ledger.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 12].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let error = Ledger::open_to_read(&path).await.unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
}

pub async fn sql(path: &std::path::Path, statement: impl sqlx::SqlSafeStr) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
