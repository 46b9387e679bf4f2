//! What the curves of the best trials say: still improving at the end, or done long before.

use studious_api::study::Direction;

use super::{
    BEST_FEW, FALSE_ALARMS, Finding, Severity, exact, noise,
    reading::Reading,
    wording::{count, percent},
};
use crate::record::Curve;

/// The end of training: the last tenth of the steps (requirement R-080; ours), and at least so many evaluations.
const END: f64 = 0.1;
const FEWEST_AT_END: usize = 5;
/// Saturated before half of the steps (requirement R-081; ours).
const HALF: f64 = 0.5;
/// A curve of fewer evaluations says nothing.
const FEWEST: usize = 10;
/// Within so many standard deviations of the noise is the same.
const SAME: f64 = 2.0;
const SECTION: &str = "Examining the training curves";

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let objective = &reading.plan.spec().objective;
    let all = round.trials.clone();
    let best: Vec<_> = reading
        .ranked(&all)
        .into_iter()
        .take(BEST_FEW)
        .filter_map(|(t, _)| Some((t, t.curves.get(&objective.metric).filter(|c| c.len() >= FEWEST)?)))
        .collect();
    if best.len() < 2 {
        return;
    }
    let limit = FALSE_ALARMS / best.len() as f64;
    let improving: Vec<_> = best
        .iter()
        .filter_map(|(t, curve)| Some((*t, chance_of_rise(curve, objective.direction)?)))
        .filter(|(_, chance)| *chance <= limit)
        .collect();
    let majority = |n: usize| 2 * n > best.len();
    if majority(improving.len()) {
        let surest = improving.iter().map(|(_, c)| *c).fold(f64::INFINITY, f64::min);
        findings.push(
            Finding::new(
                "StillImproving",
                Severity::Info,
                SECTION,
                format!(
                    "{} of the best {} of round {} were still improving in the last steps. Training is bound by \
                     compute: more steps, or a schedule that decays by the end, may bring more.",
                    improving.len(),
                    count(best.len(), "trial"),
                    round.name,
                ),
            )
            .about(improving.iter().map(|(t, _)| *t))
            .with("improving", improving.len() as f64)
            .with("looked_at", best.len() as f64)
            .with("chance", surest)
            .with("max_train_steps", round.steps as f64),
        );
        return;
    }
    let saturated: Vec<_> = best
        .iter()
        .filter_map(|(t, curve)| {
            let step = saturated_at(curve, objective.direction)?;
            let loss = t.curves.get(crate::decide::TRAIN_LOSS).filter(|c| c.len() >= FEWEST);
            let loss_step = loss.map_or(Some(0), |c| saturated_at(c, Direction::Minimize))?;
            Some((*t, step.max(loss_step)))
        })
        .filter(|(_, step)| *step as f64 <= HALF * round.steps as f64)
        .collect();
    if majority(saturated.len()) {
        let latest = saturated.iter().map(|(_, step)| *step).max().unwrap_or(0);
        findings.push(
            Finding::new(
                "SaturatedEarly",
                Severity::Info,
                SECTION,
                format!(
                    "{} of the best {} of round {} had reached their best, within noise, by step {latest} of {} ({}). \
                     Training is not bound by compute: fewer steps would save time and lose nothing.",
                    saturated.len(),
                    count(best.len(), "trial"),
                    round.name,
                    round.steps,
                    percent(latest as f64 / round.steps as f64),
                ),
            )
            .about(saturated.iter().map(|(t, _)| *t))
            .with("saturated", saturated.len() as f64)
            .with("looked_at", best.len() as f64)
            .with("latest_step", latest as f64)
            .with("max_train_steps", round.steps as f64),
        );
    }
}

/// The chance that the last evaluations improve so steadily if they differ by independent noise alone (Mann-Kendall).
fn chance_of_rise(curve: &Curve, direction: Direction) -> Option<f64> {
    let last = curve.last()?.0 as f64;
    let late = curve.iter().filter(|(step, _)| *step as f64 > last * (1.0 - END)).count().max(FEWEST_AT_END);
    let sign = if direction == Direction::Maximize { 1.0 } else { -1.0 };
    let end: Vec<f64> = curve.iter().skip(curve.len().checked_sub(late)?).map(|(_, v)| sign * v).collect();
    Some(exact::ascent(&end))
}

/// The first step whose value is within noise of the best.
fn saturated_at(curve: &Curve, direction: Direction) -> Option<u64> {
    let noise = noise::between_evaluations(curve)?;
    let best = curve.iter().map(|(_, v)| *v).reduce(|a, b| if direction.better(b, a) { b } else { a })?;
    curve.iter().find(|(_, v)| (v - best).abs() <= SAME * noise).map(|(step, _)| *step)
}
