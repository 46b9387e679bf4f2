//! Gradient norms: outliers, where to clip, and clipping too hard.

use studious_api::thresholds::curves::{CLIP_QUANTILE, CLIPPED_SHARE, GRADIENT_OUTLIER};

use super::{
    super::{
        Finding, Severity,
        change::Change,
        reading::{Reading, Round},
        wording::{count, list, number, percent},
    },
    best_few, median, quantile,
};
use crate::record::{Curve, TrialRecord};

/// The norm of the whole loss's gradient before clipping.
const GRADIENT_NORM: &str = "gradient_norm";
/// The share of updates that were clipped.
const CLIPPED: &str = "clipped_fraction";
/// The running median is that of so many norms before.
const WINDOW: usize = 50;
/// Fewer norms have no median to speak of.
const FEWEST: usize = 10;

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

fn outliers(reading: &Reading<'_>, round: &Round<'_>, best: &[&TrialRecord], findings: &mut Vec<Finding>) {
    let norms: Vec<_> =
        best.iter().filter_map(|t| Some((*t, t.curves.get(GRADIENT_NORM).filter(|c| c.len() > FEWEST)?))).collect();
    let (times, share) = (reading.threshold(&GRADIENT_OUTLIER), reading.threshold(&CLIP_QUANTILE));
    let with: Vec<_> = norms.iter().filter_map(|(trial, curve)| of_trial(trial, curve, times, share)).collect();
    if with.is_empty() {
        return;
    }
    let number_of = with.iter().map(|o| o.steps.len()).sum::<usize>();
    let largest = with.iter().map(|o| o.largest).fold(0.0, f64::max);
    let first = with.iter().filter_map(|o| o.steps.first()).min().copied().unwrap_or(0);
    let Some(threshold) = median(with.iter().map(|o| o.threshold)) else { return };
    let mut finding =
        Finding::new(
            "GradientOutliers",
            Severity::Warning,
            "Identifying unstable workloads",
            format!(
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
    if let Some(change) = clip_at(reading, threshold) {
        finding = finding.suggest(change);
    }
    findings.push(finding);
}

/// Another value of the hyperparameter that is a clip threshold, where one is held.
fn clip_at(reading: &Reading<'_>, threshold: f64) -> Option<Change> {
    let clip = reading.varied().map(|v| v.hyperparameter).find(|h| is_clip(&h.name) && h.value.is_some())?;
    // Four digits are plenty for a first threshold.
    let rounded: f64 = number(threshold).parse().ok()?;
    Some(Change::new(format!("{}.value", reading.path(clip)), &clip.value, rounded))
}

fn of_trial<'a>(trial: &'a TrialRecord, curve: &Curve, times: f64, share: f64) -> Option<Outliers<'a>> {
    let mut window: Vec<f64> = Vec::with_capacity(WINDOW);
    let (mut steps, mut largest) = (Vec::new(), 0.0_f64);
    for (i, (step, norm)) in curve.iter().enumerate() {
        if window.len() >= FEWEST {
            let middle = window[window.len() / 2];
            if middle > 0.0 && *norm > times * middle {
                steps.push(*step);
                largest = largest.max(norm / middle);
            }
        }
        // Kept sorted: the norm of fifty values ago makes room.
        if window.len() == WINDOW
            && let Ok(place) = window.binary_search_by(|v| v.total_cmp(&curve[i - WINDOW].1))
        {
            window.remove(place);
        }
        let place = window.binary_search_by(|v| v.total_cmp(norm)).unwrap_or_else(|place| place);
        window.insert(place, *norm);
    }
    let threshold = quantile(curve.iter().map(|(_, norm)| *norm), share)?;
    (!steps.is_empty()).then_some(Outliers { trial, steps, largest, threshold })
}

fn clipping(reading: &Reading<'_>, round: &Round<'_>, best: &[&TrialRecord], findings: &mut Vec<Finding>) {
    let shares: Vec<_> = best.iter().filter_map(|t| Some((*t, clipped(reading, t)?))).collect();
    let limit = reading.threshold(&CLIPPED_SHARE);
    let hard: Vec<_> = shares.iter().filter(|(_, share)| *share > limit).collect();
    let Some((_, largest)) = hard.iter().max_by(|a, b| a.1.total_cmp(&b.1)).copied() else { return };
    let names: Vec<_> = hard.iter().map(|(t, _)| t.name.as_str()).filter(|n| !n.is_empty()).collect();
    let whose = if names.is_empty() { String::new() } else { format!(" ({})", list(&names)) };
    let norms = hard.iter().filter_map(|(t, _)| t.curves.get(GRADIENT_NORM)).flatten().map(|(_, norm)| *norm);
    let typical = quantile(norms, reading.threshold(&CLIP_QUANTILE));
    let mut finding =
        Finding::new(
            "ClipTooHard",
            Severity::Warning,
            "Gradient clipping",
            format!(
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
    if let Some(change) = typical.and_then(|threshold| clip_at(reading, threshold)) {
        finding = finding.suggest(change);
    }
    findings.push(finding);
}

/// The share of updates that were clipped: as reported, or the norms above a hyperparameter that is a clip threshold.
fn clipped(reading: &Reading<'_>, trial: &TrialRecord) -> Option<f64> {
    if let Some(curve) = trial.curves.get(CLIPPED).filter(|c| !c.is_empty()) {
        return Some(curve.iter().map(|(_, share)| share).sum::<f64>() / curve.len() as f64);
    }
    let threshold = reading
        .varied()
        .filter(|v| is_clip(&v.hyperparameter.name))
        .find_map(|v| v.value(trial)?.as_f64())
        .filter(|x| *x > 0.0)?;
    let norms = trial.curves.get(GRADIENT_NORM).filter(|c| c.len() > FEWEST)?;
    Some(norms.iter().filter(|(_, norm)| *norm > threshold).count() as f64 / norms.len() as f64)
}

/// `gradient_clip`, `clip_norm`, `max_gradient_norm`, `max_grad_norm`.
fn is_clip(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    (name.contains("clip") && !name.contains("value")) || name == "max_gradient_norm" || name == "max_grad_norm"
}
