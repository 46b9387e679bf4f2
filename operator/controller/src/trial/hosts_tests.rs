//! From pods to hosts.

use std::sync::Arc;

use super::{super::jobs_tests, *};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + second).unwrap()
}

fn time(second: i64) -> String {
    at(second).to_string()
}

/// A pod: its index, its trainer's state, and more of its status and metadata, as JSON.
fn pod(index: u32, state: &str, metadata: &str, status: &str) -> Arc<Pod> {
    let text = format!(
        r#"{{"metadata": {{"name": "p{index}", "labels": {{"{INDEX_LABEL}": "{index}"}} {metadata}}},
            "spec": {{"containers": [{{"name": "other"}}, {{"name": "trainer"}}]}},
            "status": {{"startTime": "{}", "containerStatuses": [
                {{"name": "other", "image": "", "imageID": "", "ready": true, "restartCount": 0,
                  "state": {{"running": {{}}}}}},
                {{"name": "trainer", "image": "", "imageID": "", "ready": true, "restartCount": 0,
                  "state": {state}}}] {status}}}}}"#,
        time(0)
    );
    Arc::new(serde_json::from_str(&text).unwrap())
}

fn spec(hosts: u32) -> TrialSpec {
    jobs_tests::trial(hosts, "", "spec: {containers: [{name: trainer}]}").spec
}

fn exited(code: i32, second: i64) -> String {
    format!(r#"{{"terminated": {{"exitCode": {code}, "finishedAt": "{}"}}}}"#, time(second))
}

/// Asked for at this second, with half a minute of grace.
fn deleted(second: i64) -> String {
    format!(r#", "deletionTimestamp": "{}", "deletionGracePeriodSeconds": 30"#, time(second + 30))
}

const RUNNING: &str = r#"{"running": {}}"#;
const DISRUPTED: &str =
    r#", "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]"#;

fn states(pods: &[Arc<Pod>], now: i64) -> Vec<HostState> {
    let hosts = u32::try_from(pods.len()).unwrap();
    views(&spec(hosts), None, pods, |_| false, at(now)).into_iter().map(|view| view.state).collect()
}

fn exit(code: i32) -> HostState {
    HostState::Exited { code, out_of_memory: false }
}

fn is_lost(state: &HostState) -> bool {
    matches!(state, HostState::Lost { .. })
}

#[test]
fn the_trainer_is_the_first_container_of_the_template_wherever_the_pod_has_it() {
    assert_eq!(states(&[pod(0, RUNNING, "", ""), pod(1, &exited(3, 9), "", "")], 10), [HostState::Running, exit(3)]);
}

#[test]
fn out_of_memory_is_told_apart() {
    let state = r#"{"terminated": {"exitCode": 137, "reason": "OOMKilled"}}"#;
    assert_eq!(states(&[pod(0, state, "", "")], 1), [HostState::Exited { code: 137, out_of_memory: true }]);
}

#[test]
fn a_disruption_explains_an_exit_code() {
    let pods = [pod(0, &exited(143, 5), &deleted(5), DISRUPTED), pod(1, RUNNING, &deleted(5), DISRUPTED)];
    assert!(states(&pods, 10).iter().all(is_lost));
    // But a trainer that ended well before it was disrupted has ended.
    assert_eq!(states(&[pod(0, &exited(0, 5), &deleted(6), DISRUPTED)], 10), [exit(0)]);
}

#[test]
fn a_pod_that_somebody_deletes_is_lost() {
    assert!(is_lost(&states(&[pod(0, RUNNING, &deleted(5), "")], 6)[0]));
    assert!(is_lost(&states(&[pod(0, &exited(143, 7), &deleted(5), "")], 8)[0]));
}

#[test]
fn pods_that_the_job_deletes_after_a_failure_are_not_lost() {
    // Host 1 fails; the Job controller deletes host 0, whose trainer leaves with 143.
    let pods = [pod(0, RUNNING, &deleted(5), ""), pod(1, &exited(1, 5), "", "")];
    assert_eq!(states(&pods, 6), [HostState::Running, exit(1)]);
    let pods = [pod(0, &exited(143, 8), &deleted(5), ""), pod(1, &exited(1, 5), "", "")];
    assert_eq!(states(&pods, 9), [HostState::Running, exit(1)]);
}

#[test]
fn a_host_that_fails_because_its_peer_was_deleted_does_not_hide_the_deletion() {
    let pods = [pod(0, &exited(1, 20), "", ""), pod(1, &exited(143, 8), &deleted(5), "")];
    let states = states(&pods, 21);
    assert!(is_lost(&states[1]), "{states:?}");
}

#[test]
fn an_image_that_stays_missing_is_unavailable() {
    let state = r#"{"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}"#;
    let waits = |now| match &states(&[pod(0, state, "", "")], now)[0] {
        HostState::Waiting { reason } => reason.clone().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(waits(100), "ImagePullBackOff: not found");
    assert_eq!(waits(121), "ImageUnavailable: not found");
}

#[test]
fn a_container_that_cant_be_made_at_once_is_waited_for() {
    let state = r#"{"waiting": {"reason": "CreateContainerConfigError", "message": "no folder"}}"#;
    let waits = |now| match &states(&[pod(0, state, "", "")], now)[0] {
        HostState::Waiting { reason } => reason.clone().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(waits(10), "ContainerCreating: no folder");
    assert_eq!(waits(31), "CreateContainerConfigError: no folder");
}

#[test]
fn a_pod_that_its_node_refuses_is_lost_and_a_failed_init_container_is_an_exit() {
    let waiting = r#"{"waiting": {"reason": "PodInitializing"}}"#;
    let refused = pod(0, waiting, "", r#", "phase": "Failed", "reason": "OutOfcpu""#);
    assert_eq!(states(&[refused], 1), [HostState::Lost { reason: "OutOfcpu".into() }]);
    let init = r#", "phase": "Failed", "initContainerStatuses": [{"name": "i", "image": "", "imageID": "",
        "ready": false, "restartCount": 0, "state": {"terminated": {"exitCode": 2}}}]"#;
    assert_eq!(states(&[pod(0, waiting, "", init)], 1), [exit(2)]);
}

#[test]
fn a_pod_whose_agent_is_not_started_again_is_lost() {
    // As a node leaves it whose processes were all killed between the agent's start and the trainer's.
    let agent = format!(
        r#", "phase": "Pending", "initContainerStatuses": [{{"name": "studious-agent", "image": "", "imageID": "",
            "ready": false, "restartCount": 0, "state": {}}}]"#,
        exited(137, 5)
    );
    let pods = [pod(0, r#"{"waiting": {"reason": "PodInitializing"}}"#, "", &agent)];
    assert_eq!(states(&pods, 60), [HostState::Waiting { reason: None }]);
    assert!(is_lost(&states(&pods, 66)[0]));
}

#[test]
fn a_pod_whose_agent_was_created_and_not_started_is_lost() {
    // As a node leaves it whose processes were all killed between the two.
    let stuck = |id: &str, waiting: &str, ready: &str| {
        let status = format!(
            r#", "phase": "Pending",
            "conditions": [{{"type": "PodReadyToStartContainers", "status": "{ready}"}}],
            "initContainerStatuses": [{{"name": "studious-agent", "image": "", "imageID": "", "ready": false,
            "restartCount": 0, "containerID": "{id}", "state": {{"waiting": {waiting}}}}}]"#
        );
        pod(0, r#"{"waiting": {"reason": "PodInitializing"}}"#, "", &status)
    };
    let pods = [stuck("containerd://1", "{}", "False")];
    assert_eq!(states(&pods, 59), [HostState::Waiting { reason: None }]);
    assert!(is_lost(&states(&pods, 61)[0]));
    // Created a moment ago, after a long pull; not created yet; waiting for something.
    for pod in [
        stuck("containerd://1", "{}", "True"),
        stuck("", "{}", "False"),
        stuck("containerd://1", r#"{"reason": "CreateContainerError"}"#, "False"),
    ] {
        assert!(!is_lost(&states(&[pod], 61)[0]));
    }
}

#[test]
fn without_a_pod_a_host_waits_until_one_was_seen() {
    let none: [Arc<Pod>; 0] = [];
    let state = |seen| views(&spec(1), None, &none, |_| seen, at(0)).remove(0).state;
    assert_eq!(state(false), HostState::Waiting { reason: None });
    assert!(is_lost(&state(true)));
}

#[test]
fn a_job_that_is_complete_needs_no_pods_to_tell_it() {
    let job = r#"{"metadata": {}, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}"#;
    let job: Job = serde_json::from_str(job).unwrap();
    let none: [Arc<Pod>; 0] = [];
    for seen in [true, false] {
        assert_eq!(views(&spec(1), Some(&job), &none, |_| seen, at(0)).remove(0).state, exit(0));
    }
}

#[test]
fn the_kubelets_deadline_leaves_the_judgement_to_the_operator() {
    let pods = [pod(0, &exited(137, 5), "", r#", "phase": "Failed", "reason": "DeadlineExceeded""#)];
    assert_eq!(states(&pods, 6), [HostState::Running]);
}

/// F-113: what was trained, by its digest and not by a tag that moves.
#[test]
fn a_host_is_seen_with_the_digest_of_its_image_and_its_node() {
    let host = |id: &str| {
        let text = serde_json::to_string(&*pod(0, RUNNING, "", "")).unwrap();
        let mut pod: serde_json::Value = serde_json::from_str(&text).unwrap();
        pod["status"]["containerStatuses"][0]["imageID"] = "proxy@sha256:9".into();
        pod["status"]["containerStatuses"][1]["imageID"] = id.into();
        pod["spec"]["nodeName"] = "node-a".into();
        let pod: Arc<Pod> = Arc::new(serde_json::from_value(pod).unwrap());
        let view = views(&spec(1), None, &[pod], |_| false, at(1)).remove(0);
        assert_eq!(view.node.as_deref(), Some("node-a"));
        view.image
    };
    assert_eq!(host("r/t@sha256:1").as_deref(), Some("r/t@sha256:1"));
    assert_eq!(host("docker-pullable://r/t@sha256:1").as_deref(), Some("r/t@sha256:1"));
    assert_eq!(host("docker://sha256:1").as_deref(), Some("sha256:1"));
    assert_eq!(host(""), None);
}
