//! Studies whose trials become more, and spaces that end.

use studious_api::{study::StudyPhase, trial::TrialPhase};

use super::*;
use crate::trial::TrialState;
use crate::{Millis, Plan, rounds, studies};

fn plan(trials: u32, search: &str) -> Plan {
    studies::plan(&format!(
        "
hyperparameters:
- {{name: activation, role: Scientific, values: [relu, tanh]}}
- {{name: rate, range: {{min: 1.0e-4, max: 10, scale: Log}}}}
- {{name: width, range: {{min: 1, max: 3, integer: true}}}}
search: {search}
rounds:
- {{name: explore, trials: {trials}, maxTrainSteps: 100}}
- {{name: confirm, maxTrainSteps: 200, from: {{round: explore, best: 2}}}}
parallelism: 3
"
    ))
}

/// Carries decisions out until the study ends, every trial succeeding. Returns how it ends.
fn finish(plan: &Plan, trials: &mut Vec<TrialState>) -> StudyEnd {
    let mut view = View::of(plan, trials.iter().cloned());
    for _ in 0..1000 {
        let next = next(plan, &mut view, Millis(0));
        assert!(next.attempts.is_empty() && next.suggest.is_empty());
        for planned in next.create {
            let key = planned.key();
            assert!(!trials.iter().any(|t| t.key == key), "{key:?} is started twice");
            let trial = TrialState {
                phase: TrialPhase::Succeeded,
                objective: planned.spec.hyperparameters["rate"].as_f64(),
                attempt: 1,
                ..TrialState::created(key, planned.spec.hyperparameters)
            };
            view.put(plan, trial.clone());
            trials.push(trial);
        }
        if let Some(end) = next.end {
            return end;
        }
    }
    panic!("the study doesn't end");
}

fn settled(plan: &Plan, trials: &[TrialState]) -> Option<rounds::Settled> {
    let mut view = View::of(plan, trials.iter().cloned());
    next(plan, &mut view, Millis(0)).settled
}

fn of_round<'a>(trials: &'a [TrialState], round: &str) -> Vec<&'a TrialState> {
    let mut all: Vec<_> = trials.iter().filter(|t| t.key.round == round).collect();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
}

#[test]
fn a_study_whose_trials_become_more_goes_on_and_changes_nothing() {
    for search in ["{}", "{algorithm: Random, scientific: Sampled}", "{algorithm: Grid}", "{scientific: Sampled}"] {
        let mut trials = Vec::new();
        // Without the later round: it isn't there yet.
        let first = |n| {
            let mut spec = plan(n, search).spec().clone();
            spec.rounds.truncate(1);
            Plan::new("digits", &spec).unwrap()
        };
        assert_eq!(finish(&first(7), &mut trials).reason, "AllRoundsEnded");
        let before = trials.clone();
        assert_eq!(before.len(), 7);
        // Completed, and now more is asked, and a later round.
        let end = finish(&plan(12, search), &mut trials);
        assert_eq!((end.phase, trials.len()), (StudyPhase::Completed, 14), "{search}");
        assert_eq!(trials[..7], before);
        let mut at_once = Vec::new();
        finish(&plan(12, search), &mut at_once);
        assert_eq!(of_round(&trials, "explore"), of_round(&at_once, "explore"), "{search}");
    }
}

#[test]
fn a_study_of_a_space_that_ends_says_so_when_it_ends() {
    let mut trials = Vec::new();
    let end = finish(&plan(40, "{algorithm: Grid, grid: {levels: 3}}"), &mut trials);
    assert_eq!((end.phase, end.reason), (StudyPhase::Completed, "SpaceExhausted"));
    let told = "20 trials succeeded, 0 were infeasible, 0 failed; the space has 18 points, 40 trials asked: 18 run, since no \
                point is tried twice";
    assert_eq!(end.message, told);
    // Asked for fewer than there are, nothing is said.
    assert_eq!(finish(&plan(10, "{algorithm: Grid}"), &mut Vec::new()).reason, "AllRoundsEnded");
}

#[test]
fn trials_that_come_after_a_later_round_has_begun_do_not_run() {
    let mut trials = Vec::new();
    finish(&plan(7, "{}"), &mut trials);
    assert!(settled(&plan(7, "{}"), &trials).is_none());
    // Of the later round one has begun.
    trials.retain(|t| t.key.round == "explore" || t.key.index == 0);
    let late = plan(12, "{}");
    let without = settled(&late, &trials).unwrap();
    assert_eq!(
        without.late[0].to_string(),
        "spec.rounds[0].trials: 12: round confirm had begun, whose points come from the 7 trials that round explore had \
         then: the 5 added ones don't run. Run them as a new study."
    );
    let end = finish(&without.plan, &mut trials);
    assert_eq!((end.phase, trials.len(), without.plan.total_trials()), (StudyPhase::Completed, 9, 9));
    // Before the later round has begun they do.
    trials.retain(|t| t.key.round == "explore");
    assert!(settled(&late, &trials).is_none());
    // A space that ended early asked for more than there was.
    let mut exhausted = Vec::new();
    let whole = plan(40, "{algorithm: Grid, grid: {levels: 3}}");
    finish(&whole, &mut exhausted);
    assert!(settled(&whole, &exhausted).is_none());
}
