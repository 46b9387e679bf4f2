//! Points of another study that a Manual search tries: taken once, and kept in the run's folder.

use std::{fs, io, path::Path};

use studious_api::{StudySpec, validate::Violation};
use studious_ledger::TrialRow;
use studious_playbook::{Plan, search::Taken, study, trial::TrialState};

use crate::{Error, RunFolder, earlier::read};

const FIELD: &str = "spec.search.pointsFrom.study";
const FIX: &str = "Finish it with `studious run`, or list the points in points (`studious export` prints them).";

/// The points that a study takes of another one, `None` if it doesn't: those kept in its folder, or else of the run beside
/// it. Writes nothing.
///
/// # Errors
/// When the other study isn't there or has not ended, or its points aren't ones that this study could try; when a folder
/// can't be read.
pub async fn taken_points(name: &str, spec: &StudySpec, folder: &RunFolder) -> Result<Option<Taken>, Error> {
    let Some(from) = &spec.search.points_from else { return Ok(None) };
    if let Some(kept) = kept(name, spec, folder)? {
        return Ok(Some(kept));
    }
    let refused = |rule: String, fix: String| {
        Error::Invalid(vec![Violation { field: FIELD.to_owned(), value: from.study.clone(), rule, fix, code: None }])
    };
    let runs = folder.root().parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let other = RunFolder::new(runs.join(&from.study));
    let Some((source, rows)) = read(&other, &from.study).await? else {
        let rule = format!("no run of it is in {}", runs.display());
        return Err(refused(rule, "Run it there first, or list the points in points.".to_owned()));
    };
    if other.is_running() {
        return Err(refused("is still running".to_owned(), "Wait for its end.".to_owned()));
    }
    let states: Vec<TrialState> = rows.iter().map(TrialRow::trial_state).collect();
    let ended = match Plan::new(&from.study, &source.spec) {
        // What was valid when it ran may be refused by a later version: its trials say as much.
        Err(_) => states.iter().all(|state| state.phase.has_ended()),
        Ok(plan) => study::ended(&plan, states.iter().cloned()).is_some(),
    };
    if !ended {
        let over = states.iter().filter(|state| state.phase.has_ended()).count();
        return Err(refused(format!("has not ended yet: {over} of its trials have"), FIX.to_owned()));
    }
    Taken::of(name, spec, from, &source).map(Some).map_err(Error::Invalid)
}

/// The points that are kept in a folder, if they are those that the study asks.
pub(crate) fn kept(name: &str, spec: &StudySpec, folder: &RunFolder) -> Result<Option<Taken>, Error> {
    if spec.search.points_from.is_none() {
        return Ok(None);
    }
    let path = folder.points();
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Taken::read(&text, name, spec)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", &path, error)),
    }
}
