//! The table of trials, and what is said about one trial.

use std::collections::BTreeSet;

use axum::{
    extract::{Path, Query, State},
    http::{Extensions, HeaderMap},
    response::Response,
};
use studious_playbook::{
    plots::{RunCurve, overlay},
    record::{AttemptSpan, TrialRecord},
    trial,
};

use super::{
    answer::{ApiError, Tag},
    app::{App, AppState, StudySnapshot},
    executed,
    gate::Gate,
    source::{SourceError, StudyKey, StudySource, TrialDetail},
    studies::enter,
    table::{self, TableQuery},
    views::{AttemptItem, CommandView, InitView, PlotView, RankView, TrialEvents, TrialPlots, TrialView},
    yaml,
};

/// Points of each curve that is drawn.
pub const POINTS: usize = 1_000;
/// Metrics of a trial that are drawn.
const MOST_METRICS: usize = 32;
/// Hosts of a trial whose curves are drawn.
const MOST_HOSTS: usize = 16;
/// Reports of beginnings and checkpoints that are listed: the latest.
const MOST_REPORTS: usize = 200;

/// A page of the table.
pub async fn page<S: StudySource, G: Gate>(
    State(app): AppState<S, G>,
    Path((namespace, name)): Path<(String, String)>,
    Query(wanted): Query<TableQuery>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, ApiError> {
    let shown = enter(&app, &headers, &extensions, &StudyKey { namespace, name }).await?;
    let tag = Tag::of(&shown.version);
    if tag.is_known(&headers) {
        return Ok(tag.unchanged());
    }
    let page = table::page(&shown.head.spec, &shown.trials, &wanted)?;
    tag.json(&page)
}

/// One trial, without its curves.
pub async fn detail<S: StudySource, G: Gate>(
    State(app): AppState<S, G>,
    Path((namespace, name, trial)): Path<(String, String, String)>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, ApiError> {
    let key = StudyKey { namespace, name };
    let shown = enter(&app, &headers, &extensions, &key).await?;
    let tag = Tag::of(&shown.version);
    if tag.is_known(&headers) {
        return Ok(tag.unchanged());
    }
    let found = find(&app, &key, &trial, 4).await?;
    tag.json(&view(&shown, &found)?)
}

/// The curves of a trial, one plot for each metric.
pub async fn plots<S: StudySource, G: Gate>(
    State(app): AppState<S, G>,
    Path((namespace, name, trial)): Path<(String, String, String)>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, ApiError> {
    let key = StudyKey { namespace, name };
    let shown = enter(&app, &headers, &extensions, &key).await?;
    let tag = Tag::of(&shown.version);
    if tag.is_known(&headers) {
        return Ok(tag.unchanged());
    }
    let found = find(&app, &key, &trial, POINTS).await?;
    let objective = &shown.head.spec.objective.metric;
    let hosts: Vec<(String, &TrialRecord, Option<u32>)> = std::iter::once(("host 0".to_owned(), &found.record, None))
        .chain(found.record.hosts.keys().map(|host| (format!("host {host}"), &found.record, Some(*host))))
        .take(MOST_HOSTS)
        .collect();
    let marked = found.head.best_step;
    let plots: Vec<PlotView> = metrics(objective, hosts.iter().map(|(_, record, _)| *record))
        .into_iter()
        .filter_map(|metric| {
            let runs: Vec<RunCurve<'_>> = hosts
                .iter()
                .filter_map(|(name, record, host)| {
                    let curves = match host {
                        None => &record.curves,
                        Some(host) => record.hosts.get(host)?,
                    };
                    let marked = marked.filter(|_| host.is_none() && metric == *objective);
                    Some(RunCurve { name, curve: curves.get(metric)?, marked })
                })
                .collect();
            overlay(metric, &runs).map(PlotView::from)
        })
        .collect();
    tag.json(&TrialPlots { plots })
}

/// What Kubernetes and the operator said about a trial.
pub async fn events<S: StudySource, G: Gate>(
    State(app): AppState<S, G>,
    Path((namespace, name, trial)): Path<(String, String, String)>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, ApiError> {
    let key = StudyKey { namespace, name };
    let shown = enter(&app, &headers, &extensions, &key).await?;
    if !shown.trials.iter().any(|head| head.name == trial) {
        return Err(missing(&key, &trial));
    }
    let events = app.source.events(&key, &trial).await?;
    Ok(axum::Json(TrialEvents { events }).into_response())
}

use axum::response::IntoResponse as _;

fn missing(key: &StudyKey, trial: &str) -> ApiError {
    ApiError::Missing(format!("trial {trial} in study {}/{}", key.namespace, key.name))
}

/// A trial of a study.
pub async fn find<S: StudySource, G: Gate>(
    app: &App<S, G>,
    key: &StudyKey,
    trial: &str,
    points: usize,
) -> Result<TrialDetail, ApiError> {
    app.source.trial(key, trial, points).await?.ok_or_else(|| missing(key, trial))
}

/// Names of what was measured: the objective, the training loss, then all others.
pub fn metrics<'a>(objective: &'a str, records: impl Iterator<Item = &'a TrialRecord>) -> Vec<&'a str> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for record in records {
        names.extend(record.curves.keys().map(String::as_str));
        names.extend(record.hosts.values().flat_map(|curves| curves.keys()).map(String::as_str));
    }
    let first = [objective, studious_playbook::decide::TRAIN_LOSS];
    let mut ordered: Vec<&str> = Vec::new();
    for name in first.into_iter().filter(|name| names.contains(*name)).chain(names.iter().copied()) {
        if !ordered.contains(&name) {
            ordered.push(name);
        }
    }
    ordered.truncate(MOST_METRICS);
    ordered
}

/// What is shown of a trial.
pub fn view(shown: &StudySnapshot, found: &TrialDetail) -> Result<TrialView, ApiError> {
    let unreadable = |error: studious_api::yaml::Error| SourceError::unreadable("the trial", error);
    let (record, head) = (&found.record, &shown.head);
    let latest = |n: usize| n.saturating_sub(MOST_REPORTS);
    let attempts = record.attempts.iter().map(|span| AttemptItem {
        message: found.attempt_messages.get(&span.number).cloned(),
        executed: executed::facts(span.provenance.as_ref(), record, span.number),
        // Told in `executed`.
        span: AttemptSpan { provenance: None, ..span.clone() },
    });
    let commands = found.commands.iter();
    Ok(TrialView {
        item: table::row(&found.head),
        study: head.key.name.clone(),
        namespace: head.key.namespace.clone(),
        goal: head.spec.goal.clone(),
        metric: head.spec.objective.metric.clone(),
        direction: head.spec.objective.direction,
        rank: rank(shown, found),
        space: head.spec.hyperparameters.clone(),
        schedule: found.spec.schedule.clone(),
        seeds: record.seeds.as_ref().unwrap_or(&found.spec.seeds).clone(),
        hosts: found.spec.hosts,
        inits: record.inits[latest(record.inits.len())..].iter().cloned().map(InitView::from).collect(),
        checkpoints: record.checkpoints[latest(record.checkpoints.len())..].to_vec(),
        attempts: attempts.collect(),
        malformed: found.malformed,
        commands: commands
            .map(|(what, command)| CommandView { what: what.clone(), command: command.clone() })
            .collect(),
        output: found.output.clone(),
        yaml: yaml::manifest("Trial", &format!("{}-again", found.head.name), &found.spec).map_err(unreadable)?,
        settled: found.head.phase.has_ended(),
    })
}

/// Its rank among the trials of its round that succeeded.
fn rank(shown: &StudySnapshot, found: &TrialDetail) -> Option<RankView> {
    let of_round = shown.trials.iter().filter(|trial| trial.round == found.head.round);
    let ranked = trial::ranked(&shown.head.spec, of_round);
    let position = ranked.iter().position(|trial| trial.name == found.head.name)?;
    Some(RankView { place: position + 1, of: ranked.len() })
}
