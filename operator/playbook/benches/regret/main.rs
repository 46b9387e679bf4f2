//! What a Bayesian search gains over the quasi-random one, on functions drawn at random: the set on which its constants
//! were chosen, families held out to check them, problems like those of tuning ([`development`]) on which changes of
//! the search are decided, and those on which it is weak ([`weak`]). Prints simple regrets as ratios; asserts nothing.
//!
//! 10 quasi-random points, then 60 suggestions; beside the best of 70 quasi-random and of 70 random points. `SEEDS`, `BATCH`,
//! `SET` (`dev`, `held`, `development` or `weak`), `INSTANCES`, `FILTER` (parts of names) and `THREADS` are environment
//! variables. To compare two versions, run both on the same ones, the second with `AGAINST=FILE`, the first's output: each
//! problem's line ends with its regrets by seed, and [`report`] pairs them.

// A program for whoever develops the search: it may end by a panic.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::similar_names,
    clippy::type_complexity
)]

mod development;
mod report;
mod weak;

use std::{env, sync::Mutex, time::Instant};

use development::{Function, Numbers};
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

const INITIAL: usize = 10;
const TRIALS: usize = 70;

struct Problem {
    name: String,
    space: Space,
    function: Function,
    best: f64,
    noise: f64,
    edged: bool,
    /// Regrets below this share of the spread of values count as this.
    floor: f64,
}

impl Problem {
    fn new(name: String, hyperparameters: &[String], function: Function, noise: f64, edged: bool) -> Self {
        let hyperparameters: Vec<Hyperparameter> =
            hyperparameters.iter().map(|h| serde_yaml::from_str(h).expect("a hyperparameter")).collect();
        let space = Space::new(&hyperparameters).expect("a space");
        let mut problem = Self { name, space, function, best: f64::INFINITY, noise, edged, floor: 0.0 };
        problem.solve();
        problem
    }

    fn at(&self, point: &Hyperparameters) -> Option<f64> {
        let active: Vec<&str> = self.space.active(point).iter().map(|d| d.name()).collect();
        let places: Vec<Option<f64>> = self
            .space
            .dimensions()
            .iter()
            .map(|d| point.get(d.name()).filter(|_| active.contains(&d.name())).and_then(|v| d.to_unit(v)))
            .collect();
        (self.function)(&places)
    }

    /// The best value, by many points and a long random descent from the best of them.
    fn solve(&mut self) {
        let mut numbers = Numbers(99);
        let d = self.space.dimensions().len();
        let mut found: Vec<(f64, Vec<f64>)> = Vec::new();
        let at = |units: &[f64]| self.at(&self.space.point(&Hyperparameters::new(), |i| units[i]));
        for _ in 0..4000 {
            let units: Vec<f64> = (0..d).map(|_| numbers.unit()).collect();
            if let Some(value) = at(&units) {
                found.push((value, units));
            }
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        let spread = found[found.len() / 2].0 - found[0].0;
        let mut best = f64::INFINITY;
        for (value, units) in found.iter().take(4) {
            let (mut value, mut units) = (*value, units.clone());
            let mut reach = 0.2;
            for step in 0..4000 {
                let one = (numbers.unit() * d as f64) as usize;
                let all = step % 2 == 0;
                let next: Vec<f64> = units
                    .iter()
                    .enumerate()
                    .map(|(i, u)| if all || i == one { (u + reach * numbers.normal()).clamp(0.0, 1.0) } else { *u })
                    .collect();
                match at(&next) {
                    Some(better) if better < value => {
                        (value, units) = (better, next);
                        reach = f64::min(reach * 1.5, 0.3);
                    }
                    _ => reach = f64::max(reach * 0.97, 1e-7),
                }
                if step % 1000 == 999 {
                    reach = 0.1;
                }
            }
            best = best.min(value);
        }
        self.best = best;
        self.floor = 1e-4 * spread;
    }

    fn regret(&self, value: f64) -> f64 {
        (value - self.best).max(self.floor)
    }
}

fn rotation(numbers: &mut Numbers, d: usize) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = Vec::new();
    while rows.len() < d {
        let mut row: Vec<f64> = (0..d).map(|_| numbers.normal()).collect();
        for other in &rows {
            let along: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
            row.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
        }
        let length = row.iter().map(|a| a * a).sum::<f64>().sqrt();
        rows.push(row.into_iter().map(|a| a / length).collect());
    }
    rows
}

/// A function of the unit cube.
fn smooth(
    family: &str,
    d: usize,
    optimum: Vec<f64>,
    numbers: &mut Numbers,
) -> Box<dyn Fn(&[f64]) -> f64 + Send + Sync> {
    let turned = rotation(numbers, d);
    let mixing = numbers.between(0.0, 1.0);
    let weights: Vec<f64> = (0..d).map(|_| 10_f64.powf(numbers.between(-1.0, 0.5))).collect();
    let bowl = move |u: &[f64]| -> f64 {
        let off: Vec<f64> = u.iter().zip(&optimum).map(|(u, o)| u - o).collect();
        (0..d)
            .map(|i| {
                let turned: f64 = turned[i].iter().zip(&off).map(|(a, b)| a * b).sum();
                weights[i] * (mixing * turned + (1.0 - mixing) * off[i]).powi(2)
            })
            .sum::<f64>()
    };
    match family {
        "bowl" => Box::new(bowl),
        "steep" => Box::new(move |u| (6.0 * bowl(u)).exp() - 1.0),
        "plateau" => Box::new(move |u| 1.0 - (-5.0 * bowl(u)).exp()),
        "root" => Box::new(move |u| bowl(u).sqrt()),
        "skewed" => {
            // As a loss answers to a learning rate: slowly from below, suddenly from above.
            let at = numbers.between(0.4, 0.75);
            Box::new(move |u| {
                let t = u[0] - at + 0.2 * (u[1 % d] - 0.5);
                let rate = if t < 0.0 { 1.0 - (6.0 * t).exp() + 3.0 * t * t } else { 20.0 * t * t + 3.0 * t };
                0.3 * rate + bowl(&u.iter().map(|x| x.sqrt()).collect::<Vec<_>>())
            })
        }
        "waves" => Box::new(move |u| {
            let waves: f64 = u.iter().map(|x| 1.0 - (std::f64::consts::TAU * 2.5 * (x - 0.6)).cos()).sum();
            bowl(u) + 0.03 * waves
        }),
        "valley" => Box::new(move |u| {
            let v: Vec<f64> = u.iter().map(|x| 3.0 * x - 1.3).collect();
            0.1 * bowl(u) + v.windows(2).map(|p| 5.0 * (p[1] - p[0] * p[0]).powi(2) + (1.0 - p[0]).powi(2)).sum::<f64>()
        }),
        "process" => {
            // A draw from a Matérn-5/2 process by random features.
            let lengths: Vec<f64> = (0..d).map(|_| numbers.between(0.3, 1.2) * (d as f64).sqrt() / 1.4).collect();
            let features: Vec<(Vec<f64>, f64, f64)> = (0..300)
                .map(|_| {
                    let chi: f64 = (0..5).map(|_| numbers.normal().powi(2)).sum::<f64>() / 5.0;
                    let w = lengths.iter().map(|l| numbers.normal() / chi.sqrt() / l).collect();
                    (w, numbers.between(0.0, std::f64::consts::TAU), numbers.normal())
                })
                .collect();
            Box::new(move |u| {
                features
                    .iter()
                    .map(|(w, phase, a)| a * (w.iter().zip(u).map(|(w, u)| w * u).sum::<f64>() + phase).cos())
                    .sum::<f64>()
                    / 150_f64.sqrt()
            })
        }
        // Held out.
        "levy" => Box::new(move |u| {
            let w: Vec<f64> = u.iter().map(|x| 1.0 + (8.0 * x - 5.0) / 4.0).collect();
            let pi = std::f64::consts::PI;
            let inner: f64 =
                w.windows(2).map(|p| (p[0] - 1.0).powi(2) * (1.0 + 10.0 * (pi * p[0] + 1.0).sin().powi(2))).sum();
            (pi * w[0]).sin().powi(2) + inner + (w[d - 1] - 1.0).powi(2) + 0.3 * bowl(u)
        }),
        "hollows" => {
            let centres: Vec<(Vec<f64>, f64, f64)> = (0..4)
                .map(|i| {
                    let centre = (0..d).map(|_| numbers.between(0.1, 0.9)).collect();
                    (centre, numbers.between(2.0, 8.0), 1.0 + 0.6 * f64::from(i))
                })
                .collect();
            Box::new(move |u| {
                -centres
                    .iter()
                    .map(|(c, width, depth)| {
                        depth * (-width * c.iter().zip(u).map(|(c, u)| (c - u).powi(2)).sum::<f64>()).exp()
                    })
                    .sum::<f64>()
            })
        }
        "quartic" => Box::new(move |u| {
            let b = bowl(u);
            b * b + 0.05 * b
        }),
        other => unreachable!("{other}"),
    }
}

/// Spaces: `r` a real range, `l` a log one, `v` a reverse log one, `i` whole numbers, `m` many of them, `c` three
/// categories, `n` numbers in a list, `o` a real range that exists for one category of the first `c` only.
fn problem(family: &str, shape: &str, edge: &str, noise: f64, number: u64) -> Problem {
    let mut numbers = Numbers(number * 7919 + family.len() as u64 * 104_729 + shape.len() as u64);
    for byte in family.bytes().chain(shape.bytes()).chain(edge.bytes()) {
        numbers.0 = numbers.0.wrapping_mul(31).wrapping_add(u64::from(byte));
    }
    let category = shape.chars().position(|c| c == 'c');
    let hyperparameters: Vec<String> = shape
        .chars()
        .enumerate()
        .map(|(i, kind)| match kind {
            'l' => format!("{{name: x{i}, range: {{min: 1.0e-5, max: 1, scale: Log}}}}"),
            'v' => format!("{{name: x{i}, range: {{min: 0, max: 0.999, scale: ReverseLog}}}}"),
            'i' => format!("{{name: x{i}, range: {{min: 1, max: 8, integer: true}}}}"),
            'm' => format!("{{name: x{i}, range: {{min: 8, max: 1024, integer: true, scale: Log}}}}"),
            'c' => format!("{{name: x{i}, values: [a, b, c]}}"),
            'n' => format!("{{name: x{i}, values: [16, 32, 64, 128, 256]}}"),
            'o' => {
                format!("{{name: x{i}, range: {{min: 0, max: 1}}, when: {{x{}: [b]}}}}", category.expect("c before o"))
            }
            _ => format!("{{name: x{i}, range: {{min: -1, max: 1}}}}"),
        })
        .collect();
    let numeric: Vec<usize> = (0..shape.len()).filter(|i| shape.as_bytes()[*i] != b'c').collect();
    let categories: Vec<usize> = (0..shape.len()).filter(|i| shape.as_bytes()[*i] == b'c').collect();
    let d = numeric.len();
    let optimum: Vec<f64> = (0..d).map(|_| numbers.between(0.15, 0.85)).collect();
    let base = smooth(family, d, optimum.clone(), &mut numbers);
    // Each category shifts the optimum and costs something.
    let effects: Vec<[(f64, Vec<f64>); 3]> = categories
        .iter()
        .map(|_| {
            std::array::from_fn(|_| (numbers.between(0.0, 0.3), (0..d).map(|_| 0.12 * numbers.normal()).collect()))
        })
        .collect();
    let direction: Vec<f64> = (0..d).map(|i| if i == 0 { 1.0 } else { numbers.between(-0.3, 0.8) }).collect();
    let margin = numbers.between(-0.08, 0.12);
    let edge_kind = edge.to_owned();
    let function: Function = Box::new(move |places| {
        let mut u: Vec<f64> = numeric.iter().map(|i| places[*i].unwrap_or(0.5)).collect();
        let along = |u: &[f64]| -> f64 {
            match edge_kind.as_str() {
                "curved" => direction.iter().zip(u).map(|(w, u)| w * u * u).sum::<f64>() + 0.4 * u[0] * u[d - 1],
                "ball" => -u.iter().map(|u| (u - 0.9).powi(2)).sum::<f64>(),
                "corner" => u[0].min(u[d - 1] + 0.2),
                _ => direction.iter().zip(u).map(|(w, u)| w * u).sum::<f64>(),
            }
        };
        if edge_kind != "none" && along(&u) > along(&optimum) + margin {
            return None;
        }
        let mut cost = 0.0;
        for (c, effects) in categories.iter().zip(&effects) {
            let place = ((places[*c]? * 3.0) as usize).min(2);
            cost += effects[place].0;
            u.iter_mut().zip(&effects[place].1).for_each(|(u, shift)| *u = (*u + shift).clamp(0.0, 1.0));
        }
        Some(base(&u) + cost)
    });
    Problem::new(
        format!("{family} {shape} {edge} {noise} #{number}"),
        &hyperparameters,
        function,
        noise,
        edge != "none",
    )
}

fn problems(set: &str, instances: u64) -> Vec<Problem> {
    let filter = env::var("FILTER").unwrap_or_default();
    let wanted = |name: &str| filter.split(',').any(|part| name.contains(part));
    if set == "development" || set == "weak" {
        let specifications = if set == "weak" { weak::specifications } else { development::specifications };
        let all = (0..instances).flat_map(specifications).filter(|s| wanted(&s.name));
        return all.map(|s| Problem::new(s.name, &s.hyperparameters, s.function, s.noise, s.edged)).collect();
    }
    let shapes: &[(&str, &str, &str, f64)] = if set == "held" {
        &[
            ("levy", "lrv", "none", 0.0),
            ("levy", "llrrr", "none", 0.0),
            ("hollows", "rrr", "none", 0.0),
            ("hollows", "lric", "none", 0.0),
            ("quartic", "llvrnc", "none", 0.0),
            ("quartic", "rrrrrrrr", "none", 0.0),
            ("bowl", "lv", "ball", 0.0),
            ("skewed", "lvl", "ball", 0.0),
            ("quartic", "lvm", "corner", 0.0),
            ("hollows", "lvr", "half", 0.0),
            ("levy", "lvrc", "curved", 0.0),
            ("skewed", "lvirnc", "corner", 0.0),
        ]
    } else {
        &[
            ("bowl", "lr", "none", 0.0),
            ("bowl", "llvrr", "none", 0.0),
            ("bowl", "llvrmrrr", "none", 0.0),
            ("steep", "lvr", "none", 0.0),
            ("plateau", "llr", "none", 0.0),
            ("root", "lvlr", "none", 0.0),
            ("skewed", "lvl", "none", 0.0),
            ("skewed", "lvlmnc", "none", 0.0),
            ("waves", "lr", "none", 0.0),
            ("waves", "lrrr", "none", 0.0),
            ("valley", "rrr", "none", 0.0),
            ("process", "rr", "none", 0.0),
            ("process", "lrrr", "none", 0.0),
            ("process", "lriic", "none", 0.0),
            ("bowl", "lricco", "none", 0.0),
            ("plateau", "lvcnm", "none", 0.0),
            ("bowl", "lvr", "none", 0.02),
            ("bowl", "lv", "half", 0.0),
            ("bowl", "lvlr", "curved", 0.0),
            ("steep", "lvr", "half", 0.0),
            ("skewed", "lv", "half", 0.0),
            ("skewed", "lvlr", "curved", 0.0),
            ("skewed", "lvlmc", "half", 0.0),
            ("plateau", "lvm", "curved", 0.0),
            ("process", "lrr", "half", 0.0),
            ("root", "lvcrr", "curved", 0.0),
            ("valley", "lrrr", "half", 0.0),
        ]
    };
    let all = shapes.iter().flat_map(|(f, s, e, n)| (0..instances).map(move |i| (*f, *s, *e, *n, i)));
    all.filter(|(f, s, e, ..)| wanted(&format!("{f} {s} {e}"))).map(|(f, s, e, n, i)| problem(f, s, e, n, i)).collect()
}

struct Outcome {
    regret: f64,
    quasi_random: f64,
    random: f64,
    infeasible: usize,
    suggested: usize,
    milliseconds: Vec<f64>,
}

fn run(problem: &Problem, seed: u64, batch: usize) -> Outcome {
    let arm = Hyperparameters::new();
    let sequence = Sequence::new(&problem.space, Algorithm::QuasiRandom, seed, None);
    let points: Vec<Hyperparameters> = (0..TRIALS as u64).map(|i| sequence.point(&problem.space, &arm, i)).collect();
    let best = |values: &mut dyn Iterator<Item = Option<f64>>| values.flatten().fold(f64::INFINITY, f64::min);
    let quasi_random = best(&mut points.iter().map(|p| problem.at(p)));
    let random = Sequence::new(&problem.space, Algorithm::Random, seed, None);
    let random = best(&mut (0..TRIALS as u64).map(|i| problem.at(&random.point(&problem.space, &arm, i))));
    let worst = points.iter().filter_map(|p| problem.at(p)).fold(f64::NEG_INFINITY, f64::max);
    let mut numbers = Numbers(seed + 1);
    let mut observe = |point: &Hyperparameters| {
        problem
            .at(point)
            .map_or(PointResult::Infeasible, |value| PointResult::Objective(value + problem.noise * numbers.normal()))
    };
    let mut observed: Vec<Observation> = points[..INITIAL]
        .iter()
        .map(|point| Observation { hyperparameters: point.clone(), result: observe(point) })
        .collect();
    let (mut infeasible, mut milliseconds) = (0, Vec::new());
    while observed.len() < TRIALS {
        let begun = Instant::now();
        let count = batch.min(TRIALS - observed.len());
        let suggestions = suggest(&Request {
            space: &problem.space,
            arm: &arm,
            direction: Direction::Minimize,
            observed: &observed,
            count,
            seed,
        });
        milliseconds.push(begun.elapsed().as_secs_f64() * 1e3 / count as f64);
        if suggestions.points.is_empty() {
            break;
        }
        for point in suggestions.points {
            let result = observe(&point);
            infeasible += usize::from(result == PointResult::Infeasible);
            observed.push(Observation { hyperparameters: point, result });
        }
    }
    let found = best(&mut observed.iter().map(|o| problem.at(&o.hyperparameters)));
    Outcome {
        regret: problem.regret(found.min(worst)),
        quasi_random: problem.regret(quasi_random.min(worst)),
        random: problem.regret(random.min(worst)),
        infeasible,
        suggested: observed.len() - INITIAL,
        milliseconds,
    }
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn main() {
    let (seeds, batch, instances) = (number("SEEDS", 3), number("BATCH", 1) as usize, number("INSTANCES", 1));
    let set = env::var("SET").unwrap_or_else(|_| "dev".to_owned());
    let problems = problems(&set, instances);
    let next = Mutex::new(0);
    let results: Mutex<Vec<(usize, Vec<Outcome>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..number("THREADS", 2) {
            scope.spawn(|| {
                loop {
                    let at = {
                        let mut next = next.lock().expect("lock");
                        *next += 1;
                        *next - 1
                    };
                    let Some(problem) = problems.get(at) else { break };
                    let outcomes = (0..seeds).map(|seed| run(problem, seed, batch)).collect();
                    results.lock().expect("lock").push((at, outcomes));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("lock");
    results.sort_by_key(|(at, _)| *at);
    let named: Vec<(&Problem, Vec<Outcome>)> =
        results.into_iter().map(|(at, outcomes)| (&problems[at], outcomes)).collect();
    report::print(&format!("{set}, batches of {batch}"), &named);
}
