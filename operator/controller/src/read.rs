//! `GET /v1/namespaces/{namespace}/studies/{name}/records`: a study's trials with their curves, as JSON lines.
//!
//! A user who may `get` the Study may read its records. The caller shows a token in `Studious-Token` (the API server's
//! service proxy takes `Authorization` off) and the API server says whose it is and what they may do.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{ConnectInfo, Path, Query, State},
    http::{Extensions, HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::json;
use studious_api::GROUP;
use studious_dashboard::{Gate, Refusal, StudyKey};
use studious_playbook::{
    contract::JudgedMetrics,
    record::{CurveMetrics, CurveSelection},
};

use crate::{caches::Caches, object::Identified, server::Shared, study};

/// Most points of a curve that are sent.
const MAX_POINTS: usize = 100_000;

/// How much is wanted.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    /// Points of a curve at most; all without it.
    points: Option<usize>,
    /// Of which metrics; all without it.
    #[serde(default)]
    metrics: CurveMetrics,
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{user} may not get studies.{GROUP} {namespace}/{name}")]
    NotAllowed { user: String, namespace: String, name: String },
    #[error("there is no study {namespace}/{name}")]
    NoStudy { namespace: String, name: String },
}

impl IntoResponse for ReadError {
    fn into_response(self) -> Response {
        let code = match &self {
            Self::Refused(refusal) => refusal.status(),
            Self::NotAllowed { .. } => StatusCode::FORBIDDEN,
            Self::NoStudy { .. } => StatusCode::NOT_FOUND,
        };
        (code, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

/// Shows a study's trials.
pub(crate) async fn records(
    State(shared): State<Arc<Shared>>,
    Path((namespace, name)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Response {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    match show(&shared, namespace, name, &wanted, &headers, peer).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn show(
    shared: &Arc<Shared>,
    namespace: String,
    name: String,
    wanted: &Wanted,
    headers: &HeaderMap,
    peer: Option<SocketAddr>,
) -> Result<Response, ReadError> {
    let context = &shared.context;
    let user = shared.viewers.admit(headers, peer).await?;
    let key = StudyKey { namespace: namespace.clone(), name: name.clone() };
    if !shared.viewers.may_get(&user, &key).await? {
        let user = user.username.unwrap_or_default();
        return Err(ReadError::NotAllowed { user, namespace, name });
    }
    let study = Caches::get(&context.caches.studies, &namespace, &name)
        .and_then(Identified::of)
        .ok_or_else(|| ReadError::NoStudy { namespace: namespace.clone(), name: name.clone() })?;
    let mut trials = context.caches.trials_of(&study.id);
    let rounds: Vec<&str> = study.spec.rounds.iter().map(|round| round.name.as_str()).collect();
    trials.sort_by_key(|trial| {
        let place = rounds.iter().position(|round| *round == trial.spec.round).unwrap_or(rounds.len());
        (place, trial.spec.index)
    });
    let max_points = wanted.points.map(|points| points.min(MAX_POINTS));
    let wanted = CurveSelection { metrics: wanted.metrics, max_points };
    let judged = Arc::new(JudgedMetrics::of_study(&study.spec));
    let shared = shared.clone();
    let lines = futures::stream::iter(trials).then(move |trial| {
        let (shared, judged) = (shared.clone(), judged.clone());
        async move {
            let mut record = study::record(&trial);
            let filled = shared.context.ledger.fill(&trial.id.uid, &mut record, &judged, wanted).await;
            filled.map_err(std::io::Error::other)?;
            let mut line = serde_json::to_vec(&record)?;
            line.push(b'\n');
            Ok::<_, std::io::Error>(line)
        }
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}
