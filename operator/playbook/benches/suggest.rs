//! How long one suggestion takes in eight dimensions, on one core, beside one Cholesky factor of as many rows, the floor
//! of any exact Gaussian process. Prints the figures; asserts nothing.

use std::{hint::black_box, time::Instant};

use studious_api::{
    Hyperparameters,
    study::{Algorithm, Direction, Hyperparameter},
};
use studious_playbook::{
    search::{
        Sequence,
        bayesian::{Observation, PointResult, Request, suggest},
    },
    space::Space,
};

const SPACE: &str = "
- {name: learning_rate, range: {min: 1.0e-5, max: 10, scale: Log}}
- {name: momentum, range: {min: 0, max: 0.999, scale: ReverseLog}}
- {name: weight_decay, range: {min: 1.0e-6, max: 0.1, scale: Log}}
- {name: dropout, range: {min: 0, max: 0.8}}
- {name: width, range: {min: 16, max: 1024, scale: Log, integer: true}}
- {name: layers, range: {min: 1, max: 8, integer: true}}
- {name: activation, values: [relu, tanh, gelu]}
- {name: label_smoothing, range: {min: 0, max: 0.3}}
";

/// Milliseconds of the Cholesky factor of `n` rows in its plainest form.
fn floor(n: usize) -> f64 {
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|i| (0..=i).map(|j| (-0.1 * (i - j) as f64).exp() + if i == j { 1.0 } else { 0.0 }).collect())
        .collect();
    let begun = Instant::now();
    for i in 0..n {
        let (before, after) = rows.split_at_mut(i);
        let row = &mut after[0];
        for j in 0..i {
            let sum: f64 = row[..j].iter().zip(&before[j]).map(|(a, b)| a * b).sum();
            row[j] = (row[j] - sum) / before[j][j];
        }
        row[i] = (row[i] - row[..i].iter().map(|a| a * a).sum::<f64>()).sqrt();
    }
    black_box(&rows);
    begun.elapsed().as_secs_f64() * 1e3
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hyperparameters: Vec<Hyperparameter> = serde_yaml::from_str(SPACE)?;
    let space = Space::new(&hyperparameters)?;
    let arm = Hyperparameters::new();
    for (known, repeats) in [(10, 40), (30, 40), (100, 40), (300, 10), (500, 10), (1000, 10)] {
        for with_infeasible in [false, true] {
            let mut took: Vec<f64> = (0..repeats)
                .map(|seed| {
                    let sequence = Sequence::new(&space, Algorithm::QuasiRandom, seed, None);
                    let observed: Vec<Observation> = (0..known)
                        .map(|i| {
                            let hyperparameters = sequence.point(&space, &arm, i);
                            let places: Vec<f64> = space
                                .dimensions()
                                .iter()
                                .filter_map(|d| d.to_unit(hyperparameters.get(d.name())?))
                                .collect();
                            let result = if with_infeasible && places[0] + places[1] > 1.3 {
                                PointResult::Infeasible
                            } else {
                                PointResult::Objective(places.iter().map(|u| (u - 0.4) * (u - 0.4)).sum())
                            };
                            Observation { hyperparameters, result }
                        })
                        .collect();
                    let request = Request {
                        space: &space,
                        arm: &arm,
                        direction: Direction::Minimize,
                        observed: &observed,
                        count: 1,
                        seed,
                    };
                    let begun = Instant::now();
                    black_box(suggest(&request));
                    begun.elapsed().as_secs_f64() * 1e3
                })
                .collect();
            took.sort_by(f64::total_cmp);
            let p95 = took[took.len() * 95 / 100];
            let what = if with_infeasible { "with an infeasible region" } else { "all feasible" };
            let floor = floor(usize::try_from(known)?);
            println!(
                "{known} trials, {what}: median {:.1} ms, p95 {p95:.1} ms; a factor {floor:.2} ms, ratio {:.0}",
                took[took.len() / 2],
                took[took.len() / 2] / floor
            );
        }
    }
    Ok(())
}
