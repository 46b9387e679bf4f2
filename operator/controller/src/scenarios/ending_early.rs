//! Trials that fall behind, and what constraints leave of the best.

use kube::ResourceExt;
use studious_api::{Trial, TrialStatus, trial::TrialPhase};

use super::{
    studies::{made, study},
    world::World,
};

/// A study of four trials at once, of which the better half continues after step 20.
fn halving() -> studious_api::Study {
    let mut study = study("");
    study.spec.parallelism = 4;
    study.spec.search.early_ending = Some(serde_yaml::from_str("{rule: SuccessiveHalving, fromStep: 20}").unwrap());
    study
}

async fn evaluate(world: &World, trial: &Trial, error: f64) {
    let line = |step: u32| format!(r#"{{"step":{step},"validation_error":{error}}}"#);
    world.lines_of(trial, 1, 0, &[&line(10), &line(20)]).await;
}

#[tokio::test]
async fn a_trial_that_falls_behind_is_told_to_stop_once() {
    let mut world = World::new().await;
    let study = halving();
    world.reconcile_study(&study).await;
    let trials = made(&world.requests());
    assert_eq!(trials.len(), 4);
    for trial in &trials {
        world.caches.trial(trial);
    }
    // Before their evaluations are known nothing is stopped; one has none.
    world.reconcile_study(&study).await;
    assert!(world.lines().is_empty());
    for (trial, error) in trials.iter().zip([0.1, 0.2, 0.9]) {
        evaluate(&world, trial, error).await;
    }
    world.reconcile_study(&study).await;
    let requests = world.requests();
    let lines: Vec<_> = requests.iter().map(|r| r.line.as_str()).collect();
    // Three have come to step 20: one continues.
    assert_eq!(lines, ["PATCH trials/digits-explore-0001", "PATCH trials/digits-explore-0002"]);
    assert_eq!(requests[1].body["spec"]["stopReason"], "SuccessiveHalving");
    assert_eq!(
        requests[1].body["spec"]["stop"],
        "at step 20 its validation_error was 0.9, number 3 of the 3 trials that have come so far, of \
         which the best 1 continue (1 in 2)"
    );
    world.reconcile_study(&study).await;
    assert!(world.lines().is_empty());

    // Its own controller ends it with the rule as its reason.
    let mut told = trials[2].clone();
    let order = |field: &str| requests[1].body["spec"][field].as_str().map(str::to_owned);
    (told.spec.stop, told.spec.stop_reason) = (order("stop"), order("stopReason"));
    world.reconcile_trial(&told).await;
    let requests = world.requests();
    let status = &requests.iter().find(|r| r.line.ends_with("/status")).unwrap().body["status"];
    assert_eq!((status["phase"].as_str(), status["reason"].as_str()), (Some("Stopped"), Some("SuccessiveHalving")));
    assert!(status["message"].as_str().unwrap().starts_with("at step 20"), "{status}");
}

/// F-054: who was told is kept by uid, not by name.
#[tokio::test]
async fn a_trial_that_is_made_again_under_its_name_is_told_to_stop_too() {
    let mut world = World::new().await;
    let study = halving();
    world.reconcile_study(&study).await;
    let mut trials = made(&world.requests());
    for (trial, error) in trials.iter().zip([0.1, 0.2, 0.9]) {
        world.caches.trial(trial);
        evaluate(&world, trial, error).await;
    }
    world.caches.trial(&trials[3]);
    world.reconcile_study(&study).await;
    let told = "PATCH trials/digits-explore-0002";
    assert!(world.lines().contains(&told.to_owned()));

    trials[2].metadata.uid = Some("another".into());
    world.caches.trial(&trials[2]);
    evaluate(&world, &trials[2], 0.9).await;
    world.reconcile_study(&study).await;
    assert_eq!(world.lines(), [told]);
}

#[tokio::test]
async fn after_a_restart_ended_trials_are_known_from_the_ledger() {
    let mut world = World::new().await;
    let study = halving();
    world.reconcile_study(&study).await;
    let mut trials = made(&world.requests());
    // What ingest had put into the ledger before the restart; nothing is in memory.
    let uid = world.introduce(&trials[0]).await;
    let line = r#"{"step":20,"validation_error":0.1}"#.to_owned();
    world.context.ledger.append(&uid, 1, 0, 0, &[line]).await.unwrap();
    let status = trials[0].status.get_or_insert_default();
    (status.phase, status.objective) = (TrialPhase::Succeeded, Some(0.1));
    evaluate(&world, &trials[1], 0.5).await;
    for trial in &trials {
        world.caches.trial(trial);
    }
    world.reconcile_study(&study).await;
    let lines = world.lines();
    assert!(lines.contains(&"PATCH trials/digits-explore-0001".to_owned()), "{lines:?}");
}

/// F-006: decisions continue without the ledger, from what statuses keep.
#[tokio::test]
async fn a_lost_ledger_changes_no_decision() {
    let mut world = World::new().await;
    let study = halving();
    world.caches.study(&study);
    world.reconcile_study(&study).await;
    let mut trials = made(&world.requests());
    for (trial, error) in trials.iter().zip([0.1, 0.2, 0.3]) {
        evaluate(&world, trial, error).await;
    }
    for trial in &mut trials[..3] {
        // As its status says it while it runs.
        world.reconcile_trial(trial).await;
        let job = world.job(trial, 1);
        world.pod(&job, 0, &super::trials::running(), &serde_json::json!({}));
        world.pass(61);
        world.reconcile_trial(trial).await;
        let requests = world.requests();
        let written = requests.iter().rfind(|r| r.line.ends_with(&format!("{}/status", trial.name_any()))).unwrap();
        let status: TrialStatus = serde_json::from_value(written.body["status"].clone()).unwrap();
        assert_eq!((status.rungs[0].rung, status.rungs[0].step, status.rungs.len()), (20, 20, 1), "{:?}", status.rungs);
        trial.status = Some(status);
    }
    let status = trials[0].status.as_mut().unwrap();
    (status.phase, status.objective) = (TrialPhase::Succeeded, Some(0.1));

    // Another ledger, another process: nothing is known but the statuses. The fourth comes to the rung.
    let mut world = World::new().await;
    for trial in &trials {
        world.caches.trial(trial);
    }
    evaluate(&world, &trials[3], 0.4).await;
    world.reconcile_study(&study).await;
    let lines = world.lines();
    let stopped: Vec<&String> = lines.iter().filter(|line| !line.ends_with("/status")).collect();
    assert_eq!(stopped, ["PATCH trials/digits-explore-0002", "PATCH trials/digits-explore-0003"]);
}

#[tokio::test]
async fn the_best_trial_is_one_that_satisfies_the_constraints() {
    let mut world = World::new().await;
    let mut study = study("");
    study.spec.parallelism = 4;
    study.spec.constraints = serde_yaml::from_str("[{metric: latency_ms, max: 20}]").unwrap();
    world.reconcile_study(&study).await;
    let trials = made(&world.requests());
    assert_eq!(trials[0].spec.constraints, study.spec.constraints, "its status tells the metric");
    // The best objective takes too long; the next never said how long it takes.
    for (mut trial, (objective, latency)) in
        trials.into_iter().zip([(0.1, Some(25.0)), (0.2, None), (0.3, Some(20.0)), (0.4, Some(1.0))])
    {
        let status = trial.status.get_or_insert_default();
        (status.phase, status.objective) = (TrialPhase::Succeeded, Some(objective));
        status.metrics = latency.map(|ms| ("latency_ms".to_owned(), ms)).into_iter().collect();
        world.caches.trial(&trial);
    }
    world.pass(120);
    world.reconcile_study(&study).await;
    let requests = world.requests();
    let best = &requests[0].body["status"]["best"];
    assert_eq!(
        (best["trial"].as_str(), best["metrics"]["latency_ms"].as_f64()),
        (Some("digits-explore-0002"), Some(20.0))
    );
}
