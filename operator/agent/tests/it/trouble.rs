//! The operator fails, hangs, dies and comes back: every line arrives exactly once.

use std::{fs, time::Duration};

use studious_agent::AgentError;

use crate::{
    Pod, eventually,
    operator::{Mood, Operator},
};

#[tokio::test]
async fn failures_and_lost_answers() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    operator.is(Mood::Moody);
    pod.start();
    for chunk in 0..8 {
        pod.write_lines(chunk * 400..(chunk + 1) * 400);
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    pod.end().await.unwrap();
    assert_eq!(operator.steps(), (0..3200).collect::<Vec<_>>());
    assert_eq!(operator.drained(), 1);
}

#[tokio::test]
async fn an_operator_that_dies_and_comes_back() {
    let mut operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    for chunk in 0..5 {
        pod.write_lines(chunk * 3000..chunk * 3000 + 1500);
        tokio::time::sleep(Duration::from_millis(60)).await;
        operator.die().await;
        // The trainer doesn't notice.
        pod.write_lines(chunk * 3000 + 1500..(chunk + 1) * 3000);
        tokio::time::sleep(Duration::from_millis(200)).await;
        operator.start().await;
    }
    pod.end().await.unwrap();
    assert_eq!(operator.steps(), (0..15_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_operator_that_is_not_there_at_first() {
    let mut operator = Operator::new().await;
    operator.die().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    pod.write_lines(0..10);
    tokio::time::sleep(Duration::from_millis(500)).await;
    operator.start().await;
    eventually("the lines", || async { operator.next_line().await == 10 }).await;
    pod.end().await.unwrap();
}

/// A ledger that was lost, or restored from a copy: the agent sends again what it wants.
#[tokio::test]
async fn a_ledger_that_lost_lines_gets_them_again() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    pod.write_lines(0..50);
    eventually("the lines", || async { operator.next_line().await == 50 }).await;
    let ledger = &operator.shared.ledger;
    let (study, trial) = (ledger.study("s").await.unwrap().unwrap(), ledger.trials("s").await.unwrap().remove(0));
    ledger.delete_study("s").await.unwrap();
    ledger.upsert_study(&study).await.unwrap();
    ledger.upsert_trial(&trial).await.unwrap();
    operator.shared.taken.lock().unwrap().clear();
    pod.write_lines(50..60);
    eventually("all lines", || async { operator.next_line().await == 60 }).await;
    pod.end().await.unwrap();
    assert_eq!(operator.steps(), (0..60).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_renewed_token_is_used() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    pod.write_lines(0..5);
    eventually("the lines", || async { operator.next_line().await == 5 }).await;
    *operator.shared.token.lock().unwrap() = "second-token".into();
    fs::write(&pod.options.token_file, "second-token").unwrap();
    pod.write_lines(5..9);
    eventually("the lines", || async { operator.next_line().await == 9 }).await;
    pod.end().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_pushed_in_time_is_said() {
    let mut operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.options.drain_limit = Duration::from_secs(1);
    pod.start();
    pod.write_lines(0..5);
    eventually("the lines", || async { operator.next_line().await == 5 }).await;
    operator.die().await;
    pod.write_lines(5..9);
    let error = pod.end().await.unwrap_err();
    assert!(matches!(error, AgentError::NotDrained { acknowledged: 5, .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_hanging_operator_does_not_hold_the_pod() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.options.drain_limit = Duration::from_secs(1);
    operator.is(Mood::Hangs);
    pod.start();
    pod.write_lines(0..5);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(matches!(pod.end().await, Err(AgentError::NotDrained { acknowledged: 0, .. })));
}

/// A refusal may pass: an operator that has just started doesn't know the trial yet.
#[tokio::test]
async fn a_refusal_is_tried_again() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    operator.is(Mood::Refuses(404));
    pod.start();
    pod.write_lines(0..5);
    tokio::time::sleep(Duration::from_millis(300)).await;
    operator.is(Mood::Well);
    eventually("the lines", || async { operator.next_line().await == 5 }).await;
    // Once the trainer has ended it is believed: the study was deleted, say.
    operator.is(Mood::Refuses(404));
    let begun = tokio::time::Instant::now();
    let error = pod.end().await.unwrap_err().to_string();
    assert!(error.contains("404") && error.contains("in a mood"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
}
