//! Gradient norms: outliers, where to clip, and clipping too hard.

use studious_rules::{
    curves::{CLIP_TOO_HARD, GRADIENT_OUTLIERS},
    registry::GRADIENT_CLIP,
    thresholds::curves::{CLIP_QUANTILE, CLIPPED_SHARE, FEW_NORMS, GRADIENT_OUTLIER, NORM_WINDOW},
};

use super::{
    super::{
        Finding, boundary,
        change::{Change, Edit},
        reading::{Along, Reading, RoundTrials},
        widen::shortened,
        wording::{count, list, number, percent},
    },
    best_few, median, quantile,
};
use crate::{
    contract::metrics::{CLIPPED_FRACTION, GRADIENT_NORM},
    record::{Curve, TrialRecord},
};

struct Outliers<'a> {
    trial: &'a TrialRecord,
    steps: Vec<u64>,
    largest: f64,
    threshold: f64,
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let best = best_few(reading, round);
    outliers(reading, round, &best, findings);
    clipping(reading, round, &best, findings);
}

fn outliers(reading: &Reading<'_>, round: &RoundTrials<'_>, best: &[&TrialRecord], findings: &mut Vec<Finding>) {
    let norms: Vec<_> = best
        .iter()
        .filter_map(|t| Some((*t, t.curves.get(GRADIENT_NORM).filter(|c| c.len() > reading.count(&FEW_NORMS))?)))
        .collect();
    let (times, share) = (reading.threshold(&GRADIENT_OUTLIER), reading.threshold(&CLIP_QUANTILE));
    let with: Vec<_> = norms.iter().filter_map(|(trial, curve)| of_trial(reading, trial, curve)).collect();
    if with.is_empty() {
        return;
    }
    let number_of = with.iter().map(|o| o.steps.len()).sum::<usize>();
    let largest = with.iter().map(|o| o.largest).fold(0.0, f64::max);
    let first = with.iter().filter_map(|o| o.steps.first()).min().copied().unwrap_or(0);
    let Some(threshold) = median(with.iter().map(|o| o.threshold)) else { return };
    let finding =
        Finding::new(&GRADIENT_OUTLIERS, format!(
                "The gradient norm of {} of the best {} of round {} jumps to more than {} times its running median, {} in \
                 all, up to {} times, first at step {first}. Clip gradients: the norm that {} of them stay below, {}, is where to begin.",
                with.len(),
                count(norms.len(), "trial"),
                round.name,
                number(times),
                count(number_of, "time"),
                number(largest),
                percent(share),
                number(threshold),
            ),
        )
        .about(with.iter().map(|o| o.trial))
        .with("outliers", number_of as f64)
        .with("trials_with_outliers", with.len() as f64)
        .with("looked_at", norms.len() as f64)
        .with("largest_ratio", largest)
        .with("first_step", first as f64)
        .with("clip_threshold", threshold);
    findings.push(finding.suggest(clip_at(reading, threshold)));
}

/// Another value of the hyperparameter that is a clip threshold, where one is held.
fn clip_at(reading: &Reading<'_>, threshold: f64) -> Option<Change> {
    let clip = reading
        .varied()
        .map(|v| v.hyperparameter)
        .find(|h| reading.plan.is_known(&h.name, &GRADIENT_CLIP) && h.value.is_some())?;
    // Four digits are plenty for a first threshold.
    let rounded: f64 = number(threshold).parse().ok()?;
    reading.change(Edit::Value { hyperparameter: reading.index(clip), to: rounded.into() })
}

/// Learning rates up to the one at which the steps of trials that were clipped hard would be as long without clipping: clipped
/// steps are as if the rate were lower by the threshold over the typical norm. Nothing where no range of rates, or no
/// threshold, is known.
fn lower_rates(reading: &Reading<'_>, hard: &[&(&TrialRecord, f64)]) -> Option<Change> {
    let axis = reading.axes().find(|axis| boundary::is_learning_rate(reading, *axis))?;
    let Along::Range(range) = axis.along else { return None };
    let unclipped = |trial: &TrialRecord| {
        let norm = median(trial.curves.get(GRADIENT_NORM)?.iter().map(|(_, norm)| *norm)).filter(|norm| *norm > 0.0)?;
        Some(axis.value(trial)? * (clip_of(reading, trial)? / norm).min(1.0))
    };
    let to = shortened(hard.iter().filter_map(|(trial, _)| unclipped(trial)).reduce(f64::max)?);
    let is_lower = to > range.min && to < range.max;
    is_lower.then(|| {
        reading.change(Edit::Boundary { hyperparameter: reading.index(axis.hyperparameter), upper: true, to })
    })?
}

/// The clip threshold of a trial, where a hyperparameter is one.
fn clip_of(reading: &Reading<'_>, trial: &TrialRecord) -> Option<f64> {
    let clips = reading.varied().filter(|v| reading.plan.is_known(&v.hyperparameter.name, &GRADIENT_CLIP));
    clips.filter_map(|v| v.value(trial)?.as_f64()).find(|x| *x > 0.0)
}

/// Whether clipping at this norm or below was in force: by the threshold, or since it clipped at least the share of updates
/// that lie above it. Norms are reported before clipping, so outliers then say nothing.
fn is_clipped_at(reading: &Reading<'_>, trial: &TrialRecord, norm: f64) -> bool {
    let above = 1.0 - reading.threshold(&CLIP_QUANTILE);
    clip_of(reading, trial).map_or_else(
        || reported(trial).is_some_and(|share| share > 0.0 && share >= above),
        // To the digits with which a threshold is suggested.
        |clip| clip <= norm || number(clip) == number(norm),
    )
}

fn of_trial<'a>(reading: &Reading<'_>, trial: &'a TrialRecord, curve: &Curve) -> Option<Outliers<'a>> {
    let (times, share) = (reading.threshold(&GRADIENT_OUTLIER), reading.threshold(&CLIP_QUANTILE));
    let (size, fewest) = (reading.count(&NORM_WINDOW), reading.count(&FEW_NORMS));
    let mut window: Vec<f64> = Vec::with_capacity(size);
    let (mut steps, mut largest) = (Vec::new(), 0.0_f64);
    for (i, (step, norm)) in curve.iter().enumerate() {
        if window.len() >= fewest {
            let middle = window[window.len() / 2];
            if middle > 0.0 && *norm > times * middle {
                steps.push(*step);
                largest = largest.max(norm / middle);
            }
        }
        // Kept sorted: the oldest norm makes room.
        if window.len() == size
            && let Ok(place) = window.binary_search_by(|v| v.total_cmp(&curve[i - size].1))
        {
            window.remove(place);
        }
        let place = window.binary_search_by(|v| v.total_cmp(norm)).unwrap_or_else(|place| place);
        window.insert(place, *norm);
    }
    let threshold = quantile(curve.iter().map(|(_, norm)| *norm), share)?;
    (!steps.is_empty() && !is_clipped_at(reading, trial, threshold)).then_some(Outliers {
        trial,
        steps,
        largest,
        threshold,
    })
}

fn clipping(reading: &Reading<'_>, round: &RoundTrials<'_>, best: &[&TrialRecord], findings: &mut Vec<Finding>) {
    let shares: Vec<_> = best.iter().filter_map(|t| Some((*t, clipped(reading, t)?))).collect();
    let limit = reading.threshold(&CLIPPED_SHARE);
    let hard: Vec<_> = shares.iter().filter(|(_, share)| *share > limit).collect();
    let Some((_, largest)) = hard.iter().max_by(|a, b| a.1.total_cmp(&b.1)).copied() else { return };
    let names: Vec<_> = hard.iter().map(|(t, _)| t.name.as_str()).filter(|n| !n.is_empty()).collect();
    let whose = if names.is_empty() { String::new() } else { format!(" ({})", list(&names)) };
    let norms = hard.iter().filter_map(|(t, _)| t.curves.get(GRADIENT_NORM)).flatten().map(|(_, norm)| *norm);
    let typical = quantile(norms, reading.threshold(&CLIP_QUANTILE));
    let finding =
        Finding::new(&CLIP_TOO_HARD, format!(
                "More than {} of the updates were clipped in {} of the best {} of round {}{whose}, up to {}. Clipping \
                 that often is a way to lower the learning rate: lower that instead, and clip near the 90th percentile of \
                 the gradient norm.",
                percent(limit),
                hard.len(),
                count(shares.len(), "trial"),
                round.name,
                percent(*largest),
            ),
        )
        .about(hard.iter().map(|(t, _)| *t))
        .with("clipped_fraction", *largest)
        .with("clipped_hard", hard.len() as f64)
        .with("looked_at", shares.len() as f64)
        .with("clip_threshold", typical.unwrap_or(f64::NAN));
    findings.push(finding.suggest(lower_rates(reading, &hard)));
}

/// The share of updates that were clipped, as the trainer reports it.
fn reported(trial: &TrialRecord) -> Option<f64> {
    let curve = trial.curves.get(CLIPPED_FRACTION).filter(|c| !c.is_empty())?;
    Some(curve.iter().map(|(_, share)| share).sum::<f64>() / curve.len() as f64)
}

/// The share of updates that were clipped: as reported, or the norms above a hyperparameter that is a clip threshold.
fn clipped(reading: &Reading<'_>, trial: &TrialRecord) -> Option<f64> {
    reported(trial).or_else(|| {
        let threshold = clip_of(reading, trial)?;
        let norms = trial.curves.get(GRADIENT_NORM).filter(|c| c.len() > reading.count(&FEW_NORMS))?;
        Some(norms.iter().filter(|(_, norm)| *norm > threshold).count() as f64 / norms.len() as f64)
    })
}
