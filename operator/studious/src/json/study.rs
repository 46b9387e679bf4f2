//! A study as it stands, and its trials.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use studious_api::{Hyperparameters, study::TrialCounts, trial::TrialPhase};
use studious_dashboard::StudyState;
use studious_playbook::{
    findings::{self, Verdict},
    record::Outcome,
};

use super::Printable;
use crate::source::{LoadedStudy, LoadedTrial};

/// A study as it stands.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StudyDocument {
    /// How it stands.
    #[serde(flatten)]
    pub status: StudyOutline,
    /// The answer to the study's goal, once a trial has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The file of the report, if one was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

/// How a study stands.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StudyOutline {
    /// Its name.
    pub study: String,
    /// What it is to answer.
    pub goal: String,
    /// Where it stands; missing for trials that ran anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<StudyState>,
    /// The same in a sentence.
    pub status: String,
    /// The round that began last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<String>,
    /// How many trials train at this moment.
    pub running: usize,
    /// Trials by phase. Those that wait for another attempt, or for a run that was left to be resumed, count as running.
    pub counts: TrialCounts,
    /// Seconds until it will have ended, by what its trials have taken so far; missing until one has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
    /// When that will be, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<String>,
    /// The best trial, if one has succeeded and satisfies the constraints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<TrialEntry>,
}

/// The trials of a study.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrialsDocument {
    /// How the study stands.
    #[serde(flatten)]
    pub status: StudyOutline,
    /// Its trials: the latest round's first, the best first within each.
    pub trials: Vec<TrialEntry>,
    /// How many trials more there are, beyond --limit.
    pub omitted: usize,
}

/// A trial as it stands.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrialEntry {
    /// Its name.
    pub name: String,
    /// Its round.
    pub round: String,
    /// Where it stands.
    pub phase: TrialPhase,
    /// Whether its run was left while it trained: it resumes with the next run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Why, in a word; missing for a trial that succeeded or has not ended.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why, in a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The objective of a trial that succeeded, or the best so far of one that has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
    /// The step of that objective, of a trial that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// Whether it satisfies the study's constraints, where it has some and the trial succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub satisfies_constraints: Option<bool>,
    /// The metrics that constraints bound, at that step.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// The number of its attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// Its point.
    pub hyperparameters: Hyperparameters,
}

impl Printable for StudyDocument {
    const KIND: &'static str = "Study";
}

impl Printable for TrialsDocument {
    const KIND: &'static str = "Trials";
}

impl StudyOutline {
    pub(crate) fn new(study: &LoadedStudy) -> Self {
        let left = study.time_left();
        let at = left.and_then(|left| jiff::Timestamp::now().checked_add(left).ok());
        Self {
            study: study.plan.name().to_owned(),
            goal: study.plan.spec().goal.clone(),
            phase: study.state,
            status: study.status.clone(),
            round: study.round().map(str::to_owned),
            running: study.running(),
            counts: study.counts(),
            seconds_left: left.map(|left| left.as_secs()),
            eta: at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            best: study.best().map(|trial| TrialEntry::new(study, trial)),
        }
    }
}

impl StudyDocument {
    /// The study with its answer.
    pub(crate) fn new(study: &LoadedStudy) -> Self {
        let records = study.expected();
        let verdict = (!records.is_empty()).then(|| {
            let findings = findings::findings(&study.plan, &records);
            let checklist = findings::checklist(&study.plan, &records, &findings);
            findings::verdict(&study.plan, &records, &checklist)
        });
        Self { status: StudyOutline::new(study), verdict, report: None }
    }
}

impl TrialsDocument {
    /// The trials, the best first, at most `limit` of them.
    pub(crate) fn new(study: &LoadedStudy, limit: usize) -> Self {
        let sorted = study.best_first();
        let omitted = sorted.len().saturating_sub(limit);
        let trials = sorted.into_iter().take(limit).map(|trial| TrialEntry::new(study, trial)).collect();
        Self { status: StudyOutline::new(study), trials, omitted }
    }
}

impl TrialEntry {
    pub(crate) fn new(study: &LoadedStudy, trial: &LoadedTrial) -> Self {
        let constraints = &study.plan.spec().constraints;
        let reason = match &trial.record.outcome {
            Outcome::Infeasible { reason } | Outcome::Failed { reason } | Outcome::Stopped { reason } => {
                reason.as_str()
            }
            Outcome::Pending | Outcome::Succeeded { .. } => "",
        };
        let bounded = constraints.iter().filter_map(|constraint| {
            let value = trial.record.metric(&constraint.metric)?;
            Some((constraint.metric.clone(), value))
        });
        let judged = !constraints.is_empty() && trial.objective().is_some();
        Self {
            name: trial.record.name.clone(),
            round: trial.record.round.clone(),
            phase: trial.phase,
            interrupted: trial.is_interrupted,
            reason: reason.to_owned(),
            message: trial.message.clone(),
            objective: trial.objective().or(trial.so_far).filter(|objective| objective.is_finite()),
            step: trial.step(),
            satisfies_constraints: judged.then(|| study.satisfies(trial)),
            metrics: bounded.collect(),
            attempt: trial.attempt,
            hyperparameters: trial.record.hyperparameters.clone(),
        }
    }
}
