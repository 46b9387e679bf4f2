//! A study's trials, read for conclusions: by round, by arm, by dimension. Step budgets are never mixed, and the same
//! name under another condition is another dimension.

use studious_api::{
    HyperparameterValue, Hyperparameters,
    study::{Algorithm, Direction, Hyperparameter, Range, Role},
};

use super::wording::number;
use crate::{
    Plan,
    record::{Outcome, TrialRecord},
    rounds::RETRAIN,
    space::{Dimension, Space},
    trial,
};

/// A study and its trials in an order of their own.
pub(crate) struct Reading<'a> {
    pub(crate) plan: &'a Plan,
    /// In the order of the study, those without any trial left out; without `retrain`.
    pub(crate) rounds: Vec<RoundTrials<'a>>,
    /// Trials of the round `retrain`.
    pub(crate) retrained: Vec<&'a TrialRecord>,
}

/// One round.
pub(crate) struct RoundTrials<'a> {
    pub(crate) name: &'a str,
    /// Step budget.
    pub(crate) steps: u64,
    /// Whether its points are fresh draws from the space, not the best of an earlier round.
    pub(crate) explores: bool,
    /// All its trials, whatever became of them.
    pub(crate) trials: Vec<&'a TrialRecord>,
}

/// The trials of a round that share one scientific configuration.
#[derive(Clone)]
pub(crate) struct Arm<'a> {
    /// Scientific hyperparameters with a list of values, and the value of each.
    pub(crate) configuration: Vec<(&'a str, &'a HyperparameterValue)>,
    pub(crate) trials: Vec<&'a TrialRecord>,
}

/// A hyperparameter under its own condition, and its place in the search space.
#[derive(Clone, Copy)]
pub(crate) struct Varied<'a> {
    pub(crate) hyperparameter: &'a Hyperparameter,
    space: &'a Space,
    dimension: &'a Dimension,
}

/// One with a range or a list of numbers: an axis along which trials have a position.
#[derive(Clone, Copy)]
pub(crate) struct Axis<'a> {
    pub(crate) varied: Varied<'a>,
    pub(crate) hyperparameter: &'a Hyperparameter,
    pub(crate) along: Along<'a>,
}

/// What an axis runs along.
#[derive(Clone, Copy)]
pub(crate) enum Along<'a> {
    Range(&'a Range),
    /// At least three numbers, in any order.
    List(&'a [HyperparameterValue]),
}

impl<'a> Reading<'a> {
    pub(crate) fn new(plan: &'a Plan, trials: &'a [TrialRecord]) -> Self {
        let mut sorted: Vec<_> = trials.iter().collect();
        sorted.sort_by(|a, b| a.canonical(b));
        // Trials that ran elsewhere may know no rounds: they belong to the first.
        let first = plan.spec().rounds.first().map_or("", |r| r.name.as_str());
        let of = |name: &str| -> Vec<&'a TrialRecord> {
            sorted.iter().copied().filter(|t| t.round == name || (t.round.is_empty() && name == first)).collect()
        };
        let rounds = plan
            .spec()
            .rounds
            .iter()
            .map(|r| RoundTrials {
                name: &r.name,
                steps: r.max_train_steps,
                explores: r.from.as_ref().is_none_or(|f| f.shrink_to_best.is_some()),
                trials: of(&r.name),
            })
            .filter(|r| !r.trials.is_empty())
            .collect();
        Self { plan, rounds, retrained: of(RETRAIN) }
    }

    pub(crate) fn direction(&self) -> Direction {
        self.plan.spec().objective.direction
    }

    /// Whether points depend on earlier results, so that parts of the space may be left unexplored (requirement R-146).
    pub(crate) fn is_adaptive(&self) -> bool {
        self.plan.spec().search.algorithm == Algorithm::Bayesian
    }

    /// The exploring round with the most results: the one to judge the search space by. The later of two equals.
    pub(crate) fn exploring(&self) -> Option<&RoundTrials<'a>> {
        self.rounds.iter().filter(|r| r.explores && r.results().next().is_some()).max_by_key(|r| r.results().count())
    }

    /// The last round with a result that satisfies the study's constraints, or else the last with a result: the one whose
    /// trials the study's answer is drawn from.
    pub(crate) fn concluding(&self) -> Option<&RoundTrials<'a>> {
        let trials = self.rounds.iter().flat_map(|round| round.trials.iter().copied());
        let name = trial::concluding_round(self.plan.spec(), trials)?;
        self.rounds.iter().find(|round| round.name == name)
    }

    /// Whether a trial that succeeded satisfies the study's constraints, for certain.
    pub(crate) fn satisfies(&self, trial: &TrialRecord) -> bool {
        trial::satisfies(self.plan.spec(), trial)
    }

    /// All hyperparameters in the order of the study: dimensions of the space are in the same order.
    pub(crate) fn varied(&self) -> impl Iterator<Item = Varied<'a>> + use<'a> {
        let space = self.plan.space();
        let pairs = self.plan.spec().hyperparameters.iter().zip(space.dimensions());
        pairs.map(move |(hyperparameter, dimension)| Varied { hyperparameter, space, dimension })
    }

    /// Hyperparameters with a range or a list of at least three numbers, in the order of the study. Scientific lists are
    /// no axes: their values are arms.
    pub(crate) fn axes(&self) -> impl Iterator<Item = Axis<'a>> + use<'a> {
        self.varied().filter_map(Varied::axis)
    }

    /// The arms of a round, in the order of the scientific values. One arm with an empty configuration if no scientific
    /// hyperparameter has a list of values.
    pub(crate) fn arms(&self, round: &RoundTrials<'a>) -> Vec<Arm<'a>> {
        let scientific: Vec<_> = self
            .varied()
            .filter(|v| v.hyperparameter.role == Role::Scientific)
            .filter_map(|v| Some((v, v.hyperparameter.values.as_ref()?)))
            .collect();
        let mut arms: Vec<(Vec<usize>, Arm<'a>)> = Vec::new();
        for trial in round.trials.iter().copied() {
            let mut order = Vec::new();
            let mut configuration = Vec::new();
            for (varied, values) in &scientific {
                let value = varied.value(trial);
                order.push(value.map_or(0, |v| 1 + values.iter().position(|o| o == v).unwrap_or(values.len())));
                if let Some(value) = value {
                    configuration.push((varied.hyperparameter.name.as_str(), value));
                }
            }
            match arms.iter_mut().find(|(_, arm)| arm.configuration == configuration) {
                Some((_, arm)) => arm.trials.push(trial),
                None => arms.push((order, Arm { configuration, trials: vec![trial] })),
            }
        }
        arms.sort_by(|a, b| a.0.cmp(&b.0));
        arms.into_iter().map(|(_, arm)| arm).collect()
    }

    /// Trials that succeeded, the best first; those that satisfy the study's constraints before all others.
    pub(crate) fn ranked(&self, trials: &[&'a TrialRecord]) -> Vec<(&'a TrialRecord, f64)> {
        let ranked = trial::ranked(self.plan.spec(), trials.iter().copied());
        ranked.into_iter().filter_map(|trial| Some((trial, trial.objective()?))).collect()
    }

    /// Objectives of trials that succeeded and, where some satisfy the constraints, of those only; the best first.
    pub(crate) fn objectives(&self, trials: &[&'a TrialRecord]) -> Vec<f64> {
        let ranked = self.ranked(trials);
        let some_satisfy = ranked.first().is_some_and(|(t, _)| self.satisfies(t));
        ranked.into_iter().filter(|(t, _)| !some_satisfy || self.satisfies(t)).map(|(_, o)| o).collect()
    }
}

impl<'a> RoundTrials<'a> {
    /// Whether some of its trials are still to come.
    pub(crate) fn goes_on(&self) -> bool {
        self.trials.iter().any(|trial| trial.outcome == Outcome::Pending)
    }

    /// Trials with an objective.
    pub(crate) fn succeeded(&self) -> impl Iterator<Item = &'a TrialRecord> {
        self.trials.iter().copied().filter(|t| t.objective().is_some())
    }

    /// Trials with an objective and infeasible ones.
    pub(crate) fn results(&self) -> impl Iterator<Item = &'a TrialRecord> {
        self.trials.iter().copied().filter(|t| t.is_result())
    }
}

impl Arm<'_> {
    /// Whether a trial of any round has the scientific values of this arm.
    pub(crate) fn holds(&self, trial: &TrialRecord) -> bool {
        self.configuration.iter().all(|(name, value)| trial.hyperparameters.get(*name) == Some(*value))
    }

    /// `optimizer = sgd`, or nothing if there is but one arm.
    pub(crate) fn label(&self) -> String {
        self.configuration.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
    }

    /// The values alone: `sgd`.
    pub(crate) fn short_label(&self) -> String {
        self.configuration.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(", ")
    }
}

impl<'a> Varied<'a> {
    /// A trial's value, if the hyperparameter is active in it, by this condition.
    pub(crate) fn value<'t>(&self, trial: &'t TrialRecord) -> Option<&'t HyperparameterValue> {
        // Most have no condition, and there are many trials.
        let is_active = self.dimension.condition().is_empty()
            || self.space.active(&trial.hyperparameters).iter().any(|d| std::ptr::eq(*d, self.dimension));
        is_active.then(|| trial.hyperparameters.get(&self.hyperparameter.name))?
    }

    /// The place of a value in the unit interval, in the scale of the search.
    pub(crate) fn unit_of(&self, value: &HyperparameterValue) -> Option<f64> {
        self.dimension.to_unit(value)
    }

    /// Its dimension of the search space.
    pub(crate) fn dimension(&self) -> &'a Dimension {
        self.dimension
    }

    /// The number at a place of the unit interval.
    pub(crate) fn number_at(&self, place: f64) -> Option<f64> {
        self.dimension.value_at(place).as_f64()
    }

    /// As an axis, if it has a range or a list of numbers.
    pub(crate) fn axis(self) -> Option<Axis<'a>> {
        let hyperparameter = self.hyperparameter;
        let along = match (&hyperparameter.range, &hyperparameter.values) {
            (Some(range), _) => Along::Range(range),
            (None, Some(values)) if hyperparameter.role != Role::Scientific && are_numbers(values) => {
                Along::List(values)
            }
            _ => return None,
        };
        Some(Axis { varied: self, hyperparameter, along })
    }
}

fn are_numbers(values: &[HyperparameterValue]) -> bool {
    let number = |v: &HyperparameterValue| {
        matches!(v, HyperparameterValue::Integer(_) | HyperparameterValue::Number(_)) && v.as_f64().is_some()
    };
    values.len() >= 3 && values.iter().all(number)
}

impl Axis<'_> {
    /// Where a trial lies, 0 at `min` and 1 at `max` in the scale of the search, or evenly along the sorted list; nothing
    /// if the hyperparameter is not active in the trial, by this condition, or lies outside the range or list.
    pub(crate) fn position(&self, trial: &TrialRecord) -> Option<f64> {
        let value = self.varied.value(trial)?;
        let place = self.varied.dimension.to_unit(value)?;
        match self.along {
            Along::Range(_) => Some(place),
            Along::List(values) => {
                let x = value.as_f64()?;
                let smaller = values.iter().filter(|v| v.as_f64().is_some_and(|v| v < x)).count();
                Some(smaller as f64 / (values.len() - 1) as f64)
            }
        }
    }

    /// Smallest and largest value.
    pub(crate) fn ends(&self) -> (f64, f64) {
        match self.along {
            Along::Range(range) => (range.min, range.max),
            Along::List(values) => {
                let numbers = || values.iter().filter_map(HyperparameterValue::as_f64);
                (numbers().fold(f64::INFINITY, f64::min), numbers().fold(f64::NEG_INFINITY, f64::max))
            }
        }
    }

    /// The trial's value, if the hyperparameter is active in it.
    pub(crate) fn value(&self, trial: &TrialRecord) -> Option<f64> {
        self.varied.value(trial)?.as_f64().filter(|x| x.is_finite())
    }

    pub(crate) fn name(&self) -> &str {
        &self.hyperparameter.name
    }
}

/// `learning_rate = 0.01, width = 64`, as people read it.
pub(crate) fn point(hyperparameters: &Hyperparameters) -> String {
    let shown = |value: &HyperparameterValue| value.as_f64().map_or_else(|| value.to_string(), number);
    hyperparameters.iter().map(|(name, value)| format!("{name} = {}", shown(value))).collect::<Vec<_>>().join(", ")
}
