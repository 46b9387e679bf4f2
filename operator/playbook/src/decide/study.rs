//! Which trials to start and stop, when a round ends, when the study does.

use std::collections::HashMap;

use studious_api::{
    TrialSpec,
    study::StudyPhase,
    trial::{AttemptOutcome, TrialPhase},
};

use crate::{
    Millis, Plan, PlannedTrial, TrialKey,
    rounds::{self, RoundPoint},
    search,
    trial::{Reason, TrialState},
};

/// What a fleet is to do. Actions are idempotent: doing one twice is doing it once.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Make the trial if it doesn't exist, and begin this attempt.
    Start {
        /// The trial.
        trial: Box<PlannedTrial>,
        /// Number of the attempt, from 1.
        attempt: u32,
    },
    /// Choose points for trials that are to begin, by the results so far: see [`search::points_for`]. It takes long, and is
    /// to be done beside all else; then [`decide_with`] says what to do with them. While a search for points of a study is
    /// under way, another isn't begun.
    Suggest {
        /// The trials.
        keys: Vec<TrialKey>,
    },
    /// End a trial that runs.
    Stop {
        /// Its name.
        trial: String,
        /// In a word.
        reason: Reason,
        /// In a sentence.
        why: String,
    },
    /// A round has begun: for the user's eyes, nothing is to be done.
    Advance {
        /// Name of the round.
        round: String,
    },
    /// The study has ended.
    Finish(StudyEnd),
}

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

/// What to do next, from the study and the state of its trials. Deterministic: the order of `trials` and the order in
/// which trials ended change nothing; points depend on the study's seed and their own index alone, or are asked for with
/// [`Action::Suggest`].
///
/// `trials` are all trials that exist. One that exists and hasn't ended is under way, whether it waits, runs or waits for
/// another attempt: it keeps its place among the `spec.parallelism` that may be under way at once. One whose first
/// attempt isn't known to have begun (attempt 0) is to be started again, which does nothing where it was.
///
/// No trial is made while the study is suspended; trials that exist go on to their end, retries included. A study ends
/// once no trial is under way: one that gives up first stops those that are.
#[must_use]
pub fn decide(plan: &Plan, trials: &[TrialState], now: Millis) -> Vec<Action> {
    decide_with(plan, trials, &[], now)
}

/// As [`decide`], with points that were chosen since they were asked for. Those of trials that exist change nothing: a
/// trial keeps its point. Losing them costs no more than choosing again, since nothing exists of their trials.
#[must_use]
pub fn decide_with(plan: &Plan, trials: &[TrialState], suggested: &[RoundPoint], now: Millis) -> Vec<Action> {
    if plan.awaits_points() {
        return Vec::new();
    }
    let failed = trials.iter().filter(|t| t.phase == TrialPhase::Failed).count();
    let under_way = trials.iter().filter(|t| !t.phase.has_ended()).count();
    if failed > plan.spec().failure.max_failed_trials as usize {
        return give_up(plan, trials, failed);
    }
    let by_key: HashMap<&TrialKey, &TrialState> = trials.iter().map(|t| (&t.key, t)).collect();
    let free = if plan.spec().suspend { 0 } else { (plan.spec().parallelism as usize).saturating_sub(under_way) };

    for round in rounds::names(plan) {
        let Some(planned) = rounds::planned(plan, &round, trials) else {
            return if under_way == 0 { vec![Action::Finish(no_points(plan, &round, trials))] } else { Vec::new() };
        };
        if planned.iter().all(|point| by_key.get(&point.key).is_some_and(|t| t.phase.has_ended())) {
            continue;
        }
        let begun = planned.iter().any(|point| by_key.contains_key(&point.key));
        let again = planned.iter().filter_map(|point| {
            let trial = by_key.get(&point.key)?;
            Some((own_point(trial), next_attempt(trial, now)?))
        });
        let mut starts: Vec<(RoundPoint, u32)> = again.collect();
        let mut unknown = Vec::new();
        for point in planned.iter().filter(|point| !by_key.contains_key(&point.key)).take(free) {
            let known = if search::is_known_by_index(plan, &point.key) {
                Some(point)
            } else {
                suggested.iter().find(|suggested| suggested.key == point.key)
            };
            match known {
                Some(point) => starts.push((point.clone(), 1)),
                None => unknown.push(point.key.clone()),
            }
        }
        starts.sort_by_key(|(point, _)| point.key.index);
        let advance = (!begun && !starts.is_empty()).then_some(Action::Advance { round });
        let starts = starts.into_iter().map(|(point, attempt)| Action::Start {
            trial: Box::new(PlannedTrial { name: plan.trial_name(&point.key), spec: rounds::trial_spec(plan, &point) }),
            attempt,
        });
        let suggest = (!unknown.is_empty()).then_some(Action::Suggest { keys: unknown });
        return advance.into_iter().chain(starts).chain(suggest).collect();
    }
    if under_way == 0 { vec![Action::Finish(completed(plan, trials))] } else { Vec::new() }
}

/// The point of a trial that exists.
fn own_point(trial: &TrialState) -> RoundPoint {
    RoundPoint { key: trial.key.clone(), hyperparameters: trial.hyperparameters.clone() }
}

/// The attempt of a trial that exists which is to begin now, if any.
fn next_attempt(trial: &TrialState, now: Millis) -> Option<u32> {
    match trial.phase {
        phase if phase.has_ended() => None,
        TrialPhase::Retrying if trial.retry_at.is_none_or(|at| at <= now) => Some(trial.attempt + 1),
        TrialPhase::Retrying => None,
        _ => (trial.attempt == 0).then_some(1),
    }
}

fn no_points(plan: &Plan, round: &str, trials: &[TrialState]) -> StudyEnd {
    let constraints = &plan.spec().constraints;
    if !constraints.is_empty() && trials.iter().any(|t| t.phase == TrialPhase::Succeeded) {
        let bounds: Vec<String> = constraints.iter().map(ToString::to_string).collect();
        return StudyEnd {
            phase: StudyPhase::Failed,
            reason: "NoPoints",
            message: format!(
                "round {round} takes the best points of an earlier round, and none of that round's trials that succeeded \
                 is known to satisfy spec.constraints ({}). Look at their metrics (studious top), then move the search \
                 space or the bounds",
                bounds.join(", ")
            ),
        };
    }
    StudyEnd {
        phase: StudyPhase::Failed,
        reason: "NoPoints",
        message: format!(
            "round {round} takes the best points of an earlier round, and none of that round's trials succeeded. Look at \
             their reasons (kubectl get trials), then narrow or move the search space"
        ),
    }
}

fn completed(plan: &Plan, trials: &[TrialState]) -> StudyEnd {
    let count = |phase| trials.iter().filter(|t| t.phase == phase).count();
    let stopped = match count(TrialPhase::Stopped) {
        0 => String::new(),
        n => format!(", {n} were stopped early"),
    };
    let mut message = format!(
        "{} trials succeeded, {} were infeasible, {} failed{stopped}",
        count(TrialPhase::Succeeded),
        count(TrialPhase::Infeasible),
        count(TrialPhase::Failed)
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

/// Stops what is under way; once nothing is, the study has failed.
fn give_up(plan: &Plan, trials: &[TrialState], failed: usize) -> Vec<Action> {
    let limit = plan.spec().failure.max_failed_trials;
    let mut running: Vec<_> = trials.iter().filter(|t| !t.phase.has_ended()).map(|t| &t.key).collect();
    if running.is_empty() {
        return vec![Action::Finish(StudyEnd {
            phase: StudyPhase::Failed,
            reason: "TooManyFailedTrials",
            message: format!(
                "{failed} trials failed, more than failure.maxFailedTrials {limit}. Failures are not the points' fault: \
                 their messages say what to mend"
            ),
        })];
    }
    running.sort();
    let why = format!("the study stops: {failed} trials failed, more than failure.maxFailedTrials {limit}");
    running
        .into_iter()
        .map(|key| Action::Stop { trial: plan.trial_name(key), reason: Reason::Stopped, why: why.clone() })
        .collect()
}

/// The jitter of a trial's next attempt: the same wherever it is asked.
#[must_use]
pub fn jitter(spec: &TrialSpec, attempt: u32) -> f64 {
    f64::from(crate::seeds::derive(u64::from(spec.seeds.init), "retry", &[u64::from(spec.index), u64::from(attempt)]))
        / f64::from(1_u32 << 31)
}

/// Attempts that ended in each way.
#[must_use]
pub fn count_outcomes<'a>(outcomes: impl IntoIterator<Item = &'a AttemptOutcome>) -> (u32, u32) {
    outcomes.into_iter().fold((0, 0), |(failed, disrupted), outcome| match outcome {
        AttemptOutcome::Failed => (failed + 1, disrupted),
        AttemptOutcome::Disrupted => (failed, disrupted + 1),
        AttemptOutcome::Finished => (failed, disrupted),
    })
}
