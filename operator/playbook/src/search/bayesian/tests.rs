#![allow(clippy::float_cmp, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use proptest::prelude::*;
use serde::Deserialize;

use super::{kernel::Kernel, *};
use crate::studies;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    length_scales: Vec<f64>,
    variance: f64,
    noise: f64,
    points: Vec<Vec<f64>>,
    targets: Vec<f64>,
    at: Vec<Vec<f64>>,
    mean: Vec<f64>,
    deviation: Vec<f64>,
    log_marginal_likelihood: f64,
    gradient: Vec<f64>,
}

#[test]
fn the_surrogate_says_what_scikit_learn_says() {
    let golden: Golden = serde_json::from_str(include_str!("golden/scikit_learn.json")).unwrap();
    for case in golden.cases {
        let d = case.length_scales.len();
        let metrics = vec![kernel::Metric::Number; d];
        let kernel = Kernel::new(metrics.clone(), &case.length_scales, case.variance);
        let surrogate = Surrogate::new(kernel, case.noise, &case.points, &case.targets);
        for ((at, mean), deviation) in case.at.iter().zip(&case.mean).zip(&case.deviation) {
            let prediction = surrogate.predict(at);
            assert!((prediction.mean - mean).abs() < 1e-6, "{prediction:?} {mean}");
            assert!((prediction.variance.sqrt() - deviation).abs() < 1e-6, "{prediction:?} {deviation}");
        }
        let likelihood = surrogate.log_marginal_likelihood();
        assert!((likelihood - case.log_marginal_likelihood).abs() < 1e-6 * (1.0 + likelihood.abs()));
        // The fit's loss, with priors too wide to matter, has the same gradient: lengths, variance, noise.
        let wide = Prior { mean: 0.0, deviation: 1e9 };
        let priors = Priors { length_scale: wide, variance: wide, noise: wide };
        let logarithms: Vec<f64> =
            case.length_scales.iter().chain([&case.variance, &case.noise]).map(|x| x.ln()).collect();
        let (_, gradient) = RegressionData::new(&metrics, &case.points, &case.targets, priors).loss(&logarithms);
        let theirs = case.gradient[1..=d].iter().chain([&case.gradient[0], &case.gradient[d + 1]]);
        for (ours, theirs) in gradient.iter().zip(theirs) {
            assert!((ours + theirs).abs() < 1e-6 * (1.0 + theirs.abs()), "{ours} {theirs}");
        }
    }
}

/// Every kind of dimension.
const MIXED: &str = "
- {name: learning_rate, range: {min: 1.0e-5, max: 10, scale: Log}}
- {name: momentum, range: {min: 0, max: 0.999, scale: ReverseLog}}
- {name: layers, range: {min: 1, max: 6, integer: true}}
- {name: width, range: {min: 16, max: 2048, scale: Log, integer: true}}
- {name: batch_size, values: [128, 32, 64]}
- {name: optimizer, values: [sgd, adam, lamb]}
- {name: nesterov, values: [true, false]}
- {name: beta2, range: {min: 0.9, max: 0.9999, scale: ReverseLog}, when: {optimizer: [adam, lamb]}}
- {name: epsilon, range: {min: 1.0e-8, max: 1, scale: Log}, when: {optimizer: [adam], layers: [2, 3]}}
- {name: seed, role: Fixed, value: 3}
";

/// Some exist for a part of a range only.
const BY_INTERVALS: &str = "
- {name: learning_rate, range: {min: 1.0e-5, max: 10, scale: Log}}
- {name: layers, range: {min: 1, max: 1000, scale: Log, integer: true}}
- {name: skip_every, when: {layers: {min: 30}}, range: {min: 1, max: 9, integer: true}}
- {name: warmup, when: {learning_rate: {below: 0.01}}, values: [0, 10]}
- {name: warmup, when: {learning_rate: {min: 0.01}}, range: {min: 10, max: 1000, scale: Log}}
- {name: clip, when: {warmup: {above: 100}}, range: {min: 0.1, max: 1}}
";

fn space(hyperparameters: &str) -> Space {
    Space::new(&studies::spec(&format!("hyperparameters:\n{hyperparameters}\nrounds: []\n")).hyperparameters).unwrap()
}

fn places(space: &Space, point: &Hyperparameters) -> Vec<f64> {
    space.active(point).iter().filter_map(|d| d.to_unit(&point[d.name()])).collect()
}

/// A smooth objective whose best point is in the middle of everything; training fails above a line.
fn trained(space: &Space, point: &Hyperparameters, edge: f64) -> PointResult {
    let places = places(space, point);
    if places[0] + 0.5 * places[1] > edge {
        return PointResult::Infeasible;
    }
    PointResult::Objective(places.iter().map(|u| (u - 0.45) * (u - 0.45)).sum())
}

/// The first points of a study, tried.
fn begun(space: &Space, count: u64, seed: u64, edge: f64) -> Vec<Observation> {
    let sequence = Sequence::new(space, Algorithm::Bayesian, seed, None);
    (0..count)
        .map(|i| {
            let hyperparameters = sequence.point(space, &Hyperparameters::new(), i);
            Observation { result: trained(space, &hyperparameters, edge), hyperparameters }
        })
        .collect()
}

fn asked(space: &Space, observed: &[Observation], count: usize, seed: u64) -> ProposedPoints {
    let arm = Hyperparameters::new();
    suggest(&Request { space, arm: &arm, direction: Direction::Minimize, observed, count, seed })
}

/// Whether a point has every hyperparameter that it should, none else, and each within its range.
fn is_of(space: &Space, point: &Hyperparameters) -> bool {
    let active = space.active(point);
    active.len() == point.len()
        && active.iter().all(|d| match d.domain() {
            Domain::Fixed(value) => point[d.name()] == *value,
            _ => d.to_unit(&point[d.name()]).is_some(),
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn points_are_of_the_space_new_and_the_same_in_whatever_order(
        seed: u64, count in 0_u64..24, edge in 0.4..1.6, by_intervals: bool,
    ) {
        let space = space(if by_intervals { BY_INTERVALS } else { MIXED });
        let mut observed = begun(&space, count, seed, edge);
        if let Some(last) = observed.last_mut() {
            last.result = PointResult::Pending;
        }
        let suggestions = asked(&space, &observed, 3, seed);
        prop_assert_eq!(suggestions.points.len(), 3);
        prop_assert!(!suggestions.exhausted);
        let mut identities: HashSet<PointIdentity> =
            observed.iter().map(|o| PointIdentity::of(&o.hyperparameters)).collect();
        for point in &suggestions.points {
            prop_assert!(is_of(&space, point), "{:?}", point);
            prop_assert!(identities.insert(PointIdentity::of(point)), "{:?}", point);
        }
        observed.reverse();
        let middle = observed.len() / 2;
        observed.rotate_left(middle);
        prop_assert_eq!(asked(&space, &observed, 3, seed), suggestions);
    }

    #[test]
    fn points_come_back_from_their_numbers(units in prop::collection::vec(0.0..1.0, 10)) {
        let space = space(MIXED);
        let arm = Hyperparameters::new();
        let encoding = Encoding::new(&space, &arm);
        let point = space.point(&arm, |i| units[i]);
        let features = encoding.features(&point).unwrap();
        let again = encoding.point(&Encoding::raw(&features));
        prop_assert_eq!(encoding.features(&again).unwrap().len(), features.len());
        for (a, b) in places(&space, &point).iter().zip(places(&space, &again)) {
            prop_assert!((a - b).abs() < 1e-9);
        }
    }
}

#[test]
fn the_first_points_are_those_of_the_study() {
    let space = space(MIXED);
    let sequence = Sequence::new(&space, Algorithm::QuasiRandom, 4, None);
    let first: Vec<_> = (0..3).map(|i| sequence.point(&space, &Hyperparameters::new(), i)).collect();
    assert_eq!(asked(&space, &[], 3, 4).points, first);
    let observed: Vec<Observation> =
        first.iter().map(|p| Observation { hyperparameters: p.clone(), result: PointResult::Pending }).collect();
    let fourth = sequence.point(&space, &Hyperparameters::new(), 3);
    assert_eq!(asked(&space, &observed, 1, 4).points, [fourth]);
}

#[test]
fn five_at_once_are_diverse() {
    let space = space(
        "
- {name: x, range: {min: 0, max: 1}}
- {name: y, range: {min: 0, max: 1}}
",
    );
    for seed in 0..3 {
        let observed = begun(&space, 16, seed, 9.0);
        let points = asked(&space, &observed, 5, seed).points;
        for (i, a) in points.iter().enumerate() {
            for b in &points[..i] {
                let apart =
                    places(&space, a).iter().zip(places(&space, b)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(apart >= 0.999 * APART, "{a:?} {b:?}");
            }
        }
    }
}

#[test]
fn a_pending_point_is_as_good_as_known() {
    let space = space(
        "
- {name: x, range: {min: 0, max: 1}}
- {name: y, range: {min: 0, max: 1}}
",
    );
    let mut observed = begun(&space, 16, 1, 9.0);
    let both = asked(&space, &observed, 2, 1).points;
    observed.push(Observation { hyperparameters: both[0].clone(), result: PointResult::Pending });
    let second = &asked(&space, &observed, 1, 1).points[0];
    let apart = |a: &Hyperparameters, b: &Hyperparameters| {
        places(&space, a).iter().zip(places(&space, b)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    assert!(apart(second, &both[0]) > 0.01);
}

#[test]
fn a_finite_space_ends_cleanly() {
    let space = space(
        "
- {name: layers, range: {min: 1, max: 4, integer: true}}
- {name: activation, values: [relu, tanh, gelu]}
- {name: slope, values: [0.1, 0.2], when: {activation: [relu]}}
",
    );
    let mut observed: Vec<Observation> = Vec::new();
    for _ in 0..20 {
        let suggestions = asked(&space, &observed, 1, 2);
        let Some(point) = suggestions.points.first() else {
            assert!(suggestions.exhausted);
            break;
        };
        assert!(!suggestions.exhausted);
        let result = PointResult::Objective(places(&space, point)[0]);
        observed.push(Observation { hyperparameters: point.clone(), result });
    }
    // Four layers by relu with two slopes, tanh and gelu.
    assert_eq!(observed.len(), 16);
    let all = asked(&space, &[], 99, 2);
    assert!(all.exhausted && all.points.len() == 16);
    let rest = asked(&space, &observed[..13], 99, 2);
    assert!(rest.exhausted && rest.points.len() == 3);
}

#[test]
fn a_finite_space_with_intervals_ends_cleanly() {
    let space = space(
        "
- {name: layers, range: {min: 1, max: 5, integer: true}}
- {name: skip, values: [1, 2, 3], when: {layers: {min: 4}}}
",
    );
    let all = asked(&space, &[], 99, 2);
    assert!(all.exhausted && all.points.len() == 3 + 2 * 3, "{}", all.points.len());
    assert!(all.points.iter().all(|point| is_of(&space, point)));
}

#[test]
fn an_arm_keeps_its_scientific_values_and_learns_from_the_others() {
    let space = space(
        "
- {name: optimizer, role: Scientific, values: [sgd, momentum]}
- {name: learning_rate, range: {min: 1.0e-4, max: 1, scale: Log}}
- {name: momentum, range: {min: 0.5, max: 0.99}, when: {optimizer: [momentum]}}
",
    );
    let arms = space.configurations().unwrap().to_vec();
    let observed: Vec<Observation> = (0..12)
        .map(|i| {
            let sequence = Sequence::new(&space, Algorithm::Bayesian, 0, Some(&arms));
            let hyperparameters = sequence.point(&space, &arms[i % 2], (i / 2) as u64);
            let value = space.dimensions()[1].to_unit(&hyperparameters["learning_rate"]).unwrap() - 0.5;
            Observation { hyperparameters, result: PointResult::Objective(value * value) }
        })
        .collect();
    for arm in &arms {
        let request =
            Request { space: &space, arm, direction: Direction::Minimize, observed: &observed, count: 4, seed: 0 };
        for point in suggest(&request).points {
            assert_eq!(point["optimizer"], arm["optimizer"]);
            assert!(is_of(&space, &point));
        }
    }
}

/// Sixty steps of a search: the best objective and how many were infeasible.
fn searched(space: &Space, steps: usize, seed: u64, edge: f64, sign: f64) -> (f64, usize) {
    let arm = Hyperparameters::new();
    let direction = if sign > 0.0 { Direction::Minimize } else { Direction::Maximize };
    let signed =
        |result| if let PointResult::Objective(value) = result { PointResult::Objective(sign * value) } else { result };
    let mut observed = begun(space, 8, seed, edge);
    for o in &mut observed {
        o.result = signed(o.result);
    }
    let mut infeasible = 0;
    for _ in 0..steps {
        let request = Request { space, arm: &arm, direction, observed: &observed, count: 1, seed };
        let hyperparameters = suggest(&request).points.remove(0);
        let result = trained(space, &hyperparameters, edge);
        infeasible += usize::from(result == PointResult::Infeasible);
        observed.push(Observation { hyperparameters, result: signed(result) });
    }
    let values =
        observed.iter().filter_map(|o| if let PointResult::Objective(v) = o.result { Some(sign * v) } else { None });
    (values.fold(f64::INFINITY, f64::min), infeasible)
}

const NUMBERS: &str = "
- {name: x, range: {min: 1.0e-4, max: 1, scale: Log}}
- {name: y, range: {min: 0, max: 1}}
- {name: z, range: {min: 1, max: 40, integer: true}}
";

/// Better than as many random points in every one of eight searches: by chance once in 256.
#[test]
fn converges_faster_than_random_search() {
    let space = space(NUMBERS);
    for seed in 0..8 {
        let sign = if seed % 2 == 0 { 1.0 } else { -1.0 };
        let (best, _) = searched(&space, 22, seed, 9.0, sign);
        let random = Sequence::new(&space, Algorithm::Random, seed, None);
        let points = (0..30).map(|i| random.point(&space, &Hyperparameters::new(), i));
        let values = points
            .filter_map(|p| if let PointResult::Objective(v) = trained(&space, &p, 9.0) { Some(v) } else { None });
        let theirs = values.fold(f64::INFINITY, f64::min);
        assert!(best < 0.2 * theirs, "{seed}: {best} against {theirs}");
    }
}

/// The best point lies beyond the edge: the search goes near, without many trials that fail.
#[test]
fn goes_to_the_edge_and_seldom_beyond() {
    let space = space(NUMBERS);
    let (mut failed, mut steps, mut found) = (0, 0, Vec::new());
    for seed in 0..5 {
        let (best, infeasible) = searched(&space, 25, seed, 0.6, 1.0);
        found.push(best);
        failed += infeasible;
        steps += 25;
    }
    // On the line x + y/2 = 0.6 the nearest point to 0.45, 0.45 is at 0.075²/1.25 = 0.0045: twice that in the worst case of
    // a search this short (over 12 seeds: 0.0047 to 0.0061, and 0.0073 once), a fifth more in the middle.
    found.sort_by(f64::total_cmp);
    assert!(found[4] < 0.009 && found[2] < 0.0054, "{found:?}");
    assert!(failed * 5 <= steps, "{failed} of {steps}");
}

#[test]
fn nothing_but_failures_and_values_that_are_no_numbers_are_survived() {
    let space = space(NUMBERS);
    let mut observed = begun(&space, 12, 3, -1.0);
    assert!(observed.iter().all(|o| o.result == PointResult::Infeasible));
    assert_eq!(asked(&space, &observed, 2, 3).points.len(), 2);
    observed[0].result = PointResult::Objective(f64::NAN);
    observed[1].result = PointResult::Objective(f64::MAX);
    observed[2].result = PointResult::Objective(-f64::MAX);
    observed[3].result = PointResult::Objective(1.0);
    assert_eq!(asked(&space, &observed, 2, 3).points.len(), 2);
    for o in &mut observed {
        o.result = PointResult::Objective(0.5);
    }
    assert_eq!(asked(&space, &observed, 2, 3).points.len(), 2);
}

/// The problems on which changes of the search are decided, and those on which it is weak: none is without surprises, and none has nearly only them.
#[test]
fn the_sets_of_problems_are_what_the_page_says_of_them() {
    let mut names = HashSet::new();
    let mut edged = 0;
    let of = |instance| development::specifications(instance).into_iter().chain(weak::specifications(instance));
    for instance in 0..4 {
        for (problem, same) in of(instance).zip(of(instance)) {
            assert!(names.insert(problem.name.clone()), "{}", problem.name);
            let space = Space::new(
                &problem.hyperparameters.iter().map(|line| serde_yaml::from_str(line).unwrap()).collect::<Vec<_>>(),
            )
            .unwrap();
            let sequence = Sequence::new(&space, Algorithm::QuasiRandom, 3, None);
            let value = |function: &development::Function, index: u64| {
                let point = sequence.point(&space, &Hyperparameters::new(), index);
                let active = space.active(&point);
                let place = |d: &crate::space::Dimension| {
                    let exists = active.iter().any(|a| std::ptr::eq(*a, d));
                    point.get(d.name()).filter(|_| exists).and_then(|v| d.to_unit(v))
                };
                function(&space.dimensions().iter().map(place).collect::<Vec<_>>())
            };
            let values: Vec<Option<f64>> = (0..400).map(|i| value(&problem.function, i)).collect();
            assert!(values.iter().flatten().all(|v| v.is_finite()), "{}", problem.name);
            assert!((0..20).all(|i| value(&same.function, i) == values[i as usize]), "{}", problem.name);
            let infeasible = values.iter().filter(|v| v.is_none()).count() as f64 / 400.0;
            if problem.edged {
                assert!((0.1..0.7).contains(&infeasible), "{}: {infeasible}", problem.name);
                edged += 1;
            } else {
                assert!(infeasible == 0.0, "{}: {infeasible}", problem.name);
            }
        }
    }
    assert!(names.len() >= 96 && edged >= 48);
}
