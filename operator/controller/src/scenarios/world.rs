//! The API server that a test plays, and the operator's caches.

use std::sync::{Arc, Mutex};

use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{Client, ResourceExt, client::Body};
use serde_json::{Value, json};
use studious_api::{Study, Trial};
use studious_ledger::Ledger;
use tempfile::TempDir;

use crate::{
    caches::fixed::{self, Writers},
    context::{Context, Memory},
    events::Events,
    live::Live,
    metrics::Metrics,
    trial::jobs::{self, AgentSettings},
};

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// `PATCH trials/digits-explore-0000/status`.
    pub(super) line: String,
    /// What was sent.
    pub(super) body: Value,
}

pub(super) struct World {
    pub(super) context: Arc<Context>,
    pub(super) caches: Writers,
    requests: Arc<Mutex<Vec<Request>>>,
    _folder: TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let (service, mut handle) = tower_test::mock::pair::<http::Request<Body>, http::Response<Body>>();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = requests.clone();
        tokio::spawn(async move {
            let mut version = 1000;
            while let Some((request, respond)) = handle.next_request().await {
                let (parts, body) = request.into_parts();
                let bytes = body.collect_bytes().await.unwrap();
                let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                version += 1;
                let (line, answer) = answer(&parts, &body, version);
                seen.lock().unwrap().push(Request { line, body });
                respond.send_response(http::Response::new(Body::from(serde_json::to_vec(&answer).unwrap())));
            }
        });
        let client = Client::new(service, "default");
        let folder = tempfile::tempdir().unwrap();
        let (caches, writers) = fixed::caches();
        let context = Context {
            events: Events::new(client.clone(), "test"),
            caches,
            ledger: Ledger::open(folder.path().join("ledger.sqlite")).await.unwrap(),
            live: Arc::new(Live::default()),
            metrics: Metrics::new().unwrap(),
            agent: AgentSettings {
                image: "studious".into(),
                image_pull_policy: None,
                ingest_url: "https://studious".into(),
                ca_pem: String::new(),
            },
            studies: Arc::new(Memory::default()),
            trials: Arc::new(Memory::default()),
            failures: Memory::default(),
            suggesting: tokio::sync::Semaphore::new(1),
            client,
        };
        Self { context: Arc::new(context), caches: writers, requests, _folder: folder }
    }

    /// The requests that have come since this was asked last.
    pub(super) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    /// Their first lines.
    pub(super) fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }

    /// Reconciles a study as the cache shows it.
    pub(super) async fn reconcile_study(&mut self, study: &Study) {
        self.caches.study(study);
        crate::study::reconcile(Arc::new(study.clone()), self.context.clone()).await.unwrap();
    }

    /// Reconciles a trial as the cache shows it.
    pub(super) async fn reconcile_trial(&mut self, trial: &Trial) {
        self.caches.trial(trial);
        crate::trial::reconcile(Arc::new(trial.clone()), self.context.clone()).await.unwrap();
    }

    /// The Job of an attempt, as the API server shows it once it is made.
    pub(super) fn job(&mut self, trial: &Trial, attempt: u32) -> Job {
        let mut job = jobs::build(trial, attempt, &self.context.agent).unwrap();
        job.metadata.uid = Some(format!("job-{attempt}"));
        job.metadata.creation_timestamp = Some(crate::status::seconds(crate::status::now()));
        self.caches.job(&job);
        job
    }

    /// A pod of a Job, with its trainer's state.
    pub(super) fn pod(&mut self, job: &Job, index: u32, state: &Value, extra: &Value) -> Pod {
        let mut labels = job.labels().clone();
        labels.insert(crate::trial::INDEX_LABEL.into(), index.to_string());
        let mut pod = json!({
            "metadata": {
                "name": format!("{}-{index}", job.name_any()), "namespace": job.namespace(), "labels": labels,
                "uid": format!("pod-{index}"),
                "ownerReferences": [{
                    "apiVersion": "batch/v1", "kind": "Job", "controller": true, "name": job.name_any(), "uid": job.uid(),
                }],
            },
            "spec": {"containers": [{"name": "trainer"}]},
            "status": {"phase": "Running", "containerStatuses": [{
                "name": "trainer", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": state,
            }]},
        });
        merge(&mut pod, extra);
        let pod: Pod = serde_json::from_value(pod).unwrap();
        self.caches.pod(&pod);
        pod
    }
}

/// What the API server answers: what it was sent, with what it adds.
fn answer(parts: &http::request::Parts, body: &Value, version: u64) -> (String, Value) {
    let path = parts.uri.path();
    let short = path.split("/namespaces/").nth(1).and_then(|rest| rest.split_once('/')).map_or(path, |(_, rest)| rest);
    let line = format!("{} {short}", parts.method);
    if parts.method == http::Method::DELETE {
        return (line, json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}));
    }
    let mut object = match short.split('/').next() {
        Some("studies") => serde_json::to_value(super::studies::study("")).unwrap(),
        Some("trials") => serde_json::to_value(super::trials::trial(1)).unwrap(),
        _ => json!({}),
    };
    merge(&mut object, body);
    object["metadata"]["resourceVersion"] = version.to_string().into();
    (line, object)
}

/// JSON merge.
pub(super) fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}
