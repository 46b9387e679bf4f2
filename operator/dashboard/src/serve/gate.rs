//! Who may look at what.

use std::{future::Future, net::SocketAddr};

use axum::http::{HeaderMap, StatusCode};

use super::source::StudyKey;

/// Why a caller isn't shown something.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Who it is isn't known.
    #[error("{0}")]
    Unknown(String),
    /// Who it is may not.
    #[error("{0}")]
    NotAllowed(String),
    /// The authority can't be asked just now.
    #[error("{0}")]
    Unavailable(String),
}

impl Refusal {
    /// As HTTP says it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unknown(_) => StatusCode::UNAUTHORIZED,
            Self::NotAllowed(_) => StatusCode::FORBIDDEN,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Finds out who looks, and what they may see.
pub trait Gate: Send + Sync + 'static {
    /// A viewer.
    type Viewer: Send + Sync;

    /// Who asks.
    ///
    /// # Errors
    /// When that isn't known.
    fn admit(
        &self,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
    ) -> impl Future<Output = Result<Self::Viewer, Refusal>> + Send;

    /// The viewer's name, if they have one.
    fn name(viewer: &Self::Viewer) -> Option<&str>;

    /// Whether they may see a study.
    ///
    /// # Errors
    /// When the authority can't be asked.
    fn may_get(&self, viewer: &Self::Viewer, key: &StudyKey) -> impl Future<Output = Result<bool, Refusal>> + Send;
}

impl<G: Gate> Gate for std::sync::Arc<G> {
    type Viewer = G::Viewer;

    async fn admit(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<Self::Viewer, Refusal> {
        (**self).admit(headers, peer).await
    }

    fn name(viewer: &Self::Viewer) -> Option<&str> {
        G::name(viewer)
    }

    async fn may_get(&self, viewer: &Self::Viewer, key: &StudyKey) -> Result<bool, Refusal> {
        (**self).may_get(viewer, key).await
    }
}
