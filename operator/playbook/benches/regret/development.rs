//! Problems like those that tuning meets, for choosing between versions of the search: trainings that diverge, memory that
//! ends, error rates in steps, noise that grows, several basins, few dimensions that matter. None of them is a published one
//! of `bench/`. Each comes in instances that differ in their constants.

// Shared by a program and a test.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    clippy::needless_pass_by_value,
    clippy::neg_cmp_op_on_partial_ord,
    clippy::similar_names,
    clippy::type_complexity,
    dead_code
)]

use std::f64::consts::{PI, TAU};

/// Random numbers that are the same everywhere (`SplitMix64`).
pub struct Numbers(pub u64);

impl Numbers {
    /// Evenly from 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Evenly between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normally distributed.
    pub fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (TAU * self.unit()).cos()
    }
}

/// A value, or nothing where training fails, by the places of the coordinates in the unit interval (`None` for those that
/// don't exist).
pub type Function = Box<dyn Fn(&[Option<f64>]) -> Option<f64> + Send + Sync>;

/// A problem: its hyperparameters as a study writes them, and its value by places in the unit interval.
pub struct Specification {
    /// What tells it from others.
    pub name: String,
    /// A line of YAML each.
    pub hyperparameters: Vec<String>,
    /// The objective without noise.
    pub function: Function,
    /// The deviation of a result from it.
    pub noise: f64,
    /// Whether a part of the space can't be trained.
    pub edged: bool,
}

const REAL: &str = "range: {min: -1, max: 1}";
const LOG: &str = "range: {min: 1.0e-5, max: 1, scale: Log}";
const REVERSE: &str = "range: {min: 0, max: 0.999, scale: ReverseLog}";
const WHOLE: &str = "range: {min: 1, max: 12, integer: true}";
const MANY: &str = "range: {min: 8, max: 1024, integer: true, scale: Log}";
const POWERS: &str = "values: [16, 32, 64, 128, 256]";
const NAMES: &str = "values: [a, b, c, d]";

fn at(places: &[Option<f64>], i: usize) -> f64 {
    places[i].unwrap_or(0.5)
}

fn all(places: &[Option<f64>]) -> Vec<f64> {
    (0..places.len()).map(|i| at(places, i)).collect()
}

/// From a place in a `ReverseLog` range to 0.999.
fn momentum(place: f64) -> f64 {
    1.0 - 0.001_f64.powf(place)
}

/// The problems of an instance.
pub fn specifications(instance: u64) -> Vec<Specification> {
    let mut list: Vec<Specification> = Vec::new();
    let mut add = |name: &str, kinds: &[&str], edged: bool, noise: f64, function: Function| {
        let hyperparameters = kinds.iter().enumerate().map(|(i, kind)| format!("{{name: x{i}, {kind}}}")).collect();
        let name = format!("{name} #{instance}");
        list.push(Specification { name, hyperparameters, function, noise, edged });
    };
    let numbers = |salt: u64| Numbers(instance.wrapping_mul(0x5851_F42D_4C95_7F2D) ^ (salt * 7919));
    add("logistic training", &[LOG, REVERSE, LOG], true, 0.0, logistic(numbers(1)));
    add("adam on a canyon", &[LOG, REVERSE, REVERSE, LOG], true, 0.0, adam(numbers(2)));
    add("tiles in shared memory", &[POWERS, POWERS, MANY, WHOLE, REAL], true, 0.0, tiles(numbers(3)));
    add("two islands", &[REAL; 3], true, 0.0, islands(numbers(4)));
    add("ball's edge", &[REAL, LOG, REAL, LOG, REAL, REAL], true, 0.0, ball(numbers(5)));
    add("cliff", &[LOG, LOG, WHOLE, NAMES], true, 0.0, cliff(numbers(6)));
    add("corridor", &[LOG, REAL, REVERSE, REAL], true, 0.0, corridor(numbers(7)));
    let conditional = [
        NAMES,
        LOG,
        "range: {min: 0, max: 0.999, scale: ReverseLog}, when: {x0: [b, c]}",
        LOG,
        "range: {min: 0, max: 1}, when: {x0: [c]}",
    ];
    add("optimizers", &conditional, true, 0.0, optimizers(numbers(8)));
    add("noisy edge", &[LOG, REVERSE, REAL], true, 0.02, noisy_edge(numbers(9)));
    add("error rate", &[LOG, LOG, REAL, MANY], false, 0.0, error_rate(numbers(10)));
    add("styblinski", &[REAL; 5], false, 0.0, styblinski(numbers(11)));
    add("michalewicz", &[REAL, LOG, REAL, REVERSE], false, 0.0, michalewicz(numbers(12)));
    add("wells", &[REAL, LOG, LOG, REAL], false, 0.0, wells(numbers(13)));
    add("random network", &[LOG, LOG, REVERSE, REAL, REAL, REAL], false, 0.0, network(numbers(14)));
    add("few of eight matter", &[LOG, REAL, REAL, LOG, WHOLE, REAL, REVERSE, REAL], false, 0.0, few(numbers(15)));
    add("griewank of kinds", &[REAL, REAL, LOG, NAMES, POWERS], false, 0.0, griewank(numbers(16)));
    add("dixon and price", &[LOG, LOG, REAL, REAL, REAL, REAL, REAL], false, 0.0, dixon(numbers(17)));
    add("growing noise", &[LOG, LOG, REVERSE, REAL], false, 0.03, bent_bowl(numbers(18)));
    add("noise and few of eight", &[LOG, REAL, REAL, LOG, WHOLE, REAL, REVERSE, REAL], false, 0.3, few(numbers(19)));
    add("noise on four", &[LOG, REAL, REVERSE, REAL], false, 0.1, bent_bowl(numbers(20)));
    add("edge of kinds and sizes", &[LOG, NAMES, WHOLE, REAL], true, 0.0, moved_edge(numbers(21)));
    list
}

/// Gradient descent with momentum and decay on a logistic regression: the logarithm of a validation loss.
fn logistic(mut n: Numbers) -> Function {
    let d = 6;
    let scales: Vec<f64> = (0..d).map(|_| 10_f64.powf(n.between(-0.7, 0.9))).collect();
    let truth: Vec<f64> = (0..d).map(|_| n.normal()).collect();
    let mut draw = |count: usize| -> Vec<(Vec<f64>, f64)> {
        (0..count)
            .map(|_| {
                let x: Vec<f64> = scales.iter().map(|s| s * n.normal()).collect();
                let score: f64 = x.iter().zip(&truth).map(|(x, w)| x * w).sum::<f64>() + 1.5 * n.normal();
                (x, if score > 0.0 { 1.0 } else { -1.0 })
            })
            .collect()
    };
    let (training, validation) = (draw(40), draw(60));
    let loss = move |w: &[f64], rows: &[(Vec<f64>, f64)]| -> f64 {
        rows.iter().map(|(x, y)| (-y * x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>()).exp().ln_1p()).sum::<f64>()
            / rows.len() as f64
    };
    Box::new(move |places| {
        let rate = 1e-3 * 10_f64.powf(5.0 * at(places, 0));
        let (momentum, decay) = (momentum(at(places, 1)), 1e-4 * 10_f64.powf(5.0 * at(places, 2)));
        let (mut w, mut velocity) = (vec![0.0; d], vec![0.0; d]);
        for _ in 0..50 {
            let mut gradient: Vec<f64> = w.iter().map(|w| decay * w).collect();
            for (x, y) in &training {
                let pull = -y / (1.0 + (y * x.iter().zip(&w).map(|(x, w)| x * w).sum::<f64>()).exp());
                gradient.iter_mut().zip(x).for_each(|(g, x)| *g += pull * x / 40.0);
            }
            for i in 0..d {
                velocity[i] = momentum * velocity[i] - rate * gradient[i];
                w[i] += velocity[i];
            }
            if loss(&w, &training) > 2.0 {
                return None;
            }
        }
        Some(loss(&w, &validation).ln())
    })
}

/// Adam along a curved canyon.
fn adam(mut n: Numbers) -> Function {
    let (steep, start) = (n.between(5.0, 40.0), [n.between(-1.5, -0.8), n.between(0.5, 1.5)]);
    Box::new(move |places| {
        let rate = 1e-3 * 10_f64.powf(4.0 * at(places, 0));
        let (first, second) = (momentum(at(places, 1)), momentum(at(places, 2)));
        let epsilon = 1e-8 * 10_f64.powf(7.0 * at(places, 3));
        let (mut x, mut m, mut v) = (start, [0.0; 2], [0.0; 2]);
        let value = |x: [f64; 2]| (1.0 - x[0]).powi(2) + steep * (x[1] - x[0] * x[0]).powi(2);
        let initial = value(x);
        for step in 1..=80 {
            let off = x[1] - x[0] * x[0];
            let gradient = [-2.0 * (1.0 - x[0]) - 4.0 * steep * x[0] * off, 2.0 * steep * off];
            for i in 0..2 {
                m[i] = first * m[i] + (1.0 - first) * gradient[i];
                v[i] = second * v[i] + (1.0 - second) * gradient[i] * gradient[i];
                let (mean, square) = (m[i] / (1.0 - first.powi(step)), v[i] / (1.0 - second.powi(step)));
                x[i] -= rate * mean / (square.sqrt() + epsilon);
            }
            if !(value(x) < 4.0 * initial + 20.0) {
                return None;
            }
        }
        Some((value(x) + 1e-4).log10())
    })
}

/// The time of a kernel by its tiles: larger ones are faster until they don't fit.
fn tiles(mut n: Numbers) -> Function {
    let (room, waste) = (n.between(30.0, 60.0), n.between(0.03, 0.3));
    let best = n.between(3.0, 9.0);
    Box::new(move |places| {
        let size = |i: usize| 16.0 * 2_f64.powf((at(places, i) * 5.0).floor().min(4.0));
        let (m, k) = (size(0), size(1));
        let width = 8.0 * 128_f64.powf(at(places, 2));
        let stages = 1.0 + 11.0 * at(places, 3);
        if (m * k + k * width.min(256.0)) * (1.0 + 0.25 * stages) / 1024.0 > room {
            return None;
        }
        let traffic = 1.0 / m + 1.0 / width;
        let latency = 0.4 / stages + 0.02 * (stages - best).abs();
        let shape = waste * ((width / m).ln() - 0.5).powi(2) * 0.1 + 0.05 * (at(places, 4) - 0.35).powi(2);
        Some((traffic * 20.0 + latency + 6.0 / k + shape).ln())
    })
}

/// What can be trained lies in two parts of the cube; the smaller one is better.
fn islands(mut n: Numbers) -> Function {
    let shift: Vec<f64> = (0..3).map(|_| n.between(-0.06, 0.06)).collect();
    let weights: Vec<f64> = (0..3).map(|_| n.between(0.5, 3.0)).collect();
    Box::new(move |places| {
        let u: Vec<f64> = all(places).iter().zip(&shift).map(|(u, s)| u + s).collect();
        let from = |c: [f64; 3]| -> f64 { u.iter().zip(c).zip(&weights).map(|((u, c), w)| w * (u - c).powi(2)).sum() };
        let near = |c: [f64; 3], r: f64| u.iter().zip(c).map(|(u, c)| (u - c).powi(2)).sum::<f64>() < r * r;
        let (large, small) = ([0.7, 0.6, 0.5], [0.2, 0.25, 0.3]);
        if !near(large, 0.5) && !near(small, 0.3) {
            return None;
        }
        let wave = 0.02 * (9.0 * u[0]).sin() * (7.0 * u[1]).cos();
        Some(from([0.8, 0.75, 0.4]).min(from([0.25, 0.1, 0.2]) - 0.12) + wave)
    })
}

/// The best point is at the edge of a ball.
fn ball(mut n: Numbers) -> Function {
    let direction: Vec<f64> = (0..6).map(|_| n.normal()).collect();
    let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
    let centre: Vec<f64> = (0..6).map(|_| n.between(0.4, 0.6)).collect();
    let radius = n.between(0.66, 0.76);
    Box::new(move |places| {
        let off: Vec<f64> = all(places).iter().zip(&centre).map(|(u, c)| u - c).collect();
        if off.iter().map(|x| x * x).sum::<f64>() > radius * radius {
            return None;
        }
        let along = off.iter().zip(&direction).map(|(x, w)| x * w).sum::<f64>() / length;
        let across = off.iter().enumerate().map(|(i, x)| (x - along * direction[i] / length).powi(2)).sum::<f64>();
        Some(1.0 - 1.3 * along + 1.5 * across + 0.08 * (7.0 * off[0]).sin())
    })
}

/// A loss that falls towards the rate at which training breaks, each kind at another one.
fn cliff(mut n: Numbers) -> Function {
    let kinds: Vec<(f64, f64)> = (0..4).map(|_| (n.between(0.4, 0.85), n.between(0.0, 0.15))).collect();
    let (slope, best) = (n.between(-0.3, 0.3), n.between(0.2, 0.9));
    Box::new(move |places| {
        let (breaks, cost) = kinds[((places[3]? * 4.0) as usize).min(3)];
        let depth = at(places, 2);
        let short = breaks + slope * (depth - 0.5) + 0.15 * (at(places, 1) - 0.5) - at(places, 0);
        if short < 0.0 {
            return None;
        }
        Some(cost + (1.0 - (-4.0 * short).exp()) + 0.6 * (at(places, 1) - 0.6).powi(2) + 0.5 * (depth - best).powi(2))
    })
}

/// A loss that falls towards an edge which each kind and each whole number puts elsewhere, up to half the range away.
fn moved_edge(mut n: Numbers) -> Function {
    let kinds: Vec<(f64, f64)> = (0..4).map(|_| (n.between(0.35, 0.9), n.between(0.0, 0.1))).collect();
    let (by_size, best) = (n.between(-0.35, 0.35), n.between(0.2, 0.8));
    Box::new(move |places| {
        let (edge, cost) = kinds[((places[1]? * 4.0) as usize).min(3)];
        let size = at(places, 2);
        let short = edge + by_size * (size - 0.5) - at(places, 0);
        if short < 0.0 {
            return None;
        }
        Some(cost + 1.5 * short + 0.4 * (size - best).powi(2) + 0.5 * (at(places, 3) - 0.4).powi(2))
    })
}

/// Only a bent corridor can be trained; one walks along it.
fn corridor(mut n: Numbers) -> Function {
    let (bend, end) = (n.between(0.1, 0.3), n.between(0.6, 0.95));
    let sides: Vec<f64> = (0..2).map(|_| n.between(0.2, 0.8)).collect();
    Box::new(move |places| {
        let u = all(places);
        let middle = 0.5 + bend * (PI * 1.5 * u[0]).sin();
        if (u[1] - middle).abs() > 0.27 {
            return None;
        }
        let sides: f64 = sides.iter().zip(&u[2..]).map(|(s, u)| (u - s).powi(2)).sum();
        Some((u[0] - end).powi(2) + 0.8 * sides - 0.6 * (u[1] - middle) + 0.3 * (u[1] - middle).powi(2))
    })
}

/// Three optimizers and a baseline with hyperparameters of their own.
fn optimizers(mut n: Numbers) -> Function {
    let kinds: Vec<[f64; 4]> = (0..4)
        .map(|i| [n.between(0.35, 0.8), n.between(0.3, 0.9), n.between(0.2, 0.8), 0.08 * f64::from(i % 3)])
        .collect();
    Box::new(move |places| {
        let kind = ((places[0]? * 4.0) as usize).min(3);
        let [rate, heavy, third, cost] = kinds[kind];
        let ease = places[2].map_or(0.0, |m| 0.25 * (m - heavy));
        let off = at(places, 1) - (rate - ease);
        if off > 0.12 {
            return None;
        }
        let second = places[2].map_or(0.03, |m| 0.25 * (m - heavy).powi(2));
        let last = places[4].map_or(0.02, |x| 0.3 * (x - third).powi(2));
        let rate = if off < 0.0 { 1.0 - (8.0 * off * off * off).exp() + 1.5 * off * off } else { 12.0 * off * off };
        Some(cost + rate + second + last + 0.3 * (at(places, 3) - 0.55).powi(2))
    })
}

/// Noise, and an edge beside the best point.
fn noisy_edge(mut n: Numbers) -> Function {
    let best: Vec<f64> = (0..3).map(|_| n.between(0.3, 0.8)).collect();
    let margin = n.between(0.02, 0.1);
    Box::new(move |places| {
        let off: Vec<f64> = all(places).iter().zip(&best).map(|(u, o)| u - o).collect();
        if off[0] + 0.5 * off[1] + 0.4 * off[0] * off[2] > margin {
            return None;
        }
        Some(2.0 * off[0] * off[0] + off[1] * off[1] + 0.7 * off[2] * off[2] + off[0] * off[1])
    })
}

/// An error rate on a few hundred examples: it comes in steps, and far away everything is as bad.
fn error_rate(mut n: Numbers) -> Function {
    let best: Vec<f64> = (0..4).map(|_| n.between(0.2, 0.8)).collect();
    let weights: Vec<f64> = (0..4).map(|_| 10_f64.powf(n.between(-0.3, 0.9))).collect();
    Box::new(move |places| {
        let off: Vec<f64> = all(places).iter().zip(&best).map(|(u, o)| u - o).collect();
        let far: f64 = off.iter().zip(&weights).map(|(o, w)| w * o * o).sum::<f64>() + 1.2 * off[0] * off[1];
        let error = 0.9 - 0.85 * (-1.5 * far.max(0.0)).exp();
        Some((error * 400.0).round() / 400.0)
    })
}

fn styblinski(mut n: Numbers) -> Function {
    let shift: Vec<f64> = (0..5).map(|_| n.between(-0.12, 0.12)).collect();
    Box::new(move |places| {
        let x = all(places).into_iter().zip(&shift).map(|(u, s)| 9.0 * (u + s) - 4.5);
        Some(x.map(|x| 0.5 * (x.powi(4) - 16.0 * x * x + 5.0 * x)).sum::<f64>() / 40.0)
    })
}

fn michalewicz(mut n: Numbers) -> Function {
    let shift: Vec<f64> = (0..4).map(|_| n.between(-0.1, 0.1)).collect();
    Box::new(move |places| {
        let x = all(places).into_iter().zip(&shift).map(|(u, s)| PI * (u + s).clamp(0.0, 1.0));
        Some(-x.enumerate().map(|(i, x)| x.sin() * ((i + 1) as f64 * x * x / PI).sin().powi(6)).sum::<f64>())
    })
}

/// Several wells of different depths and widths.
fn wells(mut n: Numbers) -> Function {
    let wells: Vec<(Vec<f64>, f64, f64)> = (0..6)
        .map(|i| {
            let centre = (0..4).map(|_| n.between(0.1, 0.9)).collect();
            (centre, n.between(3.0, 20.0), n.between(0.3, 0.8) + if i == 0 { 0.5 } else { 0.0 })
        })
        .collect();
    Box::new(move |places| {
        let u = all(places);
        let well = |(c, width, depth): &(Vec<f64>, f64, f64)| {
            depth / (1.0 + width * c.iter().zip(&u).map(|(c, u)| (c - u).powi(2)).sum::<f64>())
        };
        Some(-wells.iter().map(well).sum::<f64>())
    })
}

/// A small random network of the places.
fn network(mut n: Numbers) -> Function {
    let rows: Vec<(Vec<f64>, f64, f64)> =
        (0..20).map(|_| ((0..6).map(|_| 1.6 * n.normal()).collect(), n.normal(), n.normal())).collect();
    Box::new(move |places| {
        let u = all(places);
        let unit = |(w, b, a): &(Vec<f64>, f64, f64)| {
            a * (w.iter().zip(&u).map(|(w, u)| w * (2.0 * u - 1.0)).sum::<f64>() + b).tanh()
        };
        Some(rows.iter().map(unit).sum::<f64>() / 4.0 + 0.4 * u.iter().map(|u| (u - 0.5).powi(2)).sum::<f64>())
    })
}

/// Three of eight dimensions matter much, the others little or not at all.
fn few(mut n: Numbers) -> Function {
    let best: Vec<f64> = (0..8).map(|_| n.between(0.2, 0.8)).collect();
    Box::new(move |places| {
        let off: Vec<f64> = all(places).iter().zip(&best).map(|(u, o)| u - o).collect();
        let much = 4.0 * off[0] * off[0] + 2.0 * (off[3] - off[0]).powi(2) + 1.5 * off[6] * off[6];
        let little = 0.03 * (off[1] * off[1] + off[4] * off[4]) + 0.01 * (5.0 * off[2]).sin();
        Some((1.0 + 5.0 * much).ln() + little)
    })
}

fn griewank(mut n: Numbers) -> Function {
    let kinds: Vec<(f64, Vec<f64>)> =
        (0..4).map(|_| (n.between(0.0, 0.6), (0..4).map(|_| n.between(-0.15, 0.15)).collect())).collect();
    let best: Vec<f64> = (0..4).map(|_| n.between(0.3, 0.7)).collect();
    Box::new(move |places| {
        let (cost, shift) = &kinds[((places[3]? * 4.0) as usize).min(3)];
        let u = [at(places, 0), at(places, 1), at(places, 2), at(places, 4)];
        let x: Vec<f64> = (0..4).map(|i| 9.0 * (u[i] - best[i] + shift[i])).collect();
        let product: f64 = x.iter().enumerate().map(|(i, x)| (x / ((i + 1) as f64).sqrt()).cos()).product();
        Some(cost + x.iter().map(|x| x * x).sum::<f64>() / 20.0 + 1.0 - product)
    })
}

fn dixon(mut n: Numbers) -> Function {
    let shift: Vec<f64> = (0..7).map(|_| n.between(-0.1, 0.1)).collect();
    Box::new(move |places| {
        let x: Vec<f64> = all(places).iter().zip(&shift).map(|(u, s)| 4.0 * (u + s) - 2.0).collect();
        let sum: f64 = x.windows(2).enumerate().map(|(i, p)| (i + 2) as f64 * (2.0 * p[1] * p[1] - p[0]).powi(2)).sum();
        Some(((x[0] - 1.0).powi(2) + sum).ln_1p())
    })
}

/// A bowl with a bend and a ripple; what is measured of it is noisy.
fn bent_bowl(mut n: Numbers) -> Function {
    let best: Vec<f64> = (0..4).map(|_| n.between(0.25, 0.75)).collect();
    Box::new(move |places| {
        let off: Vec<f64> = all(places).iter().zip(&best).map(|(u, o)| u - o).collect();
        let bend = (off[1] - 1.5 * off[0] * off[0]).powi(2);
        Some(off[0] * off[0] + 2.0 * bend + 0.6 * off[2] * off[2] + off[3] * off[3] + 0.02 * (TAU * off[0] * 2.0).cos())
    })
}
