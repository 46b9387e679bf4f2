//! How a trial ended, from an objective, a word, or a curve.

use studious_playbook::{
    Plan,
    decide::TRAIN_LOSS,
    record::{Curve, Outcome},
    trial::{self, Reason},
};

use super::options::WithoutObjective;

/// A result that was not finite.
pub(super) const DIVERGED: &str = "Diverged";
/// It ended well, and measured no objective.
pub(super) const NO_OBJECTIVE: &str = "NoObjective";

/// What a word says about a trial's end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    Succeeded,
    Infeasible,
    Failed,
    /// A rule ended it early.
    Pruned,
    Stopped,
    Pending,
}

impl State {
    /// The words of Studious, Optuna, Ray Tune, Weights & Biases, MLflow, Vizier, Katib, NNI, Determined, Ax, Keras Tuner,
    /// `SageMaker` and `ClearML`, in any case, with any separators, with or without the name of their enumeration
    /// (`TrialState.COMPLETE`).
    pub(super) fn of(word: &str) -> Option<Self> {
        let bare = word.rsplit_once('.').map_or(word, |(_, bare)| bare);
        let plain: String = bare.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        Some(match plain.as_str() {
            "succeeded" | "success" | "successful" | "complete" | "completed" | "finished" | "terminated" | "done"
            | "closed" | "published" => Self::Succeeded,
            "infeasible" | "diverged" | "invalid" => Self::Infeasible,
            "failed" | "fail" | "failure" | "crash" | "crashed" | "error" | "errored" | "metricsunavailable"
            | "stoppingerror" => Self::Failed,
            "pruned" | "earlystopped" => Self::Pruned,
            "stopped" | "killed" | "canceled" | "cancelled" | "usercanceled" | "syscanceled" | "aborted"
            | "abandoned" | "stale" | "stoppingcanceled" | "stoppingkilled" | "cancelrequested" => Self::Stopped,
            "pending" | "running" | "waiting" | "queued" | "scheduled" | "paused" | "preempted" | "preempting"
            | "active" | "requested" | "created" | "candidate" | "staged" | "dispatched" | "submitted"
            | "inprogress" | "starting" | "pulling" | "preparing" | "finalizing" | "notstarted" | "stopping"
            | "stoppingcompleted" | "restoring" | "idle" => Self::Pending,
            _ => return None,
        })
    }
}

/// Whether Optuna wrote a word: it turns an objective of NaN into a failure.
pub(super) fn is_fail_of_optuna(word: &str) -> bool {
    matches!(word.trim(), "FAIL" | "TrialState.FAIL")
}

/// An objective as it is reported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Told {
    /// Not at all.
    Nothing,
    /// As NaN or an infinity.
    NonFinite,
    /// As a number, at a step.
    Finite(f64, Option<u64>),
}

/// A measured number as a tool wrote it. MLflow's database keeps an infinity as the largest number there is, of its sign.
pub(super) fn measured(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    Some(if value.abs() < f64::MAX { value } else { value * f64::INFINITY })
}

/// How a trial ended. Nothing, where neither state nor objective says so.
pub(super) fn outcome(
    state: Option<State>,
    told: Told,
    reason: &str,
    without: Option<WithoutObjective>,
) -> Option<Outcome> {
    let because = |usual: &str| Reason::from(if reason.is_empty() { usual } else { reason });
    let missing = |without| match without {
        WithoutObjective::Infeasible => Outcome::Infeasible { reason: because(DIVERGED) },
        WithoutObjective::Failed => Outcome::Failed { reason: because(NO_OBJECTIVE) },
        WithoutObjective::Pending => Outcome::Pending,
    };
    Some(match (state, told) {
        (Some(State::Pending), _) => Outcome::Pending,
        (Some(State::Infeasible), _) => Outcome::Infeasible { reason: because("Reported") },
        (Some(State::Failed), _) => Outcome::Failed { reason: because("TrainerError") },
        (Some(State::Pruned), _) => Outcome::Stopped { reason: because("Pruned") },
        (Some(State::Stopped), _) => Outcome::Stopped { reason: because("Reported") },
        (None | Some(State::Succeeded), Told::Finite(objective, step)) => Outcome::Succeeded { objective, step },
        (None | Some(State::Succeeded), Told::NonFinite) => Outcome::Infeasible { reason: because(DIVERGED) },
        (Some(State::Succeeded), Told::Nothing) => missing(without.unwrap_or(WithoutObjective::Failed)),
        (None, Told::Nothing) => missing(without?),
    })
}

/// The objective of a trial of `round` by the curve of the study's metric.
pub(super) fn of_curve(plan: &Plan, round: &str, curve: &Curve) -> Told {
    trial::objective_of_curve(plan, round, curve).map_or(Told::Nothing, |(step, value)| Told::Finite(value, Some(step)))
}

/// Whether a value of a metric that is not finite ends a trial.
pub(super) fn decides(plan: &Plan, metric: &str) -> bool {
    metric == plan.spec().objective.metric || metric == TRAIN_LOSS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_say_how_a_trial_ended() {
        let infeasible = Outcome::Infeasible { reason: Reason::Diverged };
        for (word, told, without, meant) in [
            ("COMPLETE", Told::Finite(0.5, None), None, Some(Outcome::Succeeded { objective: 0.5, step: None })),
            ("finished", Told::NonFinite, None, Some(infeasible.clone())),
            ("finished", Told::Nothing, None, Some(Outcome::Failed { reason: Reason::NoObjective })),
            ("", Told::Nothing, None, None),
            ("", Told::Nothing, Some(WithoutObjective::Infeasible), Some(infeasible)),
            ("PRUNED", Told::Finite(0.5, None), None, Some(Outcome::Stopped { reason: Reason::Pruned })),
            ("EarlyStopped", Told::Nothing, None, Some(Outcome::Stopped { reason: Reason::Pruned })),
            ("KILLED", Told::Finite(0.5, None), None, Some(Outcome::Stopped { reason: "Reported".into() })),
            ("RUNNING", Told::Finite(0.5, None), None, Some(Outcome::Pending)),
            ("crashed", Told::Nothing, None, Some(Outcome::Failed { reason: "TrainerError".into() })),
            ("TrialState.COMPLETE", Told::Nothing, None, Some(Outcome::Failed { reason: Reason::NoObjective })),
        ] {
            assert_eq!(outcome(State::of(word), told, "", without), meant, "{word}");
        }
        assert_eq!(State::of("unheard of"), None);
    }

    #[test]
    fn the_largest_number_is_an_infinity_that_a_database_could_not_keep() {
        assert_eq!(measured("1.7976931348623157e308"), Some(f64::INFINITY));
        assert_eq!(measured("-1.7976931348623157E+308"), Some(f64::NEG_INFINITY));
        assert_eq!(measured("-inf"), Some(f64::NEG_INFINITY));
        assert!(measured("nan").is_some_and(f64::is_nan));
        assert_eq!(measured("1.7e308"), Some(1.7e308));
        assert_eq!(measured("x"), None);
    }

    /// F-073: the words as the tools define them.
    #[test]
    fn the_words_of_all_tools_are_known() {
        for (state, words) in [
            (
                State::Succeeded,
                "COMPLETE TrialState.COMPLETE FINISHED TERMINATED Succeeded completed success RunStatus.FINISHED",
            ),
            (State::Failed, "FAIL TrialState.FAIL FAILED ERROR crashed Failed MetricsUnavailable STOPPING_ERROR"),
            (
                State::Pruned,
                "PRUNED TrialState.PRUNED EarlyStopped EARLY_STOPPED early-stopped TrialStatus.EARLY_STOPPED",
            ),
            (
                State::Stopped,
                "KILLED killed stopped CANCELED USER_CANCELED SYS_CANCELED ABANDONED TrialStatus.ABANDONED",
            ),
            (
                State::Pending,
                "RUNNING WAITING PENDING PAUSED preempting preempted SCHEDULED QUEUED CANDIDATE STAGED in_progress",
            ),
            (State::Infeasible, "infeasible INFEASIBLE INVALID"),
        ] {
            for word in words.split(' ') {
                assert_eq!(State::of(word), Some(state), "{word}");
            }
        }
    }
}
