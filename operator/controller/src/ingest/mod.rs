//! `POST /v1/measurements`: agents send what trainers write.
//!
//! `{"attempt","host","firstLine","lines","drained"}` → `{"nextLine"}`. Lines are taken exactly once; a sender that is
//! ahead is told where to go on (409). Everything is bounded: a body, what one pod sends in a second, and how much is
//! taken in at once.

mod rate;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use kube::{Resource, runtime::reflector::ObjectRef};
use serde_json::json;
use studious_api::{Study, Trial, TrialStatus};
use studious_contract::{PushAnswer, PushRequest};
use studious_ledger::{Appended, LedgerError, RunState, StudyRow, TrialRow};

pub(crate) use rate::Rate;

use crate::{
    caches::Caches,
    context::Context,
    identity::{self, IdentityError, Sender},
    object::{Identified, is_controlled_by},
    server::Shared,
    status::millis,
};

/// Most requests that are taken in at once; others are told to come back.
pub(crate) const AT_ONCE: usize = 64;

/// Why nothing was taken.
#[derive(Debug, thiserror::Error)]
enum IngestError {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("{0}")]
    Body(#[from] JsonRejection),
    #[error("the pod is host {host} of attempt {attempt}; it can't send for host {as_host} of attempt {as_attempt}")]
    NotYours { attempt: u32, host: u32, as_attempt: u32, as_host: u32 },
    #[error("too many requests from one pod")]
    TooOften,
    #[error("the operator is busy")]
    Busy,
    #[error("the study is being deleted, and its measurements with it")]
    Deleted,
    #[error("the operator stopped before it had taken the lines")]
    Stopped,
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl IngestError {
    fn code(&self) -> StatusCode {
        match self {
            Self::Identity(IdentityError::NoToken | IdentityError::Token(_)) => StatusCode::UNAUTHORIZED,
            // A pod that is very new is known in a moment.
            Self::Identity(IdentityError::Keys(_) | IdentityError::UnknownPod { .. }) | Self::Busy | Self::Stopped => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Identity(IdentityError::NoHost { .. }) | Self::NotYours { .. } => StatusCode::FORBIDDEN,
            Self::Body(rejection) => rejection.status(),
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Self::Deleted => StatusCode::GONE,
            Self::Ledger(LedgerError::Gap { .. }) => StatusCode::CONFLICT,
            Self::Ledger(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl IntoResponse for IngestError {
    fn into_response(self) -> Response {
        let code = self.code();
        let mut body = json!({ "error": self.to_string() });
        if let Self::Ledger(LedgerError::Gap { next_line, .. }) = &self {
            body["nextLine"] = (*next_line).into();
        }
        let mut response = (code, Json(body)).into_response();
        if matches!(code, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}

/// Takes in what an agent sends.
pub(crate) async fn measurements(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Json<PushRequest<'static>>, JsonRejection>,
) -> Response {
    match take(&shared, &headers, body).await {
        Ok(taken) => Json(taken).into_response(),
        Err(error) => {
            let code = error.code();
            if code == StatusCode::CONFLICT || code == StatusCode::SERVICE_UNAVAILABLE {
                tracing::debug!(%code, %error, "measurements were not taken");
            } else {
                tracing::warn!(%code, %error, "measurements were refused");
            }
            shared.context.metrics.ingested("refused", 1);
            error.into_response()
        }
    }
}

async fn take(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    body: Result<Json<PushRequest<'static>>, JsonRejection>,
) -> Result<PushAnswer, IngestError> {
    let turn = shared.turns.clone().try_acquire_owned().map_err(|_| IngestError::Busy)?;
    let context = &shared.context;
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let sender = identity::identify(&context.client, &shared.keys, &context.caches, bearer).await?;
    if !shared.rate.allows(&sender.pod_uid, std::time::Instant::now()) {
        return Err(IngestError::TooOften);
    }
    let Json(body) = body?;
    if (body.attempt, body.host) != (sender.attempt, sender.host) {
        return Err(IngestError::NotYours {
            attempt: sender.attempt,
            host: sender.host,
            as_attempt: body.attempt,
            as_host: body.host,
        });
    }
    let study = study_of(&context.caches, &sender.trial);
    if study.as_ref().is_some_and(|study| study.metadata.deletion_timestamp.is_some())
        || sender.trial.metadata.deletion_timestamp.is_some()
    {
        return Err(IngestError::Deleted);
    }
    // A task of its own: a connection that breaks ends this handler, and must not end it between the ledger's taking of
    // the lines and the observing of them.
    let shared = shared.clone();
    let taken = tokio::spawn(async move {
        let _turn = turn;
        append(&shared.context, &sender, study.as_ref(), &body).await
    });
    taken.await.map_err(|_| IngestError::Stopped)?
}

async fn append(
    context: &Context,
    sender: &Sender,
    study: Option<&Identified<Study>>,
    body: &PushRequest<'_>,
) -> Result<PushAnswer, IngestError> {
    let trial = &sender.trial;
    let uid = &trial.id.uid;
    let (attempt, host) = (sender.attempt, sender.host);
    let put = async || {
        if body.drained {
            context.ledger.append_last(uid, attempt, host, body.first_line, &body.lines).await
        } else {
            context.ledger.append(uid, attempt, host, body.first_line, &body.lines).await
        }
    };
    let has_ended = trial.status.as_ref().is_some_and(|status| status.phase.has_ended());

    let entry = context.live.entry(uid);
    let mut live = entry.lock().await;
    // From the ledger as it was before these lines, so that they are seen once.
    live.progress(&context.ledger, uid, &trial.spec).await?;
    let appended = match put().await {
        Err(LedgerError::UnknownTrial { .. }) => {
            introduce(context, trial, study).await?;
            put().await?
        }
        other => other?,
    };
    let is_telling = live.observe(&trial.spec, (attempt, host), &appended, body.drained);
    drop(live);

    count(&context.metrics, body.lines.len(), &appended);
    if has_ended {
        // Its curves get their last points; nothing is decided any more.
        context.live.forget(uid);
    } else if is_telling {
        context.caches.trial_queue.push(ObjectRef::from_obj(&**trial));
    }
    Ok(PushAnswer { next_line: appended.next_line })
}

fn count(metrics: &crate::metrics::Metrics, sent: usize, appended: &Appended) {
    let malformed = appended.new.iter().filter(|(_, line)| line.is_err()).count();
    let dropped = usize::try_from(appended.dropped).unwrap_or(usize::MAX);
    metrics.ingested("new", appended.new.len() - malformed);
    metrics.ingested("malformed", malformed);
    metrics.ingested("dropped", dropped);
    metrics.ingested("repeated", sent.saturating_sub(appended.new.len()).saturating_sub(dropped));
}

/// Puts a trial and its study into the ledger: at its first line, or after the ledger was lost.
async fn introduce(
    context: &Context,
    trial: &Identified<Trial>,
    study: Option<&Identified<Study>>,
) -> Result<(), LedgerError> {
    let namespace = trial.id.namespace.clone();
    let Some(study) = study else {
        return Err(LedgerError::UnknownStudy { study: format!("{namespace}/{}", trial.spec.study) });
    };
    let study_uid = study.id.uid.clone();
    context
        .ledger
        .upsert_study(&StudyRow {
            uid: study_uid.clone(),
            namespace,
            name: study.id.name.clone(),
            spec: study.spec.clone(),
            created: millis(
                study.meta().creation_timestamp.as_ref().map_or_else(|| context.clock.now(), |time| time.0),
            ),
        })
        .await?;
    context
        .ledger
        .upsert_trial(&TrialRow {
            uid: trial.id.uid.clone(),
            study: study_uid,
            name: trial.id.name.clone(),
            spec: trial.spec.clone(),
            state: state(trial.status.as_ref()),
        })
        .await
}

/// What the ledger keeps of a trial's state. On a cluster the Trial itself is the truth.
fn state(status: Option<&TrialStatus>) -> RunState {
    let status = status.cloned().unwrap_or_default();
    RunState { phase: status.phase, attempt: status.attempt.unwrap_or(1), ..RunState::default() }
}

/// The study that a trial belongs to.
fn study_of(caches: &Caches, trial: &Identified<Trial>) -> Option<Identified<Study>> {
    let study = Caches::get(&caches.studies, &trial.id.namespace, &trial.spec.study).and_then(Identified::of)?;
    is_controlled_by(&**trial, &study.id.uid).then_some(study)
}
