//! How much noise is in a result: the spread of the same point trained again.

use studious_rules::search::{STALE_VARIANCE, TRIAL_VARIANCE};

use super::{
    Finding, Severity, noise,
    reading::{Reading, point},
    wording::{count, number},
};
use crate::{
    record::{Outcome, TrialRecord},
    space::PointIdentity,
};

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    findings.extend(stale(reading));
    let metric = &reading.plan.spec().objective.metric;
    for repeats in noise::repeats(reading) {
        let Some(deviation) = repeats.standard_deviation() else { continue };
        let Some(first) = repeats.trials.first() else { continue };
        let mean = repeats.mean();
        let key = point(&first.hyperparameters);
        let identity = PointIdentity::of(&first.hyperparameters);
        let original = reading.rounds.last().and_then(|r| {
            r.trials.iter().filter(|t| PointIdentity::of(&t.hyperparameters) == identity).find_map(|t| t.objective())
        });
        let luck = match original {
            Some(original) if reading.direction().better(original, mean) && (original - mean).abs() > deviation => {
                format!(" The trial that was chosen had {}: part of that was noise.", number(original))
            }
            _ => String::new(),
        };
        // What trains with one seed and not with another has no average.
        let failed = reading.retrained.iter().filter(|t| {
            matches!(t.outcome, Outcome::Infeasible { .. }) && PointIdentity::of(&t.hyperparameters) == identity
        });
        let failed = failed.count();
        let (severity, edge) = if failed == 0 {
            (Severity::Info, String::new())
        } else {
            let all = count(repeats.values.len() + failed, "training");
            let edge = format!(
                " {failed} of {all} with other seeds could not be trained at all: the point lies at the edge of what can be. \
                 Don't adopt it; take one that trains whatever the seed."
            );
            (Severity::Warning, edge)
        };
        findings.push(
            Finding::new(
                &TRIAL_VARIANCE,
                format!(
                    "Trained {} with other seeds, the point {key} has a {metric} of {} on average, with a standard \
                     deviation of {}.{luck}{edge} Differences between arms that are not larger than this may be noise.",
                    count(repeats.values.len(), "time"),
                    number(mean),
                    number(deviation),
                ),
            )
            .graded(severity)
            .about(repeats.trials.iter().copied())
            .with("mean", mean)
            .with("standard_deviation", deviation)
            .with("n", repeats.values.len() as f64)
            .with("infeasible", failed as f64)
            .with("min", repeats.values.iter().copied().fold(f64::INFINITY, f64::min))
            .with("max", repeats.values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
            .with("chosen", original.unwrap_or(f64::NAN)),
        );
    }
}

/// What a study holds of the pipeline is its points and step budgets: retraining of another point than the best, or of
/// another budget than the answer's, says little of the noise in the answer (requirement R-089). That the trainer itself
/// changed can't be seen from here.
fn stale(reading: &Reading<'_>) -> Option<Finding> {
    let round = reading.concluding()?;
    let (best, _) = reading.ranked(&round.trials).into_iter().next()?;
    let retrained: Vec<_> = reading.retrained.iter().copied().filter(|t| t.objective().is_some()).collect();
    let first = retrained.first()?;
    let identity = PointIdentity::of(&best.hyperparameters);
    let other_point = !retrained.iter().any(|t| PointIdentity::of(&t.hyperparameters) == identity);
    let metric = &reading.plan.spec().objective.metric;
    let last = |t: &TrialRecord| t.curves.get(metric).and_then(|curve| curve.last()).map(|(step, _)| *step);
    let steps = retrained.iter().filter_map(|t| last(t)).max();
    // The last evaluation may fall one interval short.
    let interval = reading.plan.spec().evaluation.every_steps;
    let other_steps = steps.is_some_and(|s| s.abs_diff(round.steps) > interval);
    let why = match (other_point, steps.filter(|_| other_steps)) {
        (_, Some(steps)) => format!("trained for {steps} steps, the answer's trials for {}", round.steps),
        (true, None) => format!("of the point {}, which is not the best", point(&first.hyperparameters)),
        (false, None) => return None,
    };
    Some(
        Finding::new(
            &STALE_VARIANCE,
            format!(
                "The retrained trials were {why}. The noise of the answer is unknown: train the best point again \
                 with other seeds."
            ),
        )
        .about(retrained.iter().copied())
        .with("retrained_steps", steps.map_or(f64::NAN, |s| s as f64))
        .with("max_train_steps", round.steps as f64)
        .with("retrained", retrained.len() as f64),
    )
}
