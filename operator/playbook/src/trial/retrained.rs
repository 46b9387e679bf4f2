//! What retraining showed of a point.

use std::fmt;

use studious_api::{
    Hyperparameters, StudySpec,
    study::{BestTrial, RetrainedBest},
};

use super::{Ranked, TrialState};
use crate::{Plan, numbers::number, rounds::RETRAIN, space::PointIdentity};

/// The objectives of one point that was trained again with other seeds (Deep Learning Tuning Playbook, *Understanding trial
/// variance*). It is shown wherever the best trial is, since that one was chosen for its noise as well as its merit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retrained {
    /// Mean of the objectives.
    pub mean: f64,
    /// Their standard deviation with n − 1; `None` of a single one.
    pub standard_deviation: Option<f64>,
    /// Retrainings that succeeded.
    pub n: u32,
    /// Retrainings that ended in another way.
    pub others: u32,
}

/// What retraining showed of a point; `None` before a retraining of it has succeeded.
#[must_use]
pub fn retrained<'a, T: Ranked + 'a>(
    spec: &StudySpec,
    point: &Hyperparameters,
    trials: impl IntoIterator<Item = (&'a T, &'a Hyperparameters)>,
) -> Option<Retrained> {
    spec.retrain.as_ref()?;
    let point = PointIdentity::of(point);
    let (mut values, mut others) = (Vec::new(), 0);
    for (trial, own) in trials {
        if trial.round() != RETRAIN || PointIdentity::of(own) != point {
            continue;
        }
        match trial.objective() {
            Some(value) => values.push(value),
            None => others += u32::from(trial.phase().has_ended()),
        }
    }
    Retrained::of(&values, others)
}

/// The best trial of a study as its status names it, with what retraining showed of its point.
#[must_use]
pub fn best_trial<'a>(plan: &Plan, trials: impl IntoIterator<Item = &'a TrialState> + Clone) -> Option<BestTrial> {
    let best = super::best(plan.spec(), trials.clone())?;
    let again = trials.into_iter().map(|trial| (trial, &trial.hyperparameters));
    let again = retrained(plan.spec(), &best.hyperparameters, again);
    Some(BestTrial {
        trial: plan.trial_name(&best.key),
        objective: best.objective?,
        step: best.step.unwrap_or_default(),
        hyperparameters: best.hyperparameters.clone(),
        metrics: best.metrics.clone(),
        retrained: again.map(|again| RetrainedBest {
            mean: again.mean,
            standard_deviation: again.standard_deviation,
            trials: again.n,
            summary: again.to_string(),
        }),
    })
}

impl Retrained {
    /// From the objectives of the retrainings that succeeded.
    #[must_use]
    pub fn of(values: &[f64], others: u32) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let standard_deviation = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        Some(Self { mean, standard_deviation, n: u32::try_from(values.len()).unwrap_or(u32::MAX), others })
    }
}

impl fmt::Display for Retrained {
    /// `0.1 ± 0.03 (5 retrainings)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", number(self.mean))?;
        if let Some(deviation) = self.standard_deviation {
            write!(f, " ± {}", number(deviation))?;
        }
        let plural = if self.n == 1 { "" } else { "s" };
        write!(f, " ({} retraining{plural}", self.n)?;
        if self.others > 0 {
            write!(f, ", {} more did not succeed", self.others)?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_of_the_five_seeds_of_a_point() {
        let of = Retrained::of(&[0.06, 0.08, 0.1, 0.12, 0.14], 0).unwrap();
        assert_eq!(of.to_string(), "0.1 ± 0.03162 (5 retrainings)");
        assert_eq!(Retrained::of(&[0.25], 1).unwrap().to_string(), "0.25 (1 retraining, 1 more did not succeed)");
        assert_eq!(Retrained::of(&[], 3), None);
    }
}
