//! What agents are answered.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, StatusCode};
use kube::runtime::reflector::ObjectRef;
use serde_json::{Value, json};
use studious_api::{Study, TrialStatus};
use studious_ledger::Ledger;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::{
    caches::fixed::Writers,
    context::{Clock, Context},
    events::Events,
    identity::{
        Keys,
        tests::{Signer, World, claims},
    },
    live::Live,
    memory::Memories,
    metrics::Metrics,
    scenarios::studies,
    server::{Shared, secure},
    trial::jobs_tests,
};

struct Operator {
    shared: Arc<Shared>,
    token: String,
    writers: Writers,
    _folder: TempDir,
}

impl Operator {
    /// An operator whose caches show host 1 of attempt 2 of a trial, and that host's token.
    async fn new() -> Self {
        Self::of(studies::study("")).await
    }

    async fn of(study: Study) -> Self {
        let signer = Signer::new("a");
        let mut world = World::new(&[&signer]);
        world.writers.study(&study);
        let mut trial = jobs_tests::trial(2, "", "spec: {containers: [{name: t}]}");
        trial.metadata.owner_references = Some(vec![kube::Resource::controller_owner_ref(&study, &()).unwrap()]);
        world.writers.trial(&trial);
        let folder = tempfile::tempdir().unwrap();
        let context = Context {
            events: Events::new(world.client.clone(), "test"),
            caches: world.caches,
            ledger: Ledger::open(folder.path().join("ledger.sqlite")).await.unwrap(),
            live: Arc::new(Live::default()),
            metrics: Metrics::new().unwrap(),
            clock: Clock::of_the_machine(),
            failures: Memories::default(),
            client: world.client,
        };
        let token = signer.sign(&claims(&json!({})));
        Self {
            shared: Arc::new(Shared::new(Arc::new(context), Vec::new(), Keys::default())),
            token,
            writers: world.writers,
            _folder: folder,
        }
    }

    /// Shows the trial as one that has succeeded.
    fn end_trial(&mut self) {
        let mut trial = jobs_tests::trial(2, "", "spec: {containers: [{name: t}]}");
        trial.status =
            Some(TrialStatus { phase: studious_api::trial::TrialPhase::Succeeded, ..TrialStatus::default() });
        self.writers.trial(&trial);
    }

    async fn post(&self, token: Option<&str>, body: String) -> (StatusCode, Value) {
        let mut request = Request::post(studious_contract::PUSH_PATH).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = secure(self.shared.clone()).oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let code = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (code, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Sends as host 1 of attempt 2 would, with changes.
    async fn send(&self, changes: Value) -> (StatusCode, Value) {
        let mut body = json!({"attempt": 2, "host": 1, "firstLine": 0, "lines": [], "drained": false});
        for (key, value) in changes.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.post(Some(&self.token), body.to_string()).await
    }
}

/// What a pod is told whose trainer runs.
fn answered(next_line: u64) -> Value {
    json!({"nextLine": next_line, "trainerEnded": false})
}

#[tokio::test]
async fn lines_are_taken_once_and_a_sender_that_is_ahead_is_told_where_to_go_on() {
    let operator = Operator::new().await;
    let lines = json!([r#"{"step":1,"train_loss":2.0}"#, "half a li"]);
    assert_eq!(operator.send(json!({})).await, (StatusCode::OK, answered(0)));
    assert_eq!(operator.send(json!({"lines": lines})).await, (StatusCode::OK, answered(2)));
    assert_eq!(operator.send(json!({"lines": lines})).await, (StatusCode::OK, answered(2)));
    let (code, answer) = operator.send(json!({"lines": lines, "firstLine": 7})).await;
    assert_eq!((code, &answer["nextLine"]), (StatusCode::CONFLICT, &json!(2)));

    let uid = TRIAL;
    let context = &operator.shared.context;
    let trial = jobs_tests::trial(2, "", "spec: {containers: [{name: t}]}");
    let entry = context.live.entry(uid);
    let mut live = entry.lock().await;
    let progress = live.progress(&context.ledger, uid, &trial.spec).await.unwrap().clone();
    assert_eq!(progress.malformed, 1);
    assert_eq!(progress.latest[&1].get("train_loss"), Some(&2.0));
    // What is live is what the ledger would say after a restart.
    assert_eq!(progress, context.ledger.progress(uid, &trial.spec).await.unwrap());
}

const TRIAL: &str = "0b6f2c1e-5a44-4a0e-9d1f-3f6a4c1d2e5b";

/// A connection that breaks ends the handler at whatever it waits for: after any number of polls what the ledger has
/// taken is also counted, and wakes the trial.
#[tokio::test]
async fn a_push_whose_connection_breaks_is_counted_if_it_was_taken() {
    use futures::{FutureExt, StreamExt};

    let operator = Operator::new().await;
    let context = &operator.shared.context;
    let trial = jobs_tests::trial(2, "", "spec: {containers: [{name: t}]}");
    let queue = context.caches.trial_queue.clone();
    let mut woken = Box::pin(queue.stream());
    let push = json!({"lines": [r#"{"step":1,"train_loss":2.0}"#, r#"{"event":"done"}"#], "drained": true});
    let mut was_cut_after_it_was_taken = false;
    for polls in 1.. {
        let mut request = Box::pin(operator.send(push.clone()));
        let mut answer = None;
        for _ in 0..polls {
            answer = request.as_mut().now_or_never();
            if answer.is_some() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        drop(request);
        while operator.shared.turns.free() < super::AT_ONCE {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        let is_taken = context.ledger.next_line(TRIAL, 2, 1).await.unwrap() == 2;
        assert_eq!(woken.next().now_or_never().is_some(), is_taken, "after {polls} polls");
        let entry = context.live.entry(TRIAL);
        let mut live = entry.lock().await;
        let progress = live.progress(&context.ledger, TRIAL, &trial.spec).await.unwrap().clone();
        assert_eq!(progress, context.ledger.progress(TRIAL, &trial.spec).await.unwrap(), "after {polls} polls");
        assert_eq!((progress.done.len() == 1, live.is_drained(2, 1)), (is_taken, is_taken));
        drop(live);
        match answer {
            Some((code, _)) => {
                assert_eq!((code, is_taken), (StatusCode::OK, true));
                break;
            }
            None => was_cut_after_it_was_taken |= is_taken,
        }
        context.live.forget(TRIAL);
        context.ledger.delete_study("study-uid").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(was_cut_after_it_was_taken, "no cut was late enough to show anything");
}

/// What another replica took in is in the ledger alone: the live view notices and reads it.
#[tokio::test]
async fn lines_and_drained_hosts_of_another_replica_count() {
    let operator = Operator::new().await;
    let context = &operator.shared.context;
    let trial = jobs_tests::trial(2, "", "spec: {containers: [{name: t}]}");
    operator.send(json!({"lines": [r#"{"step":1,"train_loss":2.0}"#]})).await;
    let entry = context.live.entry(TRIAL);
    let lines = [r#"{"step":2,"train_loss":1.0}"#.to_owned()];
    context.ledger.append(TRIAL, 2, 1, 1, &lines).await.unwrap();

    // The next push shows that there were others.
    operator.send(json!({"lines": [r#"{"event":"done"}"#], "firstLine": 2})).await;
    let mut live = entry.lock().await;
    let progress = live.progress(&context.ledger, TRIAL, &trial.spec).await.unwrap();
    assert_eq!((progress.latest[&1]["step"], progress.done.len()), (2.0, 1));

    // Without one, whoever decides asks.
    context.ledger.append_last(TRIAL, 2, 0, 0, &[r#"{"step":5,"validation_error":0.5}"#.to_owned()]).await.unwrap();
    let progress = live.acknowledged(&context.ledger, TRIAL, &trial.spec).await.unwrap();
    assert_eq!(progress.evaluations.values.len(), 1);
    assert!(live.is_drained(2, 0) && !live.is_drained(2, 1));
}

#[tokio::test]
async fn nobody_sends_for_another_host_or_attempt() {
    let operator = Operator::new().await;
    for changes in [json!({"host": 0}), json!({"attempt": 3}), json!({"attempt": 0})] {
        let (code, answer) = operator.send(changes).await;
        assert_eq!(code, StatusCode::FORBIDDEN, "{answer}");
    }
    assert_eq!(operator.post(None, "{}".into()).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(operator.post(Some("x.y.z"), "{}".into()).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn bodies_and_rates_are_bounded() {
    let operator = Operator::new().await;
    let long = json!({"lines": ["x".repeat(studious_contract::MAX_PUSH_BYTES)]});
    assert_eq!(operator.send(long).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(operator.send(json!({"lines": 3})).await.0.is_client_error());
    // At once: the allowance is refilled meanwhile.
    let answers = futures::future::join_all((0..60).map(|_| operator.send(json!({})))).await;
    assert!(answers.iter().any(|(code, _)| *code == StatusCode::TOO_MANY_REQUESTS));
}

#[tokio::test]
async fn what_decides_wakes_the_trial_and_what_does_not_lets_it_sleep() {
    use futures::StreamExt;

    let operator = Operator::new().await;
    let queue = operator.shared.context.caches.trial_queue.clone();
    let mut woken = Box::pin(queue.stream());
    operator.send(json!({"lines": [r#"{"step":1,"train_loss":2.0}"#]})).await;
    assert!(futures::poll!(woken.next()).is_pending());
    operator.send(json!({"lines": [r#"{"event":"done"}"#], "firstLine": 1, "drained": true})).await;
    assert_eq!(woken.next().await.unwrap(), ObjectRef::new("digits-explore-0007").within("team-a"));
}

#[tokio::test]
async fn a_study_that_is_being_deleted_takes_nothing_more() {
    let mut study = studies::study("");
    study.metadata.deletion_timestamp = Some(crate::status::seconds(jiff::Timestamp::now()));
    let operator = Operator::of(study).await;
    assert_eq!(operator.send(json!({"lines": ["{}"]})).await.0, StatusCode::GONE);
}

/// F-003: what an earlier attempt left on the claim, the pod of the next one delivers.
#[tokio::test]
async fn a_pod_sends_for_earlier_attempts_of_its_host() {
    let operator = Operator::new().await;
    let lines = json!([r#"{"step":1,"validation_error":0.5}"#, r#"{"event":"done"}"#]);
    assert_eq!(operator.send(json!({"attempt": 1, "lines": lines})).await, (StatusCode::OK, answered(2)));
    let context = &operator.shared.context;
    assert_eq!(context.ledger.next_line(TRIAL, 1, 1).await.unwrap(), 2);
    assert_eq!(context.ledger.next_line(TRIAL, 2, 1).await.unwrap(), 0);
    let trial = jobs_tests::trial(2, "", "spec: {containers: [{name: t}]}");
    let entry = context.live.entry(TRIAL);
    let mut live = entry.lock().await;
    let progress = live.progress(&context.ledger, TRIAL, &trial.spec).await.unwrap().clone();
    assert_eq!(progress, context.ledger.progress(TRIAL, &trial.spec).await.unwrap());
    assert!(progress.done.contains_key(&(1, 1)));
}

/// Nothing is written after the kubelet's word, and the agent need not wait.
#[tokio::test]
async fn an_agent_hears_that_its_trainer_has_ended() {
    let mut operator = Operator::new().await;
    for (state, trainer_ended) in [
        (json!({"running": {}}), false),
        (json!({"waiting": {"reason": "PodInitializing"}}), false),
        (json!({"terminated": {"exitCode": 0}}), true),
        (json!({"terminated": {"exitCode": 137}}), true),
    ] {
        let pods = operator.shared.context.caches.pods.state();
        let mut pod = pods.iter().find(|pod| pod.metadata.name.as_deref() == Some("p1")).unwrap().as_ref().clone();
        let others = json!({"name": "proxy", "image": "", "imageID": "", "ready": true, "restartCount": 0,
            "state": {"terminated": {"exitCode": 0}}});
        let trainer =
            json!({"name": "t", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": state});
        pod.status = serde_json::from_value(json!({"containerStatuses": [others, trainer]})).unwrap();
        operator.writers.pod(&pod);
        let answer = operator.send(json!({})).await;
        assert_eq!(answer, (StatusCode::OK, json!({"nextLine": 0, "trainerEnded": trainer_ended})));
    }
}

/// F-105: the last points of a trial that has ended are stored, and make no series of a running one.
#[tokio::test]
async fn a_push_for_a_trial_that_has_ended_is_stored_and_not_live() {
    let mut operator = Operator::new().await;
    operator.send(json!({"lines": [r#"{"step":1,"train_loss":2.0}"#]})).await;
    operator.end_trial();
    let context = operator.shared.context.clone();
    context.live.forget(TRIAL);
    let (code, answer) = operator.send(json!({"lines": [r#"{"step":2,"train_loss":1.0}"#], "firstLine": 1})).await;
    assert_eq!((code, answer), (StatusCode::OK, answered(2)));
    assert_eq!(context.ledger.next_line(TRIAL, 2, 1).await.unwrap(), 2);
    assert!(context.live.latest().is_empty());
}

/// F-055: nothing of a body is read of a caller that is not known, has had enough, or is of a study that is deleted.
#[tokio::test]
async fn a_body_is_read_of_known_senders_only() {
    let operator = Operator::new().await;
    let reads = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let body = || {
        let reads = reads.clone();
        Body::from_stream(futures::stream::poll_fn(move |_| {
            reads.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            std::task::Poll::<Option<Result<Vec<u8>, std::io::Error>>>::Ready(None)
        }))
    };
    for token in [None, Some("x.y.z")] {
        let mut request = Request::post(studious_contract::PUSH_PATH).header("content-length", "2097100");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = secure(operator.shared.clone()).oneshot(request.body(body()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(reads.load(std::sync::atomic::Ordering::SeqCst), 0);
}

/// F-055: a pod that never ends its body holds a turn of its own for a while, and nobody else's.
#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let mut operator = Operator::new().await;
    Arc::get_mut(&mut operator.shared).unwrap().limits.body = std::time::Duration::from_millis(200);
    let request = Request::post(studious_contract::PUSH_PATH)
        .header("authorization", format!("Bearer {}", operator.token))
        .body(Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>()))
        .unwrap();
    let begun = std::time::Instant::now();
    let response = secure(operator.shared.clone()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    assert_eq!(operator.shared.turns.free(), super::AT_ONCE);
    let request = Request::post("/validate")
        .body(Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>()))
        .unwrap();
    let response = secure(operator.shared.clone()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
}
