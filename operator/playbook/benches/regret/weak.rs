//! The two kinds of problem on which the search is weak, each in instances that differ in which coordinates matter, of which
//! kind they are and where the best point lies: eight dimensions of which two or three matter, with and without noise, and an
//! edge of training that a category and a whole number move.

// Shared by a program and a test.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]

use super::development::{Function, Numbers, Specification};

const REAL: &str = "range: {min: -1, max: 1}";
const LOG: &str = "range: {min: 1.0e-5, max: 1, scale: Log}";
const REVERSE: &str = "range: {min: 0, max: 0.999, scale: ReverseLog}";
const WHOLE: &str = "range: {min: 1, max: 12, integer: true}";
const NAMES: &str = "values: [a, b, c, d]";
const TWO: &str = "values: [a, b]";

/// The problems of an instance.
pub fn specifications(instance: u64) -> Vec<Specification> {
    let numbers = |salt: u64| Numbers(instance.wrapping_mul(0x5851_F42D_4C95_7F2D) ^ (salt * 104_729));
    let (kinds, function) = few(numbers(1), 2 + instance as usize % 2, false);
    let (ravine_kinds, ravine) = few(numbers(2), 2 + instance as usize % 2, true);
    let (same_kinds, same) = few(numbers(1), 2 + instance as usize % 2, false);
    let (names_kinds, names) = edge(numbers(3), 3 + instance as usize % 4, true, false);
    let (sizes_kinds, sizes) = edge(numbers(4), 3 + instance as usize % 4, false, true);
    let (both_kinds, both) = edge(numbers(5), 3 + instance as usize % 4, true, true);
    [
        ("few of eight", kinds, false, 0.0, function),
        ("few of eight, noise", same_kinds, false, 0.3, same),
        ("ravine in eight, noise", ravine_kinds, false, 0.15, ravine),
        ("edge moved by a category", names_kinds, true, 0.0, names),
        ("edge moved by a whole number", sizes_kinds, true, 0.0, sizes),
        ("edge moved by both", both_kinds, true, 0.0, both),
    ]
    .map(|(name, kinds, edged, noise, function)| Specification {
        name: format!("{name} #{instance}"),
        hyperparameters: kinds.iter().enumerate().map(|(i, kind)| format!("{{name: x{i}, {kind}}}")).collect(),
        function,
        noise,
        edged,
    })
    .into()
}

/// A loss in eight dimensions of which so many matter: the logarithm of a bowl, or a bent ravine.
fn few(mut n: Numbers, matter: usize, ravine: bool) -> (Vec<&'static str>, Function) {
    let mut order: Vec<usize> = (0..8).collect();
    for i in (1..8).rev() {
        order.swap(i, (n.unit() * (i + 1) as f64) as usize);
    }
    let kinds = (0..8).map(|_| [REAL, LOG, REVERSE, WHOLE][(n.unit() * 3.4) as usize]).collect();
    let best: Vec<f64> = (0..8).map(|_| n.between(0.15, 0.85)).collect();
    let weights: Vec<f64> = (0..matter).map(|_| n.between(1.0, 4.0)).collect();
    let bend = n.between(0.5, 1.5);
    let function: Function = Box::new(move |places| {
        let off = |c: usize| places[order[c]].unwrap_or(0.5) - best[order[c]];
        let much: f64 = if ravine {
            let rest: f64 = (2..matter).map(|c| weights[c] * off(c) * off(c)).sum();
            6.0 * (off(1) - bend * off(0) * off(0)).powi(2) + weights[0] * off(0) * off(0) + rest
        } else {
            (0..matter).map(|c| weights[c] * off(c) * off(c)).sum::<f64>() + 2.0 * (off(1) - off(0)).powi(2)
        };
        let little = 0.01 * (matter..8).map(|c| off(c) * off(c)).sum::<f64>();
        Some(if ravine { much + little } else { (5.0 * much).ln_1p() + little })
    });
    (kinds, function)
}

/// A loss that falls towards the edge of what can be trained. A category and a whole number move that edge along a rate by up
/// to half of its range; the other coordinates make a bowl.
fn edge(mut n: Numbers, dimensions: usize, by_category: bool, by_size: bool) -> (Vec<&'static str>, Function) {
    let mut kinds = vec![LOG];
    kinds.extend(by_category.then(|| if n.unit() < 0.3 { TWO } else { NAMES }));
    kinds.extend(by_size.then_some(WHOLE));
    let first = kinds.len();
    while kinds.len() < dimensions {
        kinds.push([REAL, LOG, REVERSE][(n.unit() * 3.0) as usize]);
    }
    let classes = if kinds.contains(&TWO) { 2 } else { 4 };
    let edges: Vec<(f64, f64)> = (0..4).map(|_| (n.between(0.35, 0.9), n.between(0.0, 0.1))).collect();
    let (shift, size_best) = (n.between(-0.45, 0.45), n.between(0.2, 0.8));
    let best: Vec<f64> = (0..dimensions).map(|_| n.between(0.2, 0.8)).collect();
    let tilt = n.between(-0.2, 0.2);
    let function: Function = Box::new(move |places| {
        let at = |i: usize| places[i].unwrap_or(0.5);
        let class = if by_category { ((at(1) * classes as f64) as usize).min(classes - 1) } else { 0 };
        let (edge, cost) = edges[class];
        let size = if by_size { at(1 + usize::from(by_category)) } else { 0.5 };
        let leaning = if first < dimensions { tilt * (at(first) - 0.5) } else { 0.0 };
        let short = edge + shift * (size - 0.5) + leaning - at(0);
        if short < 0.0 {
            return None;
        }
        let bowl: f64 = (first..dimensions).map(|i| (at(i) - best[i]).powi(2)).sum();
        Some(cost + 1.5 * short + 0.4 * (size - size_best).powi(2) + 0.5 * bowl)
    });
    (kinds, function)
}
