//! The API server's public keys.

use std::{
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use kube::Client;
use serde::Deserialize;

/// Keys are asked for at most this often, whatever tokens come.
const APART: Duration = Duration::from_secs(10);
/// Keys are asked for at least this often: one that was withdrawn must not be believed for ever.
const STALE: Duration = Duration::from_hours(1);

/// Keys and issuer, fetched when they are first needed and when a token names a key that isn't there.
#[derive(Default)]
pub(crate) struct Keys {
    known: RwLock<Option<Arc<Known>>>,
    /// When they were last asked for. Held while asking, so that one asks for all.
    asked: tokio::sync::Mutex<Option<Instant>>,
}

/// What the API server says of the tokens that it signs.
pub(super) struct Known {
    /// The issuer of its tokens.
    pub(super) issuer: String,
    keys: JwkSet,
    since: Instant,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

impl Known {
    /// The key with this id; without an id the only key.
    pub(super) fn key(&self, id: Option<&str>) -> Option<&Jwk> {
        match id {
            Some(id) => self.keys.find(id),
            None => self.keys.keys.first().filter(|_| self.keys.keys.len() == 1),
        }
    }
}

impl Keys {
    /// Keys among which is the one with this id, if the API server has it.
    ///
    /// # Errors
    /// When the API server can't be asked and nothing is known yet.
    pub(super) async fn with_key(&self, client: &Client, id: Option<&str>) -> Result<Arc<Known>, kube::Error> {
        let fits = |known: &Arc<Known>| known.key(id).is_some() && known.since.elapsed() < STALE;
        if let Some(known) = self.known().filter(fits) {
            return Ok(known);
        }
        let mut asked = self.asked.lock().await;
        // Somebody else may have asked meanwhile.
        let known = self.known();
        if let Some(known) = known.clone().filter(fits) {
            return Ok(known);
        }
        if let (Some(known), Some(at)) = (&known, *asked)
            && at.elapsed() < APART
        {
            return Ok(known.clone());
        }
        *asked = Some(Instant::now());
        match (fetch(client).await, known) {
            (Ok(fetched), _) => {
                let fetched = Arc::new(fetched);
                *self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(fetched.clone());
                Ok(fetched)
            }
            (Err(error), Some(known)) => {
                tracing::warn!(%error, "the API server's keys could not be asked for; those known go on being used");
                Ok(known)
            }
            (Err(error), None) => Err(error),
        }
    }

    fn known(&self) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

async fn fetch(client: &Client) -> Result<Known, kube::Error> {
    let get = |path: &str| {
        http::Request::get(path)
            .header(http::header::ACCEPT, "application/jwk-set+json, application/json")
            .body(Vec::new())
            .map_err(kube::Error::HttpError)
    };
    let discovery: Discovery = client.request(get("/.well-known/openid-configuration")?).await?;
    let keys: JwkSet = client.request(get("/openid/v1/jwks")?).await?;
    Ok(Known { issuer: discovery.issuer, keys, since: Instant::now() })
}
