//! Studies of the scenarios in [`crate::ledger`], [`crate::names`], [`crate::pods`] and their like, in which the test says
//! what happens to pods.

use crate::cluster::{NAMESPACE, TestCluster, now};
use serde_json::{Value, json};

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
