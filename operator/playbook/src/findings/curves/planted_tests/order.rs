//! No examiner sees what another has found.

use super::*;
use crate::findings::{Severity, curves::EXAMINERS, reading::Reading};

/// Studies of which several examiners speak.
fn studies() -> Vec<Vec<TrialRecord>> {
    let late = Trained { fall: 1.0, noise: 0.0005, ..FINE };
    let early = Trained { fall: 100.0, loss: Some(|p| 0.3 + 0.5 * p), ..FINE };
    let over = Trained { over: 0.3, ..FINE };
    vec![all(late, 24), all(early, 24), all(over, 24), all(Trained { over: 0.5, fall: 60.0, ..FINE }, 24)]
}

#[test]
fn the_order_of_examiners_changes_nothing() {
    let plan = plan(RATE);
    for trials in studies() {
        let reading = Reading::new(&plan, &trials);
        let drawn = |order: &[usize]| {
            let mut found = Vec::new();
            for i in order {
                EXAMINERS[*i](&reading, &mut found);
            }
            found.sort_by(|a: &Finding, b| (&a.code, &a.hyperparameter).cmp(&(&b.code, &b.hyperparameter)));
            found
        };
        let mut order: Vec<usize> = (0..EXAMINERS.len()).collect();
        let expected = drawn(&order);
        assert!(!expected.is_empty());
        order.reverse();
        assert_eq!(drawn(&order), expected);
        let mut luck = Luck(3);
        for _ in 0..20 {
            for i in (1..order.len()).rev() {
                order.swap(i, (luck.uniform() * (i + 1) as f64) as usize);
            }
            assert_eq!(drawn(&order), expected);
        }
    }
}

#[test]
fn what_limits_training_stands_before_what_it_hides() {
    let arms =
        RATE.replace("hyperparameters: [", "hyperparameters: [{name: optimizer, role: Scientific, values: [a, b]}, ");
    let mut luck = Luck(7);
    let mut trials = named(
        ["a", "b"]
            .into_iter()
            .flat_map(|arm| spread(20).map(move |u| (arm, u)))
            .map(|(arm, u)| Trained { over: 0.3, ..FINE }.at(u, &[("optimizer", arm.into())], &mut luck)),
    );
    for trial in &mut trials {
        for (step, loss) in trial.curves.get_mut("train_loss").unwrap() {
            *loss += if (2000..2200).contains(step) { 3.0 } else { 0.0 };
        }
    }
    let found = found(&arms, &trials);
    let position = |code: &str| found.iter().position(|f| f.code == code).unwrap_or_else(|| panic!("no {code}"));
    assert_eq!(one_of(&found, "OverfittingInBest").unwrap().severity, Severity::Problem);
    assert!(position("TrainingInstability") < position("OverfittingInBest"));
}
