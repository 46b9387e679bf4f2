//! Periodic patterns in evaluations.
//!
//! The curve's trend is taken off (its moving average), the power of what is left is measured at each frequency and set in
//! relation to what the moving average leaves of noise there, and the powers of the best few trials are added up: a fault
//! of the data has the same period in all of them. The sum at a frequency is set against the mean of its neighbours, since
//! noise of evaluations that resemble each other has more power at low frequencies; of noise, that ratio has Fisher's F
//! distribution. The limit is shared by all frequencies.
//!
//! Of few evaluations a period is known by the trials that share it with its phase: see [`coherence`].

use std::{collections::BTreeMap, f64::consts::TAU};

use studious_rules::{
    curves::METRIC_PERIODICITY,
    thresholds::curves::{PERIOD_EVALUATIONS, SHARED_PERIOD_EVALUATIONS},
};

use super::{
    super::{
        Finding, chance,
        reading::{Reading, RoundTrials},
        wording::{count, number},
    },
    EvaluatedTrial, best_few, coherence, evaluations,
};
use crate::record::TrialRecord;

/// Neighbors say only roughly what noise has at a frequency, so the limit is this share of the usual one.
const SURE: f64 = 0.2;
/// A frequency is set against so many others around it …
const NEIGHBOURS: usize = 14;
/// … and at least so many.
const FEWEST_NEIGHBOURS: usize = 3;
/// Of more evaluations the last so many are looked at.
const MOST: usize = 1024;
/// The early part, in which curves bend, is left out.
const EARLY: f64 = 0.2;
/// Longest period that is looked for: this share of the evaluations.
const LONGEST: usize = 6;

/// Powers of a curve at multiples of one over its length, in relation to those of noise.
struct Spectrum {
    length: usize,
    powers: Vec<(usize, f64)>,
}

/// A period that was found.
struct Period<'a> {
    /// In evaluations.
    every: f64,
    chance: f64,
    trials: Vec<&'a TrialRecord>,
    /// What they are: `the best 5 trials`.
    of: String,
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let Some(Period { every, chance, trials, of }) = in_best(reading, round).or_else(|| in_all(reading, round)) else {
        return;
    };
    let steps = every * reading.plan.spec().evaluation.every_steps as f64;
    findings.push(
        Finding::new(
            &METRIC_PERIODICITY,
            format!(
                "{} rises and falls about every {} evaluations ({} steps) in {of} of round {}. With shuffled data there is \
                 no such pattern: see whether training data are shuffled properly, and whether they overlap with the data \
                 of the evaluation.",
                reading.plan.spec().objective.metric,
                number(every),
                number(steps),
                round.name,
            ),
        )
        .about(trials.iter().copied())
        .with("period_evaluations", every)
        .with("period_steps", steps)
        .with("chance", chance)
        .with("looked_at", trials.len() as f64),
    );
}

/// A period of the best few trials, whatever its phase in each.
fn in_best<'a>(reading: &Reading<'a>, round: &RoundTrials<'a>) -> Option<Period<'a>> {
    let fewest = reading.count(&PERIOD_EVALUATIONS);
    let spectra: Vec<_> = best_few(reading, round)
        .into_iter()
        .filter_map(|t| Some((t, spectrum(evaluations(reading, t)?, fewest)?)))
        .collect();
    // Periods compare between curves of one length.
    let length = spectra.iter().map(|(_, s)| s.length).max()?;
    let alike: Vec<_> = spectra.iter().filter(|(_, s)| s.length == length).collect();
    let (_, first) = alike.first()?;
    let sums: Vec<(usize, f64)> = (0..first.powers.len())
        .map(|i| (first.powers[i].0, alike.iter().filter_map(|(_, s)| s.powers.get(i)).map(|(_, power)| power).sum()))
        .collect();
    let (frequency, chance) = (0..sums.len())
        .filter_map(|i| Some((sums[i].0, chance_of_peak(&sums, i, alike.len())?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    let chance = (chance * sums.len() as f64).min(1.0);
    (chance <= SURE * reading.alarm_level(round)).then(|| Period {
        every: length as f64 / frequency as f64,
        chance,
        trials: alike.iter().map(|(t, _)| *t).collect(),
        of: format!("the best {}", count(alike.len(), "trial")),
    })
}

/// A period that the trials share with its phase: of those evaluated at the steps at which most are.
fn in_all<'a>(reading: &Reading<'a>, round: &RoundTrials<'a>) -> Option<Period<'a>> {
    let fewest = reading.count(&SHARED_PERIOD_EVALUATIONS);
    let mut by_steps: BTreeMap<(usize, u64, u64), Vec<EvaluatedTrial<'a>>> = BTreeMap::new();
    for trial in round.succeeded() {
        let Some(curve) = evaluations(reading, trial).filter(|curve| curve.len() >= fewest) else { continue };
        if let (Some(first), Some(last)) = (curve.first(), curve.last()) {
            by_steps.entry((curve.len(), first.0, last.0)).or_default().push((trial, curve));
        }
    }
    let alike = by_steps.into_values().max_by_key(Vec::len)?;
    let curves: Vec<_> = alike.iter().map(|(_, curve)| *curve).collect();
    let shared = coherence::shared(&curves)?;
    (shared.chance <= SURE * reading.alarm_level(round)).then(|| Period {
        every: shared.period,
        chance: shared.chance,
        trials: alike.iter().map(|(t, _)| *t).collect(),
        of: format!("{} alike", count(alike.len(), "trial")),
    })
}

/// The chance that noise has so much more power at the frequency of this place than at its neighbours. The next ones are
/// left out: a period between two frequencies shows at both.
fn chance_of_peak(sums: &[(usize, f64)], place: usize, trials: usize) -> Option<f64> {
    let apart: Vec<_> = (0..sums.len()).map(|i| (i.abs_diff(place), sums[i].1)).filter(|(by, _)| *by > 1).collect();
    let mut nearest = apart;
    nearest.sort_by_key(|(by, _)| *by);
    nearest.truncate(NEIGHBOURS);
    let mean = nearest.iter().map(|(_, sum)| sum).sum::<f64>() / nearest.len() as f64;
    let freedom = (2 * trials) as f64;
    (nearest.len() >= FEWEST_NEIGHBOURS && mean > 0.0)
        .then(|| chance::fisher_above(sums[place].1 / mean, freedom, freedom * nearest.len() as f64))
}

fn spectrum(curve: &[(u64, f64)], fewest: usize) -> Option<Spectrum> {
    let values: Vec<f64> = curve.iter().map(|(_, v)| *v).collect();
    // A share of a length below 2^53.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let early = (EARLY * values.len() as f64) as usize;
    let late = &values[early.max(values.len().saturating_sub(MOST))..];
    let longest = late.len() / LONGEST;
    if values.len() < fewest || longest < 4 {
        return None;
    }
    // An odd number, so that the average is centred.
    let width = longest | 1;
    let half = width / 2;
    let left: Vec<f64> =
        late.windows(width).map(|window| window[half] - window.iter().sum::<f64>() / width as f64).collect();
    let n = left.len();
    // Between the longest period that the average leaves and twice the distance of evaluations.
    let frequencies = (n.div_ceil(longest)).max(1)..n.div_ceil(2);
    let mut powers: Vec<(usize, f64)> = frequencies
        .map(|frequency| {
            let angle = TAU * frequency as f64 / n as f64;
            (frequency, power(&left, angle) / transfer(angle, width))
        })
        .collect();
    let mean = powers.iter().map(|(_, p)| p).sum::<f64>() / powers.len() as f64;
    if !mean.is_normal() {
        return None;
    }
    for (_, power) in &mut powers {
        *power /= mean;
    }
    Some(Spectrum { length: n, powers })
}

/// The power of a series at an angle per value, by Goertzel's recurrence.
fn power(series: &[f64], angle: f64) -> f64 {
    let turn = 2.0 * angle.cos();
    let (mut last, mut before) = (0.0, 0.0);
    for value in series {
        (last, before) = (value + turn * last - before, last);
    }
    (last * last + before * before - turn * last * before).max(0.0)
}

/// What is left of the power of noise at an angle once its moving average is taken off.
fn transfer(angle: f64, width: usize) -> f64 {
    let average = (angle * width as f64 / 2.0).sin() / (width as f64 * (angle / 2.0).sin());
    (1.0 - average).powi(2)
}
