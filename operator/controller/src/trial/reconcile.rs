//! One look at a trial: observe, judge, apply, status.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{
    Resource, ResourceExt,
    runtime::{controller::Action, reflector::ObjectRef},
};
use studious_api::{
    TRAINER_GRACE_SECONDS, Trial, TrialStatus,
    trial::{AttemptOutcome, TrialPhase},
};
use studious_ledger::LedgerError;
use studious_playbook::{
    Millis,
    decide::{AttemptView, HostState, LATE_LINES, Progress, TrialEnd, Verdict, judge},
    trial::Reason,
};

use super::{
    TrialReconciler, apply, hosts, jobs,
    observe::{JobSight, ObservedTrial, observe, retry_at},
    report::{self, AttemptEnd},
};
use crate::{
    caches::Caches,
    context::Context,
    events,
    fault::{Category, Fault},
    object::{Identified, controller_of, is_controlled_by},
    reconcile::{ReconcileError, Reconciler},
    status::{self, STALLED, is_stalled, millis},
};

/// When a trial is looked at again while the ledger can't be written, if it isn't reported writable before.
const LEDGER_AGAIN: Duration = Duration::from_secs(30);
/// How long the Job controller may take to make pods before its Events are asked why it doesn't.
const POD_PATIENCE: SignedDuration = SignedDuration::from_secs(5);
/// How often they are asked.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(30);
/// How long a trial that succeeded may keep its processes: agents drain meanwhile.
const AFTERLIFE: SignedDuration = SignedDuration::from_secs(60);
/// How long trainers of an attempt that is over may take to end while their pods stay, for their logs. Then the pods
/// are deleted: whatever ignores SIGTERM must not hold its accelerator.
const STOPPING: SignedDuration = SignedDuration::from_secs(TRAINER_GRACE_SECONDS as i64);

impl Reconciler for TrialReconciler {
    type Object = Trial;

    const KIND: &'static str = "trial";
    const LIMIT: Duration = Duration::from_secs(30);

    fn context(&self) -> &Context {
        &self.context
    }

    async fn look(self: &Arc<Self>, trial: &Identified<Trial>, now: Timestamp) -> Result<Action, ReconcileError> {
        look(trial, self, now).await
    }
}

/// One look at a moment.
async fn look(trial: &Identified<Trial>, context: &TrialReconciler, now: Timestamp) -> Result<Action, ReconcileError> {
    if trial.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let uid = &trial.id.uid;
    let seen = observe(trial, context, now);
    if seen.status.phase.has_ended() {
        // A push that met its end may have made an entry.
        context.live.forget(&trial.id.uid);
        return tidy(trial, context, &seen, now).await;
    }
    if !context.ledger.health().is_working() && trial.spec.stop.is_none() {
        // What its trainer wrote last can't be taken in: nothing is lost yet, and nothing is begun. It is looked at again
        // as soon as the ledger works.
        return Ok(Action::requeue(LEDGER_AGAIN));
    }
    if let JobSight::NotOurs { is_passing: true } = seen.job {
        // A trial of the same name was deleted; its Job follows it soon.
        return Ok(Action::requeue(Duration::from_secs(1)));
    }
    if let Some(wait) = retry_wait(trial, &seen, now) {
        clear(trial, context, &seen, now).await?;
        return Ok(Action::requeue(wait));
    }

    let entry = context.live.entry(uid);
    let mut live = entry.lock().await;
    let ledger_error = |source| unreadable(trial, source);
    let progress = live.acknowledged(&context.ledger, uid, &trial.spec).await.map_err(ledger_error)?.clone();
    let said: BTreeSet<u32> = (0..trial.spec.hosts).filter(|host| live.is_drained(seen.number, *host)).collect();
    // Nothing more is read of it, and ingest need not wait for the API server.
    drop(live);
    let states = seen.states(|host| said.contains(&host), |host| progress.done.contains_key(&(seen.number, host)), now);
    let verdict = judge(&AttemptView {
        spec: &trial.spec,
        number: seen.number,
        past: seen.past,
        template_has_run: seen.template_has_run(trial, context),
        hosts: &states,
        progress: &progress,
        drained: seen.is_drained(|host| said.contains(&host), now),
        running_for: seen.started().map_or(Millis(0), |at| Millis(millis(now).0.saturating_sub(millis(at).0))),
    });

    match verdict {
        Verdict::End(end) => finish(trial, context, &seen, &progress, &end, now).await,
        Verdict::Retry { outcome, ref message, restore_at_most } => {
            let end = AttemptEnd { outcome, message, restore_at_most };
            retry(trial, context, &seen, &progress, end, now).await
        }
        Verdict::Continue => {
            if matches!(seen.job, JobSight::None | JobSight::NotOurs { .. }) {
                begin(trial, context, &seen, &progress, now).await
            } else {
                go_on(trial, context, &seen, &progress, &said, now).await
            }
        }
    }
}

/// How long a trial that waits for another attempt has to wait: until it is due, and until the processes of the attempt
/// before are gone, for they would write where the next one writes.
fn retry_wait(trial: &Identified<Trial>, seen: &ObservedTrial, now: Timestamp) -> Option<Duration> {
    let due = retry_at(&trial.spec, &seen.status)?;
    let left = due.0.saturating_sub(millis(now).0);
    let pending = matches!(seen.job, JobSight::None);
    if pending && left > 0 {
        // Trainers that ignore SIGTERM are not left until then.
        let stopping = stopping_left(&seen.status, now).filter(|_| !seen.lingering.is_empty()).map(duration);
        return Some(stopping.unwrap_or(Duration::MAX).min(Duration::from_millis(left)));
    }
    (pending && !seen.lingering.is_empty()).then_some(Duration::from_secs(1))
}

/// How long the trainers of the last attempt may still take to end while their pods stay: of an attempt that failed or was sent
/// back. Its pods tell why; those of a lost attempt do not, and may be on a node that never ends them.
fn stopping_left(status: &TrialStatus, now: Timestamp) -> Option<SignedDuration> {
    let last = status.attempts.last()?;
    let is_lost = last.outcome == AttemptOutcome::Disrupted && last.restore_at_most.is_none();
    let left = STOPPING - now.duration_since(last.end_time.as_ref()?.0);
    (!is_lost && left.is_positive()).then_some(left)
}

/// Ends what still runs of an attempt that is over. Where that tells something, its pods stay with their logs.
async fn release(
    trial: &Identified<Trial>,
    context: &TrialReconciler,
    status: &TrialStatus,
    job: &str,
    now: Timestamp,
) -> Result<(), ReconcileError> {
    let is_last = status.attempts.last().is_some_and(|last| jobs::name(&trial.id.name, last.number) == job);
    if is_last && stopping_left(status, now).is_some() {
        let pods = context.caches.pods_of(&trial.id.namespace, &trial.id.name);
        let of_job = |pod: &Arc<Pod>| controller_of(pod.as_ref()).is_some_and(|owner| owner.name == job);
        let pods: Vec<_> = pods.into_iter().filter(of_job).collect();
        if apply::stop(context, trial, &pods).await? {
            return Ok(());
        }
    }
    Ok(apply::delete(context, trial, job).await?)
}

/// Ends what lingers of earlier attempts.
async fn clear(
    trial: &Identified<Trial>,
    context: &TrialReconciler,
    seen: &ObservedTrial,
    now: Timestamp,
) -> Result<(), ReconcileError> {
    let namespace = &trial.id.namespace;
    let uid = &trial.id.uid;
    let names: BTreeSet<&str> =
        seen.lingering.iter().filter_map(|pod| Some(controller_of(pod.as_ref())?.name.as_str())).collect();
    for name in names {
        let job = Caches::get(&context.caches.jobs, namespace, name);
        if job.is_some_and(|job| job.metadata.deletion_timestamp.is_none() && is_controlled_by(job.as_ref(), uid)) {
            release(trial, context, &seen.status, name, now).await?;
        }
    }
    Ok(())
}

/// Begins the current attempt.
async fn begin(
    trial: &Identified<Trial>,
    context: &TrialReconciler,
    seen: &ObservedTrial,
    progress: &Progress,
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let uid = &trial.id.uid;
    // Lines of this attempt without a Job of it: it ran, and its Job was deleted unseen. The same attempt
    // must not run twice, for its lines are counted.
    let cursors = context.ledger.cursors(uid).await.map_err(|source| unreadable(trial, source))?;
    if cursors.iter().any(|((attempt, _), cursor)| *attempt == seen.number && cursor.next_line > 0) {
        let outcome = AttemptOutcome::Disrupted;
        let end = AttemptEnd { outcome, message: "its Job was deleted", restore_at_most: None };
        return retry(trial, context, seen, progress, end, now).await;
    }
    let job = match jobs::build(trial, (seen.number, seen.past.restore_at_most), &context.agent) {
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
    if let Err(error) = apply::make(context, trial, &job).await {
        if error.category() == Category::Standing {
            let next = report::not_made(trial, seen, &error, now);
            stall(trial, context, seen, next, now).await?;
        }
        return Err(error.into());
    }
    context.memories.with(uid, |memory| memory.made = Some((seen.number, now)));
    tracing::info!(namespace = trial.id.namespace, trial = trial.id.name, attempt = seen.number, "made the Job");
    Ok(Action::requeue(duration(report::FIRST_WORD)))
}

/// Says how far a trial is, if that is worth a write, and comes back when something may be due.
async fn go_on(
    trial: &Identified<Trial>,
    context: &TrialReconciler,
    seen: &ObservedTrial,
    progress: &Progress,
    said: &BTreeSet<u32>,
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let uid = &trial.id.uid;
    let refused = refused_pods(trial, context, seen, now).await;
    let next = report::under_way(trial, seen, progress, refused.as_deref(), now);
    if context.caches.under_way.note(trial.shared(), &next) {
        // The study counts it.
        context.caches.study_queue.push(ObjectRef::new(&trial.spec.study).within(&trial.id.namespace));
    }
    let written_at = context.memories.with(uid, |memory| memory.written.as_ref().map(|written| written.at));
    let mut waits = vec![report::PROGRESS];
    match report::is_due(&seen.status, &next, (seen.job_made(), seen.started()), written_at, now) {
        Ok(()) => stall(trial, context, seen, next, now).await?,
        Err(wait) => waits.extend(wait),
    }
    let timeout = trial.spec.timeout_seconds.and_then(|limit| i64::try_from(limit).ok());
    if let (Some(started), Some(limit)) = (seen.started(), timeout) {
        waits.push(SignedDuration::from_secs(limit) - now.duration_since(started));
    }
    waits.extend(seen.drain_due(|host| said.contains(&host)).map(|due| due.duration_since(now)));
    // An attempt that continued from a checkpoint is judged again once it is known what of earlier ones was lost.
    let lines = SignedDuration::from_millis(i64::try_from(LATE_LINES.0).unwrap_or(i64::MAX));
    let late = seen.started().filter(|_| seen.number > 1).map(|started| lines - now.duration_since(started));
    waits.extend(late.filter(SignedDuration::is_positive));
    if seen.waits_for().is_some() {
        // What the kubelet says about an image doesn't change when patience with it ends.
        waits.push(SignedDuration::from_secs(30));
    }
    waits.extend(is_without_pods(seen).map(|made| {
        let age = now.duration_since(made);
        if age < POD_PATIENCE { POD_PATIENCE - age } else { ASK_AGAIN }
    }));
    // A little later than due, so that it is due then.
    let wait = waits.into_iter().min().unwrap_or(report::PROGRESS) + SignedDuration::from_millis(20);
    Ok(Action::requeue(duration(wait)))
}

/// When the Job was made, of an attempt of which a pod is missing.
fn is_without_pods(seen: &ObservedTrial) -> Option<Timestamp> {
    let missing = seen.hosts.iter().any(|host| host.state == HostState::Waiting { reason: None } && !host.is_live);
    seen.job_made().filter(|_| missing)
}

/// Why the Job controller makes no pods: quota, Pod Security, a service account that isn't there. Only its Events
/// says that. A Job that has its pods soon isn't asked about.
async fn refused_pods(
    trial: &Identified<Trial>,
    context: &TrialReconciler,
    seen: &ObservedTrial,
    now: Timestamp,
) -> Option<String> {
    let made = is_without_pods(seen)?;
    if now.duration_since(made) < POD_PATIENCE {
        return None;
    }
    let known = context.memories.with(&trial.id.uid, |memory| memory.refused_pods.clone());
    if let Some((asked, why)) = known
        && now.duration_since(asked) < ASK_AGAIN
    {
        return why;
    }
    let job = jobs::name(&trial.id.name, seen.number);
    let why = match events::latest_warning(&context.client, &trial.id.namespace, &job, "FailedCreate").await {
        Ok(note) => note.map(|note| format!("PodsRefused: {note}")),
        Err(error) => {
            tracing::info!(namespace = trial.id.namespace, job, %error, "the Events of the Job can't be read");
            None
        }
    };
    context.memories.with(&trial.id.uid, |memory| memory.refused_pods = Some((now, why.clone())));
    why
}

/// Writes a status, with an Event when the trial has stalled.
async fn stall(
    trial: &Identified<Trial>,
    context: &TrialReconciler,
    seen: &ObservedTrial,
    next: TrialStatus,
    now: Timestamp,
) -> Result<(), ReconcileError> {
    let before = is_stalled(&seen.status.conditions).map(|condition| condition.reason.clone());
    let news = is_stalled(&next.conditions).filter(|condition| before.as_ref() != Some(&condition.reason)).cloned();
    if next.reason != seen.status.reason || next != seen.status {
        put(trial, context, next, now).await?;
    }
    if let Some(Condition { reason, message, .. }) = news {
        let note = format!("{reason}: {message}");
        context.events.warning(&trial.object_ref(&()), "Start", STALLED, &note).await;
    }
    Ok(())
}

/// Ends a trial.
async fn finish(
    trial: &Identified<Trial>,
    context: &TrialReconciler,
    seen: &ObservedTrial,
    progress: &Progress,
    end: &TrialEnd,
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let next = report::ended(trial, seen, progress, end, now);
    put(trial, context, next, now).await?;
    context.live.forget(&trial.id.uid);
    context.caches.under_way.forget(&trial.id.uid);
    let reason = end.reason.as_ref().map_or("", Reason::as_str);
    tracing::info!(
        namespace = trial.id.namespace,
        trial = trial.id.name,
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
    trial: &Identified<Trial>,
    context: &TrialReconciler,
    seen: &ObservedTrial,
    progress: &Progress,
    end: AttemptEnd<'_>,
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let AttemptEnd { outcome, message, .. } = end;
    let next = report::retrying(trial, seen, progress, &end, now);
    put(trial, context, next, now).await?;
    tracing::info!(
        namespace = trial.id.namespace,
        trial = trial.id.name,
        attempt = seen.number,
        ?outcome,
        message,
        "another attempt follows"
    );
    context.events.warning(&trial.object_ref(&()), "Retry", "AttemptEnded", message).await;
    // Hosts restart together: those that still run are stopped.
    let job = seen.hosts.iter().any(|host| host.is_live).then(|| jobs::name(&trial.id.name, seen.number));
    let seen = observe(trial, context, now);
    if let Some(job) = job {
        release(trial, context, &seen.status, &job, now).await?;
    }
    Ok(Action::requeue(retry_wait(trial, &seen, now).unwrap_or_default()))
}

/// What is left to do for a trial that has ended: its processes must not outlive it.
async fn tidy(
    trial: &Identified<Trial>,
    context: &TrialReconciler,
    seen: &ObservedTrial,
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let namespace = &trial.id.namespace;
    let uid = &trial.id.uid;
    let name = jobs::name(&trial.id.name, seen.number);
    let job = Caches::get(&context.caches.jobs, namespace, &name);
    let Some(job) = job.filter(|job| is_controlled_by(job.as_ref(), uid)) else {
        return Ok(Action::await_change());
    };
    let job_uid = job.uid().unwrap_or_default();
    let pods = context.caches.pods_of(namespace, &trial.id.name);
    let pods: Vec<_> = pods.into_iter().filter(|pod| is_controlled_by(pod.as_ref(), &job_uid)).collect();
    let views = hosts::views(&trial.spec, Some(&job), &pods, |_| false, now);
    tell_exit(trial, context, &seen.status, &views).await;

    if job.metadata.deletion_timestamp.is_some() || !views.iter().any(|view| view.is_open) {
        return Ok(Action::await_change());
    }
    // A Job that has run its course is kept with its pods for a while: their logs tell what went wrong.
    let trains = views.iter().any(|view| view.is_open && view.is_live);
    let ended = seen.status.completion_time.as_ref().map_or(now, |time| time.0);
    let since = now.duration_since(ended);
    let left = AFTERLIFE - since;
    let succeeded = seen.status.phase == TrialPhase::Succeeded;
    if left.is_positive() && (!trains || succeeded) {
        return Ok(Action::requeue(duration(left)));
    }
    let stopping = STOPPING - since + if succeeded { AFTERLIFE } else { SignedDuration::ZERO };
    if trains && stopping.is_positive() && apply::stop(context, trial, &pods).await? {
        return Ok(Action::requeue(duration(stopping)));
    }
    apply::delete(context, trial, &name).await?;
    Ok(Action::await_change())
}

/// A trainer that said `done` and then left with an exit code: the result counts, and the user should know.
async fn tell_exit(
    trial: &Identified<Trial>,
    context: &TrialReconciler,
    status: &TrialStatus,
    views: &[hosts::HostView],
) {
    let code = views.iter().enumerate().find_map(|(host, view)| Some((host, view.exit_code.filter(|c| *c != 0)?)));
    let (TrialPhase::Succeeded, Some((host, code))) = (status.phase, code) else { return };
    let uid = &trial.id.uid;
    if context.memories.with(uid, |memory| std::mem::replace(&mut memory.told_exit, true)) {
        return;
    }
    let note = format!("host {host} said done and then left with exit code {code}; its result counts");
    context.events.warning(&trial.object_ref(&()), "Judge", "ExitContradictsDone", &note).await;
}

/// Writes a status and caches it.
async fn put(
    trial: &Identified<Trial>,
    context: &TrialReconciler,
    next: TrialStatus,
    now: Timestamp,
) -> Result<(), ReconcileError> {
    let before = context.memories.with(&trial.id.uid, |memory| memory.written.clone());
    let written = status::write(&context.client, trial, report::MANAGER, next, before.as_ref(), now).await?;
    context.memories.with(&trial.id.uid, |memory| memory.written = Some(written));
    Ok(())
}

fn unreadable(trial: &Identified<Trial>, source: LedgerError) -> ReconcileError {
    ReconcileError::Ledger { what: format!("what trial {} has measured can't be read", trial.id.name), source }
}

fn duration(wait: SignedDuration) -> Duration {
    Duration::try_from(wait).unwrap_or_default()
}
