//! `/v1/about`, `/v1/studies` and what is said of one study.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, Path, State},
    http::{Extensions, HeaderMap},
    response::Response,
};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use studious_api::{StudySpec, study::Role};
use studious_playbook::{
    Plan,
    findings::Severity,
    rounds::{self, RETRAIN},
};

use super::{
    analysis::{Analysis, Concluded},
    answer::{Problem, Tag},
    app::{App, Shown},
    gate::{Gate, Refusal},
    source::{Counts, Source, SourceError, StudyHead, StudyKey, TrialHead},
    table, yaml,
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

/// A study that whoever asks may see.
pub async fn enter<S: Source, G: Gate>(
    app: &App<S, G>,
    headers: &HeaderMap,
    extensions: &Extensions,
    key: &StudyKey,
) -> Result<Arc<Shown>, Problem> {
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
    let missing = || Problem::Missing(format!("study {}/{}", key.namespace, key.name));
    app.shown(key).await?.ok_or_else(missing)
}

type Shared<S, G> = State<Arc<App<S, G>>>;

/// Who asks, of what.
pub async fn about<S: Source, G: Gate>(
    State(app): Shared<S, G>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Problem> {
    let viewer = app.gate.admit(&headers, peer(&extensions)).await?;
    let user = G::name(&viewer);
    let about = json!({ "version": env!("CARGO_PKG_VERSION"), "fleet": app.source.fleet(), "user": user });
    Ok(Tag::of(user.unwrap_or_default()).json(&about))
}

/// The studies that whoever asks may see.
pub async fn list<S: Source, G: Gate>(
    State(app): Shared<S, G>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Problem> {
    let viewer = app.gate.admit(&headers, peer(&extensions)).await?;
    let mut heads = app.source.studies().await?;
    heads.sort_by(|a, b| b.changed.cmp(&a.changed).then_with(|| a.key.cmp(&b.key)));
    // Asked side by side: each question may take the API server a while.
    let (gate, viewer) = (&app.gate, &viewer);
    let allowed: Vec<(StudyHead, bool)> = futures::stream::iter(heads)
        .map(|head| async move { gate.may_get(viewer, &head.key).await.map(|allowed| (head, allowed)) })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let visible: Vec<StudyHead> = allowed.into_iter().filter(|(_, allowed)| *allowed).map(|(head, _)| head).collect();
    let more = visible.len() > MOST_STUDIES;
    let mut studies = Vec::new();
    for head in visible.iter().take(MOST_STUDIES) {
        begin_small(&app, head).await;
        studies.push(summary(head, app.analyses.known(&head.key).as_deref()));
    }
    let body = json!({ "studies": studies, "more": more }).to_string();
    let tag = Tag::of(&digest(body.as_bytes()));
    Ok(if tag.is_known(&headers) { tag.unchanged() } else { tag.answer("application/json", body) })
}

/// Begins to draw conclusions of a study that is listed, if that costs little.
async fn begin_small<S: Source, G: Gate>(app: &App<S, G>, head: &StudyHead) {
    let ended = head.counts.ended();
    if ended == 0 || ended > SMALL || app.analyses.known(&head.key).is_some() {
        return;
    }
    // What can't be read is said where it is looked at.
    let Ok(Some(shown)) = app.shown(&head.key).await else { return };
    if let Some(plan) = &shown.plan {
        let _ = app.analyses.begin(&app.source, &head.key, plan, &shown.version, shown.trials.len());
    }
}

/// FNV-1a: equal answers have equal tags, and nothing hangs on it that an attacker could want.
fn digest(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

fn summary(head: &StudyHead, analysis: Option<&Analysis>) -> Value {
    let spec = &head.spec;
    let findings = analysis.map(
        |analysis| json!({ "problems": analysis.count(Severity::Problem), "warnings": analysis.count(Severity::Warning) }),
    );
    let labels: serde_json::Map<String, Value> =
        head.labels.iter().filter(|(k, _)| *k != ARCHIVED).map(|(k, v)| (k.clone(), v.as_str().into())).collect();
    json!({
        "namespace": head.key.namespace,
        "name": head.key.name,
        "goal": spec.goal,
        "project": spec.project.as_ref().map(|project| &project.name),
        "labels": labels,
        "archived": head.labels.get(ARCHIVED).is_some_and(|value| value == "true"),
        "standing": head.standing,
        "message": head.message,
        "round": head.round,
        "counts": head.counts,
        "ended": head.counts.ended(),
        "metric": spec.objective.metric,
        "direction": spec.objective.direction,
        "best": head.best.as_ref().map(|(objective, _)| objective),
        "bestTrial": head.best.as_ref().map(|(_, trial)| trial),
        "findings": findings,
        "created": head.created,
        "changed": head.changed,
    })
}

/// One study, without its trials.
pub async fn detail<S: Source, G: Gate>(
    State(app): Shared<S, G>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Problem> {
    let key = StudyKey { namespace, name };
    let shown = enter(&app, &headers, &extensions, &key).await?;
    let tag = Tag::of(&shown.version);
    if tag.is_known(&headers) {
        return Ok(tag.unchanged());
    }
    let head = &shown.head;
    let spec = &head.spec;
    let best = shown.trials.iter().find(|trial| head.best.as_ref().is_some_and(|(_, name)| *name == trial.name));
    let mut detail = summary(head, app.analyses.known(&key).as_deref());
    let more = json!({
        "studyName": head.study_name,
        "settled": head.standing.is_settled(),
        "description": spec.description,
        "violations": shown.violations,
        "rounds": rounds_of(shown.plan.as_deref(), spec, &shown.trials),
        "fixed": fixed(spec),
        "bestPoint": best.map(table::row),
        "hyperparameters": spec.hyperparameters,
        "columns": table::columns(spec, &shown.trials),
        "yaml": yaml::manifest("Study", &head.study_name, spec.as_ref())
            .map_err(|error| SourceError::unreadable("the study", error))?,
        "spec": spec.as_ref(),
    });
    if let (Value::Object(detail), Value::Object(more)) = (&mut detail, more) {
        detail.extend(more);
    }
    Ok(tag.json(&detail))
}

fn fixed(spec: &StudySpec) -> Vec<Value> {
    let fixed = spec.hyperparameters.iter().filter(|h| h.role == Role::Fixed);
    fixed.map(|h| json!({ "name": h.name, "value": h.value, "because": h.fixed_because })).collect()
}

/// What was planned of each round, and what became of it.
fn rounds_of(plan: Option<&Plan>, spec: &StudySpec, trials: &[TrialHead]) -> Vec<Value> {
    let mut names: Vec<&str> = spec.rounds.iter().map(|round| round.name.as_str()).collect();
    names.extend(spec.retrain.iter().map(|_| RETRAIN));
    names
        .into_iter()
        .map(|name| {
            let of: Vec<_> = trials.iter().filter(|trial| trial.round == name).collect();
            let mut counts = Counts::of(of.iter().map(|trial| trial.phase));
            counts.planned = plan.map(|plan| rounds::trials_in(plan, name)).unwrap_or_default();
            let objectives = of
                .iter()
                .filter(|trial| trial.phase == studious_api::trial::TrialPhase::Succeeded)
                .filter_map(|trial| trial.objective);
            let best = objectives.reduce(|a, b| if spec.objective.direction.better(b, a) { b } else { a });
            json!({
                "name": name,
                "maxTrainSteps": plan.map(|plan| rounds::max_train_steps(plan, name)),
                "counts": counts,
                "best": best,
            })
        })
        .collect()
}

/// What is concluded from a study's trials, and which pictures there are.
pub async fn findings<S: Source, G: Gate>(
    State(app): Shared<S, G>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Problem> {
    let key = StudyKey { namespace, name };
    let shown = enter(&app, &headers, &extensions, &key).await?;
    let Some(plan) = &shown.plan else {
        return Ok(Tag::of(&shown.version).json(&json!({ "state": "none" })));
    };
    let (state, analysis) = match app.analyses.of(&app.source, &key, plan, &shown.version, shown.trials.len()).await {
        Concluded::Ready(analysis) => ("ready", Some(analysis)),
        Concluded::Pending(analysis) => ("pending", analysis),
        Concluded::Failed(why) => return Err(SourceError::unreadable("the curves", why).into()),
    };
    let of = analysis.as_ref().map_or("", |analysis| analysis.version.as_str());
    let tag = Tag::of(&format!("{state}-{of}"));
    if tag.is_known(&headers) {
        return Ok(tag.unchanged());
    }
    let mut view = analysis.map_or_else(|| json!({}), |analysis| analysis.view());
    view["state"] = state.into();
    Ok(tag.json(&view))
}

/// One picture.
pub async fn plot<S: Source, G: Gate>(
    State(app): Shared<S, G>,
    Path((namespace, name, plot)): Path<(String, String, String)>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Problem> {
    let key = StudyKey { namespace, name };
    let shown = enter(&app, &headers, &extensions, &key).await?;
    let analysis = match &shown.plan {
        None => None,
        Some(plan) => match app.analyses.of(&app.source, &key, plan, &shown.version, shown.trials.len()).await {
            Concluded::Ready(analysis) => Some(analysis),
            Concluded::Pending(analysis) => analysis,
            Concluded::Failed(why) => return Err(SourceError::unreadable("the curves", why).into()),
        },
    };
    let picture = analysis.as_ref().and_then(|analysis| analysis.pictures.iter().find(|one| one.id == plot));
    let (Some(picture), Some(analysis)) = (picture, &analysis) else {
        return Err(Problem::Missing(format!("plot {plot} of study {}/{}", key.namespace, key.name)));
    };
    let tag = Tag::of(&analysis.version);
    if tag.is_known(&headers) {
        return Ok(tag.unchanged());
    }
    Ok(tag.answer("application/json", picture.specification.clone()))
}
