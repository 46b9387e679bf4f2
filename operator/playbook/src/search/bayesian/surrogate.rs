//! The surrogate: a Gaussian process with mean zero and independent noise of one variance (Rasmussen & Williams 2006,
//! algorithm 2.1).

use super::{
    kernel::{Kernel, matern, matern_with_slope},
    matrix::{Cholesky, Triangle, dot},
};

/// What a Gaussian process says about the value at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Prediction {
    pub(super) mean: f64,
    /// Of the value itself, without noise.
    pub(super) variance: f64,
}

/// A Gaussian process given the values at some points.
#[derive(Clone, Debug)]
pub(super) struct Surrogate {
    kernel: Kernel,
    noise: f64,
    /// The points one behind the other.
    points: Vec<f64>,
    targets: Vec<f64>,
    factor: Cholesky,
    /// The inverse of the covariance times the targets.
    weights: Vec<f64>,
    /// What each covariance is multiplied by before the factor is applied; empty for ones. See [`super::feasibility`].
    scales: Vec<f64>,
}

/// Noise is raised tenfold at most this often until the covariance has a factor.
const RAISES: usize = 12;

impl Surrogate {
    /// Given targets at points. Noise is raised, if need be, until the covariance has a factor.
    pub(super) fn new(kernel: Kernel, noise: f64, points: &[Vec<f64>], targets: &[f64]) -> Self {
        let flat: Vec<f64> = points.iter().flatten().copied().collect();
        let dimensions = kernel.metrics.len();
        let mut covariance = Triangle::with_capacity(points.len());
        for (i, point) in points.iter().enumerate() {
            let before = flat.chunks(dimensions.max(1)).take(i);
            let row: Vec<f64> = before.map(|other| kernel.at(point, other)).collect();
            covariance.push_row(row.into_iter().chain([kernel.variance]));
        }
        let mut noise = noise.max(kernel.variance * 1e-12);
        let mut found = None;
        for _ in 0..RAISES {
            found = with_noise(&covariance, noise);
            if found.is_some() {
                break;
            }
            noise *= 10.0;
        }
        let factor = found.unwrap_or_default();
        // Unreachable but for points that aren't finite: then the prior is all that is known.
        let kept = factor.rows();
        let targets = targets[..kept].to_vec();
        let weights = factor.solve(&targets);
        Self { kernel, noise, points: flat[..kept * dimensions].to_vec(), targets, factor, weights, scales: Vec::new() }
    }

    /// A process of which the mean at a point is its covariances times `weights`, and the variance the prior's less the
    /// squared length of its covariances, each times its scale, after solving for the factor.
    pub(super) fn of_parts(
        kernel: Kernel,
        points: &[Vec<f64>],
        factor: Cholesky,
        weights: Vec<f64>,
        scales: Vec<f64>,
    ) -> Self {
        let points = points.iter().flatten().copied().collect();
        Self { kernel, noise: 0.0, points, targets: vec![0.0; weights.len()], factor, weights, scales }
    }

    fn scaled(&self, values: Vec<f64>) -> Vec<f64> {
        if self.scales.is_empty() { values } else { values.iter().zip(&self.scales).map(|(v, s)| v * s).collect() }
    }

    fn len(&self) -> usize {
        self.targets.len()
    }

    /// The same process given one more target.
    pub(super) fn condition(&mut self, point: &[f64], target: f64) {
        let cross = self.covariances(point);
        self.factor.push(&cross, self.kernel.variance + self.noise);
        self.points.extend_from_slice(point);
        self.targets.push(target);
        self.weights = self.factor.solve(&self.targets);
    }

    /// The logarithm of the targets' density.
    #[cfg(test)]
    pub(super) fn log_marginal_likelihood(&self) -> f64 {
        let n = self.targets.len() as f64;
        -0.5 * dot(&self.targets, &self.weights)
            - self.factor.half_log_determinant()
            - 0.5 * n * libm::log(2.0 * std::f64::consts::PI)
    }

    fn covariances(&self, point: &[f64]) -> Vec<f64> {
        let others = self.points.chunks_exact(point.len().max(1));
        others.map(|other| self.kernel.variance * matern(self.kernel.squared(point, other))).collect()
    }

    /// What is expected at a point.
    pub(super) fn predict(&self, point: &[f64]) -> Prediction {
        let cross = self.covariances(point);
        let mean = dot(&cross, &self.weights);
        let half = self.factor.forward(&self.scaled(cross));
        let variance = (self.kernel.variance - dot(&half, &half)).max(self.kernel.variance * 1e-14);
        Prediction { mean, variance }
    }

    /// The mean alone: much cheaper.
    pub(super) fn mean(&self, point: &[f64]) -> f64 {
        dot(&self.covariances(point), &self.weights)
    }

    /// What is expected at a point with the gradients of mean and variance by its coordinates; those of categories are
    /// zero.
    pub(super) fn predict_with_gradient(&self, point: &[f64]) -> (Prediction, Vec<f64>, Vec<f64>) {
        let dimensions = point.len();
        let (mut cross, mut slopes) = (Vec::with_capacity(self.len()), Vec::with_capacity(self.len()));
        for other in self.points.chunks_exact(dimensions.max(1)) {
            let (value, slope) = matern_with_slope(self.kernel.squared(point, other));
            cross.push(self.kernel.variance * value);
            slopes.push(self.kernel.variance * slope);
        }
        let mean = dot(&cross, &self.weights);
        let half = self.factor.forward(&self.scaled(cross));
        let variance = (self.kernel.variance - dot(&half, &half)).max(self.kernel.variance * 1e-14);
        let solved = self.scaled(self.factor.backward(&half));
        let (mut of_mean, mut of_variance) = (vec![0.0; dimensions], vec![0.0; dimensions]);
        for (i, other) in self.points.chunks_exact(dimensions.max(1)).enumerate() {
            let (mean, variance) = (slopes[i] * self.weights[i], -2.0 * slopes[i] * solved[i]);
            for c in 0..dimensions {
                let by = 2.0 * self.kernel.inverse_squares[c] * self.kernel.metrics[c].signed(point[c], other[c]);
                of_mean[c] += mean * by;
                of_variance[c] += variance * by;
            }
        }
        (Prediction { mean, variance }, of_mean, of_variance)
    }
}

fn with_noise(covariance: &Triangle, noise: f64) -> Option<Cholesky> {
    let mut sum = covariance.clone();
    for i in 0..sum.rows() {
        sum.row_mut(i)[i] += noise;
    }
    Cholesky::new(&sum)
}

#[cfg(test)]
mod tests {
    use super::{super::kernel::Metric, *};

    fn process() -> Surrogate {
        let kernel = Kernel::new(vec![Metric::Number, Metric::Number, Metric::Category], &[0.3, 0.6, 1.5], 1.7);
        let points: Vec<Vec<f64>> = (0..12)
            .map(|i| {
                let i = f64::from(i);
                vec![(i * 0.618_034).fract(), (i * 0.414_214).fract(), i % 3.0]
            })
            .collect();
        let targets: Vec<f64> = points.iter().map(|p| (5.0 * p[0]).sin() + p[1] * p[2]).collect();
        Surrogate::new(kernel, 1e-4, &points, &targets)
    }

    #[test]
    fn gradients_are_derivatives() {
        let process = process();
        let at = [0.37, 0.81, 1.0];
        let (prediction, of_mean, of_variance) = process.predict_with_gradient(&at);
        assert_eq!(prediction, process.predict(&at));
        for c in 0..2 {
            let moved = |by: f64| {
                let mut at = at;
                at[c] += by;
                process.predict(&at)
            };
            let (up, down) = (moved(1e-6), moved(-1e-6));
            assert!((of_mean[c] - (up.mean - down.mean) / 2e-6).abs() < 1e-6);
            assert!((of_variance[c] - (up.variance - down.variance) / 2e-6).abs() < 1e-6);
        }
        assert!(of_mean[2].abs() + of_variance[2].abs() < 1e-300);
    }

    #[test]
    fn conditioning_is_the_same_as_knowing_from_the_start() {
        let mut process = process();
        process.condition(&[0.5, 0.5, 2.0], 0.3);
        let points: Vec<Vec<f64>> = process.points.chunks(3).map(<[f64]>::to_vec).collect();
        let afresh = Surrogate::new(process.kernel.clone(), process.noise, &points, &process.targets);
        let (a, b) = (process.predict(&[0.4, 0.4, 2.0]), afresh.predict(&[0.4, 0.4, 2.0]));
        assert!((a.mean - b.mean).abs() < 1e-9 && (a.variance - b.variance).abs() < 1e-9);
        assert!((process.log_marginal_likelihood() - afresh.log_marginal_likelihood()).abs() < 1e-9);
        assert!((process.mean(&[0.4, 0.4, 2.0]) - a.mean).abs() < 1e-12);
    }
}
