//! Scenarios of the operator alone: what Kubernetes and the network do to it. The test says what happens to pods.
//!
//! What is open stands in [`OPEN`] with what happens today: whoever fixes a fault must remove its entry.

use std::time::Duration;

use serde_json::{Value, json};
use studious_api_server_model::InjectedFault;

use crate::cluster::{LIMIT, NAMESPACE, TestCluster, container, now};

/// Faults that are open, and what happens today in place of what is right.
const OPEN: &[(&str, &str)] = &[
    ("F-001", "a push was missed"),
    ("F-002", "study Failed, running trials stopped"),
    ("F-045", "no reason, no Event"),
    ("F-047", "Running"),
    ("F-048", "no status"),
    ("F-056", "taken over"),
    ("F-097", "Pending"),
];

/// Open faults that happen now and then: that all goes well does not show that they are fixed.
const RACES: &[&str] = &["F-001"];

/// Compares what a scenario came to with what is right, or, of a fault that is open, with what happens today.
fn came_to(fault: &str, right: &str, got: &str) {
    match OPEN.iter().find(|(open, _)| *open == fault) {
        None => assert_eq!(got, right, "{fault}"),
        Some(_) if got == right && RACES.contains(&fault) => {}
        Some(_) if got == right => panic!("{fault} is fixed: remove it from OPEN"),
        Some((_, today)) => assert_eq!(got, *today, "{fault} is open, and something else happens than is known"),
    }
}

/// How long something may take that does not happen while a fault is open.
fn patience(fault: &str) -> Duration {
    if OPEN.iter().any(|(open, _)| *open == fault) { Duration::from_secs(1) } else { LIMIT }
}

/// A study of one nuisance hyperparameter with a round `a`, and changes of its spec.
fn study(name: &str, trials: u32, parallelism: u32, changes: &Value) -> Value {
    let mut study = json!({
        "apiVersion": "studious.dev/v1alpha1", "kind": "Study", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "goal": "Which x?",
            "objective": {"metric": "err", "direction": "Minimize", "select": "Best"},
            "hyperparameters": [{"name": "x", "role": "Nuisance", "range": {"min": 0, "max": 1}}],
            "rounds": [{"name": "a", "trials": trials, "maxTrainSteps": 100}],
            "evaluation": {"everySteps": 1},
            "parallelism": parallelism,
            "trial": {"template": {"spec": {"containers": [{"name": "trainer", "image": "i", "command": ["x"]}]}}},
        },
    });
    for (field, value) in changes.as_object().into_iter().flatten() {
        study["spec"][field] = value.clone();
    }
    study
}

fn running() -> Value {
    json!({"running": {"startedAt": now()}})
}

fn line(step: u64, err: f64) -> String {
    json!({"step": step, "err": err}).to_string()
}

/// The sentence of a trial's or study's Events, and of its status.
fn reasons(cluster: &TestCluster, plural: &str, name: &str) -> String {
    let status = cluster.api.get(plural, NAMESPACE, name).unwrap_or_default()["status"].to_string();
    let events = cluster.api.list("events", NAMESPACE);
    let events: Vec<String> =
        events.iter().filter(|event| event["regarding"]["name"] == name).map(ToString::to_string).collect();
    format!("{status} {}", events.join(" "))
}

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
            let runs = status["phase"] == "Running";
            match (status["phase"] == "Failed", stopped) {
                (true, true) => Some("study Failed, running trials stopped"),
                (false, false) if runs && stalled => Some("study Running and Stalled"),
                _ => None,
            }
        })
        .await;
    came_to("F-002", "study Running and Stalled", came);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_refused_is_told_on_its_trial() {
    let cluster = TestCluster::start().await;
    cluster.api.faults().set("PATCH /jobs/", InjectedFault::refuse(403, "Forbidden", "exceeded quota: team-a"));
    cluster.apply(&study("s", 4, 4, &Value::Null));
    let tries = |cluster: &TestCluster| cluster.api.answered().iter().filter(|request| request.status == 403).count();
    let told = |cluster: &TestCluster| reasons(cluster, "trials", "s-a-0000").contains("exceeded quota");
    cluster.until("the Job is refused again", |cluster| (tries(cluster) >= 12 || told(cluster)).then_some(())).await;
    came_to("F-045", "told", if told(&cluster) { "told" } else { "no reason, no Event" });
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
        patience("F-047"),
        cluster.until("the twin fails too", |cluster| (phase(cluster) == "Failed").then_some(())),
    );
    came_to("F-047", "Failed", if failed.await.is_ok() { "Failed" } else { "Running" });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_two_studies_that_collide_are_told() {
    let cluster = TestCluster::start().await;
    let round = |name: &str| json!({"rounds": [{"name": name, "trials": 1, "maxTrainSteps": 100}]});
    cluster.apply(&study("digits", 1, 1, &round("lr-explore")));
    cluster.job("digits-lr-explore-0000", 1).await;
    cluster.apply(&study("digits-lr", 1, 1, &round("explore")));
    let told = |cluster: &TestCluster| {
        let study = cluster.study("digits-lr");
        let all = study["status"]["conditions"].as_array().cloned().unwrap_or_default();
        all.iter().any(|condition| {
            let message = condition["message"].as_str().unwrap_or_default();
            condition["type"] == "Accepted"
                && condition["status"] == "False"
                && message.contains("digits-lr-explore-0000")
        })
    };
    let silent = |cluster: &TestCluster| cluster.log().matches("is still being deleted").count() >= 2;
    let told =
        cluster.until("a word", |cluster| told(cluster).then_some(true).or(silent(cluster).then_some(false))).await;
    came_to("F-048", "Accepted is False", if told { "Accepted is False" } else { "no status" });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_of_the_same_name_is_left_alone() {
    let cluster = TestCluster::start().await;
    cluster.api.create(
        "services",
        NAMESPACE,
        json!({"metadata": {"name": "kafka"}, "spec": {"selector": {"app": "kafka"}}}),
    );
    let mut kafka = study("kafka", 1, 1, &Value::Null);
    kafka["spec"]["trial"]["hosts"] = 2.into();
    cluster.apply(&kafka);
    cluster
        .until("the study has begun or is refused", |cluster| {
            let begun = cluster.api.get("jobs", NAMESPACE, "kafka-a-0000-a1").is_some();
            (begun || reasons(cluster, "studies", "kafka").contains("Service")).then_some(())
        })
        .await;
    let service = cluster.api.get("services", NAMESPACE, "kafka").unwrap();
    let alone =
        service["spec"]["selector"] == json!({"app": "kafka"}) && service["metadata"]["ownerReferences"].is_null();
    came_to("F-056", "left alone", if alone { "left alone" } else { "taken over" });
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
        patience("F-097"),
        cluster.until("the attempt has ended", |cluster| (phase(cluster) != "Pending").then_some(())),
    );
    came_to(
        "F-097",
        "another attempt or an end",
        if ends.await.is_ok() { "another attempt or an end" } else { "Pending" },
    );
}

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
    came_to("F-001", "every push is counted", if missed == 0 { "every push is counted" } else { "a push was missed" });
}
