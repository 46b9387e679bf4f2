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
    /// How many times the feasibility counts: above one, points beside the edge are preferred to those on it.
    pub(super) caution: f64,
}

impl Acquisition {
    /// More is better.
    pub(super) fn value(&self, point: &[f64]) -> f64 {
        let prediction = self.objective.predict(point);
        let deviation = prediction.variance.sqrt();
        let improvement = libm::log(deviation) + normal::log_improvement((self.incumbent - prediction.mean) / deviation).0;
        let feasible = self.feasibility.as_ref().map_or(0.0, |f| self.caution * f.log_probability(point));
        improvement + feasible
    }

    /// With the gradient by the point's coordinates.
    pub(super) fn value_with_gradient(&self, point: &[f64]) -> (f64, Vec<f64>) {
        let (prediction, of_mean, of_variance) = self.objective.predict_with_gradient(point);
        let deviation = prediction.variance.sqrt();
        let z = (self.incumbent - prediction.mean) / deviation;
        let (log, slope) = normal::log_improvement(z);
        let mut value = libm::log(deviation) + log;
        let of_deviation = (1.0 - slope * z) / deviation;
        let mut gradient: Vec<f64> = of_mean
            .iter()
            .zip(&of_variance)
            .map(|(m, v)| of_deviation * v / (2.0 * deviation) - slope * m / deviation)
            .collect();
        if let Some(feasibility) = &self.feasibility {
            let (log, by) = feasibility.log_probability_with_gradient(point);
            value += self.caution * log;
            gradient.iter_mut().zip(by).for_each(|(g, by)| *g += self.caution * by);
        }
        (value, gradient)
    }

    /// Takes a point that is being tried as if its expected value had come: what is near it is known from then on.
    pub(super) fn expect(&mut self, point: &[f64]) {
        let mean = self.objective.mean(point);
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
            caution: 2.0,
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
        acquisition.expect(&at);
        assert!(acquisition.value(&at) < value - 1.0);
    }
}
