//! The progress from the tables is the progress of somebody who saw the lines come.

use proptest::prelude::*;
use studious_playbook::decide::Progress;

use crate::{TRIAL, ledger, trial_spec};

fn line() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        8 => (-5.0_f64..5.0).prop_map(|x| format!("{x}")),
        1 => Just("NaN".to_owned()),
        1 => Just("Infinity".to_owned()),
        1 => Just("-Infinity".to_owned()),
    ];
    let metric = prop_oneof![Just("train_loss"), Just("validation_error"), Just("gradient_norm"), Just("é\"quoted")];
    prop_oneof![
        12 => (0_u64..12, proptest::collection::vec((metric, value), 0..4)).prop_map(|(step, values)| {
            let rest: String =
                values.iter().flat_map(|(m, v)| [",".into(), serde_json::json!(m).to_string(), format!(":{v}")]).collect();
            format!("{{\"step\":{step}{rest}}}")
        }),
        1 => (0_u64..9, any::<bool>()).prop_map(|(s, restored)| format!(
            r#"{{"event":"init","parameters_sha256":"f{s}","init_seed":{s},"data_seed":{s}{}}}"#,
            if restored { r#","restored_step":3"# } else { "" }
        )),
        1 => (0_u64..9).prop_map(|s| format!(r#"{{"event":"checkpoint","step":{s},"parameters_sha256":"c{s}"}}"#)),
        1 => (0_u64..9).prop_map(|s| format!(r#"{{"event":"infeasible","reason":"r{s}"}}"#)),
        1 => (0_u64..9).prop_map(|s| format!(r#"{{"event":"done","step":{s}}}"#)),
        1 => Just(r#"{"event":"profile","url":"x"}"#.to_owned()),
        1 => Just(r#"{"event":"runtime","python":"3.12.3"}"#.to_owned()),
        1 => Just(r#"{"step":3,"train_lo"#.to_owned()),
        1 => Just(String::new()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Batches of all hosts and attempts come in any order, each stream's in its own.
    #[test]
    fn is_what_was_seen_live(
        batches in proptest::collection::vec((1_u32..4, 0_u32..3, proptest::collection::vec(line(), 1..12)), 1..20),
        sorted in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, ledger) = ledger().await;
            let spec = trial_spec();
            let mut live = Progress::default();
            let mut batches = batches;
            if sorted {
                batches.sort_by_key(|(attempt, ..)| *attempt);
            }
            let mut cursors = std::collections::BTreeMap::new();
            for (attempt, host, batch) in &batches {
                let cursor = cursors.entry((*attempt, *host)).or_insert(0);
                let appended = ledger.append(TRIAL, *attempt, *host, *cursor, batch).await.unwrap();
                *cursor = appended.next_line;
                for (number, line) in &appended.new {
                    match line {
                        Ok(line) => live.observe(&spec, *attempt, *host, line),
                        Err(problem) => live.observe_malformed(*host, *number, &problem.to_string()),
                    }
                }
            }
            let rebuilt = ledger.progress(TRIAL, &spec).await.unwrap();
            // NaN isn't equal to itself; what is printed is.
            assert_eq!(format!("{rebuilt:#?}"), format!("{live:#?}"));
        });
    }
}

#[tokio::test]
async fn nan_and_infinities_survive() {
    let (_folder, ledger) = ledger().await;
    let file = [
        r#"{"step":1,"train_loss":2.5,"a":Infinity,"b":-Infinity,"c":NaN}"#.to_owned(),
        r#"{"step":2,"train_loss":1.5,"a":1}"#.to_owned(),
        r#"{"step":2,"train_loss":NaN}"#.to_owned(),
    ];
    ledger.append(TRIAL, 1, 0, 0, &file).await.unwrap();
    let progress = ledger.progress(TRIAL, &trial_spec()).await.unwrap();
    assert_eq!(progress.non_finite(), Some(("train_loss", 2)));
    assert!(progress.latest[&0]["c"].is_nan() && progress.latest[&0]["train_loss"].is_nan());
    assert_eq!(progress.latest[&0]["b"], f64::NEG_INFINITY);
    let curves = ledger.curves(TRIAL, 0, None).await.unwrap();
    assert_eq!(curves["train_loss"], [(1, 2.5), (2, 1.5)]);
    assert_eq!(curves["a"], [(2, 1.0)]);
    assert!(!curves.contains_key("b") && !curves.contains_key("c"));
}

#[tokio::test]
async fn more_metrics_than_are_shown() {
    let (_folder, ledger) = ledger().await;
    let spec = trial_spec();
    let mut live = Progress::default();
    let file: Vec<String> = (0..300).map(|i| format!(r#"{{"step":{i},"m{i:03}":{i}}}"#)).collect();
    let mut at = 0;
    for batch in file.chunks(40) {
        let appended = ledger.append(TRIAL, 1, 0, at, batch).await.unwrap();
        at = appended.next_line;
        appended.new.iter().for_each(|(_, line)| live.observe(&spec, 1, 0, line.as_ref().unwrap()));
    }
    assert_eq!(ledger.progress(TRIAL, &spec).await.unwrap(), live);
}
