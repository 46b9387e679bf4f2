//! Whether a `Sampled` study covers its scientific values uniformly, as comparisons need whatever the algorithm
//! (requirement R-062): Pearson's chi-square test, or the binomial test of the most frequent value where few are expected
//! of each.

use studious_api::study::{Algorithm, Role, Scientific};
use studious_rules::{
    search::SCIENTIFIC_NOT_UNIFORM,
    thresholds::search::{EXPECTED_TRIALS, RANGE_PARTS, UNEVEN_CHANCE},
};

use super::{
    Edit, Finding, exact,
    reading::{Along, Reading, Varied},
    wording::{list, name, p_value},
};
use crate::record::TrialRecord;

/// A whole range must have so many values for its parts to be equal.
const WIDE: f64 = 100.0;

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.exploring() else { return };
    if reading.plan.spec().search.scientific != Scientific::Sampled {
        return;
    }
    let scientific: Vec<_> = reading.varied().filter(|v| v.hyperparameter.role == Role::Scientific).collect();
    let limit = reading.level_of(&UNEVEN_CHANCE, round) / scientific.len().max(1) as f64;
    for varied in scientific {
        let Some(counts) = counts(reading, varied, &round.trials) else { continue };
        let chance = chance(&counts, reading.threshold(&EXPECTED_TRIALS));
        if chance > limit {
            continue;
        }
        let said: Vec<_> = counts.iter().map(|(value, n)| format!("{n} of {value}")).collect();
        let mut finding = Finding::new(
            &SCIENTIFIC_NOT_UNIFORM,
            format!(
                "{} is not covered uniformly: {} ({}). What was tried less looks worse \
                 than it is: use QuasiRandom search, or set search.scientific to Crossed.",
                name(varied.hyperparameter),
                list(&said),
                p_value(chance)
            ),
        )
        .of(&varied.hyperparameter.name)
        .with("chance", chance);
        for (value, n) in &counts {
            finding = finding.with(format!("trials[{value}]"), *n as f64);
        }
        if reading.is_adaptive() {
            finding.change = reading.change(Edit::Algorithm(Algorithm::QuasiRandom));
        }
        findings.push(finding);
    }
}

/// Trials of each value, or of each equal part of a range.
fn counts(reading: &Reading<'_>, varied: Varied<'_>, trials: &[&TrialRecord]) -> Option<Vec<(String, usize)>> {
    if let Some(values) = &varied.hyperparameter.values {
        let of = |value| trials.iter().filter(|t| varied.value(t) == Some(value)).count();
        return Some(values.iter().map(|value| (value.to_string(), of(value))).collect());
    }
    let axis = varied.axis()?;
    let (min, max) = axis.ends();
    if let Along::Range(range) = axis.along
        && range.integer
        && max - min < WIDE
    {
        return None;
    }
    let positions: Vec<f64> = trials.iter().filter_map(|t| axis.position(t)).collect();
    // A count of trials: small and not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let parts =
        ((positions.len() as f64 / reading.threshold(&EXPECTED_TRIALS)) as usize).min(reading.count(&RANGE_PARTS));
    if parts < 2 {
        return None;
    }
    let within = |i: usize| {
        let (from, to) = (i as f64 / parts as f64, (i + 1) as f64 / parts as f64);
        positions.iter().filter(|p| **p >= from && (**p < to || i + 1 == parts)).count()
    };
    Some((0..parts).map(|i| (format!("part {} of {parts}", i + 1), within(i))).collect())
}

/// The chance of counts so uneven if every value is as likely.
fn chance(counts: &[(String, usize)], fewest_expected: f64) -> f64 {
    let (all, kinds) = (counts.iter().map(|(_, n)| n).sum::<usize>(), counts.len());
    if kinds < 2 || all == 0 {
        return 1.0;
    }
    let expected = all as f64 / kinds as f64;
    if expected >= fewest_expected {
        let square: f64 = counts.iter().map(|(_, n)| (*n as f64 - expected).powi(2) / expected).sum();
        return exact::chi_square_at_least(square, kinds - 1);
    }
    let most = counts.iter().map(|(_, n)| *n).max().unwrap_or_default();
    (exact::successes_at_least(all, most, 1.0 / kinds as f64) * kinds as f64).min(1.0)
}
