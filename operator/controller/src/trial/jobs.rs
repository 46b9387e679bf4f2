//! The Job of an attempt: built from the trial alone, so that it can be tested as YAML.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        batch::v1::{Job, JobSpec},
        core::v1::{
            Capabilities, Container, EmptyDirVolumeSource, EnvVar, EnvVarSource, ObjectFieldSelector,
            PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec, PodTemplateSpec, SeccompProfile,
            SecurityContext, Volume, VolumeMount,
        },
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use studious_api::{TRAINER_GRACE_SECONDS, Trial, expansion::Variables, labels};
use studious_contract::{
    self as contract, SharedTrial,
    environment::{self, VariableValue},
    reserved,
};

use super::hosts::INDEX_LABEL;
use super::sidecar::{self, AGENT_USER};
pub(crate) use super::sidecar::{AUDIENCE, AgentSettings};
use crate::object::Identified;

/// How long a finished Job is kept, in seconds.
const KEEP_FINISHED: i32 = 600;
/// Beyond `timeoutSeconds`, for image pulls and for the operator to judge first, in seconds.
const DEADLINE_MARGIN: u64 = 900;

pub(super) const TRIAL_VOLUME: &str = "studious-trial";
const CHECKPOINTS_VOLUME: &str = "studious-checkpoints";

/// Why there can be no Job for a trial.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    /// A template without a trainer.
    #[error("spec.template.spec.containers: there is none. The first container is the trainer")]
    NoContainer,
    /// A name that Studious uses.
    #[error("spec.template.spec.{what}: {name} is a name that Studious uses itself. Choose another")]
    Reserved {
        /// `volumes`, `containers` or `containers[0].env`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// What trainers read can't be written.
    #[error("trial.json can't be written: {0}")]
    TrialJson(#[from] serde_json::Error),
}

/// The name of an attempt's Job.
pub(crate) fn name(trial: &str, attempt: u32) -> String {
    format!("{trial}-a{attempt}")
}

/// The Job of an attempt, which restores no checkpoint beyond a step if asked to.
///
/// # Errors
/// When the template lacks a trainer or uses names that are not its own.
pub(crate) fn build(
    trial: &Identified<Trial>,
    (attempt, restore_at_most): (u32, Option<u64>),
    agent: &AgentSettings,
) -> Result<Job, JobError> {
    let spec = &trial.spec;
    let job_name = name(&trial.id.name, attempt);
    let labels = labels_of(trial, attempt);
    let hosts = i32::try_from(spec.hosts).unwrap_or(i32::MAX);
    Ok(Job {
        metadata: ObjectMeta {
            name: Some(job_name.clone()),
            namespace: Some(trial.id.namespace.clone()),
            labels: Some(labels.clone()),
            owner_references: Some(vec![trial.as_owner()]),
            ..ObjectMeta::default()
        },
        spec: Some(JobSpec {
            completion_mode: Some("Indexed".to_owned()),
            completions: Some(hosts),
            parallelism: Some(hosts),
            // All hosts restart together: another attempt is another Job.
            backoff_limit: Some(0),
            pod_replacement_policy: Some("Failed".to_owned()),
            ttl_seconds_after_finished: Some(KEEP_FINISHED),
            template: template(trial, (attempt, restore_at_most), &job_name, labels, agent)?,
            ..JobSpec::default()
        }),
        status: None,
    })
}

fn labels_of(trial: &Identified<Trial>, attempt: u32) -> BTreeMap<String, String> {
    [
        (labels::STUDY, trial.spec.study.clone()),
        (labels::ROUND, trial.spec.round.clone()),
        (labels::TRIAL, trial.id.name.clone()),
        (labels::ATTEMPT, attempt.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

fn template(
    trial: &Identified<Trial>,
    (attempt, restore_at_most): (u32, Option<u64>),
    job_name: &str,
    labels: BTreeMap<String, String>,
    agent: &AgentSettings,
) -> Result<PodTemplateSpec, JobError> {
    let spec = &trial.spec;
    let mut template = (*spec.template).clone();
    let several = spec.hosts > 1;
    let coordinator = several.then(|| format!("{job_name}-0.{}:{}", spec.study, contract::COORDINATOR_PORT));
    let shared = SharedTrial::new(&trial.id.name, spec, attempt, restore_at_most, coordinator);
    // By way of a value: its keys are in order, as they were before.
    let annotation = serde_json::to_value(&shared)?.to_string();

    let metadata = template.metadata.get_or_insert_default();
    metadata.labels.get_or_insert_default().extend(labels);
    metadata.annotations.get_or_insert_default().insert(labels::TRIAL_JSON.to_owned(), annotation);

    let pod = template.spec.get_or_insert_default();
    refuse_reserved(pod)?;
    pod.restart_policy = Some("Never".to_owned());
    if several {
        pod.subdomain = Some(spec.study.clone());
    }
    pod.automount_service_account_token.get_or_insert(false);
    pod.enable_service_links.get_or_insert(false);
    let grace = grace(pod.termination_grace_period_seconds, claim(trial).is_some(), agent);
    pod.termination_grace_period_seconds = Some(grace);
    // On the pod, not on the Job: a pod that waits for a place or in a queue isn't charged.
    pod.active_deadline_seconds = spec
        .timeout_seconds
        .and_then(|limit| i64::try_from(limit.saturating_add(DEADLINE_MARGIN)).ok())
        .or(pod.active_deadline_seconds);
    restrict_pod(pod.security_context.get_or_insert_default(), claim(trial).is_some());
    pod.init_containers.iter_mut().flatten().chain(&mut pod.containers).for_each(|container| {
        restrict_container(container.security_context.get_or_insert_default());
    });

    equip_trainer(pod.containers.first_mut().ok_or(JobError::NoContainer)?, trial, &shared);
    let spool = claim(trial).map(|_| VolumeMount {
        sub_path_expr: Some(format!("{}/spool-$({})", claim_folder(trial), reserved::HOST_VARIABLE)),
        ..mount(CHECKPOINTS_VOLUME, reserved::SPOOL_DIR)
    });
    pod.init_containers.get_or_insert_default().insert(0, sidecar::container(agent, grace, spool));
    pod.volumes.get_or_insert_default().extend(volumes(trial).into_iter().chain(sidecar::volumes()));
    Ok(template)
}

fn refuse_reserved(pod: &PodSpec) -> Result<(), JobError> {
    let volumes = pod.volumes.iter().flatten().map(|volume| ("volumes", &volume.name));
    let containers =
        pod.init_containers.iter().flatten().chain(&pod.containers).map(|container| ("containers", &container.name));
    if let Some((what, name)) = volumes.chain(containers).find(|(_, name)| name.starts_with(reserved::NAME_PREFIX)) {
        return Err(JobError::Reserved { what, name: name.clone() });
    }
    let trainer = pod.containers.first().into_iter().flat_map(|container| container.env.iter().flatten());
    match trainer.map(|variable| &variable.name).find(|name| reserved::is_reserved_variable(name)) {
        Some(name) => Err(JobError::Reserved { what: "containers[0].env", name: name.clone() }),
        None => Ok(()),
    }
}

/// What the restricted profile of Pod Security asks for, where the template says nothing.
fn restrict_pod(context: &mut PodSecurityContext, has_claim: bool) {
    context.run_as_non_root.get_or_insert(true);
    context
        .seccomp_profile
        .get_or_insert_with(|| SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None });
    if has_claim && context.fs_group.is_none() {
        // Most volumes belong to root when they are new; without a group no trainer could write its checkpoints.
        context.fs_group = Some(AGENT_USER);
        context.fs_group_change_policy.get_or_insert_with(|| "OnRootMismatch".to_owned());
    }
}

fn restrict_container(context: &mut SecurityContext) {
    if context.privileged != Some(true) {
        context.allow_privilege_escalation.get_or_insert(false);
    }
    context
        .capabilities
        .get_or_insert_with(|| Capabilities { drop: Some(vec!["ALL".to_owned()]), ..Capabilities::default() });
}

fn equip_trainer(trainer: &mut Container, trial: &Identified<Trial>, shared: &SharedTrial) {
    let own = environment::environment(shared, reserved::TRIAL_DIR);
    own.iter().map(|(name, _)| name.as_str()).collect::<Variables>().settle(trainer);
    // Before the template's own variables, which may then refer to them.
    let own = own.into_iter().map(|(name, value)| match value {
        VariableValue::Text(text) => EnvVar { name, value: Some(text), value_from: None },
        VariableValue::HostIndex => EnvVar { name, value: None, value_from: Some(host_index()) },
    });
    trainer.env = Some(own.chain(trainer.env.take().unwrap_or_default()).collect());
    // What it printed last is then in its pod's status.
    trainer.termination_message_policy.get_or_insert_with(|| "FallbackToLogsOnError".to_owned());

    let folder = claim_folder(trial);
    trainer.volume_mounts.get_or_insert_default().extend([
        mount(TRIAL_VOLUME, reserved::TRIAL_DIR),
        VolumeMount {
            sub_path_expr: Some(format!("{folder}/host-$({})", reserved::HOST_VARIABLE)),
            ..mount(CHECKPOINTS_VOLUME, &format!("{}/checkpoints", reserved::TRIAL_DIR))
        },
        VolumeMount {
            sub_path_expr: Some(format!("{folder}/host-0")),
            read_only: Some(true),
            ..mount(CHECKPOINTS_VOLUME, &format!("{}/restore", reserved::TRIAL_DIR))
        },
    ]);
}

/// The index of a pod, as its Job labels it.
fn host_index() -> EnvVarSource {
    let field_ref = ObjectFieldSelector { field_path: format!("metadata.labels['{INDEX_LABEL}']"), api_version: None };
    EnvVarSource { field_ref: Some(field_ref), ..EnvVarSource::default() }
}

fn volumes(trial: &Identified<Trial>) -> [Volume; 2] {
    let checkpoints = Volume { name: CHECKPOINTS_VOLUME.to_owned(), ..Volume::default() };
    [
        Volume { name: TRIAL_VOLUME.to_owned(), empty_dir: Some(EmptyDirVolumeSource::default()), ..Volume::default() },
        match claim(trial) {
            Some(claim_name) => Volume {
                persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource { claim_name, read_only: None }),
                ..checkpoints
            },
            None => Volume { empty_dir: Some(EmptyDirVolumeSource::default()), ..checkpoints },
        },
    ]
}

/// A trial's folder on its claim. By uid: a study that was deleted and made again must not continue from the checkpoints of
/// the one before.
fn claim_folder(trial: &Identified<Trial>) -> String {
    let uid = trial.id.uid.split('-').next().unwrap_or_default();
    format!("{}/{}-{uid}", trial.spec.study, trial.id.name)
}

/// How long the pods of a trial live once their trainers have ended, in seconds, at most.
pub(super) fn grace_of(trial: &Identified<Trial>, agent: &AgentSettings) -> i64 {
    let given = trial.spec.template.spec.as_ref().and_then(|pod| pod.termination_grace_period_seconds);
    grace(given, claim(trial).is_some(), agent)
}

/// How long a pod lives once its trainer has ended or it is deleted, in seconds, at most: what the template says; with a
/// claim, on which undelivered lines are kept, what Kubernetes says; else long enough to deliver them.
fn grace(given: Option<i64>, has_claim: bool, agent: &AgentSettings) -> i64 {
    given.unwrap_or_else(|| {
        if has_claim { i64::from(TRAINER_GRACE_SECONDS) } else { sidecar::grace_without_claim(agent.drain) }
    })
}

fn claim(trial: &Identified<Trial>) -> Option<String> {
    let volume = trial.spec.checkpoint.as_ref()?.volume.as_ref()?;
    Some(volume.persistent_volume_claim.claim_name.clone())
}

pub(super) fn mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount { name: name.to_owned(), mount_path: path.to_owned(), ..VolumeMount::default() }
}
