//! What is said about the step budget: one thing, from trials that reached the later steps.

use super::*;
use crate::findings::{
    Confidence, Severity,
    simulated::{ONE, changes_settle, one},
};

/// What speaks of the step budget.
const OF_STEPS: [&str; 5] = ["StepsNotReached", "TooManySteps", "StillImproving", "TooFewSteps", "SaturatedEarly"];

fn of_steps(found: &[Finding]) -> Vec<&str> {
    found.iter().map(|f| f.code.as_str()).filter(|code| OF_STEPS.contains(code)).collect()
}

/// Trials whose step is divided by a number.
fn counted_otherwise(trained: Trained, by: u64) -> Vec<TrialRecord> {
    let mut trials = all(trained, 16);
    for trial in &mut trials {
        for curve in trial.curves.values_mut() {
            for (step, _) in curve.iter_mut() {
                *step = (*step).div_ceil(by);
            }
        }
        conclude(trial);
    }
    trials
}

#[test]
fn a_trainer_that_counts_epochs_is_no_study_with_too_many_steps() {
    for trained in [FINE, Trained { fall: 1.0, noise: 0.0005, ..FINE }, Trained { fall: 40.0, ..FINE }] {
        let trials = counted_otherwise(trained, 100);
        let found = found(RATE, &trials);
        assert_eq!(of_steps(&found), ["StepsNotReached"]);
        let short = one_of(&found, "StepsNotReached").unwrap();
        assert!(
            short.advice.starts_with("16 of 16 trials of round explore end at step 40, where maxTrainSteps is 4000."),
            "{}",
            short.advice
        );
        assert_eq!((short.severity, &short.change), (Severity::Warning, &None));
        let edits = found.iter().filter_map(|f| f.change.as_ref()).filter(|c| c.path.contains("maxTrainSteps"));
        assert_eq!(edits.count(), 0);
    }
    // Fewer than half that stop by themselves say nothing of the others, and nothing is said by them.
    let mut some = all(Trained { fall: 1.0, noise: 0.0005, ..FINE }, 16);
    for trial in some.iter_mut().take(7) {
        trial.curves.get_mut("validation_error").unwrap().truncate(3);
        conclude(trial);
    }
    let found = found(RATE, &some);
    assert_eq!(of_steps(&found), ["StillImproving"]);
}

#[test]
fn evaluations_beyond_the_budget_are_named_and_not_looked_at() {
    let half = RATE.replace("maxTrainSteps: 4000", "maxTrainSteps: 2000");
    let mut trials = all(Trained { over: 0.3, ..FINE }, 16);
    for trial in &mut trials {
        trial.outcome = Outcome::Succeeded { objective: 0.1, step: Some(1600) };
    }
    let found = found(&half, &trials);
    let beyond = one_of(&found, "StepsBeyondBudget").unwrap();
    assert_eq!((beyond.evidence["beyond"], beyond.evidence["last_step"]), (16.0, 4000.0));
    assert!(one_of(&self::found(RATE, &trials), "StepsBeyondBudget").is_none());
    // They trained for another budget, and say nothing of this one.
    assert!(of_steps(&found).is_empty());
    // The rise by 0.3 lies beyond for the most part: up to step 2000 it is 0.05.
    let by = one_of(&found, "OverfittingInBest").map_or(0.0, |f| f.evidence["largest_rise"]);
    assert!(by < 0.06, "{by}");
}

#[test]
fn one_regime_is_named() {
    let improving = all(Trained { fall: 1.0, noise: 0.0005, ..FINE }, 24);
    let found = found(RATE, &improving);
    assert_eq!(of_steps(&found), ["StillImproving"]);
    assert_eq!(one_of(&found, "StillImproving").unwrap().change.as_ref().unwrap().to, 8000);
    changes_settle(&plan(RATE), &improving);
    for fall in [0.5, 1.0, 2.0, 4.0, 8.0, 20.0, 40.0, 100.0] {
        for noise in [0.0005, 0.003, 0.02] {
            for over in [0.0, 0.1] {
                let trials = all(Trained { over, fall, noise, ..FINE }, 24);
                assert!(of_steps(&self::found(RATE, &trials)).len() <= 1, "{fall} {noise} {over}");
            }
        }
    }
}

#[test]
fn saturation_is_open_without_a_training_loss() {
    let flat = Trained { fall: 40.0, ..FINE };
    let open = found(RATE, &all(Trained { loss: None, ..flat }, 24));
    let open = one_of(&open, "SaturatedEarly").unwrap();
    assert_eq!((open.confidence, &open.change), (Some(Confidence::OpenQuestion), &None));
    assert!(!open.advice.contains("lose nothing"), "{}", open.advice);
    let sure = found(RATE, &all(Trained { loss: Some(|p| 0.05 + (-40.0 * p).exp()), ..flat }, 24));
    let sure = one_of(&sure, "SaturatedEarly").unwrap();
    assert_eq!((sure.confidence, sure.change.is_some()), (None, true));
    // Training continues.
    let found = found(RATE, &all(Trained { loss: Some(|p| 1.0 - 0.9 * p), ..flat }, 24));
    assert!(one_of(&found, "SaturatedEarly").is_none());
}

#[test]
fn what_is_undersampled_is_not_saturated() {
    // One trial of thirty stands apart: another dozen may find another.
    let mut trials = one(30, &mut Luck(28), |_, luck| Some(1.0 + 1e-6 * luck.normal()));
    for (i, trial) in trials.iter_mut().enumerate().take(2) {
        trial.outcome = Outcome::Succeeded { objective: 0.5 + 1e-9 * i as f64, step: None };
    }
    let found = found(ONE, &trials);
    let both: Vec<_> =
        ["Undersampled", "TuningGainsSaturated"].into_iter().filter(|c| one_of(&found, c).is_some()).collect();
    assert_eq!(both, ["Undersampled"]);
    // Whether sampling is dense enough stays open in an adaptive search.
    let bayesian = ONE.replace("rounds:", "search: {algorithm: Bayesian}\nrounds:");
    let weak = self::found(&bayesian, &trials);
    assert_eq!(one_of(&weak, "Undersampled").unwrap().confidence, Some(Confidence::WeakOpenQuestion));
}
