#![allow(clippy::format_collect)]

use std::collections::HashSet;

use proptest::prelude::*;
use studious_api::Hyperparameters;

use super::*;
use crate::{
    search::{generator, untried},
    space::PointIdentity,
    studies,
};

fn fresh(plan: &Plan, round: &str) -> Vec<RoundPoint> {
    points(plan, round, &[]).unwrap()
}

fn all(plan: &Plan) -> Vec<RoundPoint> {
    plan.spec().rounds.iter().flat_map(|round| fresh(plan, &round.name)).collect()
}

fn identities(points: &[RoundPoint]) -> HashSet<PointIdentity> {
    points.iter().map(|p| PointIdentity::of(&p.hyperparameters)).collect()
}

/// Every kind of dimension: conditional, whole, listed, log and reverse log; arms of different sizes.
const MIXED: &str = "
hyperparameters:
- {name: optimizer, role: Scientific, values: [sgd, momentum, adam]}
- {name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}
- {name: momentum, when: {optimizer: [momentum]}, range: {min: 0.9, max: 0.999, scale: ReverseLog}}
- {name: beta1, when: {optimizer: [adam]}, values: [0.8, 0.9, 0.95]}
- {name: layers, range: {min: 1, max: 4, integer: true}}
- {name: residual, when: {layers: [3, 4]}, values: [true, false]}
- {name: batch_size, role: Fixed, value: 128}
";

fn mixed(search: &str, rounds: &str) -> Plan {
    studies::plan(&format!("{MIXED}search: {search}\nrounds: {rounds}\n"))
}

/// Studies that people keep depend on these: they must never change. A generator that makes others gets another name in
/// [`generator`], and keeps these for the studies that have them.
#[test]
fn golden_points_of_each_algorithm() {
    let printed = |plan: &Plan| -> String {
        let values = |p: &RoundPoint| -> String {
            p.hyperparameters.iter().map(|(name, value)| format!(" {name}={value}")).collect()
        };
        all(plan).iter().map(|p| format!("{}{}\n", p.key.index, values(p))).collect()
    };
    let golden = |search: &str, file: &str| {
        let plan = mixed(search, "[{name: explore, trials: 60, maxTrainSteps: 100}]");
        assert_eq!(printed(&plan), file, "{search}: the points are others, which no version may change");
    };
    golden("{algorithm: QuasiRandom, seed: 7}", include_str!("../search/golden/quasi_random.txt"));
    golden(
        "{algorithm: QuasiRandom, seed: 7, scientific: Sampled}",
        include_str!("../search/golden/quasi_random_sampled.txt"),
    );
    let two = studies::plan(
        "
hyperparameters:
- {name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}
- {name: layers, range: {min: 1, max: 400, integer: true}}
search: {seed: 7}
rounds: [{name: explore, trials: 60, maxTrainSteps: 100}]
",
    );
    assert_eq!(printed(&two), include_str!("../search/golden/quasi_random_two.txt"), "points are others");
    golden("{algorithm: Random, seed: 7}", include_str!("../search/golden/random.txt"));
    golden("{algorithm: Random, seed: 7, scientific: Sampled}", include_str!("../search/golden/random_sampled.txt"));
    golden("{algorithm: Grid, seed: 7, grid: {levels: 3}}", include_str!("../search/golden/grid.txt"));
}

#[test]
fn a_grid_is_every_combination_once() {
    let plan = mixed("{algorithm: Grid, grid: {levels: 3}}", "[{name: explore, maxTrainSteps: 100}]");
    // Layers are four, named by a condition; two of them have residual: 6 of each value of the rest.
    let points = fresh(&plan, "explore");
    assert_eq!(points.len(), 18 + 54 + 54);
    assert_eq!(identities(&points).len(), points.len());
    assert_eq!(plan.total_trials(), 126);
    assert_eq!(plan.shortfall(), None);
    let rates: HashSet<String> = points.iter().map(|p| p.hyperparameters["learning_rate"].to_string()).collect();
    assert_eq!(rates, ["0.0001", "0.0316227766017", "10"].map(str::to_owned).into());
    for point in &points {
        assert_eq!(plan.space().active(&point.hyperparameters).len(), point.hyperparameters.len());
    }
}

#[test]
fn a_grids_beginning_is_spread_out() {
    let plan = studies::plan(
        "
hyperparameters:
- {name: a, range: {min: 0, max: 1}}
- {name: b, range: {min: 0, max: 1}}
search: {algorithm: Grid, grid: {levels: 8}}
rounds: [{name: explore, maxTrainSteps: 100}]
",
    );
    let points = fresh(&plan, "explore");
    assert_eq!(points.len(), 64);
    // Of the first 16 each quarter of the square has its share, and each level of each dimension is tried.
    let value = |p: &RoundPoint, name: &str| p.hyperparameters[name].as_f64().unwrap();
    let mut quarters = [0; 4];
    for p in &points[..16] {
        quarters[usize::from(value(p, "a") > 0.5) + 2 * usize::from(value(p, "b") > 0.5)] += 1;
    }
    assert!(quarters.iter().all(|n| (3..=5).contains(n)), "{quarters:?}");
    for name in ["a", "b"] {
        assert_eq!(points[..16].iter().map(|p| value(p, name).to_bits()).collect::<HashSet<_>>().len(), 8);
    }
}

#[test]
fn arms_of_a_grid_share_its_points() {
    let plan = studies::plan(
        "
hyperparameters:
- {name: activation, role: Scientific, values: [relu, tanh]}
- {name: rate, range: {min: 0.001, max: 1, scale: Log}}
- {name: width, range: {min: 1, max: 64, scale: Log, integer: true}}
search: {algorithm: Grid, grid: {levels: 4}}
rounds: [{name: explore, trials: 20, maxTrainSteps: 100}]
",
    );
    for pair in fresh(&plan, "explore").chunks(2) {
        assert_eq!(pair[0].hyperparameters["rate"], pair[1].hyperparameters["rate"]);
        assert_eq!(pair[0].hyperparameters["width"], pair[1].hyperparameters["width"]);
    }
}

const LISTED: &str = "
hyperparameters:
- {name: optimizer, role: Scientific, values: [sgd, adam]}
- {name: rate, range: {min: 0.001, max: 1, scale: Log}}
- {name: beta1, when: {optimizer: [adam]}, range: {min: 0.5, max: 0.99, scale: ReverseLog}}
- {name: batch_size, role: Fixed, value: 128}
search:
  algorithm: Manual
  points:
  - {optimizer: adam, rate: 0.1, beta1: 0.9}
  - {optimizer: adam, rate: 0.01, beta1: 0.9}
  - {optimizer: sgd, rate: 0.5}
rounds: ROUNDS
";

#[test]
fn listed_points_are_tried_as_they_are_listed() {
    let plan = studies::plan(&LISTED.replace("ROUNDS", "[{name: explore, maxTrainSteps: 100}]"));
    let points = fresh(&plan, "explore");
    let printed: Vec<String> =
        points.iter().map(|p| format!("{} {}", p.key.index, p.hyperparameters["rate"])).collect();
    assert_eq!(printed, ["0 0.1", "1 0.01", "2 0.5"]);
    // Fixed ones are filled in, and the scientific share is the list's.
    assert_eq!(points[0].hyperparameters["batch_size"], 128_i64.into());
    assert!(!plan.is_crossed());
    // Two rounds share the list.
    let rounds = "[{name: explore, trials: 2, maxTrainSteps: 100}, {name: more, trials: 1, maxTrainSteps: 200}]";
    let divided = studies::plan(&LISTED.replace("ROUNDS", rounds));
    assert_eq!(fresh(&divided, "more")[0].hyperparameters, points[2].hyperparameters);
}

#[test]
fn a_space_that_ends_says_so() {
    let shortfall = |plan: &Plan| plan.shortfall().map(ToString::to_string);
    let asked = |trials: u32| format!("[{{name: explore, trials: {trials}, maxTrainSteps: 100}}]");
    let listed = studies::plan(&LISTED.replace("ROUNDS", &asked(10)));
    let told = "the space has 3 points, 10 trials asked: 3 run, since no point is tried twice";
    assert_eq!(shortfall(&listed).as_deref(), Some(told));

    let small = "
hyperparameters:
- {name: layers, role: Scientific, values: [1, 2]}
- {name: width, range: {min: 1, max: 3, integer: true}}
- {name: rate, when: {layers: [2]}, range: {min: 0, max: 1}}
";
    let plan = studies::plan(&format!("{small}rounds: {}", asked(20)));
    let told = "layers=1 has 3 points, 20 trials asked: 13 run, since no point is tried twice";
    assert_eq!(shortfall(&plan).as_deref(), Some(told));
    assert_eq!(total_trials(&plan), 13);
    assert_eq!(shortfall(&studies::plan(&format!("{small}rounds: {}", asked(6)))), None);
}

#[test]
fn rare_values_are_tried_before_a_space_counts_as_used_up() {
    // The largest number has a thousandth of the scale.
    let plan = studies::plan(
        "
hyperparameters:
- {name: a, range: {min: 1, max: 100, scale: Log, integer: true}}
- {name: b, range: {min: 1, max: 20, scale: Log, integer: true}}
rounds: [{name: explore, trials: 3000, maxTrainSteps: 100}]
",
    );
    let points = fresh(&plan, "explore");
    assert_eq!((points.len(), identities(&points).len()), (2000, 2000));
    assert_eq!(plan.shortfall().unwrap().arms, [("the space".to_owned(), 2000)]);
}

#[test]
fn a_later_round_tries_no_point_of_an_earlier_one() {
    for algorithm in ["QuasiRandom", "Random", "Grid"] {
        let plan = studies::plan(&format!(
            "
hyperparameters:
- {{name: width, range: {{min: 1, max: 5, integer: true}}}}
- {{name: activation, values: [relu, tanh, gelu]}}
search: {{algorithm: {algorithm}}}
rounds:
- {{name: explore, trials: 8, maxTrainSteps: 100}}
- {{name: more, trials: 9, maxTrainSteps: 200}}
"
        ));
        let points = all(&plan);
        assert_eq!((points.len(), identities(&points).len()), (15, 15), "{algorithm}");
        assert_eq!(fresh(&plan, "more").len(), 7);
    }
}

#[test]
fn each_algorithm_has_a_generator_of_its_own() {
    let rounds = "[{name: explore, trials: 15, maxTrainSteps: 100}]";
    let of = |search: &str| generator(&mixed(search, rounds));
    let all =
        [of("{}"), of("{algorithm: Random}"), of("{algorithm: Random, scientific: Sampled}"), of("{algorithm: Grid}")];
    assert_eq!(all, ["scrambled-halton/v1", "uniform/v1", "stratified-uniform/v1", "halton-ordered-grid/v1"]);
}

/// what is drawn scientifically is covered evenly whatever the algorithm.
#[test]
fn random_studies_share_their_trials_out_evenly() {
    let plan = mixed("{algorithm: Random, scientific: Sampled}", "[{name: explore, trials: 90, maxTrainSteps: 100}]");
    for optimizer in ["sgd", "momentum", "adam"] {
        let count = all(&plan).iter().filter(|p| p.hyperparameters["optimizer"] == optimizer.into()).count();
        assert!((28..=32).contains(&count), "{optimizer}: {count}");
    }
}

#[test]
fn what_has_been_tried_elsewhere_is_not_proposed() {
    let plan = mixed("{algorithm: Grid, grid: {levels: 3}}", "[{name: explore, trials: 30, maxTrainSteps: 100}]");
    let whole = mixed("{algorithm: Grid, grid: {levels: 3}}", "[{name: explore, maxTrainSteps: 100}]");
    let everything: Vec<Hyperparameters> = fresh(&whole, "explore").into_iter().map(|p| p.hyperparameters).collect();
    assert_eq!(untried(&plan, &HashSet::new(), 1000), everything);
    let tried: HashSet<_> = identities(&fresh(&plan, "explore"));
    assert_eq!(untried(&plan, &tried, 5), everything[30..35]);
    assert_eq!(untried(&plan, &identities(&fresh(&whole, "explore")), 5), Vec::<Hyperparameters>::new());
}

fn any_search() -> impl Strategy<Value = String> {
    (
        prop_oneof![Just("QuasiRandom"), Just("Random"), Just("Grid, grid: {levels: 4}")],
        prop_oneof![Just("Crossed"), Just("Sampled")],
        0..1000_u32,
    )
        .prop_map(|(algorithm, scientific, seed)| {
            format!("{{algorithm: {algorithm}, scientific: {scientific}, seed: {seed}}}")
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn raising_trials_keeps_every_point(search in any_search(), few in 3..60_u32, more in 0..60_u32) {
        let of = |trials: u32| all(&mixed(&search, &format!("[{{name: explore, trials: {trials}, maxTrainSteps: 100}}]")));
        let (before, after) = (of(few), of(few + more));
        prop_assert_eq!(&before[..], &after[..before.len()]);
    }

    #[test]
    fn points_are_of_the_space_and_none_is_twice(search in any_search(), first in 3..80_u32, second in 3..40_u32) {
        let plan = mixed(
            &search,
            &format!(
                "[{{name: a, trials: {first}, maxTrainSteps: 100}}, {{name: b, trials: {second}, maxTrainSteps: 200}}]"
            ),
        );
        let points = all(&plan);
        prop_assert_eq!(identities(&points).len(), points.len());
        for p in &points {
            let whole = studious_api::validate::point(&plan.spec().hyperparameters, &p.hyperparameters, "point");
            prop_assert_eq!(whole.as_ref(), Ok(&p.hyperparameters));
        }
    }
}
