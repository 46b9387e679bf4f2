//! What the step budget is to training: one answer for a study, so that no two findings about steps contradict each other.
//!
//! Playbook: "Deciding the number of steps for each training run": training is bound by compute or it is not, and each
//! regime has its own advice. The first that applies decides; each is drawn from the trials alone, not from other findings.

use super::{
    super::{Finding, reading::Reading},
    progress, reach, steps,
};

/// In the order in which they decide.
type Regime = fn(&Reading<'_>) -> Option<Finding>;
const REGIMES: [Regime; 5] =
    [reach::not_reached, steps::too_many, progress::still_improving, steps::too_few, progress::saturated];

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    findings.extend(reach::beyond(reading));
    findings.extend(REGIMES.iter().find_map(|regime| regime(reading)));
}
