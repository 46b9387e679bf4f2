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
    fn ascents_are_counted() {
        close(ascent(&[1.0, 2.0, 3.0, 4.0, 5.0]), 1.0 / 120.0);
        close(ascent(&[1.0, 2.0, 3.0, 5.0, 4.0]), 5.0 / 120.0);
        close(ascent(&[5.0, 4.0, 3.0, 2.0, 1.0]), 1.0);
        // 3 of 6 pairs by convention: 6 of the 24 orders have more than 3, 6 have exactly 3.
        close(ascent(&[1.0, 1.0, 1.0, 1.0]), 15.0 / 24.0);
    }
}
