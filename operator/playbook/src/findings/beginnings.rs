//! Retrainings that ran longer than a round, as of the round's last step: where the learning rate doesn't depend on the step
//! budget, the beginning of a longer training is a training of the round's budget, and says how far two of those differ.
//!
//! With a decay that ends with the training it is not: at the same step the rate is still high.

use super::{
    noise::Repeats,
    reading::{Reading, RoundTrials},
};
use crate::{
    contract::metrics::LEARNING_RATE,
    record::{Curve, TrialRecord},
    rounds, schedule,
    space::PointIdentity,
    trial::objective_of_curve,
};

/// Learning rates are written with six digits or more.
const SAME_RATE: f64 = 1e-4;

/// The points that were trained again for longer than the round, each with the objective that its retrainings had at the
/// round's last step; empty where such a retraining's beginning is no training of the round's budget, or may be none.
pub(super) fn repeats<'a>(reading: &Reading<'a>, round: &RoundTrials<'a>) -> Vec<Repeats<'a>> {
    if rounds::max_train_steps(reading.plan, rounds::RETRAIN) <= round.steps {
        return Vec::new();
    }
    let begun = reading.retrained.iter().copied().filter(|trial| begins_as_trainings_of(reading, round, trial));
    Repeats::grouped(begun.filter_map(|trial| Some((trial, objective_then(reading, round, trial)?))))
}

/// The objective of a longer training as of the last step of a round; nothing where it wasn't evaluated near that.
fn objective_then(reading: &Reading<'_>, round: &RoundTrials<'_>, trial: &TrialRecord) -> Option<f64> {
    // One that failed later is left out: so would be a shorter one only if it failed by then.
    trial.objective()?;
    let spec = reading.plan.spec();
    let curve = trial.curves.get(&spec.objective.metric)?;
    let (last, _) = curve.get(curve.partition_point(|(step, _)| *step <= round.steps).checked_sub(1)?)?;
    if round.steps - last >= spec.evaluation.every_steps {
        return None;
    }
    objective_of_curve(reading.plan, round.name, curve).map(|(_, value)| value)
}

/// Whether, for the steps of a round, a longer training had the learning rates of a training of that round.
fn begins_as_trainings_of(reading: &Reading<'_>, round: &RoundTrials<'_>, trial: &TrialRecord) -> bool {
    let spec = reading.plan.spec();
    if spec.schedule.is_some() {
        let of = |steps: u64| schedule::of_trial(spec, steps, &trial.hyperparameters);
        let (short, long) = (of(round.steps), of(rounds::max_train_steps(reading.plan, rounds::RETRAIN)));
        return short.zip(long).is_some_and(|(short, long)| schedule::begin_alike(&short, &long, round.steps));
    }
    // The trainer's own schedule is known by the rates that it reported.
    let point = PointIdentity::of(&trial.hyperparameters);
    let Some(long) = trial.curves.get(LEARNING_RATE) else { return false };
    let of_round = round.trials.iter().filter(|t| PointIdentity::of(&t.hyperparameters) == point);
    let mut of_round = of_round.filter_map(|t| t.curves.get(LEARNING_RATE));
    of_round.any(|short| have_same_rates(short, long, round.steps))
}

/// Whether two curves of the learning rate agree where both were reported, into the last quarter of these steps.
fn have_same_rates(short: &Curve, long: &Curve, steps: u64) -> bool {
    let within = short.iter().filter(|(step, _)| *step <= steps);
    let common: Vec<(u64, f64, f64)> = within
        .filter_map(|(step, rate)| {
            let place = long.binary_search_by_key(step, |(s, _)| *s).ok()?;
            Some((*step, *rate, long.get(place)?.1))
        })
        .collect();
    let reaches = common.last().is_some_and(|(step, ..)| 4 * step >= 3 * steps);
    reaches && common.iter().all(|(_, a, b)| (a - b).abs() <= SAME_RATE * a.abs().max(b.abs()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Plan, findings::noise, record::Outcome, studies};

    const TWO_ROUNDS: &str = "
hyperparameters: [{name: learning_rate, range: {min: 1.0e-3, max: 1, scale: Log}}]
rounds:
- {name: explore, trials: 4, maxTrainSteps: 100}
- {name: confirm, maxTrainSteps: 400, from: {round: explore, best: 1}}
retrain: {best: 1, times: 3}
evaluation: {everySteps: 50}
";

    fn plan(schedule: &str) -> Plan {
        studies::plan(&format!("{TWO_ROUNDS}{schedule}"))
    }

    /// A trial whose error is 0.1 less after 100 more steps, with the learning rate as reported.
    fn trial(name: &str, steps: u64, error: f64, rate: impl Fn(u64) -> f64) -> TrialRecord {
        let curve = |value: &dyn Fn(u64) -> f64| (1..=steps / 50).map(|i| (50 * i, value(50 * i))).collect::<Curve>();
        TrialRecord {
            name: name.to_owned(),
            round: name.split('-').nth(1).unwrap_or_default().to_owned(),
            hyperparameters: BTreeMap::from([("learning_rate".to_owned(), 0.1.into())]),
            outcome: Outcome::Succeeded { objective: error - 0.001 * steps as f64, step: Some(steps) },
            curves: BTreeMap::from([
                ("validation_error".to_owned(), curve(&|step| error - 0.001 * step as f64)),
                ("learning_rate".to_owned(), curve(&rate)),
            ]),
            ..TrialRecord::default()
        }
    }

    fn trials(rate: impl Fn(u64, u64) -> f64) -> Vec<TrialRecord> {
        let of = |name: &str, steps: u64, error: f64| trial(name, steps, error, |step| rate(step, steps));
        let again = [0.9, 1.0, 1.1].iter().enumerate().map(|(i, error)| of(&format!("s-retrain-{i:04}"), 400, *error));
        [of("s-explore-0000", 100, 0.9), of("s-confirm-0000", 400, 0.9)].into_iter().chain(again).collect()
    }

    fn noise_of(plan: &Plan, trials: &[TrialRecord]) -> Option<noise::Noise> {
        let reading = Reading::new(plan, trials);
        noise::at_budget_of(&reading, reading.exploring()?)
    }

    #[test]
    fn the_beginning_of_a_longer_training_at_the_same_rates_is_a_shorter_one() {
        let constant = "schedule: {family: Constant, base: learning_rate, warmupFraction: 0.1}\n";
        let found = noise_of(&plan(constant), &trials(|_, _| 0.1)).unwrap();
        assert!(
            (found.deviation - 0.1).abs() < 1e-9 && (found.freedom - 2.0).abs() < 1e-9 && found.of_beginnings,
            "{found:?}"
        );
        // The trainer's own schedule, by the rates that it reports.
        assert!(noise_of(&plan(""), &trials(|step, _| 0.1 / step as f64)).is_some());
    }

    #[test]
    fn where_the_rate_depends_on_the_budget_it_is_not() {
        for family in ["Linear", "Cosine"] {
            let schedule = format!("schedule: {{family: {family}, base: learning_rate}}\n");
            assert_eq!(noise_of(&plan(&schedule), &trials(|_, _| 0.1)), None, "{family}");
        }
        assert_eq!(noise_of(&plan(""), &trials(|step, of| 0.1 * (1.0 - step as f64 / of as f64))), None);
        // Nobody knows.
        let mut unknown = trials(|_, _| 0.1);
        for trial in &mut unknown {
            trial.curves.remove("learning_rate");
        }
        assert_eq!(noise_of(&plan(""), &unknown), None);
        // Not evaluated near the round's last step.
        let mut sparse = trials(|_, _| 0.1);
        for trial in &mut sparse {
            if let Some(curve) = trial.curves.get_mut("validation_error") {
                curve.retain(|(step, _)| *step > 100 || *step <= 50);
            }
        }
        assert_eq!(noise_of(&plan(""), &sparse), None);
    }
}
