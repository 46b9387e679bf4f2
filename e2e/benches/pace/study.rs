//! The same as trials of a study.

use std::time::Duration;

use k8s_openapi::api::{
    authentication::v1::TokenRequest,
    core::v1::{Pod, ServiceAccount},
};
use kube::{
    Api, Client,
    api::{ListParams, PostParams},
};
use serde_json::json;
use studious_api::Study;

use crate::{PARALLEL, script, trainer_image};

/// Runs a study to its end.
pub(crate) async fn run(client: &Client, namespace: &str, trials: usize, says_done: bool) {
    let studies: Api<Study> = Api::namespaced(client.clone(), namespace);
    let study: Study = serde_json::from_value(json!({
        "apiVersion": "studious.dev/v1alpha1", "kind": "Study", "metadata": {"name": "pace"},
        "spec": {
            "goal": "How much does a trial cost beside its training?",
            "objective": {"metric": "err", "direction": "Minimize"},
            "hyperparameters": [{"name": "x", "range": {"min": 0, "max": 1}}],
            "rounds": [{"name": "tune", "trials": trials, "maxTrainSteps": 10}],
            "parallelism": PARALLEL, "evaluation": {"everySteps": 10},
            "seeds": {"verify": "IfReported"},
            "trial": {"template": {"spec": {"containers": [{
                "name": "trainer", "image": trainer_image(), "command": ["sh", "-c", script(says_done, true)],
            }]}}},
        },
    }))
    .unwrap();
    studies.create(&PostParams::default(), &study).await.unwrap();
    let ended = async {
        loop {
            let study = studies.get("pace").await.unwrap();
            let status = study.status.unwrap_or_default();
            if status.trials.succeeded as usize == trials {
                return;
            }
            assert_eq!(status.trials.failed, 0, "trials have failed: {status:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let limit = Duration::from_secs(60 + 10 * trials as u64);
    tokio::time::timeout(limit, ended).await.expect("the study ends");
}

/// Processor seconds of the operator since it began, by its own metric.
pub(crate) async fn operator_seconds(client: &Client) -> f64 {
    let namespace = std::env::var("STUDIOUS_E2E_NAMESPACE").unwrap_or_else(|_| "studious-system".to_owned());
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let label = ListParams::default().labels("app.kubernetes.io/name=studious");
    let pod = pods.list(&label).await.unwrap().items.remove(0).metadata.name.unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &namespace);
    let token =
        accounts.create_token_request("scraper", &PostParams::default(), &TokenRequest::default()).await.unwrap();
    // The API server's proxy keeps `Authorization` to itself.
    let path = format!("/api/v1/namespaces/{namespace}/pods/https:{pod}:8445/proxy/metrics");
    let request = http::Request::get(path).header("Studious-Token", token.status.unwrap().token);
    let request = request.body(Vec::new()).unwrap();
    let text = client.request_text(request).await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("process_cpu_seconds_total "));
    line.expect("process_cpu_seconds_total").trim().parse().unwrap()
}
