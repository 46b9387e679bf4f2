//! Trials.

use serde_json::json;
use studious_api::{Trial, TrialStatus, trial::TrialPhase};
use studious_ledger::{StudyRow, TrialRow};
use studious_playbook::Millis;

use super::world::{Request, World};

/// A trial.
pub(super) fn trial(hosts: u32) -> Trial {
    crate::trial::jobs_tests::trial(hosts, "", "spec: {containers: [{name: trainer, image: trainer}]}")
}

const RUNNING: &str = r#"{"running": {}}"#;

pub(super) fn running() -> serde_json::Value {
    serde_json::from_str(RUNNING).unwrap()
}

impl World {
    /// Puts a trial into the ledger, as its first line does.
    pub(super) async fn introduce(&self, trial: &Trial) -> String {
        let uid = trial.metadata.uid.clone().unwrap();
        let study = StudyRow {
            uid: "study-uid".into(),
            namespace: "team-a".into(),
            name: "digits".into(),
            spec: super::studies::study("").spec,
            created: Millis(0),
        };
        self.context.ledger.upsert_study(&study).await.unwrap();
        let row = TrialRow {
            uid: uid.clone(),
            study: study.uid,
            name: trial.metadata.name.clone().unwrap(),
            spec: trial.spec.clone(),
            state: studious_ledger::RunState::default(),
        };
        self.context.ledger.upsert_trial(&row).await.unwrap();
        uid
    }

    /// Lines that ingest takes in.
    pub(super) async fn lines_of(&self, trial: &Trial, attempt: u32, host: u32, lines: &[&str]) {
        let uid = self.introduce(trial).await;
        let ledger = &self.context.ledger;
        let entry = self.context.live.entry(&uid);
        let mut live = entry.lock().await;
        live.progress(ledger, &uid, &trial.spec).await.unwrap();
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let next = ledger.next_line(&uid, attempt, host).await.unwrap();
        let appended = ledger.append(&uid, attempt, host, next, &lines).await.unwrap();
        live.observe(&trial.spec, (attempt, host), &appended, false);
    }
}

fn status(request: &Request) -> TrialStatus {
    serde_json::from_value(request.body["status"].clone()).unwrap()
}

#[tokio::test]
async fn a_new_trial_gets_a_job_and_a_quick_one_is_written_of_once() {
    let mut world = World::new().await;
    let mut trial = trial(1);
    world.reconcile_trial(&trial).await;
    assert_eq!(world.lines(), ["POST jobs/digits-explore-0007-a1"]);
    // The cache doesn't show the Job yet.
    world.reconcile_trial(&trial).await;
    let job = world.job(&trial, 1);
    world.reconcile_trial(&trial).await;
    world.pod(&job, 0, &running(), &json!({}));
    world.reconcile_trial(&trial).await;
    assert!(world.lines().is_empty());

    world
        .lines_of(
            &trial,
            1,
            0,
            &[
                r#"{"event":"init","parameters_sha256":"ab","init_seed":7241,"data_seed":90}"#,
                r#"{"step":50,"validation_error":0.25}"#,
                r#"{"event":"done","step":500}"#,
            ],
        )
        .await;
    world.reconcile_trial(&trial).await;
    let requests = world.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0].line, "PATCH trials/digits-explore-0007/status");
    let ended = status(&requests[0]);
    assert_eq!((ended.objective, ended.best_step, ended.attempts.len()), (Some(0.25), Some(50), 1));

    // Neither before the cache shows it nor after is it touched again.
    world.reconcile_trial(&trial).await;
    trial.status = Some(ended);
    trial.metadata.resource_version = Some("2000".into());
    world.reconcile_trial(&trial).await;
    assert!(world.lines().is_empty());
}

/// F-113: kept of each attempt, though its pods are gone by the time that it is judged.
#[tokio::test]
async fn each_attempt_is_written_of_with_the_digest_of_its_image_and_its_nodes() {
    let mut world = World::new().await;
    let mut trial = trial(1);
    let mut version = 2000;
    for (attempt, image) in [(1, "r/t@sha256:1"), (2, "r/t@sha256:2")] {
        world.reconcile_trial(&trial).await;
        let job = world.job(&trial, attempt);
        let now = world.context.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let trains = json!({"running": {"startedAt": now}});
        let seen = json!({"spec": {"nodeName": format!("node-{attempt}")}, "status": {"containerStatuses": [{
            "name": "trainer", "image": "", "imageID": image, "ready": true, "restartCount": 0, "state": trains,
        }]}});
        world.pod(&job, 0, &trains, &seen);
        world.pass(60);
        world.reconcile_trial(&trial).await;
        let requests = world.requests();
        let written = requests.iter().rev().find(|request| request.line.contains("/status")).map(status);
        let written = written.unwrap_or_else(|| panic!("attempt {attempt}: {requests:?}"));
        let under_way = written.provenance.clone().unwrap();
        assert_eq!((&under_way.images[..], under_way.code["spec.trial.template"].len()), (&[image.to_owned()][..], 64));
        trial.status = Some(written);
        trial.metadata.resource_version = Some(version.to_string());
        let lost = json!({"status": {"phase": "Failed", "reason": "NodeLost", "containerStatuses": null}, "spec": {"nodeName": null}});
        world.pod(&job, 0, &json!({}), &lost);
        world.pass(60);
        world.reconcile_trial(&trial).await;
        let requests = world.requests();
        let ended = requests.iter().find(|request| request.line.contains("/status")).map(status);
        let ended = ended.unwrap_or_else(|| panic!("attempt {attempt}: {requests:?}"));
        assert_eq!(ended.provenance, None);
        let of_attempt = ended.attempts.last().unwrap().provenance.clone().unwrap();
        assert_eq!((of_attempt.images, of_attempt.machines), (vec![image.to_owned()], vec![format!("node-{attempt}")]));
        trial.status = Some(ended);
        version += 1;
        trial.metadata.resource_version = Some(version.to_string());
        version += 1;
        world.pass(600);
    }
    let spans = crate::study::record(&trial).attempts;
    let images: Vec<_> = spans.iter().map(|span| span.provenance.as_ref().unwrap().images[0].as_str()).collect();
    assert_eq!(images, ["r/t@sha256:1", "r/t@sha256:2"]);
}

#[tokio::test]
async fn a_point_that_diverges_is_written_of_and_its_trainer_stopped() {
    let mut world = World::new().await;
    let mut trial = trial(1);
    world.reconcile_trial(&trial).await;
    let job = world.job(&trial, 1);
    world.pod(&job, 0, &running(), &json!({}));
    world.requests();
    world.lines_of(&trial, 1, 0, &[r#"{"step":3,"train_loss":NaN}"#]).await;
    world.reconcile_trial(&trial).await;
    let requests = world.requests();
    let lines: Vec<_> = requests.iter().map(|r| r.line.split('?').next().unwrap()).collect();
    assert_eq!(
        lines,
        ["PATCH trials/digits-explore-0007/status", "POST events", "PATCH pods/digits-explore-0007-a1-0",]
    );
    let ended = status(&requests[0]);
    assert_eq!(ended.reason.as_deref(), Some("Diverged"));
    assert_eq!(ended.objective, None);
    assert_eq!(requests[2].body, json!({"spec": {"activeDeadlineSeconds": 1}}));

    // Once is enough, and what runs on nevertheless is deleted with its log.
    trial.status = Some(ended);
    trial.metadata.resource_version = Some("2000".into());
    world.reconcile_trial(&trial).await;
    assert!(world.lines().is_empty());
    world.pass(31);
    world.reconcile_trial(&trial).await;
    let lines = world.lines();
    let lines: Vec<_> = lines.iter().map(|line| line.split('?').next().unwrap()).collect();
    assert_eq!(lines, ["DELETE pods/digits-explore-0007-a1-0", "DELETE jobs/digits-explore-0007-a1"]);
}

#[tokio::test]
async fn pods_of_a_trial_that_failed_stay_once_they_have_ended() {
    let mut world = World::new().await;
    let mut trial = trial(1);
    world.reconcile_trial(&trial).await;
    let job = world.job(&trial, 1);
    world.pod(&job, 0, &running(), &json!({}));
    world.lines_of(&trial, 1, 0, &[r#"{"event":"init","init_seed":77}"#]).await;
    world.requests();
    world.reconcile_trial(&trial).await;
    let requests = world.requests();
    let ended = status(&requests[0]);
    assert_eq!(ended.reason.as_deref(), Some("SeedMismatch"));
    assert!(requests.iter().any(|request| request.line.starts_with("PATCH pods")), "{requests:?}");

    let ended_by_its_kubelet = json!({"status": {"phase": "Failed", "reason": "DeadlineExceeded"}});
    world.pod(&job, 0, &json!({"terminated": {"exitCode": 143}}), &ended_by_its_kubelet);
    trial.status = Some(ended);
    trial.metadata.resource_version = Some("2000".into());
    world.pass(300);
    world.reconcile_trial(&trial).await;
    assert!(world.lines().is_empty(), "neither the Job nor its pod is deleted");
}

#[tokio::test]
async fn a_preempted_host_costs_no_attempt_and_all_hosts_restart_together() {
    let mut world = World::new().await;
    let mut trial = trial(2);
    world.reconcile_trial(&trial).await;
    let job = world.job(&trial, 1);
    let disrupted = json!({"status": {"conditions": [
        {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"},
    ]}});
    world.pod(&job, 0, &running(), &json!({}));
    world.pod(&job, 1, &running(), &disrupted);
    world.requests();
    world.reconcile_trial(&trial).await;
    let requests = world.requests();
    let lines: Vec<_> = requests.iter().map(|r| r.line.split('?').next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "PATCH trials/digits-explore-0007/status",
            "POST events",
            "DELETE pods/digits-explore-0007-a1-0",
            "DELETE pods/digits-explore-0007-a1-1",
            "DELETE jobs/digits-explore-0007-a1",
        ]
    );
    let retrying = status(&requests[0]);
    assert_eq!((retrying.disruptions, retrying.attempts.len()), (1, 1));

    // Not before its time, and not before the processes of the first attempt are gone.
    world.reconcile_trial(&trial).await;
    assert!(!world.lines().iter().any(|line| line.starts_with("POST jobs")));
    tokio::time::sleep(std::time::Duration::from_millis(1600)).await;
    world.reconcile_trial(&trial).await;
    assert!(!world.lines().iter().any(|line| line.starts_with("POST jobs")));
    for index in 0..2 {
        world.pod(&job, index, &running(), &json!({"status": {"phase": "Failed"}}));
    }
    trial.status = Some(retrying);
    trial.metadata.resource_version = Some("2000".into());
    world.reconcile_trial(&trial).await;
    assert_eq!(world.lines(), ["POST jobs/digits-explore-0007-a2"]);
}

#[tokio::test]
async fn a_trial_that_is_told_to_stop_before_it_begins_gets_no_job() {
    let mut world = World::new().await;
    let mut trial = trial(1);
    trial.spec.stop = Some("the study stops".into());
    world.reconcile_trial(&trial).await;
    assert_eq!(world.lines(), ["PATCH trials/digits-explore-0007/status"]);
}

#[tokio::test]
async fn an_attempt_whose_job_was_deleted_unseen_is_not_run_again_under_its_number() {
    let mut world = World::new().await;
    let trial = trial(1);
    let uid = world.introduce(&trial).await;
    let lines = [r#"{"step":1,"train_loss":2.0}"#.to_owned()];
    world.context.ledger.append(&uid, 1, 0, 0, &lines).await.unwrap();
    world.reconcile_trial(&trial).await;
    let requests = world.requests();
    assert_eq!(requests[0].line, "PATCH trials/digits-explore-0007/status");
    assert_eq!(status(&requests[0]).disruptions, 1);
    assert!(!requests.iter().any(|r| r.line.starts_with("POST jobs")));
}

#[tokio::test]
async fn a_result_whose_last_lines_were_lost_is_no_result() {
    let agent = |code: i32| {
        json!({"status": {"phase": "Succeeded", "initContainerStatuses": [{
            "name": "studious-agent", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": code}},
        }]}})
    };
    for (code, phase) in [(1, TrialPhase::Retrying), (0, TrialPhase::Succeeded)] {
        let mut world = World::new().await;
        let trial = trial(1);
        world.reconcile_trial(&trial).await;
        let job = world.job(&trial, 1);
        world.lines_of(&trial, 1, 0, &[r#"{"step":50,"validation_error":0.25}"#]).await;
        world.pod(&job, 0, &json!({"terminated": {"exitCode": 0}}), &agent(code));
        world.requests();
        world.reconcile_trial(&trial).await;
        assert_eq!(status(&world.requests()[0]).phase, phase, "the agent left with {code}");
    }
}

/// A checkpoint tells that training had come further than its evaluations did.
#[tokio::test]
async fn evaluations_that_were_lost_with_a_pod_are_made_again() {
    let mut world = World::new().await;
    let mut trial = trial(1);
    let attempt = json!({"number": 1, "outcome": "Disrupted", "message": "", "endTime": "2026-01-01T00:00:00Z"});
    trial.status =
        serde_json::from_value(json!({"phase": "Retrying", "attempts": [attempt], "disruptions": 1})).unwrap();
    world.lines_of(&trial, 1, 0, &[r#"{"step":50,"validation_error":0.25}"#]).await;
    world.reconcile_trial(&trial).await;
    assert_eq!(world.lines(), ["POST jobs/digits-explore-0007-a2"]);
    let job = world.job(&trial, 2);
    let now = crate::status::seconds(world.context.clock.now());
    world.pod(&job, 0, &json!({"running": {"startedAt": now}}), &json!({}));
    let data = trial.spec.seeds.data[0];
    let init = format!(r#"{{"event":"init","init_seed":7241,"data_seed":{data},"restored_step":200}}"#);
    let done = r#"{"event":"done","step":500}"#;
    world.lines_of(&trial, 2, 0, &[&init, r#"{"step":200,"validation_error":0.2}"#, done]).await;
    world.reconcile_trial(&trial).await;
    assert!(world.lines().is_empty(), "what the first attempt measured may be on its way");

    world.pass(11);
    world.reconcile_trial(&trial).await;
    let requests = world.requests();
    let retrying = status(&requests[0]);
    assert_eq!((retrying.phase, retrying.attempts[1].restore_at_most), (TrialPhase::Retrying, Some(50)));
    // It is stopped, and its log stays.
    assert!(requests.iter().any(|r| r.line.starts_with("PATCH pods/digits-explore-0007-a2-0")), "{requests:?}");
    assert!(!requests.iter().any(|r| r.line.starts_with("DELETE")), "{requests:?}");

    world.pod(&job, 0, &running(), &json!({"status": {"phase": "Failed"}}));
    trial.status = Some(retrying);
    trial.metadata.resource_version = Some("2000".into());
    world.pass(10);
    world.reconcile_trial(&trial).await;
    let requests = world.requests();
    assert_eq!(requests[0].line, "POST jobs/digits-explore-0007-a3");
    let annotation = &requests[0].body["spec"]["template"]["metadata"]["annotations"]["studious.dev/trial"];
    let shared = studious_contract::SharedTrial::parse(annotation.as_str().unwrap()).unwrap();
    assert_eq!(shared.checkpoint.unwrap().restore_at_most, Some(50));
}
