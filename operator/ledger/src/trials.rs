//! Studies and trials as rows.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use studious_api::{
    Hyperparameters, StudySpec, TrialSpec,
    trial::{AttemptOutcome, Provenance, TrialPhase},
};
use studious_playbook::{
    Millis,
    decide::{PastAttempt, PastAttempts},
    record::{AttemptSpan, Outcome},
    trial::{Reason, SilentFailures, TrialKey, TrialState, sort_by_round},
};

use crate::{
    Ledger, LedgerError,
    store::{ReadTransaction, StudyColumns, TrialColumns},
};

/// A study.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyRow {
    /// The object's uid; locally the study's name.
    pub uid: String,
    /// Its namespace; locally empty.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// As it was given.
    pub spec: StudySpec,
    /// When it was first seen. Kept when the study is put in again.
    pub created: Millis,
}

/// A trial.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialRow {
    /// The object's uid; locally the trial's name.
    pub uid: String,
    /// The uid of its study.
    pub study: String,
    /// Its name.
    pub name: String,
    /// Everything needed to run it.
    pub spec: TrialSpec,
    /// Where it stands.
    pub state: RunState,
}

/// Where a trial stands: what a runner needs to continue after a restart.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunState {
    /// Where it stands.
    pub phase: TrialPhase,
    /// Why, in a word.
    pub reason: Option<String>,
    /// Why, in a sentence.
    pub message: Option<String>,
    /// The objective of one that succeeded; of another the best so far, if any. Always finite.
    pub objective: Option<f64>,
    /// The step of that objective.
    pub best_step: Option<u64>,
    /// The metrics that constraints bound, at that step; one that was not reported by then is missing.
    pub metrics: BTreeMap<String, f64>,
    /// The current attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// Attempts that have ended.
    pub attempts: Vec<Attempt>,
    /// Of one that waits for another attempt: from when it may begin.
    pub retry_at: Option<Millis>,
    /// When the first attempt began.
    pub start_time: Option<Millis>,
    /// When the current attempt began.
    pub attempt_start_time: Option<Millis>,
    /// When the trial ended.
    pub end_time: Option<Millis>,
    /// What its latest attempt executed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
}

/// An attempt that has ended.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// In a sentence.
    pub message: String,
    /// When it began.
    #[serde(default)]
    pub start_time: Option<Millis>,
    /// When it ended.
    #[serde(default)]
    pub end_time: Option<Millis>,
    /// The step that the trial had reached by then.
    #[serde(default)]
    pub step: Option<u64>,
    /// The next attempt restores no checkpoint beyond this step: evaluations after it were lost, and are made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_at_most: Option<u64>,
    /// Exit code and last line of a trainer that failed before the trial wrote a line of metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_failure: Option<String>,
    /// What it executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
}

impl RunState {
    /// What its attempts that have ended come to.
    #[must_use]
    pub fn past(&self) -> PastAttempts {
        PastAttempts::of(self.attempts.iter().map(|attempt| PastAttempt {
            outcome: attempt.outcome,
            has_trained: attempt.start_time.is_some(),
            step: attempt.step,
            restore_at_most: attempt.restore_at_most,
        }))
    }

    /// Its attempts in time, the running one included. Processes here start when they are asked for: nothing is queued.
    #[must_use]
    pub fn spans(&self) -> Vec<AttemptSpan> {
        let ended = self.attempts.iter().map(|attempt| AttemptSpan {
            number: attempt.number,
            queued: None,
            started: attempt.start_time,
            ended: attempt.end_time,
            outcome: Some(attempt.outcome),
            provenance: attempt.provenance.clone(),
        });
        let mut spans: Vec<AttemptSpan> = ended.collect();
        let under_way = self.phase == TrialPhase::Running && spans.iter().all(|span| span.number != self.attempt);
        if under_way {
            let started = self.attempt_start_time;
            let provenance = self.provenance.clone();
            let number = self.attempt;
            spans.push(AttemptSpan { number, queued: None, started, ended: None, outcome: None, provenance });
        }
        spans
    }

    /// The trial with this key and point as far as decisions go. An objective is a result only once it succeeded.
    #[must_use]
    pub fn trial_state(&self, key: TrialKey, hyperparameters: Hyperparameters) -> TrialState {
        let succeeded = self.phase == TrialPhase::Succeeded;
        TrialState {
            key,
            hyperparameters,
            phase: self.phase,
            reason: self.reason.as_deref().map(Reason::from),
            objective: self.objective.filter(|_| succeeded),
            step: self.best_step.filter(|_| succeeded),
            metrics: self.metrics.clone(),
            attempt: self.attempt,
            retry_at: self.retry_at,
            silent: SilentFailures::of(
                self.attempts.iter().map(|attempt| (attempt.outcome, attempt.silent_failure.as_deref())),
            ),
        }
    }

    /// How the trial ended, as reports and findings read it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let reason = self.reason.as_deref().map(Reason::from);
        Outcome::of(self.phase, reason.as_ref(), self.objective, self.best_step)
    }
}

impl TrialRow {
    /// As far as decisions go.
    #[must_use]
    pub fn trial_state(&self) -> TrialState {
        self.state.trial_state(TrialKey::of(&self.spec), self.spec.hyperparameters.clone())
    }
}

impl Ledger {
    /// Puts a study in, or its changed spec.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn upsert_study(&self, study: &StudyRow) -> Result<(), LedgerError> {
        self.database.health.observe(self.put_study(study).await)
    }

    async fn put_study(&self, study: &StudyRow) -> Result<(), LedgerError> {
        let columns = StudyColumns {
            uid: study.uid.clone(),
            namespace: study.namespace.clone(),
            name: study.name.clone(),
            spec: to_json("spec", &study.uid, &study.spec)?,
            created: study.created,
        };
        let mut write = self.database.write().await?;
        write.upsert_study(&columns).await?;
        Ok(write.commit().await?)
    }

    /// All studies, by namespace and name.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn studies(&self) -> Result<Vec<StudyRow>, LedgerError> {
        self.database.read().await?.studies().await?.into_iter().map(study_row).collect()
    }

    /// A study by its uid.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn study(&self, uid: &str) -> Result<Option<StudyRow>, LedgerError> {
        self.database.read().await?.study(uid).await?.map(study_row).transpose()
    }

    /// Puts a trial in, or its changed spec and state. Measurements stay.
    ///
    /// # Errors
    /// [`LedgerError::UnknownStudy`] when its study isn't there, or when the database can't be written.
    pub async fn upsert_trial(&self, trial: &TrialRow) -> Result<(), LedgerError> {
        self.database.health.observe(self.put_trial(trial).await)
    }

    async fn put_trial(&self, trial: &TrialRow) -> Result<(), LedgerError> {
        let template = to_json("template", &trial.uid, &*trial.spec.template)?;
        let without_template = TrialSpec { template: Arc::default(), ..trial.spec.clone() };
        let mut columns = TrialColumns {
            uid: trial.uid.clone(),
            study: trial.study.clone(),
            name: trial.name.clone(),
            spec: to_json("spec", &trial.uid, &without_template)?,
            state: to_json("state", &trial.uid, &trial.state)?,
            template: None,
        };
        let spec = &trial.spec;
        let mut write = self.database.write().await?;
        columns.template = write.template(&trial.study, &template).await?;
        if columns.template.is_none()
            || !write.upsert_trial(&columns, &spec.round, spec.index, &spec.objective.metric).await?
        {
            write.roll_back().await?;
            return Err(LedgerError::UnknownStudy { study: trial.study.clone() });
        }
        Ok(write.commit().await?)
    }

    /// Writes where a trial stands; its spec stays as it was put in.
    ///
    /// # Errors
    /// [`LedgerError::UnknownTrial`] when the trial isn't there, or when the database can't be written.
    pub async fn update_state(&self, trial: &str, state: &RunState) -> Result<(), LedgerError> {
        self.database.health.observe(self.put_state(trial, state).await)
    }

    async fn put_state(&self, trial: &str, state: &RunState) -> Result<(), LedgerError> {
        let state = to_json("state", trial, state)?;
        let mut write = self.database.write_once().await?;
        if !write.update_state(trial, &state).await? {
            write.roll_back().await?;
            return Err(LedgerError::UnknownTrial { trial: trial.to_owned() });
        }
        Ok(write.commit().await?)
    }

    /// The trials of a study: in the order of rounds, by index within each.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn trials(&self, study: &str) -> Result<Vec<TrialRow>, LedgerError> {
        trials_of(&mut self.database.read().await?, study).await
    }

    /// A trial by its uid.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn trial(&self, uid: &str) -> Result<Option<TrialRow>, LedgerError> {
        let mut read = self.database.read().await?;
        let Some(trial) = read.trial(uid).await? else { return Ok(None) };
        let templates = templates_of(&mut read, &trial.study).await?;
        trial_row(trial, &templates).map(Some)
    }

    /// Deletes a study with its trials and all that was measured. Says whether there was one.
    ///
    /// Each attempt's rows go in a transaction of their own, so that other studies' batches needn't wait for all.
    ///
    /// # Errors
    /// When the database can't be written. What is left goes with the next call.
    pub async fn delete_study(&self, uid: &str) -> Result<bool, LedgerError> {
        let streams = self.database.read().await?.streams_of_study(uid).await?;
        for stream in streams {
            let mut write = self.database.write_once().await?;
            write.delete_stream(stream).await?;
            write.commit().await?;
        }
        let mut write = self.database.write_once().await?;
        let was_there = write.delete_study(uid).await?;
        write.commit().await?;
        Ok(was_there)
    }
}

pub(crate) async fn trials_of(read: &mut ReadTransaction, study: &str) -> Result<Vec<TrialRow>, LedgerError> {
    let templates = templates_of(read, study).await?;
    let trials = read.trials(study).await?.into_iter().map(|trial| trial_row(trial, &templates));
    let mut trials = trials.collect::<Result<Vec<_>, _>>()?;
    if let Some(spec) = spec_of(read, study).await? {
        sort_by_round(&spec, &mut trials, |trial| &trial.spec.round);
    }
    Ok(trials)
}

/// The spec of a study, which has the order of rounds.
pub(crate) async fn spec_of(read: &mut ReadTransaction, study: &str) -> Result<Option<StudySpec>, LedgerError> {
    read.study(study).await?.map(|study| from_json("spec", &study.uid, &study.spec)).transpose()
}

fn study_row(study: StudyColumns) -> Result<StudyRow, LedgerError> {
    let StudyColumns { uid, namespace, name, spec, created } = study;
    let spec = from_json("spec", &uid, &spec)?;
    Ok(StudyRow { uid, namespace, name, spec, created })
}

type Templates = BTreeMap<i64, Arc<PodTemplateSpec>>;

/// The pod templates of a study, each read once: its trials share them.
async fn templates_of(read: &mut ReadTransaction, study: &str) -> Result<Templates, LedgerError> {
    let templates = read.templates(study).await?;
    templates.into_iter().map(|(id, json)| Ok((id, Arc::new(from_json("template", study, &json)?)))).collect()
}

fn trial_row(trial: TrialColumns, templates: &Templates) -> Result<TrialRow, LedgerError> {
    let TrialColumns { uid, study, name, spec, state, template } = trial;
    let mut spec: TrialSpec = from_json("spec", &uid, &spec)?;
    if let Some(id) = template {
        spec.template = templates.get(&id).cloned().ok_or_else(|| LedgerError::Corrupt {
            what: "template",
            object: uid.clone(),
            problem: format!("there is no template {id}"),
        })?;
    }
    let state = from_json("state", &uid, &state)?;
    Ok(TrialRow { uid, study, name, spec, state })
}

fn to_json(what: &'static str, object: &str, value: &impl Serialize) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|source| LedgerError::Unwritable { what, object: object.to_owned(), source })
}

pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, object: &str, text: &str) -> Result<T, LedgerError> {
    serde_json::from_str(text).map_err(|error| LedgerError::Corrupt {
        what,
        object: object.to_owned(),
        problem: error.to_string(),
    })
}
