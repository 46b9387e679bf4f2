//! What is concluded from a study's trials, kept until they change: reading ten thousand trials' curves takes seconds, so
//! it is done beside the answers, for one study at a time, and not again at once while a study runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use studious_playbook::{
    Plan,
    findings::{self, Checklist, Finding, Severity, Verdict},
    plots,
    record::{CurveSelection, TrialRecord},
    rejudge::{self, By, ObjectiveChoice, RejudgeError},
    rounds,
};
use tokio::sync::{Notify, Semaphore};

use super::{
    source::{SourceError, StudyKey, StudySource},
    views::{ChoiceItem, FindingCounts, FindingsState, FindingsView, PlotItem},
};

/// Points of each curve that is looked at: whole curves, where a study's fit into memory.
fn points(trials: usize) -> usize {
    const OF_A_METRIC: usize = 4_000_000;
    (OF_A_METRIC / trials.max(1)).clamp(400, WHOLE)
}

/// Points of a curve that is looked at whole.
const WHOLE: usize = 20_000;
/// Studies whose conclusions are kept.
const MOST_KEPT: usize = 32;
/// How long an answer waits for conclusions that are being drawn.
const PATIENCE: Duration = Duration::from_millis(400);
/// While a study runs, conclusions are drawn again after this, and after so many times what drawing them took.
const REST: Duration = Duration::from_secs(2);
const RESTS: u32 = 10;

/// A plot, its specification written down.
pub struct Picture {
    /// Its name.
    pub id: String,
    /// What is seen.
    pub title: String,
    /// What it is drawn from.
    pub subtitle: String,
    /// A Vega-Lite specification as JSON.
    pub specification: axum::body::Bytes,
}

/// Whose conclusions are asked for, and by what its trials are judged.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct AnalysisKey {
    /// The study.
    pub study: StudyKey,
    /// As [`By`] reads it; empty for the study's own objective.
    pub by: String,
}

impl AnalysisKey {
    /// By the study's own objective.
    pub fn own(study: &StudyKey) -> Self {
        Self { study: study.clone(), by: String::new() }
    }
}

/// What is concluded from the trials of one moment.
pub struct Analysis {
    /// The version of the study that it was drawn from.
    pub version: String,
    /// How many trials it was drawn from.
    pub trials: usize,
    /// The answer to the study's goal.
    pub verdict: Verdict,
    /// The five questions.
    pub checklist: Checklist,
    /// The most severe first.
    pub findings: Vec<Finding>,
    /// In the order in which they are shown.
    pub pictures: Vec<Picture>,
    /// By what its trials may be judged.
    pub choices: Vec<ObjectiveChoice>,
    /// Why it is less sure than by the study's own objective, if it is.
    pub reservation: Option<String>,
    /// How long it took.
    pub took: Duration,
    made: Instant,
}

impl Analysis {
    /// How many findings deserve attention.
    pub fn counts(&self) -> FindingCounts {
        let of = |severity: Severity| {
            self.findings.iter().filter(|finding| finding.severity == severity && finding.waived.is_none()).count()
        };
        FindingCounts { problems: of(Severity::Problem), warnings: of(Severity::Warning) }
    }

    /// The findings with the names of the plots.
    pub fn view(&self, state: FindingsState) -> FindingsView {
        let plots = self.pictures.iter().map(|picture| PlotItem {
            id: picture.id.clone(),
            title: picture.title.clone(),
            subtitle: picture.subtitle.clone(),
        });
        FindingsView {
            state,
            trials: Some(self.trials),
            findings: Some(self.findings.clone()),
            verdict: Some(self.verdict.clone()),
            checklist: Some(self.checklist.clone()),
            plots: Some(plots.collect()),
            choices: Some(
                self.choices
                    .iter()
                    .map(|choice| ChoiceItem { by: choice.by.clone(), label: choice.label.clone() })
                    .collect(),
            ),
            reservation: self.reservation.clone(),
        }
    }
}

impl FindingsView {
    /// Of a study without conclusions.
    pub fn empty(state: FindingsState) -> Self {
        Self {
            state,
            trials: None,
            findings: None,
            verdict: None,
            checklist: None,
            plots: None,
            choices: None,
            reservation: None,
        }
    }
}

/// What there is of a study's conclusions.
#[derive(Clone)]
pub enum Concluded {
    /// All of them.
    Ready(Arc<Analysis>),
    /// Those of an earlier moment, if any; newer ones are being drawn.
    Pending(Option<Arc<Analysis>>),
    /// They can't be drawn.
    Failed(String),
}

#[derive(Default)]
struct Slot {
    latest: Option<Arc<Analysis>>,
    failed: Option<(String, String)>,
    is_running: bool,
    used: Option<Instant>,
    done: Arc<Notify>,
}

/// Conclusions of the studies that are looked at.
pub struct Analyses {
    slots: Mutex<HashMap<AnalysisKey, Slot>>,
    turns: Semaphore,
}

impl Default for Analyses {
    fn default() -> Self {
        Self { slots: Mutex::default(), turns: Semaphore::new(1) }
    }
}

impl Analyses {
    /// What was concluded from an earlier moment, or this one.
    pub fn known(&self, key: &AnalysisKey) -> Option<Arc<Analysis>> {
        self.slots(|slots| slots.get(key).and_then(|slot| slot.latest.clone()))
    }

    /// What is concluded from a study as it is now. Begins to draw conclusions where this version has no others.
    pub async fn of<S: StudySource>(
        self: &Arc<Self>,
        source: &Arc<S>,
        key: &AnalysisKey,
        plan: &Arc<Plan>,
        version: &str,
        trials: usize,
    ) -> Concluded {
        let done = self.begin(source, key, plan, version, trials);
        let Some(done) = done else { return self.now(key, version) };
        let _ = tokio::time::timeout(PATIENCE, done.notified()).await;
        self.now(key, version)
    }

    /// Begins to draw conclusions of a version unless it was done, is being done, or was done a moment ago. What it
    /// returns tells of the end.
    pub fn begin<S: StudySource>(
        self: &Arc<Self>,
        source: &Arc<S>,
        key: &AnalysisKey,
        plan: &Arc<Plan>,
        version: &str,
        trials: usize,
    ) -> Option<Arc<Notify>> {
        let done = self.slots(|slots| {
            let slot = slots.entry(key.clone()).or_default();
            slot.used = Some(Instant::now());
            let rests =
                slot.latest.as_ref().is_some_and(|latest| latest.made.elapsed() < REST.max(RESTS * latest.took));
            let is_known = slot.latest.as_ref().is_some_and(|latest| latest.version == version);
            let has_failed = slot.failed.as_ref().is_some_and(|(of, _)| of == version);
            if is_known || has_failed || rests {
                return None;
            }
            let begins = !slot.is_running;
            slot.is_running = true;
            Some((slot.done.clone(), begins))
        });
        let (done, begins) = done?;
        if begins {
            let (analyses, source, key, plan) = (self.clone(), source.clone(), key.clone(), plan.clone());
            let version = version.to_owned();
            tokio::spawn(async move { analyses.draw(&source, key, plan, version, points(trials)).await });
        }
        Some(done)
    }

    // A large study shows its trials first: reading their curves takes all there is.
    async fn draw<S: StudySource>(
        &self,
        source: &Arc<S>,
        key: AnalysisKey,
        plan: Arc<Plan>,
        version: String,
        points: usize,
    ) {
        if points < WHOLE {
            tokio::time::sleep(PATIENCE).await;
        }
        let result = match self.turns.acquire().await {
            Ok(_turn) => conclude(source, &key, plan, version.clone(), points).await,
            Err(error) => Err(SourceError::unreadable("the study", error)),
        };
        self.slots(|slots| {
            let slot = slots.entry(key).or_default();
            slot.is_running = false;
            match result {
                Ok(analysis) => {
                    slot.latest = Some(Arc::new(analysis));
                    slot.failed = None;
                }
                Err(error) => {
                    tracing::warn!(%error, "no conclusions can be drawn");
                    slot.failed = Some((version, error.to_string()));
                }
            }
            slot.done.notify_waiters();
            while slots.len() > MOST_KEPT {
                let idle = slots.iter().filter(|(_, slot)| !slot.is_running).min_by_key(|(_, slot)| slot.used);
                let Some(oldest) = idle.map(|(key, _)| key.clone()) else { break };
                slots.remove(&oldest);
            }
        });
    }

    fn now(&self, key: &AnalysisKey, version: &str) -> Concluded {
        self.slots(|slots| {
            let Some(slot) = slots.get(key) else { return Concluded::Pending(None) };
            match (&slot.latest, &slot.failed) {
                (Some(latest), _) if latest.version == version => Concluded::Ready(latest.clone()),
                (_, Some((of, why))) if of == version => Concluded::Failed(why.clone()),
                (latest, _) => Concluded::Pending(latest.clone()),
            }
        })
    }

    fn slots<T>(&self, f: impl FnOnce(&mut HashMap<AnalysisKey, Slot>) -> T) -> T {
        f(&mut self.slots.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads a study's curves and draws conclusions, away from the threads that answer.
async fn conclude<S: StudySource>(
    source: &Arc<S>,
    key: &AnalysisKey,
    plan: Arc<Plan>,
    version: String,
    points: usize,
) -> Result<Analysis, SourceError> {
    let begun = Instant::now();
    let records = source.records(&key.study, CurveSelection::concluded(Some(points))).await?;
    let is_settled = source.study(&key.study).await?.is_none_or(|study| study.standing.is_settled());
    let by = key.by.clone();
    let drawn = tokio::task::spawn_blocking(move || {
        let choices = rejudge::choices(&plan, &records);
        let coming = if is_settled { Vec::new() } else { rounds::to_come(&plan, &records) };
        let (plan, records, reservation) = judged(&plan, records, &by)?;
        let expected: Vec<TrialRecord> = records.iter().cloned().chain(coming).collect();
        let findings = findings::findings(&plan, &expected);
        let checklist = findings::checklist(&plan, &expected, &findings);
        let verdict = findings::verdict(&plan, &expected, &checklist);
        let pictures = plots::plots(&plan, &records).into_iter().map(|plot| {
            let specification = serde_json::to_vec(&plot.specification)?.into();
            Ok(Picture { id: plot.id, title: plot.title, subtitle: plot.subtitle, specification })
        });
        let pictures = pictures.collect::<Result<Vec<_>, serde_json::Error>>()?;
        Ok::<_, Undrawn>(Analysis {
            version,
            trials: records.len(),
            verdict,
            checklist,
            findings,
            pictures,
            choices,
            reservation,
            took: begun.elapsed(),
            made: Instant::now(),
        })
    });
    drawn
        .await
        .map_err(|error| SourceError::unreadable("the trials", error))?
        .map_err(|error| SourceError::unreadable("the trials", error))
}

/// Why conclusions can't be drawn.
#[derive(Debug, thiserror::Error)]
enum Undrawn {
    #[error("a plot can't be written: {0}")]
    Plot(#[from] serde_json::Error),
    #[error(transparent)]
    Judged(#[from] RejudgeError),
    #[error("{0}")]
    Meaningless(String),
}

/// The study and its trials, judged by what was asked for.
fn judged(
    plan: &Plan,
    records: Vec<TrialRecord>,
    by: &str,
) -> Result<(Plan, Vec<TrialRecord>, Option<String>), Undrawn> {
    if by.is_empty() {
        return Ok((plan.clone(), records, None));
    }
    let by = by.parse::<By>().map_err(Undrawn::Meaningless)?;
    let (judged, records) = rejudge::rejudge(plan, &records, &by)?;
    Ok((judged, records, rejudge::reservation(plan)))
}
