//! What was answered a moment ago, so that a page that asks every second doesn't have the API server asked each time.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Answers that are cached.
const MOST: usize = 4096;

/// Answers by question, each for its time.
#[derive(Debug)]
pub(super) struct Recent<K, V>(Mutex<HashMap<K, (Instant, V)>>);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    /// An answer whose time isn't over.
    pub(super) fn get(&self, question: &K) -> Option<V> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(question).filter(|(until, _)| Instant::now() < *until).map(|(_, answer)| answer.clone())
    }

    /// Caches an answer for a time.
    pub(super) fn put(&self, question: K, answer: V, time: Duration) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if answers.len() >= MOST {
            answers.retain(|_, (until, _)| now < *until);
        }
        // A client that fills it with questions costs others an answer, never memory.
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(question, (now + time, answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_their_time_and_are_bounded() {
        let recent = Recent::default();
        recent.put("a", 1, Duration::from_mins(1));
        recent.put("b", 2, Duration::ZERO);
        assert_eq!((recent.get(&"a"), recent.get(&"b"), recent.get(&"c")), (Some(1), None, None));
        let recent = Recent::default();
        for i in 0..10_000 {
            recent.put(i, (), Duration::from_mins(1));
        }
        assert!(recent.0.lock().unwrap().len() <= MOST);
    }
}
