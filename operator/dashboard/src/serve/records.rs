//! `/v1/namespaces/{namespace}/studies/{name}/records`: trials with their curves as JSON lines, for programs. The operator
//! has one of its own, which reads its ledger trial by trial.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, Query, State},
    http::{Extensions, HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures::StreamExt as _;
use serde::Deserialize;
use studious_playbook::record::{CurveMetrics, CurveSelection};

use super::{
    answer::ApiError,
    app::App,
    gate::Gate,
    source::{StudyKey, StudySource},
    studies::enter,
};

/// Most points of a curve that are sent.
const MOST_POINTS: usize = 100_000;

/// How much is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordsQuery {
    /// Points of a curve at most.
    points: Option<usize>,
    /// Of which metrics; all without it.
    #[serde(default)]
    metrics: CurveMetrics,
}

/// Serves the trials of a source's studies to whom a gate lets in. Beside [`super::router`].
pub fn records_router<S: StudySource, G: Gate>(source: S, gate: G) -> Router {
    Router::new()
        .route("/v1/namespaces/{namespace}/studies/{name}/records", get(records::<S, G>))
        .with_state(Arc::new(App::new(source, gate)))
}

async fn records<S: StudySource, G: Gate>(
    State(app): State<Arc<App<S, G>>>,
    Path((namespace, name)): Path<(String, String)>,
    Query(wanted): Query<RecordsQuery>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, ApiError> {
    let key = StudyKey { namespace, name };
    enter(&app, &headers, &extensions, &key).await?;
    let points = wanted.points.unwrap_or(MOST_POINTS).min(MOST_POINTS);
    let wanted = CurveSelection { metrics: wanted.metrics, max_points: Some(points) };
    let records = app.source.records(&key, wanted).await?;
    // Written down one by one: the whole as text would be several times what it is in memory.
    let lines = futures::stream::iter(records).map(|record| {
        let mut line = serde_json::to_vec(&record)?;
        line.push(b'\n');
        Ok::<_, serde_json::Error>(line)
    });
    let mut response = Body::from_stream(lines).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
