//! What the caches show of a trial.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{Resource, ResourceExt};
use studious_api::{Trial, TrialSpec, TrialStatus, trial::AttemptOutcome};
use studious_playbook::{
    Millis,
    decide::{HostState, PastAttempt, PastAttempts, Progress, next_attempt_at},
    rounds::RETRAIN,
    study,
    trial::silent_failure,
};

use super::{
    TrialMemory, TrialReconciler, hosts,
    hosts::{AgentState, HostView},
    jobs,
};
use crate::{
    caches::Caches,
    object::{Identified, Identity, controller_of, is_controlled_by},
    status::{Written, millis},
};

/// How long the cache may take to show a Job that was made.
const CACHE_PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// How long a pod may outstay its deletion before it is taken for gone with its node.
const DELETION_PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// How much longer than it may deliver an agent is waited for: Kubernetes ends it within the pod's grace.
const DRAIN_MARGIN: SignedDuration = SignedDuration::from_secs(30);
/// The same once there is no pod any more: what is on its way arrives soon.
const DRAIN_PATIENCE_WITHOUT_POD: SignedDuration = SignedDuration::from_secs(10);

/// A trial as the caches show it.
pub(super) struct ObservedTrial {
    /// Its status, what was written and isn't in the cache yet included.
    pub(super) status: TrialStatus,
    /// The current attempt, from 1.
    pub(super) number: u32,
    /// What earlier attempts come to.
    pub(super) past: PastAttempts,
    /// The current attempt's Job.
    pub(super) job: JobSight,
    /// The current attempt's hosts.
    pub(super) hosts: Vec<HostView>,
    /// Since when each host has ended, if it has.
    pub(super) ended: Vec<Option<Timestamp>>,
    /// How long after the end of a host's trainer its agent may still send.
    pub(super) patience: SignedDuration,
    /// The steps at which early ending compares it with others: its status keeps its evaluations there.
    pub(super) rungs: Vec<u64>,
    /// Pods of earlier attempts that may still do something.
    pub(super) lingering: Vec<Arc<Pod>>,
}

/// A Job as the cache shows it.
#[derive(Clone, Debug)]
pub(super) enum JobSight {
    /// Not made yet.
    None,
    /// It has another owner.
    NotOurs {
        /// To another trial of the same name, which is being deleted.
        is_passing: bool,
    },
    /// Made; the cache doesn't show it yet.
    Awaited,
    /// It was deleted from outside.
    Gone,
    /// There it is.
    There(Arc<Job>),
}

/// Looks at the caches. Keeps what was seen, so that what vanishes is known to have been there.
pub(super) fn observe(trial: &Identified<Trial>, context: &TrialReconciler, now: Timestamp) -> ObservedTrial {
    let Identity { namespace, name, uid } = &trial.id;
    let pods = context.caches.pods_of(namespace, name);
    let rungs = rungs_of(trial, context);
    context.memories.with(uid, |memory| {
        let version = trial.metadata.resource_version.as_deref();
        let status = Written::or_cached(memory.written.as_ref(), trial.status.as_ref(), version).unwrap_or_default();
        let number = current_attempt(&status);
        let past = past_attempts(&status, number);

        let job_name = jobs::name(name, number);
        let cached = Caches::get(&context.caches.jobs, namespace, &job_name);
        let job = sight(memory, number, uid, cached, &status, now);
        let job_uid = match &job {
            JobSight::There(job) => job.uid(),
            _ => None,
        };
        let (current, earlier): (Vec<_>, Vec<_>) =
            pods.into_iter().partition(|pod| job_uid.as_ref().is_some_and(|uid| is_controlled_by(pod.as_ref(), uid)));
        for pod in &current {
            memory.seen_pods.extend(hosts::index_of(pod).map(|index| (number, index)));
        }
        let hosts = match &job {
            JobSight::There(job) => {
                hosts::views(&trial.spec, Some(job), &current, |index| memory.seen_pods.contains(&(number, index)), now)
            }
            JobSight::Gone => without_job(trial, &HostState::Lost { reason: "its Job was deleted".to_owned() }),
            _ => without_job(trial, &HostState::Waiting { reason: None }),
        };
        let ended = (0..trial.spec.hosts)
            .zip(&hosts)
            .map(|(index, host)| {
                let over = matches!(host.state, HostState::Exited { .. } | HostState::Lost { .. });
                over.then(|| *memory.ended_hosts.entry((number, index)).or_insert(now))
            })
            .collect();
        let patience = SignedDuration::from_secs(jobs::grace_of(trial, &context.agent)) + DRAIN_MARGIN;
        let lingering = earlier.into_iter().filter(|pod| lingers(pod, name, number, now)).collect();
        ObservedTrial { status, number, past, job, hosts, ended, patience, rungs, lingering }
    })
}

/// The steps at which early ending compares a trial with others, as its study says.
fn rungs_of(trial: &Identified<Trial>, context: &TrialReconciler) -> Vec<u64> {
    let study = Caches::get(&context.caches.studies, &trial.id.namespace, &trial.spec.study);
    let rule = study.as_ref().and_then(|study| study.spec.search.early_ending.as_ref());
    rule.filter(|_| trial.spec.round != RETRAIN)
        .map_or_else(Vec::new, |rule| study::rungs(rule, trial.spec.max_train_steps))
}

/// The attempt after the last that ended.
pub(super) fn current_attempt(status: &TrialStatus) -> u32 {
    status.attempts.last().map_or(1, |last| if status.phase.has_ended() { last.number } else { last.number + 1 })
}

/// When the next attempt of a trial may begin whose last one has ended.
pub(crate) fn retry_at(spec: &TrialSpec, status: &TrialStatus) -> Option<Millis> {
    let last = status.attempts.last()?;
    let ended = last.end_time.as_ref().map_or(Millis(0), |time| millis(time.0));
    Some(next_attempt_at(spec, last.number, ended, &past_attempts(status, last.number + 1), last.outcome))
}

/// What the attempts before `number` come to. Only the latest are listed; all that failed are counted.
fn past_attempts(status: &TrialStatus, number: u32) -> PastAttempts {
    let before = number.saturating_sub(1);
    let listed = status.attempts.iter().filter(|attempt| attempt.outcome == AttemptOutcome::Disrupted).count();
    let disrupted = status.disruptions.max(u32::try_from(listed).unwrap_or(u32::MAX)).min(before);
    let of_listed = PastAttempts::of(status.attempts.iter().map(|attempt| PastAttempt {
        outcome: attempt.outcome,
        has_trained: attempt.start_time.is_some(),
        step: attempt.step,
        restore_at_most: attempt.restore_at_most,
    }));
    PastAttempts { failed: before - disrupted, ..of_listed }
}

fn sight(
    memory: &mut TrialMemory,
    number: u32,
    uid: &str,
    cached: Option<Arc<Job>>,
    status: &TrialStatus,
    now: Timestamp,
) -> JobSight {
    match cached {
        Some(job) if is_controlled_by(job.as_ref(), uid) => {
            memory.seen_job = Some(number);
            JobSight::There(job)
        }
        Some(job) => JobSight::NotOurs {
            is_passing: job.metadata.deletion_timestamp.is_some()
                || controller_of(job.as_ref()).is_some_and(|owner| owner.kind == Trial::kind(&())),
        },
        None if memory.seen_job == Some(number) => JobSight::Gone,
        None => match memory.made {
            Some((made, at)) if made == number && now.duration_since(at) < CACHE_PATIENCE => JobSight::Awaited,
            // This process hasn't made it, but the status says that it ran.
            None if status.attempt == Some(number) => JobSight::Gone,
            _ => JobSight::None,
        },
    }
}

fn without_job(trial: &Trial, state: &HostState) -> Vec<HostView> {
    let host = HostView {
        state: state.clone(),
        started: None,
        agent: AgentState::Unknown,
        is_live: false,
        is_open: false,
        exit_code: None,
        printed: None,
        image: None,
        node: None,
    };
    (0..trial.spec.hosts).map(|_| host.clone()).collect()
}

/// Whether a pod of an earlier attempt may still write where the next attempt will.
fn lingers(pod: &Pod, trial: &str, number: u32, now: Timestamp) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default();
    let overdue = |due: Timestamp| now.duration_since(due) > DELETION_PATIENCE;
    !matches!(phase, "Succeeded" | "Failed")
        && pod.metadata.deletion_timestamp.as_ref().is_none_or(|due| !overdue(due.0))
        && controller_of(pod).is_some_and(|owner| (1..number).any(|n| owner.name == jobs::name(trial, n)))
}

impl ObservedTrial {
    /// Whether every line of the hosts that have ended has arrived, as far as can be known: their agents said so, or
    /// can't say so any more.
    pub(super) fn is_drained(&self, said: impl Fn(u32) -> bool, now: Timestamp) -> bool {
        self.drain_due(said).is_none_or(|due| due <= now)
    }

    /// When the last host that has ended will be taken for drained; nothing when all are.
    pub(super) fn drain_due(&self, said: impl Fn(u32) -> bool) -> Option<Timestamp> {
        (0_u32..)
            .zip(self.hosts.iter().zip(&self.ended))
            .filter(|(index, _)| !said(*index))
            .filter_map(|(_, (host, ended))| {
                let patience = match host.agent {
                    AgentState::Drained => return None,
                    AgentState::Sends => self.patience,
                    AgentState::Cut | AgentState::Gone | AgentState::Unknown => DRAIN_PATIENCE_WITHOUT_POD,
                };
                (*ended)?.checked_add(patience).ok()
            })
            .max()
    }

    /// What became of each host. One that left with exit code 0, but whose last lines were lost on the way, counts as
    /// lost: a result from half of the evaluations would be a wrong one.
    pub(super) fn states(
        &self,
        said: impl Fn(u32) -> bool,
        is_done: impl Fn(u32) -> bool,
        now: Timestamp,
    ) -> Vec<HostState> {
        let is_overdue = |ended: &Option<Timestamp>| ended.is_some_and(|at| now.duration_since(at) >= self.patience);
        (0_u32..)
            .zip(self.hosts.iter().zip(&self.ended))
            .map(|(index, (host, ended))| match host.state {
                HostState::Exited { code: 0, .. }
                    if (matches!(host.agent, AgentState::Cut | AgentState::Gone)
                        || (host.agent == AgentState::Sends && is_overdue(ended)))
                        && !said(index)
                        && !is_done(index) =>
                {
                    HostState::Lost {
                        reason: "its trainer has ended, but its agent could not reach the operator with its last \
                                 measurements"
                            .to_owned(),
                    }
                }
                ref state => state.clone(),
            })
            .collect()
    }

    /// Whether a trainer of this trial's study has run: its template is good then.
    pub(super) fn template_has_run(&self, trial: &Identified<Trial>, context: &TrialReconciler) -> bool {
        let has_run = |status: &TrialStatus| status.start_time.is_some();
        let names = || context.caches.trials_of.names(&trial.id.namespace, &trial.spec.study);
        let of = |name: &String| Caches::get(&context.caches.trials, &trial.id.namespace, name);
        let waits = self.hosts.iter().any(|host| matches!(host.state, HostState::Waiting { reason: Some(_) }));
        // Only asked where it matters: it looks at all trials of the study.
        waits
            && (self.started().is_some()
                || has_run(&self.status)
                || names().iter().filter_map(of).any(|trial| trial.status.as_ref().is_some_and(has_run)))
    }

    /// What an attempt says that failed before the trial wrote a line of metrics.
    pub(super) fn silent_failure(&self, progress: &Progress) -> Option<String> {
        let mut exits = self.hosts.iter().filter_map(|host| match host.state {
            HostState::Exited { code, .. } if code != 0 => Some((code, host.printed.as_deref()?)),
            _ => None,
        });
        let (code, printed) = exits.next().filter(|_| progress.is_blank())?;
        silent_failure(code, printed)
    }

    /// Why the attempt can't start, in the words of what holds it up.
    pub(super) fn waits_for(&self) -> Option<&str> {
        self.hosts.iter().find_map(|host| match &host.state {
            HostState::Waiting { reason: Some(reason) } => Some(reason.as_str()),
            _ => None,
        })
    }

    /// Since when the attempt has been training.
    pub(super) fn started(&self) -> Option<Timestamp> {
        self.hosts.iter().filter_map(|host| host.started).min()
    }

    /// When the current attempt's Job was made.
    pub(super) fn job_made(&self) -> Option<Timestamp> {
        match &self.job {
            JobSight::There(job) => job.metadata.creation_timestamp.as_ref().map(|time| time.0),
            _ => None,
        }
    }
}
