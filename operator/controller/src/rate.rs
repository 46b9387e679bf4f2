//! How often one caller may do something.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// Callers that are kept in mind; beyond that, those whose buckets are full are forgotten, and then all.
const MAX_CALLERS: usize = 16_384;

/// A bucket for each caller, filled at a steady rate.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Rate {
    /// So many times a second over time, and so many at once.
    pub(crate) fn new(per_second: f64, burst: f64) -> Self {
        Self { per_second, burst, buckets: Mutex::default() }
    }

    /// Whether a caller may now. It counts.
    pub(crate) fn allows(&self, caller: &str, now: Instant) -> bool {
        self.with(caller, now, |left| {
            let allowed = *left >= 1.0;
            if allowed {
                *left -= 1.0;
            }
            allowed
        })
    }

    /// What [`Rate::allows`] counted does not count after all.
    pub(crate) fn give_back(&self, caller: &str, now: Instant) {
        self.with(caller, now, |left| *left = (*left + 1.0).min(self.burst));
    }

    fn with<R>(&self, caller: &str, now: Instant, f: impl FnOnce(&mut f64) -> R) -> R {
        let fill = |bucket: &mut Bucket| {
            let gained = now.duration_since(bucket.at).as_secs_f64() * self.per_second;
            bucket.left = (bucket.left + gained).min(self.burst);
            bucket.at = now;
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_CALLERS && !buckets.contains_key(caller) {
            buckets.retain(|_, bucket| {
                fill(bucket);
                bucket.left < self.burst
            });
            if buckets.len() >= MAX_CALLERS {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(caller.to_owned()).or_insert(Bucket { left: self.burst, at: now });
        fill(bucket);
        f(&mut bucket.left)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_and_then_a_steady_rate() {
        let rate = Rate::new(10.0, 50.0);
        let start = Instant::now();
        let allowed = (0..100).filter(|_| rate.allows("a", start)).count();
        assert_eq!(allowed, 50);
        assert!(rate.allows("b", start));
        let later = start + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| rate.allows("a", later)).count(), 10);
        rate.give_back("a", later);
        assert_eq!((0..100).filter(|_| rate.allows("a", later)).count(), 1);
    }

    #[test]
    fn callers_are_bounded() {
        let rate = Rate::new(1.0, 2.0);
        let now = Instant::now();
        assert!((0..3 * MAX_CALLERS).all(|caller| rate.allows(&caller.to_string(), now)));
        assert!(rate.buckets.lock().unwrap().len() <= MAX_CALLERS);
    }
}
