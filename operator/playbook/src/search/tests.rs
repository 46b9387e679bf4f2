#![allow(
    clippy::float_cmp,
    clippy::format_collect,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::single_match_else
)]

use proptest::prelude::*;

use super::*;
use crate::studies;

/// Hickernell's centred L2 discrepancy, squared, as scipy's `qmc.discrepancy(method="CD")` has it.
pub(super) fn centred_discrepancy(points: &[Vec<f64>]) -> f64 {
    let n = points.len() as f64;
    let single = |x: &f64| {
        let off = (x - 0.5).abs();
        1.0 + 0.5 * off - 0.5 * off * off
    };
    let pair = |(x, y): (&f64, &f64)| 1.0 + 0.5 * ((x - 0.5).abs() + (y - 0.5).abs() - (x - y).abs());
    let singles: f64 = points.iter().map(|p| p.iter().map(single).product::<f64>()).sum();
    let pairs: f64 =
        points.iter().map(|p| points.iter().map(|q| p.iter().zip(q).map(pair).product::<f64>()).sum::<f64>()).sum();
    (13.0_f64 / 12.0).powi(i32::try_from(points[0].len()).unwrap()) - 2.0 / n * singles + pairs / (n * n)
}

fn cube(dimensions: usize) -> Space {
    let hyperparameters: String =
        (0..dimensions).map(|i| format!("- {{name: x{i}, range: {{min: 0, max: 1}}}}\n")).collect();
    let spec = studies::spec(&format!("hyperparameters:\n{hyperparameters}rounds: []\n"));
    Space::new(&spec.hyperparameters).unwrap()
}

/// The discrepancies of the first points of one sequence, for each of `sizes`, which ascend.
fn discrepancies(algorithm: Algorithm, space: &Space, seed: u64, sizes: &[usize]) -> Vec<f64> {
    let dimensions = space.dimensions().len();
    let sequence = Sequence::new(space, algorithm, seed, None);
    let points: Vec<Vec<f64>> =
        (0..*sizes.last().unwrap() as u64).map(|i| (0..dimensions).map(|c| sequence.place(c, i)).collect()).collect();
    let pair = |(x, y): (&f64, &f64)| 1.0 + 0.5 * ((x - 0.5).abs() + (y - 0.5).abs() - (x - y).abs());
    let single = |x: &f64| 1.0 + 0.5 * (x - 0.5).abs() - 0.5 * (x - 0.5) * (x - 0.5);
    let (mut singles, mut pairs, mut found) = (0.0, 0.0, Vec::new());
    for (i, p) in points.iter().enumerate() {
        singles += p.iter().map(single).product::<f64>();
        let product = |q: &Vec<f64>| p.iter().zip(q).map(pair).product::<f64>();
        pairs += 2.0 * points[..i].iter().map(product).sum::<f64>() + product(p);
        if sizes.contains(&(i + 1)) {
            let n = (i + 1) as f64;
            let volume = (13.0_f64 / 12.0).powi(i32::try_from(dimensions).unwrap());
            found.push(volume - 2.0 / n * singles + pairs / (n * n));
        }
    }
    found
}

/// The median over seeds of the discrepancy, for each size.
fn median_discrepancies(algorithm: Algorithm, dimensions: usize, seeds: u64, sizes: &[usize]) -> Vec<f64> {
    let space = cube(dimensions);
    let by_seed: Vec<Vec<f64>> = (0..seeds).map(|seed| discrepancies(algorithm, &space, seed, sizes)).collect();
    let median = |i: usize| {
        let mut all: Vec<f64> = by_seed.iter().map(|of_seed| of_seed[i]).collect();
        all.sort_by(f64::total_cmp);
        f64::midpoint(all[(all.len() - 1) / 2], all[all.len() / 2])
    };
    (0..sizes.len()).map(median).collect()
}

/// Medians over 400 seeds of scipy 1.17.1's `qmc.discrepancy(qmc.Halton(d, scramble=True, seed=s).random(n), method="CD")`
/// for d, and n = 16, 32, 64, 128, 256.
const SCIPY: [(usize, [f64; 5]); 9] = [
    (1, [5.466e-04, 1.519e-04, 3.563e-05, 9.253e-06, 2.295e-06]),
    (2, [3.071e-03, 9.154e-04, 2.568e-04, 7.618e-05, 2.172e-05]),
    (3, [7.937e-03, 2.553e-03, 7.763e-04, 2.249e-04, 6.702e-05]),
    (4, [1.674e-02, 5.579e-03, 1.739e-03, 5.548e-04, 1.742e-04]),
    (6, [5.357e-02, 1.977e-02, 6.722e-03, 2.362e-03, 8.292e-04]),
    (8, [1.262e-01, 5.177e-02, 1.998e-02, 7.541e-03, 2.753e-03]),
    (12, [5.249e-01, 2.274e-01, 9.938e-02, 4.270e-02, 1.765e-02]),
    (16, [1.652e+00, 7.513e-01, 3.473e-01, 1.580e-01, 7.090e-02]),
    (20, [4.584e+00, 2.173e+00, 1.026e+00, 4.862e-01, 2.281e-01]),
];

#[test]
fn points_are_at_least_as_even_as_scipys_scrambled_halton() {
    for (dimensions, medians) in SCIPY {
        let sizes = [16, 32, 64, 128, 256];
        let ours = median_discrepancies(Algorithm::QuasiRandom, dimensions, 20, &sizes);
        for ((points, ours), median) in sizes.into_iter().zip(ours).zip(medians) {
            let ratio = ours / median;
            assert!(ratio <= 1.05, "{dimensions} dimensions, {points} points: {ours:.3e} is {ratio:.3} times scipy's");
        }
    }
}

#[test]
fn points_are_more_even_than_random_ones() {
    for dimensions in [1, 2, 4, 8, 12] {
        let sizes = [32, 64, 100];
        let quasi_random = median_discrepancies(Algorithm::QuasiRandom, dimensions, 15, &sizes);
        let random = median_discrepancies(Algorithm::Random, dimensions, 15, &sizes);
        for (quasi_random, random) in quasi_random.into_iter().zip(random) {
            assert!(quasi_random < 0.75 * random, "{dimensions} dimensions: {quasi_random} against {random}");
        }
    }
}

#[test]
fn arms_share_points_and_use_the_first_coordinates() {
    let plan = studies::plan(studies::NESTEROV_AND_ADAM);
    let sequence = Sequence::new(plan.space(), Algorithm::QuasiRandom, 0, plan.arms());
    // optimizer; learning_rate, momentum; learning_rate, beta1, beta2, epsilon; batch_size.
    assert_eq!(sequence.coordinates(), [None, Some(0), Some(1), Some(0), Some(1), Some(2), Some(3), None]);
    let plan = studies::plan(studies::DIGITS);
    let sequence = Sequence::new(plan.space(), Algorithm::QuasiRandom, 0, plan.arms());
    // width exists beside learning_rate in each arm and beside one_minus_momentum in two.
    assert_eq!(sequence.coordinates(), [None, Some(0), Some(1), Some(2), None]);
}

#[test]
fn drawn_scientific_values_are_covered_evenly() {
    let spec = studies::spec(
        "
hyperparameters:
- {name: learning_rate, range: {min: 1.0e-4, max: 1, scale: Log}}
- {name: activation, role: Scientific, values: [relu, tanh, gelu]}
- {name: layers, role: Scientific, range: {min: 2, max: 9, integer: true}}
rounds: []
",
    );
    let space = Space::new(&spec.hyperparameters).unwrap();
    for seed in 0..20 {
        let sequence = Sequence::new(&space, Algorithm::QuasiRandom, seed, None);
        assert_eq!(sequence.coordinates(), [Some(2), Some(0), Some(1)]);
        let points: Vec<_> = (0..96).map(|i| sequence.point(&space, &Hyperparameters::new(), i)).collect();
        let count = |name: &str, value: &str| points.iter().filter(|p| p[name].to_string() == value).count();
        // 32 each of 96, 12 each of 96: off by no more than an uneven cell makes it.
        for activation in ["relu", "tanh", "gelu"] {
            assert!((29..=35).contains(&count("activation", activation)), "{seed}");
        }
        for layers in 2..=9 {
            assert!((8..=16).contains(&count("layers", &layers.to_string())), "{seed}");
        }
    }
}

proptest! {
    #[test]
    fn every_coordinate_is_even_whatever_the_seed(seed: u64) {
        let sequence = Sequence::new(&cube(6), Algorithm::QuasiRandom, seed, None);
        for coordinate in 0..6 {
            let mean = (0..210).map(|i| sequence.place(coordinate, i)).sum::<f64>() / 210.0;
            prop_assert!((mean - 0.5).abs() < 0.04, "{}", mean);
        }
    }
}

/// In a release build 10,000 points of 20 dimensions take a few milliseconds; this bound holds in a slow debug build.
#[test]
fn many_points_are_centred() {
    let space = cube(20);
    let sequence = Sequence::new(&space, Algorithm::QuasiRandom, 1, None);
    let sum: f64 =
        (0..10_000).map(|i| sequence.point(&space, &Hyperparameters::new(), i)["x19"].as_f64().unwrap()).sum();
    assert!((sum / 10_000.0 - 0.5).abs() < 0.01);
}
