//! The table of trials, and what is said of one trial.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{Path, Query, State},
    http::{Extensions, HeaderMap},
    response::Response,
};
use serde_json::{Value, json};
use studious_api::trial::TrialPhase;
use studious_playbook::{
    plots::{Plot, Run, overlay},
    record::TrialRecord,
};

use super::{
    answer::{Problem, Tag},
    app::{App, Shown},
    gate::Gate,
    source::{Source, SourceError, StudyKey, TrialDetail},
    studies::enter,
    table::{self, Wanted},
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

type Shared<S, G> = State<Arc<App<S, G>>>;

/// A page of the table.
pub async fn page<S: Source, G: Gate>(
    State(app): Shared<S, G>,
    Path((namespace, name)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Problem> {
    let shown = enter(&app, &headers, &extensions, &StudyKey { namespace, name }).await?;
    let tag = Tag::of(&shown.version);
    if tag.is_known(&headers) {
        return Ok(tag.unchanged());
    }
    let page = table::page(&shown.head.spec, &shown.trials, &wanted)?;
    Ok(tag.json(&page))
}

/// One trial, without its curves.
pub async fn detail<S: Source, G: Gate>(
    State(app): Shared<S, G>,
    Path((namespace, name, trial)): Path<(String, String, String)>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Problem> {
    let key = StudyKey { namespace, name };
    let shown = enter(&app, &headers, &extensions, &key).await?;
    let tag = Tag::of(&shown.version);
    if tag.is_known(&headers) {
        return Ok(tag.unchanged());
    }
    let found = find(&app, &key, &trial, 4).await?;
    Ok(tag.json(&view(&shown, &found)?))
}

/// The curves of a trial, one picture for each metric.
pub async fn plots<S: Source, G: Gate>(
    State(app): Shared<S, G>,
    Path((namespace, name, trial)): Path<(String, String, String)>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Problem> {
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
    let pictures: Vec<Value> = metrics(objective, hosts.iter().map(|(_, record, _)| *record))
        .into_iter()
        .filter_map(|metric| {
            let runs: Vec<Run<'_>> = hosts
                .iter()
                .filter_map(|(name, record, host)| {
                    let curves = match host {
                        None => &record.curves,
                        Some(host) => record.hosts.get(host)?,
                    };
                    let marked = marked.filter(|_| host.is_none() && metric == *objective);
                    Some(Run { name, curve: curves.get(metric)?, marked })
                })
                .collect();
            overlay(metric, &runs).map(|plot| picture(&plot))
        })
        .collect();
    Ok(tag.json(&json!({ "plots": pictures })))
}

/// What Kubernetes and the operator said of a trial.
pub async fn happenings<S: Source, G: Gate>(
    State(app): Shared<S, G>,
    Path((namespace, name, trial)): Path<(String, String, String)>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Problem> {
    let key = StudyKey { namespace, name };
    let shown = enter(&app, &headers, &extensions, &key).await?;
    if !shown.trials.iter().any(|head| head.name == trial) {
        return Err(missing(&key, &trial));
    }
    let happenings = app.source.happenings(&key, &trial).await?;
    Ok(axum::Json(json!({ "events": happenings })).into_response())
}

use axum::response::IntoResponse as _;

fn missing(key: &StudyKey, trial: &str) -> Problem {
    Problem::Missing(format!("trial {trial} in study {}/{}", key.namespace, key.name))
}

/// A trial of a study.
pub async fn find<S: Source, G: Gate>(
    app: &App<S, G>,
    key: &StudyKey,
    trial: &str,
    points: usize,
) -> Result<TrialDetail, Problem> {
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

/// A picture with its specification.
pub fn picture(plot: &Plot) -> Value {
    json!({ "id": plot.id, "title": plot.title, "subtitle": plot.subtitle, "specification": plot.specification })
}

/// What is shown of a trial.
pub fn view(shown: &Shown, found: &TrialDetail) -> Result<Value, Problem> {
    let unreadable = |error: serde_yaml::Error| SourceError::unreadable("the trial", error);
    let record = &found.record;
    let mut view = table::row(&found.head);
    let latest = |n: usize| n.saturating_sub(MOST_REPORTS);
    let attempts: Vec<Value> = record
        .attempts
        .iter()
        .map(|span| {
            let mut attempt = json!(span);
            attempt["message"] = json!(found.attempt_messages.get(&span.number));
            attempt
        })
        .collect();
    let more = json!({
        "study": shown.head.key.name,
        "namespace": shown.head.key.namespace,
        "goal": shown.head.spec.goal,
        "metric": shown.head.spec.objective.metric,
        "direction": shown.head.spec.objective.direction,
        "rank": rank(shown, found),
        "space": shown.head.spec.hyperparameters,
        "schedule": found.spec.schedule,
        "seeds": record.seeds.as_ref().unwrap_or(&found.spec.seeds),
        "hosts": found.spec.hosts,
        "inits": &record.inits[latest(record.inits.len())..],
        "checkpoints": &record.checkpoints[latest(record.checkpoints.len())..],
        "attempts": attempts,
        "malformed": found.malformed,
        "commands": found.commands.iter().map(|(what, command)| json!({ "what": what, "command": command })).collect::<Vec<_>>(),
        "output": found.output,
        "yaml": yaml::manifest("Trial", &format!("{}-again", found.head.name), &found.spec).map_err(unreadable)?,
        "settled": found.head.phase.has_ended(),
    });
    if let (Value::Object(view), Value::Object(more)) = (&mut view, more) {
        view.extend(more);
    }
    Ok(view)
}

/// Its place among the trials of its round that succeeded, from 1, and how many these are.
fn rank(shown: &Shown, found: &TrialDetail) -> Option<Value> {
    let own = found.head.objective.filter(|_| found.head.phase == TrialPhase::Succeeded)?;
    let direction = shown.head.spec.objective.direction;
    let others = shown
        .trials
        .iter()
        .filter(|trial| trial.round == found.head.round && trial.phase == TrialPhase::Succeeded)
        .filter_map(|trial| trial.objective);
    let (mut better, mut all) = (0, 0);
    for other in others {
        all += 1;
        better += usize::from(direction.better(other, own));
    }
    Some(json!({ "place": better + 1, "of": all }))
}
