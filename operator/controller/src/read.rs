//! `GET /v1/namespaces/{namespace}/studies/{name}/records`: a study's trials with their curves, as JSON lines.
//!
//! Whoever may `get` the Study may read its records. The caller shows a token in `Studious-Token` (the API server's
//! service proxy takes `Authorization` off) and the API server says whose it is and what they may do.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec, UserInfo},
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
};
use kube::{Api, Client, ResourceExt, api::PostParams};
use serde::Deserialize;
use serde_json::json;
use studious_api::GROUP;

use crate::{caches::Caches, server::Shared, study, trial::jobs::AUDIENCE};

/// Where the service proxy leaves a token.
const TOKEN_HEADER: &str = "studious-token";
/// Most points of a curve that are sent.
const MAX_POINTS: usize = 100_000;

/// How much is wanted.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    /// Points of a curve at most; all without it.
    points: Option<usize>,
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("show a token: Studious-Token: <token>, or Authorization: Bearer <token>")]
    NoToken,
    #[error("the token is not accepted: {0}")]
    Token(String),
    #[error("{user} may not get studies.{GROUP} {namespace}/{name}")]
    NotAllowed { user: String, namespace: String, name: String },
    #[error("there is no study {namespace}/{name}")]
    NoStudy { namespace: String, name: String },
    #[error("the API server can't be asked: {0}")]
    ApiServer(#[from] kube::Error),
}

impl IntoResponse for ReadError {
    fn into_response(self) -> Response {
        let code = match &self {
            Self::NoToken | Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::NotAllowed { .. } => StatusCode::FORBIDDEN,
            Self::NoStudy { .. } => StatusCode::NOT_FOUND,
            Self::ApiServer(_) => StatusCode::SERVICE_UNAVAILABLE,
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
) -> Response {
    match show(&shared, namespace, name, &wanted, &headers).await {
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
) -> Result<Response, ReadError> {
    let context = &shared.context;
    let user = user_of(&context.client, headers).await?;
    let who = user.username.clone().unwrap_or_default();
    if !may_get(&context.client, user, &namespace, &name).await? {
        return Err(ReadError::NotAllowed { user: who, namespace, name });
    }
    let study = Caches::get(&context.caches.studies, &namespace, &name)
        .ok_or_else(|| ReadError::NoStudy { namespace: namespace.clone(), name: name.clone() })?;
    let mut trials = context.caches.trials_of(&namespace, &name, &study.uid().unwrap_or_default());
    let rounds: Vec<&str> = study.spec.rounds.iter().map(|round| round.name.as_str()).collect();
    trials.sort_by_key(|trial| {
        let place = rounds.iter().position(|round| *round == trial.spec.round).unwrap_or(rounds.len());
        (place, trial.spec.index)
    });
    let points = wanted.points.map(|points| points.min(MAX_POINTS));
    let shared = shared.clone();
    let lines = futures::stream::iter(trials).then(move |trial| {
        let shared = shared.clone();
        async move {
            let mut record = study::record(&trial);
            let uid = trial.uid().unwrap_or_default();
            shared.context.ledger.fill(&uid, &mut record, points).await.map_err(std::io::Error::other)?;
            let mut line = serde_json::to_vec(&record)?;
            line.push(b'\n');
            Ok::<_, std::io::Error>(line)
        }
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

async fn user_of(client: &Client, headers: &HeaderMap) -> Result<UserInfo, ReadError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let token = text(TOKEN_HEADER).or(bearer).ok_or(ReadError::NoToken)?;
    // A token made for us, as `kubectl study` asks for one; or the user's own, made for the API server.
    let mut refusal = None;
    for audiences in [Some(vec![AUDIENCE.to_owned()]), None] {
        let review = TokenReview {
            spec: TokenReviewSpec { token: Some(token.to_owned()), audiences },
            ..TokenReview::default()
        };
        let status = Api::<TokenReview>::all(client.clone()).create(&PostParams::default(), &review).await?.status;
        let status = status.unwrap_or_default();
        match (status.authenticated, status.user) {
            (Some(true), Some(user)) => return Ok(user),
            _ => refusal = status.error.or(refusal),
        }
    }
    Err(ReadError::Token(refusal.unwrap_or_else(|| "the API server doesn't know it".to_owned())))
}

async fn may_get(client: &Client, user: UserInfo, namespace: &str, name: &str) -> Result<bool, kube::Error> {
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: user.username,
            uid: user.uid,
            groups: user.groups,
            extra: user.extra,
            resource_attributes: Some(ResourceAttributes {
                group: Some(GROUP.to_owned()),
                resource: Some("studies".to_owned()),
                verb: Some("get".to_owned()),
                namespace: Some(namespace.to_owned()),
                name: Some(name.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let answer = Api::<SubjectAccessReview>::all(client.clone()).create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
