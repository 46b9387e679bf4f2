//! What the curves of the best trials say: still improving at the end, or done long before.

use studious_api::study::Direction;
use studious_rules::{
    curves::{SATURATED_EARLY, STILL_IMPROVING},
    thresholds::curves::{CURVE_VALUES, END_EVALUATIONS, END_SHARE, SAME_DEVIATIONS, SATURATED_BEFORE},
};

use super::{
    super::{
        Confidence, Finding,
        change::Edit,
        exact, noise,
        reading::{Reading, RoundTrials},
        wording::{count, percent},
    },
    EvaluatedTrial, best_few, evaluations, late, median,
    reach::reaches,
};
use crate::{decide::TRAIN_LOSS, record::TrialRecord};

/// The end is looked at in at most so many stretches.
const MOST_AT_END: usize = 30;

/// The best few trials of a round whose curves are long enough and reach the later steps.
fn best_curves<'a>(reading: &Reading<'a>, round: &RoundTrials<'a>) -> Option<Vec<EvaluatedTrial<'a>>> {
    let fewest = reading.count(&CURVE_VALUES);
    let best: Vec<_> = best_few(reading, round)
        .into_iter()
        .filter(|t| reaches(reading, round, t))
        .filter_map(|t| Some((t, evaluations(reading, t).filter(|c| c.len() >= fewest)?)))
        .collect();
    (best.len() >= 2).then_some(best)
}

/// Most of the best improve to the end: training is bound by compute.
pub(super) fn still_improving(reading: &Reading<'_>) -> Option<Finding> {
    let round = reading.concluding()?;
    let direction = reading.direction();
    let best = best_curves(reading, round)?;
    let end = (reading.threshold(&END_SHARE), reading.count(&END_EVALUATIONS));
    let limit = reading.alarm_level(round) / best.len() as f64;
    let improving: Vec<_> = best
        .iter()
        .filter_map(|(t, curve)| Some((*t, chance_of_rise(curve, direction, end)?)))
        .filter(|(_, chance)| *chance <= limit)
        .collect();
    if 2 * improving.len() <= best.len() {
        return None;
    }
    let surest = improving.iter().map(|(_, c)| *c).fold(f64::INFINITY, f64::min);
    let gains = best.iter().filter_map(|(_, curve)| gain_at_end(curve, direction, end));
    let gain = median(gains).unwrap_or(f64::NAN);
    let finding = Finding::new(
        &STILL_IMPROVING,
        format!(
            "{} of the best {} of round {} were still improving in the last steps. Training is bound by compute: more \
             steps, or a schedule that decays by the end, may gain more.",
            improving.len(),
            count(best.len(), "trial"),
            round.name,
        ),
    );
    Some(
        finding
            .about(improving.iter().map(|(t, _)| *t))
            .with("improving", improving.len() as f64)
            .with("looked_at", best.len() as f64)
            .with("chance", surest)
            .with("gain_in_last_tenth", gain)
            .with("max_train_steps", round.steps as f64)
            .suggest(
                reading.change(Edit::MaxTrainSteps { round: reading.round_index(round.name), to: 2 * round.steps }),
            ),
    )
}

/// Most of the best had reached their best long before the end. Without training losses it is open whether training had.
/// Nothing is said where noise hides the differences that count: a level that is the best within that noise may be worse.
pub(super) fn saturated(reading: &Reading<'_>) -> Option<Finding> {
    let round = reading.concluding()?;
    if late::hides_differences(reading) {
        return None;
    }
    let best = best_curves(reading, round)?;
    let fewest = reading.count(&CURVE_VALUES);
    let before = |step: u64| step as f64 <= reading.threshold(&SATURATED_BEFORE) * round.steps as f64;
    let loss = |t: &'_ TrialRecord| t.curves.get(TRAIN_LOSS).is_some_and(|c| c.len() >= fewest);
    let is_open = !best.iter().any(|(t, _)| loss(t));
    let saturated: Vec<_> = best
        .iter()
        .filter_map(|(t, curve)| {
            let step = saturated_at(reading, curve, reading.direction())?;
            let of_loss = match t.curves.get(TRAIN_LOSS).filter(|c| c.len() >= fewest) {
                Some(curve) => saturated_at(reading, curve, Direction::Minimize)?,
                None if is_open => 0,
                None => return None,
            };
            Some((*t, step.max(of_loss)))
        })
        .filter(|(_, step)| before(*step))
        .collect();
    if 2 * saturated.len() <= best.len() {
        return None;
    }
    let latest = saturated.iter().map(|(_, step)| *step).max().unwrap_or(0);
    let (sure, change) = if is_open {
        let open = format!(
            "Whether training still gained something is unknown without {TRAIN_LOSS}: log it, and train for fewer steps if \
             it is as flat."
        );
        (open, None)
    } else {
        let sure = "Training is not bound by compute: fewer steps would save time and lose nothing.".to_owned();
        let to = latest + latest / 4;
        (sure, reading.change(Edit::MaxTrainSteps { round: reading.round_index(round.name), to }))
    };
    let mut finding = Finding::new(
        &SATURATED_EARLY,
        format!(
            "{} of the best {} of round {} had reached their best, within noise, by step {latest} of {} ({}). {sure}",
            saturated.len(),
            count(best.len(), "trial"),
            round.name,
            round.steps,
            percent(latest as f64 / round.steps as f64),
        ),
    );
    finding.confidence = is_open.then(|| Confidence::of_open_question(reading));
    Some(
        finding
            .about(saturated.iter().map(|(t, _)| *t))
            .with("saturated", saturated.len() as f64)
            .with("looked_at", best.len() as f64)
            .with("latest_step", latest as f64)
            .with("max_train_steps", round.steps as f64)
            .suggest(change),
    )
}

/// The chance that the last evaluations improve so steadily if they differ by independent noise alone (Mann-Kendall).
fn chance_of_rise(curve: &[(u64, f64)], direction: Direction, (share, fewest): (f64, usize)) -> Option<f64> {
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
fn gain_at_end(curve: &[(u64, f64)], direction: Direction, (share, fewest): (f64, usize)) -> Option<f64> {
    let last = curve.last()?.0 as f64;
    let late = curve.iter().filter(|(step, _)| *step as f64 > last * (1.0 - share)).count().max(fewest);
    let end = curve.get(curve.len().checked_sub(late)?..)?;
    let (first, second) = end.split_at(end.len() / 2);
    let mean = |part: &[(u64, f64)]| part.iter().map(|(_, v)| v).sum::<f64>() / part.len() as f64;
    let sign = if direction == Direction::Maximize { 1.0 } else { -1.0 };
    Some(sign * (mean(second) - mean(first)))
}

/// The first step whose value is within noise of the best.
fn saturated_at(reading: &Reading<'_>, curve: &[(u64, f64)], direction: Direction) -> Option<u64> {
    let within = reading.threshold(&SAME_DEVIATIONS) * noise::between_evaluations(reading, curve)?;
    let best = curve.iter().map(|(_, v)| *v).reduce(|a, b| if direction.better(b, a) { b } else { a })?;
    curve.iter().find(|(_, v)| (v - best).abs() <= within).map(|(step, _)| *step)
}
