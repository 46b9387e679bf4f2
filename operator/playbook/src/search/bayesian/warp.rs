//! Targets for the surrogate: the objective's values, less is better, warped so that a Gaussian process can follow them.
//!
//! What is worse than the median is drawn in by a logarithm which leaves the median with slope one: a surrogate has
//! to know that a region is bad, not by how much, and one loss of 10⁶ must not flatten all differences among good ones.
//! What is better keeps its differences. Then mean zero, variance one. As more and more results come from near the best,
//! the median follows them, so the model looks closer and closer.

/// Beyond this, squares of differences aren't finite.
const LARGEST: f64 = 1e140;

/// Targets of some objective values, of which less is better.
pub(super) fn targets(objectives: &[f64]) -> Vec<f64> {
    let objectives: Vec<f64> = objectives.iter().map(|y| y.clamp(-LARGEST, LARGEST)).collect();
    let mut sorted = objectives.clone();
    sorted.sort_by(f64::total_cmp);
    let Some(&median) = sorted.get(sorted.len() / 2) else { return Vec::new() };
    let better: Vec<f64> = sorted.iter().copied().filter(|y| *y < median).collect();
    let spread = if better.is_empty() {
        sorted.last().map_or(0.0, |worst| worst - median)
    } else {
        (better.iter().map(|y| (median - y) * (median - y)).sum::<f64>() / better.len() as f64).sqrt()
    };
    let bent = |y: f64| {
        if y > median && spread > 0.0 { median + spread * libm::log1p((y - median) / spread) } else { y }
    };
    standardised(objectives.iter().map(|y| bent(*y)).collect())
}

/// With mean zero and variance one; zeros when all are the same.
fn standardised(mut values: Vec<f64>) -> Vec<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / n).sqrt();
    for value in &mut values {
        let centred = *value - mean;
        *value = if deviation > 0.0 && deviation.is_finite() { centred / deviation } else { 0.0 };
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_and_draws_in_what_is_bad() {
        let targets = targets(&[0.1, 0.2, 0.3, 0.4, 0.5, 1e6, 0.0]);
        let order = [6, 0, 1, 2, 3, 4, 5];
        assert!(order.windows(2).all(|pair| targets[pair[0]] < targets[pair[1]]), "{targets:?}");
        assert!(targets[5] < 3.0 && targets[3] - targets[6] > 0.1, "{targets:?}");
        assert!((targets.iter().sum::<f64>()).abs() < 1e-12);
    }

    #[test]
    fn the_same_value_everywhere_is_zero() {
        assert_eq!(super::targets(&[0.3; 4]), [0.0; 4]);
        assert!(super::targets(&[]).is_empty());
    }
}
