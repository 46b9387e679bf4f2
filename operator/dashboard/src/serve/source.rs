//! Where what is shown comes from: folders of local runs, or a cluster's objects and ledger. Both say the same things in
//! the same words, so that there is one API and one set of pages.

use std::{cmp::Ordering, collections::BTreeMap, future::Future, sync::Arc};

use schemars::JsonSchema;
use serde::Serialize;
use studious_api::{
    Hyperparameters, StudySpec, TrialSpec,
    study::{BestTrial, StudyPhase, TrialCounts},
    trial::TrialPhase,
};
use studious_playbook::{
    Millis,
    record::{CurveSelection, TrialRecord},
    trial::Ranked,
};

/// Which study.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StudyKey {
    /// Its namespace; `local` for a folder.
    pub namespace: String,
    /// Its name; the folder's for a folder.
    pub name: String,
}

/// Where a study stands.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum StudyState {
    /// Nothing has been started.
    Pending,
    /// Refused.
    Invalid,
    /// Trials run.
    Running,
    /// `spec.suspend` is true.
    Paused,
    /// A local run that was left before its end; it continues when it is run again.
    Interrupted,
    /// Every trial of every round has ended.
    Completed,
    /// Stopped before its end.
    Failed,
}

impl From<StudyPhase> for StudyState {
    fn from(phase: StudyPhase) -> Self {
        match phase {
            StudyPhase::Pending => Self::Pending,
            StudyPhase::Invalid => Self::Invalid,
            StudyPhase::Running => Self::Running,
            StudyPhase::Paused => Self::Paused,
            StudyPhase::Completed => Self::Completed,
            StudyPhase::Failed => Self::Failed,
        }
    }
}

impl StudyState {
    /// Whether nothing more will happen by itself.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Invalid | Self::Interrupted | Self::Completed | Self::Failed)
    }
}

/// A study at a glance.
#[derive(Clone, Debug)]
pub struct StudySummary {
    /// Which.
    pub key: StudyKey,
    /// The name by which its trials are called. A local folder may have another.
    pub study_name: String,
    /// As it was given.
    pub spec: Arc<StudySpec>,
    /// Its labels, shown as tags.
    pub labels: BTreeMap<String, String>,
    /// Where it stands.
    pub standing: StudyState,
    /// Why, in a sentence.
    pub message: String,
    /// The round that runs, or ran last.
    pub round: Option<String>,
    /// Its trials.
    pub counts: TrialCounts,
    /// The best trial so far, with what retraining showed of it.
    pub best: Option<BestTrial>,
    /// When it was first seen.
    pub created: Option<Millis>,
    /// When it changed last.
    pub changed: Option<Millis>,
}

/// A trial at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialSummary {
    /// Its name.
    pub name: String,
    /// Its round.
    pub round: String,
    /// Number within the round, from 0.
    pub index: u32,
    /// The step budget of its round.
    pub max_train_steps: u64,
    /// The point.
    pub hyperparameters: Hyperparameters,
    /// Where it stands.
    pub phase: TrialPhase,
    /// Why, in a word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// The objective; so far, of one that hasn't ended.
    pub objective: Option<f64>,
    /// The step of that objective.
    pub best_step: Option<u64>,
    /// Other metrics at that step: those that constraints bound.
    pub metrics: BTreeMap<String, f64>,
    /// The current attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// Attempts lost to preemption, eviction or a lost node.
    pub disruptions: u32,
    /// When the first attempt began.
    pub started: Option<Millis>,
    /// When it ended.
    pub ended: Option<Millis>,
    /// The last value of every metric of host 0, `step` among them.
    pub latest: BTreeMap<String, f64>,
}

impl Ranked for TrialSummary {
    fn round(&self) -> &str {
        &self.round
    }

    fn phase(&self) -> TrialPhase {
        self.phase
    }

    fn objective(&self) -> Option<f64> {
        self.objective.filter(|objective| self.phase == TrialPhase::Succeeded && objective.is_finite())
    }

    fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.get(name).copied()
    }

    fn tie_break(&self, other: &Self) -> Ordering {
        self.index.cmp(&other.index)
    }
}

/// A trial in full, without curves.
#[derive(Clone, Debug)]
pub struct TrialDetail {
    /// At a glance.
    pub head: TrialSummary,
    /// Everything needed to run it again.
    pub spec: TrialSpec,
    /// As data, with what its hosts reported. Its curves may be left out.
    pub record: TrialRecord,
    /// What each attempt that has ended said, by number.
    pub attempt_messages: BTreeMap<u32, String>,
    /// Lines of `metrics.jsonl` that could not be read.
    pub malformed: u64,
    /// Commands that show more of it or run it again: what for, and the command.
    pub commands: Vec<(String, String)>,
    /// The end of what its trainer printed, where that is at hand.
    pub output: Option<String>,
}

/// Something that Kubernetes or the operator said about a trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct KubernetesEvent {
    /// When.
    pub at: Option<Millis>,
    /// `Normal` or `Warning`.
    pub severity: String,
    /// In a word.
    pub reason: String,
    /// In a sentence.
    pub message: String,
    /// The object: `Job/digits-explore-0007-a1`.
    pub object: String,
    /// How often.
    pub count: u32,
}

/// What kind of backend is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum Backend {
    /// Folders of local runs.
    Local,
    /// A Kubernetes cluster.
    Kubernetes,
}

/// Why something can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is there, but can't be read.
    #[error("{what} can't be read: {why}")]
    Unreadable {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
}

impl SourceError {
    /// Something that can't be read.
    pub fn unreadable(what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Unreadable { what: what.into(), why: why.to_string() }
    }
}

/// Where what is shown comes from.
pub trait StudySource: Send + Sync + 'static {
    /// What kind of backend it is.
    fn backend(&self) -> Backend;

    /// All studies, in no order.
    fn studies(&self) -> impl Future<Output = Result<Vec<StudySummary>, SourceError>> + Send;

    /// One study, if it is there.
    fn study(&self, key: &StudyKey) -> impl Future<Output = Result<Option<StudySummary>, SourceError>> + Send;

    /// A word that changes whenever anything that is shown of a study changes; nothing if it isn't there. Cheap: it is
    /// asked every second or two by everybody who looks.
    fn version(&self, key: &StudyKey) -> impl Future<Output = Result<Option<String>, SourceError>> + Send;

    /// The trials of a study at a glance, in the order of rounds, by index within each.
    fn trials(&self, key: &StudyKey) -> impl Future<Output = Result<Vec<TrialSummary>, SourceError>> + Send;

    /// The trials of a study as data, with the curves that are wanted.
    fn records(
        &self,
        key: &StudyKey,
        wanted: CurveSelection,
    ) -> impl Future<Output = Result<Vec<TrialRecord>, SourceError>> + Send;

    /// One trial, if it is there, with curves of at most so many points.
    fn trial(
        &self,
        key: &StudyKey,
        trial: &str,
        points: usize,
    ) -> impl Future<Output = Result<Option<TrialDetail>, SourceError>> + Send;

    /// What Kubernetes and the operator said about a trial, the latest first.
    fn events(
        &self,
        key: &StudyKey,
        trial: &str,
    ) -> impl Future<Output = Result<Vec<KubernetesEvent>, SourceError>> + Send;
}
