//! Studies: observe → plan → apply → report.

mod apply;
mod early;
mod findings;
mod known;
mod observe;
mod plan;
mod points;
mod reconcile;
mod report;
mod suggest;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Deref,
    sync::Arc,
};

use jiff::Timestamp;
use studious_api::{StudyStatus, validate::Violation};
use studious_playbook::{Plan, PlannedTrial, search::Taken, study::Trace};
use tokio::sync::Semaphore;

pub(crate) use observe::record;

use crate::{context::Context, memory::Memories, status::Written};

/// What looks at studies.
pub(crate) struct StudyReconciler {
    pub(crate) context: Arc<Context>,
    pub(crate) memories: Arc<Memories<StudyMemory>>,
    /// Turns to choose points: it takes a core for as long as it lasts.
    pub(crate) suggesting: Semaphore,
    /// One turn to work findings out: their curves take memory.
    pub(crate) finding: Semaphore,
}

impl Deref for StudyReconciler {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

/// What is cached of a study beside what the cluster shows.
#[derive(Debug, Default)]
pub(crate) struct StudyMemory {
    /// The generation that was checked, and what it came to.
    plan: Option<(Option<i64>, Checked)>,
    /// Points that were taken of another study.
    taken: Option<Taken>,
    /// Trials that were made and that the cache doesn't show yet, and when.
    made: BTreeMap<String, (PlannedTrial, Timestamp)>,
    /// Whether the Service is there.
    has_service: bool,
    /// The status that was written last.
    written: Option<Written<StudyStatus>>,
    /// How often this process has written it.
    writes: u32,
    /// What was found last.
    findings: Option<Arc<findings::FoundSoFar>>,
    /// Whether that is being worked out anew.
    finds: bool,
    /// What is known of its trials.
    known: known::KnownTrials,
    /// Trials that were asked to stop, by uid.
    stopped: BTreeSet<String>,
    /// Points that results choose.
    suggestions: suggest::SuggestedPoints,
    /// Evaluations of ended trials by their uid, of a study that ends trials early.
    traces: HashMap<String, Arc<Trace>>,
}

/// What checking a study came to.
type Checked = Arc<Result<Plan, Vec<Violation>>>;
