//! Who may see a study, and what strangers cost.

use serde_json::Value;

use crate::{
    cluster::{NAMESPACE, TestCluster},
    study::{line, running, study},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_shown_to_those_who_may_get_the_study() {
    let cluster = TestCluster::start().await;
    cluster.api.add_user("token-of-ann", "ann", &[NAMESPACE]);
    cluster.api.add_user("token-of-ben", "ben", &["team-b"]);
    cluster.apply(&study("s", 1, 1, &Value::Null));
    let job = cluster.job("s-a-0000", 1).await;
    let pod = cluster.pod(&job, 0, &running());
    let (status, answer) = cluster.push(&pod, 0, &[line(1, 0.5), line(2, 0.25)], false).await;
    assert_eq!(status, 200, "{answer}");
    let (status, records) = cluster.records("s", "token-of-ann").await;
    assert_eq!(status, 200, "{records}");
    let record: Value = serde_json::from_str(&records).unwrap();
    assert_eq!(record["curves"]["err"], serde_json::json!([[1, 0.5], [2, 0.25]]));
    assert_eq!(cluster.records("s", "token-of-ben").await.0, 403);
    assert_eq!(cluster.records("s", "token-of-nobody").await.0, 401);
}

/// F-106: series name the studies of all namespaces.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_read_by_those_who_may_get_their_path() {
    let cluster = TestCluster::start().await;
    cluster.api.add_user("token-of-prometheus", "prometheus", &["/metrics"]);
    cluster.api.add_user("token-of-ann", "ann", &[NAMESPACE]);
    cluster.apply(&study("s", 1, 1, &Value::Null));
    let job = cluster.job("s-a-0000", 1).await;
    let pod = cluster.pod(&job, 0, &running());
    for (token, expected) in [
        (None, 401),
        (Some("token-of-nobody"), 401),
        (Some(cluster.api.token_of(&pod).as_str()), 401),
        (Some("token-of-ann"), 403),
    ] {
        let (status, answer) = cluster.scrape(token).await;
        assert_eq!(status, expected, "{token:?}: {answer}");
        assert!(!answer.contains("studious_"), "{answer}");
    }
    let (status, series) = cluster.scrape(Some("token-of-prometheus")).await;
    assert_eq!(status, 200, "{series}");
    assert!(series.contains("studious_trials{namespace=\"team-a\""), "{series}");
    // Probes need no token, and learn nothing.
    assert_eq!(cluster.in_the_clear("/metrics").await, 404);
    assert_eq!(cluster.in_the_clear("/healthz").await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_tokens_are_reviewed_within_a_limit() {
    const REQUESTS: usize = 100;
    let cluster = TestCluster::start().await;
    for stranger in 0..REQUESTS {
        cluster.records("s", &format!("token-{stranger}")).await;
    }
    let reviews = cluster.api.answered().iter().filter(|request| request.line.contains("tokenreviews")).count();
    assert!(reviews < REQUESTS, "F-058: two reviews a request");
}

/// F-055: connections that say nothing, more than one address may have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_do_not_keep_agents_out() {
    let cluster = TestCluster::start().await;
    cluster.apply(&study("s", 1, 1, &Value::Null));
    let job = cluster.job("s-a-0000", 1).await;
    let pod = cluster.pod(&job, 0, &running());
    let mut open = Vec::new();
    for _ in 0..600 {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        if let Ok(stream) = socket.connect(cluster.address()).await {
            open.push(stream);
        }
    }
    let (status, answer) = cluster.push(&pod, 0, &[line(1, 0.5)], false).await;
    assert_eq!(status, 200, "{answer}");
    let mut held = 0;
    for stream in &open {
        let closed = async {
            stream.readable().await.unwrap();
            matches!(stream.try_read(&mut [0; 1]), Ok(0) | Err(_))
        };
        let closed = tokio::time::timeout(std::time::Duration::from_millis(20), closed).await;
        held += usize::from(!closed.unwrap_or(false));
    }
    assert!(held <= 256, "{held} connections of one address are held");
}
