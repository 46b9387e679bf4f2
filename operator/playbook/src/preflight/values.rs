//! Whether two trainings with the same seeds gave the same values.

use super::AttemptSeen;

/// How values of one metric at the same steps compare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Comparison {
    /// Steps that both measured.
    pub steps: usize,
    /// The largest relative difference, and its step; nothing where all values are the same to the last bit.
    pub largest: Option<(f64, u64)>,
}

/// Compares the values of a metric that both trainings measured.
pub(super) fn compare(metric: &str, a: &AttemptSeen, b: &AttemptSeen) -> Comparison {
    let (a, b) = (a.by_step(metric), b.by_step(metric));
    let mut compared = Comparison { steps: 0, largest: None };
    for (step, x) in &a {
        let Some(y) = b.get(step) else { continue };
        compared.steps += 1;
        // The two zeros are one.
        if (x + 0.0).to_bits() == (y + 0.0).to_bits() || (x.is_nan() && y.is_nan()) {
            continue;
        }
        let scale = x.abs().max(y.abs());
        let difference = if scale.is_finite() { (x - y).abs() / scale } else { f64::INFINITY };
        if compared.largest.is_none_or(|(most, _)| difference > most) {
            compared.largest = Some((difference, *step));
        }
    }
    compared
}
