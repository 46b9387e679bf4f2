//! Debian's Prometheus against a running study: both ends' series are there, and every panel of the dashboard has data.

use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::cluster::{Namespace, kubectl, operator_namespace, output, repository, text, wait_for};

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

/// Two real trainings that last for minutes, with everything that a trainer can say of itself.
fn long_digits() -> String {
    format!(
        "apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {{name: metrics}}
spec:
  goal: Is it seen while it runs?
  objective: {{metric: validation_error, direction: Minimize}}
  hyperparameters:
  - {{name: optimizer, role: Fixed, value: sgd}}
  - {{name: learning_rate, range: {{min: 0.05, max: 0.2, scale: Log}}}}
  - {{name: width, role: Fixed, value: 64}}
  - {{name: batch_size, role: Fixed, value: 128}}
  schedule: {{family: Constant, base: learning_rate}}
  rounds: [{{name: explore, trials: 2, maxTrainSteps: 1000000}}]
  parallelism: 2
  evaluation: {{everySteps: 500}}
  trial:
    template: {{spec: {{containers: [{{name: trainer, image: {}, command: [python, -m, studious_trainer.digits]}}]}}}}
",
        crate::cluster::trainer_image()
    )
}

fn json(mut command: Command) -> Value {
    serde_json::from_str(&output(&mut command)).expect("JSON")
}

/// Addresses of the running pods' ports of a name, native sidecars included.
fn addresses(pods: &Value, port: &str) -> Vec<String> {
    let running = pods["items"].as_array().into_iter().flatten().filter(|pod| pod["status"]["phase"] == "Running");
    let mut found = Vec::new();
    for pod in running {
        for containers in ["containers", "initContainers"] {
            for container in pod["spec"][containers].as_array().into_iter().flatten() {
                for open in container["ports"].as_array().into_iter().flatten().filter(|open| open["name"] == port) {
                    found.push(format!(
                        "{}:{}",
                        pod["status"]["podIP"].as_str().unwrap_or_default(),
                        open["containerPort"]
                    ));
                }
            }
        }
    }
    found
}

/// The HTTP status of a scrape of the operator at this address, with these flags of curl.
fn scrape_status(address: &str, more: &[&str]) -> String {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--insecure", "--output", "/dev/null", "--write-out", "%{http_code}"]).args(more);
    output(curl.arg(format!("https://{address}/metrics")))
}

#[test]
fn both_series_are_there_and_every_panel_has_data() {
    let namespace = Namespace::new("metrics");
    namespace.checkpoint_claim();
    namespace.apply(&long_digits());
    let folder = tempfile::tempdir().expect("a folder");
    // Debian's Prometheus is built without discovery by Kubernetes, so what the chart's PodMonitor and ServiceMonitor
    // select by labels and ports' names is selected here.
    let trials = wait_for("two running trials", 120, || {
        let found = addresses(
            &json(namespace.kubectl(&["get", "pods", "-l", "studious.dev/trial", "-o", "json"])),
            "agent-metrics",
        );
        (found.len() == 2).then_some(found)
    });
    let operator = operator_namespace();
    let pods = json(kubectl(&["-n", &operator, "get", "pods", "-l", "app.kubernetes.io/name=studious", "-o", "json"]));
    let operators = addresses(&pods, "metrics");
    assert!(!operators.is_empty(), "{pods}");
    // As a Prometheus in the cluster: its service account's token, and the operator's certificate authority from the Secret
    // that the chart's ServiceMonitor names.
    let token = output(&mut kubectl(&["-n", &operator, "create", "token", "scraper"]));
    std::fs::write(folder.path().join("token"), token.trim()).expect("the token");
    let template = "go-template={{index .data \"ca.crt\" | base64decode}}";
    let authority = output(&mut kubectl(&["-n", &operator, "get", "secret", "studious-tls", "-o", template]));
    std::fs::write(folder.path().join("ca.crt"), authority).expect("the certificate authority");
    assert_eq!(scrape_status(&operators[0], &[]), "401");
    let config = format!(
        "global: {{scrape_interval: 2s}}
scrape_configs:
- {{job_name: trials, honor_labels: true, static_configs: [{{targets: {trials:?}}}]}}
- job_name: operator
  honor_labels: true
  scheme: https
  authorization: {{credentials_file: token}}
  tls_config: {{ca_file: ca.crt, server_name: studious.{operator}.svc}}
  static_configs: [{{targets: {operators:?}}}]
"
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
    let mut server = Server(server);
    wait_for("Prometheus answers", 30, || {
        let ended = server.0.try_wait().expect("its state");
        assert!(ended.is_none(), "Prometheus ended: {ended:?}");
        (!query("vector(1)").is_empty()).then_some(())
    });

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
