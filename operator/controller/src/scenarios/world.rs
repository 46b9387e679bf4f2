//! The API server that a test plays, and the operator's caches.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{Client, ResourceExt, client::Body};
use serde_json::{Value, json};
use studious_api::{Study, Trial};
use studious_ledger::Ledger;
use tempfile::TempDir;

use crate::{
    caches::fixed::{self, Writers},
    context::{Clock, Context},
    events::Events,
    live::Live,
    memory::Memories,
    metrics::Metrics,
    object::identified,
    reconcile::{ReconcileError, reconcile},
    study::StudyReconciler,
    trial::{
        TrialReconciler,
        jobs::{self, AgentSettings},
    },
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
    pub(super) studies: Arc<StudyReconciler>,
    pub(super) trials: Arc<TrialReconciler>,
    /// By how many seconds the clock is ahead of the machine's.
    ahead: Arc<AtomicI64>,
    /// By how many seconds its wall clock was set since.
    jumped: Arc<AtomicI64>,
    pub(super) caches: Writers,
    requests: Arc<Mutex<Vec<Request>>>,
    /// Objects that are there already, by path.
    there: Arc<Mutex<BTreeMap<String, Value>>>,
    _folder: TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let (service, mut handle) = tower_test::mock::pair::<http::Request<Body>, http::Response<Body>>();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let there: Arc<Mutex<BTreeMap<String, Value>>> = Arc::default();
        let (seen, found) = (requests.clone(), there.clone());
        tokio::spawn(async move {
            let mut version = 1000;
            while let Some((request, respond)) = handle.next_request().await {
                let (parts, body) = request.into_parts();
                let bytes = body.collect_bytes().await.unwrap();
                let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                version += 1;
                let (line, answer) = answer(&parts, &body, version);
                let (verb, path) = line.split_once(' ').unwrap();
                let answer = match (verb, found.lock().unwrap().get(path)) {
                    ("POST", Some(_)) => json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 409,
                        "reason": "AlreadyExists", "message": "already exists"}),
                    ("GET", Some(object)) => object.clone(),
                    _ => answer,
                };
                seen.lock().unwrap().push(Request { line, body });
                let code = answer["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(200);
                let answer = Body::from(serde_json::to_vec(&answer).unwrap());
                respond.send_response(http::Response::builder().status(code).body(answer).unwrap());
            }
        });
        let client = Client::new(service, "default");
        let folder = tempfile::tempdir().unwrap();
        let (caches, writers) = fixed::caches();
        let ahead: Arc<AtomicI64> = Arc::default();
        let jumped: Arc<AtomicI64> = Arc::default();
        let (offset, passed, off) = (ahead.clone(), ahead.clone(), jumped.clone());
        let begun = Instant::now();
        let context = Arc::new(Context {
            events: Events::new(client.clone(), "test"),
            caches,
            ledger: Ledger::open(folder.path().join("ledger.sqlite")).await.unwrap(),
            live: Arc::new(Live::default()),
            metrics: Metrics::new().unwrap(),
            clock: Clock::new(
                move || match offset.load(Ordering::Relaxed) {
                    i64::MAX => panic!("the clock of the test is broken"),
                    ahead => Timestamp::now() + SignedDuration::from_secs(ahead + off.load(Ordering::Relaxed)),
                },
                move || begun.elapsed() + Duration::from_secs(passed.load(Ordering::Relaxed).unsigned_abs()),
            ),
            failures: Memories::default(),
            client,
        });
        let studies = Arc::new(StudyReconciler {
            context: context.clone(),
            memories: Arc::default(),
            suggesting: tokio::sync::Semaphore::new(1),
            finding: tokio::sync::Semaphore::new(1),
        });
        let agent = AgentSettings {
            image: "studious".into(),
            image_pull_policy: None,
            ingest_url: "https://studious".into(),
            authority: Arc::new(crate::authority::Authority::new(std::path::Path::new(""), String::new())),
            serves_metrics: false,
            drain: Duration::from_mins(10),
        };
        let trials = Arc::new(TrialReconciler { context: context.clone(), memories: Arc::default(), agent });
        Self { context, studies, trials, ahead, jumped, caches: writers, requests, there, _folder: folder }
    }

    /// The requests that have come since this was asked last.
    pub(super) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    /// Their first lines.
    pub(super) fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }

    /// An object is there before the operator makes it.
    pub(super) fn is_there(&self, plural: &str, name: &str, object: &Value) {
        self.there.lock().unwrap().insert(format!("{plural}/{name}"), object.clone());
    }

    /// As [`World::reconcile_study`], of one that may fail.
    pub(super) async fn try_study(&mut self, study: &Study) -> Result<(), ReconcileError> {
        self.caches.study(study);
        reconcile(Arc::new(study.clone()), self.studies.clone()).await.map(|_| ())
    }

    /// Whoever asks for the time panics.
    pub(super) fn break_clock(&self) {
        self.ahead.store(i64::MAX, Ordering::Relaxed);
    }

    /// Time passes.
    pub(super) fn pass(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The machine's wall clock is set, forward or back.
    pub(super) fn jump(&self, seconds: i64) {
        self.jumped.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Reconciles a study as the cache shows it.
    pub(super) async fn reconcile_study(&mut self, study: &Study) {
        self.caches.study(study);
        reconcile(Arc::new(study.clone()), self.studies.clone()).await.unwrap();
    }

    /// Reconciles a trial as the cache shows it.
    pub(super) async fn reconcile_trial(&mut self, trial: &Trial) {
        self.caches.trial(trial);
        reconcile(Arc::new(trial.clone()), self.trials.clone()).await.unwrap();
    }

    /// The Job of an attempt, as the API server shows it once it is made.
    pub(super) fn job(&mut self, trial: &Trial, attempt: u32) -> Job {
        let mut job = jobs::build(&identified(trial), (attempt, None), &self.trials.agent).unwrap();
        job.metadata.uid = Some(format!("job-{attempt}"));
        job.metadata.creation_timestamp = Some(crate::status::seconds(self.context.clock.now()));
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
            "status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z", "containerStatuses": [{
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
    let name = body["metadata"]["name"].as_str().filter(|_| parts.method == http::Method::POST && short != "events");
    let name = name.map(|name| format!("/{name}")).unwrap_or_default();
    let line = format!("{} {short}{name}", parts.method);
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
