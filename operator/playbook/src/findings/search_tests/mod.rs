//! Simulated studies for findings about the search: with a planted signal each must be raised, without one it must not.

mod alarms;
mod answers;
mod boundaries;
mod boundary_power;
mod digits;
mod looks;
mod planted;
mod reruns;

use std::collections::BTreeMap;

use studious_api::HyperparameterValue;

use super::simulated::{Luck, at, trial};
use crate::record::TrialRecord;

/// Lists of numbers and a small whole range.
const LISTS: &str = "
goal: g
objective: {metric: validation_error, direction: Minimize}
hyperparameters:
- {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
- {name: width, values: [128, 16, 32, 64, 256]}
- {name: layers, range: {min: 1, max: 6, integer: true}}
rounds: [{name: explore, trials: 30, maxTrainSteps: 100}]
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";

/// A feature and doing without it, sampled together with what is tuned.
const SAMPLED: &str = "
goal: g
objective: {metric: validation_error, direction: Minimize}
hyperparameters:
- {name: augmentation, role: Scientific, values: [none, crop, mix]}
- {name: weight_decay, role: Scientific, range: {min: 1.0e-6, max: 0.1, scale: Log}}
- {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
search: {scientific: Sampled, algorithm: Random}
rounds: [{name: explore, trials: 60, maxTrainSteps: 100}]
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";

/// A feature and doing without it, each with its own trials.
const FEATURE: &str = "
goal: g
objective: {metric: validation_error, direction: Minimize}
hyperparameters:
- {name: skip, role: Scientific, values: [false, true]}
- {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
- {name: dropout, range: {min: 0, max: 0.5}}
rounds: [{name: explore, trials: 30, maxTrainSteps: 100}]
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";

/// One of a list, each as likely.
fn pick<T: Clone>(items: &[T], luck: &mut Luck) -> T {
    items[((luck.uniform() * items.len() as f64) as usize).min(items.len() - 1)].clone()
}

/// Trials of `LISTS`: the outcome is a function of the place of the learning rate and the width, and of the layers.
fn lists(n: usize, luck: &mut Luck, outcome: impl Fn([f64; 3], &mut Luck) -> Option<f64>) -> Vec<TrialRecord> {
    (0..n)
        .map(|i| {
            let u = luck.uniform();
            let width = pick(&[16_i64, 32, 64, 128, 256], luck);
            let layers = pick(&[1_i64, 2, 3, 4, 5, 6], luck);
            let point = BTreeMap::from([
                ("learning_rate".to_owned(), at(u, 1e-3, 10.0, "log")),
                ("width".to_owned(), HyperparameterValue::Integer(width)),
                ("layers".to_owned(), HyperparameterValue::Integer(layers)),
            ]);
            let place = (width as f64 / 16.0).log2() / 4.0;
            trial(i, point, outcome([u, place, layers as f64], luck))
        })
        .collect()
}

/// Trials of `SAMPLED`: `chosen` picks the augmentation.
fn sampled(
    n: usize,
    luck: &mut Luck,
    chosen: impl Fn(&mut Luck) -> &'static str,
    outcome: impl Fn(&str, f64, &mut Luck) -> Option<f64>,
) -> Vec<TrialRecord> {
    (0..n)
        .map(|i| {
            let (augmentation, rate, decay) = (chosen(luck), luck.uniform(), luck.uniform());
            let point = BTreeMap::from([
                ("augmentation".to_owned(), augmentation.into()),
                ("weight_decay".to_owned(), at(decay, 1e-6, 0.1, "log")),
                ("learning_rate".to_owned(), at(rate, 1e-3, 10.0, "log")),
            ]);
            trial(i, point, outcome(augmentation, rate, luck))
        })
        .collect()
}

/// Trials of `FEATURE`: so many without and with it.
fn feature(
    without: usize,
    with: usize,
    luck: &mut Luck,
    outcome: impl Fn(bool, [f64; 2], &mut Luck) -> Option<f64>,
) -> Vec<TrialRecord> {
    (0..without + with)
        .map(|i| {
            let (on, u) = (i >= without, [luck.uniform(), luck.uniform()]);
            let point = BTreeMap::from([
                ("skip".to_owned(), HyperparameterValue::Bool(on)),
                ("learning_rate".to_owned(), at(u[0], 1e-3, 10.0, "log")),
                ("dropout".to_owned(), at(u[1], 0.0, 0.5, "linear")),
            ]);
            trial(i, point, outcome(on, u, luck))
        })
        .collect()
}
