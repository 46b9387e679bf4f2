//! YAML in, Job out.

use std::{path::Path, sync::Arc, time::Duration};

use k8s_openapi::api::batch::v1::Job;
use studious_api::Trial;

use super::jobs::{AgentSettings, JobError, build};
use crate::{authority::Authority, object::identified};

fn agent() -> AgentSettings {
    AgentSettings {
        image: "registry.example/studious:1".into(),
        image_pull_policy: Some("IfNotPresent".into()),
        ingest_url: "https://studious.studious-system.svc:8443".into(),
        authority: Arc::new(Authority::new(
            Path::new("ca.crt"),
            "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n".into(),
        )),
        serves_metrics: false,
        drain: Duration::from_mins(10),
    }
}

/// A trial with this pod template.
pub(crate) fn trial(hosts: u32, checkpoint: &str, template: &str) -> Trial {
    let data: Vec<u32> = (0..hosts).map(|host| 90 + host).collect();
    let indented = format!("    {}", template.replace('\n', "\n    "));
    serde_yaml::from_str(&format!(
        "
apiVersion: studious.dev/v1alpha1
kind: Trial
metadata:
  name: digits-explore-0007
  namespace: team-a
  uid: 0b6f2c1e-5a44-4a0e-9d1f-3f6a4c1d2e5b
  generation: 1
  resourceVersion: '100'
spec:
  study: digits
  round: explore
  index: 7
  hyperparameters: {{learning_rate: 0.013, optimizer: nesterov, width: 64}}
  maxTrainSteps: 500
  schedule: {{family: Cosine, base: 0.013, warmupSteps: 25, constantSteps: 0, decaySteps: 475, endFactor: 0.0}}
  objective: {{metric: validation_error, direction: Minimize}}
  evaluation: {{everySteps: 50}}
  checkpoint: {{everySteps: 100, keepBest: 1{checkpoint}}}
  seeds: {{init: 7241, data: {data:?}, split: 5}}
  hosts: {hosts}
  verify: IfReported
  timeoutSeconds: 3600
  template:
{indented}"
    ))
    .unwrap()
}

fn yaml(job: &Job) -> String {
    serde_yaml::to_string(job).unwrap()
}

#[test]
fn a_plain_trainer_on_one_host() {
    let template = "
spec:
  containers:
  - {name: trainer, image: trainer, command: [train], args: ['--lr=$(HP_LEARNING_RATE)'], env: [{name: MINE, value: '1'}]}
";
    insta::assert_snapshot!(yaml(&build(&identified(&trial(1, "", template)), (1, None), &agent()).unwrap()));
}

/// Gauges are in the clear for every client that reaches the pod.
#[test]
fn an_agent_serves_gauges_where_that_is_asked_for() {
    let sidecar = |serves_metrics| {
        let agent = AgentSettings { serves_metrics, ..agent() };
        let job = build(&identified(&trial(1, "", "spec: {containers: [{name: t}]}")), (1, None), &agent).unwrap();
        let pod = job.spec.unwrap().template.spec.unwrap();
        pod.init_containers.unwrap().into_iter().find(|container| container.name == "studious-agent").unwrap()
    };
    let (closed, open) = (sidecar(false), sidecar(true));
    assert_eq!((closed.args, closed.ports), (Some(vec!["agent".to_owned()]), None));
    assert_eq!(open.args.unwrap(), ["agent", "--listen=[::]:9464"]);
    assert_eq!(open.ports.unwrap()[0].name.as_deref(), Some("agent-metrics"));
}

#[test]
fn two_hosts_with_nvidia_gpus_and_a_claim() {
    let template = "
metadata:
  labels: {team: a}
spec:
  nodeSelector: {nvidia.com/gpu.product: NVIDIA-A100-SXM4-80GB-MIG-3g.40gb}
  tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
  securityContext: {runAsUser: 1000, fsGroup: 2000}
  containers:
  - name: trainer
    image: trainer
    resources: {limits: {nvidia.com/mig-3g.40gb: 1, memory: 32Gi, cpu: 8}}
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
";
    let claim = ", volume: {persistentVolumeClaim: {claimName: checkpoints}}";
    insta::assert_snapshot!(yaml(&build(&identified(&trial(2, claim, template)), (3, None), &agent()).unwrap()));
}

#[test]
fn a_tpu_slice_of_four_hosts() {
    let template = "
spec:
  nodeSelector:
    cloud.google.com/gke-tpu-accelerator: tpu-v5-lite-podslice
    cloud.google.com/gke-tpu-topology: 4x4
  automountServiceAccountToken: true
  terminationGracePeriodSeconds: 120
  containers:
  - name: trainer
    image: trainer
    resources: {limits: {google.com/tpu: 4}}
    securityContext: {privileged: true, capabilities: {add: [SYS_RESOURCE]}}
";
    insta::assert_snapshot!(yaml(&build(&identified(&trial(4, "", template)), (1, None), &agent()).unwrap()));
}

#[test]
fn names_that_studious_uses_are_refused() {
    let refused = |template: &str| build(&identified(&trial(1, "", template)), (1, None), &agent()).unwrap_err();
    assert!(matches!(refused("spec: {containers: []}"), JobError::NoContainer));
    for (template, name) in [
        ("spec: {containers: [{name: t, env: [{name: HP_X, value: a}]}]}", "HP_X"),
        ("spec: {containers: [{name: t, env: [{name: STUDIOUS_TRIAL_DIR, value: a}]}]}", "STUDIOUS_TRIAL_DIR"),
        ("spec: {containers: [{name: t}], volumes: [{name: studious-token}]}", "studious-token"),
        ("spec: {containers: [{name: t}], initContainers: [{name: studious-agent}]}", "studious-agent"),
    ] {
        let error = refused(template).to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn the_annotation_is_what_agents_read() {
    let job = build(&identified(&trial(2, "", "spec: {containers: [{name: t}]}")), (2, None), &agent()).unwrap();
    let annotations = job.spec.unwrap().template.metadata.unwrap().annotations.unwrap();
    let shared = studious_contract::SharedTrial::parse(&annotations["studious.dev/trial"]).unwrap();
    let host = shared.for_host(1).unwrap();
    assert_eq!((host.seeds.data, host.attempt), (91, 2));
    assert_eq!(host.host.coordinator.as_deref(), Some("digits-explore-0007-a2-0.digits:8476"));
}

/// F-065: a template that has what Studious adds to a pod is refused before a Job is built of it.
#[test]
fn what_a_job_adds_is_what_validation_reserves() {
    let plain = trial(1, "", "spec: {containers: [{name: trainer, image: trainer}]}");
    let agent = AgentSettings { serves_metrics: true, ..agent() };
    let built = build(&identified(&plain), (1, None), &agent).unwrap().spec.unwrap().template;
    let mut study = crate::scenarios::studies::study("");
    study.spec.trial.template = built.clone().into();
    let refused: Vec<String> =
        studious_api::validate::refusals("digits", &study.spec).into_iter().map(|violation| violation.field).collect();
    let at = "spec.trial.template.spec";
    let pod = built.spec.unwrap();
    let trainer = &pod.containers[0];
    let mut added =
        vec![format!("{at}.initContainers[0].name"), format!("{at}.initContainers[0].ports[0].containerPort")];
    added.extend((0..pod.volumes.unwrap().len()).map(|i| format!("{at}.volumes[{i}].name")));
    added.extend((0..trainer.env.as_ref().unwrap().len()).map(|i| format!("{at}.containers[0].env[{i}].name")));
    let mounts = trainer.volume_mounts.as_ref().unwrap().len();
    added.extend((0..mounts).map(|i| format!("{at}.containers[0].volumeMounts[{i}].mountPath")));
    for field in added {
        assert!(refused.contains(&field), "{field} is not refused: {refused:#?}");
    }
}
