//! Answers: JSON with an entity tag, or what went wrong as JSON.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{assets, gate::Refusal, source::SourceError, table::TableError, views::ErrorView};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The caller may not see it, or isn't known.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It isn't there.
    #[error("there is no {0}")]
    Missing(String),
    /// It can't be read.
    #[error(transparent)]
    Unreadable(#[from] SourceError),
    /// It was asked for in a way that means nothing.
    #[error("{0}")]
    Meaningless(String),
}

impl From<TableError> for ApiError {
    fn from(error: TableError) -> Self {
        Self::Meaningless(error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = match &self {
            Self::Refused(refusal) => refusal.status(),
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Unreadable(error) => {
                tracing::warn!(%error, "the dashboard");
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Meaningless(_) => StatusCode::BAD_REQUEST,
        };
        (code, Json(ErrorView { error: self.to_string() })).into_response()
    }
}

/// A view as JSON.
///
/// # Errors
/// When it can't be written as JSON.
pub fn json(view: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(view).map_err(|error| SourceError::unreadable("the answer", error).into())
}

/// Entity tags of what is asked and of what there is.
pub struct Tag(String);

impl Tag {
    /// Of a version of something. Another build may say it in other words.
    pub fn of(version: &str) -> Self {
        Self(format!("W/\"{}-{version}\"", assets::DIGEST))
    }

    /// Whether the caller has this version already.
    pub fn is_known(&self, headers: &HeaderMap) -> bool {
        let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
        known.split(',').any(|tag| tag.trim() == self.0)
    }

    /// An answer of this version.
    pub fn answer(self, content_type: &'static str, body: impl Into<axum::body::Body>) -> Response {
        let mut response = Response::new(body.into());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.put(&mut response);
        response
    }

    /// An answer of this version as JSON.
    ///
    /// # Errors
    /// When it can't be written as JSON.
    pub fn json(self, view: &impl Serialize) -> Result<Response, ApiError> {
        Ok(self.answer("application/json", json(view)?))
    }

    /// That nothing has changed.
    pub fn unchanged(self) -> Response {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        self.put(&mut response);
        response
    }

    fn put(self, response: &mut Response) {
        let headers = response.headers_mut();
        // Asked again every time: who may see it may have changed.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        if let Ok(tag) = HeaderValue::from_str(&self.0) {
            headers.insert(header::ETAG, tag);
        }
    }
}
