//! `GET /metrics`: the operator's series, which name the studies and trials of all namespaces.
//!
//! Readable by callers whose token the API server accepts and who may `get` the path `/metrics`, as with the metrics of
//! Kubernetes' own components: asked by `TokenReview` and `SubjectAccessReview`, and cached as long as the dashboard's answers.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::{Extensions, HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use studious_dashboard::Refusal;

use crate::server::Shared;

/// The path that a role must name in `nonResourceURLs`.
pub(crate) const PATH: &str = "/metrics";

/// Metrics for those who may read them; for every client when `is_open`.
pub(crate) fn router(shared: Arc<Shared>, is_open: bool) -> Router {
    let handler = if is_open { get(metrics) } else { get(metrics_if_allowed) };
    Router::new().route(PATH, handler).with_state(shared)
}

async fn metrics_if_allowed(State(shared): State<Arc<Shared>>, headers: HeaderMap, extensions: Extensions) -> Response {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    match shared.viewers.may_scrape(&headers, peer).await {
        Ok(()) => metrics(State(shared)).await,
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> Response {
    let mut response = (refusal.status(), format!("{refusal}\n")).into_response();
    if refusal.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    }
    response
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    match shared.context.metrics.text(&shared.context.caches, &shared.context.live, &shared.context.ledger) {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
