//! How a study of a folder ended.

use studious_playbook::{
    Millis, Plan,
    decide::{self, Action, StudyEnd},
    trial::TrialState,
};

/// How a study ended whose run is over; nothing while trials are in flight or more would be started.
pub(super) fn of_study(plan: &Plan, trials: &[TrialState]) -> Option<StudyEnd> {
    if trials.iter().any(|trial| !trial.phase.has_ended()) {
        return None;
    }
    // Where all trials have ended no decision depends on the time.
    decide::decide(plan, trials, Millis(0)).into_iter().find_map(|action| match action {
        Action::Finish(end) => Some(end),
        _ => None,
    })
}
