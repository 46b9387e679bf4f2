//! Tests of the ledger on real files.
#![allow(missing_docs)]
// Tests may panic: that is how they fail.
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, clippy::missing_errors_doc)]
#![allow(clippy::must_use_candidate, clippy::cast_possible_truncation, clippy::float_cmp)]

mod damage;
mod disk;
mod exactly_once;
mod killed;
mod limits;
mod progress;
mod rate;
mod size;
mod studies;

use studious_api::{StudySpec, TrialSpec, trial::TrialPhase};
use studious_ledger::{Ledger, Limits, RunState, StudyRow, TrialRow};
use studious_playbook::Millis;

pub const TRIAL: &str = "trial-uid";

pub fn trial_spec() -> TrialSpec {
    serde_json::from_str(
        r#"{"study":"s","round":"explore","index":0,"hyperparameters":{"lr":0.1},"maxTrainSteps":1000,
            "objective":{"metric":"validation_error","direction":"Minimize"},"evaluation":{"everySteps":10},
            "seeds":{"init":1,"data":[2,3],"split":4},"hosts":2,"verify":"Required",
            "template":{"spec":{"containers":[{"name":"trainer"}]}}}"#,
    )
    .unwrap()
}

pub fn study_row(uid: &str) -> StudyRow {
    let spec: StudySpec = serde_json::from_str(
        r#"{"goal":"g","objective":{"metric":"validation_error","direction":"Minimize"},
            "hyperparameters":[{"name":"lr","role":"Nuisance","range":{"min":0.1,"max":1,"scale":"Log"}}],
            "rounds":[{"name":"explore","trials":4,"maxTrainSteps":1000}],
            "evaluation":{"everySteps":10},
            "trial":{"template":{"spec":{"containers":[{"name":"trainer"}]}}}}"#,
    )
    .unwrap();
    StudyRow { uid: uid.into(), namespace: "team".into(), name: "s".into(), spec, created: Millis(5) }
}

pub fn trial_row(uid: &str, study: &str, index: u32) -> TrialRow {
    let mut spec = trial_spec();
    spec.index = index;
    let state = RunState { phase: TrialPhase::Running, attempt: 1, ..RunState::default() };
    TrialRow { uid: uid.into(), study: study.into(), name: format!("s-explore-{index:04}"), spec, state }
}

/// A ledger with one study and one trial in a folder of its own.
pub async fn ledger_with(limits: Limits) -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open_with(folder.path().join("ledger.sqlite"), limits).await.unwrap();
    ledger.upsert_study(&study_row("study-uid")).await.unwrap();
    ledger.upsert_trial(&trial_row(TRIAL, "study-uid", 0)).await.unwrap();
    (folder, ledger)
}

pub async fn ledger() -> (tempfile::TempDir, Ledger) {
    ledger_with(Limits::default()).await
}

pub fn lines(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|i| format!(r#"{{"step":{i},"train_loss":{i}.5}}"#)).collect()
}
