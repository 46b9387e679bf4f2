//! Whether the objective still improves towards one end of an axis, seen in all trials: the playbook's practitioner looks
//! at the whole cloud of an axis plot, not at its three best points (*Identifying bad search space boundaries*).
//!
//! The ranks of the objectives are fitted by least squares: a line that bends once along the axis, and what other
//! hyperparameters explain (of each the line and the parabola, of each category its level, taken in one by one while the F
//! statistic is at least 10, at most a third of the trials). The test is Student's, one-sided, of the slope in the nearer
//! part of the range. An optimum that lies well inside makes that slope nothing or turns it around. Since one further out
//! could hide there, two more things must hold, neither of which can raise an alarm by itself: the best trials lie in the
//! outer fifth (the best one, or the best three on average), and the trials of the outer 30% by themselves still improve
//! towards the boundary.

use super::{chance::student_above, edges::Points};

/// Where the line bends, as a distance from the boundary.
const BEND: f64 = 0.5;
/// The best trials lie within this distance.
const BEST_WITHIN: f64 = 0.2;
/// The outer trials that must point to the boundary by themselves, if there are three.
const OUTER: f64 = 0.3;
/// The F statistic from which a column of another hyperparameter is taken in.
const TAKEN: f64 = 10.0;
/// A column that the others explain up to this share of its squares tells nothing.
const REDUNDANT: f64 = 1e-6;
/// Residuals of ranks that are only rounding.
const NOTHING: f64 = 1e-12;

/// The p-value of an improvement towards the boundary, which begins at a distance from the end of the axis.
pub(super) fn towards(points: &Points, start: f64, losses: &[f64]) -> f64 {
    let of: Vec<usize> = (0..losses.len()).filter(|i| !losses[*i].is_nan()).collect();
    let losses: Vec<f64> = of.iter().map(|i| losses[*i]).collect();
    let x: Vec<f64> = of.iter().map(|i| (points.distances[*i] - start) / (1.0 - start).max(f64::EPSILON)).collect();
    if !best_lie_outside(&x, &losses) {
        return 1.0;
    }
    let scores = ranks(&losses);
    let one = vec![1.0; x.len()];
    let bend: Vec<f64> = x.iter().map(|x| (x - BEND).max(0.0)).collect();
    let taken = taken(&[&one, &bend, &x], &explaining(points, &of), &scores);
    let columns: Vec<&[f64]> =
        [&one[..], &bend].into_iter().chain(taken.iter().map(Vec::as_slice)).chain([&x[..]]).collect();
    let Some(line) = Fit::new(&columns, &scores) else { return 1.0 };
    let freedom = x.len().saturating_sub(columns.len());
    if freedom < 2 || line.last() <= 0.0 || !outer_point_there(&x, &bend, &line) {
        return 1.0;
    }
    let squares: f64 = line.residuals.iter().map(|r| r * r).sum();
    let error = (squares / freedom as f64 / line.information).sqrt();
    student_above(line.last() / error, freedom as f64)
}

/// Whether the best trial, all that equal it, or the best three on average lie near the boundary.
fn best_lie_outside(x: &[f64], losses: &[f64]) -> bool {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|a, b| losses[*a].total_cmp(&losses[*b]));
    let lie_outside = |few: usize| {
        let Some(last) = order.get(few - 1) else { return false };
        let best: Vec<f64> = order.iter().take_while(|i| losses[**i] <= losses[*last]).map(|i| x[*i]).collect();
        best.iter().sum::<f64>() <= BEST_WITHIN * best.len() as f64
    };
    lie_outside(1) || lie_outside(3)
}

/// Ranks, equal for equals, about zero.
fn ranks(losses: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..losses.len()).collect();
    order.sort_by(|a, b| losses[*a].total_cmp(&losses[*b]));
    let mut ranks = vec![0.0; losses.len()];
    let mut before = 0;
    for equals in order.chunk_by(|a, b| losses[*a].total_cmp(&losses[*b]).is_eq()) {
        let middle = before as f64 + 0.5 * equals.len() as f64;
        for i in equals {
            ranks[*i] = middle / losses.len() as f64 - 0.5;
        }
        before += equals.len();
    }
    ranks
}

/// What other hyperparameters may explain: a column each.
fn explaining(points: &Points, of: &[usize]) -> Vec<Vec<f64>> {
    let chosen = |column: &[f64], f: &dyn Fn(f64) -> f64| of.iter().map(|i| f(column[*i])).collect::<Vec<f64>>();
    let axes = points.others.iter().flat_map(|p| [chosen(p, &|u| u - 0.5), chosen(p, &|u| (u - 0.5).powi(2))]);
    axes.chain(points.categories.iter().map(|c| chosen(c, &|u| u))).collect()
}

/// The columns that explain the scores beside the own ones: the best first, while each explains enough.
fn taken(own: &[&[f64]], columns: &[Vec<f64>], scores: &[f64]) -> Vec<Vec<f64>> {
    let (mut rest, mut residuals) = (columns.to_vec(), scores.to_vec());
    let squares: Vec<f64> = columns.iter().map(|c| dot(c, c)).collect();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for column in own {
        let mut column = column.to_vec();
        for earlier in &basis {
            remove(earlier, &mut column);
        }
        remove(&column, &mut residuals);
        for other in &mut rest {
            remove(&column, other);
        }
        basis.push(column);
    }
    let mut freedom = scores.len().saturating_sub(own.len());
    let mut taken: Vec<usize> = Vec::new();
    while 3 * (taken.len() + 1) <= scores.len() && freedom > 2 {
        let left = dot(&residuals, &residuals);
        let gain = |i: &usize| {
            let own = dot(&rest[*i], &rest[*i]);
            if own <= REDUNDANT * squares[*i] { 0.0 } else { dot(&rest[*i], &residuals).powi(2) / own }
        };
        let candidates = (0..columns.len()).filter(|i| !taken.contains(i)).map(|i| (i, gain(&i)));
        let Some((best, gain)) = candidates.max_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        if left <= NOTHING || gain * (freedom - 1) as f64 <= TAKEN * (left - gain).max(NOTHING) {
            break;
        }
        let column = rest[best].clone();
        remove(&column, &mut residuals);
        for other in &mut rest {
            remove(&column, other);
        }
        taken.push(best);
        freedom -= 1;
    }
    taken.into_iter().map(|i| columns[i].clone()).collect()
}

/// Whether the outer trials by themselves, net of other hyperparameters, improve towards the boundary.
fn outer_point_there(x: &[f64], bend: &[f64], line: &Fit) -> bool {
    let outer: Vec<usize> = (0..x.len()).filter(|i| x[*i] <= OUTER).collect();
    let mean = outer.iter().map(|i| x[*i]).sum::<f64>() / outer.len() as f64;
    let spread: f64 = outer.iter().map(|i| (x[*i] - mean).powi(2)).sum();
    if outer.len() < 3 || spread <= NOTHING {
        return true;
    }
    let net = |i: usize| line.residuals[i] + line.coefficients[1] * bend[i] + line.last() * x[i];
    outer.iter().map(|i| (x[*i] - mean) * net(*i)).sum::<f64>() > 0.0
}

/// A fit by least squares.
struct Fit {
    coefficients: Vec<f64>,
    residuals: Vec<f64>,
    /// What is left of the last column's squares when the others have explained it: the variance of its coefficient is that
    /// of the residuals over this.
    information: f64,
}

impl Fit {
    /// Nothing where some column is explained by those before it.
    fn new(columns: &[&[f64]], values: &[f64]) -> Option<Self> {
        let n = columns.len();
        // Normal equations, the values as the last column.
        let mut rows: Vec<Vec<f64>> =
            columns.iter().map(|a| columns.iter().map(|b| dot(a, b)).chain([dot(a, values)]).collect()).collect();
        let whole: Vec<f64> = (0..n).map(|i| rows[i][i]).collect();
        for i in 0..n {
            let pivot = rows[i].clone();
            if pivot[i] <= 1e-9 * whole[i].max(f64::MIN_POSITIVE) {
                return None;
            }
            for row in &mut rows[i + 1..] {
                let share = row[i] / pivot[i];
                row.iter_mut().zip(&pivot).for_each(|(x, p)| *x -= share * p);
            }
        }
        let mut coefficients = vec![0.0; n];
        for i in (0..n).rev() {
            let known = dot(&rows[i][i + 1..n], &coefficients[i + 1..]);
            coefficients[i] = (rows[i][n] - known) / rows[i][i];
        }
        let fitted = |k: usize| columns.iter().zip(&coefficients).map(|(column, c)| c * column[k]).sum::<f64>();
        let residuals = values.iter().enumerate().map(|(k, v)| v - fitted(k)).collect();
        Some(Self { residuals, information: rows[n - 1][n - 1], coefficients })
    }

    /// The coefficient of the last column.
    fn last(&self) -> f64 {
        self.coefficients.last().copied().unwrap_or(0.0)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Takes away what a column explains.
fn remove(column: &[f64], from: &mut [f64]) {
    let squares = dot(column, column);
    if squares > NOTHING {
        let share = dot(column, from) / squares;
        from.iter_mut().zip(column).for_each(|(x, c)| *x -= share * c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn a_fit_is_that_of_least_squares() {
        // y = 2 + 3x, and one value that is off by 1.
        let (one, x) = (vec![1.0; 4], vec![0.0, 1.0, 2.0, 3.0]);
        let fit = Fit::new(&[&one, &x], &[2.0, 5.0, 8.0, 12.0]).unwrap();
        close(fit.last(), 3.3);
        close(fit.coefficients[0], 1.8);
        close(fit.information, 5.0);
        close(fit.residuals[3], 0.3);
        assert!(Fit::new(&[&one, &x, &x], &[0.0; 4]).is_none());
    }

    fn points(distances: Vec<f64>, others: Vec<Vec<f64>>) -> Points {
        Points { distances, boundary: 0.0, is_list: false, others, categories: Vec::new() }
    }

    #[test]
    fn what_others_explain_is_no_noise() {
        // Another hyperparameter moves the objective four times as much.
        let x: Vec<f64> = (0..30).map(|i| (f64::from(i) + 0.5) / 30.0).collect();
        let other: Vec<f64> = (0..30).map(|i| f64::from(7 * i % 30) / 30.0).collect();
        let losses: Vec<f64> = x.iter().zip(&other).map(|(x, o)| x + 4.0 * o).collect();
        let known = towards(&points(x.clone(), vec![other]), 0.0, &losses);
        let unknown = towards(&points(x, Vec::new()), 0.0, &losses);
        assert!(known < 0.001 && unknown > 0.05, "{known} {unknown}");
    }

    #[test]
    fn an_optimum_inside_is_no_trend() {
        let x: Vec<f64> = (0..40).map(|i| (f64::from(i) + 0.5) / 40.0).collect();
        let at = |f: fn(f64) -> f64| {
            towards(&points(x.clone(), Vec::new()), 0.0, &x.iter().map(|x| f(*x)).collect::<Vec<_>>())
        };
        assert!(at(|x| x) < 1e-6);
        close(at(|x| -x), 1.0);
        close(at(|_| 0.5), 1.0);
        // A parabola, a valley, one that is narrow, and one that ends in a plateau.
        close(at(|x| (x - 0.25).powi(2)), 1.0);
        close(at(|x| (x - 0.2).abs()), 1.0);
        close(at(|x| -libm::exp(-(x - 0.2).powi(2) / 0.01)), 1.0);
        close(at(|x| (x - 0.5).max(0.0)), 1.0);
    }
}
