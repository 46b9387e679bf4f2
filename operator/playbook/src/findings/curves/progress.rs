//! What the curves of the best trials say: still improving at the end, or done long before.

use studious_api::study::Direction;
use studious_rules::{
    curves::{SATURATED_EARLY, STILL_IMPROVING, TOO_MANY_STEPS},
    thresholds::{
        curves::{CURVE_VALUES, END_EVALUATIONS, END_SHARE, SAME_DEVIATIONS, SATURATED_BEFORE},
        search::FALSE_ALARMS,
    },
};

use super::{
    super::{
        Finding,
        change::Edit,
        exact, noise,
        reading::Reading,
        wording::{count, percent},
    },
    best_few, evaluations, median,
};
use crate::record::Curve;

/// The end is looked at in at most so many stretches.
const MOST_AT_END: usize = 30;

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let objective = &reading.plan.spec().objective;
    let fewest = reading.count(&CURVE_VALUES);
    let best: Vec<_> = best_few(reading, round)
        .into_iter()
        .filter_map(|t| Some((t, evaluations(reading, t).filter(|c| c.len() >= fewest)?)))
        .collect();
    if best.len() < 2 {
        return;
    }
    let end = (reading.threshold(&END_SHARE), reading.count(&END_EVALUATIONS));
    let limit = reading.threshold(&FALSE_ALARMS) / best.len() as f64;
    let improving: Vec<_> = best
        .iter()
        .filter_map(|(t, curve)| Some((*t, chance_of_rise(curve, objective.direction, end)?)))
        .filter(|(_, chance)| *chance <= limit)
        .collect();
    let majority = |n: usize| 2 * n > best.len();
    if majority(improving.len()) {
        let surest = improving.iter().map(|(_, c)| *c).fold(f64::INFINITY, f64::min);
        let gains = best.iter().filter_map(|(_, curve)| gain_at_end(curve, objective.direction, end));
        let gain = median(gains).unwrap_or(f64::NAN);
        findings.push(
            Finding::new(
                &STILL_IMPROVING,
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
            .with("gain_in_last_tenth", gain)
            .with("max_train_steps", round.steps as f64),
        );
        return;
    }
    // That there are far too many steps says it already, and by how much.
    if findings.iter().any(|f| f.code == TOO_MANY_STEPS.code) {
        return;
    }
    let saturated: Vec<_> = best
        .iter()
        .filter_map(|(t, curve)| {
            let step = saturated_at(reading, curve, objective.direction)?;
            let loss = t.curves.get(crate::decide::TRAIN_LOSS).filter(|c| c.len() >= fewest);
            let loss_step = loss.map_or(Some(0), |c| saturated_at(reading, c, Direction::Minimize))?;
            Some((*t, step.max(loss_step)))
        })
        .filter(|(_, step)| *step as f64 <= reading.threshold(&SATURATED_BEFORE) * round.steps as f64)
        .collect();
    if majority(saturated.len()) {
        let latest = saturated.iter().map(|(_, step)| *step).max().unwrap_or(0);
        findings.push(
            Finding::new(
                &SATURATED_EARLY,
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
            .with("max_train_steps", round.steps as f64)
            .suggest(
                reading.change(Edit::MaxTrainSteps { round: reading.round_index(round.name), to: latest + latest / 4 }),
            ),
        );
    }
}

/// The chance that the last evaluations improve so steadily if they differ by independent noise alone (Mann-Kendall).
fn chance_of_rise(curve: &Curve, direction: Direction, (share, fewest): (f64, usize)) -> Option<f64> {
    let last = curve.last()?.0 as f64;
    let late = curve.iter().filter(|(step, _)| *step as f64 > last * (1.0 - share)).count().max(fewest);
    let sign = if direction == Direction::Maximize { 1.0 } else { -1.0 };
    let end: Vec<f64> = curve.iter().skip(curve.len().checked_sub(late)?).map(|(_, v)| sign * v).collect();
    let stretches = end.len().min(MOST_AT_END);
    let means: Vec<f64> = (0..stretches)
        .filter_map(|i| {
            let stretch = end.get(end.len() * i / stretches..end.len() * (i + 1) / stretches)?;
            Some(stretch.iter().sum::<f64>() / stretch.len() as f64)
        })
        .collect();
    Some(exact::ascent(&means))
}

/// How much a curve gained in its last evaluations: the mean of their second half against that of their first.
fn gain_at_end(curve: &Curve, direction: Direction, (share, fewest): (f64, usize)) -> Option<f64> {
    let last = curve.last()?.0 as f64;
    let late = curve.iter().filter(|(step, _)| *step as f64 > last * (1.0 - share)).count().max(fewest);
    let end = curve.get(curve.len().checked_sub(late)?..)?;
    let (first, second) = end.split_at(end.len() / 2);
    let mean = |part: &[(u64, f64)]| part.iter().map(|(_, v)| v).sum::<f64>() / part.len() as f64;
    let sign = if direction == Direction::Maximize { 1.0 } else { -1.0 };
    Some(sign * (mean(second) - mean(first)))
}

/// The first step whose value is within noise of the best.
fn saturated_at(reading: &Reading<'_>, curve: &Curve, direction: Direction) -> Option<u64> {
    let within = reading.threshold(&SAME_DEVIATIONS) * noise::between_evaluations(reading, curve)?;
    let best = curve.iter().map(|(_, v)| *v).reduce(|a, b| if direction.better(b, a) { b } else { a })?;
    curve.iter().find(|(_, v)| (v - best).abs() <= within).map(|(step, _)| *step)
}
