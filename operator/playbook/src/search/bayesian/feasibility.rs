//! Where training works: a Gaussian process of its own classifies points as feasible or not (Gelbart, Snoek & Adams
//! 2014). An infeasible trial says nothing about the objective and gets no made-up value.
//!
//! Probit likelihood, Laplace's approximation; length scales and the latent variance are at the most probable place of
//! their posterior, by the gradient of the approximate evidence (Rasmussen & Williams 2006, algorithms 3.1 and 5.1). The
//! edges of training are smooth and sharp, so long length scales with a large variance are believed at first: a process
//! that continues, behind a few failures, as it came.

use super::{
    fit::Prior,
    kernel::{Kernel, Metric, matern_with_slope, squared_difference},
    matrix::{Cholesky, Triangle, dot},
    minimise::minimise,
    normal,
    surrogate::Surrogate,
};

/// Newton's steps; a probit's mode is met in a handful.
const STEPS: usize = 25;
/// Curvatures of the likelihood below this count as this: such points are far inside.
const LEAST_CURVATURE: f64 = 1e-7;

/// The probability of being feasible.
#[derive(Clone, Debug)]
pub(super) struct Feasibility(Surrogate);

impl Feasibility {
    /// From points that are feasible or not. Parameters are fitted within so many evaluations.
    pub(super) fn new(metrics: &[Metric], points: &[Vec<f64>], feasible: &[bool], evaluations: usize) -> Self {
        let dimensions = metrics.len();
        let labels: Vec<f64> = feasible.iter().map(|f| if *f { 1.0 } else { -1.0 }).collect();
        let evidence = ClassificationData::new(metrics, points, &labels);
        let start: Vec<f64> = evidence.priors().map(|prior| prior.mean).collect();
        let mut bounds = vec![(libm::log(0.05), libm::log(50.0)); dimensions];
        bounds.push((0.0, libm::log(1000.0)));
        let found = minimise(&start, &bounds, evaluations, 1e-2, |at| evidence.loss(at));
        let lengths: Vec<f64> = found.at[..dimensions].iter().map(|l| libm::exp(*l)).collect();
        let kernel = Kernel::new(metrics.to_vec(), &lengths, libm::exp(found.at[dimensions]));
        let latent = evidence.mode(&evidence.covariance(&found.at).0).map_or_else(
            // Nothing but the prior, when nothing can be said.
            || Surrogate::new(kernel.clone(), 1.0, &[], &[]),
            |mode| Surrogate::of_parts(kernel.clone(), points, mode.factor, mode.weights, mode.roots),
        );
        Self(latent)
    }

    /// The logarithm of the probability that a point is feasible.
    pub(super) fn log_probability(&self, point: &[f64]) -> f64 {
        let latent = self.0.predict(point);
        normal::log_below(latent.mean / (1.0 + latent.variance).sqrt()).0
    }

    /// As [`Feasibility::log_probability`], with its gradient.
    pub(super) fn log_probability_with_gradient(&self, point: &[f64]) -> (f64, Vec<f64>) {
        let (latent, of_mean, of_variance) = self.0.predict_with_gradient(point);
        let spread = (1.0 + latent.variance).sqrt();
        let z = latent.mean / spread;
        let (log, slope) = normal::log_below(z);
        let gradient =
            of_mean.iter().zip(&of_variance).map(|(m, v)| slope * (m / spread - 0.5 * z * v / (spread * spread)));
        (log, gradient.collect())
    }
}

/// Labels at points, with the squared differences of all pairs.
struct ClassificationData<'a> {
    dimensions: usize,
    labels: &'a [f64],
    squares: Vec<f64>,
}

/// Where the latent values are most probable.
struct Mode {
    factor: Cholesky,
    /// The inverse of the covariance times the latent values.
    weights: Vec<f64>,
    latent: Vec<f64>,
    /// Of the likelihood's curvatures.
    roots: Vec<f64>,
    log_evidence: f64,
}

impl<'a> ClassificationData<'a> {
    fn new(metrics: &[Metric], points: &[Vec<f64>], labels: &'a [f64]) -> Self {
        let dimensions = metrics.len();
        let mut squares = Vec::with_capacity(dimensions * points.len() * points.len() / 2);
        for (i, a) in points.iter().enumerate() {
            for b in &points[..i] {
                squares.extend((0..dimensions).map(|c| squared_difference(metrics[c], a[c], b[c])));
            }
        }
        Self { dimensions, labels, squares }
    }

    /// Of the logarithms of the length scales and of the variance.
    fn priors(&self) -> impl Iterator<Item = Prior> {
        let length_scale = Prior { mean: libm::log(0.8 * (self.dimensions as f64).sqrt()), deviation: 0.8 };
        let variance = Prior { mean: libm::log(50.0), deviation: 1.0 };
        std::iter::repeat_n(length_scale, self.dimensions).chain([variance])
    }

    /// The covariance of the latent values, and by pair its derivative by the squared distance.
    fn covariance(&self, logarithms: &[f64]) -> (Triangle, Vec<f64>) {
        let (d, n) = (self.dimensions, self.labels.len());
        let weights: Vec<f64> = logarithms[..d].iter().map(|l| libm::exp(-2.0 * l)).collect();
        let variance = libm::exp(logarithms[d]);
        let mut slopes = Vec::with_capacity(n * n / 2);
        let mut covariance = Triangle::with_capacity(n);
        let mut pairs = self.squares.chunks_exact(d.max(1));
        for i in 0..n {
            let mut row = Vec::with_capacity(i + 1);
            for pair in pairs.by_ref().take(i) {
                let (value, slope) = matern_with_slope(dot(pair, &weights));
                row.push(variance * value);
                slopes.push(variance * slope);
            }
            row.push(variance * (1.0 + 1e-8));
            covariance.push_row(row);
        }
        (covariance, slopes)
    }

    /// Newton's method, in the form that stays stable.
    fn mode(&self, covariance: &Triangle) -> Option<Mode> {
        let n = self.labels.len();
        let mut latent = vec![0.0; n];
        let mut last = f64::NEG_INFINITY;
        for step in 0..STEPS {
            let slopes: Vec<f64> = self.labels.iter().zip(&latent).map(|(y, f)| normal::log_below(y * f).1).collect();
            let curvature = |i: usize| (slopes[i] * (slopes[i] + self.labels[i] * latent[i])).max(LEAST_CURVATURE);
            let curvatures: Vec<f64> = (0..n).map(curvature).collect();
            let roots: Vec<f64> = curvatures.iter().map(|w| w.sqrt()).collect();
            let mut inner = Triangle::with_capacity(n);
            for i in 0..n {
                let row = covariance.row(i);
                inner.push_row((0..=i).map(|j| roots[i] * row[j] * roots[j] + f64::from(u8::from(i == j))));
            }
            let factor = Cholesky::new(&inner)?;
            let b: Vec<f64> = (0..n).map(|i| curvatures[i] * latent[i] + self.labels[i] * slopes[i]).collect();
            let right: Vec<f64> = covariance.times(&b).iter().zip(&roots).map(|(x, r)| x * r).collect();
            let solved = factor.solve(&right);
            let weights: Vec<f64> = (0..n).map(|i| b[i] - roots[i] * solved[i]).collect();
            latent = covariance.times(&weights);
            let likelihood: f64 = self.labels.iter().zip(&latent).map(|(y, f)| normal::log_below(y * f).0).sum();
            let objective = -0.5 * dot(&weights, &latent) + likelihood;
            if (objective - last).abs() < 1e-7 * (1.0 + objective.abs()) || step + 1 == STEPS {
                let log_evidence = objective - factor.half_log_determinant();
                return log_evidence.is_finite().then_some(Mode { factor, weights, latent, roots, log_evidence });
            }
            last = objective;
        }
        None
    }

    /// The negative logarithm of the posterior's density and its gradient by the parameters' logarithms.
    fn loss(&self, logarithms: &[f64]) -> (f64, Vec<f64>) {
        let (d, n) = (self.dimensions, self.labels.len());
        let (covariance, slopes) = self.covariance(logarithms);
        let Some(mode) = self.mode(&covariance) else { return (f64::INFINITY, vec![0.0; d + 1]) };
        let inverse = mode.factor.inverse();
        // R of algorithm 5.1, and how the evidence changes with the mode.
        let residual = |i: usize, j: usize| mode.roots[i] * inverse.row(i)[j] * mode.roots[j];
        let (mut first, mut by_mode) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for i in 0..n {
            let y = self.labels[i];
            let inside = y * mode.latent[i];
            let slope = normal::log_below(inside).1;
            first.push(y * slope);
            let third = y * ((2.0 * slope + inside) * slope * (slope + inside) - slope);
            // Where the curvature is taken for its least it doesn't change.
            let third = if slope * (slope + inside) > LEAST_CURVATURE { third } else { 0.0 };
            let posterior = (1.0 - inverse.row(i)[i]) / (mode.roots[i] * mode.roots[i]);
            by_mode.push(0.5 * posterior * third);
        }
        let spread: Vec<f64> = covariance.times(&by_mode).iter().zip(&mode.roots).map(|(x, r)| x * r).collect();
        let pushed: Vec<f64> = inverse.times(&spread).iter().zip(&mode.roots).map(|(x, r)| x * r).collect();
        let pushed: Vec<f64> = by_mode.iter().zip(&pushed).map(|(s, p)| s - p).collect();
        let mut gradient = vec![0.0; d + 1];
        let mut pair = 0;
        for i in 0..n {
            let row = covariance.row(i);
            for j in 0..i {
                let pull =
                    mode.weights[i] * mode.weights[j] - residual(i, j) + pushed[i] * first[j] + pushed[j] * first[i];
                gradient[d] -= pull * row[j];
                let pull = pull * slopes[pair];
                let squares = &self.squares[pair * d..(pair + 1) * d];
                gradient[..d].iter_mut().zip(squares).for_each(|(g, s)| *g -= pull * s);
                pair += 1;
            }
            let pull = 0.5 * (mode.weights[i] * mode.weights[i] - residual(i, i)) + pushed[i] * first[i];
            gradient[d] -= pull * row[i];
        }
        for (g, l) in gradient[..d].iter_mut().zip(logarithms) {
            *g *= -2.0 * libm::exp(-2.0 * l);
        }
        let mut loss = -mode.log_evidence;
        for ((prior, at), gradient) in self.priors().zip(logarithms).zip(&mut gradient) {
            let off = (at - prior.mean) / prior.deviation;
            loss += 0.5 * off * off;
            *gradient += off / prior.deviation;
        }
        (loss, gradient)
    }
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
        let (inside, outside) = (probability(&[0.3, 0.5]), probability(&[0.9, 0.5]));
        assert!(inside > 0.9 && outside < 0.15, "{inside} {outside}");
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
    fn the_gradient_is_the_derivative() {
        let points: Vec<Vec<f64>> = (0..25)
            .map(|i| {
                let i = f64::from(i);
                vec![(i * 0.618_034).fract(), (i * 0.414_214).fract(), i % 2.0]
            })
            .collect();
        let labels: Vec<f64> = points.iter().map(|p| if p[0] + 0.4 * p[1] < 0.8 { 1.0 } else { -1.0 }).collect();
        let metrics = [Metric::Number, Metric::Number, Metric::Category];
        let evidence = ClassificationData::new(&metrics, &points, &labels);
        let at = [-0.7, 0.1, 0.6, 2.0];
        let (_, gradient) = evidence.loss(&at);
        for (i, gradient) in gradient.iter().enumerate() {
            let moved = |by: f64| {
                let mut at = at;
                at[i] += by;
                evidence.loss(&at).0
            };
            let numeric = (moved(1e-4) - moved(-1e-4)) / 2e-4;
            assert!((gradient - numeric).abs() < 1e-3 * (1.0 + numeric.abs()), "{i}: {gradient} {numeric}");
        }
    }

    #[test]
    fn everything_infeasible_leaves_hope_far_away() {
        let points = vec![vec![0.9], vec![0.95]];
        let model = Feasibility::new(&[Metric::Number], &points, &[false, false], 40);
        assert!(model.log_probability(&[0.1]) > model.log_probability(&[0.9]));
    }
}
