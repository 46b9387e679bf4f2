//! Bare Jobs: the least that running trials one after another on Kubernetes can cost.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use kube::{Api, Client, api::PostParams};
use serde_json::json;

use crate::{PARALLEL, script, timeline::Timeline, trainer_image};

/// What the next Job waits for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Successor {
    /// The Job controller's word.
    OfCompleteJob,
    /// The kubelet's.
    OfSucceededPod,
}

/// Runs Jobs until so many have ended.
pub(crate) async fn run(client: &Client, namespace: &str, trials: usize, successor: Successor, timeline: &Timeline) {
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    let mut made = 0;
    loop {
        let ended = match successor {
            Successor::OfCompleteJob => timeline.complete_jobs(),
            Successor::OfSucceededPod => timeline.succeeded_pods(),
        };
        if ended == trials {
            return;
        }
        while made < trials.min(ended + PARALLEL) {
            jobs.create(&PostParams::default(), &job(made)).await.unwrap();
            made += 1;
        }
        let news = tokio::time::timeout(Duration::from_mins(2), timeline.changed()).await;
        assert!(news.is_ok(), "{ended} of {trials} Jobs have ended, and nothing has happened for two minutes");
    }
}

fn job(index: usize) -> Job {
    serde_json::from_value(json!({
        "metadata": {"name": format!("bare-{index}")},
        "spec": {
            "completionMode": "Indexed", "completions": 1, "parallelism": 1, "backoffLimit": 0,
            "template": {"spec": {
                "restartPolicy": "Never", "automountServiceAccountToken": false,
                "containers": [{"name": "trainer", "image": trainer_image(),
                    "command": ["sh", "-c", script(false, false)]}],
            }},
        },
    }))
    .unwrap()
}
