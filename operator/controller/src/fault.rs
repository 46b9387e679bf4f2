//! What a failed step means for what comes next: how loud it is, and when it is tried again.

use std::time::Duration;

use rand::Rng;

/// The kind of a fault. It decides log level, Event and retry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Category {
    /// Transient: the API server was busy, another client wrote first, a connection broke.
    Transient,
    /// Needs a fix: a right is missing, an object is refused.
    Standing,
}

/// A fault with its category.
pub(crate) trait Fault: std::error::Error {
    /// Its kind.
    fn category(&self) -> Category;
}

/// The category of what the API server or the way to it says.
pub(crate) fn of_client(error: &kube::Error) -> Category {
    match error {
        kube::Error::Api(status) => match status.code {
            // Not allowed, refused, or too large: the same request won't do better.
            400 | 401 | 403 | 405 | 413 | 415 | 422 => Category::Standing,
            _ => Category::Transient,
        },
        kube::Error::SerdeError(_) | kube::Error::BuildRequest(_) => Category::Standing,
        _ => Category::Transient,
    }
}

/// Whether the API server says that the object isn't there.
pub(crate) fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// How long to wait after `failures` failures in a row: 0.2 s doubled each time up to 60 s (5 minutes for a fault that
/// need a fix), spread by a half so that what failed together doesn't come back together.
pub(crate) fn backoff(category: Category, failures: u32, rng: &mut impl Rng) -> Duration {
    let cap = match category {
        Category::Transient => 60_000,
        Category::Standing => 300_000,
    };
    let base = 200_u64.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(cap);
    Duration::from_millis(base / 2 + rng.random_range(0..=base / 2))
}

/// How long to wait before a request is sent again that has failed so often in a row; nothing where sending it again won't
/// do better.
#[must_use]
pub fn retry_after(error: &kube::Error, failures: u32) -> Option<Duration> {
    let category = of_client(error);
    (category == Category::Transient).then(|| backoff(category, failures, &mut rand::rng()))
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn grows_is_capped_and_spread() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut wait = |category, n| backoff(category, n, &mut rng).as_millis();
        assert!((100..=200).contains(&wait(Category::Transient, 1)));
        assert!((800..=1600).contains(&wait(Category::Transient, 4)));
        assert!((30_000..=60_000).contains(&wait(Category::Transient, 99)));
        assert!((150_000..=300_000).contains(&wait(Category::Standing, u32::MAX)));
    }
}
