//! Judging the trials there are by another objective. Points of a search that doesn't look at results stay evenly spread
//! whatever is asked of them afterwards, so conclusions may be drawn anew without training anything again (Deep Learning
//! Tuning Playbook, *Why use quasi-random search instead of more sophisticated black box optimization algorithms during the
//! exploration phase of tuning?*).

use std::{cmp::Ordering, collections::BTreeSet, fmt, str::FromStr};

use studious_api::{
    study::{Algorithm, Direction, Objective, Select},
    validate::Violation,
};

use crate::{
    Plan,
    contract::metrics::{TRAIN_ERROR, TRAIN_LOSS, on_training_set},
    record::{Outcome, TrialRecord},
    trial::{self, Reason},
};

/// By what trials are judged: as text `METRIC`, then `:min` or `:max`, then `:best` or `:final`. What is left out is the
/// study's own; another metric than the study's is better when smaller, unless it says `:max`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct By {
    metric: Option<String>,
    direction: Option<Direction>,
    select: Option<Select>,
}

impl FromStr for By {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut by = Self::default();
        for (place, part) in text.split(':').enumerate() {
            match part {
                "min" => by.direction = Some(Direction::Minimize),
                "max" => by.direction = Some(Direction::Maximize),
                "best" => by.select = Some(Select::Best),
                "final" => by.select = Some(Select::Final),
                "" => {
                    return Err(format!(
                        "'{text}' has an empty part: give METRIC, METRIC:max, final or METRIC:min:final"
                    ));
                }
                metric if place == 0 => by.metric = Some(metric.to_owned()),
                other => {
                    return Err(format!("unknown suffix `{other}` in `{text}`; expected min, max, best or final"));
                }
            }
        }
        Ok(by)
    }
}

impl By {
    /// The objective that is meant, in a study that has one of its own.
    #[must_use]
    pub fn objective(&self, own: &Objective) -> Objective {
        let other = self.metric.as_ref().filter(|metric| **metric != own.metric);
        Objective {
            metric: other.unwrap_or(&own.metric).clone(),
            direction: self.direction.unwrap_or(if other.is_some() { Direction::Minimize } else { own.direction }),
            select: self.select.unwrap_or(own.select),
            // What chance gives is known of the study's own metric.
            chance: own.chance.filter(|_| other.is_none()),
        }
    }
}

/// Why trials can't be judged so.
#[derive(Debug, thiserror::Error)]
pub enum RejudgeError {
    /// The study would not be valid with this objective.
    #[error("the study can't be judged so: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Violation>),
    /// No trial measured it.
    #[error("no trial measured '{metric}'. {}", if known.is_empty() {
        "There are no curves: they are in the folder of a local run, or with the operator".to_owned()
    } else {
        format!("Measured were {}", known.join(", "))
    })]
    NotMeasured {
        /// What was asked for.
        metric: String,
        /// What there is.
        known: Vec<String>,
    },
}

/// The study with another objective, and its trials judged by it: every conclusion and every plot may be drawn from
/// them. A trial that succeeded without measuring the metric counts as failed, for it has no objective.
///
/// # Errors
/// When no trial measured the metric, or it may not be an objective, as a metric of the test set may not.
pub fn rejudge(plan: &Plan, records: &[TrialRecord], by: &By) -> Result<(Plan, Vec<TrialRecord>), RejudgeError> {
    let own = &plan.spec().objective;
    let objective = by.objective(own);
    if objective == *own {
        return Ok((plan.clone(), records.to_vec()));
    }
    let mut spec = plan.spec().clone();
    // What was a bound is what is sought now.
    spec.constraints.retain(|constraint| constraint.metric != objective.metric);
    spec.objective = objective.clone();
    let plan = Plan::new(plan.name(), &spec).map_err(RejudgeError::Refused)?;
    let measured = |record: &TrialRecord| record.curves.get(&objective.metric).is_some_and(|curve| !curve.is_empty());
    if !records.iter().any(measured) {
        let known: BTreeSet<&String> = records.iter().flat_map(|record| record.curves.keys()).collect();
        return Err(RejudgeError::NotMeasured {
            metric: objective.metric,
            known: known.into_iter().cloned().collect(),
        });
    }
    let judged: Vec<_> =
        records.iter().map(|record| TrialRecord { outcome: outcome(record, &plan), ..record.clone() }).collect();
    Ok((plan, judged))
}

/// What a trial comes to by the objective of `plan`.
fn outcome(record: &TrialRecord, plan: &Plan) -> Outcome {
    if !matches!(record.outcome, Outcome::Succeeded { .. }) {
        return record.outcome.clone();
    }
    let curve = record.curves.get(&plan.spec().objective.metric).map(Vec::as_slice).unwrap_or_default();
    trial::objective_of_curve(plan, &record.round, curve).map_or_else(
        || Outcome::Failed { reason: Reason::NoObjective },
        |(step, objective)| Outcome::Succeeded { objective, step: Some(step) },
    )
}

/// Why what is concluded by another objective is less sure, if it is: where trials were chosen or ended by results.
#[must_use]
pub fn reservation(plan: &Plan) -> Option<String> {
    let spec = plan.spec();
    let metric = &spec.objective.metric;
    let search = &spec.search;
    if search.algorithm == Algorithm::Bayesian {
        Some(format!("points were chosen to improve {metric}, so another objective was looked for less evenly"))
    } else if search.early_ending.is_some() {
        Some(format!("trials were ended early by their {metric}, and might have done well by another objective"))
    } else if spec.rounds.iter().any(|round| round.from.is_some()) {
        Some(format!("later rounds took the best points by {metric}, and another objective might have taken others"))
    } else {
        None
    }
}

/// How far two orders of the same things agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Kendall's rank correlation with ties counted (tau-b): 1 the same order, 0 none in common, −1 the reverse.
    pub tau: f64,
    /// Things that have a place in both.
    pub n: usize,
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tau, n } = self;
        write!(f, "rank correlation {tau:.2} over {n} trials (Kendall: 1 the same order, 0 none in common)")
    }
}

/// An objective by which a study may be judged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectiveChoice {
    /// As [`By`] reads it; empty for the study's own.
    pub by: String,
    /// In words: `validation_error, final`.
    pub label: String,
}

/// By what a study may be judged, of what its trials measured and conclusions are drawn from: its own objective, best and
/// final, the loss and the error of the training set, and what its constraints bound.
#[must_use]
pub fn choices(plan: &Plan, records: &[TrialRecord]) -> Vec<ObjectiveChoice> {
    let spec = plan.spec();
    let own = &spec.objective;
    let bounded = spec.constraints.iter().map(|constraint| {
        (constraint.metric.clone(), if constraint.min.is_some() { Direction::Maximize } else { Direction::Minimize })
    });
    let of_training = [(TRAIN_ERROR.to_owned(), Direction::Minimize), (TRAIN_LOSS.to_owned(), Direction::Minimize)];
    let same = on_training_set(&own.metric).map(|metric| (metric, own.direction));
    let mut metrics = vec![(own.metric.clone(), own.direction)];
    for (metric, direction) in same.into_iter().chain(of_training).chain(bounded) {
        let is_measured = || records.iter().any(|record| record.curves.get(&metric).is_some_and(|c| !c.is_empty()));
        if metrics.iter().all(|(known, _)| *known != metric) && is_measured() {
            metrics.push((metric, direction));
        }
    }
    let choice = |(metric, direction): &(String, Direction), select: Select| {
        let is_own = *metric == own.metric;
        let which = if select == Select::Best { "best" } else { "final" };
        let sought = if *direction == Direction::Maximize { "max" } else { "min" };
        ObjectiveChoice {
            by: if is_own && select == own.select { String::new() } else { format!("{metric}:{sought}:{which}") },
            label: format!("{metric}, {which}"),
        }
    };
    let mut choices: Vec<ObjectiveChoice> =
        metrics.iter().flat_map(|metric| [Select::Best, Select::Final].map(|select| choice(metric, select))).collect();
    // Stable: the study's own comes first.
    choices.sort_by_key(|choice| !choice.by.is_empty());
    choices
}

/// How far two lists of numbers order the same things alike (Kendall 1945). Nothing when either is of one value only.
#[must_use]
pub fn agreement(pairs: &[(f64, f64)]) -> Option<Agreement> {
    let (mut together, mut apart, mut ties_a, mut ties_b) = (0_u64, 0_u64, 0_u64, 0_u64);
    for (i, (a, b)) in pairs.iter().enumerate() {
        for (other_a, other_b) in &pairs[i + 1..] {
            match (a.total_cmp(other_a), b.total_cmp(other_b)) {
                (Ordering::Equal, Ordering::Equal) => {}
                (Ordering::Equal, _) => ties_a += 1,
                (_, Ordering::Equal) => ties_b += 1,
                (x, y) if x == y => together += 1,
                _ => apart += 1,
            }
        }
    }
    // Counts of pairs: far below 2⁵³.
    #[allow(clippy::cast_precision_loss)]
    let [together, apart, ties_a, ties_b] = [together, apart, ties_a, ties_b].map(|n| n as f64);
    let scale = ((together + apart + ties_a) * (together + apart + ties_b)).sqrt();
    (scale > 0.0).then(|| Agreement { tau: (together - apart) / scale, n: pairs.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::studies;

    fn by(text: &str) -> By {
        text.parse().unwrap()
    }

    fn trial(name: &str, outcome: Outcome, curves: &[(&str, &[(u64, f64)])]) -> TrialRecord {
        let curves = curves.iter().map(|(metric, curve)| ((*metric).to_owned(), curve.to_vec())).collect();
        TrialRecord { name: name.to_owned(), outcome, curves, ..TrialRecord::default() }
    }

    fn trials() -> Vec<TrialRecord> {
        let succeeded = |objective, step| Outcome::Succeeded { objective, step: Some(step) };
        vec![
            trial(
                "a",
                succeeded(0.1, 50),
                &[("validation_error", &[(50, 0.1), (100, 0.3)]), ("accuracy", &[(100, 0.7)])],
            ),
            trial(
                "b",
                succeeded(0.2, 100),
                &[("validation_error", &[(50, 0.4), (100, 0.2)]), ("accuracy", &[(100, 0.8)])],
            ),
            trial("c", Outcome::Infeasible { reason: "Diverged".into() }, &[("accuracy", &[(50, 0.9)])]),
            trial("d", succeeded(0.5, 100), &[("validation_error", &[(100, 0.5)])]),
        ]
    }

    #[test]
    fn a_study_may_be_judged_by_what_was_measured() {
        let plan = studies::plan(&format!(
            "{}constraints: [{{metric: accuracy, min: 0.5}}, {{metric: latency, max: 9}}]\n",
            studies::ONE_DIMENSION
        ));
        let mut records = trials();
        records[0].curves.insert("train_error".to_owned(), vec![(50, 0.1)]);
        let choices = choices(&plan, &records);
        let asked: Vec<&str> = choices.iter().map(|choice| choice.by.as_str()).collect();
        let expected = [
            "",
            "validation_error:min:final",
            "train_error:min:best",
            "train_error:min:final",
            "accuracy:max:best",
            "accuracy:max:final",
        ];
        assert_eq!(asked, expected);
        assert_eq!(
            (choices[0].label.as_str(), choices[1].label.as_str()),
            ("validation_error, best", "validation_error, final")
        );
        // What is offered can be asked for.
        for choice in choices.iter().filter(|choice| !choice.by.is_empty()) {
            let (judged, _) = rejudge(&plan, &records, &by(&choice.by)).unwrap();
            assert!(choice.by.starts_with(&judged.spec().objective.metric));
        }
    }

    #[test]
    fn an_objective_is_written_short() {
        let plan = studies::plan(studies::DIGITS);
        let own = &plan.spec().objective;
        assert_eq!(by("final").objective(own), Objective { select: Select::Final, ..own.clone() });
        assert_eq!(by("validation_error").objective(own), own.clone());
        let other = by("accuracy:max:final").objective(own);
        assert_eq!((other.direction, other.select), (Direction::Maximize, Select::Final));
        assert_eq!(by("train_loss").objective(own).direction, Direction::Minimize);
        for wrong in ["", "a:b", "a::max", "a:max:late"] {
            assert!(wrong.parse::<By>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn trials_are_judged_anew_from_their_curves() {
        let plan = studies::plan(studies::DIGITS);
        let objectives = |text: &str| {
            let (plan, judged) = rejudge(&plan, &trials(), &by(text)).unwrap();
            (plan.spec().objective.clone(), judged.iter().map(TrialRecord::objective).collect::<Vec<_>>())
        };
        assert_eq!(objectives("best").1, [Some(0.1), Some(0.2), None, Some(0.5)]);
        assert_eq!(objectives("final").1, [Some(0.3), Some(0.2), None, Some(0.5)]);
        let (objective, accuracy) = objectives("accuracy:max");
        assert_eq!((objective.metric.as_str(), objective.direction), ("accuracy", Direction::Maximize));
        // What is infeasible stays so; what was never measured is no result.
        assert_eq!(accuracy, [Some(0.7), Some(0.8), None, None]);
    }

    /// The objective that a running trial has, it has afterwards.
    #[test]
    fn evaluations_beyond_the_budget_count_neither_now_nor_later() {
        let plan = studies::plan(studies::DIGITS);
        let curve: &[(u64, f64)] = &[(400, 0.2), (500, 0.3), (501, 0.1)];
        let mut record =
            trial("a", Outcome::Succeeded { objective: 0.2, step: Some(400) }, &[("validation_error", curve)]);
        record.round = "explore".to_owned();
        let (_, judged) = rejudge(&plan, &[record], &by("final")).unwrap();
        assert_eq!(judged[0].outcome, Outcome::Succeeded { objective: 0.3, step: Some(500) });
    }

    #[test]
    fn what_was_not_measured_or_may_not_be_sought_is_said() {
        let plan = studies::plan(studies::DIGITS);
        let wrong = |text: &str| rejudge(&plan, &trials(), &by(text)).unwrap_err().to_string();
        assert_eq!(wrong("latency_ms"), "no trial measured 'latency_ms'. Measured were accuracy, validation_error");
        assert!(wrong("test_error").contains("test set"), "{}", wrong("test_error"));
    }

    #[test]
    fn orders_agree_as_kendall_says() {
        let tau = |pairs: &[(f64, f64)]| agreement(pairs).map(|agreement| agreement.tau);
        assert_eq!(tau(&[(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]), Some(1.0));
        assert_eq!(tau(&[(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]), Some(-1.0));
        assert_eq!(tau(&[(1.0, 1.0), (2.0, 1.0)]), None);
        // scipy.stats.kendalltau([12, 2, 1, 12, 2], [1, 4, 7, 1, 0]).
        let known = tau(&[(12.0, 1.0), (2.0, 4.0), (1.0, 7.0), (12.0, 1.0), (2.0, 0.0)]).unwrap();
        assert!((known + 0.471_404_520_791_031_7).abs() < 1e-12, "{known}");
    }

    #[test]
    fn a_search_that_looked_at_results_is_less_sure_by_another_objective() {
        assert!(reservation(&studies::plan(studies::DIGITS)).unwrap().contains("later rounds"));
    }
}
