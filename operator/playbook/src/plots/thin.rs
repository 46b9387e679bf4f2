//! Curves thinned to what the eye can see: no extreme is lost.

use super::steps::StepAxis;

/// At most `most` points of a curve: its first and last, and of each stretch of the axis between the lowest and the
/// highest, in the order of steps.
pub(super) fn thin(curve: &[(u64, f64)], most: usize, steps: StepAxis) -> Vec<(u64, f64)> {
    if curve.len() <= most.max(4) {
        return curve.to_vec();
    }
    let inner = &curve[1..curve.len() - 1];
    let stretches = ((most.max(4) - 2) / 2).max(1);
    let mut thinned = vec![curve[0]];
    let mut from = 0;
    for i in 0..stretches {
        let to = end(inner, (i + 1, stretches), steps).max(from);
        let stretch = &inner[from..to];
        from = to;
        let by_value = |a: &&(u64, f64), b: &&(u64, f64)| a.1.total_cmp(&b.1);
        let (Some(low), Some(high)) = (stretch.iter().min_by(by_value), stretch.iter().max_by(by_value)) else {
            continue;
        };
        thinned.push(if low.0 <= high.0 { *low } else { *high });
        if low.0 != high.0 {
            thinned.push(if low.0 <= high.0 { *high } else { *low });
        }
    }
    thinned.push(curve[curve.len() - 1]);
    thinned
}

/// How many points lie in the first of so many stretches: by their number, in log scale by their steps.
fn end(inner: &[(u64, f64)], (stretch, of): (usize, usize), steps: StepAxis) -> usize {
    match (steps, inner.first(), inner.last()) {
        (StepAxis::Log, Some((first, _)), Some((last, _))) if stretch < of => {
            let (first, last) = ((*first).max(1) as f64, *last as f64);
            let step = first * libm::pow(last / first, stretch as f64 / of as f64);
            inner.partition_point(|(s, _)| *s as f64 <= step)
        }
        _ => stretch * inner.len() / of,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_and_ends_stay() {
        let mut curve: Vec<(u64, f64)> = (0..10_000).map(|i| (i, (i as f64 / 700.0).sin())).collect();
        curve[5_003].1 = 40.0;
        curve[7_001].1 = -40.0;
        let thinned = thin(&curve, 120, StepAxis::Linear);
        assert!(thinned.len() <= 120 && thinned.len() > 100, "{}", thinned.len());
        assert!(thinned.contains(&curve[5_003]) && thinned.contains(&curve[7_001]));
        assert_eq!((thinned[0], thinned[thinned.len() - 1]), (curve[0], curve[9_999]));
        assert!(thinned.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(thin(&curve[..100], 120, StepAxis::Linear), curve[..100]);
    }

    #[test]
    fn in_log_scale_the_beginning_keeps_its_points() {
        let curve: Vec<(u64, f64)> = (1..=100_000).map(|i| (i, (i as f64 / 700.0).sin())).collect();
        let early = |steps| thin(&curve, 300, steps).iter().filter(|(step, _)| *step <= 100).count();
        assert!(early(StepAxis::Linear) <= 3);
        assert!(early(StepAxis::Log) >= 60, "{}", early(StepAxis::Log));
        assert!(thin(&curve, 300, StepAxis::Log).len() <= 300);
    }
}
