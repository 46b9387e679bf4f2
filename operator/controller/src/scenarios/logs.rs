//! Logs of attempts stay, whatever ends them: their pods are stopped, not deleted (F-104).

use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};
use studious_api::{
    Trial, TrialStatus,
    trial::{AttemptOutcome, TrialPhase},
};

use super::{
    trials::{running, trial},
    world::World,
};

/// A trial whose first attempt trains on each host, with two attempts that may fail.
async fn one_that_trains(hosts: u32) -> (World, Trial, Job) {
    let mut world = World::new().await;
    let mut trial = trial(hosts);
    trial.spec.failure.attempts = 2;
    world.reconcile_trial(&trial).await;
    let job = world.job(&trial, 1);
    let now = crate::status::seconds(world.context.clock.now());
    for host in 0..hosts {
        world.pod(&job, host, &json!({"running": {"startedAt": now}}), &json!({}));
    }
    world.reconcile_trial(&trial).await;
    world.requests();
    (world, trial, job)
}

/// Reconciles, and gives what was asked of pods and Jobs, in order, with the status that was written.
async fn look(world: &mut World, trial: &mut Trial) -> (Vec<String>, Option<TrialStatus>) {
    world.reconcile_trial(trial).await;
    let requests = world.requests();
    let written = requests.iter().rev().find(|request| request.line.contains("/status"));
    let written: Option<TrialStatus> = written.map(|r| serde_json::from_value(r.body["status"].clone()).unwrap());
    if let Some(status) = &written {
        trial.status = Some(status.clone());
        let version = trial.metadata.resource_version.as_deref().and_then(|version| version.parse::<u32>().ok());
        trial.metadata.resource_version = Some((version.unwrap_or_default() + 2000).to_string());
    }
    let lines = requests.iter().map(|request| request.line.split('?').next().unwrap().to_owned());
    (lines.filter(|line| line.contains(" pods/") || line.contains(" jobs/")).collect(), written)
}

const STOPPED: &str = "PATCH pods/digits-explore-0007-a1-0";

/// A kubelet ends a pod that is beyond its deadline.
fn ends(world: &mut World, job: &Job, host: u32) {
    let extra =
        json!({"spec": {"activeDeadlineSeconds": 1}, "status": {"phase": "Failed", "reason": "DeadlineExceeded"}});
    world.pod(job, host, &json!({"terminated": {"exitCode": 143}}), &extra);
}

/// Days later: neither the Job nor a pod of the first attempt is deleted. Kubernetes does so after the Job's time to live.
async fn is_left_alone(world: &mut World, trial: &mut Trial) {
    for _ in 0..3 {
        world.pass(86_400);
        let (asked, _) = look(world, trial).await;
        assert!(!asked.iter().any(|line| line.starts_with("DELETE") && line.contains("-a1")), "{asked:?}");
    }
}

#[tokio::test]
async fn logs_of_an_attempt_that_took_too_long_are_kept_and_another_follows() {
    let (mut world, mut trial, job) = Box::pin(one_that_trains(1)).await;
    world.pass(3601);
    let (asked, status) = look(&mut world, &mut trial).await;
    assert_eq!(asked, [STOPPED]);
    assert_eq!(status.unwrap().attempts[0].outcome, AttemptOutcome::Failed);
    // Not before its processes are gone.
    world.pass(20);
    assert!(look(&mut world, &mut trial).await.0.is_empty());
    ends(&mut world, &job, 0);
    world.pass(600);
    assert_eq!(look(&mut world, &mut trial).await.0, ["POST jobs/digits-explore-0007-a2"]);
    is_left_alone(&mut world, &mut trial).await;
}

#[tokio::test]
async fn logs_of_the_last_attempt_that_took_too_long_are_kept() {
    let (mut world, mut trial, job) = Box::pin(one_that_trains(1)).await;
    trial.spec.failure.attempts = 1;
    world.pass(3601);
    let (asked, status) = look(&mut world, &mut trial).await;
    assert_eq!(asked, [STOPPED]);
    assert_eq!(status.unwrap().phase, TrialPhase::Failed);
    ends(&mut world, &job, 0);
    is_left_alone(&mut world, &mut trial).await;
}

/// What ignores SIGTERM must not hold its accelerator beside the next attempt, however long that waits.
#[tokio::test]
async fn a_trainer_that_outlasts_its_stop_is_deleted_with_its_log() {
    let (mut world, mut trial, _) = Box::pin(one_that_trains(1)).await;
    world.pass(3601);
    assert_eq!(look(&mut world, &mut trial).await.0, [STOPPED]);
    world.pass(31);
    let (asked, _) = look(&mut world, &mut trial).await;
    assert_eq!(asked, ["DELETE pods/digits-explore-0007-a1-0", "DELETE jobs/digits-explore-0007-a1"]);
}

/// The host that crashed tells why; the other one is stopped.
#[tokio::test]
async fn logs_of_a_host_that_crashed_are_kept_beside_hosts_that_train() {
    let (mut world, mut trial, job) = Box::pin(one_that_trains(2)).await;
    world.pod(&job, 1, &json!({"terminated": {"exitCode": 3}}), &json!({"status": {"phase": "Failed"}}));
    // Its agent is gone, and what it sent may still be on its way.
    let mut asked = Vec::new();
    for _ in 0..4 {
        asked.extend(look(&mut world, &mut trial).await.0);
        world.pass(11);
    }
    assert_eq!(asked, [STOPPED]);
}

#[tokio::test]
async fn logs_of_a_trial_that_is_told_to_stop_are_kept() {
    let (mut world, mut trial, job) = Box::pin(one_that_trains(1)).await;
    trial.spec.stop = Some("worse than the best half".into());
    let (asked, status) = look(&mut world, &mut trial).await;
    assert_eq!(asked, [STOPPED]);
    assert_eq!(status.unwrap().phase, TrialPhase::Stopped);
    ends(&mut world, &job, 0);
    is_left_alone(&mut world, &mut trial).await;
}

#[tokio::test]
async fn logs_of_a_trainer_that_goes_on_after_done_are_kept() {
    let (mut world, mut trial, job) = Box::pin(one_that_trains(1)).await;
    let lines = [
        r#"{"event":"init","parameters_sha256":"ab","init_seed":7241,"data_seed":90}"#,
        r#"{"step":50,"validation_error":0.25}"#,
        r#"{"event":"done","step":500}"#,
    ];
    world.lines_of(&trial, 1, 0, &lines).await;
    let (asked, status) = look(&mut world, &mut trial).await;
    assert_eq!((asked.len(), status.unwrap().phase), (0, TrialPhase::Succeeded));
    world.pass(61);
    assert_eq!(look(&mut world, &mut trial).await.0, [STOPPED]);
    ends(&mut world, &job, 0);
    is_left_alone(&mut world, &mut trial).await;
}

/// Its pods may be on a node that ends nothing any more: the next attempt doesn't wait for it.
#[tokio::test]
async fn pods_beside_a_lost_host_are_deleted_at_once() {
    let (mut world, mut trial, job) = Box::pin(one_that_trains(2)).await;
    let condition: Value = json!({"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"});
    world.pod(&job, 1, &running(), &json!({"status": {"conditions": [condition]}}));
    let (asked, _) = look(&mut world, &mut trial).await;
    assert!(asked.contains(&"DELETE jobs/digits-explore-0007-a1".to_owned()), "{asked:?}");
}
