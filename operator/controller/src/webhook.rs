//! `POST /validate`: the API server asks before it takes a Study.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use kube::{
    ResourceExt,
    core::{
        DynamicObject,
        admission::{AdmissionRequest, AdmissionResponse, AdmissionReview, Operation},
    },
};
use serde_json::Value;
use studious_api::{
    StudySpec, document, labels,
    validate::{self, Violation},
};
use studious_playbook::advice;

use crate::{limits::read_body, server::Shared};

/// Longest warning that a client shows in full.
const MAX_WARNING: usize = 250;
/// Reviews at once. Anybody can ask: what they send takes memory only while they have a turn.
pub(crate) const AT_ONCE: usize = 8;
/// How long a review waits for its turn: less than the API server waits for an answer.
const TURN: Duration = Duration::from_secs(5);
/// Largest review, in bytes: a Study before and after a change.
const MAX_REVIEW_BYTES: usize = 4 * 1024 * 1024;

/// Answers one review.
pub(crate) async fn review(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let Ok(Ok(_turn)) = tokio::time::timeout(TURN, shared.reviews.acquire()).await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the operator is busy").into_response();
    };
    let body = match read_body(request, MAX_REVIEW_BYTES, shared.limits.body).await {
        Ok(body) => body,
        Err(error) => return (error.code(), error.to_string()).into_response(),
    };
    match serde_json::from_slice(&body) {
        Ok(review) => validate(review).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("the body is not an AdmissionReview: {error}")).into_response(),
    }
}

/// Says whether a Study is taken, with everything that is wrong with it or unwise about it.
fn validate(review: AdmissionReview<DynamicObject>) -> Json<AdmissionReview<DynamicObject>> {
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
    let name = if object.name_any().is_empty() { request.name.clone() } else { object.name_any() };
    let spec: StudySpec = match serde_json::from_value(spec.clone()) {
        Ok(spec) => spec,
        Err(error) => return response.deny(unread(&name, &spec, &error)),
    };
    let mut refusals = validate::refusals(&name, &spec);
    refusals.extend(advice::refusals(&spec));
    if request.operation == Operation::Update
        && let Some(old) = &request.old_object
    {
        refusals.extend(changes(old, &spec));
        if object.annotations().get(labels::ALLOW_CHANGES).is_none_or(|value| value != "true") {
            refusals.extend(code_changes(old, &spec));
        }
    }
    if !refusals.is_empty() {
        return response.deny(refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
    let warnings = advice::warnings(&spec);
    let mut response = response;
    if !warnings.is_empty() {
        response.warnings = Some(warnings.iter().map(|warning| shorten(&warning.to_string())).collect());
    }
    response
}

/// What is wrong with a spec that can't be read as a whole.
fn unread(name: &str, spec: &Value, error: &serde_json::Error) -> String {
    let found = document::refusals(name, spec);
    if found.is_empty() {
        return format!("spec can't be read: {error}");
    }
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// What can't change: more than rules of the CRD can see, which know nothing of values without a type, nor of the rounds
/// that have begun.
fn changes(old: &DynamicObject, new: &StudySpec) -> Vec<Violation> {
    let Ok(spec) = serde_json::from_value::<StudySpec>(old.data.get("spec").cloned().unwrap_or_default()) else {
        // Of an older version: what it was can't be compared.
        return Vec::new();
    };
    let begun: Vec<String> = match old.data.pointer("/status/round").and_then(Value::as_str) {
        Some("retrain") => spec.rounds.iter().map(|r| r.name.clone()).chain(["retrain".to_owned()]).collect(),
        Some(last) => {
            let place = spec.rounds.iter().position(|r| r.name == last).map_or(0, |i| i + 1);
            spec.rounds[..place].iter().map(|r| r.name.clone()).collect()
        }
        None => Vec::new(),
    };
    validate::changes(&spec, new, &begun)
}

/// What trials execute and has changed since some have ended with a result.
fn code_changes(old: &DynamicObject, new: &StudySpec) -> Vec<Violation> {
    let count = |phase: &str| old.data.pointer(&format!("/status/trials/{phase}")).and_then(Value::as_u64).unwrap_or(0);
    let Ok(spec) = serde_json::from_value::<StudySpec>(old.data.get("spec").cloned().unwrap_or_default()) else {
        return Vec::new();
    };
    if ["succeeded", "infeasible", "stopped"].map(count).iter().all(|ended| *ended == 0) {
        return Vec::new();
    }
    let mut found = validate::code_changes(&spec, new);
    for violation in &mut found {
        violation.fix =
            format!("Put it back, make a new study, or annotate this one with {}=true.", labels::ALLOW_CHANGES);
    }
    found
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= MAX_WARNING {
        return text.to_owned();
    }
    let cut: String = text.chars().take(MAX_WARNING - 2).collect();
    format!("{cut} …")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reviewed_new(object: &Value, operation: &str) -> Value {
        reviewed(object, &Value::Null, operation)
    }

    fn reviewed(object: &Value, old: &Value, operation: &str) -> Value {
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "r1", "kind": {"group": "studious.dev", "version": "v1alpha1", "kind": "Study"},
            "resource": {"group": "studious.dev", "version": "v1alpha1", "resource": "studies"},
            "name": "digits", "operation": operation, "userInfo": {}, "object": object, "oldObject": old,
        }});
        let Json(answer) = validate(serde_json::from_value(review).unwrap());
        serde_json::to_value(answer).unwrap()["response"].take()
    }

    fn study(rounds: &str) -> Value {
        let yaml = format!(
            "
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {{name: digits}}
spec:
  goal: Which learning rate?
  objective: {{metric: validation_error, direction: Minimize}}
  hyperparameters: [{{name: learning_rate, range: {{min: 0.001, max: 1, scale: Log}}}}]
  rounds: {rounds}
  evaluation: {{everySteps: 10}}
  trial: {{template: {{spec: {{containers: [{{name: trainer, image: trainer}}]}}}}}}
"
        );
        serde_yaml::from_str(&yaml).unwrap()
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let rounds = "[{name: a, trials: 0, maxTrainSteps: 100}, {name: b, trials: 4, maxTrainSteps: 50}]";
        let response = reviewed_new(&study(rounds), "CREATE");
        assert_eq!((response["allowed"].as_bool(), response["uid"].as_str()), (Some(false), Some("r1")));
        let message = response["status"]["message"].as_str().unwrap();
        assert!(
            message.contains("spec.rounds[0].trials") && message.contains("spec.rounds[1].maxTrainSteps"),
            "{message}"
        );
    }

    #[test]
    fn what_is_unwise_is_taken_with_a_warning() {
        let response = reviewed_new(&study("[{name: a, trials: 1, maxTrainSteps: 100}]"), "UPDATE");
        assert_eq!(response["allowed"], true);
        assert!(response["warnings"].as_array().is_some_and(|w| !w.is_empty()), "{response}");
    }

    #[test]
    fn trials_may_become_more_until_a_later_round_has_begun() {
        let rounds = |trials: u32| {
            study(&format!(
                "[{{name: a, trials: {trials}, maxTrainSteps: 100}}, {{name: b, trials: 5, maxTrainSteps: 200}}]"
            ))
        };
        for (round, trials, allowed) in
            [("", 20, true), ("a", 20, true), ("a", 10, true), ("a", 9, false), ("b", 20, false), ("b", 10, true)]
        {
            let mut old = rounds(10);
            if !round.is_empty() {
                old["status"] = json!({"phase": "Completed", "round": round});
            }
            let response = reviewed(&rounds(trials), &old, "UPDATE");
            assert_eq!(response["allowed"], allowed, "{round} {trials}: {response}");
        }
    }

    #[test]
    fn what_rules_of_the_crd_do_not_see_cannot_change_either() {
        let listed = |values: &str| {
            let mut study = study("[{name: a, trials: 10, maxTrainSteps: 100}]");
            study["spec"]["hyperparameters"][0] =
                serde_yaml::from_str(&format!("{{name: x, values: {values}}}")).unwrap();
            study
        };
        let response = reviewed(&listed("[1, 2]"), &listed("[1, 3]"), "UPDATE");
        let message = response["status"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("spec.hyperparameters: can't change"), "{response}");
        assert_eq!(reviewed(&listed("[1, 2]"), &listed("[1, 2]"), "UPDATE")["allowed"], true);
    }

    #[test]
    fn what_trials_execute_does_not_change_unasked_once_some_have_ended() {
        let rounds = "[{name: a, trials: 10, maxTrainSteps: 100}]";
        let mut new = study(rounds);
        new["spec"]["trial"]["template"]["spec"]["containers"][0]["image"] = "trainer:2".into();
        for (ended, allowed) in [(json!({}), true), (json!({"failed": 3}), true), (json!({"succeeded": 1}), false)] {
            let mut old = study(rounds);
            old["status"] = json!({"phase": "Running", "round": "a", "trials": ended});
            let response = reviewed(&new, &old, "UPDATE");
            assert_eq!(response["allowed"], allowed, "{response}");
            let message = response["status"]["message"].as_str().unwrap_or_default();
            let told = message.contains("containers[0].image") && message.contains("studious.dev/allow-changes=true");
            assert_eq!(told, !allowed, "{message}");
            let mut annotated = new.clone();
            annotated["metadata"]["annotations"] = json!({"studious.dev/allow-changes": "true"});
            assert_eq!(reviewed(&annotated, &old, "UPDATE")["allowed"], true);
        }
    }

    #[test]
    fn what_cannot_be_read_and_what_is_being_deleted() {
        let mut object =
            study("[{name: a, trials: many, maxTrainSteps: 100}, {name: b, trials: 4, maxTrainSteps: 50}]");
        let response = reviewed_new(&object, "CREATE");
        assert_eq!(response["allowed"], false);
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains("spec.rounds[0].trials: \"many\": must be a whole number"), "{message}");
        assert!(message.contains("spec.rounds[1].maxTrainSteps: 50: must be larger"), "{message}");
        object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        assert_eq!(reviewed_new(&object, "UPDATE")["allowed"], true);
    }
}
