//! One look at a study: observe, plan, apply, report.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::TryStreamExt;
use jiff::Timestamp;
use kube::{Resource, ResourceExt, runtime::controller::Action};
use studious_api::{Study, StudyStatus, study::StudyPhase, validate::Violation};
use studious_playbook::{
    Plan, PlannedTrial, findings,
    rounds::TooLate,
    search::Taken,
    study::{StopTrial, StudyEnd},
};

use super::{
    Checked, StudyReconciler, apply, early,
    findings::{announce, find},
    observe::{ObservedStudy, observe},
    plan::{self, NameClash, plan_of},
    points::{self, Taking},
    report::{self, Tally},
    suggest,
};
use crate::{
    context::Context,
    create::MakeError,
    object::Identified,
    reconcile::{ReconcileError, Reconciler},
    status,
};

/// When a study is looked at again that names one which isn't there.
const MISSING_STUDY: Duration = Duration::from_secs(30);
/// When a study is looked at again that waits for another one to end.
const OTHER_STUDY: Duration = Duration::from_secs(10);
/// When a study is looked at again of which trials were made that the cache doesn't show yet.
const CACHE_AGAIN: Duration = Duration::from_secs(21);
/// How many trials are made at once.
const AT_ONCE: usize = 16;

impl Reconciler for StudyReconciler {
    type Object = Study;

    const KIND: &'static str = "study";
    const LIMIT: Duration = Duration::from_mins(1);

    fn context(&self) -> &Context {
        &self.context
    }

    async fn look(self: &Arc<Self>, study: &Identified<Study>, now: Timestamp) -> Result<Action, ReconcileError> {
        look(study, self, now).await
    }
}

async fn look(
    study: &Identified<Study>,
    context: &Arc<StudyReconciler>,
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    if study.finalizers().iter().any(|finalizer| finalizer == apply::OLD_FINALIZER) {
        apply::drop_finalizer(&context.client, study).await?;
    }
    if study.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let seen = observe(study, context, now);
    let mut checked = plan_of(study, context);
    if let (Ok(plan), Some(from)) = (checked.as_ref(), &study.spec.search.points_from)
        && plan.awaits_points()
        && !study.spec.suspend
    {
        match points::take(study, context, from) {
            Ok(Taking::Taken(taken)) => {
                take_points(study, context, taken).await?;
                checked = plan_of(study, context);
            }
            Ok(Taking::Waits(why)) => {
                let next = report::waiting(study, plan, &seen, &why, now);
                put_if_due(study, context, &seen, next, now).await?;
                return Ok(Action::requeue(OTHER_STUDY));
            }
            Err(violations) => {
                // It may come yet.
                refuse(study, context, &seen, &violations, now).await?;
                return Ok(Action::requeue(MISSING_STUDY));
            }
        }
    }
    match checked.as_ref() {
        Ok(plan) => go_on(study, context, (&checked, plan), &seen, now).await,
        Err(violations) => refuse(study, context, &seen, violations, now).await,
    }
}

/// Plans, applies and reports, of a study that is accepted.
async fn go_on(
    study: &Identified<Study>,
    context: &Arc<StudyReconciler>,
    (checked, plan): (&Checked, &Plan),
    seen: &ObservedStudy,
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let next = plan::next(study, context, (checked, plan), seen, now).await;
    // Without the trials that were added too late, if any were.
    let (checked, late) = match next.settled {
        Some(settled) => (Arc::new(Ok(settled.plan)), settled.late),
        None => (checked.clone(), Vec::new()),
    };
    let Ok(plan) = checked.as_ref() else { return Ok(Action::await_change()) };
    if let Some(round) = next.began {
        tracing::info!(namespace = study.id.namespace, study = study.id.name, round, "the round begins");
    }
    match plan::name_clash(study, context, &next.create) {
        None => {}
        Some(NameClash::Passes(error)) => return Err(error),
        Some(NameClash::Stays(violation)) => {
            refuse(study, context, seen, &[violation], now).await?;
            return Ok(Action::requeue(MISSING_STUDY));
        }
    }
    let takes_in = seen.ledger.is_none();
    if takes_in && let Err(error) = start(study, context, &next.create, now).await {
        return stalled(study, context, seen, error, now).await;
    }
    stop(study, context, seen, next.stop).await?;
    if takes_in && !next.suggest.is_empty() {
        match suggest::named(study, context, plan) {
            Ok(named) => suggest::begin(study, context, &checked, next.suggest, &named),
            Err(violations) => {
                // A study that it names may come yet.
                refuse(study, context, seen, &violations, now).await?;
                return Ok(Action::requeue(MISSING_STUDY));
            }
        }
    }
    let after = report(study, context, plan, seen, (next.end.as_ref(), &late), now).await?;
    if early::is_asked(plan, seen) {
        return Ok(Action::requeue(early::AGAIN));
    }
    // One that was made and deleted again before the cache could show it is not missed elsewhere.
    let is_made = !next.create.is_empty() || seen.awaits_cache;
    Ok(if is_made && after == Action::await_change() { Action::requeue(CACHE_AGAIN) } else { after })
}

/// Keeps points that were taken of another study, first where a restart finds them.
async fn take_points(study: &Identified<Study>, context: &StudyReconciler, taken: Taken) -> Result<(), ReconcileError> {
    points::keep(&context.client, study, &taken).await?;
    tracing::info!(
        namespace = study.id.namespace,
        study = study.id.name,
        from = taken.from.study,
        points = taken.points.len(),
        "the study takes points of another one"
    );
    let note = format!("{} points of study {} are tried", taken.points.len(), taken.from.study);
    context.memories.with(&study.id.uid, |memory| {
        memory.taken = Some(taken);
        memory.plan = None;
    });
    context.events.normal(&study.object_ref(&()), "Decide", "PointsTaken", &note).await;
    Ok(())
}

/// Says what is wrong with a study. Nothing is started.
async fn refuse(
    study: &Identified<Study>,
    context: &StudyReconciler,
    seen: &ObservedStudy,
    violations: &[Violation],
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let next = report::refused(study, seen, violations, now);
    if let Some(action) = put_if_due(study, context, seen, next, now).await? {
        return Ok(action);
    }
    let note = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    tracing::info!(namespace = study.id.namespace, study = study.id.name, violations = note, "the study is refused");
    context.events.warning(&study.object_ref(&()), "Validate", "Invalid", &note).await;
    Ok(Action::await_change())
}

/// Makes trials.
async fn start(
    study: &Identified<Study>,
    context: &StudyReconciler,
    starts: &[PlannedTrial],
    now: Timestamp,
) -> Result<(), MakeError> {
    if starts.is_empty() {
        return Ok(());
    }
    let uid = &study.id.uid;
    if study.spec.trial.hosts > 1 && !context.memories.with(uid, |memory| memory.has_service) {
        apply::make_service(&context.client, study).await?;
        context.memories.with(uid, |memory| memory.has_service = true);
    }
    futures::stream::iter(starts.iter().map(Ok::<_, MakeError>))
        .try_for_each_concurrent(AT_ONCE, |planned| async move {
            apply::make_trial(&context.client, study, &apply::trial(study, planned)).await?;
            context.memories.with(uid, |memory| {
                memory.made.insert(planned.name.clone(), (planned.clone(), now));
            });
            Ok(())
        })
        .await
}

/// Says why trials can't be made, and fails, so that it is tried again with growing patience.
async fn stalled(
    study: &Identified<Study>,
    context: &StudyReconciler,
    seen: &ObservedStudy,
    error: MakeError,
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let next = report::stalled(study, seen, &error, now);
    put_if_due(study, context, seen, next, now).await?;
    Err(error.into())
}

/// Tells trials to stop: each once.
async fn stop(
    study: &Identified<Study>,
    context: &StudyReconciler,
    seen: &ObservedStudy,
    stops: Vec<StopTrial>,
) -> Result<(), ReconcileError> {
    let told: BTreeSet<String> = context.memories.with(&study.id.uid, |memory| memory.stopped.clone());
    for StopTrial { name, reason, why, .. } in stops {
        let Some(trial) = seen.trials.iter().find(|trial| trial.id.name == name) else { continue };
        if trial.spec.stop.is_none() && !told.contains(&trial.id.uid) {
            apply::stop_trial(&context.client, trial, &reason, &why).await?;
            context.memories.with(&study.id.uid, |memory| memory.stopped.insert(trial.id.uid.clone()));
        }
    }
    Ok(())
}

/// Writes a status, unless that isn't worth a write now: then it is said when to look again.
async fn put_if_due(
    study: &Identified<Study>,
    context: &StudyReconciler,
    seen: &ObservedStudy,
    next: StudyStatus,
    now: Timestamp,
) -> Result<Option<Action>, ReconcileError> {
    match report::is_due(&seen.status, &next, seen.written, now) {
        Ok(()) => put(study, context, next, now).await.map(|()| None),
        Err(None) => Ok(Some(Action::await_change())),
        Err(Some(wait)) => Ok(Some(Action::requeue(Duration::try_from(wait).unwrap_or_default()))),
    }
}

/// Brings the status up to date, if that is worth a write.
async fn report(
    study: &Identified<Study>,
    context: &Arc<StudyReconciler>,
    plan: &Plan,
    seen: &ObservedStudy,
    (end, late): (Option<&StudyEnd>, &[TooLate]),
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let (known, tally) = context.memories.with(&study.id.uid, |memory| {
        (memory.findings.clone(), Tally::of(plan, memory.known.view_of_all(plan, memory.made.values())))
    });
    let summary =
        |brief: Option<&findings::Brief>| report::accepted(study, plan, seen, &tally, (end, late), brief, now);
    // Findings take long to work out: first see whether anything is to be written at all.
    match report::is_due(&seen.status, &summary(known.as_ref().map(|known| &known.brief)), seen.written, now) {
        Ok(()) => {}
        Err(Some(wait)) => return Ok(Action::requeue(Duration::try_from(wait).unwrap_or_default())),
        Err(None) => return Ok(Action::await_change()),
    }
    let found = find(study, context, plan, seen, end.is_some()).await;
    let brief = found.as_ref().map(|found| &found.brief);
    let mut next = summary(brief);
    let appeared = brief.map(|brief| findings::appeared(brief, &next.announced)).unwrap_or_default();
    next.announced.extend(appeared.iter().map(|finding| finding.code.clone()));
    let ends = end.filter(|end| end.phase != seen.status.phase);
    let is_news = !late.is_empty() && !report::tells_of_late_trials(&seen.status);
    let was_stalled = status::is_stalled(&seen.status.conditions).map(|condition| condition.reason.clone());
    let stalls = status::is_stalled(&next.conditions).filter(|c| Some(&c.reason) != was_stalled.as_ref()).cloned();
    put(study, context, next, now).await?;
    let about = study.object_ref(&());
    if is_news {
        context.events.warning(&about, "Decide", report::TOO_LATE, &report::late_trials(late)).await;
    }
    announce(study, context, appeared).await;
    if let Some(stalled) = stalls {
        let note = format!("{}: {}", stalled.reason, stalled.message);
        context.events.warning(&about, "Start", status::STALLED, &note).await;
    }
    if let Some(end) = ends {
        tracing::info!(
            namespace = study.id.namespace,
            study = study.id.name,
            phase = ?end.phase,
            reason = end.reason,
            message = end.message,
            "the study has ended"
        );
        if end.phase == StudyPhase::Completed {
            context.events.normal(&about, "Decide", end.reason, &end.message).await;
        } else {
            context.events.warning(&about, "Decide", end.reason, &end.message).await;
        }
    }
    Ok(Action::await_change())
}

async fn put(
    study: &Identified<Study>,
    context: &StudyReconciler,
    next: StudyStatus,
    now: Timestamp,
) -> Result<(), ReconcileError> {
    let before = context.memories.with(&study.id.uid, |memory| memory.written.clone());
    let written = status::write(&context.client, study, report::MANAGER, next, before.as_ref(), now).await?;
    context.memories.with(&study.id.uid, |memory| {
        memory.written = Some(written);
        memory.writes += 1;
    });
    Ok(())
}
