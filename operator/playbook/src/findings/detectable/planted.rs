//! Studies with planted results: the points of a plan, in every round, with objectives that are known.

use std::collections::HashMap;

use studious_api::{
    Hyperparameters,
    study::{Constraint, Direction, Role},
    trial::TrialPhase,
};

use super::super::power::uniform;
use crate::{
    Plan,
    record::{Outcome, TrialRecord},
    rounds::{self, RoundPoint},
    search::Generator,
    space::{Domain, PointIdentity},
    trial::TrialState,
};

/// The weight of the first hyperparameter that varies in an arm, and of each other, in [`Landscape`].
const WEIGHTS: (f64, f64) = (1.0, 0.5);
/// The best values lie in the inner half of each range: whether they lie beyond its boundaries is another question.
const INNER: (f64, f64) = (0.25, 0.5);

/// The trials of all rounds, retraining included, as a run would record them: `loss` gives each a loss, the smaller the
/// better. Points that a search would choose by results are those of its sequence.
pub(super) fn study(plan: &Plan, mut loss: impl FnMut(&Hyperparameters) -> f64) -> Vec<TrialRecord> {
    let spec = plan.spec();
    let sign = if spec.objective.direction == Direction::Maximize { -1.0 } else { 1.0 };
    let (mut records, mut states) = (Vec::new(), Vec::new());
    for round in rounds::names(plan) {
        for RoundPoint { key, hyperparameters } in points(plan, &round, &states) {
            let objective = sign * loss(&hyperparameters);
            let metrics = spec.constraints.iter().map(|c| (c.metric.clone(), satisfying(c)));
            let record = TrialRecord {
                name: plan.trial_name(&key),
                round: round.clone(),
                hyperparameters: hyperparameters.clone(),
                outcome: Outcome::Succeeded { objective, step: None },
                metrics: metrics.collect(),
                ..TrialRecord::default()
            };
            states.push(TrialState {
                phase: TrialPhase::Succeeded,
                objective: Some(objective),
                metrics: record.metrics.clone(),
                ..TrialState::created(key, hyperparameters)
            });
            records.push(record);
        }
    }
    records
}

fn points(plan: &Plan, round: &str, known: &[TrialState]) -> Vec<RoundPoint> {
    match rounds::fresh_points(plan, round) {
        Some(fresh) => fresh.to_vec(),
        None => rounds::points(plan, round, known).unwrap_or_default(),
    }
}

/// A value of its metric that a constraint allows.
fn satisfying(constraint: &Constraint) -> f64 {
    match (constraint.min, constraint.max) {
        (Some(min), Some(max)) => f64::midpoint(min, max),
        (bound, other) => bound.or(other).unwrap_or(0.0),
    }
}

/// A parabola for each arm: each has its own best values, as hyperparameters that interact with what is compared have.
/// Along the first range that an arm tunes the loss changes by 1 from its best value to one a whole range away.
pub(super) struct Landscape<'a> {
    plan: &'a Plan,
    arms: HashMap<PointIdentity, usize>,
    /// Of each arm, by the index of the dimension; drawn for each study.
    best: Vec<Vec<f64>>,
}

impl<'a> Landscape<'a> {
    /// The landscape of the arms of these trials, with best values that `generator` draws.
    pub(super) fn draw(plan: &'a Plan, arms: &HashMap<PointIdentity, usize>, generator: &mut Generator) -> Self {
        let dimensions = plan.space().dimensions().len();
        let mut axis = || (0..dimensions).map(|_| INNER.0 + INNER.1 * uniform(generator)).collect();
        Self { plan, arms: arms.clone(), best: (0..arms.len().max(1)).map(|_| axis()).collect() }
    }

    /// The arm of a point, from 0, and its loss without noise: 0 where the arm is best.
    pub(super) fn at(&self, point: &Hyperparameters) -> (usize, f64) {
        let arm = self.arms.get(&arm(self.plan, point)).copied().unwrap_or_default();
        let space = self.plan.space();
        let mut weight = WEIGHTS.0;
        let mut loss = 0.0;
        let active = space.active(point);
        for (i, dimension) in space.dimensions().iter().enumerate() {
            if is_arm(dimension) || !active.iter().any(|d| std::ptr::eq(*d, dimension)) {
                continue;
            }
            let Some(place) = point.get(dimension.name()).and_then(|value| dimension.to_unit(value)) else { continue };
            loss += weight * (place - self.best[arm][i]).powi(2);
            weight = WEIGHTS.1;
        }
        (arm, loss)
    }
}

/// The arms of some trials, numbered in the order in which they appear.
pub(super) fn arms(plan: &Plan, trials: &[TrialRecord]) -> HashMap<PointIdentity, usize> {
    let mut arms = HashMap::new();
    for trial in trials {
        let next = arms.len();
        arms.entry(arm(plan, &trial.hyperparameters)).or_insert(next);
    }
    arms
}

/// Whether a dimension's values tell arms apart: a scientific list. A scientific range is an axis.
fn is_arm(dimension: &crate::space::Dimension) -> bool {
    dimension.role() == Role::Scientific && matches!(dimension.domain(), Domain::Values(_) | Domain::Fixed(_))
}

fn arm(plan: &Plan, point: &Hyperparameters) -> PointIdentity {
    let telling = plan.space().active(point).into_iter().filter(|dimension| is_arm(dimension));
    let values = telling.filter_map(|d| Some((d.name().to_owned(), point.get(d.name())?.clone())));
    PointIdentity::of(&values.collect())
}
