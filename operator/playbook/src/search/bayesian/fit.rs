//! Fitting the surrogate: the kernel's length scales and variance and the noise at the most probable place of their
//! posterior (marginal likelihood times priors), by its analytic gradient.
//!
//! Priors, on logarithms, normal: length scales around a place that grows with the square root of the number of
//! dimensions (Hvarfner, Hellsten & Nardi 2024: without that a process in eight dimensions believes that nothing is
//! known anywhere), the variance around one for standardised targets, and noise around very little: most objectives are
//! nearly free of noise at the precision that matters early, and a fit raises it where targets contradict one another.

use super::{
    kernel::{Kernel, Metric, matern_with_slope, squared_difference},
    matrix::{Cholesky, Triangle, dot},
    minimise::minimise,
};

/// A normal density of a parameter's logarithm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prior {
    pub(super) mean: f64,
    pub(super) deviation: f64,
}

/// What is believed before any result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Priors {
    pub(super) length_scale: Prior,
    pub(super) variance: Prior,
    pub(super) noise: Prior,
}

/// Parameters that were found.
#[derive(Clone, Debug)]
pub(super) struct Fitted {
    pub(super) length_scales: Vec<f64>,
    pub(super) variance: f64,
    pub(super) noise: f64,
    /// The negative logarithm of the posterior's density, up to a constant.
    pub(super) loss: f64,
}

impl Fitted {
    /// The kernel with these parameters.
    pub(super) fn kernel(&self, metrics: &[Metric]) -> Kernel {
        Kernel::new(metrics.to_vec(), &self.length_scales, self.variance)
    }

    fn logarithms(&self) -> Vec<f64> {
        self.length_scales.iter().chain([&self.variance, &self.noise]).map(|x| libm::log(*x)).collect()
    }

    fn of(logarithms: &[f64], loss: f64) -> Self {
        let dimensions = logarithms.len() - 2;
        let at = |i: usize| libm::exp(logarithms[i]);
        Self {
            length_scales: (0..dimensions).map(at).collect(),
            variance: at(dimensions),
            noise: at(dimensions + 1),
            loss,
        }
    }
}

/// Targets at points, with the squared differences of all pairs, which every evaluation needs.
#[derive(Debug)]
pub(super) struct RegressionData<'a> {
    dimensions: usize,
    targets: &'a [f64],
    /// By pair, the first point after the second, one behind the other.
    squares: Vec<f64>,
    priors: Priors,
}

impl<'a> RegressionData<'a> {
    pub(super) fn new(metrics: &[Metric], points: &[Vec<f64>], targets: &'a [f64], priors: Priors) -> Self {
        let dimensions = metrics.len();
        let mut squares = Vec::with_capacity(dimensions * points.len() * points.len() / 2);
        for (i, a) in points.iter().enumerate() {
            for b in &points[..i] {
                squares.extend((0..dimensions).map(|c| squared_difference(metrics[c], a[c], b[c])));
            }
        }
        Self { dimensions, targets, squares, priors }
    }

    /// The most probable parameters, from the best of the starts within so many evaluations for each.
    pub(super) fn fit(&self, warm: Option<&Fitted>, evaluations: usize) -> Fitted {
        let d = self.dimensions;
        let Priors { length_scale, variance, noise } = self.priors;
        let start = |shift: f64| {
            let mut start = vec![length_scale.mean + shift; d];
            start.extend([variance.mean, noise.mean]);
            start
        };
        let starts = match warm {
            Some(warm) => vec![warm.logarithms()],
            None => vec![start(0.0), start(-1.0)],
        };
        let mut bounds = vec![(libm::log(0.01), libm::log(100.0)); d];
        bounds.extend([(libm::log(0.01), libm::log(100.0)), (libm::log(1e-9), 0.0)]);
        let mut best: Option<Fitted> = None;
        for start in starts {
            let found = minimise(&start, &bounds, evaluations, 1e-3, |at| self.loss(at));
            if best.as_ref().is_none_or(|best| found.value < best.loss) {
                best = Some(Fitted::of(&found.at, found.value));
            }
        }
        best.unwrap_or_else(|| Fitted::of(&start(0.0), f64::INFINITY))
    }

    /// The negative logarithm of the posterior's density and its gradient by the parameters' logarithms.
    pub(super) fn loss(&self, logarithms: &[f64]) -> (f64, Vec<f64>) {
        let d = self.dimensions;
        let n = self.targets.len();
        let inverse_squares: Vec<f64> = logarithms[..d].iter().map(|l| libm::exp(-2.0 * l)).collect();
        let (variance, noise) = (libm::exp(logarithms[d]), libm::exp(logarithms[d + 1]));
        let mut covariance = Triangle::with_capacity(n);
        let mut slopes = Vec::with_capacity(n * n / 2);
        let mut pairs = self.squares.chunks_exact(d.max(1));
        for i in 0..n {
            let mut row = Vec::with_capacity(i + 1);
            for pair in pairs.by_ref().take(i) {
                let (value, slope) = matern_with_slope(dot(pair, &inverse_squares));
                row.push(variance * value);
                slopes.push(variance * slope);
            }
            row.push(variance + noise);
            covariance.push_row(row);
        }
        let Some(factor) = Cholesky::new(&covariance) else {
            return (f64::INFINITY, vec![0.0; d + 2]);
        };
        let weights = factor.solve(self.targets);
        let inverse = factor.inverse();
        let mut loss = 0.5 * dot(self.targets, &weights) + factor.half_log_determinant();
        let mut gradient = vec![0.0; d + 2];
        let (mut pair, mut of_variance, mut of_noise) = (0, 0.0, 0.0);
        for i in 0..n {
            let (inverse, covariance) = (inverse.row(i), covariance.row(i));
            for j in 0..i {
                // Both halves of the symmetric matrix at once.
                let pull = inverse[j] - weights[i] * weights[j];
                of_variance += pull * covariance[j];
                let pull = pull * slopes[pair];
                let squares = &self.squares[pair * d..(pair + 1) * d];
                gradient[..d].iter_mut().zip(squares).for_each(|(g, s)| *g += pull * s);
                pair += 1;
            }
            let pull = 0.5 * (inverse[i] - weights[i] * weights[i]);
            of_variance += pull * variance;
            of_noise += pull * noise;
        }
        gradient[..d].iter_mut().zip(&inverse_squares).for_each(|(g, w)| *g *= -2.0 * w);
        gradient[d] = of_variance;
        gradient[d + 1] = of_noise;
        let Priors { length_scale, variance, noise } = self.priors;
        let priors = std::iter::repeat_n(length_scale, d).chain([variance, noise]);
        for ((prior, at), gradient) in priors.zip(logarithms).zip(&mut gradient) {
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
    fn the_gradient_is_the_derivative() {
        let metrics = [Metric::Number, Metric::Number, Metric::Category];
        let points: Vec<Vec<f64>> = (0..15)
            .map(|i| {
                let i = f64::from(i);
                vec![(i * 0.618_034).fract(), (i * 0.414_214).fract(), i % 3.0]
            })
            .collect();
        let targets: Vec<f64> = points.iter().map(|p| (7.0 * p[0]).sin() + p[1] * p[2] - 0.7).collect();
        let prior = Prior { mean: -0.5, deviation: 1.0 };
        let priors = Priors { length_scale: prior, variance: prior, noise: Prior { mean: -6.0, deviation: 2.0 } };
        let evidence = RegressionData::new(&metrics, &points, &targets, priors);
        let at = [-0.9, 0.2, 0.4, 0.3, -5.0];
        let (_, gradient) = evidence.loss(&at);
        for (i, gradient) in gradient.iter().enumerate() {
            let moved = |by: f64| {
                let mut at = at;
                at[i] += by;
                evidence.loss(&at).0
            };
            let numeric = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((gradient - numeric).abs() < 1e-5 * (1.0 + numeric.abs()), "{i}: {gradient} {numeric}");
        }
    }
}
