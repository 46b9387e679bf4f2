//! The plan of a study and what comes next by it. What is decided is decided in `studious-playbook`.

use std::sync::Arc;

use jiff::Timestamp;
use studious_api::{Study, validate::Violation};
use studious_playbook::{
    Plan, PlannedTrial,
    study::{self, Next},
};

use super::{Checked, StudyReconciler, early, observe::ObservedStudy, points};
use crate::{
    caches::Caches,
    object::{Identified, controller_of, is_controlled_by},
    reconcile::ReconcileError,
    status::millis,
};

/// The study as it was checked: once for each generation.
pub(super) fn plan_of(study: &Identified<Study>, context: &StudyReconciler) -> Checked {
    let generation = study.metadata.generation;
    context.memories.with(&study.id.uid, |memory| match &memory.plan {
        Some((checked, plan)) if *checked == generation => plan.clone(),
        _ => {
            if memory.taken.as_ref().map(|taken| &taken.from) != study.spec.search.points_from.as_ref() {
                memory.taken = points::kept(study);
            }
            let taken = memory.taken.as_ref().map(|taken| taken.listed_in(&study.spec));
            let plan = Arc::new(Plan::new(&study.id.name, taken.as_ref().unwrap_or(&study.spec)));
            memory.plan = Some((generation, plan.clone()));
            plan
        }
    })
}

/// What the study does next. Attempts of trials that exist are their own controllers' to begin, which know by the same
/// rule when they are due.
pub(super) async fn next(
    study: &Identified<Study>,
    context: &StudyReconciler,
    (checked, plan): (&Checked, &Plan),
    seen: &ObservedStudy,
    now: Timestamp,
) -> Next {
    let evaluations = early::evaluations(study, context, plan, seen).await;
    context.memories.with(&study.id.uid, |memory| {
        let points = memory.suggestions.points.clone();
        memory.view(checked, &seen.trials).suggest(points);
        memory.observe(evaluations);
        study::next(plan, memory.view(checked, &seen.trials), millis(now))
    })
}

/// Why trials can't be made for their names: another study's trials have them.
pub(super) enum NameClash {
    /// An earlier study of this name is being deleted with its trials: that passes.
    Passes(ReconcileError),
    /// Another study, or another owner, has the name: choose another.
    Stays(Violation),
}

/// Whether names of trials that are to be made are taken.
pub(super) fn name_clash(
    study: &Identified<Study>,
    context: &StudyReconciler,
    starts: &[PlannedTrial],
) -> Option<NameClash> {
    let (planned, trial) = starts.iter().find_map(|planned| {
        let trial = Caches::get(&context.caches.trials, &study.id.namespace, &planned.name)?;
        (!is_controlled_by(trial.as_ref(), &study.id.uid)).then_some((planned, trial))
    })?;
    let owner = controller_of(trial.as_ref()).map(|owner| owner.name.clone());
    if owner.as_ref() == Some(&study.id.name) || trial.metadata.deletion_timestamp.is_some() {
        return Some(NameClash::Passes(ReconcileError::NameTaken {
            kind: "trial",
            name: planned.name.clone(),
            owner_kind: "study",
        }));
    }
    let whose = owner.map_or_else(|| "no study".to_owned(), |owner| format!("study {owner}"));
    Some(NameClash::Stays(Violation {
        field: "metadata.name".to_owned(),
        value: study.id.name.clone(),
        rule: format!("its trial {} would have the name of a trial of {whose}", planned.name),
        fix: "Give this study or its round another name: names of trials are STUDY-ROUND-NUMBER.".to_owned(),
        code: None,
    }))
}
