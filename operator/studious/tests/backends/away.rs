//! The operator is away for longer than pods live. With a claim their lines wait there.

use serde_json::{Value, json};

use crate::{
    cluster::{NAMESPACE, TestCluster, file},
    kubelet::Kubelet,
    open::study,
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
