//! The agent in a trial's pod: its container, its volumes, and how long it may deliver.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use k8s_openapi::{
    api::core::v1::{
        Capabilities, ConfigMapVolumeSource, Container, ContainerPort, DownwardAPIVolumeFile, DownwardAPIVolumeSource,
        EnvVar, EnvVarSource, ExecAction, Lifecycle, LifecycleHandler, ObjectFieldSelector, ProjectedVolumeSource,
        ResourceRequirements, SeccompProfile, SecurityContext, ServiceAccountTokenProjection, Volume, VolumeMount,
        VolumeProjection,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use studious_api::labels;
use studious_contract::{self as contract, reserved};

use super::jobs::{TRIAL_VOLUME, mount};
use crate::authority::{self, Authority};

/// Audience of the tokens that agents show. Readers' have another: an agent's opens neither dashboard nor read API, whatever
/// its pod's service account may read.
pub(crate) const AUDIENCE: &str = "studious-agent";
/// User and group of the operator's image.
pub(super) const AGENT_USER: i64 = 65532;
/// This program in the operator's image.
const PROGRAM: &str = "/usr/local/bin/studious";
/// Seconds of a pod's grace that are left when its agent gives up.
const MARGIN: i64 = 5;

const DOWNWARD_VOLUME: &str = "studious-downward";
const TOKEN_VOLUME: &str = "studious-token";
const CA_VOLUME: &str = "studious-ca";

/// What the operator knows of its agents.
#[derive(Clone, Debug)]
pub(crate) struct AgentSettings {
    /// The operator's own image.
    pub(crate) image: String,
    /// Kubernetes' own rule if there is none.
    pub(crate) image_pull_policy: Option<String>,
    /// Where agents send what trainers write.
    pub(crate) ingest_url: String,
    /// Whom they trust when they do.
    pub(crate) authority: Arc<Authority>,
    /// Whether they serve their host's gauges, in the clear to every client that reaches the pod.
    pub(crate) serves_metrics: bool,
    /// How long an agent of a trial without a claim delivers what is left once its trainer has ended.
    pub(crate) drain: Duration,
}

/// The grace period, in seconds, of a pod whose agent has this long to deliver what is left.
pub(crate) fn grace_without_claim(drain: Duration) -> i64 {
    i64::try_from(drain.as_secs()).unwrap_or(i64::MAX - MARGIN).saturating_add(MARGIN)
}

/// How long an agent may deliver within a pod's grace period, in seconds.
fn drain_seconds(grace: i64) -> i64 {
    (grace - MARGIN).max(grace / 2)
}

/// The agent's container in a pod with this grace period. `spool` is where lines outlive the pod.
pub(super) fn container(agent: &AgentSettings, grace: i64, spool: Option<VolumeMount>) -> Container {
    let quantities = |cpu: &str, memory: &str| {
        Some(BTreeMap::from([
            ("cpu".to_owned(), Quantity(cpu.to_owned())),
            ("memory".to_owned(), Quantity(memory.to_owned())),
        ]))
    };
    Container {
        name: reserved::AGENT_CONTAINER.to_owned(),
        image: Some(agent.image.clone()),
        image_pull_policy: agent.image_pull_policy.clone(),
        args: Some(arguments(agent)),
        restart_policy: Some("Always".to_owned()),
        env: Some(environment(agent, grace, spool.is_some())),
        ports: agent.serves_metrics.then(|| {
            vec![ContainerPort {
                name: Some("agent-metrics".to_owned()),
                container_port: reserved::AGENT_PORT.into(),
                ..ContainerPort::default()
            }]
        }),
        lifecycle: Some(Lifecycle {
            post_start: Some(LifecycleHandler {
                exec: Some(ExecAction { command: Some(vec![PROGRAM.to_owned(), "agent-ready".to_owned()]) }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        resources: Some(ResourceRequirements {
            requests: quantities("10m", "32Mi"),
            limits: quantities("200m", "128Mi"),
            claims: None,
        }),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            read_only_root_filesystem: Some(true),
            run_as_non_root: Some(true),
            run_as_user: Some(AGENT_USER),
            run_as_group: Some(AGENT_USER),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(
            [
                mount(TRIAL_VOLUME, reserved::TRIAL_DIR),
                VolumeMount { read_only: Some(true), ..mount(DOWNWARD_VOLUME, reserved::DOWNWARD_DIR) },
                VolumeMount { read_only: Some(true), ..mount(TOKEN_VOLUME, reserved::TOKEN_DIR) },
                VolumeMount { read_only: Some(true), ..mount(CA_VOLUME, reserved::CA_DIR) },
            ]
            .into_iter()
            .chain(spool)
            .collect(),
        ),
        ..Container::default()
    }
}

fn arguments(agent: &AgentSettings) -> Vec<String> {
    let listen = agent.serves_metrics.then(|| format!("--listen=[::]:{}", reserved::AGENT_PORT));
    ["agent".to_owned()].into_iter().chain(listen).collect()
}

fn environment(agent: &AgentSettings, grace: i64, has_spool: bool) -> Vec<EnvVar> {
    let value = |name: &str, value: String| EnvVar { name: name.to_owned(), value: Some(value), value_from: None };
    let mut env = vec![
        value("STUDIOUS_INGEST_URL", agent.ingest_url.clone()),
        // Trusted whatever becomes of the file: the certificate may be renewed before or after its authority.
        value("STUDIOUS_CA_PEM", agent.authority.pem()),
        value("STUDIOUS_CA_FILE", format!("{}/{}", reserved::CA_DIR, authority::KEY)),
        value("STUDIOUS_DRAIN_SECONDS", drain_seconds(grace).to_string()),
        value(reserved::TRIAL_DIR_VARIABLE, reserved::TRIAL_DIR.to_owned()),
    ];
    if has_spool {
        env.push(value("STUDIOUS_SPOOL", reserved::SPOOL_DIR.to_owned()));
    }
    env.push(EnvVar {
        name: "STUDIOUS_NAMESPACE".to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector { api_version: None, field_path: "metadata.namespace".to_owned() }),
            ..EnvVarSource::default()
        }),
    });
    env
}

/// The volumes that the agent alone mounts.
pub(super) fn volumes() -> [Volume; 3] {
    [
        Volume {
            name: DOWNWARD_VOLUME.to_owned(),
            downward_api: Some(DownwardAPIVolumeSource {
                default_mode: None,
                items: Some(vec![DownwardAPIVolumeFile {
                    path: contract::TRIAL_FILE.to_owned(),
                    field_ref: Some(ObjectFieldSelector {
                        api_version: None,
                        field_path: format!("metadata.annotations['{}']", labels::TRIAL_JSON),
                    }),
                    ..DownwardAPIVolumeFile::default()
                }]),
            }),
            ..Volume::default()
        },
        Volume {
            name: TOKEN_VOLUME.to_owned(),
            projected: Some(ProjectedVolumeSource {
                default_mode: None,
                sources: Some(vec![VolumeProjection {
                    service_account_token: Some(ServiceAccountTokenProjection {
                        audience: Some(AUDIENCE.to_owned()),
                        expiration_seconds: Some(3600),
                        path: "token".to_owned(),
                    }),
                    ..VolumeProjection::default()
                }]),
            }),
            ..Volume::default()
        },
        Volume {
            name: CA_VOLUME.to_owned(),
            config_map: Some(ConfigMapVolumeSource {
                name: authority::CONFIG_MAP.to_owned(),
                // The first pod of a namespace may come before it.
                optional: Some(true),
                ..ConfigMapVolumeSource::default()
            }),
            ..Volume::default()
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_gives_up_before_its_pod_does() {
        assert_eq!(grace_without_claim(Duration::from_mins(10)), 605);
        assert_eq!([605, 120, 30, 6, 0].map(drain_seconds), [600, 115, 25, 3, 0]);
    }
}
