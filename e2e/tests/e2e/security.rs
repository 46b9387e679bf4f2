//! What pods may do, and what they may not.

use crate::{
    cluster::{Namespace, feed, kubectl, operator_namespace, output, text, wait_for},
    trainers::slow_study,
};

/// Python in a trial's pod, in the container of the trainer or of one's choice.
fn python(namespace: &Namespace, pod: &str, script: &str) -> (bool, String) {
    let out = feed(&mut namespace.kubectl(&["exec", "-i", pod, "-c", "trainer", "--", "python", "-"]), script);
    (out.status.success(), text(&out.stdout) + &text(&out.stderr))
}

#[test]
fn a_pod_writes_its_own_trials_measurements_and_no_others() {
    let namespace = Namespace::new("tokens");
    namespace.checkpoint_claim();
    let two =
        slow_study("tokens", 2, 600).replace("template:\n      spec:\n", "hosts: 1\n    template:\n      spec:\n");
    namespace.apply(&two);
    let pods = wait_for("two running pods", 120, || {
        let pods = namespace.list("pods");
        let running: Vec<String> = pods
            .iter()
            .filter(|pod| pod["status"]["phase"] == "Running")
            .filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
            .collect();
        (running.len() == 2).then_some(running)
    });
    // The trainer holds no token at all.
    let (_, listing) = python(
        &namespace,
        &pods[0],
        "import os; print(sorted(os.listdir('/studious')), os.path.exists('/var/run/secrets/kubernetes.io'))",
    );
    assert!(listing.contains("False") && !listing.contains("token"), "{listing}");

    // A token that kubectl makes for the same service account and audience, but for no pod, is refused; so is none.
    let token = output(&mut namespace.kubectl(&["create", "token", "default", "--audience=studious-agent"]));
    let url = format!("https://studious.{}.svc:8443/v1/measurements", operator_namespace());
    for (token, what) in [(token.trim(), "of no pod"), ("", "none"), ("nonsense", "nonsense")] {
        let script = format!(
            "import json, ssl, urllib.request, urllib.error
body = json.dumps(dict(attempt=1, host=0, firstLine=0, lines=['{{\"step\":1,\"validation_error\":0}}'], drained=False)).encode()
request = urllib.request.Request('{url}', body, {{'Authorization': 'Bearer {token}', 'Content-Type': 'application/json'}})
try:
    print('accepted', urllib.request.urlopen(request, context=ssl._create_unverified_context()).read())
except urllib.error.HTTPError as error:
    print('refused', error.code, error.read())
"
        );
        let (_, said) = python(&namespace, &pods[0], &script);
        assert!(said.contains("refused 401") || said.contains("refused 403"), "a token {what}: {said}");
    }
}

#[test]
fn only_host_0_can_write_the_checkpoint() {
    let namespace = Namespace::new("mounts");
    namespace.checkpoint_claim();
    let study =
        slow_study("mounts", 1, 600).replace("  trial:\n    template:", "  trial:\n    hosts: 2\n    template:");
    namespace.apply(&study);
    let pods = wait_for("two running hosts", 120, || {
        let mut pods: Vec<String> = namespace
            .list("pods")
            .iter()
            .filter(|pod| pod["status"]["phase"] == "Running")
            .filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
            .collect();
        pods.sort();
        (pods.len() == 2).then_some(pods)
    });
    let own = "open('/studious/trial/checkpoints/mine', 'w').write('x'); print('written')";
    let others = "open('/studious/trial/restore/other', 'w').write('x'); print('written')";
    for pod in &pods {
        let (fine, said) = python(&namespace, pod, own);
        assert!(fine && said.contains("written"), "{pod}: {said}");
        let (fine, said) = python(&namespace, pod, others);
        assert!(!fine && said.contains("Read-only file system"), "{pod}: {said}");
    }
    let (_, host_1_sees) = python(&namespace, &pods[1], "import os; print(os.listdir('/studious/trial/restore'))");
    assert!(host_1_sees.contains("mine"), "host 0's checkpoints are what host 1 restores from: {host_1_sees}");
}

#[test]
fn the_operator_may_do_little() {
    let operator = format!("--as=system:serviceaccount:{}:studious", operator_namespace());
    let may = |verb: &str, resource: &str| {
        let out =
            kubectl(&["auth", "can-i", verb, resource, "-n", "default", &operator]).output().expect("kubectl runs");
        text(&out.stdout).trim() == "yes"
    };
    assert!(may("create", "trials.studious.dev") && may("create", "jobs.batch"));
    for (verb, resource) in [
        ("get", "secrets"),
        ("create", "pods"),
        ("create", "pods/exec"),
        ("delete", "studies.studious.dev"),
        ("create", "serviceaccounts/token"),
        ("list", "configmaps"),
        ("*", "*"),
    ] {
        assert!(!may(verb, resource), "the operator may {verb} {resource}");
    }
}
