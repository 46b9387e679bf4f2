//! The comparison finds what it is there for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::compare::{Comparison, Log, compare, loss};

const X: f64 = 0.5;

fn evaluation(attempt: u64, step: u64) -> Vec<Value> {
    vec![
        json!({"attempt": attempt, "step": step, "value": loss("a", X, step)}),
        json!({"attempt": attempt, "saved": step}),
    ]
}

/// Attempt 1 evaluates at 10 and 20 and is lost; attempt 2 goes on from 20, and ends.
fn log() -> Log {
    let mut log = vec![json!({"attempt": 1, "restored": 0})];
    log.extend(evaluation(1, 10));
    log.extend(evaluation(1, 20));
    log.push(json!({"attempt": 2, "restored": 20}));
    log.extend(evaluation(2, 20).into_iter().take(1));
    log.extend(evaluation(2, 30));
    log.push(json!({"attempt": 2, "done": true}));
    log
}

fn record() -> Value {
    let error: Vec<Value> = [10, 20, 30].iter().map(|step| json!([step, loss("a", X, *step)])).collect();
    json!({
        "name": "t", "round": "explore", "hyperparameters": {"arm": "a", "x": X},
        "objective": loss("a", X, 30), "step": 30,
        "curves": {"validation_error": error, "attempt": [[10, 1.0], [20, 2.0], [30, 2.0]]},
    })
}

fn compared(log: Log, record: &Value) -> Comparison {
    compare(&BTreeMap::from([("t".to_owned(), log)]), std::slice::from_ref(record), |_| 30, 10)
}

#[track_caller]
fn finds(log: Log, record: &Value, words: &str) {
    let wrong = compared(log, record).wrong.join("\n");
    assert!(wrong.contains(words), "{wrong}");
}

#[test]
fn what_is_as_it_must_be_is_passed() {
    let comparison = compared(log(), &record());
    assert!(comparison.wrong.is_empty(), "{comparison:?}");
    assert_eq!((comparison.evaluations, comparison.attempts, comparison.repeated), (3, 2, 1));
}

#[test]
fn a_hole_a_wrong_value_and_a_repeated_evaluation_are_found() {
    let mut hole = record();
    hole["curves"]["validation_error"].as_array_mut().unwrap().remove(1);
    finds(log(), &hole, "missing (step, (attempt, value)): [(20,");
    let mut value = record();
    value["curves"]["validation_error"][0][1] = json!(0.25);
    finds(log(), &value, "exported [(10, 0.25)");
    let mut twice = record();
    let first = twice["curves"]["validation_error"][0].clone();
    twice["curves"]["validation_error"].as_array_mut().unwrap().insert(0, first);
    finds(log(), &twice, "exported [(10,");
}

#[test]
fn another_objective_and_an_attempt_that_does_not_count_are_found() {
    let mut objective = record();
    objective["objective"] = json!(loss("a", X, 20));
    finds(log(), &objective, "objective");
    let mut attempt = record();
    attempt["curves"]["attempt"][2][1] = json!(1.0);
    finds(log(), &attempt, "evaluations of attempts");
}

#[test]
fn lost_trials_lost_checkpoints_and_a_second_training_are_found() {
    finds(Vec::new(), &record(), "no trainer came to its end");
    assert!(compare(&BTreeMap::new(), &[record()], |_| 30, 10).wrong[0].contains("no trainer noted anything"));
    let no_record = compare(&BTreeMap::from([("t".to_owned(), log())]), &[], |_| 30, 10);
    assert!(no_record.wrong[0].contains("the export has no such trial"), "{no_record:?}");
    let mut again = log();
    again.push(json!({"attempt": 3, "restored": 20}));
    again.extend(evaluation(3, 30));
    finds(again.clone(), &record(), "attempt 2 ended it, and then");
    finds(again, &record(), "attempt 3 began at step 20, and 30 was saved");
}

#[test]
fn what_an_attempt_was_sent_back_for_may_be_trained_again() {
    // Evaluations 20 and 30 were lost with the pod of attempt 1, which had ended; attempt 2 restored what it had saved.
    let mut log = vec![json!({"attempt": 1, "restored": 0})];
    (10..=30).step_by(10).for_each(|step| log.extend(evaluation(1, step)));
    log.push(json!({"attempt": 1, "done": true}));
    log.push(json!({"attempt": 2, "restored": 30}));
    log.extend(evaluation(2, 30).into_iter().take(1));
    log.push(json!({"attempt": 2, "done": true}));
    log.push(json!({"attempt": 3, "restored": 10, "limit": 10}));
    (10..=30).step_by(10).for_each(|step| log.extend(evaluation(3, step)));
    log.push(json!({"attempt": 3, "done": true}));
    let mut record = record();
    record["curves"]["attempt"] = json!([[10, 3.0], [20, 3.0], [30, 3.0]]);
    let comparison = compared(log.clone(), &record);
    assert!(comparison.wrong.is_empty(), "{comparison:?}");
    assert_eq!(comparison.sent_back, 1);
    // Without having been sent.
    log.iter_mut().filter_map(|line| line.as_object_mut()).for_each(|line| drop(line.remove("limit")));
    finds(log, &record, "attempt 1 ended it, and then");
}
