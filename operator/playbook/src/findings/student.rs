//! Student's t distribution: how far a mean of few values may be off.

/// The value that a t-distributed number with so many degrees of freedom exceeds, in absolute value, with this probability:
/// 2.776 for 0.05 and 4 degrees. Infinite where there is no degree of freedom.
#[must_use]
pub(super) fn two_sided_quantile(probability: f64, freedom: usize) -> f64 {
    if freedom == 0 || probability <= 0.0 {
        return f64::INFINITY;
    }
    // The probability falls with t: halve the interval that holds it.
    let (mut low, mut high) = (0.0, 1.0);
    while two_sided(high, freedom) > probability && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if two_sided(middle, freedom) > probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The probability that a t-distributed number is at least `t` in absolute value: the regularized incomplete beta function
/// of half the degrees of freedom and a half, by its continued fraction (Press et al. 1992, section 6.4).
#[must_use]
pub(super) fn two_sided(t: f64, freedom: usize) -> f64 {
    if freedom == 0 {
        return 1.0;
    }
    let n = freedom as f64;
    let x = n / (n + t * t);
    let (a, b) = (n / 2.0, 0.5);
    let front =
        libm::exp(libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x));
    if t == 0.0 {
        return 1.0;
    }
    // Each form converges fast on its side.
    let p = if x < (a + 1.0) / (a + b + 2.0) {
        front * continued_fraction(a, b, x) / a
    } else {
        1.0 - front * continued_fraction(b, a, 1.0 - x) / b
    };
    p.clamp(0.0, 1.0)
}

/// Lentz's method.
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    let nonzero = |x: f64| if x.abs() < 1e-300 { 1e-300 } else { x };
    let mut c = 1.0;
    let mut d = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for i in 1..500 {
        let m = f64::from(i);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / nonzero(1.0 + even * d);
        c = nonzero(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / nonzero(1.0 + odd * d);
        c = nonzero(1.0 + odd / c);
        let change = d * c;
        h *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (probability, freedom, t) in [
            (0.05, 1, 12.7062),
            (0.05, 2, 4.3027),
            (0.05, 4, 2.7764),
            (0.05, 8, 2.3060),
            (0.01, 4, 4.6041),
            (0.05, 30, 2.0423),
            (0.05, 1000, 1.9623),
            (0.2, 10, 1.3722),
        ] {
            let found = two_sided_quantile(probability, freedom);
            assert!((found - t).abs() < 5e-4, "{probability} {freedom}: {found} is not {t}");
        }
        assert!(two_sided_quantile(0.05, 0).is_infinite());
        assert!((two_sided(0.0, 3) - 1.0).abs() < 1e-12);
    }
}
