//! Whether the curve of a trial that went on from a checkpoint has a hole: evaluations up to the checkpoint that were
//! measured, and lost on their way.

use super::progress::Progress;
use studious_api::TrialSpec;

/// Most evaluations that are looked at: of more, the earlier ones are forgotten, and what is missing isn't known.
const KNOWN: usize = 32_768;

/// The first hole in a trial's curve: the last evaluation before it and the checkpoint after it.
///
/// A checkpoint at step r tells that training had come so far. If the last evaluation up to r is at step e, at least one is
/// missing when r - e is twice the widest distance between neighbouring evaluations of this trial, or of
/// `evaluation.everySteps` if that is wider: a trainer may save before it evaluates, so that one may be missing without
/// being lost. Of a trial with no two neighbours the distance is known only if its one evaluation came as early as
/// `evaluation.everySteps` asks; else nothing is decided.
pub(super) fn hole(spec: &TrialSpec, progress: &Progress) -> Option<(u64, u64)> {
    let steps: Vec<u64> = progress.evaluations.values.keys().copied().collect();
    if steps.len() > KNOWN {
        return None;
    }
    let mut restored: Vec<u64> =
        progress.inits.iter().filter_map(|((_, host), init)| init.restored_step.filter(|_| *host == 0)).collect();
    restored.sort_unstable();
    let is_cut = |a: u64, b: u64| restored.iter().any(|r| (a..b).contains(r));
    let every = spec.evaluation.every_steps;
    let widest = steps.windows(2).filter(|pair| !is_cut(pair[0], pair[1])).map(|pair| pair[1] - pair[0]).max();
    let distance = widest.or_else(|| steps.first().copied().filter(|first| *first <= every))?.max(every);
    restored.into_iter().find_map(|at| {
        let before = steps.iter().copied().take_while(|step| *step <= at).last().unwrap_or(0);
        (at.saturating_sub(before) >= distance.saturating_mul(2)).then_some((before, at))
    })
}
