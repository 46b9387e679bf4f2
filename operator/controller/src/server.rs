//! What the operator serves: ingest, webhook, read API and metrics over TLS; health in the clear.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use axum_server::{
    Handle,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use tokio_util::sync::CancellationToken;

use crate::{
    context::Context,
    dashboard::{Cluster, Viewers},
    identity::Keys,
    ingest,
    limits::{ConnectionLimits, Connections},
    options::Options,
    rate::Rate,
    read, recovery, scrape, webhook,
};

/// How long requests running may take once the process is to end.
const GRACE: Duration = Duration::from_secs(5);
/// How often the certificate's file is looked at.
const CERTIFICATE: Duration = Duration::from_mins(1);
/// Requests of one connection at once.
const MAX_STREAMS: u32 = 32;

/// What request handlers share.
pub(crate) struct Shared {
    pub(crate) context: Arc<Context>,
    pub(crate) keys: Keys,
    pub(crate) viewers: Arc<Viewers>,
    pub(crate) rate: Rate,
    pub(crate) turns: ingest::Turns,
    /// Turns of the webhook.
    pub(crate) reviews: tokio::sync::Semaphore,
    pub(crate) limits: ConnectionLimits,
    pub(crate) is_ready: AtomicBool,
}

impl Shared {
    pub(crate) fn new(context: Arc<Context>, trusted_proxies: Vec<ipnet::IpNet>, keys: Keys) -> Self {
        Self {
            viewers: Arc::new(Viewers::new(context.client.clone(), trusted_proxies)),
            context,
            keys,
            rate: Rate::new(ingest::OF_POD.0, ingest::OF_POD.1),
            turns: ingest::Turns::new(ingest::AT_ONCE),
            reviews: tokio::sync::Semaphore::new(webhook::AT_ONCE),
            limits: ConnectionLimits::default(),
            is_ready: AtomicBool::new(false),
        }
    }
}

/// The dashboard.
pub(crate) fn dashboard(shared: &Arc<Shared>) -> Router {
    studious_dashboard::router(Cluster::new(shared.context.clone()), shared.viewers.clone())
}

/// The read API: `kubectl study` reaches it through the API server's proxy, notebooks at the dashboard's address.
fn read_api(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/namespaces/{namespace}/studies/{name}/records", get(read::records))
        .layer(DefaultBodyLimit::max(0))
        .with_state(shared)
}

/// What else is served over TLS: ingest, webhook and read API. Handlers read bodies themselves, once they know whose they
/// are or have a turn.
pub(crate) fn secure(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/validate", post(webhook::review))
        .route(studious_contract::PUSH_PATH, post(ingest::measurements))
        .layer(DefaultBodyLimit::max(0))
        .with_state(shared.clone())
        .merge(read_api(shared))
}

/// What is served in the clear.
pub(crate) fn plain(shared: Arc<Shared>) -> Router {
    Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready)).with_state(shared)
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    if !shared.is_ready.load(Ordering::Acquire) {
        return (StatusCode::SERVICE_UNAVAILABLE, "the caches are being filled").into_response();
    }
    match recovery::trouble(&shared.context.ledger.health()) {
        None => "ok".into_response(),
        Some((_, why)) => (StatusCode::SERVICE_UNAVAILABLE, why).into_response(),
    }
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The certificate or its key.
    #[error("the certificate {certificate} and its key {key} can't be used: {source}")]
    Certificate {
        /// The certificate's file.
        certificate: String,
        /// The key's file.
        key: String,
        /// What is wrong.
        source: std::io::Error,
    },
    /// The address.
    #[error("{address} can't be served: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What is wrong.
        source: std::io::Error,
    },
}

/// Serves until `stop`.
pub(crate) async fn serve(options: &Options, shared: Arc<Shared>, stop: CancellationToken) -> Result<(), ServeError> {
    let (certificate, key) = (&options.tls_certificate, &options.tls_key);
    let tls = RustlsConfig::from_pem_file(certificate, key).await.map_err(|source| ServeError::Certificate {
        certificate: certificate.display().to_string(),
        key: key.display().to_string(),
        source,
    })?;
    let handle = Handle::new();
    tokio::spawn({
        let (handle, stop) = (handle.clone(), stop.clone());
        async move {
            stop.cancelled().await;
            handle.graceful_shutdown(Some(GRACE));
        }
    });
    tokio::spawn(renew(tls.clone(), certificate.clone(), key.clone(), stop));

    // The dashboard has an address of its own, or shares the one of agents and the API server.
    let (api, pages) = match options.listen_dashboard {
        Some(address) => (secure(shared.clone()), Some((address, dashboard(&shared).merge(read_api(shared.clone()))))),
        None => (secure(shared.clone()).merge(dashboard(&shared)), None),
    };
    let limits = shared.limits;
    let pages = async {
        match pages {
            Some((address, router)) => over_tls(address, router, tls.clone(), handle.clone(), limits).await,
            None => Ok(()),
        }
    };
    let series = scrape::router(shared.clone(), options.open_metrics);
    tokio::try_join!(
        over_tls(options.listen, api, tls.clone(), handle.clone(), limits),
        pages,
        over_tls(options.listen_metrics, series, tls.clone(), handle.clone(), limits),
        in_the_clear(options.listen_plain, plain(shared), handle.clone(), limits)
    )?;
    Ok(())
}

type Handles = Handle<SocketAddr>;

async fn over_tls(
    address: SocketAddr,
    router: Router,
    tls: RustlsConfig,
    handle: Handles,
    limits: ConnectionLimits,
) -> Result<(), ServeError> {
    let acceptor = RustlsAcceptor::new(tls).acceptor(Connections::new(limits));
    let mut server = axum_server::bind(address).acceptor(acceptor).handle(handle);
    server.http_builder().http1().header_read_timeout(limits.headers);
    server.http_builder().http2().max_concurrent_streams(MAX_STREAMS).keep_alive_interval(limits.headers);
    let serving = server.serve(router.into_make_service_with_connect_info::<SocketAddr>());
    serving.await.map_err(|source| ServeError::Listen { address, source })
}

async fn in_the_clear(
    address: SocketAddr,
    router: Router,
    handle: Handles,
    limits: ConnectionLimits,
) -> Result<(), ServeError> {
    let mut server = axum_server::bind(address).acceptor(Connections::new(limits)).handle(handle);
    server.http_builder().http1().header_read_timeout(limits.headers);
    let serving = server.serve(router.into_make_service());
    serving.await.map_err(|source| ServeError::Listen { address, source })
}

/// Reads the certificate again when its file changes: the kubelet swaps a Secret's files when it is renewed.
async fn renew(tls: RustlsConfig, certificate: std::path::PathBuf, key: std::path::PathBuf, stop: CancellationToken) {
    let mut since = changed(&certificate).await;
    while stop.run_until_cancelled(tokio::time::sleep(CERTIFICATE)).await.is_some() {
        let now = changed(&certificate).await;
        if now == since {
            continue;
        }
        match tls.reload_from_pem_file(&certificate, &key).await {
            Ok(()) => {
                tracing::info!(certificate = %certificate.display(), "the certificate was renewed");
                since = now;
            }
            Err(error) => {
                tracing::error!(%error, "cannot use the renewed certificate; still using the old one");
            }
        }
    }
}

async fn changed(path: &Path) -> Option<SystemTime> {
    tokio::fs::metadata(path).await.ok()?.modified().ok()
}
