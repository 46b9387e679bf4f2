//! Who sees what on the dashboard.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Client;
use serde_json::{Value, json};
use studious_api::trial::TrialPhase;
use tower::ServiceExt as _;

use super::world::World;
use crate::dashboard::{Cluster, Viewers};

const STUDY: &str = "/v1/namespaces/team-a/studies/digits";
const PROXY: &str = "10.0.0.7:41000";
const ANYBODY: &str = "10.0.0.8:41000";

/// The dashboard of a cluster with one study in each of two namespaces, and what the API server was asked.
struct Shown {
    router: Router,
    viewers: Arc<Viewers>,
    asked: Arc<Mutex<Vec<String>>>,
    /// Whether the API server answers with errors.
    is_away: Arc<AtomicBool>,
    _world: World,
}

impl Shown {
    async fn new() -> Self {
        let mut world = World::new().await;
        for (namespace, name, uid) in [("team-a", "digits", "study-uid"), ("team-b", "secret", "other-uid")] {
            let mut study = super::studies::study("");
            study.metadata.namespace = Some(namespace.into());
            study.metadata.name = Some(name.into());
            study.metadata.uid = Some(uid.into());
            world.caches.study(&study);
        }
        let mut trial = super::trials::trial(1);
        trial.metadata.owner_references = Some(vec![OwnerReference {
            api_version: "studious.dev/v1alpha1".into(),
            kind: "Study".into(),
            name: "digits".into(),
            uid: "study-uid".into(),
            controller: Some(true),
            ..OwnerReference::default()
        }]);
        let status = trial.status.get_or_insert_default();
        (status.phase, status.objective, status.best_step) = (TrialPhase::Succeeded, Some(0.25), Some(50));
        world.caches.trial(&trial);
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let is_away: Arc<AtomicBool> = Arc::default();
        let (seen, away) = (asked.clone(), is_away.clone());
        let client = Client::new(
            tower::service_fn(move |request: Request<kube::client::Body>| {
                let (seen, away) = (seen.clone(), away.load(Ordering::SeqCst));
                async move {
                    let path = request.uri().path().to_owned();
                    let body: Value =
                        serde_json::from_slice(&request.into_body().collect_bytes().await.unwrap()).unwrap_or_default();
                    let (line, answer) = answer(&path, &body);
                    seen.lock().unwrap().push(line);
                    let body = kube::client::Body::from(answer.to_string().into_bytes());
                    let status = if away { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
                    Ok::<_, Infallible>(http::Response::builder().status(status).body(body).unwrap())
                }
            }),
            "default",
        );
        let viewers = Arc::new(Viewers::new(client, vec!["10.0.0.7/32".parse().unwrap()]));
        let router = studious_dashboard::router(Cluster::new(world.context.clone()), viewers.clone());
        Self { router, viewers, asked, is_away, _world: world }
    }

    async fn get(&self, path: &str, peer: &str, headers: &[(&'static str, &str)]) -> (StatusCode, Value) {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// What becomes of a scrape: nothing is amiss, or the HTTP status of its refusal.
    async fn scrape(&self, peer: &str, headers: &[(&'static str, &str)]) -> Result<(), StatusCode> {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        self.viewers.may_scrape(&headers, peer.parse().ok()).await.map_err(|refusal| refusal.status())
    }

    async fn names(&self, peer: &str, headers: &[(&'static str, &str)]) -> Vec<String> {
        let (status, body) = self.get("/v1/studies", peer, headers).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["studies"].as_array().unwrap().iter().map(|study| study["name"].as_str().unwrap().to_owned()).collect()
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// Anna belongs to a group that may get studies in team-a; Bert may get the study team-b/secret by its name, and metrics.
fn answer(path: &str, body: &Value) -> (String, Value) {
    let spec = &body["spec"];
    if path.ends_with("/tokenreviews") {
        let user = match spec["token"].as_str() {
            Some("anna's") => json!({ "username": "anna", "groups": ["readers-of-a"] }),
            // Of a pod whose service account may read what Anna may.
            Some("an agent's") if spec["audiences"][0] == crate::trial::jobs::AUDIENCE => {
                json!({ "username": "system:serviceaccount:team-a:default", "groups": ["readers-of-a"] })
            }
            Some("bert's") => json!({ "username": "bert", "groups": [] }),
            _ => Value::Null,
        };
        let known = !user.is_null();
        let status =
            if known { json!({ "authenticated": true, "user": user }) } else { json!({ "authenticated": false }) };
        return ("who".to_owned(), json!({ "metadata": {}, "spec": {}, "status": status }));
    }
    if let Some(path) = spec["nonResourceAttributes"]["path"].as_str() {
        assert_eq!(spec["nonResourceAttributes"]["verb"], "get");
        let allowed = spec["user"] == "bert" && path == "/metrics";
        let line = format!("may {} get {path}", spec["user"].as_str().unwrap());
        return (line, json!({ "metadata": {}, "spec": {}, "status": { "allowed": allowed } }));
    }
    let of = &spec["resourceAttributes"];
    let text = |name: &str| of[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (text("group"), text("resource"), text("verb")),
        ("studious.dev".into(), "studies".into(), "get".into())
    );
    let is_reader = spec["groups"].as_array().is_some_and(|groups| groups.contains(&json!("readers-of-a")));
    let (namespace, name) = (text("namespace"), text("name"));
    let allowed =
        (is_reader && namespace == "team-a") || (spec["user"] == "bert" && namespace == "team-b" && name == "secret");
    let line = format!("may {} get {namespace}/{name}", spec["user"].as_str().unwrap());
    (line, json!({ "metadata": {}, "spec": {}, "status": { "allowed": allowed } }))
}

#[tokio::test]
async fn everybody_sees_what_they_may_get_and_nothing_else() {
    let shown = Shown::new().await;
    let anna = [("studious-token", "anna's")];
    let bert = [("authorization", "Bearer bert's")];
    assert_eq!(shown.names(ANYBODY, &anna).await, ["digits"]);
    assert_eq!(shown.names(ANYBODY, &bert).await, ["secret"]);
    for rest in ["", "/trials", "/trials/digits-explore-0007", "/trials/digits-explore-0007/plots", "/findings"] {
        let path = format!("{STUDY}{rest}");
        assert_eq!(shown.get(&path, ANYBODY, &anna).await.0, StatusCode::OK, "{path}");
        assert_eq!(shown.get(&path, ANYBODY, &bert).await.0, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(shown.get(&path, ANYBODY, &[]).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/v1/studies", "/v1/about", "/v1/compare?trial=team-a/digits/digits-explore-0007"] {
        assert_eq!(shown.get(path, ANYBODY, &[]).await.0, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(shown.get(path, ANYBODY, &[("studious-token", "mallory's")]).await.0, StatusCode::UNAUTHORIZED);
    }
    // One that isn't allowed doesn't learn whether another is there.
    let both = "/v1/compare?trial=team-a/digits/digits-explore-0007&trial=team-b/secret/nobody";
    assert_eq!(shown.get(both, ANYBODY, &anna).await.0, StatusCode::FORBIDDEN);
    assert_eq!(shown.get("/v1/namespaces/team-b/studies/nobody", ANYBODY, &anna).await.0, StatusCode::FORBIDDEN);
    assert_eq!(shown.get("/v1/namespaces/team-a/studies/nobody", ANYBODY, &anna).await.0, StatusCode::NOT_FOUND);
    // Pages hold nothing of a study: they are everybody's.
    assert_eq!(shown.get("/", ANYBODY, &[]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_proxy_is_believed_by_its_address_alone() {
    let shown = Shown::new().await;
    let anna = [("x-remote-user", "anna"), ("x-remote-group", "others"), ("x-remote-group", "readers-of-a")];
    assert_eq!(shown.names(PROXY, &anna).await, ["digits"]);
    assert_eq!(shown.get("/v1/about", PROXY, &anna).await.1["user"], "anna");
    assert!(!shown.asked().contains(&"who".to_owned()), "there was no token to review");
    assert_eq!(shown.get("/v1/studies", ANYBODY, &anna).await.0, StatusCode::UNAUTHORIZED);
    // Somebody else's header beside a token of one's own changes nothing.
    let bert = [("x-remote-user", "anna"), ("x-remote-group", "readers-of-a"), ("studious-token", "bert's")];
    assert_eq!(shown.names(ANYBODY, &bert).await, ["secret"]);
    // The proxy itself is nobody.
    assert_eq!(shown.get("/v1/studies", PROXY, &[]).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(shown.get("/v1/studies", PROXY, &[("x-remote-user", "")]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_agents_token_opens_no_page() {
    let shown = Shown::new().await;
    assert_eq!(shown.get(STUDY, ANYBODY, &[("studious-token", "an agent's")]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_scrape_needs_a_token_whose_user_may_get_metrics() {
    let shown = Shown::new().await;
    let bert = [("authorization", "Bearer bert's")];
    assert_eq!(shown.scrape(ANYBODY, &[("authorization", "Bearer anna's")]).await, Err(StatusCode::FORBIDDEN));
    assert_eq!(shown.scrape(ANYBODY, &[("authorization", "Bearer an agent's")]).await, Err(StatusCode::UNAUTHORIZED));
    assert_eq!(shown.scrape(ANYBODY, &[]).await, Err(StatusCode::UNAUTHORIZED));
    // A proxy that signs people in has no say here.
    assert_eq!(shown.scrape(PROXY, &[("x-remote-user", "bert")]).await, Err(StatusCode::UNAUTHORIZED));
    shown.asked();
    for _ in 0..20 {
        assert_eq!(shown.scrape(ANYBODY, &bert).await, Ok(()));
    }
    assert_eq!(shown.asked(), ["who", "may bert get /metrics"]);
    // To get metrics is not to get studies, nor the other way around.
    assert_eq!(shown.get(STUDY, ANYBODY, &bert).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_scrape_is_asked_about_again_after_the_api_server_failed() {
    let shown = Shown::new().await;
    let bert = [("authorization", "Bearer bert's")];
    shown.is_away.store(true, Ordering::SeqCst);
    for _ in 0..50 {
        assert_eq!(shown.scrape(ANYBODY, &bert).await, Err(StatusCode::SERVICE_UNAVAILABLE));
    }
    shown.is_away.store(false, Ordering::SeqCst);
    assert_eq!(shown.scrape(ANYBODY, &bert).await, Ok(()));
}

#[tokio::test]
async fn the_api_server_is_asked_once_in_a_while() {
    let shown = Shown::new().await;
    let anna = [("studious-token", "anna's")];
    for _ in 0..20 {
        assert_eq!(shown.get(STUDY, ANYBODY, &anna).await.0, StatusCode::OK);
    }
    assert_eq!(shown.asked(), ["who", "may anna get team-a/"]);
    for _ in 0..5 {
        assert_eq!(shown.get(STUDY, ANYBODY, &[("studious-token", "mallory's")]).await.0, StatusCode::UNAUTHORIZED);
    }
    // For each audience once.
    assert_eq!(shown.asked(), ["who", "who"]);
}

#[tokio::test]
async fn a_trial_says_how_to_see_more() {
    let shown = Shown::new().await;
    let (_, trial) =
        shown.get(&format!("{STUDY}/trials/digits-explore-0007"), ANYBODY, &[("studious-token", "anna's")]).await;
    assert_eq!(trial["objective"], 0.25);
    let command = trial["commands"][0]["command"].as_str().unwrap();
    assert_eq!(command, "kubectl logs --namespace team-a job/digits-explore-0007-a1 --container trainer --tail 100");
    assert!(trial["yaml"].as_str().unwrap().contains("kind: Trial"));
}
