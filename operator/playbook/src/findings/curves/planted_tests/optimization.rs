//! The fourth question: what is seen of optimization in all trials, and what can't be.

use super::*;
use crate::findings::{Answer, Question, Severity, checklist};

fn fourth(trials: &[TrialRecord]) -> Question {
    let plan = plan(RATE);
    checklist(&plan, trials, &findings(&plan, trials)).questions[3].clone()
}

fn rises(share: f64) -> f64 {
    0.3 + 0.5 * share
}

/// Rising losses of all trials but those whose learning rate lies so near the best.
fn rising_beyond(near: f64) -> Vec<TrialRecord> {
    let mut luck = Luck(4);
    named(spread(24).map(|u| {
        let loss: fn(f64) -> f64 = if (u - 0.5).abs() < near { falls } else { rises };
        Trained { loss: Some(loss), noise: 0.0005, ..FINE }.at(u, &[], &mut luck)
    }))
}

#[test]
fn many_rising_losses_are_a_finding_though_the_best_fall() {
    let trials = rising_beyond(0.11);
    let found = found(RATE, &trials);
    let rising = one_of(&found, "TrainingLossRising").unwrap();
    assert_eq!((rising.severity, rising.trials.len()), (Severity::Warning, 18), "{}", rising.advice);
    assert!(rising.advice.contains("18 of 24 trials of round explore (0 of the best 5)"), "{}", rising.advice);
    assert_eq!(fourth(&trials).answer, Answer::Fail);
    // A learning rate that is too high: no bug, and the answer counts them.
    let few = rising_beyond(0.4);
    let question = fourth(&few);
    assert_eq!(question.answer, Answer::Pass);
    assert!(question.reason.starts_with("train_loss rises in 4 of 24 trials; "), "{}", question.reason);
}

#[test]
fn a_missing_training_loss_is_no_falling_one() {
    let question = fourth(&all(Trained { loss: None, ..FINE }, 24));
    assert_eq!(question.answer, Answer::Unknown);
    assert!(
        question.reason.starts_with("None of the best 5 trials of round explore has reported train_loss"),
        "{}",
        question.reason
    );
    let mut norms = all(Trained { loss: None, ..FINE }, 24);
    for trial in &mut norms {
        trial.curves.insert("gradient_norm".to_owned(), curve(40, |_| 1.0));
    }
    assert_eq!(fourth(&norms).answer, Answer::Unknown, "norms alone show no rising loss");
    let question = fourth(&all(FINE, 24));
    assert_eq!(question.answer, Answer::Pass);
    assert_eq!(
        question.reason,
        "train_loss rises in none of 24 trials; nothing unstable is seen in train_loss of the best 5 trials."
    );
    // Too short to see anything in.
    let mut short = all(FINE, 24);
    for trial in &mut short {
        trial.curves.get_mut("train_loss").unwrap().truncate(9);
    }
    assert_eq!(fourth(&short).answer, Answer::Unknown);
}

#[test]
fn when_trials_without_curves_diverged_is_not_claimed() {
    let edge = |with_loss: bool| {
        let mut luck = Luck(6);
        named(spread(40).map(|u| {
            let trial = FINE.at(u, &[], &mut luck);
            match (u > 0.52, with_loss) {
                (true, false) => diverged(trial),
                (true, true) => {
                    let mut loss = trial.curves["train_loss"].clone();
                    loss.truncate(3);
                    TrialRecord { curves: BTreeMap::from([("train_loss".to_owned(), loss)]), ..diverged(trial) }
                }
                _ => trial,
            }
        }))
    };
    let unknown = found(RATE, &edge(false));
    let limits = one_of(&unknown, "InstabilityLimitsLr").unwrap();
    assert!(!limits.advice.contains("at or near"), "{}", limits.advice);
    assert!(limits.advice.contains("whether early or late is unknown"), "{}", limits.advice);
    assert!(limits.advice.contains("warmup") && limits.advice.contains("gradient clipping"), "{}", limits.advice);
    assert_eq!((limits.evidence["early"], limits.change.is_none()), (0.0, true));
    let known = found(RATE, &edge(true));
    assert!(one_of(&known, "InstabilityLimitsLr").unwrap().advice.contains("early, at or near initialization"));
}
