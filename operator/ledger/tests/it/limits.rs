use studious_ledger::Limits;
use studious_playbook::{contract::Line, decide::Progress};

use crate::{TRIAL, ledger_with, trial_spec};

#[tokio::test]
async fn beyond_the_limit_only_what_decides_is_kept() {
    let (_folder, ledger) = ledger_with(Limits { lines: 10, bytes: 1 << 20 }).await;
    let spec = trial_spec();
    let mut file: Vec<String> = (0..100).map(|i| format!(r#"{{"step":{i},"train_loss":1}}"#)).collect();
    file.push(r#"{"step":100,"validation_error":0.25}"#.into());
    file.push(r#"{"event":"checkpoint","step":100,"parameters_sha256":"ab"}"#.into());
    file.extend((0..100).map(|i| format!(r#"{{"event":"noise","i":{i}}}"#)));
    file.push(r#"{"step":101,"train_loss":NaN}"#.into());
    file.push(r#"{"event":"done","step":100}"#.into());
    let mut live = Progress::default();
    let (mut dropped, mut at) = (0, 0);
    for batch in file.chunks(7) {
        let appended = ledger.append(TRIAL, 1, 0, at, batch).await.unwrap();
        at = appended.next_line;
        dropped += appended.dropped;
        for (_, line) in &appended.new {
            live.observe(&spec, 1, 0, line.as_ref().unwrap());
        }
    }
    assert_eq!(at, file.len() as u64);
    let stream = &ledger.streams(TRIAL).await.unwrap()[0];
    assert_eq!((stream.next_line, stream.dropped), (at, dropped));
    // 10 lines, then events and evaluations up to 20, then the two final ones.
    assert_eq!(dropped, at - 22);
    let progress = ledger.progress(TRIAL, &spec).await.unwrap();
    assert_eq!(progress.evaluations[&100], 0.25);
    assert_eq!(progress.checkpoints[&100], "ab");
    assert_eq!(progress.non_finite, Some(("train_loss".into(), 101)));
    assert!(progress.all_done(1, 1));
    assert_eq!(format!("{progress:?}"), format!("{live:?}"));
}

#[tokio::test]
async fn final_lines_have_a_limit_too() {
    let (_folder, ledger) = ledger_with(Limits { lines: 1, bytes: 1 << 20 }).await;
    let file = vec![r#"{"event":"done"}"#.to_owned(); 500];
    let appended = ledger.append(TRIAL, 1, 0, 0, &file).await.unwrap();
    assert_eq!(appended.new.len(), 10);
    assert!(appended.new.iter().all(|(_, line)| matches!(line, Ok(Line::Event(_)))));
}
