//! The smallest overfitting of the best trials that would be reported.

use schemars::JsonSchema;
use serde::Serialize;
use studious_api::study::Direction;
use studious_rules::thresholds::curves::CURVE_VALUES;

use super::{
    super::{curves, power::normal, reading::Reading},
    in_enough, least,
    planted::{self, Landscape},
};
use crate::{
    Plan,
    record::{Curve, Outcome, TrialRecord},
    rounds,
    search::Generator,
    trial::objective_of_curve,
};

/// Climbs that are tried, as shares of the fall before them.
const CLIMBS: [f64; 8] = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0];
/// The standard deviation of the noise of an evaluation, as a share of the fall.
const NOISE: f64 = 0.02;
/// What an evaluation falls by over training, and how fast, as a share of training.
const FALL: f64 = 0.8;
const SPEED: f64 = 0.12;
/// The share of training from which overfitting trials climb.
const CLIMB_FROM: f64 = 0.4;
const STUDIES: usize = 40;
/// So many trials, and so many evaluations of each, show what more of them would: long curves are averaged.
const MOST_TRIALS: usize = 60;
const MOST_EVALUATIONS: u64 = 240;

/// Overfitting of the best trials of the round that the answer is drawn from.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DetectableOverfitting {
    /// The round.
    pub round: String,
    /// Evaluations of each of its trials, by `evaluation.everySteps`.
    pub evaluations: u64,
    /// The fewest evaluations of a curve that is examined.
    pub evaluations_needed: u64,
    /// The climb over the last 60% of training that is reported, as a share of the fall before it, where an evaluation has
    /// noise of 2% of that fall; missing where none of those tried, up to the whole fall, is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub climb: Option<f64>,
}

pub(super) fn detectable(plan: &Plan) -> DetectableOverfitting {
    let spec = plan.spec();
    let round = spec.rounds.last().map_or("", |round| round.name.as_str());
    let evaluations = rounds::max_train_steps(plan, round) / spec.evaluation.every_steps.max(1);
    let needed = spec.count(&CURVE_VALUES) as u64;
    let mut trials = planted::study(plan, |_| 0.0);
    trials.retain(|trial| trial.round == round);
    trials.truncate(MOST_TRIALS);
    let planted = PlantedCurves { plan, round, evaluations: evaluations.min(MOST_EVALUATIONS), trials };
    let climb = || least(&CLIMBS, |climb| in_enough(STUDIES, |study| planted.sees(study, climb)));
    let climb = if evaluations >= needed { climb() } else { None };
    DetectableOverfitting { round: round.to_owned(), evaluations, evaluations_needed: needed, climb }
}

struct PlantedCurves<'a> {
    plan: &'a Plan,
    round: &'a str,
    evaluations: u64,
    trials: Vec<TrialRecord>,
}

impl PlantedCurves<'_> {
    fn sees(&self, study: u64, climb: f64) -> bool {
        let mut generator = Generator::new(study.wrapping_mul(7919).wrapping_add(2));
        let arms = planted::arms(self.plan, &self.trials);
        let landscape = Landscape::draw(self.plan, &arms, &mut generator);
        let objective = &self.plan.spec().objective;
        let mut trials = self.trials.clone();
        for trial in &mut trials {
            let curve = self.curve(landscape.at(&trial.hyperparameters).1, climb, &mut generator);
            if let Some((step, objective)) = objective_of_curve(self.plan, self.round, &curve) {
                trial.outcome = Outcome::Succeeded { objective, step: Some(step) };
            }
            trial.curves.insert(objective.metric.clone(), curve);
        }
        curves::overfits_in_best(&Reading::new(self.plan, &trials))
    }

    fn curve(&self, level: f64, climb: f64, generator: &mut Generator) -> Curve {
        let sign = if self.plan.spec().objective.direction == Direction::Maximize { -1.0 } else { 1.0 };
        let steps = rounds::max_train_steps(self.plan, self.round);
        let curve = (1..=self.evaluations).map(|i| {
            let t = i as f64 / self.evaluations as f64;
            let climbed = climb * ((t - CLIMB_FROM) / (1.0 - CLIMB_FROM)).max(0.0);
            let value = level + FALL * ((-t / SPEED).exp() + climbed + NOISE * normal(generator));
            (steps / self.evaluations * i, sign * value)
        });
        curve.collect()
    }
}
