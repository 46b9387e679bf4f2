//! How a study ends.

use studious_api::{study::StudyPhase, trial::TrialPhase};

use super::{View, next};
use crate::{Millis, Plan, TrialKey, numbers::count, trial, trial::TrialState};

/// The reason of a study that gives up since too many trials failed.
pub const TOO_MANY_FAILED: &str = "TooManyFailedTrials";
/// The reason of a study that gives up since its command cannot work.
pub const COMMON_FAILURE: &str = "CommonFailure";
/// Trials and attempts of them that must have failed alike before it is the command that is at fault.
const FEWEST_ALIKE: (u32, u32) = (2, 3);

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

/// Why a study starts nothing more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GivesUp {
    /// In a word.
    pub reason: &'static str,
    /// In a sentence, with what to do.
    pub message: String,
    /// Trials that wait for another attempt, and are to end without it.
    pub(super) end: Vec<TrialKey>,
}

/// Why a study starts nothing more, if it gives up: all its trials failed alike before they wrote a line, or more have
/// failed than `failure.maxFailedTrials` allows. Running trials finish.
#[must_use]
pub fn gives_up(plan: &Plan, view: &View) -> Option<GivesUp> {
    common_failure(view).or_else(|| too_many_failed(plan, view))
}

fn too_many_failed(plan: &Plan, view: &View) -> Option<GivesUp> {
    let (failed, limit) = (view.failed(), plan.spec().failure.max_failed_trials);
    (failed > limit as usize).then(|| GivesUp {
        reason: TOO_MANY_FAILED,
        message: format!(
            "{} failed, more than failure.maxFailedTrials {limit}. Failures are not the points' fault: fix what their \
             messages report. A higher limit resumes the study",
            count(failed, "trial")
        ),
        end: Vec::new(),
    })
}

/// All trials there are failed with the same exit code and the same last line, before any wrote a line of metrics: the
/// command is at fault, and others would fail likewise. Once none of them runs, those that wait for another attempt end
/// too; one that runs may still show that the command works.
fn common_failure(view: &View) -> Option<GivesUp> {
    let mut said: Option<&str> = None;
    let (mut trials, mut attempts, mut running) = (0, 0, false);
    let mut waiting = Vec::new();
    for trial in view.trials() {
        let Some(silent) = &trial.silent else {
            if trial.phase.has_ended() || trial.attempt > 1 {
                return None;
            }
            running = true;
            continue;
        };
        if *said.get_or_insert(&silent.said) != silent.said {
            return None;
        }
        trials += 1;
        attempts += silent.attempts;
        match trial.phase {
            TrialPhase::Failed => {}
            TrialPhase::Retrying => waiting.push(trial.key.clone()),
            TrialPhase::Pending | TrialPhase::Running => running = true,
            TrialPhase::Succeeded | TrialPhase::Infeasible | TrialPhase::Stopped => return None,
        }
    }
    let said = said.filter(|_| trials >= FEWEST_ALIKE.0 && attempts >= FEWEST_ALIKE.1)?;
    Some(GivesUp {
        reason: COMMON_FAILURE,
        message: format!(
            "the first {trials} trials all failed alike before they wrote a line to metrics.jsonl: {said}. Fix the command or \
             the trainer, then run the study again with --retry-failed, or make a new study"
        ),
        end: if running { Vec::new() } else { waiting },
    })
}

/// A study that gives up, once what ran has ended.
pub(super) fn gave_up(why: GivesUp) -> StudyEnd {
    StudyEnd { phase: StudyPhase::Failed, reason: why.reason, message: why.message }
}
