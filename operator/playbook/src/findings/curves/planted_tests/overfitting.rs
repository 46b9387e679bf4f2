//! Overfitting in few evaluations.

use super::{
    super::{
        planted::{STEADY, power, rising},
        simulated::{Training, change_all},
    },
    *,
};
use crate::findings::{Answer, Severity, checklist};

/// The playbook's eye: an error that falls to 0.157 at step 400 of 1,000 and rises to 0.264, with little noise.
#[test]
fn overfitting_that_any_eye_sees_is_seen() {
    let plain = Training { evaluations: 20, noise: (0.001, 0.001), ..STEADY };
    let climbs =
        |trials: &mut Vec<TrialRecord>, _: &mut Luck| change_all(trials, "validation_error", rising(0.4, 0.107));
    assert!(power("OverfittingInBest", plain, 10, climbs) >= 0.99);
    // A fifth of the fall, in ten evaluations.
    for noise in [0.01, 0.02] {
        let few = Training { evaluations: 10, noise: (noise, noise), ..STEADY };
        let fifth =
            |trials: &mut Vec<TrialRecord>, _: &mut Luck| change_all(trials, "validation_error", rising(0.4, 0.16));
        for each in [4, 10, 30] {
            assert!(power("OverfittingInBest", few, each, fifth) >= 0.9, "{noise} {each}");
        }
    }
}

/// Dropout is the question: the trials with these amounts of it overfit.
fn dropout(overfits: &[f64]) -> (String, Vec<TrialRecord>) {
    let compared = "{name: dropout_rate, role: Scientific, values: [0, 0.5]}, ";
    let yaml = RATE.replace("hyperparameters: [", &format!("hyperparameters: [{compared}"));
    let mut luck = Luck(5);
    let points: Vec<_> = spread(20).flat_map(|u| [(u, 0.0), (u, 0.5)]).collect();
    let trials = named(points.into_iter().map(|(u, rate)| {
        let over = if overfits.contains(&rate) { 0.2 } else { 0.0 };
        Trained { over, ..FINE }.at(u, &[("dropout_rate", rate.into())], &mut luck)
    }));
    (yaml, trials)
}

fn fifth((yaml, trials): &(String, Vec<TrialRecord>)) -> (Vec<Finding>, Answer) {
    let plan = plan(yaml);
    let found = findings(&plan, trials);
    let answer = checklist(&plan, trials, &found).questions[4].answer;
    let of_it = |f: &Finding| ["OverfittingInBest", "SelectionBias"].contains(&f.code.as_str());
    (found.into_iter().filter(of_it).collect(), answer)
}

#[test]
fn overfitting_is_to_be_expected_where_regularization_is_weak() {
    let (found, answer) = fifth(&dropout(&[0.0]));
    assert!(found.iter().any(|f| f.code == "OverfittingInBest"));
    assert!(found.iter().all(|f| f.severity == Severity::Info && f.change.is_none()), "{found:?}");
    assert!(found.iter().all(|f| f.advice.contains("to be expected where there is little of it")), "{found:?}");
    assert_eq!(answer, Answer::Pass);
}

#[test]
fn overfitting_under_the_strongest_regularization_is_a_problem() {
    let (found, answer) = fifth(&dropout(&[0.5]));
    let best = found.iter().find(|f| f.code == "OverfittingInBest").unwrap();
    assert_eq!((best.severity, &best.change, answer), (Severity::Problem, &None, Answer::Fail));
    assert!(found.iter().all(|f| f.advice.contains("does not help here")), "{found:?}");
    assert!(found.iter().all(|f| !f.advice.contains("With stronger regularization")), "{found:?}");
    let (found, answer) = fifth(&dropout(&[0.0, 0.5]));
    let best = found.iter().find(|f| f.code == "OverfittingInBest").unwrap();
    assert_eq!((best.severity, answer), (Severity::Problem, Answer::Fail));
    assert!(best.advice.contains("The strongest dropout_rate overfits too"), "{}", best.advice);
}

#[test]
fn values_without_an_order_are_equally_strong() {
    let study = |overfits: &[&str]| {
        let (yaml, mut trials) = dropout(&[]);
        let yaml = yaml.replace("dropout_rate", "augmentation").replace("[0, 0.5]", "[none, crop, mix]");
        let mut luck = Luck(8);
        trials = named(trials.iter().enumerate().map(|(i, trial)| {
            let kind = ["none", "crop", "mix"][i % 3];
            let over = if overfits.contains(&kind) { 0.2 } else { 0.0 };
            let place = i as f64 / trials.len() as f64;
            assert!(trial.objective().is_some());
            Trained { over, ..FINE }.at(place, &[("augmentation", kind.into())], &mut luck)
        }));
        let (found, _) = fifth(&(yaml, trials));
        found.iter().find(|f| f.code == "OverfittingInBest").map(|f| f.severity)
    };
    assert_eq!(study(&["none", "crop"]), Some(Severity::Info));
    assert_eq!(study(&["none", "crop", "mix"]), Some(Severity::Problem));
}

#[test]
fn a_breakdown_is_not_ruled_out_without_a_training_loss() {
    let over = Trained { over: 0.2, ..FINE };
    let said = |trained| one_of(&found(RATE, &all(trained, 16)), "OverfittingInBest").unwrap().advice.clone();
    assert!(said(Trained { loss: None, ..over }).contains("Without train_loss a breakdown of training looks the same"));
    assert!(!said(over).contains("breakdown"));
}
