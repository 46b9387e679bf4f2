use super::*;
use crate::{
    findings::simulated::{ARMS, Luck, ONE, plan},
    record::TrialRecord,
};

fn trials(values: &[f64]) -> Vec<TrialRecord> {
    values
        .iter()
        .map(|objective| TrialRecord {
            round: "explore".to_owned(),
            outcome: Outcome::Succeeded { objective: *objective, step: None },
            ..TrialRecord::default()
        })
        .collect()
}

fn spec(objective: &str) -> StudySpec {
    let yaml = ONE.replace("objective: {metric: validation_error, direction: Minimize}", objective);
    plan(&yaml).spec().clone()
}

fn reasons(spec: &StudySpec, values: &[f64]) -> Vec<Option<Reason>> {
    let found = hopeless(spec, &trials(values));
    (0..values.len()).map(|i| found.iter().find(|(at, _)| *at == i).map(|(_, reason)| reason.clone())).collect()
}

const LOSS: &str = "objective: {metric: validation_loss, direction: Minimize}";

/// F-030: every other trial of twenty came to 1e30.
#[test]
fn a_loss_far_beyond_its_fellows_is_infeasible() {
    let values: Vec<f64> = (0..20).map(|i| if i % 2 == 1 { 1e30 } else { 0.4 }).collect();
    let found = reasons(&spec(LOSS), &values);
    for (value, reason) in values.iter().zip(&found) {
        assert_eq!(*reason, (*value > 1.0).then_some(Reason::FarWorse), "{value}");
    }
    let judged = judged_by_value(&spec(LOSS), &trials(&values)).into_owned();
    assert_eq!(judged.iter().filter(|t| t.objective().is_none()).count(), 10);
    // A good trial with a cheap one among ten: nothing is far.
    assert_eq!(hopeless(&spec(LOSS), &trials(&[0.3, 0.31, 0.35, 0.4, 0.5, 0.7, 0.9, 1.1])), []);
    // An arm that is four times worse is no divergence, however close its results lie together.
    let values: Vec<f64> = (0..40).map(|i| if i % 2 == 0 { 0.1 } else { 0.4 } + 0.0001 * f64::from(i)).collect();
    let mut arms = trials(&values);
    for (i, trial) in arms.iter_mut().enumerate() {
        trial.hyperparameters.insert("optimizer".to_owned(), ["sgd", "nesterov"][i % 2].into());
    }
    assert_eq!(hopeless(plan(ARMS).spec(), &arms), []);
    // Too few to tell.
    assert_eq!(hopeless(&spec(LOSS), &trials(&[0.3, 0.4, 1e30])), []);
}

#[test]
fn other_directions_and_zeros_have_the_rule_too() {
    let mut luck = Luck(3);
    let rewards = spec("objective: {metric: reward, direction: Maximize}");
    let mut values: Vec<f64> = (0..20).map(|_| 200.0 + 20.0 * luck.normal()).collect();
    values.extend([-1e7, -1e12]);
    let found = reasons(&rewards, &values);
    assert!(
        found[..20].iter().all(Option::is_none) && found[20..].iter().all(|r| *r == Some(Reason::FarWorse)),
        "{found:?}"
    );
    let mut losses: Vec<f64> = (0..20).map(|_| luck.uniform()).collect();
    losses.extend([0.0, 1e6]);
    assert_eq!(hopeless(&spec(LOSS), &trials(&losses)), [(21, Reason::FarWorse)]);
}

/// A random search of an `ImageNet` network: of 365 trials that ended with a number, 167 were at the chance level.
#[test]
fn trials_that_pile_up_at_the_chance_level_are_infeasible() {
    let mut luck = Luck(4);
    let error = spec("objective: {metric: validation_error, direction: Minimize}");
    let mut values: Vec<f64> = (0..198).map(|_| 0.25 + 0.7 * luck.uniform().powi(2)).collect();
    values.extend((0..167).map(|_| 0.999 + 0.0003 * luck.normal()));
    let found = reasons(&error, &values);
    let of = |range: std::ops::Range<usize>| found[range].iter().filter(|r| **r == Some(Reason::ChanceLevel)).count();
    assert_eq!((of(0..198), of(198..365)), (0, 167));
    // A level that is declared tells fewer, too.
    let declared = spec("objective: {metric: validation_error, direction: Minimize, chance: 0.9}");
    let few = [0.1, 0.12, 0.15, 0.2, 0.3, 0.5, 0.88, 0.895, 0.91];
    assert_eq!(hopeless(&declared, &trials(&few)), [(7, Reason::ChanceLevel), (8, Reason::ChanceLevel)]);
    let accuracy = spec("objective: {metric: accuracy, direction: Maximize, chance: 0.1}");
    let few = few.map(|error| 1.0 - error);
    assert_eq!(hopeless(&accuracy, &trials(&few)).len(), 2);
    // Ties of a coarse metric are no pile.
    let coarse: Vec<f64> = (0..40).map(|_| (5.0 * luck.uniform()).round() / 200.0).collect();
    assert_eq!(hopeless(&error, &trials(&coarse)), []);
}

/// At most one of a hundred trials of studies with healthy objectives, heavy-tailed ones among them.
#[test]
fn healthy_objectives_are_not_called_infeasible() {
    type Draw = fn(&mut Luck) -> f64;
    let healthy: [(&str, Draw); 9] = [
        ("normal", |luck| luck.normal()),
        ("normal, all positive", |luck| 10.0 + luck.normal()),
        ("uniform", |luck| luck.uniform()),
        ("exponential", |luck| -luck.uniform().max(1e-12).ln()),
        ("log-normal", |luck| (1.5 * luck.normal()).exp()),
        ("log-normal above a floor", |luck| 1.0 + (1.5 * luck.normal()).exp()),
        ("Student's t of three degrees", |luck| {
            let squares: f64 = (0..3).map(|_| luck.normal().powi(2)).sum();
            luck.normal() / (squares / 3.0).sqrt()
        }),
        ("a bowl", |luck| 0.1 + (luck.uniform() - 0.5).powi(2) + 0.01 * luck.normal().abs()),
        ("a valley in a plateau", |luck| {
            1.0 - 0.8 * (-(luck.uniform() - 0.5).powi(2) / 0.005).exp() + 0.01 * luck.normal()
        }),
    ];
    let spec = spec(LOSS);
    for (name, draw) in healthy {
        for n in [8, 12, 30, 100] {
            let called: usize = (0..400)
                .map(|seed| {
                    let mut luck = Luck(seed * 7919 + 13);
                    let values: Vec<f64> = (0..n).map(|_| draw(&mut luck)).collect();
                    hopeless(&spec, &trials(&values)).len()
                })
                .sum();
            let share = called as f64 / f64::from(400 * n);
            println!("{name}, {n} trials: {:.2}%", 100.0 * share);
            assert!(share <= 0.01, "{name}, {n} trials: {share}");
        }
    }
}
