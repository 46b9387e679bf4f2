//! What the API server says when it refuses.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::store::ObjectKey;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refused {
    AlreadyExists,
    BadRequest,
    Conflict,
    Expired,
    NotFound,
}

impl Refused {
    fn code_and_reason(self) -> (u16, &'static str) {
        match self {
            Self::AlreadyExists => (409, "AlreadyExists"),
            Self::BadRequest => (400, "BadRequest"),
            Self::Conflict => (409, "Conflict"),
            Self::Expired => (410, "Expired"),
            Self::NotFound => (404, "NotFound"),
        }
    }
}

/// A `Status` with a failure.
#[derive(Clone, Debug)]
pub(crate) struct ApiRefusal {
    code: u16,
    reason: String,
    message: String,
}

impl ApiRefusal {
    pub(crate) fn new(refused: Refused, key: &ObjectKey, problem: &str) -> Self {
        Self::of(refused, &format!("{} {:?} {problem}", key.0, key.2))
    }

    pub(crate) fn of(refused: Refused, message: &str) -> Self {
        let (code, reason) = refused.code_and_reason();
        Self { code, reason: reason.to_owned(), message: message.to_owned() }
    }

    pub(crate) fn with(code: u16, reason: &str, message: &str) -> Self {
        Self { code, reason: reason.to_owned(), message: message.to_owned() }
    }

    pub(crate) fn status(&self) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Status", "status": "Failure",
            "code": self.code, "reason": self.reason, "message": self.message,
        })
    }
}

impl IntoResponse for ApiRefusal {
    fn into_response(self) -> Response {
        let code = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (code, Json(self.status())).into_response()
    }
}
