//! The model as kube's client sees it.

use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::{
    batch::v1::Job,
    coordination::v1::Lease,
    core::v1::{Pod, Service},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    runtime::watcher::{self, Event, watcher},
};
use serde_json::json;

use crate::{ApiServer, InjectedFault};

const NS: &str = "team-a";
const SOON: Duration = Duration::from_secs(20);

fn client(server: &ApiServer) -> Client {
    let config = kube::Config::new(format!("http://{}", server.address()).parse().unwrap());
    Client::try_from(config).unwrap()
}

fn pod(name: &str, phase: &str) -> serde_json::Value {
    json!({"metadata": {"name": name, "labels": {"app": "x"}}, "status": {"phase": phase}})
}

fn code<T: std::fmt::Debug>(result: Result<T, kube::Error>) -> u16 {
    match result {
        Err(kube::Error::Api(status)) => status.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_watch_sees_every_change_through_dropped_connections_and_expiry() {
    let server = ApiServer::start().await;
    let pods = Api::<Pod>::namespaced(client(&server), NS);
    server.create("pods", NS, pod("a", "Running"));
    let mut events = std::pin::pin!(watcher(pods, watcher::Config::default().labels("app=x")));
    let mut names = Vec::new();
    let mut lists = 0;
    for name in ["a", "b", "c", "d"] {
        match name {
            "c" => server.drop_watches(),
            "d" => server.expire(),
            _ => {}
        }
        if name != "a" {
            server.create("pods", NS, pod(name, "Running"));
        }
        while !names.contains(&name.to_owned()) {
            match tokio::time::timeout(SOON, events.next()).await.unwrap().unwrap() {
                Ok(Event::Apply(pod) | Event::InitApply(pod)) => names.push(pod.name_any()),
                Ok(Event::Init) => lists += 1,
                _ => {}
            }
        }
    }
    assert_eq!(lists, 2, "one at the beginning and one after expiry");
    // An object that loses the label is deleted for this watch.
    server.change("pods", NS, "b", |pod| pod["metadata"]["labels"]["app"] = "y".into());
    loop {
        if let Ok(Event::Delete(pod)) = tokio::time::timeout(SOON, events.next()).await.unwrap().unwrap() {
            assert_eq!(pod.name_any(), "b");
            return;
        }
    }
}

#[tokio::test]
async fn an_old_version_is_a_conflict() {
    let server = ApiServer::start().await;
    let leases = Api::<Lease>::namespaced(client(&server), NS);
    let mut lease: Lease =
        serde_json::from_value(json!({"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}})).unwrap();
    lease = leases.create(&PostParams::default(), &lease).await.unwrap();
    assert_eq!(code(leases.create(&PostParams::default(), &lease).await), 409);
    lease.spec.get_or_insert_default().holder_identity = Some("b".into());
    leases.replace("l", &PostParams::default(), &lease).await.unwrap();
    assert_eq!(code(leases.replace("l", &PostParams::default(), &lease).await), 409);
    assert_eq!(code(leases.get("other").await), 404);
}

#[tokio::test]
async fn status_and_spec_are_written_apart_and_what_does_not_change_gets_no_version() {
    let server = ApiServer::start().await;
    let jobs = Api::<Job>::namespaced(client(&server), NS);
    let params = PatchParams::apply("test").force();
    let config =
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"completions": 2}});
    let made = jobs.patch("j", &params, &Patch::Apply(&config)).await.unwrap();
    let again = jobs.patch("j", &params, &Patch::Apply(&config)).await.unwrap();
    assert_eq!(made.resource_version(), again.resource_version());
    let status = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "uid": made.uid()},
        "spec": {"completions": 3}, "status": {"active": 1},
    });
    let written = jobs.patch_status("j", &params, &Patch::Apply(&status)).await.unwrap();
    assert_eq!(written.spec.unwrap().completions, Some(2));
    assert_eq!((written.status.unwrap().active, written.metadata.generation), (Some(1), Some(1)));
    let mut other = status.clone();
    other["metadata"]["uid"] = "another".into();
    assert_eq!(code(jobs.patch_status("j", &params, &Patch::Apply(&other)).await), 409);
    let changed = jobs.patch("j", &PatchParams::default(), &Patch::Merge(json!({"spec": {"completions": 4}}))).await;
    assert_eq!(changed.unwrap().metadata.generation, Some(2));
}

#[tokio::test]
async fn without_force_another_managers_field_is_a_conflict() {
    let server = ApiServer::start().await;
    let services = Api::<Service>::namespaced(client(&server), NS);
    let config =
        |ip: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"clusterIP": ip}});
    services.patch("s", &PatchParams::apply("one"), &Patch::Apply(config("None"))).await.unwrap();
    let two = PatchParams::apply("two");
    services.patch("s", &two, &Patch::Apply(config("None"))).await.unwrap();
    assert_eq!(code(services.patch("s", &two, &Patch::Apply(config("10.0.0.1"))).await), 409);
    services.patch("s", &two.force(), &Patch::Apply(config("10.0.0.1"))).await.unwrap();
}

#[tokio::test]
async fn what_is_owned_goes_with_its_owner_and_a_job_waits_for_its_pods() {
    let server = ApiServer::start().await;
    let owner = |kind: &str, object: &serde_json::Value| json!([{"apiVersion": "v1", "kind": kind, "name": "o", "uid": object["metadata"]["uid"], "controller": true}]);
    let study = server.create("studies", NS, json!({"metadata": {"name": "s", "finalizers": ["held"]}}));
    let job = json!({"metadata": {"name": "j", "ownerReferences": owner("Study", &study)}});
    let job = server.create("jobs", NS, job);
    for (name, phase) in [("runs", "Running"), ("ended", "Succeeded")] {
        let mut pod = pod(name, phase);
        pod["metadata"]["ownerReferences"] = owner("Job", &job);
        server.create("pods", NS, pod);
    }
    Api::<Job>::namespaced(client(&server), NS).delete("j", &DeleteParams::foreground()).await.unwrap();
    assert!(server.get("pods", NS, "ended").is_none());
    assert!(server.get("pods", NS, "runs").unwrap()["metadata"]["deletionTimestamp"].is_string());
    assert!(server.get("jobs", NS, "j").unwrap()["metadata"]["deletionTimestamp"].is_string());
    server.remove("pods", NS, "runs");
    assert!(server.get("jobs", NS, "j").is_none());

    let trial = json!({"metadata": {"name": "t", "ownerReferences": owner("Study", &study)}});
    server.create("trials", NS, trial);
    server.delete("studies", NS, "s");
    assert!(server.get("studies", NS, "s").is_some() && server.get("trials", NS, "t").is_some());
    server.change("studies", NS, "s", |study| study["metadata"]["finalizers"] = json!([]));
    assert!(server.get("studies", NS, "s").is_none() && server.get("trials", NS, "t").is_none());
}

#[tokio::test]
async fn faults_refuse_break_and_lose_answers() {
    let server = ApiServer::start().await;
    let jobs = Api::<Job>::namespaced(client(&server), NS);
    let job: Job = serde_json::from_value(json!({"metadata": {"name": "j"}})).unwrap();
    server.faults().set_for("POST /jobs", InjectedFault::refuse(403, "Forbidden", "exceeded quota"), 1);
    assert_eq!(code(jobs.create(&PostParams::default(), &job).await), 403);
    server.faults().set_for("POST /jobs", InjectedFault::Reset, 1);
    assert!(jobs.create(&PostParams::default(), &job).await.is_err());
    assert!(server.get("jobs", NS, "j").is_none());
    server.faults().set_for("POST /jobs", InjectedFault::LoseAnswer, 1);
    assert!(jobs.create(&PostParams::default(), &job).await.is_err());
    assert!(server.get("jobs", NS, "j").is_some());
    assert!(server.answered().iter().filter(|answered| answered.had_fault).count() >= 3);
}
