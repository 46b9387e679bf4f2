//! Which trials to start and stop, when a round ends, when the study does.

use std::collections::BTreeMap;

use studious_api::{
    Hyperparameters, TrialSpec,
    study::StudyPhase,
    trial::{AttemptOutcome, TrialPhase},
};

use crate::{Millis, Plan, PlannedTrial, TrialKey, rounds};

/// A trial as far as decisions go.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialState {
    /// Where it stands in its study.
    pub key: TrialKey,
    /// Its point.
    pub hyperparameters: Hyperparameters,
    /// Where it stands.
    pub phase: TrialPhase,
    /// Its objective, if it succeeded.
    pub objective: Option<f64>,
    /// The current attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// Of a trial that waits for another attempt: from when it may begin.
    pub retry_at: Option<Millis>,
}

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
    /// End a trial that runs.
    Stop {
        /// Its name.
        trial: String,
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
/// which trials ended change nothing; points depend on the study's seed and their own index alone.
///
/// At most `spec.parallelism` trials are under way at once, those that wait for another attempt included: a retry must
/// find its place. No trial is started while the study is suspended, except further attempts of trials under way.
#[must_use]
pub fn decide(plan: &Plan, trials: &[TrialState], now: Millis) -> Vec<Action> {
    let by_key: BTreeMap<&TrialKey, &TrialState> = trials.iter().map(|t| (&t.key, t)).collect();
    let failed = trials.iter().filter(|t| t.phase == TrialPhase::Failed).count();
    let limit = plan.spec().failure.max_failed_trials as usize;
    if failed > limit {
        return give_up(plan, trials, failed);
    }

    let mut actions: Vec<Action> = Vec::new();
    let mut free = (plan.spec().parallelism as usize)
        .saturating_sub(trials.iter().filter(|t| t.attempt > 0 && !t.phase.has_ended()).count());

    for round in rounds::names(plan) {
        let Some(planned) = rounds::points(plan, &round, trials) else {
            // The round before has no point to give: every trial of it failed or was infeasible.
            actions.push(Action::Finish(StudyEnd {
                phase: StudyPhase::Failed,
                reason: "NoPoints",
                message: format!(
                    "round {round} takes the best points of an earlier round, and none of that round's trials succeeded. \
                     Look at their reasons (kubectl get trials), then narrow or move the search space"
                ),
            }));
            return actions;
        };
        let begun = planned.iter().any(|p| by_key.contains_key(&p.key));
        let mut ended = true;
        let mut starts = Vec::new();
        for point in planned {
            match by_key.get(&point.key) {
                Some(state) if state.phase.has_ended() => continue,
                Some(state) => {
                    ended = false;
                    let due = state.phase == TrialPhase::Retrying && state.retry_at.is_none_or(|at| at <= now);
                    // A trial that was made but whose first attempt was lost with its runner has attempt 0.
                    let attempt = if due { state.attempt + 1 } else { 1 };
                    if due || (state.attempt == 0 && free > 0) {
                        if !due {
                            free -= 1;
                        }
                        starts.push(Action::Start { trial: Box::new(planned_trial(plan, &point)), attempt });
                    }
                }
                None => {
                    ended = false;
                    if free > 0 && !plan.spec().suspend {
                        free -= 1;
                        starts.push(Action::Start { trial: Box::new(planned_trial(plan, &point)), attempt: 1 });
                    }
                }
            }
        }
        if !ended {
            if !begun && !starts.is_empty() {
                actions.push(Action::Advance { round });
            }
            actions.extend(starts);
            return actions;
        }
    }
    actions.push(Action::Finish(completed(trials)));
    actions
}

fn planned_trial(plan: &Plan, point: &rounds::RoundPoint) -> PlannedTrial {
    PlannedTrial { name: plan.trial_name(&point.key), spec: rounds::trial_spec(plan, point) }
}

fn completed(trials: &[TrialState]) -> StudyEnd {
    let count = |phase| trials.iter().filter(|t| t.phase == phase).count();
    StudyEnd {
        phase: StudyPhase::Completed,
        reason: "AllRoundsEnded",
        message: format!(
            "{} trials succeeded, {} were infeasible, {} failed",
            count(TrialPhase::Succeeded),
            count(TrialPhase::Infeasible),
            count(TrialPhase::Failed)
        ),
    }
}

fn give_up(plan: &Plan, trials: &[TrialState], failed: usize) -> Vec<Action> {
    let limit = plan.spec().failure.max_failed_trials;
    let why = format!("the study stops: {failed} trials failed, more than failure.maxFailedTrials {limit}");
    let mut running: Vec<_> = trials.iter().filter(|t| !t.phase.has_ended()).collect();
    running.sort_by(|a, b| a.key.cmp(&b.key));
    let stops = running.iter().map(|t| Action::Stop { trial: plan.trial_name(&t.key), why: why.clone() });
    stops
        .chain([Action::Finish(StudyEnd {
            phase: StudyPhase::Failed,
            reason: "TooManyFailedTrials",
            message: format!(
                "{failed} trials failed, more than failure.maxFailedTrials {limit}. Failures are not the points' fault: \
                 their messages say what to mend"
            ),
        })])
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
