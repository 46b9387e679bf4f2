//! `POST /validate`: the API server asks before it takes a Study.

use axum::Json;
use kube::{
    ResourceExt,
    core::{
        DynamicObject,
        admission::{AdmissionRequest, AdmissionResponse, AdmissionReview, Operation},
    },
};
use studious_api::{StudySpec, validate};

/// Longest warning that a client shows in full.
const MAX_WARNING: usize = 250;

/// Says whether a Study is taken, with everything that is wrong with it or unwise about it.
pub(crate) async fn validate(
    Json(review): Json<AdmissionReview<DynamicObject>>,
) -> Json<AdmissionReview<DynamicObject>> {
    let request: Result<AdmissionRequest<DynamicObject>, _> = review.try_into();
    let response = match request {
        Ok(request) => answer(&request),
        Err(error) => AdmissionResponse::invalid(error),
    };
    Json(response.into_review())
}

/// The answer to one request.
fn answer(request: &AdmissionRequest<DynamicObject>) -> AdmissionResponse {
    let response = AdmissionResponse::from(request);
    if !matches!(request.operation, Operation::Create | Operation::Update) {
        return response;
    }
    let Some(object) = &request.object else { return response };
    // A study on its way out must not be held back by what is wrong with it: its finalizer has to go.
    if object.metadata.deletion_timestamp.is_some() {
        return response;
    }
    let spec = object.data.get("spec").cloned().unwrap_or_default();
    let spec: StudySpec = match serde_json::from_value(spec) {
        Ok(spec) => spec,
        Err(error) => return response.deny(format!("spec can't be read: {error}")),
    };
    let name = if object.name_any().is_empty() { request.name.clone() } else { object.name_any() };
    let refusals = validate::refusals(&name, &spec);
    if !refusals.is_empty() {
        return response.deny(refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
    let warnings = validate::warnings(&name, &spec);
    let mut response = response;
    if !warnings.is_empty() {
        response.warnings = Some(warnings.iter().map(|warning| shorten(&warning.to_string())).collect());
    }
    response
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= MAX_WARNING {
        return text.to_owned();
    }
    let cut: String = text.chars().take(MAX_WARNING - 2).collect();
    format!("{cut} …")
}
