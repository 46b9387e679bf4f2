//! Whether the curve of a trial that continued from a checkpoint has a hole: evaluations up to the checkpoint that were
//! measured, and lost on their way. And from where the next attempt continues so that they are made again.

use std::collections::BTreeMap;

use studious_api::TrialSpec;

use super::{PastAttempts, progress::Progress, series::is_overtaken};
use crate::Millis;

/// How long an attempt trains before a hole in the curve is believed. The pod of the attempt before may be going still, when
/// it was deleted by force: what it has not delivered, its agent copies to the claim within seconds, and this attempt's
/// agent looks for it there.
pub const LATE_LINES: Millis = Millis(10_000);

/// Most evaluations that are looked at: of more, the earlier ones are forgotten, and what is missing isn't known.
const KNOWN: usize = 32_768;

/// Evaluations that were lost, before a checkpoint that was restored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hole {
    /// The last evaluation before it; 0 if there is none.
    pub(super) before: u64,
    /// The step of the checkpoint.
    pub(super) restored: u64,
}

/// The first hole in a trial's curve.
///
/// A checkpoint at step r tells that training had come so far. If the last evaluation before r is at step e, at least one is
/// missing when r - e is twice the widest distance between neighbouring evaluations of this trial, or of
/// `evaluation.everySteps` if that is wider. An evaluation at r itself says nothing of those before it: trainers evaluate
/// again what they have restored, which is also why one that is missing at r alone doesn't matter here. Of a trial with
/// no two neighbours the distance is taken for `evaluation.everySteps` if its one evaluation came as early as that asks, or if
/// it is what was restored, evaluated again: a trainer that does that evaluates as asked. Else nothing is decided.
pub(super) fn hole(spec: &TrialSpec, progress: &Progress) -> Option<Hole> {
    let steps: Vec<u64> = progress.evaluations.values.keys().copied().collect();
    if steps.len() > KNOWN {
        return None;
    }
    let restored = restored_steps(progress);
    let is_cut = |a: u64, b: u64| restored.iter().any(|(r, _)| a < *r && *r <= b);
    let every = spec.evaluation.every_steps;
    let widest = steps.windows(2).filter(|pair| !is_cut(pair[0], pair[1])).map(|pair| pair[1] - pair[0]).max();
    let known = widest.or_else(|| steps.first().copied().filter(|first| *first <= every));
    restored.into_iter().find_map(|(at, attempt)| {
        let is_evaluated_again = progress.evaluations.attempt_of(at).is_some_and(|whose| whose >= attempt);
        let distance = known.or_else(|| is_evaluated_again.then_some(every))?.max(every);
        let before = last_before(progress, at);
        (at.saturating_sub(before) >= distance.saturating_mul(2)).then_some(Hole { before, restored: at })
    })
}

/// Whether attempt `number` continued from a checkpoint before which evaluations may be missing: then it is worth waiting for
/// what earlier attempts have not delivered yet.
pub(super) fn may_miss_evaluations(spec: &TrialSpec, progress: &Progress, number: u32) -> bool {
    let restored = progress.inits.get(&(number, 0)).and_then(|init| init.restored_step);
    restored.is_some_and(|at| at - last_before(progress, at).min(at) > spec.evaluation.every_steps)
}

fn last_before(progress: &Progress, step: u64) -> u64 {
    progress.evaluations.values.range(..step).next_back().map_or(0, |(step, _)| *step)
}

/// The steps at which attempts of host 0 continued from a checkpoint, and no later attempt began earlier; with the attempt.
fn restored_steps(progress: &Progress) -> Vec<(u64, u32)> {
    let begun: BTreeMap<u32, u64> = progress
        .inits
        .iter()
        .filter(|((_, host), _)| *host == 0)
        .map(|((attempt, _), init)| (*attempt, init.restored_step.unwrap_or(0)))
        .collect();
    let counts = |attempt: u32, step: u64| {
        step > 0
            && begun.range(attempt + 1..).all(|(_, later)| *later >= step)
            && !is_overtaken(&progress.firsts, attempt, step)
    };
    let mut steps: Vec<(u64, u32)> =
        begun.iter().filter(|(a, step)| counts(**a, **step)).map(|(attempt, step)| (*step, *attempt)).collect();
    steps.sort_unstable();
    steps
}

/// Beyond which step the attempt after `number` restores no checkpoint, if `number` was asked to and didn't yet do it: it
/// was lost before it began, or its trainer doesn't read `checkpoint.restoreAtMost`. The latter isn't asked again.
#[must_use]
pub fn still_to_restore(past: &PastAttempts, progress: &Progress, number: u32) -> Option<u64> {
    let limit = past.restore_at_most?;
    let has_done_it = |restored: Option<u64>| restored.is_none_or(|step| step <= limit);
    let init = progress.inits.get(&(number, 0));
    (!init.is_some_and(|init| has_done_it(init.restored_step))).then_some(limit)
}
