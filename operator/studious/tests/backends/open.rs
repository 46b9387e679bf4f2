//! Scenarios of the operator alone, in [`crate::ledger`], [`crate::names`] and [`crate::pods`]: what Kubernetes and the
//! network do to it. The test says what happens to pods.
//!
//! What is open stands in [`OPEN`] with what happens today: whoever fixes a fault must remove its entry.

use std::time::Duration;

use crate::cluster::{LIMIT, NAMESPACE, TestCluster, now};
use serde_json::{Value, json};

/// Faults that are open, and what happens today in place of what is right.
const OPEN: &[(&str, &str)] = &[];

/// Compares what a scenario came to with what is right, or, of a fault that is open, with what happens today.
pub(crate) fn came_to(fault: &str, right: &str, got: &str) {
    match OPEN.iter().find(|(open, _)| *open == fault) {
        None => assert_eq!(got, right, "{fault}"),
        Some(_) if got == right => panic!("{fault} is fixed: remove it from OPEN"),
        Some((_, today)) => assert_eq!(got, *today, "{fault} is open, and something else happens than is known"),
    }
}

/// Whether a fault is open.
fn is_open(fault: &str) -> bool {
    OPEN.iter().any(|(open, _)| *open == fault)
}

/// How long something may take that does not happen while a fault is open.
pub(crate) fn patience(fault: &str) -> Duration {
    if is_open(fault) { Duration::from_secs(1) } else { LIMIT }
}

/// A study of one nuisance hyperparameter with a round `a`, and changes of its spec.
pub(crate) fn study(name: &str, trials: u32, parallelism: u32, changes: &Value) -> Value {
    let mut study = json!({
        "apiVersion": "studious.dev/v1alpha1", "kind": "Study", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "goal": "Which x?",
            "objective": {"metric": "err", "direction": "Minimize", "select": "Best"},
            "hyperparameters": [{"name": "x", "role": "Nuisance", "range": {"min": 0, "max": 1}}],
            "rounds": [{"name": "a", "trials": trials, "maxTrainSteps": 100}],
            "evaluation": {"everySteps": 1},
            "parallelism": parallelism,
            "trial": {"template": {"spec": {"containers": [{"name": "trainer", "image": "i", "command": ["x"]}]}}},
        },
    });
    for (field, value) in changes.as_object().into_iter().flatten() {
        study["spec"][field] = value.clone();
    }
    study
}

pub(crate) fn running() -> Value {
    json!({"running": {"startedAt": now()}})
}

pub(crate) fn line(step: u64, err: f64) -> String {
    json!({"step": step, "err": err}).to_string()
}

/// The sentence of a trial's or study's Events, and of its status.
pub(crate) fn reasons(cluster: &TestCluster, plural: &str, name: &str) -> String {
    let status = cluster.api.get(plural, NAMESPACE, name).unwrap_or_default()["status"].to_string();
    let events = cluster.api.list("events", NAMESPACE);
    let events: Vec<String> =
        events.iter().filter(|event| event["regarding"]["name"] == name).map(ToString::to_string).collect();
    format!("{status} {}", events.join(" "))
}
