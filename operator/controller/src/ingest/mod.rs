//! `POST /v1/measurements`: agents send what trainers write.
//!
//! `{"attempt","host","firstLine","lines","drained"}` → `{"nextLine","trainerEnded"}`. Lines are taken exactly once; a sender that is
//! ahead is sent where to continue (409). A pod sends for its own attempt and for earlier ones of the same trial and host,
//! whose lines were left on the checkpoint claim. Nothing of a body is read before the sender is known and has a turn.
//! Everything is bounded: a body and the time it takes, what one pod sends in a second and at once, and how much is taken
//! in at once.

#[cfg(test)]
mod tests;
mod turns;

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use kube::{Resource, runtime::reflector::ObjectRef};
use serde_json::json;
use studious_api::{Study, Trial, TrialStatus};
use studious_contract::{PushAnswer, PushRequest};
use studious_ledger::{Appended, LedgerError, RunState, StudyRow, TrialRow};

pub(crate) use turns::Turns;

use crate::{
    caches::Caches,
    context::Context,
    identity::{self, IdentityError, Sender},
    limits::{BodyError, read_body},
    object::{Identified, is_controlled_by},
    server::Shared,
    status::millis,
    trial::has_trainer_ended,
};

/// Most requests that are taken in at once; others are asked to come back.
pub(crate) const AT_ONCE: usize = 64;
/// Requests of one pod in a second over time, and at once: an agent that was cut off sends what has gathered.
pub(crate) const OF_POD: (f64, f64) = (10.0, 50.0);

/// Why nothing was taken.
#[derive(Debug, thiserror::Error)]
enum IngestError {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("the body is not a push: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the pod is host {host} of attempt {attempt}; it cannot send for host {as_host} of attempt {as_attempt}")]
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
            Self::Body(error) => error.code(),
            Self::Json(_) => StatusCode::BAD_REQUEST,
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Self::Deleted | Self::Identity(IdentityError::Gone { .. }) => StatusCode::GONE,
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
pub(crate) async fn measurements(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    match take(&shared, request).await {
        Ok(taken) => Json(taken).into_response(),
        Err(error) => {
            let code = error.code();
            if matches!(code, StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GONE) {
                tracing::debug!(%code, %error, "measurements were not taken");
            } else {
                tracing::warn!(%code, %error, "measurements were refused");
            }
            shared.context.metrics.ingested("refused", 1);
            error.into_response()
        }
    }
}

async fn take(shared: &Arc<Shared>, request: Request) -> Result<PushAnswer, IngestError> {
    let context = &shared.context;
    let sender = identity::identify(&context.client, &shared.keys, &context.caches, bearer(request.headers())).await?;
    if !shared.rate.allows(&sender.pod_uid, std::time::Instant::now()) {
        return Err(IngestError::TooOften);
    }
    let study = study_of(&context.caches, &sender.trial);
    if study.as_ref().is_some_and(|study| study.metadata.deletion_timestamp.is_some())
        || sender.trial.metadata.deletion_timestamp.is_some()
    {
        return Err(IngestError::Deleted);
    }
    let turn = shared.turns.take(&sender.pod_uid).ok_or(IngestError::Busy)?;
    let body = read_body(request, studious_contract::MAX_PUSH_BYTES, shared.limits.body).await?;
    let body: PushRequest<'static> = serde_json::from_slice(&body)?;
    // Lines of an earlier attempt of this host that were left on the claim are this pod's to deliver.
    if !(1..=sender.attempt).contains(&body.attempt) || body.host != sender.host {
        return Err(IngestError::NotYours {
            attempt: sender.attempt,
            host: sender.host,
            as_attempt: body.attempt,
            as_host: body.host,
        });
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

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

async fn append(
    context: &Context,
    sender: &Sender,
    study: Option<&Identified<Study>>,
    body: &PushRequest<'_>,
) -> Result<PushAnswer, IngestError> {
    let trial = &sender.trial;
    let uid = &trial.id.uid;
    if has_ended(trial) {
        // Its curves get their last points; nothing is decided any more, and nothing of it is live.
        let appended = put(context, sender, study, body).await?;
        count(&context.metrics, body.lines.len(), &appended);
        return Ok(answer(context, sender, appended.next_line));
    }

    let entry = context.live.entry(uid);
    let mut live = entry.lock().await;
    // From the ledger as it was before these lines, so that they are seen once.
    live.progress(&context.ledger, uid, &trial.spec).await?;
    let appended = put(context, sender, study, body).await?;
    let is_telling = live.observe(&trial.spec, (body.attempt, body.host), &appended, body.drained);
    drop(live);

    count(&context.metrics, body.lines.len(), &appended);
    let now = Caches::get(&context.caches.trials, &trial.id.namespace, &trial.id.name);
    if now.is_none_or(|now| now.metadata.uid.as_ref() != Some(uid) || has_ended(&now)) {
        // It has ended meanwhile.
        context.live.forget(uid);
    } else if is_telling {
        context.caches.trial_queue.push(ObjectRef::from_obj(&**trial));
    }
    Ok(answer(context, sender, appended.next_line))
}

/// The answer to the pod that sends. Whether its trainer has ended is looked up once its lines are stored.
fn answer(context: &Context, sender: &Sender, next_line: u64) -> PushAnswer {
    let pod = Caches::get(&context.caches.pods, &sender.trial.id.namespace, &sender.pod_name);
    let pod = pod.filter(|pod| pod.metadata.uid.as_ref() == Some(&sender.pod_uid));
    PushAnswer { next_line, trainer_ended: pod.is_some_and(|pod| has_trainer_ended(&sender.trial.spec, &pod)) }
}

/// Stores lines. A trial that the ledger does not know is introduced to it.
async fn put(
    context: &Context,
    sender: &Sender,
    study: Option<&Identified<Study>>,
    body: &PushRequest<'_>,
) -> Result<Appended, LedgerError> {
    let uid = &sender.trial.id.uid;
    let append = async || {
        if body.drained {
            context.ledger.append_last(uid, body.attempt, body.host, body.first_line, &body.lines).await
        } else {
            context.ledger.append(uid, body.attempt, body.host, body.first_line, &body.lines).await
        }
    };
    match append().await {
        Err(LedgerError::UnknownTrial { .. }) => {
            introduce(context, &sender.trial, study).await?;
            append().await
        }
        other => other,
    }
}

fn has_ended(trial: &Trial) -> bool {
    trial.status.as_ref().is_some_and(|status| status.phase.has_ended())
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
