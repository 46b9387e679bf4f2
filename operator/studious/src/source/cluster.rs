//! A study of a Kubernetes cluster: its trials from the API server, their curves from the operator.

use std::collections::BTreeMap;

use anyhow::anyhow;
use studious_api::{Study, Trial, labels, study::StudyPhase, trial::TrialPhase};
use studious_dashboard::StudyState;
use studious_playbook::{
    Plan,
    record::{CurveSelection, Outcome, TrialRecord},
    search::Taken,
    trial::Reason,
};

use super::{LoadedStudy, LoadedTrial};
use crate::{
    client::{ClusterArguments, ClusterClient},
    output,
};

/// Reads a study of a cluster.
pub(super) async fn load(
    cluster: &ClusterArguments,
    name: &str,
    wanted: CurveSelection,
) -> anyhow::Result<LoadedStudy> {
    let client = ClusterClient::connect(cluster).await?;
    let study = client.study(name).await?;
    let mut trials = client.trials(name).await?;
    let taken = study.metadata.annotations.as_ref().and_then(|all| all.get(labels::POINTS));
    let taken = taken.and_then(|text| Taken::read(text, study.metadata.uid.as_deref()?, &study.spec));
    let plan = Plan::new(name, &taken.map_or_else(|| study.spec.clone(), |taken| taken.listed_in(&study.spec)))
        .map_err(|violations| anyhow!("{}", violations.first().map_or_else(String::new, ToString::to_string)))?;
    let (records, without_curves) = match client.records(name, wanted).await {
        Ok(records) => (records, None),
        Err(error) => (Vec::new(), Some(format!("the operator's curves can't be read: {}", output::in_words(&error)))),
    };
    let curves = records.into_iter().map(|record| (record.name.clone(), record)).collect();
    trials.sort_by_key(|trial| trial.spec.index);
    let trials = trials.into_iter().map(|trial| of_object(trial, &curves)).collect();
    let state = study.status.as_ref().map_or(StudyState::Pending, |status| status.phase.into());
    let status = status(&study);
    Ok(LoadedStudy { plan, trials, state: Some(state), status, without_curves }.in_order_of_rounds())
}

/// A trial by what the operator says about it.
fn of_object(trial: Trial, curves: &BTreeMap<String, TrialRecord>) -> LoadedTrial {
    let name = trial.metadata.name.unwrap_or_default();
    let status = trial.status.unwrap_or_default();
    let reason = status.reason.as_deref().map(Reason::from);
    let outcome = Outcome::of(status.phase, reason.as_ref(), status.objective, status.best_step);
    // What its hosts reported is the operator's to say; how it stands, the object's.
    let reported = curves.get(&name).cloned().unwrap_or_default();
    // Of a trial that has just begun the operator knows sooner than its object.
    let is_under_way = reported.attempts.iter().any(|attempt| attempt.ended.is_none());
    let phase = match status.phase {
        TrialPhase::Pending if is_under_way => TrialPhase::Running,
        phase => phase,
    };
    LoadedTrial {
        record: TrialRecord {
            round: trial.spec.round,
            hyperparameters: trial.spec.hyperparameters,
            outcome,
            metrics: status.metrics,
            name,
            ..reported
        },
        phase,
        message: status.message.unwrap_or_default(),
        so_far: status.objective,
        attempt: status.attempt.unwrap_or_default(),
        is_interrupted: false,
    }
}

fn status(study: &Study) -> String {
    let Some(status) = &study.status else { return "the operator hasn't seen it yet".to_owned() };
    let done = status.done.as_deref().map(|done| format!(", {done} trials have ended")).unwrap_or_default();
    // The message of a study that failed is as worth reading as that of one that completed.
    let has_ended = matches!(status.phase, StudyPhase::Completed | StudyPhase::Failed);
    match status.conditions.iter().find(|c| c.type_ == "Complete" && has_ended) {
        Some(condition) if !condition.message.is_empty() => format!("{:?}: {}", status.phase, condition.message),
        _ => format!("{:?}{done}", status.phase),
    }
}
