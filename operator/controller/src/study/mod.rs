//! Studies: observe → validate → decide → apply → status.

mod apply;
mod early;
mod findings;
mod known;
mod observe;
mod points;
mod reconcile;
mod status;
mod suggest;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::Timestamp;
use studious_api::{StudyStatus, validate::Violation};
use studious_playbook::{Plan, PlannedTrial, search::Taken, study::Trace};

pub(crate) use observe::record;
pub(crate) use reconcile::{error_policy, reconcile};

use crate::status::Written;

/// What is remembered of a study beside what the cluster shows.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The generation that was checked, and what it came to.
    plan: Option<(Option<i64>, Checked)>,
    /// Points that were taken of another study.
    taken: Option<Taken>,
    /// Trials that were made and that the cache doesn't show yet, and when.
    made: BTreeMap<String, (PlannedTrial, Timestamp)>,
    /// Whether the Service is there.
    has_service: bool,
    /// What was written last.
    written: Option<Written<StudyStatus>>,
    /// When.
    written_at: Option<Timestamp>,
    /// What was found last.
    findings: Option<Arc<findings::Found>>,
    /// What is known of its trials.
    known: known::Known,
    /// Trials that were told to stop.
    stopped: BTreeSet<String>,
    /// Points that results choose.
    suggestions: suggest::Suggestions,
    /// Evaluations of ended trials by their uid, of a study that ends trials early.
    traces: HashMap<String, Arc<Trace>>,
}

/// What checking a study came to.
type Checked = Arc<Result<Plan, Vec<Violation>>>;

#[cfg(test)]
impl Memory {
    /// As if the status had been written long ago.
    pub(crate) fn forget_when_written(&mut self) {
        self.written_at = None;
    }

    /// As if the status had been written two seconds ago.
    pub(crate) fn just_written(&mut self) {
        self.written_at = Some(Timestamp::now() - jiff::SignedDuration::from_secs(2));
    }
}
