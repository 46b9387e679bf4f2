//! The kernel: Matérn-5/2 with a length scale for each coordinate (ARD), times a variance.
//!
//! A coordinate adds to the squared distance: a number the square of its difference over its length scale, a category
//! one over the square of its length scale when the two differ (the distance of one-hot vectors). Both are distances of
//! an embedding in a Euclidean space, so every matrix of the kernel is positive semidefinite, mixed spaces included.

/// How two values of a coordinate differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Metric {
    /// By the difference of numbers.
    Number,
    /// The same or not.
    Category,
}

impl Metric {
    /// The difference whose square [`squared_difference`] is, as far as it has a derivative: none for categories.
    pub(super) fn signed(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Number => a - b,
            Self::Category => 0.0,
        }
    }
}

/// A kernel with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kernel {
    /// How each coordinate differs.
    pub(super) metrics: Vec<Metric>,
    /// One over the square of each coordinate's length scale.
    pub(super) inverse_squares: Vec<f64>,
    /// The variance of a value: the kernel at distance zero.
    pub(super) variance: f64,
}

const ROOT_5: f64 = 2.236_067_977_499_79;

/// The correlation at a squared distance.
pub(super) fn matern(squared: f64) -> f64 {
    let r = ROOT_5 * squared.sqrt();
    (1.0 + r + r * r / 3.0) * libm::exp(-r)
}

/// The correlation at a squared distance, and its derivative by the squared distance: finite at zero.
pub(super) fn matern_with_slope(squared: f64) -> (f64, f64) {
    let r = ROOT_5 * squared.sqrt();
    let decay = libm::exp(-r);
    ((1.0 + r + r * r / 3.0) * decay, -5.0 / 6.0 * (1.0 + r) * decay)
}

impl Kernel {
    /// With length scales and a variance.
    pub(super) fn new(metrics: Vec<Metric>, length_scales: &[f64], variance: f64) -> Self {
        Self { metrics, inverse_squares: length_scales.iter().map(|l| 1.0 / (l * l)).collect(), variance }
    }

    /// The squared distance in length scales.
    pub(super) fn squared(&self, a: &[f64], b: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (((a, b), metric), weight) in a.iter().zip(b).zip(&self.metrics).zip(&self.inverse_squares) {
            sum += weight * squared_difference(*metric, *a, *b);
        }
        sum
    }

    /// The covariance of the values at two points.
    pub(super) fn at(&self, a: &[f64], b: &[f64]) -> f64 {
        self.variance * matern(self.squared(a, b))
    }
}

/// How far two values of a coordinate are apart, squared.
#[allow(clippy::float_cmp)] // Categories are whole numbers.
pub(super) fn squared_difference(metric: Metric, a: f64, b: f64) -> f64 {
    match metric {
        Metric::Number => (a - b) * (a - b),
        Metric::Category => f64::from(u8::from(a != b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_the_derivative() {
        for squared in [0.01, 0.5, 3.0] {
            let numeric = (matern(squared + 1e-6) - matern(squared - 1e-6)) / 2e-6;
            assert!((matern_with_slope(squared).1 - numeric).abs() < 1e-8);
        }
        assert!((matern(0.0) - 1.0).abs() < 1e-15);
    }
}
