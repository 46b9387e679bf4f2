//! `studious wait` and `studious stop` of a study on a cluster.

use std::{process::Output, time::Duration};

use serde_json::Value;
use studious_api_server_model::InjectedFault;

use crate::{
    cluster::{LIMIT, NAMESPACE, TestCluster, studious},
    study::{line, running, study},
};

async fn call(cluster: &TestCluster, words: &[&str]) -> Output {
    let folder = cluster.path("");
    let mut command = studious(&folder);
    command.args(words).args(["--namespace", NAMESPACE]).env("KUBECONFIG", cluster.path("kubeconfig"));
    tokio::time::timeout(LIMIT, command.kill_on_drop(true).output()).await.expect("the command ends").unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_study_is_waited_for_though_connections_break() {
    let cluster = TestCluster::start().await;
    cluster.apply(&study("s", 1, 1, &Value::Null));
    let job = cluster.job("s-a-0000", 1).await;
    let pod = cluster.pod(&job, 0, &running());
    let timed_out = call(&cluster, &["wait", "study/s", "--timeout", "1"]).await;
    assert_eq!(timed_out.status.code(), Some(124), "{}", said(&timed_out));
    cluster.api.faults().set("GET /studies/s", InjectedFault::Reset);
    let ending = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        cluster.api.faults().lift();
        let done = r#"{"event":"done","step":1}"#.to_owned();
        cluster.push(&pod, 0, &[line(1, 0.5), done], true).await
    };
    let (waited, (status, answer)) = tokio::join!(call(&cluster, &["wait", "study/s"]), ending);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(waited.status.code(), Some(0), "{}", said(&waited));
    let said = said(&waited);
    assert!(
        said.contains("s: Completed")
            && said.contains("can't read study team-a/s: ")
            && said.contains("; asked again in 0."),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_study_that_is_not_there_is_not_waited_for() {
    let cluster = TestCluster::start().await;
    let waited = call(&cluster, &["wait", "study/none"]).await;
    assert_eq!(waited.status.code(), Some(1), "{}", said(&waited));
    assert!(said(&waited).contains("there is no study none"), "{}", said(&waited));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_study_starts_no_further_trials() {
    let cluster = TestCluster::start().await;
    cluster.apply(&study("s", 2, 1, &Value::Null));
    let job = cluster.job("s-a-0000", 1).await;
    let pod = cluster.pod(&job, 0, &running());
    let refused = call(&cluster, &["stop", "study/s", "--now"]).await;
    assert!(refused.status.code() == Some(1) && said(&refused).contains("--now"), "{}", said(&refused));
    let stopped = call(&cluster, &["stop", "study/s"]).await;
    assert_eq!(stopped.status.code(), Some(0), "{}", said(&stopped));
    assert_eq!(cluster.study("s")["spec"]["suspend"], true);
    let done = r#"{"event":"done","step":1}"#.to_owned();
    cluster.push(&pod, 0, &[line(1, 0.5), done], true).await;
    cluster.trial_is("s-a-0000", "Succeeded").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(cluster.api.get("jobs", NAMESPACE, "s-a-0001-a1").is_none());
    cluster.api.change("studies", NAMESPACE, "s", |study| study["spec"]["suspend"] = false.into());
    cluster.job("s-a-0001", 1).await;
}
