use studious_ledger::{Ledger, Limits};
use studious_playbook::{contract::Line, decide::Progress};

use crate::{TRIAL, ledger_with, study_row, trial_row, trial_spec};

#[tokio::test]
async fn beyond_the_limit_only_what_decides_is_kept() {
    let (_folder, ledger) = ledger_with(Limits { lines: 10, ..Limits::default() }).await;
    let spec = trial_spec();
    let mut file: Vec<String> = (0..100).map(|i| format!(r#"{{"step":{i},"train_loss":1}}"#)).collect();
    file.push(r#"{"step":100,"validation_error":0.25}"#.into());
    file.push(r#"{"event":"checkpoint","step":100,"parameters_sha256":"ab"}"#.into());
    file.extend((0..100).map(|i| format!(r#"{{"event":"checkpoint","step":{i}}}"#)));
    file.push(r#"{"step":101,"train_loss":NaN}"#.into());
    file.push(r#"{"event":"done","step":100}"#.into());
    let mut live = Progress::default();
    let (mut dropped, mut at) = (0, 0);
    for batch in file.chunks(7) {
        let appended = ledger.append(TRIAL, 1, 0, at, batch).await.unwrap();
        at = appended.next_line;
        dropped += appended.dropped;
        live.observe_dropped(appended.dropped, appended.dropped_values);
        for (_, line) in &appended.new {
            live.observe(&spec, 1, 0, line.as_ref().unwrap());
        }
    }
    assert_eq!(at, file.len() as u64);
    let stream = &ledger.streams(TRIAL).await.unwrap()[0];
    assert_eq!((stream.cursor.next_line, stream.dropped), (at, dropped));
    // 10 lines, then events and evaluations up to 20, then the two final ones.
    assert_eq!(dropped, at - 22);
    let progress = ledger.progress(TRIAL, &spec).await.unwrap();
    assert_eq!(progress.evaluations.values[&100], 0.25);
    assert_eq!(progress.checkpoints[&(100, 1)], "ab");
    assert_eq!(progress.non_finite(), Some(("train_loss", 101)));
    assert!(progress.all_done(1, 1));
    assert_eq!(format!("{progress:?}"), format!("{live:?}"));
}

#[tokio::test]
async fn final_lines_have_a_limit_too() {
    let (_folder, ledger) = ledger_with(Limits { lines: 1, ..Limits::default() }).await;
    let file = vec![r#"{"event":"done"}"#.to_owned(); 500];
    let appended = ledger.append(TRIAL, 1, 0, 0, &file).await.unwrap();
    assert_eq!(appended.new.len(), 10);
    assert!(appended.new.iter().all(|(_, line)| matches!(line, Ok(Line::Event(_)))));
}

#[tokio::test]
async fn of_events_without_a_meaning_the_last_few_are_kept_and_all_are_counted() {
    let (folder, ledger) = ledger_with(Limits { lines: 10, ..Limits::default() }).await;
    let text = "x".repeat(2000);
    let mut at = 0;
    for _ in 0..40 {
        let notes: Vec<String> = (0..50).map(|i| format!(r#"{{"event":"note","i":{i},"text":"{text}"}}"#)).collect();
        let appended = ledger.append(TRIAL, 1, 0, at, &notes).await.unwrap();
        assert_eq!((appended.new.len(), appended.dropped), (50, 0));
        at = appended.next_line;
    }
    let stream = &ledger.streams(TRIAL).await.unwrap()[0];
    assert_eq!((stream.cursor.next_line, stream.other_events), (2000, 2000));
    // What decides still has all its room.
    let end = [r#"{"step":1,"validation_error":0.5}"#.to_owned(), r#"{"event":"done"}"#.to_owned()];
    assert_eq!(ledger.append(TRIAL, 1, 0, at, &end).await.unwrap().dropped, 0);
    assert!(ledger.progress(TRIAL, &trial_spec()).await.unwrap().all_done(1, 1));
    ledger.sync().await.unwrap();
    ledger.close().await;
    let bytes = std::fs::metadata(folder.path().join("ledger.sqlite")).unwrap().len();
    assert!(bytes < 500_000, "4 MB of notes take {bytes} bytes");
}

#[tokio::test]
async fn names_of_metrics_have_a_limit_that_what_decides_is_free_of() {
    let (_folder, ledger) = ledger_with(Limits { metrics: 3, ..Limits::default() }).await;
    let spec = trial_spec();
    let mut live = Progress::default();
    let mut file: Vec<String> = (0..50).map(|i| format!(r#"{{"step":{i},"loss_{i}":1,"loss_1":{i}}}"#)).collect();
    file.push(r#"{"step":50,"validation_error":0.25,"late":1}"#.into());
    file.push(r#"{"step":51,"train_loss":NaN}"#.into());
    let mut at = 0;
    for batch in file.chunks(7) {
        let appended = ledger.append(TRIAL, 1, 0, at, batch).await.unwrap();
        at = appended.next_line;
        live.observe_dropped(appended.dropped, appended.dropped_values);
        appended.new.iter().for_each(|(_, line)| live.observe(&spec, 1, 0, line.as_ref().unwrap()));
    }
    let progress = ledger.progress(TRIAL, &spec).await.unwrap();
    assert_eq!(format!("{progress:?}"), format!("{live:?}"));
    assert_eq!(progress.evaluations.values[&50], 0.25);
    assert_eq!(progress.non_finite(), Some(("train_loss", 51)));
    let curves = ledger.curves(TRIAL, 0, None).await.unwrap();
    assert_eq!(curves.keys().collect::<Vec<_>>(), ["loss_0", "loss_1", "loss_2", "validation_error"]);
    assert_eq!(curves["loss_1"].len(), 50);
    let stream = &ledger.streams(TRIAL).await.unwrap()[0];
    // 47 of the names loss_3 to loss_49, and `late`.
    assert_eq!((stream.dropped, stream.dropped_values), (0, 48));
    let remarks = progress.remarks(&spec);
    assert!(
        remarks.iter().any(|remark| remark.starts_with("48 values of further metrics were dropped")),
        "{remarks:?}"
    );
}

/// A batch of a trial: measurements, an evaluation, an event.
fn batch(first: u64) -> Vec<String> {
    let mut lines: Vec<String> = (first..first + 20).map(|i| format!(r#"{{"step":{i},"train_loss":0.125}}"#)).collect();
    lines.push(format!(r#"{{"step":{first},"validation_error":0.5}}"#));
    lines.push(format!(r#"{{"event":"checkpoint","step":{first},"parameters_sha256":"ab"}}"#));
    lines
}

async fn send(ledger: &Ledger, trial: &str, attempt: u32, host: u32) -> (u64, u64) {
    let (mut at, mut dropped) = (0, 0);
    for first in 0..10 {
        let appended = ledger.append(trial, attempt, host, at, &batch(first * 20)).await.unwrap();
        (at, dropped) = (appended.next_line, dropped + appended.dropped);
    }
    (at, dropped)
}

#[tokio::test]
async fn a_trial_beyond_its_quota_keeps_its_objective_and_events_and_says_what_was_dropped() {
    let (_folder, ledger) = ledger_with(Limits { trial_bytes: 2000, ..Limits::default() }).await;
    let spec = trial_spec();
    let (_, first) = send(&ledger, TRIAL, 1, 0).await;
    let (_, other_host) = send(&ledger, TRIAL, 1, 1).await;
    assert!(first > 100, "{first}");
    // Of another host: all measurements, its evaluations included, for they decide nothing.
    assert_eq!(other_host, 210);
    let progress = ledger.progress(TRIAL, &spec).await.unwrap();
    assert_eq!((progress.evaluations.values.len(), progress.checkpoints.len()), (10, 10));
    assert_eq!(progress.dropped, (first + other_host, 0));
    let remarks = progress.remarks(&spec).join("; ");
    let lines = first + other_host;
    assert!(remarks.contains(&format!("{lines} lines exceed the ledger's quota")), "{remarks}");
    // Another trial has a quota of its own.
    ledger.upsert_trial(&trial_row("other", "study-uid", 1)).await.unwrap();
    assert_eq!(ledger.append("other", 1, 0, 0, &batch(0)).await.unwrap().dropped, 0);
}

#[tokio::test]
async fn studies_and_namespaces_have_quotas() {
    for limits in
        [Limits { study_bytes: 2000, ..Limits::default() }, Limits { namespace_bytes: 2000, ..Limits::default() }]
    {
        let (_folder, ledger) = ledger_with(limits).await;
        ledger.upsert_trial(&trial_row("second", "study-uid", 1)).await.unwrap();
        for study in ["same", "elsewhere"] {
            let mut row = study_row(study);
            if study == "elsewhere" {
                "team-b".clone_into(&mut row.namespace);
            }
            ledger.upsert_study(&row).await.unwrap();
            ledger.upsert_trial(&trial_row(&format!("of-{study}"), study, 0)).await.unwrap();
        }
        send(&ledger, TRIAL, 1, 0).await;
        assert_eq!(send(&ledger, "second", 1, 0).await.1, 200);
        let of_namespace = limits.namespace_bytes < u64::MAX;
        assert_eq!(send(&ledger, "of-same", 1, 0).await.1 == 200, of_namespace);
        assert!(send(&ledger, "of-elsewhere", 1, 0).await.1 < 200);
        // A deleted study gives its share back.
        ledger.delete_study("study-uid").await.unwrap();
        ledger.upsert_study(&study_row("study-uid")).await.unwrap();
        ledger.upsert_trial(&trial_row("again", "study-uid", 0)).await.unwrap();
        if !of_namespace {
            assert_eq!(ledger.append("again", 1, 0, 0, &batch(0)).await.unwrap().dropped, 0);
        }
    }
}
