//! Noise of late evaluations, against the differences that the study is to show.

use studious_api::study::{Schedule, ScheduleFamily};
use studious_rules::{
    curves::NOISY_LATE_TRAINING,
    thresholds::curves::{LATE_NOISE, LATE_TRIALS, TINY_RATE},
};

use super::{
    super::{
        Finding, boundary,
        change::{Change, Edit},
        noise,
        reading::{Reading, RoundTrials},
        wording::{count, number},
    },
    best_few, evaluations,
};
use crate::{
    contract::metrics::LEARNING_RATE,
    record::{Curve, TrialRecord},
};

/// Late noise that is as large as what it would hide.
struct LateNoise<'a> {
    best: Vec<&'a TrialRecord>,
    /// How many of the best show noise.
    looked_at: usize,
    noise: f64,
    gap: f64,
    /// What differs by the gap.
    between: &'static str,
}

impl<'a> LateNoise<'a> {
    fn of(reading: &Reading<'a>) -> Option<Self> {
        let round = reading.concluding()?;
        let best = best_few(reading, round);
        let curves: Vec<_> = best.iter().filter_map(|t| evaluations(reading, t)).collect();
        let shows = |curve: &&[(u64, f64)]| noise::between_evaluations(reading, curve).is_some_and(|noise| noise > 0.0);
        let looked_at = curves.iter().filter(|curve| shows(curve)).count();
        if looked_at < reading.count(&LATE_TRIALS) {
            return None;
        }
        let noise = noise::between_evaluations_of(reading, &curves)?;
        let (gap, between) = gap(reading, round)?;
        (noise >= reading.threshold(&LATE_NOISE) * gap).then_some(Self { best, looked_at, noise, gap, between })
    }
}

/// Whether late evaluations move by as much as the differences that count. What is the same within such noise may differ by
/// all that the study is to show.
pub(super) fn hides_differences(reading: &Reading<'_>) -> bool {
    LateNoise::of(reading).is_some()
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    // The best trials of an arm so far say little of how far arms differ: that rests on no test, and waits for the last look.
    if reading.concluding().is_some_and(RoundTrials::goes_on) {
        return;
    }
    let Some(LateNoise { best, looked_at, noise, gap, between }) = LateNoise::of(reading) else { return };
    let metric = &reading.plan.spec().objective.metric;
    let end = RateEnd::of(reading, &best);
    let finding = Finding::new(
        &NOISY_LATE_TRAINING,
        format!(
            "Late in training {metric} of the best {} moves by {} from one evaluation to the next (standard \
                 deviation), while {between} differ by {}: which trial comes out best depends on the step at which it \
                 ends. {}a larger batch, more validation data or an average of the weights (Polyak) make \
                 evaluations steadier.",
            count(looked_at, "trial"),
            number(noise),
            number(gap),
            end.advice(),
        ),
    )
    .about(best.iter().copied())
    .with("noise", noise)
    .with("gap", gap)
    .with("looked_at", looked_at as f64)
    .with("ends_at_high_learning_rate", high_ends(reading, &best) as f64);
    findings.push(finding.suggest(if end == RateEnd::Low { None } else { decaying(reading) }));
}

/// Where the learning rate is when training ends.
#[derive(Clone, Copy, Eq, PartialEq)]
enum RateEnd {
    High,
    Low,
    /// Neither the study nor the trainer says.
    Unknown,
}

impl RateEnd {
    fn of(reading: &Reading<'_>, best: &[&TrialRecord]) -> Self {
        let tiny = reading.threshold(&TINY_RATE);
        if high_ends(reading, best) > 0 {
            return Self::High;
        }
        match &reading.plan.spec().schedule {
            Some(schedule) if schedule.family == ScheduleFamily::Constant || schedule.end_factor > tiny => Self::High,
            Some(_) => Self::Low,
            None if best.iter().any(|t| t.curves.get(LEARNING_RATE).is_some_and(|rates| rates.len() > 1)) => Self::Low,
            None => Self::Unknown,
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::High => "The learning rate is still high at the end: decay it. If that isn't enough, ",
            Self::Low => "The learning rate decays already, so ",
            Self::Unknown => {
                "If the learning rate is still high at the end, decay it; that is unknown unless the trainer logs \
                 learning_rate or spec.schedule says it. If that isn't enough, "
            }
        }
    }
}

/// How many trials end at a learning rate that is not tiny beside their highest.
fn high_ends(reading: &Reading<'_>, best: &[&TrialRecord]) -> usize {
    let tiny = reading.threshold(&TINY_RATE);
    best.iter().filter(|t| t.curves.get(LEARNING_RATE).is_some_and(|rates| ends_high(rates, tiny))).count()
}

/// A schedule that decays, where there is none.
fn decaying(reading: &Reading<'_>) -> Option<Change> {
    if let Some(schedule) = &reading.plan.spec().schedule {
        let constant = schedule.family == ScheduleFamily::Constant;
        return constant.then(|| reading.change(Edit::ScheduleFamily(ScheduleFamily::Cosine)))?;
    }
    let rate = reading.axes().find(|axis| boundary::is_learning_rate(reading, *axis))?;
    reading.change(Edit::Schedule(Schedule {
        family: ScheduleFamily::Cosine,
        base: rate.name().to_owned(),
        warmup_fraction: None,
        warmup_steps: None,
        end_factor: 0.0,
    }))
}

/// The difference that counts: between the two best arms; of a study with one arm, between its best and its median trial.
fn gap(reading: &Reading<'_>, round: &RoundTrials<'_>) -> Option<(f64, &'static str)> {
    let arms = reading.arms(round);
    if arms.len() > 1 {
        let mut bests: Vec<_> =
            arms.iter().filter_map(|arm| reading.ranked(&arm.trials).first().map(|(_, value)| *value)).collect();
        bests.sort_by(f64::total_cmp);
        if reading.direction().better(1.0, 0.0) {
            bests.reverse();
        }
        let (first, second) = (bests.first()?, bests.get(1)?);
        return Some(((first - second).abs(), "the two best arms"));
    }
    let ranked = reading.ranked(&round.trials);
    if ranked.len() < 2 * reading.count(&LATE_TRIALS) {
        return None;
    }
    let (best, middle) = (ranked.first()?.1, ranked.get(ranked.len() / 2)?.1);
    Some(((best - middle).abs(), "the best and the median trial"))
}

fn ends_high(rates: &Curve, tiny: f64) -> bool {
    let peak = rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    rates.last().is_some_and(|(_, rate)| peak > 0.0 && *rate > tiny * peak)
}
