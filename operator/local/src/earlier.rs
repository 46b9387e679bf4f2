//! Other studies that a study names, in the folders of their runs.

use std::path::Path;

use studious_api::validate::Violation;
use studious_ledger::{Ledger, TrialRow};
use studious_playbook::{
    Plan,
    record::TrialRecord,
    search::{self, EarlierStudy},
};

use crate::{Error, RunFolder};

/// Reads the studies that a search starts from: of `search.startFrom: [{study: NAME}]` the folder `NAME` among `runs`.
///
/// # Errors
/// When a study isn't there, or measured something else; when a folder or its ledger can't be read.
pub async fn earlier_studies(plan: &Plan, runs: &Path) -> Result<Vec<EarlierStudy>, Error> {
    let mut studies = Vec::new();
    let mut wrong = Vec::new();
    for (i, start) in plan.spec().search.start_from.iter().enumerate() {
        let Some((study, _)) = read(&RunFolder::new(runs.join(&start.study)), &start.study).await? else {
            wrong.push(Violation {
                field: format!("spec.search.startFrom[{i}].study"),
                value: start.study.clone(),
                rule: format!("no run of it is in {}", runs.display()),
                fix: "Run it there first, or remove it.".to_owned(),
                code: None,
            });
            continue;
        };
        match search::refusal(plan, &study.name, &study.spec) {
            None => studies.push(study),
            Some(violation) => wrong.push(violation),
        }
    }
    if wrong.is_empty() { Ok(studies) } else { Err(Error::Invalid(wrong)) }
}

/// A study that was run in a folder, with its trials; `None` if none was.
pub(crate) async fn read(folder: &RunFolder, name: &str) -> Result<Option<(EarlierStudy, Vec<TrialRow>)>, Error> {
    let Some(study) = folder.study_with_points()?.filter(|_| folder.ledger().exists()) else { return Ok(None) };
    let ledger = Ledger::open_to_read(folder.ledger()).await?;
    let rows = ledger.trials(study.metadata.name.as_deref().unwrap_or_default()).await;
    ledger.close().await;
    let rows = rows?;
    let trials = rows.iter().map(|row| TrialRecord {
        name: row.name.clone(),
        outcome: row.state.outcome(),
        round: row.spec.round.clone(),
        hyperparameters: row.spec.hyperparameters.clone(),
        metrics: row.state.metrics.clone(),
        ..TrialRecord::default()
    });
    let study = EarlierStudy { name: name.to_owned(), spec: study.spec, trials: trials.collect() };
    Ok(Some((study, rows)))
}
