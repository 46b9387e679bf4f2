//! The operator is away for longer than the pod may live: lines wait on the claim, and the next attempt delivers them.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    ops::Range,
    time::Duration,
};

use studious_agent::AgentError;

use crate::{
    Pod, eventually,
    operator::{Mood, Operator, TRIAL},
};

/// Pods of attempts of one trial, which share a folder on the claim.
struct Claim {
    folder: tempfile::TempDir,
}

impl Claim {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The pod of an attempt.
    fn pod(&self, operator: &Operator, attempt: u32) -> Pod {
        let mut pod = Pod::of_attempt(&operator.url(), attempt);
        pod.options.spool = Some(self.folder.path().to_owned());
        pod
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

async fn next_line(operator: &Operator, attempt: u32) -> u64 {
    operator.shared.ledger.next_line(TRIAL, attempt, 1).await.unwrap()
}

/// F-003, F-095: the operator is away while the trainer ends, and its pod with it.
#[tokio::test]
async fn what_an_attempt_could_not_deliver_the_next_one_delivers_first() {
    let mut operator = Operator::new().await;
    let claim = Claim::new();
    let mut first = claim.pod(&operator, 1);
    // Its agent leaves half a second after its trainer; others have as long as a busy machine needs.
    first.options.drain_limit = Duration::from_millis(500);
    first.start();
    first.write_lines(0..5);
    eventually("the first lines", || async { next_line(&operator, 1).await == 5 }).await;
    operator.die().await;
    first.write_lines(5..3000);
    // The last line lacks its break.
    first.write(r#"{"step":3000,"train_loss":1.5}"#);
    assert!(matches!(first.end().await, Err(AgentError::NotDrained { acknowledged: 5, .. })));
    assert_eq!(claim.files(), ["attempt-1-from-5.jsonl"]);

    let mut second = claim.pod(&operator, 2);
    second.start();
    second.write("{\"step\":3001,\"train_loss\":1.25}\n");
    tokio::time::sleep(Duration::from_millis(300)).await;
    operator.start().await;
    eventually("the second attempt's line", || async { next_line(&operator, 2).await == 1 }).await;
    second.end().await.unwrap();
    assert_eq!(next_line(&operator, 1).await, 3001);
    assert_eq!(operator.values(), (0..3002).collect::<Vec<_>>());
    assert_eq!(claim.files(), [""; 0]);
}

/// The pod is killed while the operator is away: nobody tells its agent to end.
#[tokio::test]
async fn lines_outlive_an_agent_that_is_killed() {
    let mut operator = Operator::new().await;
    let claim = Claim::new();
    operator.die().await;
    for attempt in [1, 2] {
        let mut pod = claim.pod(&operator, attempt);
        pod.start();
        pod.write_lines(u64::from(attempt) * 10..u64::from(attempt) * 10 + 5);
        let file = format!("attempt-{attempt}-from-0.jsonl");
        let path = claim.folder.path().join(&file);
        eventually(&file, || async { fs::read_to_string(&path).is_ok_and(|text| text.lines().count() == 5) }).await;
        pod.kill().await;
    }
    // Half a line was copied when the node was lost.
    let path = claim.folder.path().join("attempt-2-from-0.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"step\":15,\"tr")).unwrap();
    operator.start().await;
    let mut third = claim.pod(&operator, 3);
    third.start();
    third.write_lines(30..33);
    third.end().await.unwrap();
    assert_eq!(operator.values(), (10..15).chain(20..25).chain(30..33).collect::<Vec<_>>());
    assert_eq!(claim.files(), [""; 0]);
}

/// The first agent delivered more than it had copied, or all of it, before it was killed.
#[tokio::test]
async fn nothing_is_delivered_twice() {
    let operator = Operator::new().await;
    let lines: Vec<String> = (0..8).map(|step| format!("{{\"step\":{step},\"train_loss\":1.0}}")).collect();
    for copied in [6, 8] {
        let claim = Claim::new();
        fs::write(claim.folder.path().join("attempt-1-from-2.jsonl"), lines[2..copied].join("\n") + "\n").unwrap();
        operator.shared.ledger.append(TRIAL, 1, 1, 0, &lines).await.unwrap();
        let mut pod = claim.pod(&operator, 2);
        pod.start();
        pod.end().await.unwrap();
        assert_eq!((next_line(&operator, 1).await, operator.values()), (8, Vec::new()));
        assert_eq!(claim.files(), [""; 0]);
    }
}

/// A pod that is deleted by force is not gone at once: its trainer and its agent continue for a while beside the next attempt.
#[tokio::test]
async fn what_a_deleted_pod_still_copies_is_delivered_too() {
    let mut operator = Operator::new().await;
    let claim = Claim::new();
    let copy = |from: u64, steps: Range<u64>| {
        let path = claim.folder.path().join(format!("attempt-1-from-{from}.jsonl"));
        let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        for step in steps {
            writeln!(file, "{{\"step\":{step},\"train_loss\":1.0}}").unwrap();
        }
    };
    operator.die().await;
    copy(0, 0..2);
    let mut second = claim.pod(&operator, 2);
    second.start();
    second.write_lines(10..12);
    tokio::time::sleep(Duration::from_millis(300)).await;
    // After the second attempt's agent has seen the file.
    copy(0, 2..3);
    operator.start().await;
    eventually("the second attempt's lines", || async { next_line(&operator, 2).await == 2 }).await;
    assert_eq!(next_line(&operator, 1).await, 3, "earlier lines come first");
    // After it has delivered all of it.
    copy(0, 3..4);
    copy(4, 4..6);
    second.end().await.unwrap();
    assert_eq!((next_line(&operator, 1).await, next_line(&operator, 2).await), (6, 2));
    let mut values = operator.values();
    values.sort_unstable();
    assert_eq!(values, (0..6).chain(10..12).collect::<Vec<_>>());
    assert_eq!(claim.files(), [""; 0]);
}

/// The second attempt restores what the deleted pod has saved, and is done before that pod's agent has copied anything.
#[tokio::test]
async fn an_attempt_that_is_done_at_once_waits_for_what_a_deleted_pod_still_copies() {
    let operator = Operator::new().await;
    let claim = Claim::new();
    let mut second = claim.pod(&operator, 2);
    second.start();
    second.write_lines(10..12);
    let copies = async {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert_eq!(operator.drained(), 0, "an agent says so once nothing more is to be expected");
        let line = "{\"step\":1,\"train_loss\":1.0}\n";
        fs::write(claim.folder.path().join("attempt-1-from-0.jsonl"), line.repeat(3)).unwrap();
    };
    let (ended, ()) = tokio::join!(second.end(), copies);
    ended.unwrap();
    assert_eq!((next_line(&operator, 1).await, next_line(&operator, 2).await), (3, 2));
    assert_eq!(operator.drained(), 1);
    assert_eq!(claim.files(), [""; 0]);
}

/// So does one that trains on: a trial is judged while it runs, too.
#[tokio::test]
async fn what_a_deleted_pod_still_copies_is_delivered_while_the_next_attempt_trains() {
    let operator = Operator::new().await;
    let claim = Claim::new();
    let mut second = claim.pod(&operator, 2);
    second.start();
    second.write_lines(10..12);
    eventually("the second attempt's lines", || async { next_line(&operator, 2).await == 2 }).await;
    fs::write(claim.folder.path().join("attempt-1-from-0.jsonl"), "{\"step\":1,\"train_loss\":1.0}\n").unwrap();
    eventually("the first attempt's line", || async { next_line(&operator, 1).await == 1 }).await;
    second.write_lines(12..13);
    eventually("what it writes then", || async { next_line(&operator, 2).await == 3 }).await;
    second.end().await.unwrap();
}

/// The ledger was lost since: what is left of an earlier attempt begins beyond what the operator wants.
#[tokio::test]
async fn lines_that_follow_lost_ones_hold_nothing_up() {
    let operator = Operator::new().await;
    let claim = Claim::new();
    fs::write(claim.folder.path().join("attempt-1-from-7.jsonl"), "{\"step\":7,\"train_loss\":1.0}\n").unwrap();
    let mut pod = claim.pod(&operator, 2);
    pod.start();
    pod.write_lines(0..2);
    pod.end().await.unwrap();
    assert_eq!((next_line(&operator, 1).await, next_line(&operator, 2).await), (0, 2));
}

/// An operator that is well costs the claim nothing.
#[tokio::test]
async fn lines_that_are_acknowledged_soon_are_not_copied() {
    let operator = Operator::new().await;
    let claim = Claim::new();
    let mut pod = claim.pod(&operator, 1);
    pod.start();
    for step in 0..20 {
        pod.write_lines(step..step + 1);
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(claim.files(), [""; 0], "at step {step}");
    }
    // While nothing is acknowledged they are; then the file goes.
    operator.is(Mood::Refuses(503));
    pod.write_lines(20..25);
    eventually("the copy", || async { !claim.files().is_empty() }).await;
    operator.is(Mood::Well);
    eventually("the copy's end", || async { claim.files().is_empty() }).await;
    pod.end().await.unwrap();
    assert_eq!(operator.steps(), (0..25).collect::<Vec<_>>());
}

/// A claim that cannot be written costs the trainer nothing.
#[tokio::test]
async fn a_claim_that_cannot_be_written_is_no_harm() {
    let operator = Operator::new().await;
    let claim = Claim::new();
    let mut pod = claim.pod(&operator, 1);
    pod.options.spool = Some("/proc/none".into());
    operator.is(Mood::Refuses(503));
    pod.start();
    pod.write_lines(0..5);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    operator.is(Mood::Well);
    eventually("the lines", || async { next_line(&operator, 1).await == 5 }).await;
    pod.end().await.unwrap();
}

/// F-101: the trial is gone, and nobody waits for lines that nobody wants.
#[tokio::test]
async fn an_agent_leaves_at_once_when_its_trial_is_gone() {
    let operator = Operator::new().await;
    let claim = Claim::new();
    fs::write(claim.folder.path().join("attempt-1-from-0.jsonl"), "{\"step\":1}\n").unwrap();
    let mut pod = claim.pod(&operator, 2);
    pod.options.drain_limit = Duration::from_mins(10);
    operator.is(Mood::Refuses(410));
    pod.start();
    pod.write_lines(0..5);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let begun = tokio::time::Instant::now();
    pod.end().await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    assert_eq!(claim.files(), [""; 0]);
}
