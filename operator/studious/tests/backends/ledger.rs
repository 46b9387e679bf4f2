//! What trainers have written, through lost connections, lost Jobs and a lost ledger.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    cluster::{LIMIT, NAMESPACE, TestCluster},
    study::{line, running, study},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_whose_connection_breaks_is_counted() {
    // Of one pod no more is taken at once.
    const TRIALS: u32 = 6;
    const PUSHES: u64 = 20;
    let cluster = TestCluster::start().await;
    cluster.apply(&study("s", TRIALS, TRIALS, &Value::Null));
    let mut missed = 0;
    for index in 0..TRIALS {
        let name = format!("s-a-{index:04}");
        let job = cluster.job(&name, 1).await;
        let pod = cluster.pod(&job, 0, &running());
        cluster.push(&pod, 0, &[line(1, 1.0)], false).await;
        for push in 0..PUSHES {
            // The number of lines that can't be read shows whether any push was missed.
            let lines = ["not JSON".to_owned()];
            let cut = Duration::from_micros(500 + 300 * push);
            let _ = tokio::time::timeout(cut, cluster.send(&pod, push + 1, &lines, false)).await;
            let (status, answer) = cluster.push(&pod, push + 1, &lines, false).await;
            assert_eq!(status, 200, "{answer}");
        }
        cluster.push(&pod, PUSHES + 1, &[r#"{"event":"done","step":1}"#.to_owned()], true).await;
        let trial = cluster.trial_is(&name, "Succeeded").await;
        missed += PUSHES - trial["status"]["malformedLines"].as_u64().unwrap_or_default();
    }
    assert!(missed == 0, "F-001: a push was missed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_completed_and_lost_its_pod_while_the_operator_was_away_has_ended() {
    let mut cluster = TestCluster::start().await;
    cluster.apply(&study("s", 1, 1, &Value::Null));
    let job = cluster.job("s-a-0000", 1).await;
    let pod = cluster.pod(&job, 0, &running());
    let (status, _) = cluster.push(&pod, 0, &[line(1, 0.5)], false).await;
    assert_eq!(status, 200);
    cluster.stop_operator().await;
    cluster.api.remove("pods", NAMESPACE, "s-a-0000-a1-0");
    cluster.api.change("jobs", NAMESPACE, "s-a-0000-a1", |job| {
        job["status"] = json!({"conditions": [{"type": "Complete", "status": "True"}], "succeeded": 1});
    });
    cluster.start_operator().await;
    let phase = |cluster: &TestCluster| {
        let trial = cluster.api.get("trials", NAMESPACE, "s-a-0000").unwrap_or_default();
        trial["status"]["phase"].as_str().unwrap_or("Pending").to_owned()
    };
    let ends = tokio::time::timeout(
        LIMIT,
        cluster.until("the attempt has ended", |cluster| (phase(cluster) != "Pending").then_some(())),
    );
    assert!(ends.await.is_ok(), "F-097: Pending");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_ledger_stops_no_good_trial() {
    let mut cluster = TestCluster::start().await;
    let early = json!({"search": {"earlyEnding": {"rule": "SuccessiveHalving", "fromStep": 20, "reductionFactor": 3}}});
    cluster.apply(&study("s", 9, 9, &early));
    let name = |index: u32| format!("s-a-{index:04}");
    let mut pods = Vec::new();
    // The best come last, so that none of them is ever among the worst of those that have come.
    for index in (0..9).rev() {
        let job = cluster.job(&name(index), 1).await;
        let pod = cluster.pod(&job, 0, &running());
        let (status, answer) = cluster.push(&pod, 0, &[line(20, f64::from(index + 1) / 10.0)], false).await;
        assert_eq!(status, 200, "{answer}");
        pods.push(pod);
    }
    let stopped = |cluster: &TestCluster| -> Vec<u32> {
        let is_stopped = |index: &u32| {
            let trial = cluster.api.get("trials", NAMESPACE, &name(*index)).unwrap_or_default();
            trial["spec"]["stop"].is_string()
        };
        (0..9).filter(is_stopped).collect()
    };
    let poor: Vec<u32> = (3..9).collect();
    cluster.until("the six poor trials are stopped", |cluster| (stopped(cluster) == poor).then_some(())).await;
    for index in 3..9 {
        cluster.trial_is(&name(index), "Stopped").await;
    }
    cluster.stop_operator().await;
    for file in ["ledger/ledger.sqlite", "ledger/ledger.sqlite-wal", "ledger/ledger.sqlite-shm"] {
        let _ = std::fs::remove_file(cluster.path(file));
    }
    cluster.start_operator().await;
    for (index, pod) in (0..3).zip(pods.iter().rev()) {
        cluster.push(pod, 0, &[line(20, f64::from(index + 1) / 10.0)], false).await;
    }
    let more = tokio::time::timeout(
        Duration::from_secs(5),
        cluster.until("good trials are stopped", |cluster| (stopped(cluster).len() == 8).then_some(())),
    );
    let more = if more.await.is_ok() { "two of three stopped" } else { "all three go on" };
    assert_eq!(more, "all three go on", "F-006");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_ran_on_any_host_does_not_run_again_under_its_number() {
    let mut cluster = TestCluster::start().await;
    let mut two = study("s", 1, 1, &json!({"seeds": {"verify": "IfReported"}}));
    two["spec"]["trial"]["hosts"] = 2.into();
    cluster.apply(&two);
    let job = cluster.job("s-a-0000", 1).await;
    let pods = [cluster.pod(&job, 0, &running()), cluster.pod(&job, 1, &running())];
    let (status, answer) = cluster.push(&pods[1], 0, &[r#"{"step":1,"train_loss":2.0}"#.to_owned()], false).await;
    assert_eq!(status, 200, "{answer}");
    cluster.stop_operator().await;
    cluster.api.remove("jobs", NAMESPACE, "s-a-0000-a1");
    for index in 0..2 {
        cluster.api.remove("pods", NAMESPACE, &format!("s-a-0000-a1-{index}"));
    }
    cluster.start_operator().await;
    let again = cluster
        .until("the next Job", |cluster| {
            let jobs = cluster.api.list("jobs", NAMESPACE);
            jobs.first().and_then(|job| job["metadata"]["name"].as_str()).map(str::to_owned)
        })
        .await;
    assert_eq!(&again, "s-a-0000-a2", "F-014");
}
