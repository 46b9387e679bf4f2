//! The normal distribution, by libm: the same last bits on every machine.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Its density.
pub(super) fn density(z: f64) -> f64 {
    libm::exp(-0.5 * z * z) / (2.0 * PI).sqrt()
}

/// The probability below `z`.
pub(super) fn below(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// Below this, series take over from differences of nearly equal numbers.
const FAR: f64 = -20.0;

/// The logarithm of the probability below `z`, and its derivative.
pub(super) fn log_below(z: f64) -> (f64, f64) {
    if z > FAR {
        let p = below(z);
        return (libm::log(p), density(z) / p);
    }
    // Φ(z) ≈ φ(z)/|z| · (1 - 1/z² + 3/z⁴ - 15/z⁶).
    let w = 1.0 / (z * z);
    let series = 1.0 - w * (1.0 - w * (3.0 - 15.0 * w));
    let log = -0.5 * z * z - 0.5 * libm::log(2.0 * PI) - libm::log(-z) + libm::log(series);
    (log, -z / series)
}

/// The logarithm of `φ(z) + z Φ(z)`, the expected improvement in standard deviations, and its derivative: exact however
/// small the improvement is (Ament et al. 2023).
pub(super) fn log_improvement(z: f64) -> (f64, f64) {
    if z > FAR {
        let value = density(z) + z * below(z);
        return (libm::log(value), below(z) / value);
    }
    // φ(z)/z² · (1 - 3/z² + 15/z⁴ - 105/z⁶).
    let w = 1.0 / (z * z);
    let series = 1.0 - w * (3.0 - w * (15.0 - 105.0 * w));
    let tail = 1.0 - w * (1.0 - w * (3.0 - 15.0 * w));
    let log = -0.5 * z * z - 0.5 * libm::log(2.0 * PI) + libm::log(w) + libm::log(series);
    (log, -z * tail / series)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_join_and_derivatives_hold() {
        for function in [log_below, log_improvement] {
            let (above, beneath) = (function(FAR + 1e-9), function(FAR - 1e-9));
            assert!((above.0 - beneath.0).abs() < 1e-5 && (above.1 - beneath.1).abs() < 1e-4, "{above:?} {beneath:?}");
            for z in [-1e4, -60.0, -15.0, -3.0, 0.0, 2.0] {
                let step = 1e-5 * f64::max(1.0, -z);
                let numeric = (function(z + step).0 - function(z - step).0) / (2.0 * step);
                assert!((function(z).1 - numeric).abs() < 1e-5 * (1.0 + numeric.abs()), "{z}");
            }
        }
        // Φ(-1.959964) = 0.025; the improvement at zero is φ(0).
        assert!((log_below(-1.959_963_984_540_054).0 - 0.025_f64.ln()).abs() < 1e-12);
        assert!((log_improvement(0.0).0 - density(0.0).ln()).abs() < 1e-15);
    }
}
