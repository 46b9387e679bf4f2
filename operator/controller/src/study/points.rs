//! Points of another study that a Manual search tries: taken once, and kept in an annotation, so that neither a restart nor
//! what becomes of the other study changes them.

use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use studious_api::{
    Study, labels,
    study::{PointsFrom, StudyPhase},
    validate::Violation,
};
use studious_playbook::search::Taken;

use super::{
    StudyReconciler,
    suggest::{other, with_trials},
};
use crate::{object::Identified, reconcile::RequestError};

/// Longest annotation, in bytes: the API server takes 256 KiB of all annotations together.
const MAX_TEXT: usize = 200_000;

/// What becomes of the wish to take points.
pub(super) enum Taking {
    /// They are taken.
    Taken(Taken),
    /// It is too early, and why.
    Waits(String),
}

/// The points that were taken before, if they are those that the study asks.
pub(super) fn kept(study: &Identified<Study>) -> Option<Taken> {
    Taken::read(study.annotations().get(labels::POINTS)?, &study.id.uid, &study.spec)
}

/// Takes points of another study, once that has ended.
///
/// # Errors
/// When there is no such study, or its points aren't ones that this study could try.
pub(super) fn take(
    study: &Identified<Study>,
    context: &StudyReconciler,
    from: &PointsFrom,
) -> Result<Taking, Vec<Violation>> {
    let fix = "Make it, or list the points in points; the study continues then.";
    let source = other(context, &study.id.namespace, "spec.search.pointsFrom.study", &from.study, fix)
        .map_err(|violation| vec![violation])?;
    let status = source.status.clone().unwrap_or_default();
    if !matches!(status.phase, StudyPhase::Completed | StudyPhase::Failed) {
        let done = status.done.map_or_else(String::new, |done| format!(": {done} trials"));
        return Ok(Taking::Waits(format!(
            "takes its points of study {}, which has not ended yet ({:?}{done})",
            from.study, status.phase
        )));
    }
    let taken = Taken::of(&study.id.uid, &study.spec, from, &with_trials(&source, context))?;
    let bytes = taken.text().len();
    if bytes > MAX_TEXT {
        return Err(vec![Violation {
            field: "spec.search.pointsFrom".to_owned(),
            value: from.study.clone(),
            rule: format!("its {} points take {bytes} bytes, and {MAX_TEXT} can be kept", taken.points.len()),
            fix: "Take fewer of them with best, or list the points in points.".to_owned(),
            code: None,
        }]);
    }
    Ok(Taking::Taken(taken))
}

/// Keeps points that were taken.
///
/// # Errors
/// When the API server doesn't take them.
pub(super) async fn keep(client: &Client, study: &Identified<Study>, taken: &Taken) -> Result<(), RequestError> {
    let name = &study.id.name;
    let api: Api<Study> = Api::namespaced(client.clone(), &study.id.namespace);
    let patch = json!({ "metadata": { "uid": study.id.uid, "annotations": { labels::POINTS: taken.text() } } });
    let kept = api.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await;
    kept.map_err(RequestError::of(format!("the points that study {name} takes of another one were not kept")))?;
    Ok(())
}
