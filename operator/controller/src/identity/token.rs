//! A pod's token.

use std::time::SystemTime;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind};
use kube::Client;
use serde::Deserialize;

use super::{IdentityError, Keys, remembered::VerifiedTokens};
use crate::trial::jobs::AUDIENCE;

/// Algorithms with which API servers sign.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384];
/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 30;

/// The pod that a token is bound to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PodIdentity {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
}

#[derive(Deserialize)]
struct Claims {
    exp: u64,
    #[serde(rename = "kubernetes.io")]
    kubernetes: Option<BoundPod>,
}

#[derive(Deserialize)]
struct BoundPod {
    namespace: String,
    pod: Option<BoundObject>,
}

#[derive(Deserialize)]
struct BoundObject {
    name: String,
    uid: String,
}

/// Verifies a token: signature, issuer, audience, time, and that it is bound to a pod.
pub(super) async fn verify(client: &Client, keys: &Keys, token: &str) -> Result<PodIdentity, IdentityError> {
    let refused = |error: jsonwebtoken::errors::Error| IdentityError::Token(error.to_string());
    let header = decode_header(token).map_err(refused)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(refused(ErrorKind::InvalidAlgorithm.into()));
    }
    let id = header.kid.as_deref();
    let known = keys.with_key(client, id).await.map_err(IdentityError::Keys)?;
    let key = known
        .key(id)
        .ok_or_else(|| IdentityError::Token(format!("the API server has no key {}", id.unwrap_or("without an id"))))?;
    let digest = VerifiedTokens::digest(token);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(u64::MAX, |age| age.as_secs());
    if let Some(pod) = known.verified.get(&digest, now) {
        return Ok(pod);
    }
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[&known.issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY;
    let claims = decode::<Claims>(token, &DecodingKey::from_jwk(key).map_err(refused)?, &validation);
    let Claims { exp, kubernetes } = claims.map_err(refused)?.claims;
    match kubernetes {
        Some(BoundPod { namespace, pod: Some(BoundObject { name, uid }) }) => {
            let pod = PodIdentity { namespace, name, uid };
            known.verified.put(digest, pod.clone(), exp.saturating_add(LEEWAY));
            Ok(pod)
        }
        _ => Err(IdentityError::Token("it isn't bound to a pod".to_owned())),
    }
}
