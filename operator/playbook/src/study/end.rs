//! How a study ends.

use studious_api::{study::StudyPhase, trial::TrialPhase};

use super::{View, next};
use crate::{Millis, Plan, numbers::count, trial, trial::TrialState};

/// The reason of a study that gives up.
pub const TOO_MANY_FAILED: &str = "TooManyFailedTrials";

/// How a study ends.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyEnd {
    /// `Completed` or `Failed`.
    pub phase: StudyPhase,
    /// In a word.
    pub reason: &'static str,
    /// In a sentence, with what to do.
    pub message: String,
}

/// How a study whose trials are these has ended; `None` while there is something left to do. For readers of a study that
/// ran: they replay no rule.
#[must_use]
pub fn ended(plan: &Plan, trials: impl IntoIterator<Item = TrialState>) -> Option<StudyEnd> {
    let mut view = View::of(plan, trials);
    next(plan, &mut view, Millis(0)).end
}

/// A round takes the best points of an earlier one, which has none.
pub(super) fn no_points(plan: &Plan, round: &str, view: &View) -> StudyEnd {
    let constraints = &plan.spec().constraints;
    let message = if !constraints.is_empty() && view.trials().any(|t| t.phase == TrialPhase::Succeeded) {
        let bounds: Vec<String> = constraints.iter().map(ToString::to_string).collect();
        format!(
            "round {round} takes the best points of an earlier round, and none of that round's trials that succeeded is \
             known to satisfy spec.constraints ({}). Look at their metrics (studious top), then move the search space or \
             the bounds",
            bounds.join(", ")
        )
    } else {
        format!(
            "round {round} takes the best points of an earlier round, and none of that round's trials succeeded. Look at \
             their reasons (kubectl get trials), then narrow or move the search space"
        )
    };
    StudyEnd { phase: StudyPhase::Failed, reason: "NoPoints", message }
}

/// Every trial of every round has ended.
pub(super) fn completed(plan: &Plan, view: &View) -> StudyEnd {
    let counts = trial::counts(0, view.trials().map(|trial| trial.phase));
    let were = |n: u32| if n == 1 { "1 was".to_owned() } else { format!("{n} were") };
    let stopped = match counts.stopped {
        0 => String::new(),
        n => format!(", {} stopped early", were(n)),
    };
    let mut message = format!(
        "{} succeeded, {} infeasible, {} failed{stopped}",
        count(counts.succeeded as usize, "trial"),
        were(counts.infeasible),
        counts.failed
    );
    // That a space ended before the trials did is no failure, and to be known.
    let shortfall = plan.shortfall();
    if let Some(shortfall) = shortfall {
        message.push_str("; ");
        message.push_str(&shortfall.to_string());
    }
    StudyEnd {
        phase: StudyPhase::Completed,
        reason: if shortfall.is_some() { "SpaceExhausted" } else { "AllRoundsEnded" },
        message,
    }
}

/// That more trials have failed than `failure.maxFailedTrials` allows, in a sentence: nothing more is started then, and what
/// runs goes on to its end.
#[must_use]
pub fn gives_up(plan: &Plan, view: &View) -> Option<String> {
    let (failed, limit) = (view.failed(), plan.spec().failure.max_failed_trials);
    (failed > limit as usize).then(|| {
        format!(
            "{} failed, more than failure.maxFailedTrials {limit}. Failures are not the points' fault: fix what \
             their messages report. A higher limit resumes the study",
            count(failed, "trial")
        )
    })
}

/// Too many trials failed, and what ran has ended.
pub(super) fn gave_up(message: String) -> StudyEnd {
    StudyEnd { phase: StudyPhase::Failed, reason: TOO_MANY_FAILED, message }
}
