//! A damaged file is refused or read as it was written: never read as something else.

use std::{fmt::Write as _, fs, path::Path};

use proptest::prelude::*;
use studious_api::trial::{AttemptOutcome, TrialPhase};
use studious_ledger::{Attempt, Cause, Ledger, LedgerError};
use studious_playbook::record::CurveSelection;

use crate::{TRIAL, study_row, trial_row};

/// Files that are damaged in turn.
const SEEDS: u64 = 120;

/// A finished ledger: two trials, one of them resumed, with all kinds of lines.
async fn finished(path: &Path) {
    let ledger = Ledger::open(path).await.unwrap();
    ledger.upsert_study(&study_row("study-uid")).await.unwrap();
    for (index, uid) in [TRIAL, "other"].into_iter().enumerate() {
        let mut trial = trial_row(uid, "study-uid", u32::try_from(index).unwrap());
        ledger.upsert_trial(&trial).await.unwrap();
        for attempt in 1..=2_u32 {
            for host in 0..2 {
                let first = u64::from(attempt - 1) * 200;
                let mut lines = vec![
                    r#"{"event":"init","parameters_sha256":"aa","init_seed":1,"data_seed":2}"#.to_owned(),
                    r#"{"event":"note","text":"begins"}"#.to_owned(),
                    "{no json".to_owned(),
                ];
                for step in first..first + 300 {
                    let loss = 1.0 / (step as f64 + 1.5);
                    lines.push(format!(r#"{{"step":{step},"train_loss":{loss},"gradient_norm":1.25,"tag":"x"}}"#));
                    if step % 10 == 0 {
                        lines.push(format!(r#"{{"step":{step},"validation_error":{}}}"#, loss / 3.0));
                        lines.push(format!(r#"{{"event":"checkpoint","step":{step},"parameters_sha256":"{step:x}"}}"#));
                    }
                }
                lines.push(r#"{"event":"done","step":500}"#.to_owned());
                for (at, batch) in lines.chunks(64).enumerate() {
                    ledger.append(uid, attempt, host, at as u64 * 64, batch).await.unwrap();
                }
            }
        }
        trial.state.phase = TrialPhase::Succeeded;
        trial.state.objective = Some(0.125);
        trial.state.attempt = 2;
        trial.state.attempts = vec![Attempt {
            restore_at_most: None,
            silent_failure: None,
            provenance: None,
            number: 1,
            outcome: AttemptOutcome::Disrupted,
            message: "lost".into(),
            start_time: None,
            end_time: None,
            step: Some(299),
        }];
        ledger.update_state(uid, &trial.state).await.unwrap();
    }
    ledger.sync().await.unwrap();
    ledger.close().await;
}

/// All that a ledger says, as text.
async fn said(path: &Path) -> Result<String, LedgerError> {
    let ledger = Ledger::open_to_read(path).await?;
    let read = async {
        let mut said = String::new();
        for study in ledger.studies().await? {
            let _ = writeln!(said, "{study:?} {}", ledger.lines(&study.uid).await?);
            let _ = writeln!(said, "{:?}", ledger.trial_heads(&study.uid).await?);
            let _ = writeln!(said, "{:?}", ledger.records(&study.uid, CurveSelection::WHOLE).await?);
            let _ = writeln!(said, "{:?}", ledger.latest(&study.uid).await?);
            for trial in ledger.trials(&study.uid).await? {
                let _ = writeln!(said, "{trial:?}");
                let _ = writeln!(said, "{:?}", ledger.progress_and_cursors(&trial.uid, &trial.spec).await?);
                let _ = writeln!(said, "{:?}", ledger.streams(&trial.uid).await?);
            }
        }
        Ok(said)
    };
    let said = read.await;
    ledger.close().await;
    said
}

#[tokio::test]
async fn eight_random_bytes_are_noticed_or_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.sqlite");
    finished(&whole).await;
    let before = said(&whole).await.unwrap();
    let bytes = fs::read(&whole).unwrap();
    let (mut refused, mut without_effect) = (0, 0);
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for seed in 0..SEEDS {
        let at = usize::try_from(next() % (bytes.len() as u64 - 8)).unwrap();
        let mut damaged = bytes.clone();
        damaged[at..at + 8].copy_from_slice(&next().to_le_bytes());
        let path = folder.path().join(format!("{seed}.sqlite"));
        fs::write(&path, damaged).unwrap();
        match said(&path).await {
            Err(_) => refused += 1,
            Ok(said) => {
                assert!(said == before, "seed {seed}: bytes at {at} of {} changed what is read", bytes.len());
                without_effect += 1;
            }
        }
        fs::remove_file(&path).unwrap();
    }
    println!("{SEEDS} damaged files: {refused} refused, {without_effect} without effect");
    assert!(refused > SEEDS / 4);
}

/// As docs/operate.md has it: a backup taken while lines come in, put in place of a lost file.
#[tokio::test]
async fn a_backup_taken_while_lines_come_in_can_be_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("ledger.sqlite"), folder.path().join("backup.sqlite"));
    finished(&path).await;
    let before = said(&path).await.unwrap();
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.append("other", 3, 0, 0, &crate::lines(0..500)).await.unwrap();
    let statement = format!("VACUUM INTO '{}'", backup.display());
    crate::studies::sql(&path, sqlx::AssertSqlSafe(statement)).await;
    ledger.append("other", 3, 0, 500, &crate::lines(500..900)).await.unwrap();
    ledger.close().await;
    fs::rename(&backup, &path).unwrap();
    let restored = said(&path).await.unwrap();
    assert_ne!(restored, before);
    // The sender is told where to continue.
    let ledger = Ledger::open(&path).await.unwrap();
    assert_eq!(ledger.next_line("other", 3, 0).await.unwrap(), 500);
    ledger.append("other", 3, 0, 500, &crate::lines(500..900)).await.unwrap();
    assert_eq!(ledger.curves("other", 0, None).await.unwrap()["train_loss"].last(), Some(&(899, 899.5)));
}

/// Changes values as a program would, so that SQLite itself finds nothing wrong.
#[tokio::test]
async fn changed_values_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    finished(&path).await;
    let whole = fs::read(&path).unwrap();
    let of_stream = "of trial trial-uid, attempt 2, host 0";
    let cases = [
        ("UPDATE measurements SET value = value + 1e-9 WHERE stream = 3 AND metric = 1 AND step = 250", of_stream),
        ("DELETE FROM measurements WHERE stream = 3 AND metric = 3 AND step = 250", of_stream),
        ("UPDATE measurements SET step = 999 WHERE stream = 3 AND metric = 1 AND step = 250", of_stream),
        ("DELETE FROM series WHERE stream = 3 AND metric = 1", of_stream),
        ("UPDATE metrics SET name = 'train_lass' WHERE name = 'train_loss' AND trial = 'trial-uid'", "train_lass"),
        ("UPDATE events SET json = replace(json, 'aa', 'ab') WHERE stream = 3 AND kind = 'init'", of_stream),
        ("UPDATE malformed SET line = 7 WHERE stream = 3", of_stream),
        ("UPDATE streams SET dropped = 1 WHERE id = 3", of_stream),
        ("UPDATE trials SET state = replace(state, '0.125', '0.124')", "the state of trial"),
        ("UPDATE trials SET spec = replace(spec, '0.1', '0.2')", "the spec of trial"),
        ("UPDATE studies SET spec = replace(spec, 'goal', 'gaol')", "study study-uid"),
        ("UPDATE latest SET value = 2 WHERE trial = 'trial-uid' AND host = 0", "the latest "),
    ];
    for (statement, named) in cases {
        fs::write(&path, &whole).unwrap();
        crate::studies::sql(&path, statement).await;
        let Err(error) = said(&path).await else { panic!("{statement}") };
        let text = error.to_string();
        assert!(text.contains("the file is damaged") && text.contains(named), "{statement}: {text}");
        assert!(text.contains("Restore the ledger from a backup") && text.contains("rebuilds"), "{text}");
        let LedgerError::Database(error) = error else { panic!("{text}") };
        assert_eq!(error.cause(), Cause::Damaged);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Values come again, in any order and over each other: digests follow.
    #[test]
    fn whatever_is_written_is_read_back(
        lines in proptest::collection::vec((0_u64..12, prop_oneof![
            (-9.0_f64..9.0).prop_map(|v| v.to_string()), Just("NaN".to_owned()), Just("-0.0".to_owned()),
            Just("Infinity".to_owned()), Just("3".to_owned()),
        ], 0_u8..3), 1..60),
        size in 1_usize..9,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, ledger) = crate::ledger().await;
            let lines: Vec<String> = lines
                .iter()
                .map(|(step, value, metric)| format!(r#"{{"step":{step},"m{metric}":{value},"validation_error":{value}}}"#))
                .collect();
            for (at, batch) in lines.chunks(size).enumerate() {
                ledger.append(TRIAL, 1, 0, (at * size) as u64, batch).await.unwrap();
                ledger.append(TRIAL, 2, 0, (at * size) as u64, batch).await.unwrap();
            }
            ledger.curves(TRIAL, 0, None).await.unwrap();
            ledger.progress(TRIAL, &crate::trial_spec()).await.unwrap();
        });
    }
}

/// One trial's damaged rows fail that trial's pushes; the ledger still takes those of others.
#[tokio::test]
async fn damage_of_one_trial_is_no_failure_of_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    finished(&path).await;
    crate::studies::sql(&path, "UPDATE trials SET spec = replace(spec, '0.1', '0.2') WHERE uid = 'other'").await;
    let ledger = Ledger::open(&path).await.unwrap();
    let error = ledger.append("other", 3, 0, 0, &crate::lines(0..5)).await.unwrap_err();
    assert!(error.to_string().contains("the spec of trial other") && !error.is_transient(), "{error}");
    assert!(ledger.health().is_working());
    assert_eq!(ledger.append(TRIAL, 3, 0, 0, &crate::lines(0..5)).await.unwrap().next_line, 5);
}
