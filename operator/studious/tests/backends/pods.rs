//! What the kubelet says of pods, and what the operator makes of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    cluster::{LIMIT, NAMESPACE, TestCluster, container, now},
    study::{line, running, study},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_runs_from_apply_to_its_result() {
    let cluster = TestCluster::start().await;
    cluster.apply(&study("s", 1, 1, &Value::Null));
    let job = cluster.job("s-a-0000", 1).await;
    let pod = cluster.pod(&job, 0, &running());
    let lines = [line(1, 0.5), line(2, 0.25), r#"{"event":"done","step":2}"#.to_owned()];
    let (status, answer) = cluster.push(&pod, 0, &lines, true).await;
    assert_eq!((status, answer["nextLine"].as_u64()), (200, Some(3)), "{answer}");
    let trial = cluster.trial_is("s-a-0000", "Succeeded").await;
    assert_eq!((trial["status"]["objective"].as_f64(), trial["status"]["bestStep"].as_u64()), (Some(0.25), Some(2)));
    assert_eq!(cluster.ended("s").await["status"]["phase"], "Completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_away_ends_no_trial_that_runs() {
    let cluster = TestCluster::start().await;
    cluster.apply(&study("s", 30, 4, &Value::Null));
    for index in 0..2 {
        let job = cluster.job(&format!("s-a-000{index}"), 1).await;
        cluster.pod(&job, 0, &running());
    }
    let long_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(130);
    let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "registry: connection refused"}});
    let mut known = std::collections::BTreeSet::new();
    // Until it gives up, or shows that it waits.
    let came = cluster
        .until("the study gives up or waits", |cluster| {
            for job in cluster.api.list("jobs", NAMESPACE) {
                let name = job["metadata"]["name"].as_str().unwrap().to_owned();
                if *name > *"s-a-0002" && known.insert(name) {
                    let mut pod = crate::kubelet::pod_of(&job, 0);
                    pod["status"] = json!({
                        "phase": "Pending", "startTime": long_ago.to_string(),
                        "containerStatuses": [container("trainer", &waiting)],
                    });
                    cluster.api.create("pods", NAMESPACE, pod);
                }
            }
            let stopped = (0..2).all(|index| {
                let trial = cluster.api.get("trials", NAMESPACE, &format!("s-a-000{index}")).unwrap_or_default();
                trial["spec"]["stop"].is_string() && trial["status"]["phase"] == "Stopped"
            });
            let status = &cluster.study("s")["status"];
            let stalled = status["conditions"].as_array().is_some_and(|all| {
                all.iter().any(|condition| condition["type"] == "Stalled" && condition["status"] == "True")
            });
            let gives_up = status["conditions"]
                .as_array()
                .is_some_and(|all| all.iter().any(|condition| condition["reason"] == "TooManyFailedTrials"));
            let runs = status["phase"] == "Running";
            match (status["phase"] == "Failed", stopped) {
                (true, true) => Some("study Failed, running trials stopped"),
                (false, false) if runs && stalled => Some("study Running and Stalled"),
                (false, false) if runs && gives_up => Some("study Running, starts nothing more"),
                _ => None,
            }
        })
        .await;
    assert_eq!(came, "study Running and Stalled", "F-002");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_is_injected_first_does_not_hide_the_trainer() {
    let cluster = TestCluster::start().await;
    cluster.apply(&study("s", 2, 2, &json!({"failure": {"attempts": 1}})));
    let failed = json!({"terminated": {"exitCode": 1, "startedAt": now(), "finishedAt": now()}});
    for index in 0..2 {
        let job = cluster.job(&format!("s-a-000{index}"), 1).await;
        let mut pod = crate::kubelet::pod_of(&job, 0);
        let mut statuses = vec![container("trainer", &failed)];
        if index == 0 {
            let containers = pod["spec"]["containers"].as_array_mut().unwrap();
            containers.insert(0, json!({"name": "proxy", "image": "p"}));
            statuses.insert(0, container("proxy", &running()));
        }
        let drained = container("studious-agent", &json!({"terminated": {"exitCode": 0}}));
        pod["status"] = json!({
            "phase": "Running", "startTime": now(), "containerStatuses": statuses, "initContainerStatuses": [drained],
        });
        cluster.api.create("pods", NAMESPACE, pod);
    }
    cluster.trial_is("s-a-0001", "Failed").await;
    // Both are looked at when their pods appear.
    let phase =
        |cluster: &TestCluster| cluster.api.get("trials", NAMESPACE, "s-a-0000").unwrap()["status"]["phase"].clone();
    let failed = tokio::time::timeout(
        LIMIT,
        cluster.until("the twin fails too", |cluster| (phase(cluster) == "Failed").then_some(())),
    );
    assert!(failed.await.is_ok(), "F-047: Running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_that_trains_is_running() {
    let cluster = TestCluster::start().await;
    cluster.api.add_user("token-of-ann", "ann", &[NAMESPACE]);
    cluster.apply(&study("s", 1, 1, &Value::Null));
    let job = cluster.job("s-a-0000", 1).await;
    let pod = cluster.pod(&job, 0, &running());
    cluster.push(&pod, 0, &[line(1, 0.5)], false).await;
    // Its own status says so after ten seconds, for each of its writes counts; what counts and shows trials doesn't wait.
    let counted = cluster.until("the study counts it as running", |cluster| {
        (cluster.study("s")["status"]["trials"]["running"] == 1).then_some(())
    });
    tokio::time::timeout(Duration::from_secs(2), counted).await.expect("within 2 s");
    let running = r#"studious_trials{namespace="team-a",phase="Running",study="s"} 1"#;
    cluster.api.add_user("token-of-prometheus", "prometheus", &["/metrics"]);
    let (_, metrics) = cluster.scrape(Some("token-of-prometheus")).await;
    assert!(metrics.contains(running), "{metrics}");
    let (status, records) = cluster.records("s", "token-of-ann").await;
    assert_eq!(status, 200, "{records}");
    let record: Value = serde_json::from_str(&records).unwrap();
    assert!(record["attempts"][0].is_object() && record["attempts"][0]["ended"].is_null(), "{records}");
}
