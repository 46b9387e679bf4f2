//! What belongs to somebody else is left alone, and what sleeps doesn't write.

use serde_json::json;
use studious_api::trial::TrialPhase;

use super::{studies::study, world::World};
use crate::{
    fault::{Category, Fault},
    reconcile::{ReconcileError, reconcile},
};

#[tokio::test]
async fn a_service_of_somebody_else_stalls_the_study_and_is_not_touched() {
    let mut world = World::new().await;
    let mut study = study("");
    study.spec.trial.hosts = 2;
    world.is_there("services", "digits", &json!({"metadata": {"name": "digits", "ownerReferences": []}}));
    let error = world.try_study(&study).await.unwrap_err();
    assert_eq!(error.category(), Category::Standing);
    let requests = world.requests();
    let lines: Vec<&str> = requests.iter().map(|request| request.line.as_str()).collect();
    assert_eq!(lines, ["POST services/digits", "GET services/digits", "PATCH studies/digits/status"]);
    let conditions = requests[2].body["status"]["conditions"].as_array().unwrap();
    let stalled = conditions.iter().find(|condition| condition["type"] == "Stalled").unwrap();
    assert_eq!((stalled["status"].as_str(), stalled["reason"].as_str()), (Some("True"), Some("NameTaken")));
    let message = stalled["message"].as_str().unwrap();
    assert!(message.contains("Service digits") && message.contains("nobody"), "{message}");
}

#[tokio::test]
async fn what_was_made_before_is_not_made_again() {
    let mut world = World::new().await;
    let study = study("");
    let owner = json!({"apiVersion": "studious.dev/v1alpha1", "kind": "Study", "name": "digits", "uid": "study-uid",
        "controller": true});
    let there = json!({"metadata": {"name": "digits-explore-0000", "ownerReferences": [owner]}});
    world.is_there("trials", "digits-explore-0000", &there);
    world.try_study(&study).await.unwrap();
    assert!(world.lines().contains(&"GET trials/digits-explore-0000".to_owned()));
}

#[tokio::test]
async fn a_status_names_the_version_that_it_follows() {
    let mut world = World::new().await;
    let mut study = study("");
    study.spec.parallelism = 4;
    study.metadata.resource_version = Some("77".into());
    world.reconcile_study(&study).await;
    let requests = world.requests();
    let status = requests.iter().find(|request| request.line == "PATCH studies/digits/status").unwrap();
    assert_eq!(status.body["metadata"]["resourceVersion"], "77", "a leader that slept must be refused");
    for mut trial in super::studies::made(&requests) {
        let status = trial.status.get_or_insert_default();
        (status.phase, status.objective) = (TrialPhase::Succeeded, Some(0.5));
        world.caches.trial(&trial);
    }
    world.pass(2);
    // The cache is behind what this operator wrote itself: that isn't somebody else's write.
    world.reconcile_study(&study).await;
    let status = world.requests().into_iter().find(|request| request.line == "PATCH studies/digits/status").unwrap();
    assert_ne!(status.body["metadata"]["resourceVersion"], "77");
}

#[tokio::test]
async fn a_panic_in_one_study_is_its_own() {
    let mut world = World::new().await;
    let study = study("");
    world.caches.study(&study);
    world.break_clock();
    let error = reconcile(std::sync::Arc::new(study), world.studies.clone()).await.unwrap_err();
    assert!(matches!(&error, ReconcileError::Defect { what, .. } if what == "the clock of the test is broken"));
    assert_eq!(error.category(), Category::Standing);
}
