//! A writer that is killed at any moment loses nothing that was acknowledged, and leaves nothing half done.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use studious_ledger::Ledger;

use crate::{TRIAL, lines, study_row, trial_row};

const LEDGER_OF_CHILD: &str = "LEDGER_OF_CHILD";
const BATCH: u64 = 50;

/// Not a test of its own: the process that gets killed. It says each line number that was acknowledged.
#[tokio::test]
#[ignore = "run by a_killed_writer_loses_nothing_acknowledged"]
async fn writer() {
    let path = env::var(LEDGER_OF_CHILD).unwrap();
    let ledger = Ledger::open(&path).await.unwrap();
    let mut at = ledger.next_line(TRIAL, 1, 0).await.unwrap();
    loop {
        at = ledger.append(TRIAL, 1, 0, at, &lines(at..at + BATCH)).await.unwrap().next_line;
        eprintln!("acknowledged {at}");
    }
}

#[tokio::test]
async fn a_killed_writer_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = Ledger::open(&path).await.unwrap();
    ledger.upsert_study(&study_row("study-uid")).await.unwrap();
    ledger.upsert_trial(&trial_row(TRIAL, "study-uid", 0)).await.unwrap();
    ledger.close().await;

    let mut before = 0;
    for kill_after in [1, 3, 8, 20] {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "killed::writer", "--ignored", "--nocapture"])
            .env(LEDGER_OF_CHILD, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let mut acknowledged = before;
        let mut batches = 0;
        for line in said.lines().map_while(Result::ok) {
            if let Some(at) = line.strip_prefix("acknowledged ") {
                acknowledged = at.parse().unwrap();
                batches += 1;
                if batches == kill_after {
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        assert!(batches >= kill_after, "the writer ended by itself");

        let ledger = Ledger::open(&path).await.unwrap();
        let next = ledger.next_line(TRIAL, 1, 0).await.unwrap();
        assert!(next >= acknowledged, "{next} lines are there, {acknowledged} were acknowledged");
        assert_eq!(next % BATCH, 0, "half a batch");
        let curve = &ledger.curves(TRIAL, 0, None).await.unwrap()["train_loss"];
        assert_eq!(curve.iter().map(|p| p.0).collect::<Vec<_>>(), (0..next).collect::<Vec<_>>());
        ledger.close().await;
        before = next;
    }
}
