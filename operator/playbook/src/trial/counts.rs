//! Trials by phase.

use studious_api::{study::TrialCounts, trial::TrialPhase};

/// Counts trials by phase. A trial that waits for its next attempt counts as running. `planned` is the number of trials of
/// all rounds, or of the one that is counted.
#[must_use]
pub fn counts(planned: u32, phases: impl IntoIterator<Item = TrialPhase>) -> TrialCounts {
    let mut counts = TrialCounts { total: planned, ..TrialCounts::default() };
    for phase in phases {
        count(&mut counts, phase);
    }
    counts
}

/// Counts one more trial, as [`counts`] does.
pub fn count(counts: &mut TrialCounts, phase: TrialPhase) {
    *match phase {
        TrialPhase::Pending => &mut counts.pending,
        TrialPhase::Retrying | TrialPhase::Running => &mut counts.running,
        TrialPhase::Succeeded => &mut counts.succeeded,
        TrialPhase::Infeasible => &mut counts.infeasible,
        TrialPhase::Failed => &mut counts.failed,
        TrialPhase::Stopped => &mut counts.stopped,
    } += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_counts_once() {
        use TrialPhase::{Failed, Infeasible, Pending, Retrying, Running, Stopped, Succeeded};
        let counted = counts(9, [Pending, Retrying, Running, Succeeded, Succeeded, Infeasible, Failed, Stopped]);
        let expected =
            TrialCounts { total: 9, pending: 1, running: 2, succeeded: 2, infeasible: 1, failed: 1, stopped: 1 };
        assert_eq!((counted, counted.ended()), (expected, 5));
    }
}
