//! Minimising a smooth function in a box: L-BFGS (Liu & Nocedal 1989) with projected steps.

use super::matrix::dot;

/// How many steps are kept.
const MEMORY: usize = 8;
/// Halvings of a step before the search gives up.
const HALVINGS: usize = 12;

/// Where a search ended.
#[derive(Clone, Debug)]
pub(super) struct Minimum {
    pub(super) at: Vec<f64>,
    pub(super) value: f64,
}

/// From `start` downhill until nothing is gained or `evaluations` are used up. `function` gives the value and the
/// gradient; values that aren't finite count as walls. Each variable stays within its bounds.
pub(super) fn minimise(
    start: &[f64],
    bounds: &[(f64, f64)],
    evaluations: usize,
    tolerance: f64,
    mut function: impl FnMut(&[f64]) -> (f64, Vec<f64>),
) -> Minimum {
    let clamp = |x: &mut Vec<f64>| x.iter_mut().zip(bounds).for_each(|(x, (low, high))| *x = x.clamp(*low, *high));
    let mut at = start.to_vec();
    clamp(&mut at);
    let (mut value, mut gradient) = function(&at);
    let mut left = evaluations.saturating_sub(1);
    let mut memory: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::new();
    while left > 0 && value.is_finite() {
        // A variable at a bound that would leave it is held.
        let free: Vec<bool> = at
            .iter()
            .zip(&gradient)
            .zip(bounds)
            .map(|((x, g), (low, high))| !((*x <= *low && *g > 0.0) || (*x >= *high && *g < 0.0)))
            .collect();
        let held = |mut v: Vec<f64>| {
            v.iter_mut().zip(&free).filter(|(_, free)| !**free).for_each(|(x, _)| *x = 0.0);
            v
        };
        let downhill = held(gradient.iter().map(|g| -g).collect());
        let steepest = dot(&downhill, &downhill);
        if steepest.sqrt() <= tolerance {
            break;
        }
        let mut direction = held(direction(&memory, &downhill));
        let mut slope = dot(&direction, &gradient);
        if slope >= -1e-12 * steepest {
            memory.clear();
            direction.clone_from(&downhill);
            slope = -steepest;
        }
        // Without a memory the gradient's length says nothing about how far to go: a tenth of the box.
        let reach = direction.iter().fold(0.0_f64, |most, d| most.max(d.abs()));
        let box_size = bounds.iter().map(|(low, high)| high - low).fold(0.0_f64, f64::max);
        let mut step = if memory.is_empty() { (0.1 * box_size / reach).min(1.0) } else { 1.0 };
        let mut moved = None;
        for _ in 0..HALVINGS {
            let mut next: Vec<f64> = at.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
            clamp(&mut next);
            let (next_value, next_gradient) = function(&next);
            left = left.saturating_sub(1);
            if next_value.is_finite() && next_value <= value + 1e-4 * step * slope {
                moved = Some((next, next_value, next_gradient));
                break;
            }
            if left == 0 {
                break;
            }
            step *= 0.35;
        }
        let Some((next, next_value, next_gradient)) = moved else { break };
        let s: Vec<f64> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&s, &y);
        if curvature > 1e-10 * dot(&y, &y).sqrt() * dot(&s, &s).sqrt() {
            if memory.len() == MEMORY {
                memory.remove(0);
            }
            memory.push((s, y, 1.0 / curvature));
        }
        let gained = value - next_value;
        (at, value, gradient) = (next, next_value, next_gradient);
        if gained <= tolerance * 1e-3 * (1.0 + value.abs()) {
            break;
        }
    }
    Minimum { at, value }
}

/// The two-loop recursion.
fn direction(memory: &[(Vec<f64>, Vec<f64>, f64)], downhill: &[f64]) -> Vec<f64> {
    let mut q = downhill.to_vec();
    let mut shares = Vec::with_capacity(memory.len());
    for (s, y, rho) in memory.iter().rev() {
        let share = rho * dot(s, &q);
        q.iter_mut().zip(y).for_each(|(q, y)| *q -= share * y);
        shares.push(share);
    }
    if let Some((_, y, rho)) = memory.last() {
        let scale = 1.0 / (rho * dot(y, y));
        for q in &mut q {
            *q *= scale;
        }
    }
    for ((s, y, rho), share) in memory.iter().zip(shares.iter().rev()) {
        let back = rho * dot(y, &q);
        q.iter_mut().zip(s).for_each(|(q, s)| *q += (share - back) * s);
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valley(x: &[f64]) -> (f64, Vec<f64>) {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        (a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b])
    }

    #[test]
    fn follows_a_curved_valley() {
        let found = minimise(&[-1.2, 1.0], &[(-2.0, 2.0); 2], 200, 1e-9, valley);
        assert!((found.at[0] - 1.0).abs() < 1e-5 && (found.at[1] - 1.0).abs() < 1e-5, "{found:?}");
    }

    #[test]
    fn stops_at_a_bound() {
        let found = minimise(&[-1.2, 1.0], &[(-2.0, 0.5), (-2.0, 2.0)], 200, 1e-9, valley);
        assert!((found.at[0] - 0.5).abs() < 1e-12 && (found.at[1] - 0.25).abs() < 1e-6, "{found:?}");
        assert!((found.value - 0.25).abs() < 1e-9);
    }
}
