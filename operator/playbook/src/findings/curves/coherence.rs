//! A period that trials share, seen in a few evaluations of each.
//!
//! A fault of the data gives all trials the same period and the same phase, and noise does not. So a sinusoid is fitted to
//! the later part of each curve, together with a cubic trend, and the mean of its coefficients over the trials is set
//! against their scatter: for independent trials that ratio has Fisher's F distribution with 2 and 2(m - 1) degrees of
//! freedom (Hotelling's test for circular noise), whatever the spectrum of the noise. What curves share without a period,
//! such as a drop of the learning rate, has power at all frequencies: a period must stand out among them as well.

use std::f64::consts::TAU;

use super::super::chance;

/// The early part, in which curves bend more than a cubic does, is left out.
const EARLY: f64 = 0.25;
/// Fewer values have too few frequencies.
const FEWEST: usize = 12;
/// The trend of the later part: a polynomial of this degree.
const DEGREE: i32 = 3;
/// The lowest frequency of a period, in cycles over the values that are left …
const LOWEST: f64 = 3.0;
/// … and the lowest that it is set against.
const LOWEST_BESIDE: f64 = 1.0;
/// Frequencies are half a cycle apart, so that a period between two whole ones is seen.
const APART: f64 = 0.5;
/// Frequencies so many cycles away are near.
const NEAR: f64 = 3.0;
/// How many times the mean power of the frequencies beside it a period has.
const STANDS_OUT: f64 = 4.0;

/// A period that trials share.
pub(super) struct SharedPeriod {
    /// In evaluations.
    pub(super) period: f64,
    /// The chance that independent trials agree so well at any frequency.
    pub(super) chance: f64,
}

/// The surest period of curves of one length, if any stands out.
pub(super) fn shared(curves: &[&[(u64, f64)]]) -> Option<SharedPeriod> {
    let length = curves.first()?.len();
    // A share of a length below 2^53.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let early = (EARLY * length as f64) as usize;
    let n = length - early;
    if n < FEWEST || curves.len() < 3 {
        return None;
    }
    let trend = orthonormal(
        (0..=DEGREE).map(|power| (0..n).map(|i| (2.0 * i as f64 / (n - 1) as f64 - 1.0).powi(power)).collect()),
    );
    let left: Vec<Vec<f64>> = curves
        .iter()
        .filter_map(|curve| {
            let mut values: Vec<f64> = curve[early..].iter().map(|(_, value)| *value).collect();
            without(&mut values, &trend);
            // Each trial counts as much, however noisy.
            let size = dot(&values, &values).sqrt();
            (size > 0.0).then(|| values.iter().map(|value| value / size).collect())
        })
        .collect();
    let powers: Vec<(f64, f64, f64)> = frequencies(n).filter_map(|cycles| agreement(&left, &trend, cycles)).collect();
    let tried: Vec<_> = powers.iter().copied().filter(|(cycles, ..)| *cycles >= LOWEST).collect();
    let (cycles, power, ratio) = tried.iter().copied().max_by(|a, b| a.2.total_cmp(&b.2))?;
    // What curves share without a period has most power at low frequencies: a peak stands out on both sides.
    let beside = |sign: f64| {
        let is_beside = |other: f64| (2.0 * APART..=NEAR).contains(&(sign * (other - cycles)));
        let powers: Vec<f64> =
            powers.iter().filter(|(other, ..)| is_beside(*other)).map(|(_, power, _)| *power).collect();
        (!powers.is_empty()).then(|| powers.iter().sum::<f64>() / powers.len() as f64)
    };
    let others = beside(-1.0)?.max(beside(1.0).unwrap_or(0.0));
    let chance = tried.len() as f64 * chance::fisher_above(ratio, 2.0, 2.0 * (left.len() as f64 - 1.0));
    (power > STANDS_OUT * others).then_some(SharedPeriod { period: n as f64 / cycles, chance: chance.min(1.0) })
}

/// Cycles over so many values, up to a period of two.
fn frequencies(n: usize) -> impl Iterator<Item = f64> {
    (0..).map(|i| LOWEST_BESIDE + APART * f64::from(i)).take_while(move |cycles| 2.0 * cycles < n as f64 - 0.5)
}

/// How far trials agree at a frequency: its cycles, the power of the mean, and that in relation to what scatter explains.
fn agreement(left: &[Vec<f64>], trend: &[Vec<f64>], cycles: f64) -> Option<(f64, f64, f64)> {
    let n = left.first()?.len();
    let wave = |turn: fn(f64) -> f64| -> Vec<f64> {
        let mut values: Vec<f64> = (0..n).map(|i| turn(TAU * cycles * i as f64 / n as f64)).collect();
        without(&mut values, trend);
        values
    };
    let waves = orthonormal([wave(libm::cos), wave(libm::sin)].into_iter());
    let m = left.len() as f64;
    let (mut power, mut scatter) = (0.0, 0.0);
    for wave in &waves {
        let parts: Vec<f64> = left.iter().map(|values| dot(values, wave)).collect();
        let mean = parts.iter().sum::<f64>() / m;
        power += m * mean * mean / 2.0;
        scatter += parts.iter().map(|part| (part - mean).powi(2)).sum::<f64>() / (2.0 * (m - 1.0));
    }
    (scatter > 0.0).then_some((cycles, power, power / scatter))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Takes off what of a series lies in the space of orthonormal ones.
fn without(values: &mut [f64], basis: &[Vec<f64>]) {
    for other in basis {
        let part = dot(values, other);
        for (value, o) in values.iter_mut().zip(other) {
            *value -= part * o;
        }
    }
}

/// Gram and Schmidt's procedure.
fn orthonormal(series: impl Iterator<Item = Vec<f64>>) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for mut values in series {
        without(&mut values, &basis);
        let size = dot(&values, &values).sqrt();
        basis.push(values.iter().map(|value| value / size).collect());
    }
    basis
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trials(n: u32, value: impl Fn(u32, u64) -> f64) -> Vec<Vec<(u64, f64)>> {
        (0..n).map(|trial| (0..20).map(|i| (i * 100, value(trial, i))).collect()).collect()
    }

    fn found(curves: &[Vec<(u64, f64)>]) -> Option<SharedPeriod> {
        shared(&curves.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Looks irregular, and differs between trials.
    fn noise(trial: u32, i: u64) -> f64 {
        (f64::from(trial * 37 + 11) * (i as f64 + 1.3).powi(2)).sin()
    }

    #[test]
    fn a_shared_period_is_found_and_noise_is_none() {
        let wave = |i: u64, period: f64| (TAU * i as f64 / period).sin();
        let seen = found(&trials(10, |t, i| noise(t, i) + 2.0 * wave(i, 4.0) - 0.3 * i as f64)).unwrap();
        assert!(seen.chance < 1e-4 && (seen.period - 4.0).abs() < 0.5, "{} {}", seen.period, seen.chance);
        assert!(found(&trials(10, noise)).is_none_or(|seen| seen.chance > 0.05));
        // A trend is no period, nor is a drop that all share.
        assert!(found(&trials(10, |t, i| noise(t, i) + (i as f64).powi(3))).is_none_or(|seen| seen.chance > 0.05));
        let drop = |i: u64| if i > 13 { -5.0 } else { 0.0 };
        assert!(found(&trials(10, |t, i| noise(t, i) + drop(i))).is_none_or(|seen| seen.chance > 0.05));
        assert!(found(&trials(2, noise)).is_none(), "two trials share nothing");
    }
}
