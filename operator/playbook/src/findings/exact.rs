//! Exact tests: chances counted, not approximated, since studies are small.

use std::cmp::Ordering;

/// The chance that `k` of `n` ranks 1..=n, drawn without replacement, have a sum of at most `sum`: the one-sided
/// Wilcoxon rank-sum test. 1 if there is nothing to draw.
#[must_use]
pub fn rank_sum_at_most(n: usize, k: usize, sum: usize) -> f64 {
    if k == 0 || k > n {
        return 1.0;
    }
    // ways[j][s]: how many sets of j ranks have the sum s. Counts grow past 2^53 in large studies, where their ratio is
    // all that matters: real numbers keep 15 digits of it.
    let cap = sum.min(n * k);
    let mut ways = vec![vec![0.0_f64; cap + 1]; k + 1];
    ways[0][0] = 1.0;
    for rank in 1..=n {
        for j in (1..=k.min(rank)).rev() {
            let (fewer, more) = ways.split_at_mut(j);
            for (to, from) in more[0].iter_mut().skip(rank).zip(&fewer[j - 1]) {
                *to += from;
            }
        }
    }
    (ways[k].iter().sum::<f64>() / choose(n, k)).min(1.0)
}

/// The chance that `m` trials named beforehand are all among the `marked` of `n`, if which are marked is chance.
#[must_use]
pub fn all_marked(n: usize, marked: usize, m: usize) -> f64 {
    if m > marked {
        return 0.0;
    }
    (0..m).map(|i| (marked - i) as f64 / (n - i) as f64).product()
}

/// The chance that at least `k` of `m` trials named beforehand are among the `marked` of `n`, if which are marked is chance:
/// the hypergeometric test.
#[must_use]
pub fn at_least(n: usize, marked: usize, m: usize, k: usize) -> f64 {
    let m = m.min(n);
    let ways = |n: usize, k: usize| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    let fewest = (marked + m).saturating_sub(n).max(k);
    if fewest > marked.min(m) {
        return 0.0;
    }
    // The chance of exactly `fewest`, and from each to the next by a ratio that falls: soon nothing is added.
    let mut term = libm::exp(ways(marked, fewest) + ways(n - marked, m - fewest) - ways(n, m));
    let mut chance = term;
    for i in fewest..marked.min(m) {
        let ratio = ((marked - i) * (m - i)) as f64 / ((i + 1) * (n - marked + i + 1 - m)) as f64;
        term *= ratio;
        chance += term;
        if ratio < 1.0 && term < chance * 1e-17 {
            break;
        }
    }
    chance.min(1.0)
}

/// The chance of at least `k` successes of `n`, each with the chance `p`: the binomial test.
#[must_use]
pub fn successes_at_least(n: usize, k: usize, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if p <= 0.0 {
        return 0.0;
    }
    if k > n {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    let ways = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    let mut term = libm::exp(ways + k as f64 * libm::log(p) + (n - k) as f64 * libm::log1p(-p));
    let mut chance = term;
    for i in k..n {
        let ratio = (n - i) as f64 / (i + 1) as f64 * p / (1.0 - p);
        term *= ratio;
        chance += term;
        if ratio < 1.0 && term < chance * 1e-17 {
            break;
        }
    }
    chance.min(1.0)
}

/// The chance of a chi-square of at least `x` with so many degrees of freedom: the regularised upper incomplete gamma
/// function, by its series or continued fraction (Press et al. 1992, section 6.2).
#[must_use]
// The names of the source.
#[allow(clippy::many_single_char_names)]
pub fn chi_square_at_least(x: f64, freedom: usize) -> f64 {
    let (a, x) = (freedom as f64 / 2.0, x / 2.0);
    if x <= 0.0 || freedom == 0 {
        return 1.0;
    }
    let scale = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        for _ in 0..1000 {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * 1e-15 {
                break;
            }
        }
        return (1.0 - sum * scale).clamp(0.0, 1.0);
    }
    // Lentz's method.
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..1000 {
        let an = -f64::from(i) * (f64::from(i) - a);
        b += 2.0;
        d = 1.0 / nonzero(an * d + b, tiny);
        c = nonzero(b + an / c, tiny);
        let change = d * c;
        h *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (scale * h).clamp(0.0, 1.0)
}

fn nonzero(x: f64, tiny: f64) -> f64 {
    if x.abs() < tiny { tiny } else { x }
}

fn ln_factorial(n: usize) -> f64 {
    libm::lgamma(n as f64 + 1.0)
}

/// The chance of at least this many ascending pairs in a series without ties or trend: the one-sided Mann-Kendall test.
/// Ties count as half an ascent, rounded down.
#[must_use]
pub fn ascent(series: &[f64]) -> f64 {
    let n = series.len();
    let pairs = || series.iter().enumerate().flat_map(|(i, a)| series[i + 1..].iter().map(move |b| (*a, *b)));
    let compared = |order: Ordering| pairs().filter(|(a, b)| b.total_cmp(a) == order).count();
    let ascending = compared(Ordering::Greater) + compared(Ordering::Equal) / 2;
    // ways[c]: how many orders of the first i values have c ascending pairs.
    let mut ways = vec![1.0_f64];
    for i in 1..n {
        let mut next = vec![0.0; ways.len() + i];
        for (count, number) in ways.iter().enumerate() {
            for extra in 0..=i {
                next[count + extra] += number / (i + 1) as f64;
            }
        }
        ways = next;
    }
    ways.iter().skip(ascending).sum::<f64>().min(1.0)
}

fn choose(n: usize, k: usize) -> f64 {
    (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn rank_sums_are_counted() {
        // 120 sets of 3 of 10; the smallest sum is 1 + 2 + 3, then 1 + 2 + 4.
        close(rank_sum_at_most(10, 3, 6), 1.0 / 120.0);
        close(rank_sum_at_most(10, 3, 7), 2.0 / 120.0);
        close(rank_sum_at_most(10, 3, 27), 1.0);
        close(rank_sum_at_most(10, 3, 5), 0.0);
        close(rank_sum_at_most(2, 3, 5), 1.0);
    }

    #[test]
    fn marks_are_counted() {
        close(all_marked(10, 3, 3), 1.0 / 120.0);
        close(all_marked(10, 2, 3), 0.0);
        close(all_marked(10, 10, 3), 1.0);
    }

    #[test]
    fn tails_are_counted() {
        // 3 of 3, or 2 of 3, among 4 marked of 10.
        close(at_least(10, 4, 3, 3), 4.0 / 120.0);
        close(at_least(10, 4, 3, 2), (4.0 + 6.0 * 6.0) / 120.0);
        close(at_least(10, 4, 3, 0), 1.0);
        close(at_least(10, 9, 3, 1), 1.0);
        close(at_least(10, 2, 3, 3), 0.0);
        close(successes_at_least(4, 4, 0.25), 1.0 / 256.0);
        close(successes_at_least(4, 3, 0.25), 13.0 / 256.0);
        close(successes_at_least(4, 0, 0.25), 1.0);
        // Two degrees: exp(-x/2). One: erfc(sqrt(x/2)).
        close(chi_square_at_least(3.0, 2), libm::exp(-1.5));
        close(chi_square_at_least(20.0, 2), libm::exp(-10.0));
        close(chi_square_at_least(0.3, 1), libm::erfc(libm::sqrt(0.15)));
        close(chi_square_at_least(9.0, 1), libm::erfc(libm::sqrt(4.5)));
    }

    #[test]
    fn ascents_are_counted() {
        close(ascent(&[1.0, 2.0, 3.0, 4.0, 5.0]), 1.0 / 120.0);
        close(ascent(&[1.0, 2.0, 3.0, 5.0, 4.0]), 5.0 / 120.0);
        close(ascent(&[5.0, 4.0, 3.0, 2.0, 1.0]), 1.0);
        // 3 of 6 pairs by convention: 6 of the 24 orders have more than 3, 6 have exactly 3.
        close(ascent(&[1.0, 1.0, 1.0, 1.0]), 15.0 / 24.0);
    }
}
