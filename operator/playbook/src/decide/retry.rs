//! When another attempt follows.

use studious_api::{TrialSpec, trial::AttemptOutcome};

use crate::{Millis, seeds};

/// Longest wait between two attempts, in milliseconds: 5 minutes.
const LONGEST: u64 = 300_000;

/// When the next attempt of a trial may begin whose attempt `number` ended so, as the `failed`th that failed.
///
/// 1 s, doubled with each failed attempt up to 5 minutes, and spread by up to a half so that trials which failed together
/// don't come back together. The spread depends on the trial and the attempt alone: it is the same wherever it is asked.
/// Disruptions wait likewise, by how many there were since the last progress: a trial that is preempted now and then
/// continues at once, and a node that refuses every pod isn't asked a hundred times.
#[must_use]
pub fn next_attempt_at(
    spec: &TrialSpec,
    number: u32,
    ended: Millis,
    past: &PastAttempts,
    outcome: AttemptOutcome,
) -> Millis {
    wait(ended, past, outcome, jitter(spec, number))
}

fn wait(ended: Millis, past: &PastAttempts, outcome: AttemptOutcome, jitter: f64) -> Millis {
    let in_a_row = match outcome {
        AttemptOutcome::Failed => past.failed,
        AttemptOutcome::Disrupted => past.lost,
        AttemptOutcome::Finished => 1,
    };
    let base = 1000_u64.saturating_mul(1 << in_a_row.saturating_sub(1).min(9)).min(LONGEST);
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

/// An attempt that has ended, as far as it bears on the next ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PastAttempt {
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Whether a trainer of it ran.
    pub has_trained: bool,
    /// The step that the trial had reached by its end; `None` before any.
    pub step: Option<u64>,
    /// Beyond which step the next attempt restores no checkpoint, if it was asked to.
    pub restore_at_most: Option<u64>,
}

/// What the attempts that have ended come to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PastAttempts {
    /// That failed through the trainer's own doing.
    pub failed: u32,
    /// That were disrupted since the trial last came further.
    pub lost: u32,
    /// Of these, those whose trainers ran. One that its node refused cost no step.
    pub lost_training: u32,
    /// Beyond which step the current attempt restores no checkpoint: see [`Verdict::Retry`](super::Verdict::Retry).
    pub restore_at_most: Option<u64>,
}

impl PastAttempts {
    /// Of attempts in their order.
    #[must_use]
    pub fn of(attempts: impl IntoIterator<Item = PastAttempt>) -> Self {
        let mut past = Self::default();
        let mut reached = None;
        for PastAttempt { outcome, has_trained, step, restore_at_most } in attempts {
            past.restore_at_most = restore_at_most;
            if step > reached {
                reached = step;
                (past.lost, past.lost_training) = (0, 0);
            }
            match outcome {
                AttemptOutcome::Failed => past.failed += 1,
                AttemptOutcome::Disrupted => {
                    past.lost += 1;
                    past.lost_training += u32::from(has_trained);
                }
                AttemptOutcome::Finished => {}
            }
        }
        past
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_wait_longer_and_longer_but_not_for_ever() {
        let after = |n, outcome, jitter| {
            let past = PastAttempts { failed: n, lost: n, ..PastAttempts::default() };
            wait(Millis(0), &past, outcome, jitter).0
        };
        for outcome in [AttemptOutcome::Failed, AttemptOutcome::Disrupted] {
            let waits: Vec<u64> = (1..=12).map(|n| after(n, outcome, 0.0)).collect();
            assert_eq!(waits[..4], [1000, 2000, 4000, 8000]);
            assert_eq!(waits[8..], [256_000, 300_000, 300_000, 300_000]);
        }
        assert_eq!(after(u32::MAX, AttemptOutcome::Failed, 1.0), 450_000);
        let once = PastAttempts { failed: 9, lost: 1, ..PastAttempts::default() };
        assert_eq!(wait(Millis(0), &once, AttemptOutcome::Disrupted, 0.5), Millis(1250));
        assert_eq!(wait(Millis(u64::MAX), &once, AttemptOutcome::Failed, 1.0), Millis(u64::MAX));
    }

    #[test]
    fn losses_count_since_the_last_progress() {
        let lost =
            |step| PastAttempt { outcome: AttemptOutcome::Disrupted, has_trained: true, step, restore_at_most: None };
        // 21 evenings, each a little further.
        let further = PastAttempts::of((1..=21).map(|step| lost(Some(step))));
        assert_eq!(further, PastAttempts { lost: 1, lost_training: 1, ..PastAttempts::default() });
        let stuck = PastAttempts::of((1..=21).map(|_| lost(Some(5))));
        assert_eq!(stuck, PastAttempts { lost: 21, lost_training: 21, ..PastAttempts::default() });
        // A node that refuses pods costs no training.
        let refused = PastAttempt { has_trained: false, ..lost(None) };
        let failed = PastAttempt { outcome: AttemptOutcome::Failed, ..lost(None) };
        let past = PastAttempts::of([refused, failed, refused]);
        assert_eq!(past, PastAttempts { failed: 1, lost: 2, ..PastAttempts::default() });
        // Only the latest attempt says what the next one restores.
        let told = PastAttempt { restore_at_most: Some(5), ..lost(Some(9)) };
        assert_eq!(PastAttempts::of([lost(Some(9)), told]).restore_at_most, Some(5));
        assert_eq!(PastAttempts::of([told, lost(Some(9))]).restore_at_most, None);
    }
}
