//! A study file and the trials of it as JSON lines, which ran anywhere.

use std::path::Path;

use studious_api::trial::TrialPhase;
use studious_playbook::{
    Plan,
    numbers::count,
    record::{Outcome, TrialRecord},
};

use super::{LoadedStudy, LoadedTrial};
use crate::{output::errln, study_file, trials_file};

/// A study file and its trials.
pub(super) fn load(study: &Path, trials: &Path) -> anyhow::Result<Option<LoadedStudy>> {
    if study == Path::new("-") && trials == Path::new("-") {
        errln!("error: --study and --trials can't both be standard input. Give a file for one of them");
        return Ok(None);
    }
    let Some(file) = study_file::read_and_tell(study)? else { return Ok(None) };
    let Ok(plan) = Plan::new(&file.document.name, &file.document.study.spec).inspect_err(|violations| {
        study_file::tell_violations(&file.path, violations);
    }) else {
        return Ok(None);
    };
    let records = match trials_file::read(trials, &plan)? {
        Ok(records) => records,
        Err(wrong) => {
            errln!("{wrong}");
            return Ok(None);
        }
    };
    let status = format!("{} read from {}", count(records.len(), "trial"), trials.display());
    let trials = records.into_iter().map(of_record).collect();
    Ok(Some(LoadedStudy { plan, trials, state: None, status, without_curves: None }.in_order_of_rounds()))
}

fn of_record(record: TrialRecord) -> LoadedTrial {
    let (phase, message) = match &record.outcome {
        Outcome::Pending => (TrialPhase::Pending, String::new()),
        Outcome::Succeeded { .. } => (TrialPhase::Succeeded, String::new()),
        Outcome::Infeasible { reason } => (TrialPhase::Infeasible, reason.to_string()),
        Outcome::Failed { reason } => (TrialPhase::Failed, reason.to_string()),
        Outcome::Stopped { reason } => (TrialPhase::Stopped, reason.to_string()),
    };
    let attempt = record.attempts.last().map_or(1, |attempt| attempt.number);
    LoadedTrial { record, phase, message, so_far: None, attempt, is_interrupted: false }
}
