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

/// What `golden/scipy_halton.py` measured.
#[derive(serde::Deserialize)]
struct Scipy {
    sizes: Vec<usize>,
    medians: Vec<Medians>,
}

/// For each size, over 20 seeds and over 400.
#[derive(serde::Deserialize)]
struct Medians {
    dimensions: usize,
    few: Vec<f64>,
    many: Vec<f64>,
}

#[test]
fn points_are_at_least_as_even_as_scipys_scrambled_halton() {
    let scipy: Scipy = serde_json::from_str(include_str!("golden/scipy_halton.json")).unwrap();
    assert_eq!(scipy.medians.iter().map(|m| m.dimensions).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    let mut worst = [0.0_f64; 2];
    for Medians { dimensions, few, many } in scipy.medians {
        let ours = median_discrepancies(Algorithm::QuasiRandom, dimensions, 20, &scipy.sizes);
        for (((points, ours), few), many) in scipy.sizes.iter().zip(ours).zip(few).zip(many) {
            let ratios = [ours / few, ours / many];
            assert!(
                ratios.iter().all(|ratio| *ratio <= 1.05),
                "{dimensions} dimensions, {points} points: {ours:.3e} is {ratios:.3?} times scipy's"
            );
            worst = [0, 1].map(|i| worst[i].max(ratios[i]));
        }
    }
    println!("at worst {:.3} times scipy's over 20 seeds, {:.3} over 400", worst[0], worst[1]);
}

/// Trials end in any order, and a study may get more of them: whatever has run is spread out.
#[test]
fn every_beginning_of_a_sequence_is_spread_out() {
    let sizes: Vec<usize> = (4..=256).collect();
    for dimensions in [1, 2, 3, 5, 8, 12, 20] {
        let ours = median_discrepancies(Algorithm::QuasiRandom, dimensions, 9, &sizes);
        let power = i32::try_from(dimensions).unwrap();
        let random = 1.25_f64.powi(power) - (13.0_f64 / 12.0).powi(power);
        for (points, ours) in sizes.iter().zip(ours) {
            // What random points have on average.
            let ratio = ours * *points as f64 / random;
            assert!(ratio < 0.9, "{dimensions} dimensions, {points} points: {ratio:.3} times that of random ones");
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
