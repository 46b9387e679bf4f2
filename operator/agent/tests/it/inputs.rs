use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use serde_json::{Value, json};
use studious_agent::AgentError;

use crate::{Pod, eventually, operator::Operator};

#[tokio::test]
async fn the_trainer_starts_once_its_file_is_there() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    let is_ready = tokio::spawn({
        let folder = pod.options.trial_dir.clone();
        async move { studious_agent::ready(&folder, Duration::from_secs(20)).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!is_ready.is_finished());
    pod.start();
    is_ready.await.unwrap().unwrap();
    let path = pod.options.trial_dir.join("trial.json");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o444);
    let trial: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(trial["host"], json!({"index": 1, "count": 2, "coordinator": "s-explore-0000-a1-0.s:8476"}));
    assert_eq!(trial["seeds"], json!({"init": 1, "data": 3, "split": 4}));
    assert_eq!(fs::metadata(pod.metrics()).unwrap().permissions().mode() & 0o777, 0o666);

    pod.write("{\"step\":10,\"examples_per_second\":9200}\n");
    let metrics = format!("http://{}/metrics", pod.options.listen.unwrap());
    let series = "studious_host_examples_per_second{host=\"1\",namespace=\"team-a\",round=\"explore\",study=\"s\",trial=\"s-explore-0000\"} 9200";
    eventually("the series", || async { reqwest::get(&metrics).await.unwrap().text().await.unwrap().contains(series) })
        .await;
    pod.end().await.unwrap();
}

#[tokio::test]
async fn a_trainer_whose_file_does_not_come_is_not_started() {
    let pod = Pod::new("http://nobody");
    let error = studious_agent::ready(&pod.options.trial_dir, Duration::from_millis(20)).await.unwrap_err();
    assert!(matches!(error, AgentError::NotReady { file: "trial.json", .. }), "{error}");
    fs::write(pod.options.trial_dir.join("trial.json"), "{}").unwrap();
    let error = studious_agent::ready(&pod.options.trial_dir, Duration::from_millis(20)).await.unwrap_err();
    assert!(matches!(error, AgentError::NotReady { file: "metrics.jsonl", .. }), "{error}");
}

/// An agent that was killed meets its own read-only file and a metrics file with lines in it.
#[tokio::test]
async fn starts_again_where_it_was_killed() {
    let operator = Operator::new().await;
    let mut pod = Pod::new(&operator.url());
    pod.start();
    pod.write_lines(0..100);
    eventually("the lines", || async { operator.next_line().await == 100 }).await;
    pod.kill().await;
    fs::write(pod.options.trial_dir.join("trial.json.unfinished"), "{").unwrap();
    pod.write_lines(100..150);
    pod.start();
    eventually("the other lines", || async { operator.next_line().await == 150 }).await;
    pod.end().await.unwrap();
    assert_eq!(operator.steps(), (0..150).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_annotation_that_cannot_be_used_is_named() {
    let operator = Operator::new().await;
    let mut seedless: serde_json::Value = serde_json::from_str(&crate::shared(1)).unwrap();
    seedless["host"]["dataSeeds"] = serde_json::json!([1]);
    for (text, problem) in [("{", "can't be read"), (seedless.to_string().as_str(), "no data seed for host 1")] {
        let mut pod = Pod::new(&operator.url());
        fs::write(&pod.options.downward, text).unwrap();
        pod.start();
        let error = pod.end().await.unwrap_err();
        assert!(matches!(error, AgentError::Trial { .. }) && error.to_string().contains(problem), "{error}");
        assert!(!pod.options.trial_dir.join("trial.json").exists());
    }
}

#[tokio::test]
async fn wrong_options_are_named() {
    for (operator, ca_pem, problem) in
        [("studious.svc:8443", None, "http"), ("https://studious", Some("nonsense"), "STUDIOUS_CA_PEM")]
    {
        let mut pod = Pod::new(operator);
        pod.options.ca_pem = ca_pem.map(str::to_owned);
        pod.start();
        let error = pod.end().await.unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}
