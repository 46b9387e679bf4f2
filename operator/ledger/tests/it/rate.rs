use std::time::Instant;

use crate::{TRIAL, ledger};

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
