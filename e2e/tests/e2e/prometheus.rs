//! Debian's Prometheus against a running study: both ends' series are there, and every panel of the dashboard has data.

use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::{
    cluster::{Namespace, kubectl, operator_namespace, output, repository, text, wait_for},
    trainers::slow_study,
};

const ADDRESS: &str = "127.0.0.1:19090";

/// Ended with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn query(expression: &str) -> Vec<Value> {
    let out = Command::new("curl")
        .args(["--silent", "--get", "--data-urlencode", &format!("query={expression}")])
        .arg(format!("http://{ADDRESS}/api/v1/query"))
        .output()
        .expect("curl runs");
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap_or_default();
    answer["data"]["result"].as_array().cloned().unwrap_or_default()
}

#[test]
fn both_series_are_there_and_every_panel_has_data() {
    let namespace = Namespace::new("metrics");
    namespace.checkpoint_claim();
    namespace.apply(&slow_study("metrics", 2, 900));
    let folder = tempfile::tempdir().expect("a folder");
    // What the chart's PodMonitor and ServiceMonitor say, as Prometheus itself writes it.
    let config = format!(
        "global: {{scrape_interval: 2s}}
scrape_configs:
- job_name: trials
  honor_labels: true
  kubernetes_sd_configs: [{{role: pod, kubeconfig_file: {kubeconfig}}}]
  relabel_configs:
  - {{source_labels: [__meta_kubernetes_pod_labelpresent_studious_dev_trial], regex: 'true', action: keep}}
  - {{source_labels: [__meta_kubernetes_pod_container_port_name], regex: agent-metrics, action: keep}}
- job_name: operator
  honor_labels: true
  kubernetes_sd_configs: [{{role: pod, kubeconfig_file: {kubeconfig}, namespaces: {{names: [{operator}]}}}}]
  relabel_configs:
  - {{source_labels: [__meta_kubernetes_pod_container_port_name], regex: metrics, action: keep}}
",
        kubeconfig = std::env::var("KUBECONFIG").expect("KUBECONFIG"),
        operator = operator_namespace(),
    );
    std::fs::write(folder.path().join("prometheus.yml"), config).expect("its configuration");
    let server = Command::new("prometheus")
        .arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address={ADDRESS}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Debian's prometheus (apt-get install prometheus)");
    let _server = Server(server);

    let here = format!("{{namespace=\"{}\"}}", namespace.name);
    for series in [
        "studious_host_examples_per_second",
        "studious_trial_examples_per_second",
        "studious_host_gradient_norm",
        "studious_trial_gradient_norm",
    ] {
        let found = wait_for(series, 120, || {
            let found = query(&format!("{series}{here}"));
            (!found.is_empty()).then_some(found)
        });
        let labels = &found[0]["metric"];
        assert_eq!(labels["study"], "metrics", "{labels}");
        assert!(labels["trial"].as_str().is_some_and(|t| t.starts_with("metrics-explore-")), "{labels}");
    }

    let dashboard = std::fs::read_to_string(repository().join("charts/studious/files/dashboards/studious.json"))
        .expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&dashboard).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    assert!(panels.len() >= 10);
    for panel in panels {
        for target in panel["targets"].as_array().expect("targets") {
            let expression = target["expr"].as_str().expect("an expression");
            let expression = expression.replace("$namespace", &namespace.name).replace("$study", "metrics");
            wait_for(&format!("{}: {expression}", panel["title"]), 60, || {
                (!query(&expression).is_empty()).then_some(())
            });
        }
    }
    // Installed as a ConfigMap, where Grafana's sidecar finds it.
    let installed = output(&mut kubectl(&[
        "-n",
        &operator_namespace(),
        "get",
        "configmap",
        "studious-grafana-dashboard",
        "-o",
        "json",
    ]));
    assert!(text(installed.as_bytes()).contains("grafana_dashboard"));
}
