//! `/v1/compare?trial=namespace/study/trial&trial=…`: trials of any studies beside each other.

use axum::{
    extract::{RawQuery, State},
    http::{Extensions, HeaderMap},
    response::Response,
};
use studious_playbook::plots::{RunCurve, overlay};

use super::{
    answer::{ApiError, Tag},
    app::AppState,
    gate::Gate,
    source::{StudyKey, StudySource},
    studies::enter,
    trials::{POINTS, find, metrics, view},
    views::{ComparisonView, PlotView},
};

/// Most trials beside each other: as many as colours and dashes tell apart.
const MOST: usize = 12;

/// Trials beside each other, and their curves in one plot for each metric.
pub async fn trials<S: StudySource, G: Gate>(
    State(app): AppState<S, G>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, ApiError> {
    let wanted = wanted(query.as_deref().unwrap_or_default())?;
    let (mut versions, mut views, mut found) = (String::new(), Vec::new(), Vec::new());
    for (key, trial) in &wanted {
        let shown = enter(&app, &headers, &extensions, key).await?;
        versions.push_str(&shown.version);
        versions.push('-');
        let one = find(&app, key, trial, POINTS).await?;
        views.push(view(&shown, &one)?);
        found.push((shown, one));
    }
    let tag = Tag::of(&versions);
    if tag.is_known(&headers) {
        return Ok(tag.unchanged());
    }
    let objective = found.first().map_or("", |(shown, _)| shown.head.spec.objective.metric.as_str());
    let names: Vec<String> = wanted
        .iter()
        .map(|(key, trial)| {
            let twice = wanted.iter().filter(|(_, other)| other == trial).count() > 1;
            if twice { format!("{}/{trial}", key.namespace) } else { trial.clone() }
        })
        .collect();
    let plots: Vec<PlotView> = metrics(objective, found.iter().map(|(_, one)| &one.record))
        .into_iter()
        .filter_map(|metric| {
            let runs: Vec<RunCurve<'_>> = found
                .iter()
                .zip(&names)
                .filter_map(|((shown, one), name)| {
                    let marked = one.head.best_step.filter(|_| shown.head.spec.objective.metric == metric);
                    Some(RunCurve { name, curve: one.record.curves.get(metric)?, marked })
                })
                .collect();
            overlay(metric, &runs).map(PlotView::from)
        })
        .collect();
    tag.json(&ComparisonView { trials: views, plots })
}

fn wanted(query: &str) -> Result<Vec<(StudyKey, String)>, ApiError> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|error| ApiError::Meaningless(format!("the query can't be read: {error}")))?;
    let meaningless = |value: &str| ApiError::Meaningless(format!("trial={value}: name it namespace/study/trial"));
    let mut wanted = Vec::new();
    for (name, value) in pairs {
        if name != "trial" {
            return Err(ApiError::Meaningless(format!("{name}={value}: only trial= is known here")));
        }
        let mut parts = value.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(namespace), Some(study), Some(trial), None) => {
                wanted.push((StudyKey { namespace: namespace.to_owned(), name: study.to_owned() }, trial.to_owned()));
            }
            _ => return Err(meaningless(&value)),
        }
    }
    if wanted.is_empty() || wanted.len() > MOST {
        return Err(ApiError::Meaningless(format!("name between 1 and {MOST} trials: trial=namespace/study/trial")));
    }
    Ok(wanted)
}
