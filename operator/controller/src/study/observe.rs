//! What the caches show of a study's trials.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use studious_api::{Study, StudyStatus, Trial, TrialStatus, trial::TrialPhase};
use studious_playbook::{
    Millis,
    record::{AttemptSpan, Outcome, TrialRecord},
    trial::Reason,
};

use super::StudyReconciler;
use crate::{object::Identified, recovery::trouble, status::Written};

/// How long the cache may take to show a trial that was made. Making one that is there changes nothing.
pub(super) const CACHE_PATIENCE: SignedDuration = SignedDuration::from_secs(20);

/// A study as the caches show it.
pub(super) struct ObservedStudy {
    /// Its status, what was written and isn't in the cache yet included.
    pub(super) status: StudyStatus,
    /// Its trials.
    pub(super) trials: Vec<Identified<Trial>>,
    /// When this process wrote the status last, and how often it has.
    pub(super) written: Option<(Timestamp, u32)>,
    /// Why measurements can't be taken in: a word and a sentence.
    pub(super) ledger: Option<(String, String)>,
    /// Whether trials were made that the cache doesn't show yet.
    pub(super) awaits_cache: bool,
}

/// Looks at the caches.
pub(super) fn observe(study: &Identified<Study>, context: &StudyReconciler, now: Timestamp) -> ObservedStudy {
    let trials = context.caches.trials_of(&study.id);
    context.memories.with(&study.id.uid, |memory| {
        let shown: BTreeSet<&str> = trials.iter().map(|trial| trial.id.name.as_str()).collect();
        memory.made.retain(|name, (_, at)| !shown.contains(name.as_str()) && now.duration_since(*at) < CACHE_PATIENCE);
        let version = study.metadata.resource_version.as_deref();
        let status = Written::or_cached(memory.written.as_ref(), study.status.as_ref(), version).unwrap_or_default();
        let written = memory.written.as_ref().map(|written| (written.at, memory.writes));
        let ledger = trouble(&context.ledger.health());
        ObservedStudy { status, trials, written, ledger, awaits_cache: !memory.made.is_empty() }
    })
}

/// A trial as data, without its curves.
pub(crate) fn record(trial: &Trial) -> TrialRecord {
    let status = trial.status.clone().unwrap_or_default();
    TrialRecord {
        name: trial.name_any(),
        round: trial.spec.round.clone(),
        hyperparameters: trial.spec.hyperparameters.clone(),
        outcome: Outcome::of(
            status.phase,
            status.reason.as_deref().map(Reason::from).as_ref(),
            status.objective,
            status.best_step,
        ),
        attempts: spans(&status),
        metrics: status.metrics,
        seeds: Some(trial.spec.seeds.clone()),
        ..TrialRecord::default()
    }
}

/// Its attempts in time, the one running included.
fn spans(status: &TrialStatus) -> Vec<AttemptSpan> {
    let millis = |time: &Time| u64::try_from(time.0.as_millisecond()).ok().map(Millis);
    let ended = status.attempts.iter().map(|attempt| AttemptSpan {
        number: attempt.number,
        queued: attempt.queued_time.as_ref().and_then(millis),
        started: attempt.start_time.as_ref().and_then(millis),
        ended: attempt.end_time.as_ref().and_then(millis),
        outcome: Some(attempt.outcome),
        provenance: attempt.provenance.clone(),
    });
    let mut spans: Vec<AttemptSpan> = ended.collect();
    let current = status.attempt.filter(|_| status.phase == TrialPhase::Running);
    if let Some(number) = current.filter(|number| spans.iter().all(|span| span.number != *number)) {
        let started = status.start_time.as_ref().and_then(millis).filter(|_| number == 1);
        let provenance = status.provenance.clone();
        spans.push(AttemptSpan { number, queued: None, started, ended: None, outcome: None, provenance });
    }
    spans
}
