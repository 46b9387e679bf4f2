//! Where in training the best evaluation falls: whether the step budget fits.

use super::{
    Finding, Severity,
    reading::Reading,
    wording::{count, number, percent},
};
use crate::record::TrialRecord;

/// Always in the first tenth: far too many steps. Playbook's number.
const EARLY: f64 = 0.10;
/// Consistently in the last quarter: too few. Playbook's number.
const LATE: f64 = 0.25;
/// Consistently is this share of the trials (ours).
const CONSISTENTLY: f64 = 0.8;
/// Fewer trials or evaluations say nothing. If the best step fell anywhere by chance, at most 1.6% of studies of five
/// trials would raise either finding, and fewer of larger ones.
const FEWEST: usize = 5;

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let placed: Vec<_> = round.succeeded().filter_map(|t| Some((t, share(reading, t, round.steps)?))).collect();
    if placed.len() < FEWEST {
        return;
    }
    let section = "Deciding how long to train when training is not compute-bound";
    let late = placed.iter().filter(|(_, share)| *share > 1.0 - LATE).count();
    let mut shares: Vec<_> = placed.iter().map(|(_, share)| *share).collect();
    shares.sort_by(f64::total_cmp);
    let evidence = |finding: Finding| {
        finding
            .with("trials", placed.len() as f64)
            .with("max_train_steps", round.steps as f64)
            .with("median_best_step", shares[shares.len() / 2] * round.steps as f64)
            .with("largest_best_step", shares[shares.len() - 1] * round.steps as f64)
    };
    if placed.iter().all(|(_, share)| *share <= EARLY) {
        let enough = (shares[shares.len() - 1] * round.steps as f64).ceil();
        findings.push(evidence(
            Finding::new(
                "TooManySteps",
                Severity::Warning,
                section,
                format!(
                    "Every one of {} of round {} was at its best within the first {} of its {} steps. maxTrainSteps is \
                     far too large: about {} would do, with a schedule that decays by then.",
                    count(placed.len(), "trial"),
                    round.name,
                    percent(EARLY),
                    round.steps,
                    number(2.0 * enough),
                ),
            )
            .about(placed.iter().map(|(t, _)| *t)),
        ));
    } else if late as f64 >= CONSISTENTLY * placed.len() as f64 {
        let decays = reading.plan.spec().schedule.is_some();
        let schedule =
            if decays { "tune the decay schedule again for it" } else { "tune the learning rate again for it" };
        findings.push(
            evidence(
                Finding::new(
                    "TooFewSteps",
                    Severity::Info,
                    section,
                    format!(
                        "{late} of {} of round {} were at their best in the last {} of their {} steps. Longer training \
                         may bring more: raise maxTrainSteps in a further round and {schedule}.",
                        count(placed.len(), "trial"),
                        round.name,
                        percent(LATE),
                        round.steps,
                    ),
                )
                .about(placed.iter().filter(|(_, share)| *share > 1.0 - LATE).map(|(t, _)| *t)),
            )
            .with("late", late as f64),
        );
    }
}

/// The step of the best evaluation as a share of the budget. From the curve where there is one: with `select: Final` the
/// step that counts is always the last.
fn share(reading: &Reading<'_>, trial: &TrialRecord, steps: u64) -> Option<f64> {
    let direction = reading.direction();
    let curve = trial.curves.get(&reading.plan.spec().objective.metric)?;
    if curve.len() < FEWEST {
        return None;
    }
    let mut best = *curve.first()?;
    for evaluation in curve {
        if direction.better(evaluation.1, best.1) {
            best = *evaluation;
        }
    }
    (steps > 0).then(|| best.0 as f64 / steps as f64)
}
