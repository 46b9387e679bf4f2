//! Tokens that were verified: an agent sends its own with every batch, and verifying a signature costs more than taking the
//! batch in.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};

use super::token::PodIdentity;

/// Most tokens that are cached. Of more all are verified anew.
const MOST: usize = 8192;

/// A token, by its SHA-256.
pub(super) type TokenDigest = [u8; 32];

/// The tokens that were verified with one set of keys: they are forgotten with it, so that a key that was withdrawn is not
/// believed for longer than without them.
#[derive(Default)]
pub(super) struct VerifiedTokens(Mutex<HashMap<TokenDigest, (PodIdentity, u64)>>);

impl VerifiedTokens {
    /// The digest of a token.
    pub(super) fn digest(token: &str) -> TokenDigest {
        Sha256::digest(token).into()
    }

    /// The pod of a token that was verified and has not expired by `now`, in Unix seconds.
    pub(super) fn get(&self, token: &TokenDigest, now: u64) -> Option<PodIdentity> {
        let verified = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        verified.get(token).filter(|(_, expires)| now < *expires).map(|(pod, _)| pod.clone())
    }

    /// Caches a token that was verified until it expires, in Unix seconds.
    pub(super) fn put(&self, token: TokenDigest, pod: PodIdentity, expires: u64) {
        let mut verified = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= MOST {
            verified.clear();
        }
        verified.insert(token, (pod, expires));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_remembered_until_they_expire_and_no_more_than_there_is_room_for() {
        let tokens = VerifiedTokens::default();
        let pod = PodIdentity { namespace: "n".into(), name: "p".into(), uid: "u".into() };
        let token = VerifiedTokens::digest("a");
        assert_eq!(tokens.get(&token, 5), None);
        tokens.put(token, pod.clone(), 10);
        assert_eq!(tokens.get(&token, 9), Some(pod.clone()));
        assert_eq!(tokens.get(&token, 10), None);
        assert_eq!(tokens.get(&VerifiedTokens::digest("b"), 9), None);
        for i in 0..2 * MOST {
            tokens.put(VerifiedTokens::digest(&i.to_string()), pod.clone(), 10);
        }
        assert!(tokens.0.lock().unwrap().len() <= MOST);
    }
}
