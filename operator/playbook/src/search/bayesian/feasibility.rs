//! Where training works: a Gaussian process of its own classifies points as feasible or not (Gelbart, Snoek & Adams
//! 2014). An infeasible trial says nothing about the objective and gets no made-up value.
//!
//! Probit likelihood, Laplace's approximation (Rasmussen & Williams 2006, section 3.4 and algorithm 3.1). Length scales
//! come from a regression on labels of ±1, which is cheap; the latent variance is the one of a few with the greatest
//! evidence.

use super::{
    fit::{Evidence, Prior, Priors},
    kernel::{Kernel, Metric},
    matrix::{Cholesky, Triangle, dot},
    normal,
    surrogate::Surrogate,
};

/// Latent variances that are tried: from a soft edge to a hard one.
const VARIANCES: [f64; 3] = [4.0, 16.0, 64.0];
/// Newton's steps; a probit's mode is met in a handful.
const STEPS: usize = 20;

/// The probability of being feasible.
#[derive(Clone, Debug)]
pub(super) struct Feasibility {
    latent: Surrogate,
    /// The latent mean far from all points.
    offset: f64,
}

impl Feasibility {
    /// From points that are feasible or not.
    pub(super) fn new(metrics: &[Metric], points: &[Vec<f64>], feasible: &[bool], evaluations: usize) -> Self {
        let labels: Vec<f64> = feasible.iter().map(|f| if *f { 1.0 } else { -1.0 }).collect();
        let priors = Priors {
            length_scale: Prior { mean: libm::log(0.5 * (metrics.len() as f64).sqrt()), deviation: 1.0 },
            variance: Prior { mean: 0.0, deviation: 0.5 },
            noise: Prior { mean: -4.0, deviation: 1.0 },
        };
        let share = feasible.iter().filter(|f| **f).count() as f64 / feasible.len().max(1) as f64;
        let centred: Vec<f64> = labels.iter().map(|l| l - (2.0 * share - 1.0)).collect();
        let fitted = Evidence::new(metrics, points, &centred, priors).fit(None, evaluations);
        let offset = 0.0;
        let mut best: Option<(f64, Surrogate)> = None;
        for variance in VARIANCES {
            let kernel = Kernel::new(metrics.to_vec(), &fitted.length_scales, variance);
            if let Some((evidence, latent)) = laplace(kernel, points, &labels, offset)
                && best.as_ref().is_none_or(|(most, _)| evidence > *most)
            {
                best = Some((evidence, latent));
            }
        }
        let latent = best.map_or_else(
            || Surrogate::new(Kernel::new(metrics.to_vec(), &fitted.length_scales, 1.0), 1.0, &[], &[]),
            |(_, latent)| latent,
        );
        Self { latent, offset }
    }

    /// The logarithm of the probability that a point is feasible.
    pub(super) fn log_probability(&self, point: &[f64]) -> f64 {
        let latent = self.latent.predict(point);
        normal::log_below((self.offset + latent.mean) / (1.0 + latent.variance).sqrt()).0
    }

    /// As [`Feasibility::log_probability`], with its gradient.
    pub(super) fn log_probability_with_gradient(&self, point: &[f64]) -> (f64, Vec<f64>) {
        let (latent, of_mean, of_variance) = self.latent.predict_with_gradient(point);
        let spread = (1.0 + latent.variance).sqrt();
        let z = (self.offset + latent.mean) / spread;
        let (log, slope) = normal::log_below(z);
        let gradient =
            of_mean.iter().zip(&of_variance).map(|(m, v)| slope * (m / spread - 0.5 * z * v / (spread * spread)));
        (log, gradient.collect())
    }
}

/// The latent process by Laplace's approximation and the logarithm of its evidence.
fn laplace(kernel: Kernel, points: &[Vec<f64>], labels: &[f64], offset: f64) -> Option<(f64, Surrogate)> {
    let n = points.len();
    let covariance: Vec<Vec<f64>> =
        points.iter().map(|a| points.iter().map(|b| kernel.at(a, b)).collect()).collect();
    let mut latent = vec![0.0; n];
    let mut last = f64::NEG_INFINITY;
    let mut found = None;
    for _ in 0..STEPS {
        let likelihoods: Vec<(f64, f64)> =
            labels.iter().zip(&latent).map(|(y, f)| normal::log_below(y * (f + offset))).collect();
        // d/df log Φ(yf) and minus its second derivative.
        let gradient: Vec<f64> = likelihoods.iter().zip(labels).map(|((_, slope), y)| y * slope).collect();
        let curvature: Vec<f64> = (0..n)
            .map(|i| {
                let slope = likelihoods[i].1;
                (slope * (slope + labels[i] * (latent[i] + offset))).max(1e-12)
            })
            .collect();
        let roots: Vec<f64> = curvature.iter().map(|w| w.sqrt()).collect();
        let mut inner = Triangle::with_capacity(n);
        for i in 0..n {
            inner.push_row((0..=i).map(|j| roots[i] * covariance[i][j] * roots[j] + f64::from(u8::from(i == j))));
        }
        let factor = Cholesky::new(&inner)?;
        let b: Vec<f64> = (0..n).map(|i| curvature[i] * latent[i] + gradient[i]).collect();
        let right: Vec<f64> = (0..n).map(|i| roots[i] * dot(&covariance[i], &b)).collect();
        let solved = factor.solve(&right);
        let weights: Vec<f64> = (0..n).map(|i| b[i] - roots[i] * solved[i]).collect();
        latent = covariance.iter().map(|row| dot(row, &weights)).collect();
        let log_likelihood: f64 = labels.iter().zip(&latent).map(|(y, f)| normal::log_below(y * (f + offset)).0).sum();
        let objective = -0.5 * dot(&weights, &latent) + log_likelihood;
        let evidence = objective - factor.half_log_determinant();
        let settled = (objective - last).abs() < 1e-6 * (1.0 + objective.abs());
        last = objective;
        found = Some((evidence, factor, weights, roots));
        if settled {
            break;
        }
    }
    let (evidence, factor, weights, roots) = found?;
    evidence.is_finite().then(|| (evidence, Surrogate::of_parts(kernel, points, factor, weights, roots)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_an_edge_and_knows_how_its_probability_changes() {
        let points: Vec<Vec<f64>> = (0..40)
            .map(|i| {
                let i = f64::from(i);
                vec![(i * 0.618_034).fract(), (i * 0.414_214).fract()]
            })
            .collect();
        let feasible: Vec<bool> = points.iter().map(|p| p[0] + 0.2 * p[1] < 0.7).collect();
        let model = Feasibility::new(&[Metric::Number; 2], &points, &feasible, 40);
        let probability = |p: &[f64]| model.log_probability(p).exp();
        assert!(probability(&[0.3, 0.5]) > 0.9 && probability(&[0.9, 0.5]) < 0.1);
        assert!((0.2..0.8).contains(&probability(&[0.6, 0.5])), "{}", probability(&[0.6, 0.5]));
        let (_, gradient) = model.log_probability_with_gradient(&[0.6, 0.5]);
        for c in 0..2 {
            let moved = |by: f64| {
                let mut at = [0.6, 0.5];
                at[c] += by;
                model.log_probability(&at)
            };
            assert!((gradient[c] - (moved(1e-6) - moved(-1e-6)) / 2e-6).abs() < 1e-5);
        }
    }

    #[test]
    fn everything_infeasible_leaves_hope_far_away() {
        let points = vec![vec![0.9], vec![0.95]];
        let model = Feasibility::new(&[Metric::Number], &points, &[false, false], 40);
        assert!(model.log_probability(&[0.1]) > model.log_probability(&[0.9]));
    }
}
