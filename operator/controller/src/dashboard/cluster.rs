//! The caches and the ledger as a [`StudySource`].

use std::{
    collections::{BTreeMap, HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use studious_api::{
    Study, Trial,
    trial::{TrialPhase, TrialStatus},
};
use studious_dashboard::{
    Backend, KubernetesEvent, SourceError, StudyKey, StudySource, StudyState, StudySummary, TrialDetail, TrialSummary,
};
use studious_playbook::{
    Millis, Plan,
    contract::JudgedMetrics,
    record::{CurveSelection, TrialRecord},
    trial,
};

use super::events;
use crate::{
    caches::Caches,
    context::Context,
    object::{Identified, is_controlled_by},
    study,
    trial::jobs,
};

/// Curves that are read at once.
const AT_ONCE: usize = 4;

/// What the operator knows.
pub(crate) struct Cluster {
    context: Arc<Context>,
    /// Studies at a glance, by uid, with the version of the object they were made from.
    heads: Mutex<HashMap<String, (String, StudySummary)>>,
}

impl Cluster {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context, heads: Mutex::default() }
    }

    fn found(&self, key: &StudyKey) -> Option<Identified<Study>> {
        Caches::get(&self.context.caches.studies, &key.namespace, &key.name).and_then(Identified::of)
    }

    /// Its trials in the order of rounds, by index within each.
    fn trials_of(&self, study: &Identified<Study>) -> Vec<Identified<Trial>> {
        let mut trials = self.context.caches.trials_of(&study.id);
        trials.sort_by_key(|trial| trial.spec.index);
        trial::sort_by_round(&study.spec, &mut trials, |trial| &trial.spec.round);
        trials
    }

    fn head(&self, study: &Identified<Study>) -> StudySummary {
        let uid = &study.id.uid;
        let version = study.resource_version().unwrap_or_default();
        let heads = || self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, head)) = heads().get(uid).filter(|(of, _)| *of == version) {
            return head.clone();
        }
        let head = at_a_glance(study);
        heads().insert(uid.clone(), (version, head.clone()));
        head
    }

    /// Forgets studies that are gone.
    fn keep(&self, uids: &[&str]) {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        if heads.len() > uids.len() {
            heads.retain(|uid, _| uids.contains(&uid.as_str()));
        }
    }

    fn trial_of(&self, key: &StudyKey, name: &str) -> Option<Identified<Trial>> {
        let study = self.found(key)?;
        let trial: Arc<Trial> = Caches::get(&self.context.caches.trials, &key.namespace, name)?;
        let trial = is_controlled_by(trial.as_ref(), &study.id.uid).then_some(trial)?;
        Identified::of(self.context.caches.under_way.of(trial))
    }
}

impl StudySource for Cluster {
    fn backend(&self) -> Backend {
        Backend::Kubernetes
    }

    async fn studies(&self) -> Result<Vec<StudySummary>, SourceError> {
        let studies = self.context.caches.studies.state().into_iter().filter_map(Identified::of);
        let studies: Vec<Identified<Study>> = studies.collect();
        self.keep(&studies.iter().map(|study| study.id.uid.as_str()).collect::<Vec<_>>());
        Ok(studies.iter().map(|study| self.head(study)).collect())
    }

    async fn study(&self, key: &StudyKey) -> Result<Option<StudySummary>, SourceError> {
        Ok(self.found(key).map(|study| self.head(&study)))
    }

    async fn version(&self, key: &StudyKey) -> Result<Option<String>, SourceError> {
        let Some(study) = self.found(key) else { return Ok(None) };
        let uid = &study.id.uid;
        let mut hasher = DefaultHasher::new();
        (uid, study.resource_version()).hash(&mut hasher);
        for trial in self.trials_of(&study) {
            trial.metadata.resource_version.hash(&mut hasher);
        }
        let lines = self.context.ledger.lines(uid).await;
        lines.map_err(|error| SourceError::unreadable("the ledger", error))?.hash(&mut hasher);
        Ok(Some(format!("{:016x}", hasher.finish())))
    }

    async fn trials(&self, key: &StudyKey) -> Result<Vec<TrialSummary>, SourceError> {
        let Some(study) = self.found(key) else { return Ok(Vec::new()) };
        let latest = self.context.ledger.latest(&study.id.uid).await;
        let mut latest = latest.map_err(|error| SourceError::unreadable("the ledger", error))?;
        let trials = self.trials_of(&study);
        Ok(trials.iter().map(|trial| row(trial, latest.remove(&trial.id.uid))).collect())
    }

    async fn records(&self, key: &StudyKey, wanted: CurveSelection) -> Result<Vec<TrialRecord>, SourceError> {
        use futures::{StreamExt as _, TryStreamExt as _};
        let Some(study) = self.found(key) else { return Ok(Vec::new()) };
        let (ledger, judged) = (&self.context.ledger, &JudgedMetrics::of_study(&study.spec));
        futures::stream::iter(self.trials_of(&study))
            .map(|trial| async move {
                let mut record = study::record(&trial);
                ledger.fill(&trial.id.uid, &mut record, judged, wanted).await?;
                Ok(record)
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
            .map_err(|error: studious_ledger::LedgerError| SourceError::unreadable("the ledger", error))
    }

    async fn trial(&self, key: &StudyKey, name: &str, points: usize) -> Result<Option<TrialDetail>, SourceError> {
        let Some(trial) = self.trial_of(key, name) else { return Ok(None) };
        let uid = &trial.id.uid;
        let unreadable = |error| SourceError::unreadable("the ledger", error);
        let ledger = &self.context.ledger;
        let mut record = study::record(&trial);
        let wanted = CurveSelection::all(Some(points));
        ledger.fill(uid, &mut record, &JudgedMetrics::of(&trial.spec), wanted).await.map_err(unreadable)?;
        let progress = ledger.progress(uid, &trial.spec).await.map_err(unreadable)?;
        let latest = progress.latest.get(&0).map(|values| {
            let finite = values.iter().filter(|(_, value)| value.is_finite());
            finite.map(|(name, value)| (name.clone(), *value)).collect()
        });
        let status = trial.status.clone().unwrap_or_default();
        Ok(Some(TrialDetail {
            head: row(&trial, latest),
            record,
            attempt_messages: status.attempts.iter().map(|a| (a.number, a.message.clone())).collect(),
            malformed: status.malformed_lines.unwrap_or(progress.malformed),
            commands: commands(&key.namespace, name, &trial, &status),
            output: None,
            spec: trial.spec.clone(),
        }))
    }

    async fn events(&self, key: &StudyKey, name: &str) -> Result<Vec<KubernetesEvent>, SourceError> {
        let Some(trial) = self.trial_of(key, name) else { return Ok(Vec::new()) };
        let events = events::of_trial(&self.context.client, &self.context.caches, &trial).await;
        events.map_err(|error| SourceError::unreadable("the Events", error))
    }
}

fn millis(time: &Time) -> Option<Millis> {
    u64::try_from(time.0.as_millisecond()).ok().map(Millis)
}

fn at_a_glance(study: &Identified<Study>) -> StudySummary {
    let status = study.status.clone().unwrap_or_default();
    let mut counts = status.trials;
    if counts.total == 0 {
        // Before the operator has counted, what the study says.
        counts.total = Plan::new(&study.id.name, &study.spec).map_or(0, |plan| plan.total_trials());
    }
    let standing = StudyState::from(status.phase);
    let condition = |kind: &str| status.conditions.iter().find(|condition| condition.type_ == kind);
    let telling = match standing {
        StudyState::Invalid => condition("Accepted"),
        StudyState::Completed | StudyState::Failed => condition("Complete"),
        _ => condition("Progressing"),
    };
    let message = match telling {
        Some(condition) if !condition.message.is_empty() => condition.message.clone(),
        _ => format!("{} of {} trials have ended", counts.ended(), counts.total),
    };
    let changed = status.conditions.iter().filter_map(|condition| millis(&condition.last_transition_time)).max();
    let created = study.creation_timestamp().as_ref().and_then(millis);
    StudySummary {
        key: StudyKey { namespace: study.id.namespace.clone(), name: study.id.name.clone() },
        study_name: study.id.name.clone(),
        spec: Arc::new(study.spec.clone()),
        labels: study.labels().clone(),
        standing,
        message,
        round: status.round,
        counts,
        best: status.best,
        changed: status.completion_time.as_ref().and_then(millis).max(changed).or(created),
        created,
    }
}

fn row(trial: &Trial, latest: Option<BTreeMap<String, f64>>) -> TrialSummary {
    let status = trial.status.clone().unwrap_or_default();
    let mut latest = latest.unwrap_or_default();
    if let Some(step) = status.step {
        // The ledger may have been lost; the object's word is as old as its last change.
        latest.entry("step".to_owned()).or_insert(step as f64);
    }
    TrialSummary {
        name: trial.name_any(),
        round: trial.spec.round.clone(),
        index: trial.spec.index,
        max_train_steps: trial.spec.max_train_steps,
        hyperparameters: trial.spec.hyperparameters.clone(),
        phase: status.phase,
        reason: status.reason.unwrap_or_default(),
        message: status.message.unwrap_or_default(),
        objective: status.objective,
        best_step: status.best_step,
        metrics: status.metrics,
        attempt: status.attempt.unwrap_or_default(),
        disruptions: status.disruptions,
        started: status.start_time.as_ref().and_then(millis),
        ended: status.completion_time.as_ref().and_then(millis),
        latest,
    }
}

/// Commands that show more of a trial. What stands in them are names that the API server has checked.
fn commands(namespace: &str, name: &str, trial: &Trial, status: &TrialStatus) -> Vec<(String, String)> {
    let spec = trial.spec.template.spec.as_ref();
    let trainer = spec.and_then(|spec| spec.containers.first()).map_or("trainer", |container| container.name.as_str());
    let job = jobs::name(name, status.attempt.unwrap_or(1).max(1));
    let follow = if status.phase == TrialPhase::Running { " --follow" } else { "" };
    let mut commands = vec![(
        "What its trainer prints".to_owned(),
        format!("kubectl logs --namespace {namespace} job/{job} --container {trainer} --tail 100{follow}"),
    )];
    if trial.spec.hosts > 1 {
        commands.push((
            "What all its hosts print".to_owned(),
            format!(
                "kubectl logs --namespace {namespace} --selector batch.kubernetes.io/job-name={job} --container {trainer} \
                 --prefix --tail 100 --max-log-requests {}",
                trial.spec.hosts
            ),
        ));
    }
    commands.push(("All that Kubernetes knows of it".to_owned(), {
        format!("kubectl describe --namespace {namespace} trials.{} {name}", studious_api::GROUP)
    }));
    commands
}
