//! Who a caller is and what they may do: tokens that the model signs, `TokenReview` and `SubjectAccessReview`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PublicKeyData};
use serde_json::{Value, json};

use crate::kinds::ResourcePath;

const ISSUER: &str = "https://kubernetes.default.svc";
/// The id of the model's key.
const KEY: &str = "model";

/// Users by their tokens, what they may get, and the key that signs pods' tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    key: KeyPair,
    users: Mutex<BTreeMap<String, String>>,
    grants: Mutex<BTreeSet<(String, String)>>,
}

impl Tokens {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("ring makes keys");
        Self { key, users: Mutex::default(), grants: Mutex::default() }
    }

    /// A user with this token, who may get the studies of these namespaces and these paths, such as `/metrics`.
    pub(crate) fn add_user(&self, token: &str, name: &str, namespaces: &[&str]) {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).insert(token.to_owned(), name.to_owned());
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        grants.extend(namespaces.iter().map(|namespace| (name.to_owned(), (*namespace).to_owned())));
    }

    /// A kubelet's token for an agent in this pod.
    pub(crate) fn of_pod(&self, namespace: &str, name: &str, uid: &str) -> String {
        let now = Timestamp::now().as_second();
        let claims = json!({
            "iss": ISSUER, "aud": ["studious-agent"], "exp": now + 3600, "nbf": now - 10, "iat": now - 10,
            "sub": format!("system:serviceaccount:{namespace}:default"),
            "kubernetes.io": { "namespace": namespace, "pod": { "name": name, "uid": uid } },
        });
        let header = Header { kid: Some(KEY.to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, &claims, &EncodingKey::from_ec_der(self.key.serialized_der())).expect("the key signs")
    }

    /// What the API server says about its tokens.
    pub(crate) fn document(&self, path: &str) -> Value {
        if path.ends_with("jwks") {
            // An uncompressed point: 4, x, y.
            let (x, y) = self.key.der_bytes()[1..].split_at(32);
            let [x, y] = [x, y].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
            json!({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY, "x": x, "y": y}]})
        } else {
            json!({"issuer": ISSUER, "jwks_uri": format!("{ISSUER}/openid/v1/jwks")})
        }
    }

    /// The answer to a review or to a request for a token; nothing for other objects.
    pub(crate) fn review(&self, target: &ResourcePath<'_>, body: &Value) -> Option<Value> {
        let mut answer = body.clone();
        match (target.plural, target.subresource) {
            ("tokenreviews", _) => {
                let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
                answer["status"] = match users.get(body["spec"]["token"].as_str().unwrap_or_default()) {
                    Some(name) => json!({"authenticated": true, "user": {"username": name}}),
                    None => json!({"authenticated": false, "error": "invalid bearer token"}),
                };
            }
            ("subjectaccessreviews", _) => {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let spec = &body["spec"];
                let what = match &spec["nonResourceAttributes"] {
                    Value::Null => text(&spec["resourceAttributes"]["namespace"]),
                    path => text(&path["path"]),
                };
                let wants = (text(&spec["user"]), what);
                let grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
                answer["status"] = json!({ "allowed": grants.contains(&wants) });
            }
            _ => return None,
        }
        Some(answer)
    }
}
