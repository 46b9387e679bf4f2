//! `/metrics`, for Prometheus.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{AgentError, gauges::Gauges};

/// What is served once the trial is known; before, nothing is.
pub(crate) type Started = Arc<OnceLock<Arc<Gauges>>>;

/// Serves until stopped.
///
/// # Errors
/// When the address is taken.
pub(crate) async fn start(address: SocketAddr, started: Started, stop: CancellationToken) -> Result<(), AgentError> {
    let listen_failed = |source| AgentError::Listen { address, source };
    let listener = match TcpListener::bind(address).await {
        // A kernel without IPv6.
        Err(_) if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        other => other,
    }
    .map_err(listen_failed)?;
    let router = Router::new().route("/metrics", get(async move || metrics(&started)));
    tokio::spawn(async move {
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!(%error, "/metrics is no longer served");
        }
    });
    Ok(())
}

fn metrics(started: &Started) -> Response {
    let text = match started.get().map(|gauges| gauges.text()) {
        Some(Ok(text)) => text,
        Some(Err(error)) => return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        None => String::new(),
    };
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
