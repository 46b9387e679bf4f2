//! How much luck is in a result: the spread of the same point trained again.

use super::{
    Finding, Severity, noise,
    reading::{Reading, point},
    wording::{count, number},
};
use crate::space::PointIdentity;

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
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
                format!(" The trial that was chosen had {}: part of that was luck.", number(original))
            }
            _ => String::new(),
        };
        findings.push(
            Finding::new(
                "TrialVariance",
                Severity::Info,
                "Determining whether to adopt a training pipeline change or hyperparameter configuration",
                format!(
                    "Trained {} with other seeds, the point {key} has a {metric} of {} on average, with a standard \
                     deviation of {}.{luck} Differences between arms that are not larger than this may be luck.",
                    count(repeats.values.len(), "time"),
                    number(mean),
                    number(deviation),
                ),
            )
            .about(repeats.trials.iter().copied())
            .with("mean", mean)
            .with("standard_deviation", deviation)
            .with("n", repeats.values.len() as f64)
            .with("min", repeats.values.iter().copied().fold(f64::INFINITY, f64::min))
            .with("max", repeats.values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
            .with("chosen", original.unwrap_or(f64::NAN)),
        );
    }
}
