//! Tokens signed with a key made here, caches made here.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kube::{Client, client::Body};
use rsa::{RsaPrivateKey, pkcs1::EncodeRsaPrivateKey, traits::PublicKeyParts};
use serde_json::{Value, json};

use super::{IdentityError, Keys, Sender, identify};
use crate::{
    caches::{
        Caches,
        fixed::{self, Writers},
    },
    trial::jobs_tests,
};

const ISSUER: &str = "https://kubernetes.default.svc";

pub(crate) struct Signer {
    id: &'static str,
    key: RsaPrivateKey,
}

impl Signer {
    /// Small keys: making large ones takes a debug build half a minute.
    pub(crate) fn new(id: &'static str) -> Self {
        Self { id, key: RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 640).unwrap() }
    }

    fn jwk(&self) -> Value {
        let text = |number: &rsa::BigUint| URL_SAFE_NO_PAD.encode(number.to_bytes_be());
        json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.id, "n": text(self.key.n()), "e": text(self.key.e())})
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.into()), ..Header::new(Algorithm::RS256) };
        let der = self.key.to_pkcs1_der().unwrap();
        encode(&header, claims, &EncodingKey::from_rsa_der(der.as_bytes())).unwrap()
    }
}

/// What a kubelet's token says, with changes.
pub(crate) fn claims(changes: &Value) -> Value {
    let now = jiff::Timestamp::now().as_second();
    let mut claims = json!({
        "iss": ISSUER, "aud": ["studious-agent"], "exp": now + 3600, "nbf": now - 10, "iat": now - 10,
        "sub": "system:serviceaccount:team-a:default",
        "kubernetes.io": {"namespace": "team-a", "pod": {"name": "p1", "uid": "pod-uid"}},
    });
    for (key, value) in changes.as_object().unwrap() {
        claims[key] = value.clone();
    }
    claims
}

pub(crate) struct World {
    pub(crate) client: Client,
    keys: Keys,
    pub(crate) caches: Caches,
    pub(crate) writers: Writers,
    /// How often the keys were asked for.
    asked: Arc<AtomicUsize>,
}

impl World {
    /// An API server with these keys, and a pod that is host 1 of attempt 2 of a trial.
    pub(crate) fn new(signers: &[&Signer]) -> Self {
        let set = json!({"keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>()});
        let (service, mut handle) = tower_test::mock::pair::<http::Request<Body>, http::Response<Body>>();
        let asked: Arc<AtomicUsize> = Arc::default();
        let count = asked.clone();
        tokio::spawn(async move {
            while let Some((request, respond)) = handle.next_request().await {
                let answer = match request.uri().path() {
                    "/openid/v1/jwks" => {
                        count.fetch_add(1, Ordering::SeqCst);
                        set.clone()
                    }
                    "/.well-known/openid-configuration" => json!({"issuer": ISSUER}),
                    other => panic!("{other}"),
                };
                respond.send_response(http::Response::new(Body::from(serde_json::to_vec(&answer).unwrap())));
            }
        });
        let (caches, mut writers) = fixed::caches();
        writers.trial(&jobs_tests::trial(2, "", "spec: {containers: [{name: t}]}"));
        let owner = |kind: &str, name: &str, uid: &str| json!([{"apiVersion": "x/v1", "kind": kind, "name": name, "uid": uid, "controller": true}]);
        let trial_uid = "0b6f2c1e-5a44-4a0e-9d1f-3f6a4c1d2e5b";
        let job = json!({"metadata": {"name": "digits-explore-0007-a2", "namespace": "team-a", "uid": "job-uid",
            "labels": {"studious.dev/trial": "digits-explore-0007", "studious.dev/attempt": "2"},
            "ownerReferences": owner("Trial", "digits-explore-0007", trial_uid)}});
        writers.job(&serde_json::from_value(job).unwrap());
        let pod = json!({"metadata": {"name": "p1", "namespace": "team-a", "uid": "pod-uid",
            "labels": {"studious.dev/trial": "digits-explore-0007", "batch.kubernetes.io/job-completion-index": "1"},
            "ownerReferences": owner("Job", "digits-explore-0007-a2", "job-uid")}});
        writers.pod(&serde_json::from_value(pod).unwrap());
        Self { client: Client::new(service, "default"), keys: Keys::default(), caches, writers, asked }
    }

    async fn identify(&self, token: &str) -> Result<Sender, IdentityError> {
        identify(&self.client, &self.keys, &self.caches, Some(token)).await
    }

    async fn refused(&self, token: &str) -> IdentityError {
        self.identify(token).await.err().unwrap()
    }
}

#[tokio::test]
async fn a_pod_is_the_host_that_the_cluster_says() {
    let signer = Signer::new("a");
    let world = World::new(&[&signer]);
    let sender = world.identify(&signer.sign(&claims(&json!({})))).await.unwrap();
    assert_eq!((sender.attempt, sender.host), (2, 1));
    assert_eq!(sender.trial.metadata.name.as_deref(), Some("digits-explore-0007"));
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_refused() {
    let signer = Signer::new("a");
    let world = World::new(&[&signer]);
    let past = jiff::Timestamp::now().as_second() - 120;
    for (changes, why) in [
        (json!({"aud": ["https://kubernetes.default.svc"]}), "InvalidAudience"),
        (json!({"aud": ["studious"]}), "InvalidAudience"),
        (json!({"iss": "https://elsewhere"}), "InvalidIssuer"),
        (json!({"exp": past}), "ExpiredSignature"),
        (json!({"nbf": past + 3600}), "ImmatureSignature"),
        (json!({"kubernetes.io": {"namespace": "team-a"}}), "isn't bound to a pod"),
    ] {
        let error = world.refused(&signer.sign(&claims(&changes))).await;
        assert!(matches!(&error, IdentityError::Token(text) if text.contains(why)), "{why}: {error}");
    }
    assert!(matches!(world.refused("nonsense").await, IdentityError::Token(_)));
    let none = identify(&world.client, &world.keys, &world.caches, None).await.err().unwrap();
    assert!(matches!(none, IdentityError::NoToken));
}

#[tokio::test]
async fn a_forged_signature_is_refused_and_a_public_key_is_no_secret() {
    let (signer, forger) = (Signer::new("a"), Signer::new("a"));
    let world = World::new(&[&signer]);
    let error = world.refused(&forger.sign(&claims(&json!({})))).await;
    assert!(error.to_string().contains("InvalidSignature"), "{error}");
    let header = Header { kid: Some("a".into()), ..Header::new(Algorithm::HS256) };
    let secret = EncodingKey::from_secret(signer.jwk()["n"].as_str().unwrap().as_bytes());
    let error = world.refused(&encode(&header, &claims(&json!({})), &secret).unwrap()).await;
    assert!(error.to_string().contains("InvalidAlgorithm"), "{error}");
}

#[tokio::test]
async fn unknown_keys_are_asked_for_once_in_a_while() {
    let (signer, unknown) = (Signer::new("a"), Signer::new("b"));
    let world = World::new(&[&signer]);
    world.identify(&signer.sign(&claims(&json!({})))).await.unwrap();
    for _ in 0..5 {
        let error = world.refused(&unknown.sign(&claims(&json!({})))).await;
        assert!(error.to_string().contains("no key b"), "{error}");
    }
    assert_eq!(world.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn pods_that_are_no_hosts_are_refused() {
    let signer = Signer::new("a");
    let mut world = World::new(&[&signer]);
    let of = |name: &str, uid: &str| {
        signer.sign(&claims(&json!({"kubernetes.io": {"namespace": "team-a", "pod": {"name": name, "uid": uid}}})))
    };
    assert!(matches!(world.refused(&of("p2", "x")).await, IdentityError::UnknownPod { .. }));
    // A pod of the same name that was there before.
    assert!(matches!(world.refused(&of("p1", "earlier")).await, IdentityError::UnknownPod { .. }));
    // A pod that only carries the label: anybody may set it.
    let pod = json!({"metadata": {"name": "p3", "namespace": "team-a", "uid": "u3",
        "labels": {"studious.dev/trial": "digits-explore-0007", "batch.kubernetes.io/job-completion-index": "0"}}});
    world.writers.pod(&serde_json::from_value(pod).unwrap());
    assert!(matches!(world.refused(&of("p3", "u3")).await, IdentityError::NoHost { .. }));
    // A Job of somebody's own with the trial's labels.
    let job = json!({"metadata": {"name": "mine", "namespace": "team-a", "uid": "mine",
        "labels": {"studious.dev/trial": "digits-explore-0007", "studious.dev/attempt": "2"}}});
    world.writers.job(&serde_json::from_value(job).unwrap());
    let pod = json!({"metadata": {"name": "p4", "namespace": "team-a", "uid": "u4",
        "labels": {"studious.dev/trial": "digits-explore-0007", "batch.kubernetes.io/job-completion-index": "0"},
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "mine", "uid": "mine", "controller": true}]}});
    world.writers.pod(&serde_json::from_value(pod).unwrap());
    assert!(matches!(world.refused(&of("p4", "u4")).await, IdentityError::NoHost { .. }));
}

const TRIAL_UID: &str = "0b6f2c1e-5a44-4a0e-9d1f-3f6a4c1d2e5b";

/// F-103: the Job is deleted, or was by its TTL; its pod ends gracefully and has a last word to send.
#[tokio::test]
async fn a_pod_outlives_its_job_and_sends_for_its_trial() {
    let signer = Signer::new("a");
    let mut world = World::new(&[&signer]);
    let token = signer.sign(&claims(&json!({})));
    world.writers.job_deleted("digits-explore-0007-a2");
    let sender = world.identify(&token).await.unwrap();
    assert_eq!((sender.attempt, sender.host), (2, 1));
    // Of a Job that was never seen nothing is known.
    let pod = json!({"metadata": {"name": "p5", "namespace": "team-a", "uid": "u5",
        "labels": {"studious.dev/trial": "digits-explore-0007", "batch.kubernetes.io/job-completion-index": "0"},
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "digits-explore-0007-a2", "uid": "never", "controller": true}]}});
    world.writers.pod(&serde_json::from_value(pod).unwrap());
    let of = json!({"kubernetes.io": {"namespace": "team-a", "pod": {"name": "p5", "uid": "u5"}}});
    assert!(matches!(world.refused(&signer.sign(&claims(&of))).await, IdentityError::UnknownPod { .. }));
}

/// F-101: the trial or its study is gone; nobody will ever want what its pod has to send.
#[tokio::test]
async fn a_pod_whose_trial_is_gone_is_told_so() {
    let signer = Signer::new("a");
    let token = signer.sign(&claims(&json!({})));
    for job_is_gone in [false, true] {
        let mut world = World::new(&[&signer]);
        if job_is_gone {
            world.writers.job_deleted("digits-explore-0007-a2");
        }
        world.caches.departed.left(TRIAL_UID);
        world.writers.trial_deleted("digits-explore-0007");
        assert!(matches!(world.refused(&token).await, IdentityError::Gone { .. }));
    }
    // The study was deleted; its trials follow in a moment.
    let mut world = World::new(&[&signer]);
    let mut trial = jobs_tests::trial(2, "", "spec: {containers: [{name: t}]}");
    let owner = json!([{"apiVersion": "studious.dev/v1alpha1", "kind": "Study", "name": "digits", "uid": "study", "controller": true}]);
    trial.metadata.owner_references = serde_json::from_value(owner).unwrap();
    world.writers.trial(&trial);
    world.identify(&token).await.unwrap();
    world.caches.departed.left("study");
    assert!(matches!(world.refused(&token).await, IdentityError::Gone { .. }));
}

/// The operator was away while the study was deleted: it has seen neither trial nor Job, only the pod on its way out.
#[tokio::test]
async fn a_pod_that_is_deleted_and_has_no_trial_is_told_so() {
    let signer = Signer::new("a");
    let mut world = World::new(&[&signer]);
    let pod = json!({"metadata": {"name": "p6", "namespace": "team-a", "uid": "u6", "deletionTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"studious.dev/trial": "digits-explore-0099", "batch.kubernetes.io/job-completion-index": "0"},
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "digits-explore-0099-a1", "uid": "never", "controller": true}]}});
    world.writers.pod(&serde_json::from_value(pod).unwrap());
    let of = json!({"kubernetes.io": {"namespace": "team-a", "pod": {"name": "p6", "uid": "u6"}}});
    assert!(matches!(world.refused(&signer.sign(&claims(&of))).await, IdentityError::Gone { .. }));
}

/// F-044: the operator is restarted while the API server is away.
#[tokio::test]
async fn keys_outlive_a_restart_without_an_api_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    let signer = Signer::new("a");
    let token = signer.sign(&claims(&json!({})));
    let mut world = World::new(&[&signer]);
    world.keys = Keys::kept_in(file.clone());
    world.identify(&token).await.unwrap();

    world.keys = Keys::kept_in(file.clone());
    world.client = away();
    world.identify(&token).await.unwrap();
    // Keys that were fetched long ago may have been withdrawn since.
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    kept["fetched"] = (kept["fetched"].as_u64().unwrap() - 25 * 3600).into();
    std::fs::write(&file, kept.to_string()).unwrap();
    world.keys = Keys::kept_in(file);
    assert!(matches!(world.refused(&token).await, IdentityError::Keys(_)));
    // It is not asked for each request while it is away.
    let begun = std::time::Instant::now();
    for _ in 0..1000 {
        assert!(matches!(world.refused(&token).await, IdentityError::Keys(_)));
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
}

/// One failed request for the keys holds agents up for a moment, not for as long as known keys are good for.
#[tokio::test(start_paused = true)]
async fn keys_are_asked_for_again_soon_after_a_failure() {
    let signer = Signer::new("a");
    let token = signer.sign(&claims(&json!({})));
    let mut world = World::new(&[&signer]);
    let back = std::mem::replace(&mut world.client, away());
    for _ in 0..3 {
        assert!(matches!(world.refused(&token).await, IdentityError::Keys(_)));
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
    }
    world.client = back;
    world.identify(&token).await.unwrap();
    assert_eq!(world.asked.load(Ordering::SeqCst), 1);
}

/// A client whose API server refuses connections.
fn away() -> Client {
    let (service, handle) = tower_test::mock::pair::<http::Request<Body>, http::Response<Body>>();
    drop(handle);
    Client::new(service, "default")
}
