use std::time::Instant;

use studious_ledger::RunState;

use crate::{TRIAL, ledger, trial_row};

/// A million measurements, in batches as agents send them. The rate is printed, not judged: machines differ.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_measurements() {
    let (_folder, ledger) = ledger().await;
    let (lines, metrics) = (200_000_u64, 5);
    let begun = Instant::now();
    let mut at = 0;
    while at < lines {
        let batch: Vec<String> = (at..at + 1000)
            .map(|i| {
                format!(
                    r#"{{"step":{i},"train_loss":0.5,"gradient_norm":1.25,"learning_rate":0.01,"examples_per_second":9200,"validation_error":0.1}}"#
                )
            })
            .collect();
        at = ledger.append(TRIAL, 1, 0, at, &batch).await.unwrap().next_line;
    }
    let rate = (lines * metrics) as f64 / begun.elapsed().as_secs_f64();
    println!("{rate:.0} measurements a second ({:.1} s)", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let curves = ledger.curves(TRIAL, 0, Some(500)).await.unwrap();
    println!("curves of a million measurements read in {:.2} s", begun.elapsed().as_secs_f64());
    assert_eq!(curves.len(), 5);
    assert_eq!(curves["train_loss"].last(), Some(&(199_999, 0.5)));
}

/// What a run of many short trials asks of the ledger: each is put in, measured once and ended. Printed, not judged.
#[tokio::test]
async fn two_thousand_trials_of_one_line() {
    let (_folder, ledger) = ledger().await;
    let line = [r#"{"step":10,"validation_error":0.5}"#.to_owned()];
    let mut spent = [std::time::Duration::ZERO; 3];
    for index in 0..2000 {
        let trial = trial_row(&format!("t{index}"), "study-uid", index);
        let mut timed = Instant::now();
        let mut lap = |i: usize| {
            spent[i] += timed.elapsed();
            timed = Instant::now();
        };
        ledger.upsert_trial(&trial).await.unwrap();
        lap(0);
        ledger.append(&trial.uid, 1, 0, 0, &line).await.unwrap();
        lap(1);
        ledger.update_state(&trial.uid, &RunState { objective: Some(0.5), ..trial.state }).await.unwrap();
        lap(2);
    }
    println!("2,000 trials: put in {:.2?}, measured {:.2?}, ended {:.2?}", spent[0], spent[1], spent[2]);
    let begun = Instant::now();
    assert_eq!(ledger.trials("study-uid").await.unwrap().len(), 2001);
    println!("read in {:.2?}", begun.elapsed());
}
