//! Objects that are refused, or that somebody else has already.

use serde_json::{Value, json};
use studious_api_server_model::InjectedFault;

use crate::{
    cluster::{LIMIT, NAMESPACE, TestCluster},
    study::{reasons, running, study},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_refused_is_told_on_its_trial() {
    let cluster = TestCluster::start().await;
    cluster.api.faults().set("POST /jobs", InjectedFault::refuse(403, "Forbidden", "exceeded quota: team-a"));
    cluster.apply(&study("s", 4, 4, &Value::Null));
    let tries = |cluster: &TestCluster| cluster.api.answered().iter().filter(|request| request.status == 403).count();
    let told = |cluster: &TestCluster| reasons(cluster, "trials", "s-a-0000").contains("exceeded quota");
    cluster.until("the Job is refused again", |cluster| (tries(cluster) >= 12 || told(cluster)).then_some(())).await;
    assert!(told(&cluster), "F-045: no reason, no Event");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_are_refused_are_told_on_the_trial_and_on_the_study() {
    let cluster = TestCluster::start().await;
    cluster.apply(&study("s", 1, 1, &Value::Null));
    let job = cluster.job("s-a-0000", 1).await;
    // As the Job controller says it, and as it says of another Job.
    for (name, note) in [("other-a1", "no such account"), ("s-a-0000-a1", "pods is forbidden: exceeded quota: team-a")]
    {
        let event = json!({"metadata": {"name": name}, "type": "Warning", "reason": "FailedCreate", "note": note,
            "regarding": {"kind": "Job", "name": name, "uid": job["metadata"]["uid"]}});
        cluster.api.create("events", NAMESPACE, event);
    }
    let stalled = |cluster: &TestCluster| {
        let conditions = cluster.study("s")["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.into_iter().find(|condition| condition["type"] == "Stalled" && condition["status"] == "True")
    };
    let stalled = cluster.until("the study says it", stalled).await;
    let message = stalled["message"].as_str().unwrap();
    assert!(message.contains("s-a-0000") && message.contains("exceeded quota: team-a"), "{message}");
    assert_eq!(stalled["reason"], "PodsRefused");
    // Once there is a pod, it is taken back.
    cluster.pod(&job, 0, &running());
    cluster
        .until("the trial runs", |cluster| {
            let trial = cluster.api.get("trials", NAMESPACE, "s-a-0000")?;
            let conditions = trial["status"]["conditions"].as_array()?.clone();
            conditions.iter().any(|c| c["type"] == "Stalled" && c["status"] == "False").then_some(())
        })
        .await;
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
    assert!(told, "F-048: no status");
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
    assert!(alone, "F-056: taken over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_somebody_else_is_told_on_the_trial() {
    let cluster = TestCluster::start().await;
    cluster.api.create("jobs", NAMESPACE, json!({"metadata": {"name": "s-a-0000-a1"}, "spec": {"completions": 7}}));
    cluster.apply(&study("s", 1, 1, &Value::Null));
    let touched = |cluster: &TestCluster| {
        cluster.api.get("jobs", NAMESPACE, "s-a-0000-a1").is_some_and(|job| job["spec"]["completions"] != 7)
    };
    let told = |cluster: &TestCluster| reasons(cluster, "trials", "s-a-0000").contains("s-a-0000-a1");
    cluster.until("the Job is named or taken", |cluster| (told(cluster) || touched(cluster)).then_some(())).await;
    assert!(!touched(&cluster), "F-099: taken over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_that_can_not_be_read_and_is_deleted_leaves_its_place() {
    let cluster = TestCluster::start().await;
    cluster.apply(&study("s", 1, 1, &Value::Null));
    cluster.job("s-a-0000", 1).await;
    // As another version of Studious may have written it.
    cluster.api.change("trials", NAMESPACE, "s-a-0000", |trial| trial["spec"]["index"] = "seven".into());
    cluster.until("it is read", |cluster| cluster.log().contains("the object can't be read").then_some(())).await;
    cluster.api.remove("trials", NAMESPACE, "s-a-0000");
    let again = tokio::time::timeout(
        LIMIT,
        cluster.until("it is made again", |cluster| cluster.api.get("trials", NAMESPACE, "s-a-0000").map(|_| ())),
    );
    assert!(again.await.is_ok(), "F-051: held by a ghost");
}
