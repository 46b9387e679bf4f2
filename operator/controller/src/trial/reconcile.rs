//! One look at a trial: observe, judge, apply, status.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kube::{Resource, ResourceExt, runtime::controller::Action};
use studious_api::{
    Trial, TrialStatus,
    trial::{AttemptOutcome, TrialPhase},
};
use studious_ledger::LedgerError;
use studious_playbook::{
    Millis,
    decide::{AttemptView, HostState, Progress, TrialEnd, Verdict, judge},
    trial::Reason,
};

use super::{
    apply::{self, ApplyError},
    hosts, jobs,
    observe::{JobSight, Observed, observe, retry_at},
    remember,
    status::{self, StatusError},
};
use crate::{
    caches::{Caches, controller_of, is_controlled_by},
    context::Context,
    fault::{Category, Fault, backoff},
    status::{Written, millis, now},
};

/// How long one look may take: a connection that died silently must not hold an object for minutes.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a trial that succeeded may keep its processes: agents drain meanwhile.
const AFTERLIFE: SignedDuration = SignedDuration::from_secs(60);

/// Why a reconcile failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// The ledger can't be read.
    #[error("what trial {name} has measured can't be read: {source}")]
    Ledger {
        /// Its name.
        name: String,
        /// What the ledger says.
        source: LedgerError,
    },
    /// A Job was not made or not deleted.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The status was not written.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// The API server doesn't answer.
    #[error("trial {name} was not done with in {} s: the API server doesn't answer", LIMIT.as_secs())]
    TooLong {
        /// Its name.
        name: String,
    },
}

impl Fault for ReconcileError {
    fn category(&self) -> Category {
        match self {
            Self::Ledger { source, .. } if source.is_transient() => Category::Transient,
            Self::Ledger { .. } => Category::Standing,
            Self::Apply(error) => error.category(),
            Self::Status(error) => error.category(),
            Self::TooLong { .. } => Category::Transient,
        }
    }
}

/// Looks at a trial and does what is to be done.
pub(crate) async fn reconcile(trial: Arc<Trial>, context: Arc<Context>) -> Result<Action, ReconcileError> {
    let begun = std::time::Instant::now();
    let too_long = |_| Err(ReconcileError::TooLong { name: trial.name_any() });
    let result = tokio::time::timeout(LIMIT, look(&trial, &context, now())).await.unwrap_or_else(too_long);
    let word = if result.is_ok() { "ok" } else { "error" };
    context.metrics.reconciled("trial", word, begun.elapsed());
    if result.is_ok() {
        context.failures.forget(&trial.uid().unwrap_or_default());
    }
    result
}

/// When a failed reconcile is tried again.
#[allow(clippy::needless_pass_by_value)] // kube's signature.
pub(crate) fn error_policy(trial: Arc<Trial>, error: &ReconcileError, context: Arc<Context>) -> Action {
    let failures = context.failures.with(&trial.uid().unwrap_or_default(), |n| {
        *n = n.saturating_add(1);
        *n
    });
    let wait = backoff(error.category(), failures, &mut rand::rng());
    let (namespace, name) = (trial.namespace().unwrap_or_default(), trial.name_any());
    match error.category() {
        Category::Transient if failures < 5 => tracing::info!(%namespace, %name, %error, ?wait, "will try again"),
        _ => tracing::warn!(%namespace, %name, %error, failures, ?wait, "will try again"),
    }
    Action::requeue(wait)
}

/// One look at a moment.
async fn look(trial: &Trial, context: &Arc<Context>, now: Timestamp) -> Result<Action, ReconcileError> {
    if trial.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let uid = trial.uid().unwrap_or_default();
    let seen = observe(trial, context, now);
    if seen.status.phase.has_ended() {
        return tidy(trial, context, &seen, now).await;
    }
    if matches!(seen.job, JobSight::NotOurs) {
        // A trial of the same name was deleted; its Job follows it soon.
        return Ok(Action::requeue(Duration::from_secs(1)));
    }
    if let Some(wait) = retry_wait(trial, &seen, now) {
        clear(trial, context, &seen).await?;
        return Ok(Action::requeue(wait));
    }

    let entry = context.live.entry(&uid);
    let mut live = entry.lock().await;
    let ledger_error = |source| ReconcileError::Ledger { name: trial.name_any(), source };
    let progress = live.acknowledged(&context.ledger, &uid, &trial.spec).await.map_err(ledger_error)?.clone();
    let said: BTreeSet<u32> = (0..trial.spec.hosts).filter(|host| live.is_drained(seen.number, *host)).collect();
    // Nothing more is read of it, and ingest need not wait for the API server.
    drop(live);
    let states = seen.states(|host| said.contains(&host), |host| progress.done.contains_key(&(seen.number, host)));
    let verdict = judge(&AttemptView {
        spec: &trial.spec,
        number: seen.number,
        failed_before: seen.failed_before,
        disrupted_before: seen.disrupted_before,
        hosts: &states,
        progress: &progress,
        drained: seen.is_drained(|host| said.contains(&host), now),
        running_for: seen.started().map_or(Millis(0), |at| Millis(millis(now).0.saturating_sub(millis(at).0))),
    });

    match verdict {
        Verdict::End(end) => finish(trial, context, &seen, &progress, &end, now).await,
        Verdict::Retry { outcome, message } => retry(trial, context, &seen, &progress, (outcome, message), now).await,
        Verdict::Continue => {
            if matches!(seen.job, JobSight::None) {
                begin(trial, context, &seen, &progress, now).await
            } else {
                go_on(trial, context, &seen, &progress, &said, now).await
            }
        }
    }
}

/// How long a trial that waits for another attempt has to wait: until it is due, and until the processes of the attempt
/// before are gone, for they would write where the next one writes.
fn retry_wait(trial: &Trial, seen: &Observed, now: Timestamp) -> Option<Duration> {
    let due = retry_at(&trial.spec, &seen.status)?;
    let left = due.0.saturating_sub(millis(now).0);
    let pending = matches!(seen.job, JobSight::None);
    if pending && left > 0 {
        return Some(Duration::from_millis(left));
    }
    (pending && !seen.lingering.is_empty()).then_some(Duration::from_secs(1))
}

/// Deletes Jobs of earlier attempts whose pods linger.
async fn clear(trial: &Trial, context: &Arc<Context>, seen: &Observed) -> Result<(), ReconcileError> {
    let namespace = trial.namespace().unwrap_or_default();
    let uid = trial.uid().unwrap_or_default();
    let names: BTreeSet<&str> =
        seen.lingering.iter().filter_map(|pod| Some(controller_of(pod.as_ref())?.name.as_str())).collect();
    for name in names {
        let job = Caches::get(&context.caches.jobs, &namespace, name);
        if job.is_some_and(|job| job.metadata.deletion_timestamp.is_none() && is_controlled_by(job.as_ref(), &uid)) {
            delete(trial, context, name).await?;
        }
    }
    Ok(())
}

/// Begins the current attempt.
async fn begin(
    trial: &Trial,
    context: &Arc<Context>,
    seen: &Observed,
    progress: &Progress,
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let uid = trial.uid().unwrap_or_default();
    // Lines of this attempt without a Job of it: it ran, and its Job was deleted while nobody looked. The same attempt
    // must not run twice, for its lines are counted.
    let lines = context.ledger.next_line(&uid, seen.number, 0).await;
    if lines.map_err(|source| ReconcileError::Ledger { name: trial.name_any(), source })? > 0 {
        let why = (AttemptOutcome::Disrupted, "its Job was deleted".to_owned());
        return retry(trial, context, seen, progress, why, now).await;
    }
    let job = match jobs::build(trial, seen.number, &context.agent) {
        Ok(job) => job,
        Err(error) => {
            let end = TrialEnd {
                phase: TrialPhase::Failed,
                reason: Some(Reason::CannotStart),
                message: error.to_string(),
                objective: None,
            };
            return finish(trial, context, seen, progress, &end, now).await;
        }
    };
    apply::make(&context.client, &job).await?;
    remember(context, &uid, |memory| memory.made = Some((seen.number, now)));
    tracing::info!(
        namespace = trial.namespace().unwrap_or_default(),
        trial = trial.name_any(),
        attempt = seen.number,
        "made the Job"
    );
    Ok(Action::requeue(duration(status::FIRST_WORD)))
}

/// Says how far a trial is, if that is worth a write, and comes back when something may be due.
async fn go_on(
    trial: &Trial,
    context: &Arc<Context>,
    seen: &Observed,
    progress: &Progress,
    said: &BTreeSet<u32>,
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let uid = trial.uid().unwrap_or_default();
    let next = status::under_way(trial, seen, progress);
    let written_at = remember(context, &uid, |memory| memory.written_at);
    let mut waits = vec![status::PROGRESS];
    match status::is_due(&seen.status, &next, seen.job_made(), written_at, now) {
        Ok(()) => put(trial, context, next, now).await?,
        Err(wait) => waits.extend(wait),
    }
    let timeout = trial.spec.timeout_seconds.and_then(|limit| i64::try_from(limit).ok());
    if let (Some(started), Some(limit)) = (seen.started(), timeout) {
        waits.push(SignedDuration::from_secs(limit) - now.duration_since(started));
    }
    waits.extend(seen.drain_due(|host| said.contains(&host)).map(|due| due.duration_since(now)));
    let waiting = seen.hosts.iter().any(|host| matches!(host.state, HostState::Waiting { reason: Some(_) }));
    if waiting {
        // What the kubelet says of an image doesn't change when patience with it ends.
        waits.push(SignedDuration::from_secs(30));
    }
    // A little later than due, so that it is due then.
    let wait = waits.into_iter().min().unwrap_or(status::PROGRESS) + SignedDuration::from_millis(20);
    Ok(Action::requeue(duration(wait)))
}

/// Ends a trial.
async fn finish(
    trial: &Trial,
    context: &Arc<Context>,
    seen: &Observed,
    progress: &Progress,
    end: &TrialEnd,
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let next = status::ended(trial, seen, progress, end, now);
    put(trial, context, next, now).await?;
    context.live.forget(&trial.uid().unwrap_or_default());
    let reason = end.reason.as_ref().map_or("", Reason::as_str);
    tracing::info!(
        namespace = trial.namespace().unwrap_or_default(),
        trial = trial.name_any(),
        attempt = seen.number,
        phase = ?end.phase,
        reason,
        message = end.message,
        "the trial has ended"
    );
    let about = trial.object_ref(&());
    match end.phase {
        TrialPhase::Infeasible => context.events.normal(&about, "Judge", reason, &end.message).await,
        TrialPhase::Failed => context.events.warning(&about, "Judge", reason, &end.message).await,
        _ => {}
    }
    // The next look tidies up.
    tidy(trial, context, &observe(trial, context, now), now).await
}

/// Ends an attempt which another follows.
async fn retry(
    trial: &Trial,
    context: &Arc<Context>,
    seen: &Observed,
    progress: &Progress,
    (outcome, message): (AttemptOutcome, String),
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let next = status::retrying(trial, seen, progress, (outcome, &message), now);
    put(trial, context, next, now).await?;
    tracing::info!(
        namespace = trial.namespace().unwrap_or_default(),
        trial = trial.name_any(),
        attempt = seen.number,
        ?outcome,
        message,
        "another attempt follows"
    );
    context.events.warning(&trial.object_ref(&()), "Retry", "AttemptEnded", &message).await;
    // Hosts restart together: those that still run are stopped.
    if seen.hosts.iter().any(|host| host.is_live) {
        delete(trial, context, &jobs::name(&trial.name_any(), seen.number)).await?;
    }
    let seen = observe(trial, context, now);
    Ok(Action::requeue(retry_wait(trial, &seen, now).unwrap_or_default()))
}

/// What is left to do for a trial that has ended: its processes must not outlive it.
async fn tidy(
    trial: &Trial,
    context: &Arc<Context>,
    seen: &Observed,
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let namespace = trial.namespace().unwrap_or_default();
    let uid = trial.uid().unwrap_or_default();
    let name = jobs::name(&trial.name_any(), seen.number);
    let job = Caches::get(&context.caches.jobs, &namespace, &name);
    let Some(job) = job.filter(|job| is_controlled_by(job.as_ref(), &uid)) else {
        return Ok(Action::await_change());
    };
    let job_uid = job.uid().unwrap_or_default();
    let pods = context.caches.pods_of(&namespace, &trial.name_any());
    let pods: Vec<_> = pods.into_iter().filter(|pod| is_controlled_by(pod.as_ref(), &job_uid)).collect();
    let views = hosts::views(trial.spec.hosts, Some(&job), &pods, |_| false, now);
    tell_exit(trial, context, &seen.status, &views).await;

    if job.metadata.deletion_timestamp.is_some() || !views.iter().any(|view| view.is_open) {
        return Ok(Action::await_change());
    }
    // A Job that has run its course is kept with its pods for a while: their logs tell what went wrong.
    let trains = views.iter().any(|view| view.is_open && view.is_live);
    let ended = seen.status.completion_time.as_ref().map_or(now, |time| time.0);
    let left = AFTERLIFE - now.duration_since(ended);
    if left.is_positive() && (!trains || seen.status.phase == TrialPhase::Succeeded) {
        return Ok(Action::requeue(duration(left)));
    }
    delete(trial, context, &name).await?;
    Ok(Action::await_change())
}

/// A trainer that said `done` and then left with an exit code: the result counts, and somebody should know.
async fn tell_exit(trial: &Trial, context: &Arc<Context>, status: &TrialStatus, views: &[hosts::HostView]) {
    let code = views.iter().enumerate().find_map(|(host, view)| Some((host, view.exit_code.filter(|c| *c != 0)?)));
    let (TrialPhase::Succeeded, Some((host, code))) = (status.phase, code) else { return };
    let uid = trial.uid().unwrap_or_default();
    if remember(context, &uid, |memory| std::mem::replace(&mut memory.told_exit, true)) {
        return;
    }
    let note = format!("host {host} said done and then left with exit code {code}; its result counts");
    context.events.warning(&trial.object_ref(&()), "Judge", "ExitContradictsDone", &note).await;
}

/// Deletes a Job, once.
async fn delete(trial: &Trial, context: &Arc<Context>, name: &str) -> Result<(), ApplyError> {
    let uid = trial.uid().unwrap_or_default();
    if remember(context, &uid, |memory| memory.deleted.contains(name)) {
        return Ok(());
    }
    apply::delete(&context.client, trial, name).await?;
    remember(context, &uid, |memory| memory.deleted.insert(name.to_owned()));
    Ok(())
}

/// Writes a status and remembers it.
async fn put(trial: &Trial, context: &Arc<Context>, status: TrialStatus, now: Timestamp) -> Result<(), ReconcileError> {
    let version = status::write(&context.client, trial, &status).await?;
    remember(context, &trial.uid().unwrap_or_default(), |memory| {
        memory.written = Some(Written { version, status });
        memory.written_at = Some(now);
    });
    Ok(())
}

fn duration(wait: SignedDuration) -> Duration {
    Duration::try_from(wait).unwrap_or_default()
}
