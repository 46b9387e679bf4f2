//! What checking a large file costs. Printed, not judged.

use std::time::Instant;

use studious_ledger::Ledger;

use crate::{TRIAL, ledger};

#[tokio::test]
#[ignore = "takes minutes: run it by hand"]
async fn checking_two_hundred_megabytes() {
    let (folder, ledger) = ledger().await;
    let mut at = 0_u64;
    let path = folder.path().join("ledger.sqlite");
    while std::fs::metadata(&path).unwrap().len() < 200 << 20 {
        let batch: Vec<String> = (at..at + 5000)
            .map(|i| {
                let x = 1.0 / (i as f64 + 0.3);
                format!(
                    r#"{{"step":{i},"train_loss":{x},"gradient_norm":{x},"learning_rate":{x},"validation_error":{x}}}"#
                )
            })
            .collect();
        at = ledger
            .append(TRIAL, u32::try_from(at / 1_000_000).unwrap() + 1, 0, at % 1_000_000, &batch)
            .await
            .unwrap()
            .next_line
            + at / 1_000_000 * 1_000_000;
    }
    ledger.close().await;
    let megabytes = std::fs::metadata(&path).unwrap().len() >> 20;
    let begun = Instant::now();
    let reading = Ledger::open_to_read(&path).await.unwrap();
    println!("{megabytes} MB: checked in {:.2?}", begun.elapsed());
    reading.close().await;
}
