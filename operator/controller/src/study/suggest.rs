//! Points that results choose. A reconcile asks for them and continues: it is woken when they are there.

use std::sync::Arc;

use kube::{Resource, runtime::reflector::ObjectRef};
use studious_api::{Study, validate::Violation};
use studious_playbook::{
    Plan, TrialKey,
    rounds::RoundPoint,
    search::{self, EarlierStudy},
    trial::TrialState,
};

use super::{Checked, StudyReconciler, observe::record};
use crate::{caches::Caches, object::Identified};

/// What is cached of a study's points between two looks at it.
#[derive(Debug, Default)]
pub(super) struct SuggestedPoints {
    /// A search is running.
    under_way: bool,
    /// What the last one chose.
    pub(super) points: Vec<RoundPoint>,
}

/// The studies that this one starts from.
///
/// # Errors
/// When a study isn't there, or measured something else.
pub(super) fn named(
    study: &Identified<Study>,
    context: &StudyReconciler,
    plan: &Plan,
) -> Result<Vec<Identified<Study>>, Vec<Violation>> {
    let mut studies = Vec::new();
    let mut wrong = Vec::new();
    for (i, start) in plan.spec().search.start_from.iter().enumerate() {
        let fix = "Make it, or remove it from startFrom; the study continues then.";
        match other(context, &study.id.namespace, &format!("spec.search.startFrom[{i}].study"), &start.study, fix) {
            Err(violation) => wrong.push(violation),
            Ok(named) => match search::refusal(plan, &start.study, &named.spec) {
                None => studies.push(named),
                Some(violation) => wrong.push(violation),
            },
        }
    }
    if wrong.is_empty() { Ok(studies) } else { Err(wrong) }
}

/// Another study of the same namespace, which a field names.
pub(super) fn other(
    context: &StudyReconciler,
    namespace: &str,
    field: &str,
    name: &str,
    fix: &str,
) -> Result<Identified<Study>, Violation> {
    Caches::get(&context.caches.studies, namespace, name).and_then(Identified::of).ok_or_else(|| Violation {
        field: field.to_owned(),
        value: name.to_owned(),
        rule: format!("there is no such study in namespace {namespace}"),
        fix: fix.to_owned(),
        code: None,
    })
}

/// A study with the trials that the caches show.
pub(super) fn with_trials(study: &Identified<Study>, context: &StudyReconciler) -> EarlierStudy {
    let trials = context.caches.trials_of(&study.id);
    let trials = trials.iter().map(|trial| record(trial)).collect();
    EarlierStudy { name: study.id.name.clone(), spec: study.spec.clone(), trials }
}

/// Begins to choose points for trials, unless that is running, and returns at once.
pub(super) fn begin(
    study: &Identified<Study>,
    context: &Arc<StudyReconciler>,
    plan: &Checked,
    keys: Vec<TrialKey>,
    named: &[Identified<Study>],
) {
    let uid = study.id.uid.clone();
    let states = context.memories.with(&uid, |memory| {
        let begins = !std::mem::replace(&mut memory.suggestions.under_way, true);
        begins.then(|| memory.known.view.trials().cloned().collect::<Vec<TrialState>>())
    });
    let Some(states) = states else { return };
    let earlier: Vec<EarlierStudy> = named.iter().map(|named| with_trials(named, context)).collect();
    if let Ok(plan) = plan.as_ref()
        && states.is_empty()
    {
        for other in &earlier {
            tracing::info!(
                study = study.id.name,
                namespace = study.id.namespace,
                from = other.name,
                results = other.usable(plan),
                trials = other.trials.len(),
                "the search starts from another study's results"
            );
        }
    }
    let (context, plan, object) = (context.clone(), plan.clone(), ObjectRef::from_obj(&**study));
    let about = study.object_ref(&());
    tokio::spawn(async move {
        // One core is left to all else.
        let turn = context.suggesting.acquire().await;
        let begun = std::time::Instant::now();
        let search = move || match plan.as_ref() {
            Ok(plan) => search::points_for(plan, &keys, &states, &earlier),
            Err(_) => Vec::new(),
        };
        let points = tokio::task::spawn_blocking(search).await;
        drop(turn);
        let failed = points.as_ref().err().map(ToString::to_string);
        context.memories.with_known(&uid, |memory| {
            memory.suggestions = SuggestedPoints { under_way: false, points: points.unwrap_or_default() };
        });
        if let Some(error) = failed {
            // The next look asks again; a defect must not make that a busy loop.
            let note = format!("the next points were not chosen, which will be tried again: {error}");
            tracing::error!(study = object.name, namespace = object.namespace, error, "points were not chosen");
            context.events.warning(&about, "Suggest", "SuggestFailed", &note).await;
            tokio::time::sleep(PAUSE).await;
        }
        tracing::debug!(study = object.name, took = ?begun.elapsed(), "points were chosen");
        context.caches.study_queue.push(object);
    });
}

/// How long after a failure it is tried again.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(30);
