//! Instability: training that breaks down at learning rates just above the best, and sudden rises of the training loss.
//!
//! That training diverges at very high learning rates is true of any workload and no finding. It matters where the best
//! rate lies right below: then instability keeps training from rates that would be better. So the trials of an arm with up
//! to four times its best rate are set against those with the best rate or less; the chance that the unstable ones fall
//! among the former by chance is counted exactly (Fisher's test). Where rates make no difference, the best of them lies there by
//! noise: the stable trials right below the first unstable one must be better than those at lower rates, too (Wilcoxon's test,
//! of all such arms together: whether rates matter is a question about the workload).

use studious_api::study::Direction;
use studious_rules::{
    curves::{INSTABILITY_LIMITS_LR, TRAINING_INSTABILITY},
    thresholds::curves::{ABOVE_TRIALS, EARLY_INSTABILITY, JUST_ABOVE, SAME_RATE, SUDDEN_RISE, UNUSUAL_MOVE},
};

use super::{
    super::{
        Finding, boundary, chance, exact, infeasible,
        reading::{Arm, Axis, Reading, RoundTrials},
        wording::{count, number, percent},
    },
    best_few, median,
    series::BinnedCurve,
    warmup,
};
use crate::{
    decide::TRAIN_LOSS,
    record::{Outcome, TrialRecord},
    trial::Reason,
};

/// Moves that are near: so many stretches before and after.
const NEAR: usize = 8;
/// The median of the absolute difference of two normal values, in their standard deviations.
const MEDIAN_OF_DIFFERENCE: f64 = 0.954;

/// When in training it broke down, as a share of the steps; nothing where no curve says.
type When = Option<f64>;

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    if let Some(round) = reading.exploring() {
        limits(reading, round, findings);
    }
    if let Some(round) = reading.concluding() {
        in_best(reading, round, findings);
    }
}

/// What is seen in one arm.
struct Limit<'a> {
    arm: Arm<'a>,
    axis: Axis<'a>,
    best: f64,
    above: Vec<&'a TrialRecord>,
    unstable: Vec<(&'a TrialRecord, When)>,
    /// The chance that so many of the unstable lie above the best rate by chance, or that rates make no difference.
    chance: f64,
    /// The chance that rates make no difference below the unstable ones, by the trials of this arm alone.
    indifferent: f64,
}

fn limits(reading: &Reading<'_>, round: &RoundTrials<'_>, findings: &mut Vec<Finding>) {
    let axes: Vec<_> = reading.axes().filter(|axis| boundary::is_learning_rate(reading, *axis)).collect();
    let arms = reading.arms(round);
    let pairs = axes.len() * arms.len();
    let mut found: Vec<Limit<'_>> = axes
        .iter()
        .flat_map(|axis| of_axis(reading, round, &arms, *axis))
        .filter(|limit| limit.chance * pairs as f64 <= reading.alarm_level(round))
        .collect();
    found.sort_by(|a, b| a.chance.total_cmp(&b.chance));
    let Some(surest) = found.first() else { return };
    let unstable: Vec<_> = found.iter().flat_map(|l| l.unstable.iter().copied()).collect();
    let above = found.iter().map(|l| l.above.len()).sum::<usize>();
    let times: Vec<f64> = unstable.iter().filter_map(|(_, when)| *when).collect();
    let early = times.iter().filter(|when| **when <= reading.threshold(&EARLY_INSTABILITY)).count();
    let mid = times.len() - early;
    let label = surest.arm.label();
    let with = if label.is_empty() { String::new() } else { format!(" with {label}") };
    let is_known = 2 * times.len() > unstable.len();
    let is_early = is_known && early >= mid;
    let (kind, first) = if !is_known {
        (
            format!("; whether early or late is unknown without {TRAIN_LOSS}"),
            "warmup, which cures early instability best, and gradient clipping, which cures sudden rises later on",
        )
    } else if is_early {
        (
            ", early, at or near initialization".to_owned(),
            "warmup first (it cures early instability best), then gradient clipping",
        )
    } else {
        (", suddenly, in the middle of training".to_owned(), "gradient clipping first, then a longer warmup")
    };
    let mut finding = Finding::new(&INSTABILITY_LIMITS_LR, format!(
            "{} of {} whose {} lies above the best{} ({}{with}), up to {} times as high, were unstable{kind}. Instability \
             keeps training from higher rates: try {first}; after that another optimizer, normalization and residual \
             connections, and a lower rate as the last resort.",
            unstable.len(),
            count(above, "trial"),
            surest.axis.name(),
            if label.is_empty() { "" } else { " of its arm" },
            number(surest.best),
            number(reading.threshold(&JUST_ABOVE)),
        ),
    )
    .of(surest.axis.name())
    .about(unstable.iter().map(|(t, _)| *t))
    .with("unstable", unstable.len() as f64)
    .with("above", above as f64)
    .with("best_rate", surest.best)
    .with("early", early as f64)
    .with("mid", mid as f64)
    .with("time_unknown", (unstable.len() - times.len()) as f64)
    .with("chance", surest.chance);
    for limit in found.iter().filter(|l| !l.arm.configuration.is_empty()) {
        let label = limit.arm.label();
        finding = finding
            .with(format!("unstable[{label}]"), limit.unstable.len() as f64)
            .with(format!("above[{label}]"), limit.above.len() as f64)
            .with(format!("best_rate[{label}]"), limit.best);
    }
    if is_early {
        finding = finding.suggest(warmup::prepend(reading, surest.axis.name()));
    }
    findings.push(finding);
}

/// The arms that may be limited along one axis.
fn of_axis<'a>(reading: &Reading<'a>, round: &RoundTrials<'a>, arms: &[Arm<'a>], axis: Axis<'a>) -> Vec<Limit<'a>> {
    let mut limits: Vec<_> = arms.iter().filter_map(|arm| limit(reading, round, arm, axis)).collect();
    let indifferent = chance::of_product(limits.iter().map(|limit| limit.indifferent));
    for limit in &mut limits {
        limit.chance = limit.chance.max(indifferent);
    }
    limits
}

fn limit<'a>(reading: &Reading<'a>, round: &RoundTrials<'a>, arm: &Arm<'a>, axis: Axis<'a>) -> Option<Limit<'a>> {
    let (best, _) = reading.ranked(&arm.trials).into_iter().find(|(t, _)| axis.value(t).is_some())?;
    let best = axis.value(best)?;
    let (mut above, mut below, mut broken) = (Vec::new(), Vec::new(), 0);
    let mut unstable = Vec::new();
    for trial in arm.trials.iter().copied().filter(|t| t.is_result()) {
        let Some(rate) = axis.value(trial) else { continue };
        if rate > reading.threshold(&JUST_ABOVE) * best {
            continue;
        }
        let when = breaks_down(reading, trial, round.steps);
        broken += usize::from(when.is_some());
        if rate > reading.threshold(&SAME_RATE) * best {
            above.push(trial);
            unstable.extend(when.map(|when| (trial, when)));
        } else {
            below.push(trial);
        }
    }
    if above.len() < reading.count(&ABOVE_TRIALS) || 2 * unstable.len() < above.len() || unstable.len() < 2 {
        return None;
    }
    let chance = chance::marked_at_least(above.len() + below.len(), broken, above.len(), unstable.len());
    let indifferent = chance_of_improvement(reading, arm, axis, &unstable);
    Some(Limit { arm: arm.clone(), axis, best, above, unstable, chance, indifferent })
}

/// The chance that stable trials with up to so many times lower a rate than the first unstable one are so much better than
/// those at still lower rates, if rates make no difference. 1 where either has none.
fn chance_of_improvement(
    reading: &Reading<'_>,
    arm: &Arm<'_>,
    axis: Axis<'_>,
    unstable: &[(&TrialRecord, When)],
) -> f64 {
    let Some(first) = unstable.iter().filter_map(|(trial, _)| axis.value(trial)).reduce(f64::min) else { return 1.0 };
    let is_stable = |trial: &TrialRecord| !unstable.iter().any(|(other, _)| std::ptr::eq(*other, trial));
    let ranked = reading.ranked(&arm.trials).into_iter().filter(|(trial, _)| is_stable(trial));
    let rates: Vec<f64> = ranked.filter_map(|(trial, _)| axis.value(trial)).filter(|rate| *rate < first).collect();
    let right_below = |rate: f64| rate * reading.threshold(&JUST_ABOVE) >= first;
    let ranks: Vec<usize> = (1..).zip(&rates).filter(|(_, rate)| right_below(**rate)).map(|(rank, _)| rank).collect();
    exact::rank_sum_at_most(rates.len(), ranks.len(), ranks.iter().sum())
}

/// When a trial broke down, if it did: diverged, or its training loss rose suddenly.
fn breaks_down(reading: &Reading<'_>, trial: &TrialRecord, steps: u64) -> Option<When> {
    let loss = trial.curves.get(TRAIN_LOSS);
    let share = |step: u64| step as f64 / steps.max(1) as f64;
    let diverged = matches!(&trial.outcome, Outcome::Infeasible { reason } if *reason == Reason::Diverged);
    if diverged || (infeasible::is_infeasible(trial) && loss.is_none()) {
        // It diverged after the last value that it reported; without any, when is unknown.
        let last =
            loss.or_else(|| trial.curves.get(&reading.plan.spec().objective.metric)).and_then(|curve| curve.last());
        return Some(last.map(|(step, _)| share(*step)));
    }
    sudden_rise(reading, &BinnedCurve::of(reading, loss?, Direction::Minimize)?).map(|(step, _)| Some(share(step)))
}

/// Whether a trial broke down at or near initialization.
pub(crate) fn breaks_down_early(reading: &Reading<'_>, trial: &TrialRecord, steps: u64) -> bool {
    let early = |when: f64| when <= reading.threshold(&EARLY_INSTABILITY);
    breaks_down(reading, trial, steps).flatten().is_some_and(early)
}

/// The step of the first sudden rise of a training loss and by how much, if there is one.
fn sudden_rise(reading: &Reading<'_>, series: &BinnedCurve) -> Option<(u64, f64)> {
    let moves: Vec<f64> = series.values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    // Noise shrinks with the loss: a move is set against those around it.
    let usual = |place: usize| {
        let near = moves.get(place.saturating_sub(NEAR)..(place + NEAR).min(moves.len()))?;
        Some(median(near.iter().copied())? / MEDIAN_OF_DIFFERENCE)
    };
    let unusual = reading.threshold(&UNUSUAL_MOVE);
    let least = reading.threshold(&SUDDEN_RISE) * series.improvement();
    let mut lowest = f64::INFINITY;
    for (place, (step, pair)) in series.steps.iter().zip(series.values.windows(2)).enumerate() {
        // One batch may have a high loss by itself: a rise lasts.
        let rise = pair[0].min(pair[1]) - lowest;
        if rise.is_finite() && rise > 0.0 && rise > least && usual(place).is_some_and(|usual| rise > unusual * usual) {
            return Some((*step, rise));
        }
        lowest = lowest.min(pair[0]);
    }
    None
}

fn in_best(reading: &Reading<'_>, round: &RoundTrials<'_>, findings: &mut Vec<Finding>) {
    let losses: Vec<_> = best_few(reading, round)
        .into_iter()
        .filter_map(|t| Some((t, BinnedCurve::of(reading, t.curves.get(TRAIN_LOSS)?, Direction::Minimize)?)))
        .collect();
    let rises: Vec<_> = losses.iter().filter_map(|(t, series)| Some((*t, sudden_rise(reading, series)?))).collect();
    let Some((_, (step, largest))) = rises.iter().max_by(|a, b| a.1.1.total_cmp(&b.1.1)).copied() else { return };
    let when = |step: u64| step as f64 / round.steps.max(1) as f64;
    let early = rises.iter().filter(|(_, (step, _))| when(*step) <= reading.threshold(&EARLY_INSTABILITY)).count();
    let fix = if 2 * early >= rises.len() {
        "Early instability is best cured by warmup: training that recovers from it is slow"
    } else {
        "Gradient clipping cures most sudden rises, sometimes a longer warmup"
    };
    findings.push(
        Finding::new(
            &TRAINING_INSTABILITY,
            format!(
                "The training loss of {} of the best {} of round {} rose suddenly, by up to {} at step {step} ({} of \
                 training). {fix}.",
                rises.len(),
                count(losses.len(), "trial"),
                round.name,
                number(largest),
                percent(when(step)),
            ),
        )
        .about(rises.iter().map(|(t, _)| *t))
        .with("unstable", rises.len() as f64)
        .with("looked_at", losses.len() as f64)
        .with("early", early as f64)
        .with("mid", (rises.len() - early) as f64)
        .with("largest_rise", largest)
        .with("step", step as f64),
    );
}
