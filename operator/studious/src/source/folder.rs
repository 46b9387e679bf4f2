//! A folder made by `studious run`.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, bail};
use studious_api::trial::TrialPhase;
use studious_dashboard::StudyState;
use studious_ledger::{Ledger, TrialRow};
use studious_local::RunFolder;
use studious_playbook::{
    Plan,
    record::{CurveSelection, TrialRecord},
    study,
    trial::{self, TrialState},
};

use super::{LoadedStudy, LoadedTrial};

/// Reads the study of a folder.
pub(crate) async fn load(path: &Path, wanted: CurveSelection) -> anyhow::Result<LoadedStudy> {
    if path.is_file() {
        bail!(
            "{} is a file, not the folder of a run. Give the folder that `studious run` made, such as studious-runs/NAME; for \
             trials in a file, give --study STUDY.yaml --trials FILE",
            path.display()
        );
    }
    let folder = RunFolder::new(path);
    let Some(study) = folder.study_with_points()? else {
        bail!(
            "{} is not the folder of a run: it has no study.yaml. Give the folder that `studious run` made, such as \
             studious-runs/NAME, or study/NAME for a study in a cluster",
            path.display()
        );
    };
    if !folder.ledger().exists() {
        bail!(
            "{}: ledger.sqlite is missing. `studious run` with the same study rebuilds it from the trials' folders",
            path.display()
        );
    }
    let name = study.metadata.name.unwrap_or_default();
    let plan = Plan::new(&name, &study.spec).map_err(|violations| {
        anyhow::anyhow!(
            "{}: {}",
            folder.study_file().display(),
            violations.first().map_or_else(String::new, ToString::to_string)
        )
    })?;
    let ledger = Ledger::open_to_read(folder.ledger()).await?;
    let rows = ledger.trials(&name).await.context("can't read the trials")?;
    let mut records: BTreeMap<String, TrialRecord> =
        ledger.records(&name, wanted).await?.into_iter().map(|record| (record.name.clone(), record)).collect();
    ledger.close().await;
    let is_running = folder.is_running();
    let known: Vec<TrialState> = rows.iter().map(TrialRow::trial_state).collect();
    let (state, message) = standing(&plan, &known, is_running);
    let trials = rows
        .into_iter()
        .filter_map(|row| {
            let record = records.remove(&row.name)?;
            Some(LoadedTrial {
                record,
                phase: row.state.phase,
                message: row.state.message.unwrap_or_default(),
                so_far: row.state.objective,
                attempt: row.state.attempt,
                is_interrupted: !is_running && row.state.phase == TrialPhase::Running,
            })
        })
        .collect();
    let status = format!("{state:?}: {message}");
    Ok(LoadedStudy { plan, trials, state: Some(state), status, without_curves: None }.in_order_of_rounds())
}

/// Where the study of a folder stands, and the same in a sentence. A run reports itself when its study has ended.
pub(super) fn standing(plan: &Plan, states: &[TrialState], is_running: bool) -> (StudyState, String) {
    let counts = trial::counts(plan.total_trials(), states.iter().map(|state| state.phase));
    let progress = format!("{} of {} trials have ended", counts.ended(), counts.total);
    let end = if is_running { None } else { study::ended(plan, states.iter().cloned()) };
    match end {
        Some(end) => (end.phase.into(), end.message),
        None if is_running => (StudyState::Running, progress),
        None => (StudyState::Interrupted, format!("{progress}; run it again to resume")),
    }
}
