//! What a study's trials show so far: worked out for its status, seldom enough to cost nothing.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use kube::Resource;
use studious_api::{Study, Trial};
use studious_playbook::{
    Plan, TrialKey,
    findings::{self, Announcement, Brief, Stage},
    record::TrialRecord,
    rounds,
    trial::TrialState,
};

use super::{
    StudyReconciler,
    observe::{ObservedStudy, record},
};
use crate::{object::Identified, reconcile::ReconcileError};

/// Values of curves that findings of an ended study look at, in all: 64 MB. Thinning keeps extremes, which makes noise and
/// quantiles seem larger than they are, so curves are thinned only where they must be.
const CURVE_VALUES: usize = 4_000_000;
/// As many while it runs: they are looked at again and again.
const CURVE_VALUES_RUNNING: usize = 400_000;
/// Curves of more trials are looked at once the study has ended.
const MOST_RUNNING: usize = 500;
/// So many metrics are usual.
const METRICS: usize = 8;
/// While a study runs, working findings out takes at most one part in so many of the time.
const SELDOM: u32 = 50;

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
    /// What the status says of it.
    pub(super) brief: Brief,
}

impl FoundSoFar {
    fn is_up_to_date(&self, study: &Identified<Study>, trials: usize, has_ended: bool) -> bool {
        let same = self.has_ended == has_ended && self.generation == study.metadata.generation;
        same && (self.trials == trials || (!has_ended && self.at.elapsed() < self.took * SELDOM))
    }
}

/// Findings of the trials that have ended.
pub(super) async fn find(
    study: &Identified<Study>,
    context: &StudyReconciler,
    plan: &Plan,
    seen: &ObservedStudy,
    has_ended: bool,
) -> Result<Arc<FoundSoFar>, ReconcileError> {
    let uid = &study.id.uid;
    let is_over = |trial: &&Identified<Trial>| trial.status.as_ref().is_some_and(|status| status.phase.has_ended());
    let trials = seen.trials.iter().filter(is_over).count();
    let known = context.memories.with(uid, |memory| memory.findings.clone());
    if let Some(known) = known.filter(|known| known.is_up_to_date(study, trials, has_ended)) {
        return Ok(known);
    }
    let at = Instant::now();
    let mut records: Vec<TrialRecord> = seen.trials.iter().map(|trial| record(trial)).collect();
    let stage = match (has_ended, trials <= MOST_RUNNING) {
        (true, _) => Stage::Ended,
        (false, true) => Stage::Runs,
        (false, false) => Stage::RunsWithoutCurves,
    };
    if stage != Stage::RunsWithoutCurves {
        let hosts = usize::try_from(study.spec.trial.hosts).unwrap_or(1).max(1);
        let values = if has_ended { CURVE_VALUES } else { CURVE_VALUES_RUNNING };
        let points = (values / (METRICS * hosts * trials.max(1))).max(512);
        for (trial, record) in seen.trials.iter().zip(&mut records).filter(|(trial, _)| is_over(trial)) {
            // Losing the ledger costs plots, never a decision.
            if let Err(error) = context.ledger.fill(&trial.id.uid, record, Some(points)).await {
                tracing::warn!(trial = trial.id.name, %error, "findings go without its curves");
            }
        }
    }
    if !has_ended {
        let states: Vec<TrialState> =
            context.memories.with(uid, |memory| memory.known.view.trials().cloned().collect());
        records.extend(to_come(plan, &states));
    }
    let plan = plan.clone();
    let brief =
        tokio::task::spawn_blocking(move || findings::brief(&plan, &records, stage)).await.map_err(|error| {
            ReconcileError::Defect {
                kind: "study",
                name: study.id.name.clone(),
                what: format!("its findings were not worked out: {error}"),
            }
        })?;
    let generation = study.metadata.generation;
    let found = Arc::new(FoundSoFar { trials, has_ended, generation, at, took: at.elapsed(), brief });
    context.memories.with(uid, |memory| memory.findings = Some(found.clone()));
    Ok(found)
}

/// Trials of the rounds that have begun which aren't made yet: that there are so few results says nothing then.
fn to_come(plan: &Plan, states: &[TrialState]) -> Vec<TrialRecord> {
    let made: HashSet<&TrialKey> = states.iter().map(|state| &state.key).collect();
    let begun = rounds::names(plan).into_iter().filter(|round| made.iter().any(|key| key.round == *round));
    let points = begun.filter_map(|round| rounds::points(plan, &round, states)).flatten();
    let missing = points.filter(|point| !made.contains(&point.key));
    missing
        .map(|point| TrialRecord {
            round: point.key.round,
            hyperparameters: point.hyperparameters,
            ..TrialRecord::default()
        })
        .collect()
}

/// An Event for each finding that has appeared. Their codes are in the status by now, so there is never a second one.
pub(super) async fn announce(study: &Identified<Study>, context: &StudyReconciler, appeared: Vec<Announcement>) {
    let about = study.object_ref(&());
    for Announcement { code, note } in appeared {
        tracing::info!(namespace = study.id.namespace, study = study.id.name, code, note, "a finding has appeared");
        context.events.warning(&about, "Conclude", &code, &note).await;
    }
}
