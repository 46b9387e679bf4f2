//! How promising a point is: the logarithm of its expected improvement (Ament et al. 2023: the logarithm has slopes where
//! the improvement itself is flat) plus that of its probability of being feasible (Gelbart et al. 2014).

use super::{feasibility::Feasibility, normal, surrogate::Surrogate};

/// What is known, and how a point is judged by it.
#[derive(Clone, Debug)]
pub(super) struct Acquisition {
    pub(super) objective: Surrogate,
    /// The target to improve on.
    pub(super) incumbent: f64,
    /// Only where infeasible trials were seen.
    pub(super) feasibility: Option<Feasibility>,
    pub(super) caution: Caution,
}

/// How much a small probability of being feasible counts against a point.
///
/// The product of improvement and probability alone doesn't do: once the feasible side is well known, its improvements
/// become so small that any probability beyond the edge outweighs them, and nearly all suggestions fail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caution {
    /// How many times its logarithm counts.
    pub(super) factor: f64,
    /// Below this probability ...
    pub(super) least: f64,
    /// ... it counts so many times more.
    pub(super) steepness: f64,
}

impl Caution {
    /// What a logarithm of a probability adds, and its derivative.
    fn of(self, log: f64) -> (f64, f64) {
        let short = log - libm::log(self.least);
        if short < 0.0 {
            (self.factor * log + self.steepness * short, self.factor + self.steepness)
        } else {
            (self.factor * log, self.factor)
        }
    }
}

/// The logarithm of an improvement that is too small to matter, of targets with variance one.
const TOO_SMALL: f64 = -16.0;

/// The logarithm of an improvement as far as it is worth having, and its derivative. Below what matters it falls like a
/// logarithm of itself: that tells points apart, and outweighs no danger however well the safe side is known.
fn worth_having(log: f64) -> (f64, f64) {
    let short = TOO_SMALL - log;
    if short > 0.0 { (TOO_SMALL - libm::log1p(short), 1.0 / (1.0 + short)) } else { (log, 1.0) }
}

impl Acquisition {
    /// More is better.
    pub(super) fn value(&self, point: &[f64]) -> f64 {
        let prediction = self.objective.predict(point);
        let deviation = prediction.variance.sqrt();
        let log = normal::log_improvement((self.incumbent - prediction.mean) / deviation).0;
        let improvement = worth_having(libm::log(deviation) + log).0;
        improvement + self.feasibility.as_ref().map_or(0.0, |f| self.caution.of(f.log_probability(point)).0)
    }

    /// With the gradient by the point's coordinates.
    pub(super) fn value_with_gradient(&self, point: &[f64]) -> (f64, Vec<f64>) {
        let (prediction, of_mean, of_variance) = self.objective.predict_with_gradient(point);
        let deviation = prediction.variance.sqrt();
        let z = (self.incumbent - prediction.mean) / deviation;
        let (log, slope) = normal::log_improvement(z);
        let (mut value, worth) = worth_having(libm::log(deviation) + log);
        let (slope, of_deviation) = (worth * slope, worth * (1.0 - slope * z) / deviation);
        let mut gradient: Vec<f64> = of_mean
            .iter()
            .zip(&of_variance)
            .map(|(m, v)| of_deviation * v / (2.0 * deviation) - slope * m / deviation)
            .collect();
        if let Some(feasibility) = &self.feasibility {
            let (log, by) = feasibility.log_probability_with_gradient(point);
            let (worth, slope) = self.caution.of(log);
            value += worth;
            gradient.iter_mut().zip(by).for_each(|(g, by)| *g += slope * by);
        }
        (value, gradient)
    }

    /// Takes a point that is being tried as if its expected value had come: what is near it is known from then on, and
    /// there is that value to improve on. Otherwise everything beside the most promising point would be promising still.
    pub(super) fn expect(&mut self, point: &[f64]) {
        let mean = self.objective.mean(point);
        self.incumbent = self.incumbent.min(mean);
        self.objective.condition(point, mean);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::kernel::{Kernel, Metric},
        *,
    };

    #[test]
    fn the_gradient_is_the_derivative_and_expecting_a_point_makes_it_dull() {
        let points: Vec<Vec<f64>> = (0..9).map(|i| vec![f64::from(i % 3) / 2.0, f64::from(i / 3) / 2.0]).collect();
        let targets: Vec<f64> = points.iter().map(|p| (p[0] - 0.3).powi(2) + (p[1] - 0.6).powi(2)).collect();
        let feasible: Vec<bool> = points.iter().map(|p| p[0] < 0.9).collect();
        let metrics = [Metric::Number; 2];
        let kernel = Kernel::new(metrics.to_vec(), &[0.5, 0.7], 1.0);
        let mut acquisition = Acquisition {
            objective: Surrogate::new(kernel, 1e-6, &points, &targets),
            incumbent: 0.05,
            feasibility: Some(Feasibility::new(&metrics, &points, &feasible, 30)),
            caution: Caution { factor: 2.0, least: 0.99, steepness: 5.0 },
        };
        let at = [0.31, 0.66];
        let (value, gradient) = acquisition.value_with_gradient(&at);
        assert!((value - acquisition.value(&at)).abs() < 1e-12);
        for c in 0..2 {
            let moved = |by: f64| {
                let mut at = at;
                at[c] += by;
                acquisition.value(&at)
            };
            let numeric = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((gradient[c] - numeric).abs() < 1e-4 * (1.0 + numeric.abs()));
        }
        // Where nothing is to be gained, too.
        let dull = Acquisition { incumbent: -5.0, ..acquisition.clone() };
        assert!((dull.value_with_gradient(&at).0 - dull.value(&at)).abs() < 1e-9 && dull.value(&at) < TOO_SMALL);
        acquisition.expect(&at);
        assert!(acquisition.value(&at) < value - 1.0);
    }
}
