//! From pods to hosts: what became of each process of an attempt. Pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::{
        batch::v1::Job,
        core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod},
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use studious_api::TrialSpec;
use studious_playbook::decide::HostState;

use studious_contract::reserved::AGENT_CONTAINER;

/// The label that holds a pod's index.
pub(crate) const INDEX_LABEL: &str = "batch.kubernetes.io/job-completion-index";
/// How long an image may be missing before the trial is given up: long enough for a registry to restart.
const IMAGE_PATIENCE: SignedDuration = SignedDuration::from_secs(120);

/// How long the kubelet may try to make a container before the trial is given up. It does try again, and often needs to:
/// two hosts of a trial on one node make the same checkpoint folder, and one of them comes second.
const CONTAINER_PATIENCE: SignedDuration = SignedDuration::from_secs(30);

/// How long the kubelet may take to start an agent again that ended before its trainer began.
const AGENT_PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// Longest digest of an image that is recorded, with its repository, in characters.
const MAX_IMAGE: usize = 512;

/// What became of an agent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AgentState {
    /// It may still send something.
    Sends,
    /// It has left because everything was acknowledged.
    Drained,
    /// It was ended before that: what the trainer wrote last is lost.
    Cut,
    /// It went with its pod, and its exit code is unknown.
    Gone,
    /// Nothing is known of it.
    Unknown,
}

/// One host of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HostView {
    /// What became of its trainer.
    pub(crate) state: HostState,
    /// Since when the trainer trains or trained.
    pub(crate) started: Option<Timestamp>,
    /// What became of its agent.
    pub(crate) agent: AgentState,
    /// Whether there is a pod whose trainer runs or will run.
    pub(crate) is_live: bool,
    /// Whether there is a pod with any process that runs or will run, and that is not deleted.
    pub(crate) is_open: bool,
    /// A non-zero exit code of a trainer that had said `done` is worth telling.
    pub(crate) exit_code: Option<i32>,
    /// What a trainer that has ended printed last.
    pub(crate) printed: Option<String>,
    /// The trainer's image by its digest.
    pub(crate) image: Option<String>,
    /// The node of its pod.
    pub(crate) node: Option<String>,
}

/// The hosts of an attempt in the order of their index. `pods` are those that the Job controls; `seen` says whether a
/// host's pod was seen before.
pub(crate) fn views(
    spec: &TrialSpec,
    job: Option<&Job>,
    pods: &[impl AsRef<Pod>],
    seen: impl Fn(u32) -> bool,
    now: Timestamp,
) -> Vec<HostView> {
    let of_index = |index: u32| {
        // There is one at most while a Job doesn't retry; if ever there were two, the younger counts.
        pods.iter()
            .map(AsRef::as_ref)
            .filter(|pod| index_of(pod) == Some(index))
            .max_by_key(|pod| pod.metadata.creation_timestamp.as_ref().map(|time| time.0))
    };
    let chosen: Vec<Option<&Pod>> = (0..spec.hosts).map(of_index).collect();
    // When the first trainer failed of itself. The Job controller then deletes the other pods of the Job.
    let name = trainer_name(spec);
    let first_failure = chosen.iter().flatten().filter_map(|pod| failed_at(pod, name)).min();
    (0..spec.hosts)
        .zip(chosen)
        .map(|(index, pod)| match pod {
            Some(pod) => of_pod(pod, name, first_failure, now),
            None => HostView {
                state: without_pod(job, seen(index)),
                started: None,
                agent: AgentState::Gone,
                is_live: false,
                is_open: false,
                exit_code: None,
                printed: None,
                image: None,
                node: None,
            },
        })
        .collect()
}

/// Whether a node's processes were all killed between the creation of the agent's container and its start: its sandbox is
/// gone, and the kubelet says for good that the container waits for nothing.
fn is_stuck(pod: &Pod, now: Timestamp) -> bool {
    let Some(status) = &pod.status else { return false };
    let agent = status.init_container_statuses.iter().flatten().find(|container| container.name == AGENT_CONTAINER);
    let waits_for_nothing = agent.is_some_and(|agent| {
        let waiting = agent.state.as_ref().and_then(|state| state.waiting.as_ref());
        agent.container_id.as_ref().is_some_and(|id| !id.is_empty())
            && waiting.is_some_and(|waiting| waiting.reason.is_none())
    });
    let has_no_sandbox = status
        .conditions
        .iter()
        .flatten()
        .any(|condition| condition.type_ == "PodReadyToStartContainers" && condition.status == "False");
    let is_overdue = status.start_time.as_ref().is_some_and(|begun| now.duration_since(begun.0) > AGENT_PATIENCE);
    waits_for_nothing && has_no_sandbox && is_overdue
}

/// The index of a pod within its Job.
pub(crate) fn index_of(pod: &Pod) -> Option<u32> {
    pod.metadata.labels.as_ref()?.get(INDEX_LABEL)?.parse().ok()
}

fn without_pod(job: Option<&Job>, seen: bool) -> HostState {
    if job.is_some_and(|job| has_condition(job, "Complete") || has_condition(job, "SuccessCriteriaMet")) {
        // Every pod of it left with exit code 0, and was deleted since.
        return HostState::Exited { code: 0, out_of_memory: false };
    }
    if seen || job.is_some_and(has_failed) {
        return HostState::Lost { reason: "its pod is gone".to_owned() };
    }
    let suspended = job.is_some_and(|job| has_condition(job, "Suspended"));
    HostState::Waiting { reason: suspended.then(|| "Queued".to_owned()) }
}

fn has_failed(job: &Job) -> bool {
    has_condition(job, "Failed") || has_condition(job, "FailureTarget")
}

fn has_condition(job: &Job, type_: &str) -> bool {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == type_ && condition.status == "True")
}

fn of_pod(pod: &Pod, name: Option<&str>, first_failure: Option<Timestamp>, now: Timestamp) -> HostView {
    let trainer = trainer(pod, name);
    let state = trainer.and_then(|status| status.state.as_ref());
    let terminated = state.and_then(|state| state.terminated.as_ref());
    let running = state.and_then(|state| state.running.as_ref());
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
    let over = matches!(phase, "Succeeded" | "Failed");
    let started = |time: Option<&Time>| time.map(|time| time.0);
    HostView {
        state: state_of(pod, trainer, first_failure, now),
        started: started(running.and_then(|r| r.started_at.as_ref()))
            .or_else(|| started(terminated.and_then(|t| t.started_at.as_ref()))),
        agent: match agent(pod) {
            Some(ContainerState { terminated: Some(terminated), .. }) if terminated.exit_code == 0 => {
                AgentState::Drained
            }
            Some(ContainerState { terminated: Some(_), .. }) => AgentState::Cut,
            Some(ContainerState { running: Some(_), .. }) if !over => AgentState::Sends,
            _ => AgentState::Unknown,
        },
        is_live: !over && terminated.is_none(),
        is_open: !over && pod.metadata.deletion_timestamp.is_none(),
        exit_code: terminated.map(|terminated| terminated.exit_code),
        printed: terminated.and_then(|terminated| terminated.message.clone()),
        image: trainer.and_then(|status| image_digest(&status.image_id)),
        node: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
    }
}

/// The digest that a container's status has of its image, without what a runtime puts before it. Empty until it was pulled.
fn image_digest(id: &str) -> Option<String> {
    let digest = id.split_once("://").map_or(id, |(_, digest)| digest);
    (!digest.is_empty()).then(|| digest.chars().take(MAX_IMAGE).collect())
}

fn state_of(
    pod: &Pod,
    trainer: Option<&ContainerStatus>,
    first_failure: Option<Timestamp>,
    now: Timestamp,
) -> HostState {
    let state = trainer.and_then(|status| status.state.as_ref());
    let terminated = state.and_then(|state| state.terminated.as_ref());
    if let Some(terminated) = terminated {
        if terminated.reason.as_deref() == Some("OOMKilled") {
            return HostState::Exited { code: terminated.exit_code, out_of_memory: true };
        }
        if terminated.exit_code == 0 {
            return HostState::Exited { code: 0, out_of_memory: false };
        }
    }
    if deadline_exceeded(pod) {
        // The operator's own clock says how long it ran; the kubelet only stopped it.
        return HostState::Running;
    }
    if let Some(reason) = disruption(pod, terminated) {
        return HostState::Lost { reason };
    }
    if let Some(deleted) = deleted_at(pod) {
        // Deleted because another host's trainer failed: that host reports what happened.
        let collateral = first_failure.is_some_and(|failure| failure <= deleted);
        let by_itself = terminated.and_then(finished).is_some_and(|finished| finished < deleted);
        if !collateral && !by_itself {
            return HostState::Lost { reason: "its pod was deleted".to_owned() };
        }
        if collateral && !by_itself {
            return HostState::Running;
        }
    }
    match (terminated, state) {
        (Some(terminated), _) => HostState::Exited { code: terminated.exit_code, out_of_memory: false },
        (None, Some(ContainerState { running: Some(_), .. })) => HostState::Running,
        _ => not_begun(pod, state, now),
    }
}

/// A pod whose trainer hasn't begun: it waits, or never will.
fn not_begun(pod: &Pod, state: Option<&ContainerState>, now: Timestamp) -> HostState {
    let status = pod.status.as_ref();
    if status.and_then(|status| status.phase.as_deref()) == Some("Failed") {
        let failed = init_states(pod).filter_map(|(_, state)| state.terminated.as_ref()).find(|t| t.exit_code != 0);
        return match failed {
            Some(terminated) => HostState::Exited {
                code: terminated.exit_code,
                out_of_memory: terminated.reason.as_deref() == Some("OOMKilled"),
            },
            // The node refused it: out of some resource, or it is being shut down.
            None => HostState::Lost {
                reason: status
                    .and_then(|status| status.reason.clone().or_else(|| status.message.clone()))
                    .unwrap_or_else(|| "its pod failed before the trainer began".to_owned()),
            },
        };
    }
    // The kubelet starts an agent again that ended, but not one whose sandbox went with it before the trainer began.
    let agent_ended = agent(pod).and_then(|state| state.terminated.as_ref()).and_then(finished);
    if agent_ended.is_some_and(|ended| now.duration_since(ended) > AGENT_PATIENCE) {
        return HostState::Lost {
            reason: "its agent ended before the trainer began, and its node does not start it again".to_owned(),
        };
    }
    if is_stuck(pod, now) {
        return HostState::Lost {
            reason: "its agent was created and not started, and its node does not start it again".to_owned(),
        };
    }
    // The agent and other init containers come first; what they wait for is what the trainer waits for.
    let waiting = init_states(pod)
        .filter_map(|(name, state)| Some((Some(name), state.waiting.as_ref()?)))
        .chain(state.and_then(|state| state.waiting.as_ref()).map(|waiting| (None, waiting)))
        .find(|(_, waiting)| waiting.reason.as_deref().is_some_and(|reason| reason != "PodInitializing"));
    if let Some((name, waiting)) = waiting {
        let reason = waiting.reason.as_deref().unwrap_or_default();
        let detail = waiting.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
        let of = name.map(|name| format!(" ({name})")).unwrap_or_default();
        let since = status.and_then(|status| status.start_time.as_ref()).map_or(now, |time| time.0);
        let waited = now.duration_since(since);
        let reason = match reason {
            "ImagePullBackOff" | "ErrImagePull" if waited > IMAGE_PATIENCE => "ImageUnavailable",
            "CreateContainerConfigError" | "CreateContainerError" if waited <= CONTAINER_PATIENCE => {
                "ContainerCreating"
            }
            reason => reason,
        };
        return HostState::Waiting { reason: Some(format!("{reason}{of}{detail}")) };
    }
    let unschedulable = status
        .and_then(|status| status.conditions.as_ref())
        .into_iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    HostState::Waiting {
        reason: unschedulable.map(|condition| {
            let message = condition.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
            format!("{}{message}", condition.reason.as_deref().unwrap_or("Unschedulable"))
        }),
    }
}

/// Preempted, evicted, drained, its node lost: Kubernetes says so itself.
fn disruption(pod: &Pod, terminated: Option<&ContainerStateTerminated>) -> Option<String> {
    let status = pod.status.as_ref()?;
    let target = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "DisruptionTarget" && condition.status == "True");
    if let Some(condition) = target {
        let reason = condition.reason.as_deref().unwrap_or("DisruptionTarget");
        let message = condition.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
        return Some(format!("{reason}{message}"));
    }
    if terminated.is_some_and(|terminated| terminated.reason.as_deref() == Some("ContainerStatusUnknown")) {
        return Some("its node lost sight of it".to_owned());
    }
    match status.reason.as_deref() {
        Some(reason @ ("Evicted" | "NodeLost" | "NodeShutdown" | "Shutdown" | "Terminated" | "Preempting")) => {
            Some(reason.to_owned())
        }
        _ => None,
    }
}

fn deadline_exceeded(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.reason.as_deref()) == Some("DeadlineExceeded")
}

/// When a pod's deletion was requested.
fn deleted_at(pod: &Pod) -> Option<Timestamp> {
    let due = pod.metadata.deletion_timestamp.as_ref()?.0;
    let grace = SignedDuration::from_secs(pod.metadata.deletion_grace_period_seconds.unwrap_or_default());
    Some(due.checked_sub(grace).unwrap_or(due))
}

/// When a trainer left with an exit code other than 0, without an outside cause.
fn failed_at(pod: &Pod, name: Option<&str>) -> Option<Timestamp> {
    let terminated = trainer(pod, name)?.state.as_ref()?.terminated.as_ref()?;
    if terminated.exit_code == 0 || deadline_exceeded(pod) || disruption(pod, Some(terminated)).is_some() {
        return None;
    }
    let finished = finished(terminated)?;
    // Times are whole seconds; within the second of its deletion it was the deletion.
    match deleted_at(pod) {
        Some(deleted) if finished >= deleted => None,
        _ => Some(finished),
    }
}

fn finished(terminated: &ContainerStateTerminated) -> Option<Timestamp> {
    terminated.finished_at.as_ref().map(|time| time.0)
}

/// The trainer is the first container of the trial's template. It need not be the pod's: a mesh puts its proxy first.
fn trainer_name(spec: &TrialSpec) -> Option<&str> {
    Some(&spec.template.spec.as_ref()?.containers.first()?.name)
}

fn trainer<'a>(pod: &'a Pod, name: Option<&str>) -> Option<&'a ContainerStatus> {
    pod.status.as_ref()?.container_statuses.as_ref()?.iter().find(|status| Some(status.name.as_str()) == name)
}

/// Whether the kubelet says that the trainer of a pod has ended: none of its processes is left.
pub(crate) fn has_trainer_ended(spec: &TrialSpec, pod: &Pod) -> bool {
    let state = trainer(pod, trainer_name(spec)).and_then(|status| status.state.as_ref());
    state.is_some_and(|state| state.terminated.is_some())
}

fn agent(pod: &Pod) -> Option<&ContainerState> {
    init_states(pod).find(|(name, _)| *name == AGENT_CONTAINER).map(|(_, state)| state)
}

fn init_states(pod: &Pod) -> impl Iterator<Item = (&str, &ContainerState)> {
    let statuses = pod.status.as_ref().and_then(|status| status.init_container_statuses.as_ref());
    statuses.into_iter().flatten().filter_map(|status| Some((status.name.as_str(), status.state.as_ref()?)))
}

#[cfg(test)]
#[path = "hosts_tests.rs"]
mod tests;
