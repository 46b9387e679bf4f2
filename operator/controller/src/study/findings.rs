//! What a study's trials show so far: worked out for its status, seldom enough to cost nothing.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use kube::{Resource, runtime::reflector::ObjectRef};
use studious_api::{Study, Trial};
use studious_playbook::{
    Plan,
    contract::JudgedMetrics,
    findings::{self, Announcement, Brief, Stage},
    record::{CurveSelection, TrialRecord},
    rounds,
};

use super::{
    StudyReconciler,
    observe::{ObservedStudy, record},
};
use crate::object::Identified;

/// Values of curves that findings of an ended study look at, in all: 64 MB. Thinning keeps extremes, which makes noise and
/// quantiles seem larger than they are, so curves are thinned only where they must be.
const CURVE_VALUES: usize = 4_000_000;
/// As many while it runs: they are looked at again and again.
const CURVE_VALUES_RUNNING: usize = 400_000;
/// Curves of more trials are looked at once the study has ended.
const MOST_RUNNING: usize = 500;
/// So many of the metrics that conclusions are drawn from are usual; once a trial has been read, as many as it has.
const METRICS: usize = 8;
/// Fewest points of a curve that say anything.
const FEWEST: usize = 64;
/// How long the end of a study waits for its findings. It is written then, and they follow.
const PATIENCE_AT_END: Duration = Duration::from_secs(3);
/// How long a look at a study that runs waits for them.
const PATIENCE: Duration = Duration::from_millis(200);
/// While a study runs, working findings out takes at most one part in so many of the time.
const SELDOM: u32 = 50;
/// How long after a defect it is tried again.
const PAUSE: Duration = Duration::from_secs(30);

/// What was found, and when that is out of date.
#[derive(Debug)]
pub(super) struct FoundSoFar {
    /// How many trials had ended.
    trials: usize,
    /// Whether the study had.
    has_ended: bool,
    /// Of which generation of the study: what it waives may change.
    generation: Option<i64>,
    at: Instant,
    took: Duration,
    /// What the status says about it.
    pub(super) brief: Brief,
}

impl FoundSoFar {
    fn is_up_to_date(&self, study: &Identified<Study>, trials: usize, has_ended: bool) -> bool {
        let same = self.has_ended == has_ended && self.generation == study.metadata.generation;
        same && (self.trials == trials || (!has_ended && self.at.elapsed() < self.took * SELDOM))
    }
}

/// Findings of the trials that have ended, as far as they are known. If they are out of date, they are worked out beside
/// the reconciles, one study at a time, and the study is looked at again when they are there.
pub(super) async fn find(
    study: &Identified<Study>,
    context: &Arc<StudyReconciler>,
    plan: &Plan,
    seen: &ObservedStudy,
    has_ended: bool,
) -> Option<Arc<FoundSoFar>> {
    let trials = seen.trials.iter().filter(|trial| is_over(trial)).count();
    let (known, begins) = context.memories.with(&study.id.uid, |memory| {
        let known = memory.findings.clone();
        let fresh = known.as_ref().is_some_and(|known| known.is_up_to_date(study, trials, has_ended));
        let begins = !fresh && !std::mem::replace(&mut memory.finds, true);
        if fresh {
            memory.finds = false;
        }
        (known, begins)
    });
    if !begins {
        return known;
    }
    let work = {
        let (study, context, plan) = (study.clone(), context.clone(), plan.clone());
        let shown = seen.trials.clone();
        async move {
            let turn = context.finding.acquire().await;
            let found = work_out(&study, &context, plan, &shown, has_ended).await;
            drop(turn);
            let found = match found {
                Ok(found) => Some(Arc::new(found)),
                Err(error) => {
                    tracing::error!(namespace = study.id.namespace, study = study.id.name, %error, "no findings");
                    tokio::time::sleep(PAUSE).await;
                    None
                }
            };
            context.memories.with_known(&study.id.uid, |memory| {
                memory.finds = false;
                memory.findings = found.clone().or_else(|| memory.findings.take());
            });
            (found, ObjectRef::from_obj(&*study))
        }
    };
    let mut work = tokio::spawn(work);
    let patience = if has_ended { PATIENCE_AT_END } else { PATIENCE };
    if let Ok(done) = tokio::time::timeout(patience, &mut work).await {
        return done.ok().and_then(|(found, _)| found).or(known);
    }
    let queue = context.caches.study_queue.clone();
    tokio::spawn(async move {
        if let Ok((_, object)) = work.await {
            queue.push(object);
        }
    });
    known
}

fn is_over(trial: &Identified<Trial>) -> bool {
    trial.status.as_ref().is_some_and(|status| status.phase.has_ended())
}

/// Reads the curves and works the findings out.
async fn work_out(
    study: &Identified<Study>,
    context: &StudyReconciler,
    plan: Plan,
    trials: &[Identified<Trial>],
    has_ended: bool,
) -> Result<FoundSoFar, tokio::task::JoinError> {
    let over = trials.iter().filter(|trial| is_over(trial)).count();
    let at = Instant::now();
    let mut records: Vec<TrialRecord> = trials.iter().map(|trial| record(trial)).collect();
    let stage = match (has_ended, over <= MOST_RUNNING) {
        (true, _) => Stage::Ended,
        (false, true) => Stage::Runs,
        (false, false) => Stage::RunsWithoutCurves,
    };
    if stage != Stage::RunsWithoutCurves {
        let hosts = usize::try_from(study.spec.trial.hosts).unwrap_or(1).max(1);
        let mut values = if has_ended { CURVE_VALUES } else { CURVE_VALUES_RUNNING };
        let judged = JudgedMetrics::of_study(&study.spec);
        let (mut metrics, mut left) = (METRICS, over);
        for (trial, record) in trials.iter().zip(&mut records).filter(|(trial, _)| is_over(trial)) {
            let points = (values / (metrics * hosts * left.max(1))).max(FEWEST);
            // Losing the ledger costs plots, never a decision.
            let wanted = CurveSelection::concluded(Some(points));
            if let Err(error) = context.ledger.fill(&trial.id.uid, record, &judged, wanted).await {
                tracing::warn!(trial = trial.id.name, %error, "findings go without its curves");
            }
            let curves = record.curves.values().chain(record.hosts.values().flat_map(BTreeMap::values));
            metrics = metrics.max(record.curves.len());
            values = values.saturating_sub(curves.map(Vec::len).sum());
            left -= 1;
        }
    }
    if !has_ended {
        records.extend(rounds::to_come(&plan, &records));
    }
    let brief = tokio::task::spawn_blocking(move || findings::brief(&plan, &records, stage)).await?;
    let generation = study.metadata.generation;
    Ok(FoundSoFar { trials: over, has_ended, generation, at, took: at.elapsed(), brief })
}

/// An Event for each finding that has appeared. Their codes are in the status by now, so there is never a second one.
pub(super) async fn announce(study: &Identified<Study>, context: &StudyReconciler, appeared: Vec<Announcement>) {
    let about = study.object_ref(&());
    for Announcement { code, note } in appeared {
        tracing::info!(namespace = study.id.namespace, study = study.id.name, code, note, "a finding has appeared");
        context.events.warning(&about, "Conclude", &code, &note).await;
    }
}
