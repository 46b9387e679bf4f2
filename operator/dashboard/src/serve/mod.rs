//! The dashboard: a JSON API and the pages that read it.
//!
//! [`router`] serves whatever a [`StudySource`] holds to whom a [`Gate`] lets in: `studious ui` the folders of local runs, the
//! operator a cluster. It writes nothing.

mod analysis;
mod answer;
mod app;
mod assets;
mod compare;
mod executed;
mod gate;
mod records;
mod source;
mod studies;
mod table;
mod this_machine;
mod trials;
mod views;
mod yaml;

#[cfg(test)]
mod types_tests;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, StatusCode, header},
    routing::get,
};
use tower_http::{
    compression::{
        CompressionLayer, CompressionLevel,
        predicate::{DefaultPredicate, Predicate as _, SizeAbove},
    },
    set_header::SetResponseHeaderLayer,
    timeout::TimeoutLayer,
};

use app::App;
pub use gate::{Gate, Refusal};
pub use records::records_router;
pub use source::{
    Backend, KubernetesEvent, SourceError, StudyKey, StudySource, StudyState, StudySummary, TrialDetail, TrialSummary,
};
pub use this_machine::ThisMachine;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Only files of this server run, style and are read; nothing may be framed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Everything that is served: pages at `/` and `/assets`, data under `/v1`. Handlers look for the peer's address in
/// `ConnectInfo<SocketAddr>`, where the server gives it.
pub fn router<S: StudySource, G: Gate>(source: S, gate: G) -> Router {
    let app = Arc::new(App::new(source, gate));
    let of_study = Router::new()
        .route("/", get(studies::detail::<S, G>))
        .route("/findings", get(studies::findings::<S, G>))
        .route("/plots/{plot}", get(studies::plot::<S, G>))
        .route("/trials", get(trials::page::<S, G>))
        .route("/trials/{trial}", get(trials::detail::<S, G>))
        .route("/trials/{trial}/plots", get(trials::plots::<S, G>))
        .route("/trials/{trial}/events", get(trials::events::<S, G>));
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    Router::new()
        .route("/v1/about", get(studies::about::<S, G>))
        .route("/v1/studies", get(studies::list::<S, G>))
        .nest("/v1/namespaces/{namespace}/studies/{name}", of_study)
        .route("/v1/compare", get(compare::trials::<S, G>))
        .with_state(app)
        // Fast: what is sent is read once.
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(DefaultPredicate::new().and(SizeAbove::new(1024))),
        )
        .route("/", get(assets::index))
        .route("/assets/{name}", get(assets::asset))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        // Nothing here takes a body.
        .layer(DefaultBodyLimit::max(0))
        .layer(header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "no-referrer"))
}
