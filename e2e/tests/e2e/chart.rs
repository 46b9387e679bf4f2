//! The chart as `helm template` renders it, under the values that change it most: what the API server says of it, and what it
//! must never have.

use std::process::Command;

use serde::Deserialize as _;
use serde_json::Value;

use crate::cluster::{feed, kubectl, output, repository, text};

/// Values of a kind of installation, as `--set`.
const INSTALLATIONS: [(&str, &[&str]); 7] = [
    ("default", &[]),
    ("one namespace", &["watchNamespace=default"]),
    ("no claim", &["ledger.persistence.enabled=false", "crds.enabled=false"]),
    (
        "policies",
        &[
            "networkPolicy.apiServer={10.0.0.1/32}",
            "networkPolicy.metricsFrom[0].podSelector.matchLabels.app=prometheus",
        ],
    ),
    (
        "browser",
        &[
            "dashboard.service.enabled=true",
            "dashboard.ingress.enabled=true",
            "dashboard.ingress.host=studious.example.com",
        ],
    ),
    (
        "metrics",
        &["monitoring.readers[0].name=prometheus", "monitoring.readers[0].namespace=monitoring", "agent.metrics=true"],
    ),
    ("bare", &["reader.enabled=false", "networkPolicy.enabled=false", "monitoring.grafanaDashboard.enabled=false"]),
];

fn helm(values: &[&str]) -> Command {
    let mut helm = Command::new("helm");
    helm.args(["template", "studious"]).arg(repository().join("charts/studious"));
    // Where Studious is not installed: a dry run is merged with what is there.
    helm.args(["--namespace", "default", "--kube-version", "1.33.0"]);
    for value in values {
        helm.args(["--set", value]);
    }
    helm
}

/// What the chart makes, as objects.
fn rendered(values: &[&str]) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(&output(&mut helm(values)))
        .map(|document| Value::deserialize(document).expect("YAML"))
        .filter(|object| !object.is_null())
        .collect()
}

fn of_kind<'a>(objects: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |object| object["kind"] == kind)
}

/// Why the API server refuses what is rendered, if it does. It is as strict as it can be: unknown and repeated fields are refused.
fn refusal(rendered: &str) -> Option<String> {
    let strict = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"];
    let said = feed(&mut kubectl(&strict), rendered);
    (!said.status.success()).then(|| text(&said.stderr))
}

#[test]
fn the_chart_is_accepted_however_it_is_installed() {
    for (name, values) in INSTALLATIONS {
        assert_eq!(refusal(&output(&mut helm(values))), None, "{name}");
    }
    let misspelled = output(&mut helm(&[])).replace("readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true");
    assert!(refusal(&misspelled).is_some(), "a misspelled field was taken");
}

#[test]
fn no_installation_is_privileged() {
    for (name, values) in INSTALLATIONS {
        let objects = rendered(values);
        let pod = &of_kind(&objects, "Deployment").next().expect("a Deployment")["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
        for host in ["hostNetwork", "hostPID", "hostIPC"] {
            assert_ne!(pod[host], true, "{name}: {host}");
        }
        for container in pod["containers"].as_array().expect("containers") {
            let security = &container["securityContext"];
            assert_eq!(security["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(security["capabilities"]["drop"][0], "ALL", "{name}");
        }
        for role in of_kind(&objects, "ClusterRole").chain(of_kind(&objects, "Role")) {
            let role_name = &role["metadata"]["name"];
            for rule in role["rules"].as_array().into_iter().flatten() {
                for field in ["apiGroups", "resources", "verbs"] {
                    let words = rule[field].as_array().into_iter().flatten();
                    assert!(words.clone().all(|word| word != "*"), "{name}: {role_name} may {field}: *");
                    // Whoever may read Secrets of all namespaces may become anyone.
                    let everywhere = role["kind"] == "ClusterRole" && field == "resources";
                    assert!(!everywhere || words.clone().all(|word| word != "secrets"), "{name}: {role_name}");
                }
            }
        }
    }
}

#[test]
fn an_operator_of_one_namespace_has_rights_in_it_alone() {
    let objects = rendered(&["watchNamespace=team"]);
    let role = of_kind(&objects, "Role").find(|role| role["metadata"]["name"] == "studious-operator").expect("a Role");
    assert_eq!(role["metadata"]["namespace"], "team");
    assert!(of_kind(&objects, "ClusterRole").all(|role| role["metadata"]["name"] != "studious-operator"));
    let everywhere = rendered(&[]);
    assert!(of_kind(&everywhere, "ClusterRole").any(|role| role["metadata"]["name"] == "studious-operator"));
}

#[test]
fn a_value_that_does_not_exist_is_refused() {
    for wrong in ["replica=2", "ledger.persistence.sizes=1Gi", "networkPolicy.enabled=maybe"] {
        let said = helm(&[wrong]).output().expect("helm");
        let (key, _) = wrong.split_once('=').expect("a value");
        let last = key.rsplit('.').next().expect("a key");
        assert!(!said.status.success() && text(&said.stderr).contains(last), "{wrong}: {}", text(&said.stderr));
    }
}

/// The flags that the operator is started with.
fn flags(objects: &[Value]) -> Vec<&str> {
    let pod = &of_kind(objects, "Deployment").next().expect("a Deployment")["spec"]["template"]["spec"];
    pod["containers"][0]["args"].as_array().expect("flags").iter().filter_map(Value::as_str).collect()
}

#[test]
fn metrics_are_closed_unless_they_are_opened() {
    let is_reader = |object: &&Value| object["metadata"]["name"] == "studious-metrics-reader";
    let usual = rendered(&["monitoring.serviceMonitor.enabled=true"]);
    assert!(!flags(&usual).contains(&"--open-metrics") && !flags(&usual).contains(&"--agent-metrics"));
    let role = of_kind(&usual, "ClusterRole").find(is_reader).expect("a role");
    assert_eq!(role["rules"], serde_json::json!([{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]));
    assert!(!of_kind(&usual, "ClusterRoleBinding").any(|binding| is_reader(&binding)), "no reader was named");
    let endpoint = |objects: &[Value]| {
        of_kind(objects, "ServiceMonitor").next().expect("a ServiceMonitor")["spec"]["endpoints"][0].clone()
    };
    assert_eq!(endpoint(&usual)["scheme"], "https");
    assert_eq!(endpoint(&usual)["tlsConfig"]["ca"]["secret"]["name"], "studious-tls");
    assert!(endpoint(&usual)["bearerTokenFile"].is_string());

    let token = "monitoring.serviceMonitor.authorization.credentials.name=token";
    let named = rendered(&[
        "monitoring.serviceMonitor.enabled=true",
        token,
        "monitoring.readers[0].name=prometheus",
        "monitoring.readers[0].namespace=monitoring",
    ]);
    let binding = of_kind(&named, "ClusterRoleBinding").find(is_reader).expect("a binding");
    assert_eq!(
        binding["subjects"],
        serde_json::json!([{"kind": "ServiceAccount", "name": "prometheus", "namespace": "monitoring"}])
    );
    assert_eq!(endpoint(&named)["authorization"]["credentials"]["name"], "token");
    assert!(endpoint(&named)["bearerTokenFile"].is_null());

    let open = rendered(&["monitoring.authentication=false", "monitoring.serviceMonitor.enabled=true"]);
    assert!(flags(&open).contains(&"--open-metrics"));
    assert!(!of_kind(&open, "ClusterRole").any(|role| is_reader(&role)));
    assert!(endpoint(&open)["bearerTokenFile"].is_null(), "a token is shown to those who ask for it");
    for asked in ["monitoring.podMonitor.enabled=true", "agent.metrics=true"] {
        assert!(flags(&rendered(&[asked])).contains(&"--agent-metrics"), "{asked}");
    }
}

#[test]
fn what_needs_other_operators_is_made_when_it_is_asked_for() {
    let kinds = ["PodMonitor", "ServiceMonitor", "PrometheusRule"];
    assert!(rendered(&[]).iter().all(|object| kinds.iter().all(|kind| object["kind"] != *kind)));
    let asked = rendered(&[
        "monitoring.podMonitor.enabled=true",
        "monitoring.serviceMonitor.enabled=true",
        "monitoring.prometheusRule.enabled=true",
    ]);
    for kind in kinds {
        assert!(of_kind(&asked, kind).next().is_some(), "{kind}");
    }
}
