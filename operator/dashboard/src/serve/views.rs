//! The JSON API as types: what each path answers. The pages' TypeScript types are generated from them, see `types_tests`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use studious_api::{
    HyperparameterValue, Hyperparameters, StudySpec,
    study::{Direction, Hyperparameter, RetrainedBest, Role, TrialCounts},
    trial::{TrialPhase, TrialSchedule, TrialSeeds},
};
use studious_playbook::{
    Millis,
    findings::{Checklist, Finding, Verdict},
    plots::Plot,
    record::{AttemptSpan, HostInit, SavedCheckpoint},
};

use super::source::{Backend, KubernetesEvent, StudyState};

/// `/v1/about`: who asks, of what.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct AboutView {
    /// Of Studious.
    pub version: String,
    /// What carries trials out.
    pub fleet: Backend,
    /// The caller's name, if they have one.
    pub user: Option<String>,
}

/// `/v1/studies`.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct StudyList {
    /// The last changed first.
    pub studies: Vec<StudyItem>,
    /// Whether there are more than one answer holds.
    pub more: bool,
}

/// A study in a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct StudyItem {
    pub namespace: String,
    pub name: String,
    pub goal: String,
    pub project: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// Whether its label says that it is out of the way.
    pub archived: bool,
    pub standing: StudyState,
    /// Why, in a sentence.
    pub message: String,
    /// The round that runs, or ran last.
    pub round: Option<String>,
    pub counts: Counts,
    /// Trials that have ended.
    pub ended: u32,
    /// The objective's.
    pub metric: String,
    pub direction: Direction,
    /// The best objective, and its trial.
    pub best: Option<f64>,
    pub best_trial: Option<String>,
    /// What training that trial's point again showed.
    pub retrained: Option<RetrainedBest>,
    /// Nothing before conclusions were drawn.
    pub findings: Option<FindingCounts>,
    /// Milliseconds since the epoch, as all times here.
    pub created: Option<Millis>,
    pub changed: Option<Millis>,
}

/// Trials by phase.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Counts {
    /// In all rounds.
    pub planned: u32,
    /// Created, not yet running.
    pub pending: u32,
    /// Running, or waiting for another attempt.
    pub running: u32,
    pub succeeded: u32,
    pub infeasible: u32,
    pub failed: u32,
    pub stopped: u32,
}

impl From<TrialCounts> for Counts {
    fn from(counts: TrialCounts) -> Self {
        Self {
            planned: counts.total,
            pending: counts.pending,
            running: counts.running,
            succeeded: counts.succeeded,
            infeasible: counts.infeasible,
            failed: counts.failed,
            stopped: counts.stopped,
        }
    }
}

/// Findings by severity, without those that were set aside.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FindingCounts {
    pub problems: usize,
    pub warnings: usize,
}

/// `/v1/namespaces/{namespace}/studies/{name}`: a study without its trials.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct StudyView {
    #[serde(flatten)]
    pub item: StudyItem,
    /// The name by which its trials are called. A local folder may have another.
    pub study_name: String,
    /// Whether nothing more will happen by itself.
    pub settled: bool,
    pub description: Option<String>,
    /// What is wrong with it, if it is refused.
    pub violations: Vec<String>,
    pub rounds: Vec<RoundView>,
    pub fixed: Vec<FixedView>,
    /// The best trial.
    pub best_point: Option<TrialItem>,
    pub hyperparameters: Vec<Hyperparameter>,
    pub columns: TableColumns,
    /// The study as YAML.
    pub yaml: String,
    #[cfg_attr(test, ts(type = "Record<string, unknown>"))]
    pub spec: StudySpec,
}

/// What was planned of a round, and what became of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RoundView {
    pub name: String,
    /// Nothing of a study that is refused.
    pub max_train_steps: Option<u64>,
    pub counts: Counts,
    pub best: Option<f64>,
}

/// A hyperparameter that is held.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FixedView {
    pub name: String,
    pub value: Option<HyperparameterValue>,
    pub because: Option<String>,
}

/// What may be shown of the trials of a study beside what every trial has.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TableColumns {
    pub hyperparameters: Vec<HyperparameterColumn>,
    /// Metrics whose latest value trials have.
    pub latest: Vec<String>,
}

/// A column of a hyperparameter's values.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct HyperparameterColumn {
    pub name: String,
    pub role: Role,
    /// Whether all its values are numbers.
    pub number: bool,
}

/// `…/findings`: what is concluded from a study's trials, and which plots there are.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct FindingsView {
    pub state: FindingsState,
    /// How many trials they were drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<Finding>>,
    /// The answer to the study's goal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checklist: Option<Checklist>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plots: Option<Vec<PlotItem>>,
    /// By what the trials may be judged, the study's own objective first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<ChoiceItem>>,
    /// Why what is concluded by another objective is less sure, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<String>,
}

/// An objective by which the trials may be judged.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ChoiceItem {
    /// What to ask for (`?by=`); empty for the study's own.
    pub by: String,
    pub label: String,
}

/// Whether conclusions are those of the trials as they are now.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum FindingsState {
    /// They are.
    Ready,
    /// They are of an earlier moment, if there are any; newer ones are being drawn.
    Pending,
    /// The study is refused: there are none.
    None,
}

/// A plot of a study by name.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PlotItem {
    pub id: String,
    pub title: String,
    /// What it is drawn from.
    pub subtitle: String,
}

/// `…/trials`: one page of the table.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TrialsPage {
    /// Trials of the study.
    pub total: usize,
    /// Trials that the query matches.
    pub matching: usize,
    /// The row that the page begins with, from 0.
    pub offset: usize,
    pub rows: Vec<TrialItem>,
}

/// A trial in a table. What it doesn't have is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct TrialItem {
    pub name: String,
    pub round: String,
    pub max_train_steps: u64,
    pub phase: TrialPhase,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// So far, of one that hasn't ended; an infeasible trial has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_step: Option<u64>,
    /// The latest step that host 0 reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// From 1; 0 before the first.
    pub attempt: u32,
    /// Attempts that were disrupted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disruptions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Millis>,
    pub hyperparameters: Hyperparameters,
    /// The last value of every metric of host 0.
    pub latest: BTreeMap<String, f64>,
}

/// `…/trials/{trial}`: a trial without its curves.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TrialView {
    #[serde(flatten)]
    pub item: TrialItem,
    pub study: String,
    pub namespace: String,
    pub goal: String,
    pub metric: String,
    pub direction: Direction,
    /// Nothing unless it succeeded.
    pub rank: Option<RankView>,
    pub space: Vec<Hyperparameter>,
    pub schedule: Option<TrialSchedule>,
    pub seeds: TrialSeeds,
    pub hosts: u32,
    /// The latest reports of hosts on how they began.
    pub inits: Vec<InitView>,
    /// The latest checkpoints.
    pub checkpoints: Vec<SavedCheckpoint>,
    pub attempts: Vec<AttemptItem>,
    /// Lines of `metrics.jsonl` that could not be read.
    pub malformed: u64,
    pub commands: Vec<CommandView>,
    /// The end of what its trainer printed, where that is at hand.
    pub output: Option<String>,
    /// A Trial that trains the same again, as YAML.
    pub yaml: String,
    /// Whether nothing more will happen to it.
    pub settled: bool,
}

/// The rank of a trial among those of its round that succeeded.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RankView {
    /// From 1.
    pub place: usize,
    pub of: usize,
}

/// An attempt at a trial.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct AttemptItem {
    #[serde(flatten)]
    pub span: AttemptSpan,
    /// What is said about its end.
    pub message: Option<String>,
    /// What it executed, and on what, as far as that is known.
    pub executed: Vec<FactView>,
}

/// A name and what is known under it.
#[derive(Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FactView {
    pub name: String,
    pub value: String,
}

/// What a host reported of its beginning. What it left out is left out.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(optional_fields))]
pub struct InitView {
    pub attempt: u32,
    pub host: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_seed: Option<u64>,
    /// The step of the checkpoint that it resumed from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored_step: Option<u64>,
}

impl From<HostInit> for InitView {
    fn from(HostInit { attempt, host, init }: HostInit) -> Self {
        Self {
            attempt,
            host,
            parameters_sha256: init.parameters_sha256,
            init_seed: init.init_seed,
            data_seed: init.data_seed,
            restored_step: init.restored_step,
        }
    }
}

/// A command for a shell, and what for.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CommandView {
    pub what: String,
    pub command: String,
}

/// `…/trials/{trial}/plots`: the curves of a trial.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TrialPlots {
    /// One for each metric, the objective first.
    pub plots: Vec<PlotView>,
}

/// A plot with its specification.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PlotView {
    pub id: String,
    pub title: String,
    /// What it is drawn from.
    pub subtitle: String,
    /// Vega-Lite's.
    #[cfg_attr(test, ts(type = "Record<string, unknown>"))]
    pub specification: Value,
}

impl From<Plot> for PlotView {
    fn from(plot: Plot) -> Self {
        Self { id: plot.id, title: plot.title, subtitle: plot.subtitle, specification: plot.specification }
    }
}

/// `…/trials/{trial}/events`: what Kubernetes and the operator said about a trial.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TrialEvents {
    /// The latest first.
    pub events: Vec<KubernetesEvent>,
}

/// `/v1/compare`: trials beside each other.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ComparisonView {
    pub trials: Vec<TrialView>,
    /// One for each metric, with the curves of all trials.
    pub plots: Vec<PlotView>,
}

/// Why there is no answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ErrorView {
    pub error: String,
}
