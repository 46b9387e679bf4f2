//! Planted signals of studies with one learning rate: what is reported of them, and what isn't.

mod optimization;
mod order;
mod overfitting;
pub(in crate::findings) mod power;
mod short;
mod steps;

use std::collections::BTreeMap;

use studious_api::HyperparameterValue;

use super::{
    super::{
        Finding, findings,
        simulated::{Luck, at, plan},
    },
    simulated::conclude,
};
use crate::record::{Curve, Outcome, TrialRecord};

const RATE: &str = "
goal: g
objective: {metric: validation_error, direction: Minimize}
hyperparameters: [{name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}]
rounds: [{name: explore, trials: 24, maxTrainSteps: 4000}]
evaluation: {everySteps: 100}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";

/// How a trial of `RATE` trains: 40 evaluations and 80 training losses.
#[derive(Clone, Copy)]
struct Trained {
    /// How far the error rises from 0.4 of training on.
    over: f64,
    /// How fast it falls: the exponent over all of training.
    fall: f64,
    noise: f64,
    /// The training loss at a share of training; nothing where it isn't reported.
    loss: Option<fn(f64) -> f64>,
}

fn falls(share: f64) -> f64 {
    0.05 + 2.0 * (-5.0 * share).exp()
}

const FINE: Trained = Trained { over: 0.0, fall: 8.0, noise: 0.003, loss: Some(falls) };

fn curve(points: u64, mut value: impl FnMut(f64) -> f64) -> Curve {
    (1..=points).map(|i| (4000 * i / points, value(i as f64 / points as f64))).collect()
}

impl Trained {
    /// A trial with its learning rate at a place of the range, best in the middle.
    fn at(self, place: f64, others: &[(&str, HyperparameterValue)], luck: &mut Luck) -> TrialRecord {
        let Self { over, fall, noise, loss } = self;
        let base = 0.1 + 0.3 * (place - 0.5).powi(2);
        let error = |p: f64| base + 0.6 * (-fall * p).exp() + over * ((p - 0.4) / 0.6).max(0.0);
        let mut curves =
            BTreeMap::from([("validation_error".to_owned(), curve(40, |p| error(p) + noise * luck.normal()))]);
        if let Some(loss) = loss {
            curves.insert("train_loss".to_owned(), curve(80, |p| loss(p) + 0.005 * luck.normal()));
        }
        let mut hyperparameters = BTreeMap::from([("learning_rate".to_owned(), at(place, 1e-3, 10.0, "log"))]);
        hyperparameters.extend(others.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let mut trial = TrialRecord { round: "explore".to_owned(), hyperparameters, curves, ..TrialRecord::default() };
        conclude(&mut trial);
        trial
    }
}

/// Evenly spread places of so many trials.
fn spread(n: u32) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| (f64::from(i) + 0.5) / f64::from(n))
}

fn named(trials: impl Iterator<Item = TrialRecord>) -> Vec<TrialRecord> {
    trials.enumerate().map(|(i, t)| TrialRecord { name: format!("s-explore-{i:04}"), ..t }).collect()
}

/// So many trials that all train alike.
fn all(trained: Trained, n: u32) -> Vec<TrialRecord> {
    let mut luck = Luck(5);
    named(spread(n).map(|u| trained.at(u, &[], &mut luck)))
}

fn found(yaml: &str, trials: &[TrialRecord]) -> Vec<Finding> {
    findings(&plan(yaml), trials)
}

fn one_of<'a>(found: &'a [Finding], code: &str) -> Option<&'a Finding> {
    found.iter().find(|f| f.code == code)
}

fn diverged(trial: TrialRecord) -> TrialRecord {
    TrialRecord { outcome: Outcome::Infeasible { reason: "Diverged".into() }, curves: BTreeMap::new(), ..trial }
}
