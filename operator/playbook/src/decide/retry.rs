//! When another attempt follows.

use studious_api::{TrialSpec, trial::AttemptOutcome};

use crate::{Millis, seeds};

/// Longest wait between two attempts, in milliseconds: 5 minutes.
const LONGEST: u64 = 300_000;

/// When the next attempt of a trial may begin whose attempt `number` ended so, as the `failed`th that failed.
///
/// 1 s, doubled with each failed attempt up to 5 minutes, and spread by up to a half so that trials which failed together
/// don't come back together. The spread depends on the trial and the attempt alone: it is the same wherever it is asked.
/// Disruptions wait one second: the place was lost, not the point.
#[must_use]
pub fn next_attempt_at(spec: &TrialSpec, number: u32, ended: Millis, failed: u32, outcome: AttemptOutcome) -> Millis {
    wait(ended, failed, outcome, jitter(spec, number))
}

fn wait(ended: Millis, failed: u32, outcome: AttemptOutcome, jitter: f64) -> Millis {
    let base = match outcome {
        AttemptOutcome::Failed => 1000_u64.saturating_mul(1 << failed.saturating_sub(1).min(9)).min(LONGEST),
        AttemptOutcome::Disrupted | AttemptOutcome::Finished => 1000,
    };
    // At most 150,000 ms: exact.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let spread = (base as f64 / 2.0 * jitter.clamp(0.0, 1.0)) as u64;
    Millis(ended.0.saturating_add(base).saturating_add(spread))
}

/// From 0 to 1.
fn jitter(spec: &TrialSpec, attempt: u32) -> f64 {
    f64::from(seeds::derive(u64::from(spec.seeds.init), "retry", &[u64::from(spec.index), u64::from(attempt)]))
        / f64::from(1_u32 << 31)
}

/// Attempts that failed and that were disrupted.
#[must_use]
pub fn count_outcomes<'a>(outcomes: impl IntoIterator<Item = &'a AttemptOutcome>) -> (u32, u32) {
    outcomes.into_iter().fold((0, 0), |(failed, disrupted), outcome| match outcome {
        AttemptOutcome::Failed => (failed + 1, disrupted),
        AttemptOutcome::Disrupted => (failed, disrupted + 1),
        AttemptOutcome::Finished => (failed, disrupted),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_wait_longer_and_longer_but_not_for_ever() {
        let after = |failed, outcome, jitter| wait(Millis(0), failed, outcome, jitter).0;
        let waits: Vec<u64> = (1..=12).map(|failed| after(failed, AttemptOutcome::Failed, 0.0)).collect();
        assert_eq!(waits[..4], [1000, 2000, 4000, 8000]);
        assert_eq!(waits[8..], [256_000, 300_000, 300_000, 300_000]);
        assert_eq!(after(u32::MAX, AttemptOutcome::Failed, 1.0), 450_000);
        assert_eq!(after(9, AttemptOutcome::Disrupted, 0.5), 1250);
        assert_eq!(wait(Millis(u64::MAX), 1, AttemptOutcome::Failed, 1.0), Millis(u64::MAX));
    }
}
