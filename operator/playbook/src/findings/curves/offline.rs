//! Whether the evaluation during training agrees with the full one.
//!
//! A trainer whose evaluations use a sample or a proxy may report the full evaluation of the same weights as
//! `offline_<metric>` at the steps where it makes one, usually for the best checkpoint.

use studious_rules::{
    curves::PERIODIC_OFFLINE_SKEW,
    thresholds::curves::{SKEW_ERRORS, SKEW_TRIALS},
};

use super::{
    super::{
        Finding, chance,
        reading::Reading,
        wording::{count, number},
    },
    evaluations,
};
use crate::{contract::metrics::OFFLINE, record::TrialRecord};

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let metric = &reading.plan.spec().objective.metric;
    let offline = format!("{OFFLINE}{metric}");
    let differences: Vec<_> = round.succeeded().filter_map(|t| Some((t, difference(reading, t, &offline)?))).collect();
    let n = differences.len();
    if n < reading.count(&SKEW_TRIALS) {
        return;
    }
    let mean = differences.iter().map(|(_, d)| d).sum::<f64>() / n as f64;
    let squares: f64 = differences.iter().map(|(_, d)| (d - mean).powi(2)).sum();
    let error = (squares / (n - 1) as f64 / n as f64).sqrt();
    let apart = if error > 0.0 {
        mean.abs() / error
    } else if mean == 0.0 {
        0.0
    } else {
        f64::INFINITY
    };
    let chance = if apart.is_finite() { 2.0 * chance::student_above(apart, (n - 1) as f64) } else { 0.0 };
    if apart <= reading.threshold(&SKEW_ERRORS) || 2.0 * chance > reading.alarm_level(round) {
        return;
    }
    let what = if mean > 0.0 { "higher" } else { "lower" };
    findings.push(
        Finding::new(&PERIODIC_OFFLINE_SKEW, format!(
                "{offline} is {what} than {metric} of the same weights by {} on average over {} (standard error {}). The \
                 evaluation during training does not represent the full one: evaluate on a larger or a more representative \
                 sample. A part of it may be that the best of many noisy evaluations was chosen.",
                number(mean.abs()),
                count(n, "trial"),
                number(error),
            ),
        )
        .about(differences.iter().map(|(t, _)| *t))
        .with("difference", mean)
        .with("standard_error", error)
        .with("chance", chance)
        .with("trials", n as f64),
    );
}

/// The full evaluation less that during training, on average over the steps that have both.
fn difference(reading: &Reading<'_>, trial: &TrialRecord, offline: &str) -> Option<f64> {
    let periodic = evaluations(reading, trial)?;
    let both: Vec<f64> = trial
        .curves
        .get(offline)?
        .iter()
        .filter_map(|(step, value)| {
            let same = periodic.binary_search_by_key(step, |(s, _)| *s).ok()?;
            Some(value - periodic.get(same)?.1)
        })
        .collect();
    (!both.is_empty()).then(|| both.iter().sum::<f64>() / both.len() as f64)
}
