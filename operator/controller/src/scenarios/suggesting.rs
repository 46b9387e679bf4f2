//! Studies whose points results choose.

use std::time::Duration;

use futures::StreamExt;
use studious_api::{
    Study, StudyStatus, Trial,
    study::{Algorithm, PointsFrom, StartFrom, StudyPhase},
    trial::TrialPhase,
};

use super::{
    studies::{made, study},
    world::World,
};

/// Six trials, two at once, of which the first four have points by their index.
fn bayesian() -> Study {
    let mut study = study("");
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
    pub(super) async fn woken(&self) -> String {
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
    // Somebody else has the turn: however long it takes, looks continue, and ask once.
    let studies = world.studies.clone();
    let turn = studies.suggesting.acquire().await.unwrap();
    for _ in 0..3 {
        world.reconcile_study(&study).await;
        assert!(made(&world.requests()).is_empty());
    }
    assert_eq!(world.studies.suggesting.available_permits(), 0);
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
    world.studies.memories.forget("study-uid");
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

/// A study that has ended: trials of a rate each, and what came of them.
fn ended(world: &mut World, results: &[(f64, f64)]) -> Study {
    let mut before = study("");
    before.metadata.name = Some("before".into());
    before.metadata.uid = Some("before-uid".into());
    before.status.get_or_insert_default().phase = StudyPhase::Completed;
    for (i, (rate, objective)) in results.iter().enumerate() {
        let mut trial = super::trials::trial(1);
        trial.metadata.name = Some(format!("before-explore-{i:04}"));
        trial.metadata.uid = Some(format!("before-{i}"));
        trial.metadata.labels.get_or_insert_default().insert("studious.dev/study".into(), "before".into());
        let owner =
            "[{apiVersion: studious.dev/v1alpha1, kind: Study, name: before, uid: before-uid, controller: true}]";
        trial.metadata.owner_references = serde_yaml::from_str(owner).unwrap();
        trial.spec.study = "before".into();
        trial.spec.index = u32::try_from(i).unwrap();
        trial.spec.hyperparameters = [("learning_rate".to_owned(), (*rate).into())].into();
        let status = trial.status.get_or_insert_default();
        (status.phase, status.objective) = (TrialPhase::Succeeded, Some(*objective));
        world.caches.trial(&trial);
    }
    world.caches.study(&before);
    before
}

fn rates(trials: &[Trial]) -> Vec<f64> {
    trials.iter().map(|trial| trial.spec.hyperparameters["learning_rate"].as_f64().unwrap()).collect()
}

/// A study that tries the best three points of another one, two at once.
fn manual() -> Study {
    let mut study = study("");
    study.spec.search.algorithm = Algorithm::Manual;
    study.spec.search.points_from = Some(PointsFrom { study: "before".into(), round: None, best: Some(3) });
    study.spec.rounds[0].trials = None;
    study
}

#[tokio::test]
async fn points_are_taken_of_another_study_once_it_has_ended_and_kept() {
    let mut world = World::new().await;
    let mut study = manual();
    world.reconcile_study(&study).await;
    let requests = world.requests();
    let status: StudyStatus = serde_json::from_value(requests[0].body["status"].clone()).unwrap();
    assert_eq!(status.phase, StudyPhase::Invalid);
    let accepted = status.conditions.iter().find(|c| c.type_ == "Accepted").unwrap();
    let missing = "spec.search.pointsFrom.study: before: there is no such study in namespace team-a";
    assert!(accepted.message.contains(missing), "{}", accepted.message);

    // It is there, and runs.
    let mut before = ended(&mut world, &[(0.1, 0.4), (0.2, 0.1), (0.3, 0.3), (0.4, 0.2)]);
    before.status.as_mut().unwrap().phase = StudyPhase::Running;
    before.status.as_mut().unwrap().done = Some("4/6".into());
    world.caches.study(&before);
    world.pass(120);
    world.reconcile_study(&study).await;
    let requests = world.requests();
    assert_eq!(requests.len(), 1);
    let status: StudyStatus = serde_json::from_value(requests[0].body["status"].clone()).unwrap();
    let progressing = status.conditions.iter().find(|c| c.type_ == "Progressing").unwrap();
    assert_eq!((status.phase, progressing.reason.as_str()), (StudyPhase::Pending, "WaitsForStudy"));
    assert!(progressing.message.contains("before, which has not ended yet (Running: 4/6 trials)"), "{progressing:?}");

    // It has ended.
    before.status.as_mut().unwrap().phase = StudyPhase::Completed;
    world.caches.study(&before);
    world.pass(120);
    world.reconcile_study(&study).await;
    let requests = world.requests();
    let lines: Vec<&str> = requests.iter().map(|r| r.line.as_str()).collect();
    assert_eq!(lines[0], "PATCH studies/digits", "kept before anything is made: {lines:?}");
    assert_eq!(rates(&made(&requests)), [0.2, 0.4]);
    let status = requests.iter().find(|r| r.line.ends_with("/status")).unwrap();
    assert_eq!(status.body["status"]["done"], "0/3");

    // Another operator finds them, whatever has become of the other study.
    let kept = requests[0].body["metadata"]["annotations"]["studious.dev/points"].as_str().unwrap();
    study.metadata.annotations = Some([("studious.dev/points".to_owned(), kept.to_owned())].into());
    for mut trial in made(&requests) {
        let status = trial.status.get_or_insert_default();
        (status.phase, status.objective) = (TrialPhase::Succeeded, Some(0.5));
        world.caches.trial(&trial);
    }
    ended(&mut world, &[(0.7, 0.0), (0.8, 0.0), (0.9, 0.0), (0.95, 0.0)]);
    world.studies.memories.forget("study-uid");
    world.reconcile_study(&study).await;
    let requests = world.requests();
    assert_eq!(rates(&made(&requests)), [0.3]);
    assert!(requests.iter().all(|r| r.line != "PATCH studies/digits"), "they are taken once");
}

#[tokio::test]
async fn points_that_do_not_fit_are_told_with_their_trial() {
    let mut world = World::new().await;
    let study = manual();
    ended(&mut world, &[(0.1, 0.4), (7.0, 0.1)]);
    world.reconcile_study(&study).await;
    let requests = world.requests();
    assert!(made(&requests).is_empty());
    let status: StudyStatus = serde_json::from_value(requests[0].body["status"].clone()).unwrap();
    let accepted = status.conditions.iter().find(|c| c.type_ == "Accepted").unwrap();
    let told = "spec.search.pointsFrom: trial before-explore-0001.learning_rate: 7: is outside the range of \
                learning_rate. Give a number from 0.001 to 1, or widen its range.";
    assert_eq!((accepted.status.as_str(), accepted.message.as_str()), ("False", told));
}
