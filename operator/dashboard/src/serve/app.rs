//! What answers share: the source, the gate, and what was last read of each study.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::extract::State;
use studious_playbook::Plan;

use super::{
    analysis::Analyses,
    gate::Gate,
    source::{SourceError, StudyKey, StudySource, StudySummary, TrialSummary},
};

/// Studies whose trials are kept as they were last read.
const MOST_KEPT: usize = 32;

/// A study as it was at one version.
pub struct StudySnapshot {
    /// The version.
    pub version: String,
    /// At a glance.
    pub head: StudySummary,
    /// Checked; nothing when it is refused.
    pub plan: Option<Arc<Plan>>,
    /// What is wrong with it.
    pub violations: Vec<String>,
    /// Its trials, in the order of rounds, by index within each.
    pub trials: Vec<TrialSummary>,
}

/// What answers share.
pub struct App<S, G> {
    pub source: Arc<S>,
    pub gate: G,
    pub analyses: Arc<Analyses>,
    shown: Mutex<HashMap<StudyKey, Kept>>,
}

/// [`App`] as a handler extracts it.
pub(super) type AppState<S, G> = State<Arc<App<S, G>>>;

#[derive(Default)]
struct Kept {
    /// Held by the reader, so that ten who look at once read once.
    latest: Arc<tokio::sync::Mutex<Option<Arc<StudySnapshot>>>>,
    used: Option<Instant>,
}

impl<S: StudySource, G: Gate> App<S, G> {
    pub fn new(source: S, gate: G) -> Self {
        Self { source: Arc::new(source), gate, analyses: Arc::default(), shown: Mutex::default() }
    }

    /// A study with its trials, read again only when something has changed.
    pub async fn shown(&self, key: &StudyKey) -> Result<Option<Arc<StudySnapshot>>, SourceError> {
        let Some(version) = self.source.version(key).await? else {
            self.shown.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
            return Ok(None);
        };
        let latest = self.slot(key);
        let mut latest = latest.lock().await;
        if let Some(shown) = latest.as_ref().filter(|shown| shown.version == version) {
            return Ok(Some(shown.clone()));
        }
        let Some(head) = self.source.study(key).await? else { return Ok(None) };
        let known = latest.as_ref().filter(|shown| shown.head.spec == head.spec);
        let (plan, violations) = match known {
            Some(shown) => (shown.plan.clone(), shown.violations.clone()),
            None => match Plan::new(&head.study_name, &head.spec) {
                Ok(plan) => (Some(Arc::new(plan)), Vec::new()),
                Err(violations) => (None, violations.iter().map(ToString::to_string).collect()),
            },
        };
        let trials = self.source.trials(key).await?;
        let shown = Arc::new(StudySnapshot { version, head, plan, violations, trials });
        *latest = Some(shown.clone());
        Ok(Some(shown))
    }

    fn slot(&self, key: &StudyKey) -> Arc<tokio::sync::Mutex<Option<Arc<StudySnapshot>>>> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.len() >= MOST_KEPT && !shown.contains_key(key) {
            let oldest = shown.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                shown.remove(&oldest);
            }
        }
        let kept = shown.entry(key.clone()).or_default();
        kept.used = Some(Instant::now());
        kept.latest.clone()
    }
}
