//! The studies that `search.startFrom` names, in the folders of their runs.

use std::path::Path;

use studious_api::validate::Violation;
use studious_ledger::Ledger;
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
        let folder = RunFolder::new(runs.join(&start.study));
        let study = folder.study_as_run()?.filter(|_| folder.ledger().exists());
        let Some(study) = study else {
            wrong.push(Violation {
                field: format!("spec.search.startFrom[{i}].study"),
                value: start.study.clone(),
                rule: format!("no run of it is in {}", runs.display()),
                mend: "Run it there first, or remove it.".to_owned(),
            });
            continue;
        };
        let ledger = Ledger::open(folder.ledger()).await?;
        let rows = ledger.trials(study.metadata.name.as_deref().unwrap_or_default()).await;
        ledger.close().await;
        let trials = rows?.into_iter().map(|row| TrialRecord {
            name: row.name,
            outcome: row.state.outcome(),
            round: row.spec.round,
            hyperparameters: row.spec.hyperparameters,
            ..TrialRecord::default()
        });
        let study = EarlierStudy { name: start.study.clone(), spec: study.spec, trials: trials.collect() };
        match search::refusal(plan, &study.name, &study.spec) {
            None => studies.push(study),
            Some(violation) => wrong.push(violation),
        }
    }
    if wrong.is_empty() { Ok(studies) } else { Err(Error::Invalid(wrong)) }
}
