//! The operator's disk fills up: it says so, starts and judges nothing, and continues within seconds of space.

use std::{env, path::Path, process::Command, time::Duration};

use serde_json::{Value, json};

use crate::{
    cluster::{NAMESPACE, TestCluster, now},
    study::{line, running, study},
};

const IN_A_NAMESPACE: &str = "STUDIOUS_TEST_IN_A_NAMESPACE";

/// Runs a test of this file in a mount namespace of its own, where it may mount a small disk. Fails where that is not
/// possible.
fn in_a_namespace(test: &str) {
    let uid = Command::new("id").arg("-u").output().unwrap().stdout;
    // Root needs no user namespace, which some containers forbid.
    let how: &[&str] = if uid == b"0\n" { &["--mount"] } else { &["--mount", "--user", "--map-root-user"] };
    let output = Command::new("unshare")
        .args(how)
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(IN_A_NAMESPACE, "1")
        .output()
        .unwrap_or_else(|error| panic!("unshare of util-linux must be installed: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn mount(options: &str, folder: &Path) {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "ledger"]).arg(folder);
    assert!(command.status().unwrap().success(), "mount -o {options}");
}

/// Status and reason of the condition that says whether measurements are taken in.
fn available(cluster: &TestCluster) -> Option<(String, String)> {
    let conditions = cluster.study("s")["status"]["conditions"].as_array()?.clone();
    let condition = conditions.into_iter().find(|condition| condition["type"] == "LedgerAvailable")?;
    Some((condition["status"].as_str()?.to_owned(), condition["reason"].as_str()?.to_owned()))
}

#[tokio::test]
async fn a_full_disk_is_told_loses_nothing_and_is_recovered_from() {
    in_a_namespace("disk::full");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by a_full_disk_is_told_loses_nothing_and_is_recovered_from"]
async fn full() {
    assert!(env::var_os(IN_A_NAMESPACE).is_some());
    let mut cluster = TestCluster::without_operator().await;
    mount("size=2m", cluster.ledger.parent().unwrap());
    cluster.start_operator().await;
    cluster.apply(&study("s", 3, 2, &Value::Null));
    let mut pods = Vec::new();
    for index in 0..2 {
        let job = cluster.job(&format!("s-a-000{index}"), 1).await;
        pods.push(cluster.pod(&job, 0, &running()));
    }
    let (status, _) = cluster.push(&pods[0], 0, &[line(10, 0.5)], false).await;
    assert_eq!(status, 200);

    // One trial fills the disk.
    let lines: Vec<String> = (0..500).map(|step| format!(r#"{{"step":{step},"a":0.5,"b":1.5,"c":{step}}}"#)).collect();
    let mut at = 0;
    loop {
        let answer = cluster.send(&pods[1], at, &lines, false).await.unwrap();
        match answer.status().as_u16() {
            200 => at += 500,
            503 => {
                let text = answer.text().await.unwrap();
                if text.contains("disk is full") {
                    break;
                }
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    let full = Some(("False".to_owned(), "DiskFull".to_owned()));
    cluster.until("the study says it", |cluster| (available(cluster) == full).then_some(())).await;
    let (status, words) = cluster.ready().await;
    assert!(status == 503 && words.contains("disk is full"), "{status} {words}");

    // The other's pod is ended meanwhile, its agent with lines that it can't deliver: that isn't judged, and nothing is
    // begun.
    let name = pods[0]["metadata"]["name"].as_str().unwrap();
    cluster.api.change("pods", NAMESPACE, name, |pod| {
        let status = &mut pod["status"];
        status["phase"] = "Succeeded".into();
        status["containerStatuses"][0]["state"] = json!({"terminated": {"exitCode": 0, "finishedAt": now()}});
        status["initContainerStatuses"][0]["state"] = json!({"terminated": {"exitCode": 1, "finishedAt": now()}});
    });
    tokio::time::sleep(Duration::from_secs(3)).await;
    let jobs = cluster.api.list("jobs", NAMESPACE);
    assert_eq!(jobs.len(), 2, "{jobs:?}");
    let trial = cluster.api.get("trials", NAMESPACE, "s-a-0000").unwrap();
    assert!(!matches!(trial["status"]["phase"].as_str(), Some("Succeeded" | "Failed" | "Retrying")), "{trial}");

    mount("remount,size=64m", cluster.ledger.parent().unwrap());
    cluster
        .until("the study says that it works", |cluster| {
            (available(cluster).is_some_and(|(status, _)| status == "True")).then_some(())
        })
        .await;
    assert_eq!(cluster.ready().await.0, 200);
    // Now it is judged: the attempt was lost, and another one follows; the other trial delivers where it stopped.
    cluster.job("s-a-0000", 2).await;
    let (status, answer) = cluster.push(&pods[1], at, &[r#"{"event":"done","step":20}"#.to_owned()], true).await;
    assert_eq!(status, 200, "{answer}");
    cluster.trial_is("s-a-0001", "Failed").await;
}
