//! One look at a study: observe, validate, decide, apply, status.

use std::{sync::Arc, time::Duration};

use futures::TryStreamExt;
use jiff::Timestamp;
use kube::{Resource, ResourceExt, runtime::controller::Action};
use studious_api::{Study, StudyStatus, study::StudyPhase, validate::Violation};
use studious_ledger::LedgerError;
use studious_playbook::{
    Plan, PlannedTrial, findings,
    rounds::TooLate,
    search::Taken,
    study::{Next, StopTrial, StudyEnd},
};

use super::{
    Checked,
    apply::{self, ApplyError},
    early,
    findings::{announce, find},
    observe::{Observed, observe},
    points::{self, Taking},
    status::{self, StatusError, Tally},
    suggest,
};
use crate::{
    context::Context,
    fault::{Category, Fault, backoff},
    status::{Written, millis, now},
};

/// How long one look may take: a connection that died silently must not hold an object for minutes.
const LIMIT: Duration = Duration::from_mins(1);
/// When a study is looked at again that names one which isn't there.
const MISSING_STUDY: Duration = Duration::from_secs(30);
/// When a study is looked at again that waits for another one to end.
const OTHER_STUDY: Duration = Duration::from_secs(10);
/// How many trials are made at once.
const AT_ONCE: usize = 16;
/// Why a reconcile failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// Something was not made.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The status was not written.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// The ledger's rows were not deleted.
    #[error("the measurements of study {name} were not deleted: {source}")]
    Ledger {
        /// Its name.
        name: String,
        /// What the ledger says.
        source: LedgerError,
    },
    /// A trial of an earlier study of the same name is still there.
    #[error("trial {name} of an earlier study of this name is still being deleted")]
    NameTaken {
        /// The trial's name.
        name: String,
    },
    /// The API server doesn't answer.
    #[error("study {name} was not done with in {} s: the API server doesn't answer", LIMIT.as_secs())]
    TooLong {
        /// Its name.
        name: String,
    },
    /// The findings were not worked out: this process is ending, or there is a defect.
    #[error("the findings of study {name} were not worked out: {source}")]
    Findings {
        /// The study's name.
        name: String,
        /// What went wrong.
        source: tokio::task::JoinError,
    },
}

impl Fault for ReconcileError {
    fn category(&self) -> Category {
        match self {
            Self::Apply(error) => error.category(),
            Self::Status(error) => error.category(),
            Self::Ledger { source, .. } if source.is_transient() => Category::Transient,
            Self::Ledger { .. } | Self::Findings { .. } => Category::Standing,
            Self::NameTaken { .. } | Self::TooLong { .. } => Category::Transient,
        }
    }
}

/// Looks at a study and does what is to be done.
pub(crate) async fn reconcile(study: Arc<Study>, context: Arc<Context>) -> Result<Action, ReconcileError> {
    let begun = std::time::Instant::now();
    let too_long = |_| Err(ReconcileError::TooLong { name: study.name_any() });
    let result = tokio::time::timeout(LIMIT, look(&study, &context, now())).await.unwrap_or_else(too_long);
    let word = if result.is_ok() { "ok" } else { "error" };
    context.metrics.reconciled("study", word, begun.elapsed());
    if result.is_ok() {
        context.failures.forget(&study.uid().unwrap_or_default());
    }
    result
}

/// When a failed reconcile is tried again, and how loudly that is said.
#[allow(clippy::needless_pass_by_value)] // kube's signature.
pub(crate) fn error_policy(study: Arc<Study>, error: &ReconcileError, context: Arc<Context>) -> Action {
    let failures = context.failures.with(&study.uid().unwrap_or_default(), |n| {
        *n = n.saturating_add(1);
        *n
    });
    let wait = backoff(error.category(), failures, &mut rand::rng());
    let (namespace, name) = (study.namespace().unwrap_or_default(), study.name_any());
    match error.category() {
        Category::Transient if failures < 5 => tracing::info!(%namespace, %name, %error, ?wait, "will try again"),
        _ => tracing::warn!(%namespace, %name, %error, failures, ?wait, "will try again"),
    }
    if error.category() == Category::Standing {
        let (context, about, note) = (context.clone(), study.object_ref(&()), error.to_string());
        tokio::spawn(async move { context.events.warning(&about, "Reconcile", "ReconcileFailed", &note).await });
    }
    Action::requeue(wait)
}

async fn look(study: &Study, context: &Arc<Context>, now: Timestamp) -> Result<Action, ReconcileError> {
    let has_finalizer = study.finalizers().iter().any(|finalizer| finalizer == apply::FINALIZER);
    if study.metadata.deletion_timestamp.is_some() {
        if has_finalizer {
            clean_up(study, context).await?;
        }
        return Ok(Action::await_change());
    }
    let seen = observe(study, context, now);
    let mut checked = plan_of(study, context);
    if checked.is_ok() && !has_finalizer {
        apply::set_finalizer(&context.client, study, true).await?;
    }
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
                let next = status::waiting(study, plan, &seen, &why, now);
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
    let plan = match checked.as_ref() {
        Ok(plan) => plan,
        Err(violations) => return refuse(study, context, &seen, violations, now).await,
    };
    let next = next(study, context, (&checked, plan), &seen, now).await;
    // Without the trials that were added too late, if any were.
    let (checked, late) = match next.settled {
        Some(settled) => (Arc::new(Ok(settled.plan)), settled.late),
        None => (checked.clone(), Vec::new()),
    };
    let Ok(plan) = checked.as_ref() else { return Ok(Action::await_change()) };
    if let Some(round) = next.began {
        let (namespace, study) = (study.namespace().unwrap_or_default(), study.name_any());
        tracing::info!(namespace, study, round, "the round begins");
    }
    start(study, context, &next.create, now).await?;
    stop(study, context, &seen, next.stop).await?;
    if !next.suggest.is_empty() {
        match suggest::named(study, context, plan) {
            Ok(named) => suggest::begin(study, context, &checked, next.suggest, &named),
            Err(violations) => {
                // A study that it names may come yet.
                refuse(study, context, &seen, &violations, now).await?;
                return Ok(Action::requeue(MISSING_STUDY));
            }
        }
    }
    let after = report(study, context, plan, &seen, (next.end.as_ref(), &late), now).await?;
    Ok(if early::is_asked(plan, &seen) { Action::requeue(early::AGAIN) } else { after })
}

/// What the study does next. Attempts of trials that exist are their own controllers' to begin, which know by the same
/// rule when they are due.
async fn next(
    study: &Study,
    context: &Arc<Context>,
    (checked, plan): (&Checked, &Plan),
    seen: &Observed,
    now: Timestamp,
) -> Next {
    let evaluations = early::evaluations(study, context, plan, seen).await;
    context.studies.with(&study.uid().unwrap_or_default(), |memory| {
        let points = memory.suggestions.points.clone();
        memory.view(checked, &seen.trials).suggest(points);
        memory.observe(evaluations);
        studious_playbook::study::next(plan, memory.view(checked, &seen.trials), millis(now))
    })
}

/// The study as it was checked: once for each generation.
fn plan_of(study: &Study, context: &Context) -> Checked {
    let generation = study.metadata.generation;
    context.studies.with(&study.uid().unwrap_or_default(), |memory| match &memory.plan {
        Some((checked, plan)) if *checked == generation => plan.clone(),
        _ => {
            if memory.taken.as_ref().map(|taken| &taken.from) != study.spec.search.points_from.as_ref() {
                memory.taken = points::kept(study);
            }
            let taken = memory.taken.as_ref().map(|taken| taken.listed_in(&study.spec));
            let plan = Arc::new(Plan::new(&study.name_any(), taken.as_ref().unwrap_or(&study.spec)));
            memory.plan = Some((generation, plan.clone()));
            plan
        }
    })
}

/// Keeps points that were taken of another study, first where a restart finds them.
async fn take_points(study: &Study, context: &Arc<Context>, taken: Taken) -> Result<(), ReconcileError> {
    points::keep(&context.client, study, &taken).await?;
    tracing::info!(
        namespace = study.namespace().unwrap_or_default(),
        study = study.name_any(),
        from = taken.from.study,
        points = taken.points.len(),
        "the study takes points of another one"
    );
    let note = format!("{} points of study {} are tried", taken.points.len(), taken.from.study);
    context.studies.with(&study.uid().unwrap_or_default(), |memory| {
        memory.taken = Some(taken);
        memory.plan = None;
    });
    context.events.normal(&study.object_ref(&()), "Decide", "PointsTaken", &note).await;
    Ok(())
}

/// Says what is wrong with a study. Nothing is started.
async fn refuse(
    study: &Study,
    context: &Arc<Context>,
    seen: &Observed,
    violations: &[Violation],
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let next = status::refused(study, seen, violations, now);
    if let Some(action) = put_if_due(study, context, seen, next, now).await? {
        return Ok(action);
    }
    let note = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    tracing::info!(
        namespace = study.namespace().unwrap_or_default(),
        study = study.name_any(),
        violations = note,
        "the study is refused"
    );
    context.events.warning(&study.object_ref(&()), "Validate", "Invalid", &note).await;
    Ok(Action::await_change())
}

/// Makes trials.
async fn start(
    study: &Study,
    context: &Arc<Context>,
    starts: &[PlannedTrial],
    now: Timestamp,
) -> Result<(), ReconcileError> {
    if starts.is_empty() {
        return Ok(());
    }
    let namespace = study.namespace().unwrap_or_default();
    let uid = study.uid().unwrap_or_default();
    let taken = starts.iter().find(|planned| {
        crate::caches::Caches::get(&context.caches.trials, &namespace, &planned.name)
            .is_some_and(|trial| !crate::caches::is_controlled_by(trial.as_ref(), &uid))
    });
    if let Some(planned) = taken {
        return Err(ReconcileError::NameTaken { name: planned.name.clone() });
    }
    if study.spec.trial.hosts > 1 && !context.studies.with(&uid, |memory| memory.has_service) {
        apply::make_service(&context.client, &apply::service(study)).await?;
        context.studies.with(&uid, |memory| memory.has_service = true);
    }
    futures::stream::iter(starts.iter().map(Ok::<_, ReconcileError>))
        .try_for_each_concurrent(AT_ONCE, |planned| {
            let uid = &uid;
            async move {
                apply::make_trial(&context.client, &apply::trial(study, planned)).await?;
                context.studies.with(uid, |memory| {
                    memory.made.insert(planned.name.clone(), (planned.clone(), now));
                });
                Ok(())
            }
        })
        .await
}

/// Tells trials to stop: each once.
async fn stop(
    study: &Study,
    context: &Arc<Context>,
    seen: &Observed,
    stops: Vec<StopTrial>,
) -> Result<(), ReconcileError> {
    let uid = study.uid().unwrap_or_default();
    for StopTrial { name, reason, why, .. } in stops {
        let told = seen.trials.iter().any(|trial| trial.name_any() == name && trial.spec.stop.is_some())
            || context.studies.with(&uid, |memory| memory.stopped.contains(&name));
        if !told {
            apply::stop_trial(&context.client, study, &name, &reason, &why).await?;
            context.studies.with(&uid, |memory| memory.stopped.insert(name));
        }
    }
    Ok(())
}

/// Writes a status, unless that isn't worth a write now: then it is said when to look again.
async fn put_if_due(
    study: &Study,
    context: &Arc<Context>,
    seen: &Observed,
    next: StudyStatus,
    now: Timestamp,
) -> Result<Option<Action>, ReconcileError> {
    match status::is_due(&seen.status, &next, seen.written_at, now) {
        Ok(()) => put(study, context, next, now).await.map(|()| None),
        Err(None) => Ok(Some(Action::await_change())),
        Err(Some(wait)) => Ok(Some(Action::requeue(Duration::try_from(wait).unwrap_or_default()))),
    }
}

/// Brings the status up to date, if that is worth a write.
async fn report(
    study: &Study,
    context: &Arc<Context>,
    plan: &Plan,
    seen: &Observed,
    (end, late): (Option<&StudyEnd>, &[TooLate]),
    now: Timestamp,
) -> Result<Action, ReconcileError> {
    let uid = study.uid().unwrap_or_default();
    let (known, tally) = context.studies.with(&uid, |memory| {
        (memory.findings.clone(), Tally::of(plan, memory.known.view_of_all(plan, memory.made.values())))
    });
    let summary =
        |brief: Option<&findings::Brief>| status::accepted(study, plan, seen, &tally, (end, late), brief, now);
    // Findings take long to work out: first see whether anything is to be written at all.
    match status::is_due(&seen.status, &summary(known.as_ref().map(|known| &known.brief)), seen.written_at, now) {
        Ok(()) => {}
        Err(Some(wait)) => return Ok(Action::requeue(Duration::try_from(wait).unwrap_or_default())),
        Err(None) => return Ok(Action::await_change()),
    }
    let found = find(study, context, plan, seen, end.is_some()).await?;
    let mut next = summary(Some(&found.brief));
    let appeared = findings::appeared(&found.brief, &next.announced);
    next.announced.extend(appeared.iter().map(|finding| finding.code.clone()));
    let ends = end.filter(|end| end.phase != seen.status.phase);
    let is_news = !late.is_empty() && !status::tells_of_late_trials(&seen.status);
    put(study, context, next, now).await?;
    if is_news {
        let note = status::late_trials(late);
        context.events.warning(&study.object_ref(&()), "Decide", status::TOO_LATE, &note).await;
    }
    announce(study, context, appeared).await;
    if let Some(end) = ends {
        let about = study.object_ref(&());
        tracing::info!(
            namespace = study.namespace().unwrap_or_default(),
            study = study.name_any(),
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

/// Takes a deleted study's rows out of the ledger.
async fn clean_up(study: &Study, context: &Arc<Context>) -> Result<(), ReconcileError> {
    let deleted = context.ledger.delete_study(&study.uid().unwrap_or_default()).await;
    deleted.map_err(|source| ReconcileError::Ledger { name: study.name_any(), source })?;
    Ok(apply::set_finalizer(&context.client, study, false).await?)
}

async fn put(study: &Study, context: &Arc<Context>, status: StudyStatus, now: Timestamp) -> Result<(), ReconcileError> {
    let version = status::write(&context.client, study, &status).await?;
    context.studies.with(&study.uid().unwrap_or_default(), |memory| {
        memory.written = Some(Written { version, status });
        memory.written_at = Some(now);
    });
    Ok(())
}
