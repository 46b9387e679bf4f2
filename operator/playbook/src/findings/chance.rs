//! Probabilities under usual distributions.

/// The chance that a variable of Student's t distribution exceeds `t`.
pub(super) fn student_above(t: f64, freedom: f64) -> f64 {
    if t.is_nan() || freedom <= 0.0 {
        return 1.0;
    }
    let half = 0.5 * beta_share(freedom / (freedom + t * t), 0.5 * freedom, 0.5);
    if t >= 0.0 { half } else { 1.0 - half }
}

/// The value that a variable of Student's t distribution exceeds with a probability: by Newton's method on the logarithm of the
/// tail, which is nearly straight, and by halving where that doesn't settle.
pub(super) fn student_quantile(above: f64, freedom: f64) -> f64 {
    if above > 0.5 {
        return -student_quantile(1.0 - above, freedom);
    }
    let scale = libm::lgamma(0.5 * (freedom + 1.0)) - libm::lgamma(0.5 * freedom);
    let log_density = |t: f64| {
        scale - 0.5 * libm::log(freedom * std::f64::consts::PI) - 0.5 * (freedom + 1.0) * libm::log1p(t * t / freedom)
    };
    let mut t = 0.0_f64;
    for _ in 0..30 {
        let tail = student_above(t, freedom);
        let step = (libm::log(tail) - libm::log(above)) * tail / libm::exp(log_density(t));
        t = (t + step).max(0.0);
        if step.abs() <= 1e-9 * (1.0 + t) {
            return t;
        }
    }
    let (mut low, mut high) = (0.0, 1.0);
    while student_above(high, freedom) > above && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if student_above(middle, freedom) > above {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The chance that a variable of Fisher's F distribution exceeds `ratio`.
pub(super) fn fisher_above(ratio: f64, above: f64, below: f64) -> f64 {
    if ratio <= 0.0 { 1.0 } else { beta_share(below / (below + above * ratio), 0.5 * below, 0.5 * above) }
}

/// The chance of at least `k` marked ones among `drawn` of `all`, of which `marked` are: Fisher's exact test, one-sided.
pub(super) fn marked_at_least(all: usize, marked: usize, drawn: usize, k: usize) -> f64 {
    let log_choose = |n: usize, k: usize| {
        libm::lgamma(n as f64 + 1.0) - libm::lgamma(k as f64 + 1.0) - libm::lgamma((n - k) as f64 + 1.0)
    };
    let most = marked.min(drawn);
    let least = k.max((marked + drawn).saturating_sub(all));
    (least..=most)
        .map(|i| (log_choose(marked, i) + log_choose(all - marked, drawn - i) - log_choose(all, drawn)).exp())
        .sum::<f64>()
        .min(1.0)
}

/// The chance that the product of so many independent p-values is no larger: Fisher's combination of tests (1932). Larger
/// than that where the p-values are those of discrete tests.
pub(super) fn of_product(p_values: impl Iterator<Item = f64>) -> f64 {
    let (product, count) = p_values.fold((1.0, 0_u32), |(product, count), p| (product * p, count + 1));
    if product <= 0.0 {
        return 0.0;
    }
    let information = -libm::log(product);
    let terms = (0..count).scan(1.0, |term, k| {
        let this = *term;
        *term *= information / f64::from(k + 1);
        Some(this)
    });
    if count == 0 { 1.0 } else { (product * terms.sum::<f64>()).min(1.0) }
}

/// The regularised incomplete beta function, by Lentz's continued fraction.
// The letters of the formula.
#[allow(clippy::many_single_char_names)]
fn beta_share(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast on one side of the mean only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_share(1.0 - x, b, a);
    }
    let front = (a * x.ln() + b * (-x).ln_1p() + libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)).exp() / a;
    let tiny = 1e-300;
    let guarded = |v: f64| if v.abs() < tiny { tiny } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / guarded(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..300 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            d = 1.0 / guarded(1.0 + term * d);
            c = guarded(1.0 + term / c);
            step = c * d;
            fraction *= step;
        }
        if (step - 1.0).abs() < 1e-14 {
            break;
        }
    }
    front * fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn tails_are_those_of_the_tables() {
        close(student_above(0.0, 7.0), 0.5);
        // With one degree of freedom it is Cauchy's, with two it has a closed form.
        close(student_above(1.0, 1.0), 0.25);
        close(student_above(-1.0, 1.0), 0.75);
        close(student_above(2.0, 2.0), 0.5 - 2.0 / (2.0 * 6.0_f64.sqrt()));
        assert!((student_above(1.959_964, 1e7) - 0.025).abs() < 1e-6);
        // With two degrees of freedom above it has a closed form; with one above it is the square of Student's.
        assert!((student_quantile(0.025, 10.0) - 2.228_139).abs() < 1e-5);
        assert!((student_quantile(0.9, 5.0) + 1.475_884).abs() < 1e-5);
        for (above, freedom) in [(0.05, 1.0), (0.001, 3.0), (1e-5, 2.5), (0.49, 40.0), (0.0001, 1000.0)] {
            let t = student_quantile(above, freedom);
            assert!((student_above(t, freedom) / above - 1.0).abs() < 1e-6, "{above} {freedom}: {t}");
        }
        close(fisher_above(1.5, 2.0, 10.0), (1.0_f64 + 2.0 * 1.5 / 10.0).powi(-5));
        close(fisher_above(2.25, 1.0, 7.0), 2.0 * student_above(1.5, 7.0));
        // 3 marked of 10, 4 drawn: 1 - C(7,4)/C(10,4), and all three.
        close(marked_at_least(10, 3, 4, 1), 1.0 - 35.0 / 210.0);
        close(marked_at_least(10, 3, 4, 3), 7.0 / 210.0);
        close(marked_at_least(10, 3, 4, 0), 1.0);
    }

    #[test]
    fn a_product_of_p_values_is_one() {
        close(of_product([0.03].into_iter()), 0.03);
        close(of_product([1.0, 1.0, 1.0].into_iter()), 1.0);
        close(of_product(std::iter::empty()), 1.0);
        close(of_product([0.0, 0.5].into_iter()), 0.0);
        // Of two uniform numbers: q (1 - ln q).
        close(of_product([0.1, 0.2].into_iter()), 0.02 * (1.0 - 0.02_f64.ln()));
    }
}
