//! The operator is away for longer than pods live. With a claim their lines wait there.

use std::time::Duration;

use serde_json::{Value, json};
use studious_api_server_model::InjectedFault;

use crate::{
    cluster::{NAMESPACE, TestCluster, file},
    kubelet::Kubelet,
    study::{line, running, study},
};

/// F-003, F-095: the next attempt finds the final checkpoint and has nothing left to train. The curve of the first one,
/// which it delivers, is the result.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_on_the_claim_outlive_the_pod() {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = TestCluster::start().await;
    let _kubelet = Kubelet::start(&cluster, folder.path());
    let script = r#"w() { echo "$1" >> "$STUDIOUS_TRIAL_DIR/metrics.jsonl"; }
        if [ -e $STUDIOUS_TRIAL_DIR/restore/saved ]; then w '{"event":"done","step":100}'; exit 0; fi
        w '{"step":50,"err":0.5}'; touch away; sleep 1
        w '{"step":75,"err":0.05}'; w '{"step":100,"err":0.1}'; touch $STUDIOUS_TRIAL_DIR/checkpoints/saved"#;
    let changes = json!({
        "checkpoint": {"everySteps": 50, "volume": {"persistentVolumeClaim": {"claimName": "c"}}},
        "trial": {"template": {"spec": {
            "terminationGracePeriodSeconds": 6,
            "containers": [{"name": "trainer", "image": "i", "command": ["sh", "-c", script]}],
        }}},
    });
    cluster.apply(&study("s", 1, 1, &changes));
    file(&folder.path().join("away")).await;
    cluster.kill_operator().await;
    let agent = |cluster: &TestCluster| {
        let pod = cluster.api.get("pods", NAMESPACE, "s-a-0000-a1-0")?;
        pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"].as_i64()
    };
    assert_eq!(cluster.until("the agent gives up", agent).await, 1);
    cluster.start_operator().await;
    let trial = cluster.trial_is("s-a-0000", "Succeeded").await;
    let status = &trial["status"];
    let outcomes: Vec<&Value> = status["attempts"].as_array().unwrap().iter().map(|a| &a["outcome"]).collect();
    assert_eq!(outcomes, ["Disrupted", "Finished"]);
    assert_eq!((&status["objective"], &status["bestStep"]), (&json!(0.05), &json!(75)), "{status}");
}

/// F-044: the Lease is lost, and with it the controllers, not the process. Ingest continues, and so do they once it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_is_away_ends_no_ingest() {
    let cluster = TestCluster::start().await;
    cluster.apply(&study("s", 2, 1, &Value::Null));
    let job = cluster.job("s-a-0000", 1).await;
    let pod = cluster.pod(&job, 0, &running());
    assert_eq!(cluster.push(&pod, 0, &[line(1, 0.5)], false).await.0, 200);
    cluster.api.faults().set("/", InjectedFault::Reset);
    cluster.api.drop_watches();
    let lost = |cluster: &TestCluster| cluster.log().contains("stopped reconciling").then_some(());
    cluster.until("the Lease is lost", lost).await;
    let done = json!({"event": "done", "step": 100}).to_string();
    assert_eq!(cluster.push(&pod, 1, &[line(2, 0.25), done], true).await.0, 200);
    tokio::time::sleep(Duration::from_secs(3)).await;
    cluster.api.faults().lift();
    assert_eq!(cluster.trial_is("s-a-0000", "Succeeded").await["status"]["objective"], 0.25);
    cluster.job("s-a-0001", 1).await;
}

/// F-050: agents find the authority in a `ConfigMap` of their namespace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_authority_reaches_the_namespaces_of_trials() {
    let cluster = TestCluster::start().await;
    cluster.apply(&study("s", 1, 1, &Value::Null));
    cluster.job("s-a-0000", 1).await;
    let published = |cluster: &TestCluster| {
        let map = cluster.api.get("configmaps", NAMESPACE, "studious-ca")?;
        map["data"]["ca.crt"].as_str().map(str::to_owned)
    };
    let before = std::fs::read_to_string(cluster.path("ca.crt")).unwrap();
    assert_eq!(cluster.until("the authority", published).await, before);
    let after = studious_api_server_model::Certificates::generate().authority;
    std::fs::write(cluster.path("ca.crt"), &after).unwrap();
    let both = |cluster: &TestCluster| {
        let text = published(cluster)?;
        (text.contains(after.trim()) && text.contains(before.trim())).then_some(())
    };
    cluster.until("both authorities", both).await;
}
