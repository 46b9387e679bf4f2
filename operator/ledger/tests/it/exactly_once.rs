use std::collections::BTreeSet;

use proptest::prelude::*;
use studious_contract::Line;
use studious_ledger::{Appended, Cursor, Ledger, LedgerError};

use crate::{TRIAL, ledger, lines};

#[tokio::test]
async fn a_batch_sent_twice_counts_once() {
    let (_folder, ledger) = ledger().await;
    let first = ledger.append(TRIAL, 1, 0, 0, &lines(0..10)).await.unwrap();
    assert_eq!((first.next_line, first.new.len()), (10, 10));
    let again = ledger.append(TRIAL, 1, 0, 0, &lines(0..10)).await.unwrap();
    assert_eq!(again, Appended { next_line: 10, new: vec![], dropped: 0, dropped_values: 0 });
    let overlapping = ledger.append(TRIAL, 1, 0, 7, &lines(7..13)).await.unwrap();
    assert_eq!(overlapping.new.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [10, 11, 12]);
    assert_eq!(ledger.next_line(TRIAL, 1, 0).await.unwrap(), 13);
    assert_eq!(ledger.next_line(TRIAL, 2, 0).await.unwrap(), 0);
}

#[tokio::test]
async fn an_empty_batch_asks_where_to_go_on() {
    let (_folder, ledger) = ledger().await;
    assert_eq!(ledger.append(TRIAL, 1, 0, 0, &[]).await.unwrap().next_line, 0);
    ledger.append(TRIAL, 1, 0, 0, &lines(0..3)).await.unwrap();
    assert_eq!(ledger.append(TRIAL, 1, 0, 0, &[]).await.unwrap().next_line, 3);
}

#[tokio::test]
async fn a_gap_is_refused_with_the_line_that_is_wanted() {
    let (_folder, ledger) = ledger().await;
    ledger.append(TRIAL, 1, 0, 0, &lines(0..3)).await.unwrap();
    let error = ledger.append(TRIAL, 1, 0, 5, &lines(5..8)).await.unwrap_err();
    assert!(matches!(error, LedgerError::Gap { first_line: 5, next_line: 3 }), "{error}");
    assert_eq!(error.to_string(), "lines 3 to 4 are missing: send from line 3 on, not from 5");
    assert_eq!(ledger.next_line(TRIAL, 1, 0).await.unwrap(), 3);
}

/// What is known of a stream is in the file, not in the process that took its lines.
#[tokio::test]
async fn that_nothing_more_comes_is_stored_with_the_last_lines() {
    let (folder, ledger) = ledger().await;
    ledger.append(TRIAL, 1, 0, 0, &lines(0..3)).await.unwrap();
    let gap = ledger.append_last(TRIAL, 1, 0, 5, &lines(5..6)).await.unwrap_err();
    assert!(matches!(gap, LedgerError::Gap { next_line: 3, .. }), "{gap}");
    assert!(!ledger.cursors(TRIAL).await.unwrap()[&(1, 0)].drained);

    assert_eq!(ledger.append_last(TRIAL, 1, 0, 2, &lines(2..5)).await.unwrap().first_new(), 3);
    // A host that wrote nothing, and a last push whose lines had come before.
    ledger.append_last(TRIAL, 1, 1, 0, &[]).await.unwrap();
    ledger.append(TRIAL, 2, 0, 0, &lines(0..2)).await.unwrap();
    ledger.append_last(TRIAL, 2, 0, 0, &lines(0..2)).await.unwrap();
    ledger.append_last(TRIAL, 2, 0, 2, &[]).await.unwrap();

    let other = Ledger::open(folder.path().join("ledger.sqlite")).await.unwrap();
    let cursors = other.cursors(TRIAL).await.unwrap();
    let drained = |next_line| Cursor { next_line, drained: true };
    assert_eq!(cursors, [((1, 0), drained(5)), ((1, 1), drained(0)), ((2, 0), drained(2))].into());
}

#[tokio::test]
async fn lines_of_an_unknown_trial_are_refused() {
    let (_folder, ledger) = ledger().await;
    let error = ledger.append("other", 1, 0, 0, &lines(0..3)).await.unwrap_err();
    assert!(matches!(error, LedgerError::UnknownTrial { .. }), "{error}");
}

/// Several senders of the same stream at once, as when an agent gives up on a slow answer and sends again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_senders_of_one_file() {
    let (_folder, ledger) = ledger().await;
    let all = lines(0..500);
    let senders = (0..6_usize).map(|sender| {
        let (ledger, all) = (ledger.clone(), all.clone());
        tokio::spawn(async move {
            let size = 7 + sender * 5;
            let mut seen = Vec::new();
            let mut at = 0;
            while at < all.len() {
                let end = (at + size).min(all.len());
                match ledger.append(TRIAL, 1, 0, at as u64, &all[at..end]).await {
                    Ok(appended) => {
                        seen.extend(appended.new.into_iter().map(|(n, _)| n));
                        at = end;
                    }
                    Err(LedgerError::Gap { next_line, .. }) => at = usize::try_from(next_line).unwrap(),
                    Err(error) => panic!("{error}"),
                }
            }
            seen
        })
    });
    let mut new = Vec::new();
    for sender in senders.collect::<Vec<_>>() {
        new.extend(sender.await.unwrap());
    }
    new.sort_unstable();
    assert_eq!(new, (0..500).collect::<Vec<u64>>(), "each line is new to exactly one sender");
    let curves = ledger.curves(TRIAL, 0, None).await.unwrap();
    assert_eq!(curves["train_loss"].len(), 500);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is sent in whatever order: what was taken is a prefix of the file, each line once.
    #[test]
    fn any_order_of_batches(batches in proptest::collection::vec((0_u64..60, 0_u64..25), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, ledger) = ledger().await;
            let mut next = 0;
            let mut taken: Vec<(u64, u64)> = Vec::new();
            for (first, count) in batches {
                match ledger.append(TRIAL, 1, 0, first, &lines(first..first + count)).await {
                    Ok(appended) => {
                        assert!(first <= next);
                        next = next.max(first + count);
                        assert_eq!(appended.next_line, next);
                        taken.extend(appended.new.into_iter().map(|(number, line)| match line.unwrap() {
                            Line::Measurements(m) => (number, m.step),
                            Line::Event(event) => panic!("{event:?}"),
                        }));
                    }
                    Err(LedgerError::Gap { next_line, .. }) => {
                        assert!(first > next);
                        assert_eq!(next_line, next);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(taken, (0..next).map(|n| (n, n)).collect::<Vec<_>>());
            let curves = ledger.curves(TRIAL, 0, None).await.unwrap();
            let steps: BTreeSet<u64> = curves.get("train_loss").into_iter().flatten().map(|p| p.0).collect();
            assert_eq!(steps, (0..next).collect::<BTreeSet<_>>());
        });
    }
}
