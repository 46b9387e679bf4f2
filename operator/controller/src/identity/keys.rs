//! The API server's public keys, kept on disk so that a restart while the API server is away can verify tokens.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use kube::Client;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::remembered::VerifiedTokens;
use crate::fault::{Category, backoff};

/// Keys that are known are asked for at most this often, whatever tokens come; after a failure sooner, but never later.
const APART: Duration = Duration::from_secs(10);
/// Keys are asked for at least this often: one that was withdrawn must not be believed for ever.
const STALE: Duration = Duration::from_hours(1);
/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(5);
/// Keys on disk are believed for so long after they were fetched.
const KEPT: Duration = Duration::from_hours(24);

/// Keys and issuer, fetched when they are first needed and when a token names a key that isn't there.
#[derive(Default)]
pub(crate) struct Keys {
    known: RwLock<Option<Arc<KnownKeys>>>,
    /// When they may be asked for again. Held while asking, so that one asks for all.
    asked: tokio::sync::Mutex<KeysAsked>,
    /// Where they are kept.
    file: Option<PathBuf>,
}

#[derive(Default)]
struct KeysAsked {
    next: Option<Instant>,
    /// How often in a row the API server had no keys.
    failures: u32,
    /// What it said the last time.
    problem: Option<String>,
}

/// Keys on disk.
#[derive(Deserialize, Serialize)]
struct KeptKeys {
    issuer: String,
    keys: JwkSet,
    /// Unix time, in seconds.
    fetched: u64,
}

/// What the API server says about the tokens that it signs.
pub(super) struct KnownKeys {
    /// The issuer of its tokens.
    pub(super) issuer: String,
    keys: JwkSet,
    /// When they were fetched; nothing when they are from disk.
    since: Option<Instant>,
    /// What was verified with them.
    pub(super) verified: VerifiedTokens,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

impl KnownKeys {
    /// The key with this id; without an id the only key.
    pub(super) fn key(&self, id: Option<&str>) -> Option<&Jwk> {
        match id {
            Some(id) => self.keys.find(id),
            None => self.keys.keys.first().filter(|_| self.keys.keys.len() == 1),
        }
    }
}

impl KeysAsked {
    /// Notes that the API server was asked, and the problem if it had no keys. One failure must not hold up all agents for
    /// as long as keys that are known are good for.
    fn note(&mut self, problem: Option<&String>) {
        self.failures = if problem.is_some() { self.failures.saturating_add(1) } else { 0 };
        let wait = match self.failures {
            0 => APART,
            failures => backoff(Category::Transient, failures, &mut rand::rng()).min(APART),
        };
        self.next = Some(Instant::now() + wait);
        self.problem = problem.cloned();
    }
}

impl Keys {
    /// Keys that are kept in a file, with those that are in it.
    pub(crate) fn kept_in(file: PathBuf) -> Self {
        let known = kept(&file).map(Arc::new);
        Self { known: RwLock::new(known), file: Some(file), ..Self::default() }
    }

    /// Keys among which is the one with this id, if the API server has it.
    ///
    /// # Errors
    /// When the API server can't be asked and nothing is known yet: what it says.
    pub(super) async fn with_key(&self, client: &Client, id: Option<&str>) -> Result<Arc<KnownKeys>, String> {
        let fits = |known: &Arc<KnownKeys>| {
            known.key(id).is_some() && known.since.is_some_and(|since| since.elapsed() < STALE)
        };
        if let Some(known) = self.known().filter(fits) {
            return Ok(known);
        }
        let mut asked = self.asked.lock().await;
        // Another caller may have asked meanwhile.
        let known = self.known();
        if let Some(known) = known.clone().filter(fits) {
            return Ok(known);
        }
        if asked.next.is_some_and(|next| Instant::now() < next) {
            match (known, &asked.problem) {
                (Some(known), _) => return Ok(known),
                (None, Some(problem)) => return Err(problem.clone()),
                (None, None) => {}
            }
        }
        let known = self.known();
        let fetched = match tokio::time::timeout(REQUEST, fetch(client)).await {
            Ok(fetched) => fetched.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer in {} s", REQUEST.as_secs())),
        };
        asked.note(fetched.as_ref().err());
        match (fetched, known) {
            (Ok(fetched), _) => {
                if let Some(file) = &self.file {
                    keep(file, &fetched).await;
                }
                let fetched = Arc::new(fetched);
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(fetched.clone());
                Ok(fetched)
            }
            (Err(error), Some(known)) => {
                tracing::warn!(error, "cannot fetch the API server's keys; still using the known ones");
                Ok(known)
            }
            (Err(error), None) => Err(error),
        }
    }

    fn known(&self) -> Option<Arc<KnownKeys>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The keys of a file, if it holds any that are not too old.
fn kept(file: &Path) -> Option<KnownKeys> {
    let kept: KeptKeys = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let fetched = SystemTime::UNIX_EPOCH + Duration::from_secs(kept.fetched);
    let is_young = SystemTime::now().duration_since(fetched).is_ok_and(|age| age < KEPT);
    is_young.then_some(KnownKeys {
        issuer: kept.issuer,
        keys: kept.keys,
        since: None,
        verified: VerifiedTokens::default(),
    })
}

/// Writes keys to a file, whole or not at all. A failure costs nothing until the API server is away.
async fn keep(file: &Path, known: &KnownKeys) {
    let fetched = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_secs());
    let kept = KeptKeys { issuer: known.issuer.clone(), keys: known.keys.clone(), fetched };
    let unfinished = file.with_extension("unfinished");
    let written = async {
        tokio::fs::write(&unfinished, serde_json::to_vec(&kept)?).await?;
        tokio::fs::rename(&unfinished, file).await
    };
    if let Err(error) = written.await {
        tracing::warn!(file = %file.display(), %error, "cannot keep the API server's keys on disk");
    }
}

async fn fetch(client: &Client) -> Result<KnownKeys, kube::Error> {
    let get = |path: &str| {
        http::Request::get(path)
            .header(http::header::ACCEPT, "application/jwk-set+json, application/json")
            .body(Vec::new())
            .map_err(kube::Error::HttpError)
    };
    let discovery: Discovery = client.request(get("/.well-known/openid-configuration")?).await?;
    let keys: JwkSet = client.request(get("/openid/v1/jwks")?).await?;
    Ok(KnownKeys { issuer: discovery.issuer, keys, since: Some(Instant::now()), verified: VerifiedTokens::default() })
}
