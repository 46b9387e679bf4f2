//! Studies, trials and Jobs that are deleted while trainers write.

use serde_json::{Value, json};

use crate::{
    cluster::{LIMIT, NAMESPACE, TestCluster},
    study::{line, running, study},
};

/// A study with one trial that runs and has written a line; its pod.
async fn one_that_runs(cluster: &TestCluster) -> Value {
    cluster.apply(&study("s", 1, 1, &Value::Null));
    let job = cluster.job("s-a-0000", 1).await;
    let pod = cluster.pod(&job, 0, &running());
    let (status, answer) = cluster.push(&pod, 0, &[line(1, 0.5)], false).await;
    assert_eq!(status, 200, "{answer}");
    pod
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_whose_study_is_deleted_is_told_to_leave() {
    let cluster = TestCluster::start().await;
    let pod = one_that_runs(&cluster).await;
    cluster.api.delete("studies", NAMESPACE, "s");
    cluster.until("the study is gone", |cluster| cluster.study("s").is_null().then_some(())).await;
    // The operator may take a moment to hear of it.
    let mut code = 200;
    while code == 200 {
        code = cluster.send(&pod, 1, &[line(2, 0.4)], false).await.unwrap().status().as_u16();
    }
    assert_eq!(&code.to_string(), "410", "F-101");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_whose_job_is_deleted_may_send_its_last_lines() {
    let cluster = TestCluster::start().await;
    let pod = one_that_runs(&cluster).await;
    cluster.api.delete("jobs", NAMESPACE, "s-a-0000-a1");
    cluster.trial_is("s-a-0000", "Retrying").await;
    let answer = cluster.send(&pod, 1, &[line(2, 0.4)], true).await.unwrap();
    assert_eq!(answer.status().as_str(), "200", "F-103");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_that_cannot_be_read_holds_no_place_once_it_is_deleted() {
    let cluster = TestCluster::start().await;
    one_that_runs(&cluster).await;
    let uid = cluster.trials("s")[0]["metadata"]["uid"].clone();
    cluster.api.change("trials", NAMESPACE, "s-a-0000", |trial| trial["spec"]["hosts"] = "many".into());
    let said = |cluster: &TestCluster| cluster.log().contains("s-a-0000") && cluster.log().contains("can't be read");
    cluster.until("the operator has seen it", |cluster| said(cluster).then_some(())).await;
    cluster.api.remove("trials", NAMESPACE, "s-a-0000");
    let again = |cluster: &TestCluster| cluster.trials("s").iter().any(|trial| trial["metadata"]["uid"] != uid);
    let again =
        tokio::time::timeout(LIMIT, cluster.until("the trial is made again", |cluster| again(cluster).then_some(())));
    assert!(again.await.is_ok(), "F-051: held by a ghost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_of_a_trial_that_failed_by_seeds_are_kept() {
    let cluster = TestCluster::start().await;
    let pod = one_that_runs(&cluster).await;
    let wrong = json!({"event": "init", "parameters_sha256": "ab", "init_seed": 1, "data_seed": 1}).to_string();
    cluster.push(&pod, 1, &[wrong], false).await;
    let trial = cluster.trial_is("s-a-0000", "Failed").await;
    assert_eq!(trial["status"]["reason"], "SeedMismatch");
    let is_stopped = |cluster: &TestCluster| {
        let pod = cluster.api.get("pods", NAMESPACE, "s-a-0000-a1-0").unwrap_or_default();
        (pod["spec"]["activeDeadlineSeconds"] == 1).then_some(())
    };
    cluster.until("the trainer is stopped", is_stopped).await;
    let deleted = |cluster: &TestCluster| {
        let job = cluster.api.get("jobs", NAMESPACE, "s-a-0000-a1");
        job.is_none_or(|job| !job["metadata"]["deletionTimestamp"].is_null())
    };
    let deleted = tokio::time::timeout(
        std::time::Duration::from_secs(2),
        cluster.until("the Job is deleted", |cluster| deleted(cluster).then_some(())),
    );
    assert!(deleted.await.is_err(), "F-104: deleted");
}
