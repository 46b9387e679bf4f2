//! `/v1/about`, `/v1/studies` and what is said about one study.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Path, Query, State},
    http::{Extensions, HeaderMap},
    response::Response,
};
use futures::{StreamExt as _, TryStreamExt as _};
use studious_api::{StudySpec, study::Role};
use studious_playbook::{
    Plan,
    rejudge::By,
    rounds::{self, RETRAIN},
    trial::{self, Ranked},
};

use super::{
    analysis::{Analysis, AnalysisKey, Concluded},
    answer::{ApiError, Tag, json},
    app::{App, AppState, StudySnapshot},
    gate::{Gate, Refusal},
    source::{SourceError, StudyKey, StudySource, StudySummary, TrialSummary},
    table,
    views::{AboutView, FindingsState, FindingsView, FixedView, RoundView, StudyItem, StudyList, StudyView},
    yaml,
};

/// Most studies of one answer.
const MOST_STUDIES: usize = 5_000;
/// Conclusions of studies up to this size are drawn when they are listed.
const SMALL: u32 = 1_000;
/// Rights that are asked about at once.
const AT_ONCE: usize = 16;
/// The label of a study that is out of the way.
const ARCHIVED: &str = "studious.dev/archived";

/// What axum knows of the connection, where the server says it.
pub fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
}

/// A study that the caller may see.
pub async fn enter<S: StudySource, G: Gate>(
    app: &App<S, G>,
    headers: &HeaderMap,
    extensions: &Extensions,
    key: &StudyKey,
) -> Result<Arc<StudySnapshot>, ApiError> {
    let viewer = app.gate.admit(headers, peer(extensions)).await?;
    if !app.gate.may_get(&viewer, key).await? {
        let who = G::name(&viewer).unwrap_or("you");
        return Err(Refusal::NotAllowed(format!(
            "{who} may not get studies.{} {}/{}",
            studious_api::GROUP,
            key.namespace,
            key.name
        ))
        .into());
    }
    let missing = || ApiError::Missing(format!("study {}/{}", key.namespace, key.name));
    app.shown(key).await?.ok_or_else(missing)
}

/// Who asks, of what.
pub async fn about<S: StudySource, G: Gate>(
    State(app): AppState<S, G>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, ApiError> {
    let viewer = app.gate.admit(&headers, peer(&extensions)).await?;
    let user = G::name(&viewer).map(str::to_owned);
    let tag = Tag::of(user.as_deref().unwrap_or_default());
    tag.json(&AboutView { version: env!("CARGO_PKG_VERSION").to_owned(), fleet: app.source.backend(), user })
}

/// The studies that the caller may see.
pub async fn list<S: StudySource, G: Gate>(
    State(app): AppState<S, G>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, ApiError> {
    let viewer = app.gate.admit(&headers, peer(&extensions)).await?;
    let mut heads = app.source.studies().await?;
    heads.sort_by(|a, b| b.changed.cmp(&a.changed).then_with(|| a.key.cmp(&b.key)));
    // Asked side by side: each question may take the API server a while.
    let (gate, viewer) = (&app.gate, &viewer);
    let allowed: Vec<(StudySummary, bool)> = futures::stream::iter(heads)
        .map(|head| async move { gate.may_get(viewer, &head.key).await.map(|allowed| (head, allowed)) })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let visible: Vec<StudySummary> =
        allowed.into_iter().filter(|(_, allowed)| *allowed).map(|(head, _)| head).collect();
    let more = visible.len() > MOST_STUDIES;
    let mut studies = Vec::new();
    for head in visible.iter().take(MOST_STUDIES) {
        begin_small(&app, head).await;
        studies.push(item(head, app.analyses.known(&AnalysisKey::own(&head.key)).as_deref()));
    }
    let body = json(&StudyList { studies, more })?;
    let tag = Tag::of(&digest(body.as_bytes()));
    Ok(if tag.is_known(&headers) { tag.unchanged() } else { tag.answer("application/json", body) })
}

/// Begins to draw conclusions of a study that is listed, if that costs little.
async fn begin_small<S: StudySource, G: Gate>(app: &App<S, G>, head: &StudySummary) {
    let ended = head.counts.ended();
    let key = AnalysisKey::own(&head.key);
    if ended == 0 || ended > SMALL || app.analyses.known(&key).is_some() {
        return;
    }
    // What can't be read is said where it is looked at.
    let Ok(Some(shown)) = app.shown(&head.key).await else { return };
    if let Some(plan) = &shown.plan {
        let _ = app.analyses.begin(&app.source, &key, plan, &shown.version, shown.trials.len());
    }
}

/// FNV-1a: equal answers have equal tags, and nothing hangs on it that an attacker could want.
fn digest(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

fn item(head: &StudySummary, analysis: Option<&Analysis>) -> StudyItem {
    let spec = &head.spec;
    let labels = head.labels.iter().filter(|(name, _)| *name != ARCHIVED);
    let best = head.best.as_ref();
    StudyItem {
        namespace: head.key.namespace.clone(),
        name: head.key.name.clone(),
        goal: spec.goal.clone(),
        project: spec.project.as_ref().map(|project| project.name.clone()),
        labels: labels.map(|(name, value)| (name.clone(), value.clone())).collect(),
        archived: head.labels.get(ARCHIVED).is_some_and(|value| value == "true"),
        standing: head.standing,
        message: head.message.clone(),
        round: head.round.clone(),
        counts: head.counts.into(),
        ended: head.counts.ended(),
        metric: spec.objective.metric.clone(),
        direction: spec.objective.direction,
        best: best.map(|best| best.objective),
        best_trial: best.map(|best| best.trial.clone()),
        retrained: best.and_then(|best| best.retrained.clone()),
        findings: analysis.map(Analysis::counts),
        created: head.created,
        changed: head.changed,
    }
}

/// One study, without its trials.
pub async fn detail<S: StudySource, G: Gate>(
    State(app): AppState<S, G>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, ApiError> {
    let key = StudyKey { namespace, name };
    let shown = enter(&app, &headers, &extensions, &key).await?;
    let tag = Tag::of(&shown.version);
    if tag.is_known(&headers) {
        return Ok(tag.unchanged());
    }
    let head = &shown.head;
    let spec = &head.spec;
    let best = shown.trials.iter().find(|trial| head.best.as_ref().is_some_and(|best| best.trial == trial.name));
    let unreadable = |error: studious_api::yaml::Error| SourceError::unreadable("the study", error);
    tag.json(&StudyView {
        item: item(head, app.analyses.known(&AnalysisKey::own(&key)).as_deref()),
        study_name: head.study_name.clone(),
        settled: head.standing.is_settled(),
        description: spec.description.clone(),
        violations: shown.violations.clone(),
        rounds: rounds_of(shown.plan.as_deref(), spec, &shown.trials),
        fixed: fixed(spec),
        best_point: best.map(table::row),
        hyperparameters: spec.hyperparameters.clone(),
        columns: table::columns(spec, &shown.trials),
        yaml: yaml::manifest("Study", &head.study_name, spec.as_ref()).map_err(unreadable)?,
        spec: spec.as_ref().clone(),
    })
}

fn fixed(spec: &StudySpec) -> Vec<FixedView> {
    let fixed = spec.hyperparameters.iter().filter(|h| h.role == Role::Fixed);
    fixed
        .map(|h| FixedView { name: h.name.clone(), value: h.value.clone(), because: h.fixed_because.clone() })
        .collect()
}

/// What was planned of each round, and what became of it.
fn rounds_of(plan: Option<&Plan>, spec: &StudySpec, trials: &[TrialSummary]) -> Vec<RoundView> {
    let names = spec.rounds.iter().map(|round| round.name.as_str()).chain(spec.retrain.iter().map(|_| RETRAIN));
    let view = |name: &str| {
        let planned = plan.map(|plan| rounds::trials_in(plan, name)).unwrap_or_default();
        let of_round = trials.iter().filter(|trial| trial.round == name);
        RoundView {
            name: name.to_owned(),
            max_train_steps: plan.map(|plan| rounds::max_train_steps(plan, name)),
            counts: trial::counts(planned, of_round.map(|trial| trial.phase)).into(),
            best: trial::best_of_round(spec, name, trials).and_then(Ranked::objective),
        }
    };
    names.map(view).collect()
}

/// By what trials are judged, where that isn't the study's own objective: `?by=train_error:min:final`.
#[derive(Debug, Default, serde::Deserialize)]
pub struct JudgedBy {
    #[serde(default)]
    by: String,
}

impl JudgedBy {
    /// The conclusions that are asked for; an error where the words mean no objective.
    fn of(self, study: StudyKey) -> Result<AnalysisKey, ApiError> {
        if !self.by.is_empty() {
            self.by.parse::<By>().map_err(|why| ApiError::Meaningless(format!("by: {why}")))?;
        }
        Ok(AnalysisKey { study, by: self.by })
    }
}

/// Why nothing is concluded: of another objective, most likely because no trial measured it.
fn undrawn(key: &AnalysisKey, why: String) -> ApiError {
    if key.by.is_empty() { SourceError::unreadable("the curves", why).into() } else { ApiError::Meaningless(why) }
}

/// What is concluded from a study's trials, and which plots there are.
pub async fn findings<S: StudySource, G: Gate>(
    State(app): AppState<S, G>,
    Path((namespace, name)): Path<(String, String)>,
    Query(judged): Query<JudgedBy>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, ApiError> {
    let key = StudyKey { namespace, name };
    let shown = enter(&app, &headers, &extensions, &key).await?;
    let key = judged.of(key)?;
    let Some(plan) = &shown.plan else {
        return Tag::of(&shown.version).json(&FindingsView::empty(FindingsState::None));
    };
    let (state, analysis) = match app.analyses.of(&app.source, &key, plan, &shown.version, shown.trials.len()).await {
        Concluded::Ready(analysis) => (FindingsState::Ready, Some(analysis)),
        Concluded::Pending(analysis) => (FindingsState::Pending, analysis),
        Concluded::Failed(why) => return Err(undrawn(&key, why)),
    };
    let of = analysis.as_ref().map_or("", |analysis| analysis.version.as_str());
    let tag = Tag::of(&format!("{state:?}-{of}-{}", digest(key.by.as_bytes())));
    if tag.is_known(&headers) {
        return Ok(tag.unchanged());
    }
    tag.json(&analysis.map_or_else(|| FindingsView::empty(state), |analysis| analysis.view(state)))
}

/// One plot.
pub async fn plot<S: StudySource, G: Gate>(
    State(app): AppState<S, G>,
    Path((namespace, name, plot)): Path<(String, String, String)>,
    Query(judged): Query<JudgedBy>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, ApiError> {
    let key = StudyKey { namespace, name };
    let shown = enter(&app, &headers, &extensions, &key).await?;
    let key = judged.of(key)?;
    let analysis = match &shown.plan {
        None => None,
        Some(plan) => match app.analyses.of(&app.source, &key, plan, &shown.version, shown.trials.len()).await {
            Concluded::Ready(analysis) => Some(analysis),
            Concluded::Pending(analysis) => analysis,
            Concluded::Failed(why) => return Err(undrawn(&key, why)),
        },
    };
    let picture = analysis.as_ref().and_then(|analysis| analysis.pictures.iter().find(|one| one.id == plot));
    let (Some(picture), Some(analysis)) = (picture, &analysis) else {
        return Err(ApiError::Missing(format!("plot {plot} of study {}/{}", key.study.namespace, key.study.name)));
    };
    let tag = Tag::of(&format!("{}-{}", analysis.version, digest(key.by.as_bytes())));
    if tag.is_known(&headers) {
        return Ok(tag.unchanged());
    }
    Ok(tag.answer("application/json", picture.specification.clone()))
}
