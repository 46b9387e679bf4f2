//! Studies whose points results choose.

use std::time::Duration;

use futures::StreamExt;
use studious_api::{
    Study, StudyStatus, Trial,
    study::{Algorithm, StartFrom, StudyPhase},
    trial::TrialPhase,
};

use super::{
    studies::{made, study, with_finalizer},
    world::World,
};

/// Six trials, two at once, of which the first four have points by their index.
fn bayesian() -> Study {
    let mut study = with_finalizer(study(""));
    study.spec.search.algorithm = Algorithm::Bayesian;
    study.spec.rounds[0].trials = Some(6);
    study
}

impl World {
    /// Trials that were made since, with their results, as the cache shows them.
    fn end_trials(&mut self) -> Vec<Trial> {
        let mut trials = made(&self.requests());
        for trial in &mut trials {
            let status = trial.status.get_or_insert_default();
            (status.phase, status.objective) = (TrialPhase::Succeeded, Some(0.5 - 0.01 * f64::from(trial.spec.index)));
            self.caches.trial(trial);
        }
        trials
    }

    /// The next study that is to be reconciled.
    async fn woken(&self) -> String {
        let mut queue = Box::pin(self.context.caches.study_queue.clone().stream());
        tokio::time::timeout(Duration::from_mins(1), queue.next()).await.unwrap().unwrap().name
    }
}

#[tokio::test]
async fn a_reconcile_does_not_wait_until_points_are_chosen_and_is_woken_then() {
    let mut world = World::new().await;
    let study = bayesian();
    for _ in 0..2 {
        world.reconcile_study(&study).await;
        assert_eq!(world.end_trials().len(), 2);
    }
    // Somebody else has the turn: however long it takes, looks go on, and ask once.
    let context = world.context.clone();
    let turn = context.suggesting.acquire().await.unwrap();
    for _ in 0..3 {
        world.reconcile_study(&study).await;
        assert!(made(&world.requests()).is_empty());
    }
    assert_eq!(world.context.suggesting.available_permits(), 0);
    drop(turn);
    assert_eq!(world.woken().await, "digits");
    world.reconcile_study(&study).await;
    let trials = made(&world.requests());
    let indices: Vec<u32> = trials.iter().map(|trial| trial.spec.index).collect();
    assert_eq!(indices, [4, 5]);
    assert_ne!(trials[0].spec.hyperparameters, trials[1].spec.hyperparameters);
    // The cache doesn't show them yet: neither are they made again, nor other points chosen.
    world.reconcile_study(&study).await;
    assert!(world.lines().is_empty());
}

#[tokio::test]
async fn a_restart_chooses_no_points_for_trials_that_exist() {
    let mut world = World::new().await;
    let study = bayesian();
    for _ in 0..2 {
        world.reconcile_study(&study).await;
        world.end_trials();
    }
    world.reconcile_study(&study).await;
    world.woken().await;
    world.reconcile_study(&study).await;
    for trial in made(&world.requests()) {
        world.caches.trial(&trial);
    }
    world.context.studies.forget("study-uid");
    world.reconcile_study(&study).await;
    assert!(made(&world.requests()).is_empty());
}

#[tokio::test]
async fn a_search_starts_from_another_study_and_waits_for_one_that_is_missing() {
    let mut world = World::new().await;
    let mut study = bayesian();
    study.spec.search.start_from = vec![StartFrom { study: "before".into() }];
    world.reconcile_study(&study).await;
    let requests = world.requests();
    assert!(made(&requests).is_empty());
    let status: StudyStatus = serde_json::from_value(requests[0].body["status"].clone()).unwrap();
    assert_eq!(status.phase, StudyPhase::Invalid);
    let accepted = status.conditions.iter().find(|c| c.type_ == "Accepted").unwrap();
    assert!(
        accepted.message.contains("spec.search.startFrom[0].study: before: there is no such study in namespace team-a"),
        "{}",
        accepted.message
    );

    let mut before = super::studies::study("");
    before.metadata.name = Some("before".into());
    before.metadata.uid = Some("before-uid".into());
    world.caches.study(&before);
    world.reconcile_study(&study).await;
    world.woken().await;
    world.reconcile_study(&study).await;
    assert_eq!(made(&world.requests()).len(), 2);
}
