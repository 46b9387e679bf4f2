//! How often one pod may send.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// Requests of a pod in a second, over time.
const PER_SECOND: f64 = 10.0;
/// Requests of a pod at once: an agent that has been cut off sends what has gathered.
const BURST: f64 = 50.0;
/// Pods that are kept in mind; beyond that, those whose buckets are full are forgotten.
const MAX_PODS: usize = 16_384;

/// A bucket for each pod, filled at a steady rate.
#[derive(Debug, Default)]
pub(crate) struct Rate(Mutex<HashMap<String, Bucket>>);

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn fill(&mut self, now: Instant) {
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * PER_SECOND).min(BURST);
        self.at = now;
    }
}

impl Rate {
    /// Whether a pod may send now.
    pub(crate) fn allows(&self, pod: &str, now: Instant) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_PODS {
            buckets.retain(|_, bucket| {
                bucket.fill(now);
                bucket.left < BURST
            });
        }
        let bucket = buckets.entry(pod.to_owned()).or_insert(Bucket { left: BURST, at: now });
        bucket.fill(now);
        let allowed = bucket.left >= 1.0;
        if allowed {
            bucket.left -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_and_then_a_steady_rate() {
        let rate = Rate::default();
        let start = Instant::now();
        let allowed = (0..100).filter(|_| rate.allows("a", start)).count();
        assert_eq!(allowed, 50);
        assert!(rate.allows("b", start));
        let later = start + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| rate.allows("a", later)).count(), 10);
    }
}
