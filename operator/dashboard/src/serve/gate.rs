//! Who may look at what.

use std::{future::Future, net::SocketAddr};

use axum::http::{HeaderMap, StatusCode, header};

use super::source::StudyKey;

/// Why somebody isn't shown something.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Who it is isn't known.
    #[error("{0}")]
    Unknown(String),
    /// Who it is may not.
    #[error("{0}")]
    NotAllowed(String),
    /// Whoever says so can't be asked just now.
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
    /// Somebody who looks.
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
    /// When whoever says so can't be asked.
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

/// The gate of a server that only this machine reaches: everybody here may see everything, but not a page of another site
/// that has its name point here.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisMachine;

impl Gate for ThisMachine {
    type Viewer = ();

    async fn admit(&self, headers: &HeaderMap, _: Option<SocketAddr>) -> Result<(), Refusal> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if is_this_machine(host) {
            Ok(())
        } else {
            Err(Refusal::NotAllowed(format!(
                "this server answers to localhost, 127.0.0.1 and [::1]; it was asked as {host:?}"
            )))
        }
    }

    fn name((): &()) -> Option<&str> {
        None
    }

    async fn may_get(&self, (): &(), _: &StudyKey) -> Result<bool, Refusal> {
        Ok(true)
    }
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => return rest.split_once(']').is_some_and(|(address, _)| address == "::1"),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1"
}

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn names_that_merely_point_here_are_refused() {
        for host in ["localhost:8642", "127.0.0.1:8642", "127.0.0.1", "[::1]:8642", "LOCALHOST"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["", "evil.example:8642", "localhost.evil.example", "127.0.0.1.evil.example:80", "[::2]:80"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
