//! The noise of short curves, estimated together: a curve of ten evaluations hardly knows its own.
//!
//! The variance of each curve is drawn towards what the curves of a round have in common, by as much as they agree: the
//! moderated variance of Smyth (2004), "Linear models and empirical Bayes methods for assessing differential expression in
//! microarray experiments", section 6. Where curves differ much in their noise, each is left with its own.

/// An estimate of a variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::findings) struct CurveNoise {
    pub(in crate::findings) variance: f64,
    /// Degrees of freedom of the estimate.
    pub(in crate::findings) freedom: f64,
}

/// What is known of a curve's noise before it is looked at. Its freedom is 0 where nothing is.
pub(in crate::findings) struct CurveNoisePrior(CurveNoise);

/// As good as infinitely many degrees of freedom.
const CERTAIN: f64 = 1e6;

impl CurveNoise {
    /// Of values that may follow a straight line: from what a value differs by from the middle of its neighbors, and of
    /// those two apart. Such differences overlap: they have half as many degrees of freedom.
    pub(in crate::findings) fn about_line(values: &[f64]) -> Self {
        let variance = bent(values, 1).max(bent(values, 2)).max(least_noise(values).powi(2));
        Self { variance, freedom: ((values.len() as f64 - 2.0) / 2.0).max(1.0) }
    }

    /// Of the sum of two independent values (Welch and Satterthwaite).
    pub(in crate::findings) fn and(self, other: Self) -> Self {
        let variance = self.variance + other.variance;
        let parts = self.variance.powi(2) / self.freedom + other.variance.powi(2) / other.freedom;
        Self { variance, freedom: if parts > 0.0 { variance.powi(2) / parts } else { self.freedom } }
    }

    /// Of the mean of `n` values.
    pub(in crate::findings) fn over(self, n: f64) -> Self {
        Self { variance: self.variance / n, ..self }
    }
}

impl CurveNoisePrior {
    pub(in crate::findings) fn none() -> Self {
        Self(CurveNoise { variance: 0.0, freedom: 0.0 })
    }

    /// From the estimates of all curves: the variance of their logarithms beyond what so few degrees of freedom explain.
    pub(in crate::findings) fn of(noises: impl Iterator<Item = CurveNoise>) -> Self {
        let known: Vec<CurveNoise> = noises.filter(|noise| noise.variance > 0.0).collect();
        let n = known.len() as f64;
        if known.len() < 3 {
            return Self::none();
        }
        let logs: Vec<f64> = known
            .iter()
            .map(|noise| libm::log(noise.variance) - digamma(noise.freedom / 2.0) + libm::log(noise.freedom / 2.0))
            .collect();
        let mean = logs.iter().sum::<f64>() / n;
        let spread = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let explained = known.iter().map(|noise| trigamma(noise.freedom / 2.0)).sum::<f64>() / n;
        let freedom = if spread > explained { 2.0 * inverse_trigamma(spread - explained) } else { CERTAIN };
        let freedom = freedom.min(CERTAIN);
        Self(CurveNoise { variance: libm::exp(mean + digamma(freedom / 2.0) - libm::log(freedom / 2.0)), freedom })
    }

    /// The standard deviation that curves have in common; nothing where they are too few.
    pub(in crate::findings) fn deviation(&self) -> Option<f64> {
        (self.0.freedom > 0.0).then(|| self.0.variance.sqrt())
    }

    /// Of the mean of `n` such curves.
    pub(in crate::findings) fn over(&self, n: f64) -> Self {
        Self(self.0.over(n))
    }

    /// An estimate together with what is known before.
    pub(in crate::findings) fn moderate(&self, noise: CurveNoise) -> CurveNoise {
        let freedom = self.0.freedom + noise.freedom;
        let variance = (self.0.freedom * self.0.variance + noise.freedom * noise.variance) / freedom;
        CurveNoise { variance, freedom }
    }
}

/// The mean square of what a value differs by from the middle of those so far before and behind it, as a variance of the
/// values if they are independent.
fn bent(values: &[f64], lag: usize) -> f64 {
    let triples = values.iter().zip(values.iter().skip(lag)).zip(values.iter().skip(2 * lag));
    let squares: Vec<f64> = triples.map(|((a, b), c)| (a - 2.0 * b + c).powi(2) / 6.0).collect();
    squares.iter().sum::<f64>() / squares.len().max(1) as f64
}

/// How much of a value's noise is that of the one before, from curves of one kind: the correlation of an autoregressive
/// process of first order with the same ratio of bends between neighbors to those two apart.
pub(in crate::findings) fn likeness<'a>(curves: impl Iterator<Item = &'a [f64]>) -> f64 {
    let (mut near, mut apart) = (0.0, 0.0);
    for values in curves {
        let (one, two) = (bent(values, 1), bent(values, 2));
        if one + two > 0.0 {
            near += one / (one + two);
            apart += two / (one + two);
        }
    }
    if near >= apart {
        return 0.0;
    }
    // The ratio falls from 1 to 1/2.
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if bend(middle) / bend(middle * middle) > near / apart {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The variance that a bend shows of noise with variance 1 whose values resemble those beside them by so much.
fn bend(likeness: f64) -> f64 {
    1.0 - likeness * (4.0 - likeness) / 3.0
}

/// How much larger the variance of a mean of `n` values is than their bends show, where neighbors are so much alike.
pub(in crate::findings) fn inflation(likeness: f64, n: usize) -> f64 {
    let shared: f64 = (1..n).map(|lag| (1.0 - lag as f64 / n as f64) * libm::pow(likeness, lag as f64)).sum();
    (1.0 + 2.0 * shared) / bend(likeness * likeness)
}

/// Half the smallest move.
fn least_noise(values: &[f64]) -> f64 {
    let moves = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).filter(|step| *step > 0.0);
    let smallest = moves.fold(f64::INFINITY, f64::min);
    if smallest.is_finite() { 0.5 * smallest } else { 0.0 }
}

/// The derivative of the logarithm of the gamma function, by its recurrence and asymptotic series (Abramowitz and Stegun,
/// 6.3.5 and 6.3.18).
fn digamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 8.0 {
        sum -= 1.0 / x;
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    sum + libm::log(x) - 0.5 / x - square * (1.0 / 12.0 - square * (1.0 / 120.0 - square / 252.0))
}

/// The derivative of `digamma` (Abramowitz and Stegun, 6.4.6 and 6.4.12).
fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 8.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    sum + 1.0 / x + 0.5 * square + square / x * (1.0 / 6.0 - square * (1.0 / 30.0 - square / 42.0))
}

/// Where `trigamma`, which falls, has a value: by halving on a logarithmic scale.
fn inverse_trigamma(value: f64) -> f64 {
    let (mut low, mut high) = (1e-6_f64, CERTAIN);
    for _ in 0..80 {
        let middle = (low * high).sqrt();
        if trigamma(middle) > value {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low * high).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_functions_are_those_of_the_tables() {
        let euler = 0.577_215_664_901_532_9;
        assert!((digamma(1.0) + euler).abs() < 1e-9);
        assert!((digamma(0.5) + euler + 2.0 * std::f64::consts::LN_2).abs() < 1e-9);
        assert!((trigamma(1.0) - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-8);
        for x in [0.3, 2.0, 50.0] {
            assert!((inverse_trigamma(trigamma(x)) / x - 1.0).abs() < 1e-6, "{x}");
        }
    }

    #[test]
    fn curves_that_agree_are_as_sure_as_all_together() {
        let alike =
            CurveNoisePrior::of([0.9, 1.0, 1.1, 1.0].map(|variance| CurveNoise { variance, freedom: 2.0 }).into_iter());
        let moderated = alike.moderate(CurveNoise { variance: 0.01, freedom: 2.0 });
        assert!(moderated.freedom > 100.0 && moderated.variance > 0.9, "{moderated:?}");
        let apart = CurveNoisePrior::of(
            [1e-4, 1.0, 1e3, 1e-2].map(|variance| CurveNoise { variance, freedom: 8.0 }).into_iter(),
        );
        let moderated = apart.moderate(CurveNoise { variance: 0.01, freedom: 8.0 });
        assert!(moderated.freedom < 10.0, "{moderated:?}");
    }

    #[test]
    fn a_trend_is_no_noise() {
        let line: Vec<f64> = (0..10).map(f64::from).collect();
        // Half its smallest move is all that is left.
        assert!((CurveNoise::about_line(&line).variance - 0.25).abs() < 1e-12);
        let alternating: Vec<f64> = (0..10).map(|i| if i % 2 == 0 { 0.1 } else { -0.1 }).collect();
        assert!(CurveNoise::about_line(&alternating).variance > 0.01);
    }
}
