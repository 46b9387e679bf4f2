//! Whether enough of the search space was sampled.

use super::{
    Finding, Severity, noise,
    reading::Reading,
    wording::{count, list, number},
};
use crate::rounds;

/// Fewer good trials than this in an arm, and another good region may have been missed (requirement R-073; ours).
const FEWEST_GOOD: usize = 3;
/// Good is within so many standard deviations of the best.
const WITHIN: f64 = 2.0;

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.exploring() else { return };
    // Retraining has the last round's step budget: its luck is not that of shorter trainings.
    let comparable = round.steps == rounds::max_train_steps(reading.plan, rounds::RETRAIN);
    let known = noise::between_trials(reading).filter(|_| comparable);
    let metric = &reading.plan.spec().objective.metric;
    let mut poor = Vec::new();
    for arm in reading.arms(round) {
        let ranked = reading.ranked(&arm.trials);
        let Some((best, objective)) = ranked.first().copied() else { continue };
        let late = || best.curves.get(metric).and_then(noise::between_evaluations);
        let Some(deviation) = known.or_else(late).filter(|d| *d > 0.0) else { continue };
        let good = ranked.iter().filter(|(_, o)| (o - objective).abs() <= WITHIN * deviation).count();
        if good < FEWEST_GOOD {
            poor.push((arm, ranked, good, deviation));
        }
    }
    let Some((_, _, fewest, deviation)) = poor.iter().min_by_key(|p| p.2) else { return };
    let labels: Vec<_> = poor.iter().map(|(arm, ..)| arm.label()).filter(|l| !l.is_empty()).collect();
    let with = if labels.is_empty() { String::new() } else { format!(" with {}", list(&labels)) };
    let (by, severity) = if known.is_some() {
        ("the luck of a retraining", Severity::Warning)
    } else {
        ("the noise of late evaluations, for want of retrainings", Severity::Info)
    };
    let each = if poor.len() > 1 { "As few as" } else { "Only" };
    let mut finding = Finding::new(
        "Undersampled",
        severity,
        "Not sampling enough points in the search space",
        format!(
            "{each} {} came within {} of the best{with} (twice {by}). Where good points are this rare, better ones may \
             have been missed: run more trials if you can afford them. How many are enough is a matter of judgement.",
            count(*fewest, "trial"),
            number(WITHIN * deviation),
        ),
    )
    .about(poor.iter().flat_map(|(_, ranked, good, _)| ranked.iter().take(*good).map(|(t, _)| *t)))
    .with("good_trials", *fewest as f64)
    .with("within", WITHIN * deviation)
    .with("standard_deviation", *deviation)
    .with("standard_deviation_from_retraining", f64::from(u8::from(known.is_some())));
    for (arm, ranked, good, _) in &poor {
        if !arm.configuration.is_empty() {
            finding = finding
                .with(format!("good_trials[{}]", arm.label()), *good as f64)
                .with(format!("trials[{}]", arm.label()), ranked.len() as f64);
        }
    }
    findings.push(finding);
}
