//! Constraints between hyperparameters, in every algorithm.

use std::collections::HashSet;

use studious_api::{
    HyperparameterValue, Hyperparameters, StudySpec,
    study::{PointsFrom, Policy},
};

use super::{constrained, *};
use crate::{
    advice,
    record::{Outcome, TrialRecord},
    rounds,
    space::PointIdentity,
    studies,
};

const NETWORK: &str = "
hyperparameters:
- {name: kind, role: Scientific, values: [narrow, wide]}
- {name: heads, values: [2, 4, 8, 16]}
- {name: head_dim, range: {min: 8, max: 128, scale: Log, integer: true}}
- {name: learning_rate, range: {min: 1.0e-4, max: 1, scale: Log}}
- {name: momentum, range: {min: 0, max: 0.99, scale: ReverseLog}}
hyperparameterConstraints: [heads * head_dim <= 512, learning_rate / (1 - momentum) <= 1]
rounds: [{name: explore, trials: 60, maxTrainSteps: 500}]
";

fn number(point: &Hyperparameters, name: &str) -> f64 {
    point.get(name).and_then(HyperparameterValue::as_f64).unwrap()
}

fn is_allowed(point: &Hyperparameters) -> bool {
    number(point, "heads") * number(point, "head_dim") <= 512.0
        && number(point, "learning_rate") / (1.0 - number(point, "momentum")) <= 1.0 + 1e-9
}

fn points(plan: &Plan) -> Vec<Hyperparameters> {
    rounds::points(plan, "explore", &[]).unwrap().into_iter().map(|point| point.hyperparameters).collect()
}

fn ended(hyperparameters: Hyperparameters, objective: f64) -> TrialRecord {
    let outcome = Outcome::Succeeded { objective, step: None };
    TrialRecord { round: "explore".to_owned(), hyperparameters, outcome, ..TrialRecord::default() }
}

#[test]
fn no_algorithm_by_index_tries_a_point_that_is_forbidden() {
    for search in [
        "{algorithm: QuasiRandom}",
        "{algorithm: QuasiRandom, scientific: Sampled}",
        "{algorithm: Random, seed: 3}",
        "{algorithm: Grid, grid: {levels: 4}}",
        "{algorithm: Grid, grid: {levels: 4}, scientific: Sampled}",
    ] {
        let plan = studies::plan(&format!("{NETWORK}search: {search}\n"));
        let points = points(&plan);
        assert_eq!(points.len(), 60, "{search}");
        assert!(points.iter().all(is_allowed), "{search}");
        let identities: HashSet<_> = points.iter().map(PointIdentity::of).collect();
        assert_eq!(identities.len(), 60, "{search}");
        // The check can fail: without the constraints points beyond them are tried.
        let free = NETWORK.lines().filter(|line| !line.starts_with("hyperparameterConstraints")).collect::<Vec<_>>();
        let free = studies::plan(&format!("{}\nsearch: {search}\n", free.join("\n")));
        assert!(!self::points(&free).iter().all(is_allowed), "{search}");
        if !search.contains("Grid") {
            // The allowed points of the sequence, in its order: a constraint moves no point.
            let all: Vec<PointIdentity> =
                (0..500).flat_map(|i| arm_points(&free, i)).map(|point| PointIdentity::of(&point)).collect();
            assert!(points.iter().all(|point| all.contains(&PointIdentity::of(point))), "{search}");
        }
    }
}

/// The points of each arm at an index.
fn arm_points(plan: &Plan, index: u64) -> Vec<Hyperparameters> {
    let search = &plan.spec().search;
    let sequence = Sequence::new(plan.space(), search.algorithm, search.seed, plan.arms());
    let arms = plan.arms().map_or_else(|| vec![Hyperparameters::new()], <[_]>::to_vec);
    arms.iter().map(|arm| sequence.point(plan.space(), arm, index)).collect()
}

/// The rate is worked out from what is searched, in every algorithm, and is no dimension.
#[test]
fn derived_hyperparameters_are_worked_out() {
    let study = "
hyperparameters:
- {name: optimizer, values: [sgd, momentum]}
- {name: effective_rate, range: {min: 1.0e-4, max: 1, scale: Log}}
- {name: momentum, when: {optimizer: [momentum]}, range: {min: 0, max: 0.99, scale: ReverseLog}}
- {name: learning_rate, when: {optimizer: [sgd]}, role: Derived, expression: effective_rate}
- {name: learning_rate, role: Derived, when: {optimizer: [momentum]}, expression: effective_rate * (1 - momentum)}
- {name: heads, values: [2, 4, 8]}
- {name: head_dim, range: {min: 8, max: 64, integer: true}}
- {name: width, role: Derived, expression: heads * head_dim}
hyperparameterConstraints: [width <= 256]
phase: Exploitation
rounds: [{name: explore, trials: 40, maxTrainSteps: 500}]
";
    for search in ["{algorithm: QuasiRandom}", "{algorithm: Random}", "{algorithm: Grid, grid: {levels: 4}}"] {
        let plan = studies::plan(&format!("{study}search: {search}\n"));
        let points = points(&plan);
        assert_eq!(points.len(), 40, "{search}");
        for point in &points {
            check(point);
            // The same point again, from a table that has what the program knows.
            let known = |name: &String| !["effective_rate", "heads"].contains(&name.as_str());
            let given: Hyperparameters =
                point.iter().filter(|(name, _)| known(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
            let again = studious_api::validate::point_of(plan.spec(), &given, "point").unwrap();
            assert!((number(&again, "effective_rate") / number(point, "effective_rate") - 1.0).abs() < 1e-9);
            assert_eq!(again["heads"], point["heads"]);
        }
    }
    let plan = studies::plan(&format!("{study}search: {{algorithm: Bayesian}}\n"));
    assert!(
        plan.space()
            .dimensions()
            .iter()
            .filter(|d| d.varies())
            .all(|d| !["width", "learning_rate"].contains(&d.name()))
    );
    let mut trials = Vec::new();
    for _ in 0..15 {
        let found = suggest(&plan, "explore", &trials, &[], 1);
        check(&found[0]);
        let objective = libm::log(number(&found[0], "learning_rate") / 0.01).powi(2);
        trials.push(ended(found[0].clone(), objective));
    }
}

fn check(point: &Hyperparameters) {
    assert_eq!(point["width"], (number(point, "heads") * number(point, "head_dim")).into(), "{point:?}");
    assert!(matches!(point["width"], HyperparameterValue::Integer(_)) && number(point, "width") <= 256.0, "{point:?}");
    let of = point.get("momentum").map_or(1.0, |momentum| 1.0 - momentum.as_f64().unwrap());
    assert!((number(point, "learning_rate") / (number(point, "effective_rate") * of) - 1.0).abs() < 1e-12, "{point:?}");
}

#[test]
fn a_grid_ends_with_its_allowed_points() {
    let plan = studies::plan(
        "
hyperparameters:
- {name: heads, values: [2, 4, 8, 16]}
- {name: head_dim, range: {min: 8, max: 128, scale: Log, integer: true}}
search: {algorithm: Grid, grid: {levels: 5}}
hyperparameterConstraints: [heads * head_dim <= 512]
rounds: [{name: explore, maxTrainSteps: 500}]
",
    );
    // Of 8, 16, 32, 64 and 128: all but 8 * 128, 16 * 64 and 16 * 128.
    assert_eq!(points(&plan).len(), 17);
    assert!(constrained::share(&plan).unwrap() > 0.8);
}

#[test]
fn results_lead_to_allowed_points_only() {
    let study = NETWORK
        .replace("- {name: kind, role: Scientific, values: [narrow, wide]}\n", "")
        .replace("trials: 60", "trials: 40");
    let plan = studies::plan(&format!("{study}search: {{algorithm: Bayesian, seed: 2}}\nphase: Exploitation\n"));
    // The larger and faster the better: the best points lie on the constraints, and beyond them better ones would.
    let loss = |p: &Hyperparameters| {
        -libm::log(number(p, "heads") * number(p, "head_dim")) - libm::log(number(p, "learning_rate"))
            + libm::log(1.0 - number(p, "momentum"))
    };
    let mut trials: Vec<TrialRecord> = Vec::new();
    for _ in 0..30 {
        let found = suggest(&plan, "explore", &trials, &[], 1);
        assert!(found.len() == 1 && is_allowed(&found[0]), "{found:?}");
        let objective = loss(&found[0]);
        trials.push(ended(found[0].clone(), objective));
    }
    let best = trials.iter().filter_map(TrialRecord::objective).fold(f64::INFINITY, f64::min);
    // The best value that there is: a product of 512, and an effective rate of 1.
    let optimum = -libm::log(512.0);
    let first = trials[..6].iter().filter_map(TrialRecord::objective).fold(f64::INFINITY, f64::min);
    assert!(best - optimum < 0.05 && best < first - 0.2, "{best} {first} {optimum}");
}

#[test]
fn scientific_combinations_that_are_forbidden_are_no_arms() {
    let plan = studies::plan(
        "
hyperparameters:
- {name: heads, role: Scientific, values: [4, 8, 16]}
- {name: head_dim, role: Scientific, values: [32, 64, 128]}
- {name: learning_rate, range: {min: 1.0e-4, max: 1, scale: Log}}
hyperparameterConstraints: [heads * head_dim <= 512]
rounds: [{name: explore, trials: 60, maxTrainSteps: 500}]
",
    );
    // All but 8 * 128, 16 * 64 and 16 * 128.
    assert_eq!(plan.arms().unwrap().len(), 6);
    assert_eq!(points(&plan).len(), 60);
}

#[test]
fn a_space_without_allowed_points_is_refused() {
    let refused = |hyperparameters: &str, constraints: &str| {
        let spec = studies::spec(&format!(
            "hyperparameters: [{hyperparameters}]\nhyperparameterConstraints: [{constraints}]\n\
             rounds: [{{name: explore, trials: 20, maxTrainSteps: 500}}]\n"
        ));
        let refused = Plan::new("digits", &spec).err().unwrap_or_default();
        refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let rate = "{name: rate, range: {min: 1.0e-4, max: 1, scale: Log}}";
    assert_eq!(
        refused(rate, "rate < 0.5, rate > 1"),
        "spec.hyperparameterConstraints[1]: rate > 1: holds at none of 4096 points of the space. Choose ranges and values of \
         which more is allowed, or a looser constraint."
    );
    assert!(refused(rate, "rate < 0.5, rate > 0.6").contains("hold together at none of 4096 points"));
    let arms = "{name: size, role: Scientific, values: [1, 2]}, {name: rate, range: {min: 0.1, max: 1}}";
    assert!(refused(arms, "size * rate >= 1.5").contains("with size=1"));
    assert!(refused(arms, "size > 2").contains("no combination of scientific values is left"));
    assert_eq!(refused(arms, "size * rate >= 0.5"), "");
    // What can't be worked out anywhere, and a rate that trains nothing.
    let never = format!("{rate}, {{name: log_rate, role: Derived, expression: log(-rate)}}");
    assert!(refused(&never, "").contains("is a number at none of 4096 points"), "{}", refused(&never, ""));
    let spec = studies::spec(
        "hyperparameters: [{name: x, range: {min: 0, max: 1}}, {name: rate, role: Derived, expression: x - 0.5}]\n\
         schedule: {family: Cosine, base: rate}\nrounds: [{name: explore, trials: 20, maxTrainSteps: 500}]\n",
    );
    let refused = Plan::new("digits", &spec).unwrap_err();
    assert!(refused[0].rule.contains("a learning rate of 0 or less trains nothing"), "{refused:?}");
    let above = studious_api::StudySpec { hyperparameter_constraints: vec!["rate > 0".to_owned()], ..spec };
    assert!(Plan::new("digits", &above).is_ok());
}

#[test]
fn a_search_that_gives_up_says_why() {
    let plan = studies::plan(
        "hyperparameters:\n\
         - {name: width, range: {min: 1, max: 5000, integer: true}}\n\
         - {name: depth, range: {min: 1, max: 10, integer: true}}\n\
         hyperparameterConstraints: [width % 500 == 0]\n\
         rounds: [{name: explore, trials: 150, maxTrainSteps: 500}]\n",
    );
    assert_eq!(points(&plan).len(), 100);
    assert_eq!(
        plan.shortfall().unwrap().to_string(),
        "no further point was found that the constraints between hyperparameters allow, 150 trials asked: 100 run"
    );
    // Validation knows before anything runs, and the edit that it proposes is enough.
    let exhausted = |spec: &StudySpec| advice::advice(spec).into_iter().find(|one| one.rule.code == "SpaceExhausted");
    let found = exhausted(plan.spec()).unwrap();
    assert!(found.violation.rule.contains("150 trials asked: 100 run"), "{}", found.violation);
    let mut fewer = plan.spec().clone();
    fewer.rounds[0].trials = Some(100);
    assert!(exhausted(&fewer).is_none());
    // Under a strict policy it is refused, and asking so doesn't go round in circles.
    fewer.rounds[0].trials = Some(150);
    fewer.policy = Some(Policy { strict: true, ..Policy::default() });
    assert!(Plan::new("strict", &fewer).unwrap_err().iter().any(|violation| violation.rule.contains("100 run")));
}

#[test]
fn listed_and_taken_points_must_be_allowed() {
    let listed = "
hyperparameters:
- {name: heads, values: [2, 4, 8]}
- {name: head_dim, range: {min: 8, max: 128, integer: true}}
hyperparameterConstraints: [heads * head_dim <= 512]
search: {algorithm: Manual, points: [{heads: 4, head_dim: 128}, {heads: 8, head_dim: 100}]}
rounds: [{name: explore, maxTrainSteps: 500}]
";
    let spec = studies::spec(listed);
    let refused = Plan::new("digits", &spec).unwrap_err();
    assert_eq!(refused.len(), 1);
    assert_eq!(
        refused[0].to_string(),
        "spec.search.points[1]: {head_dim: 100, heads: 8}: violates the study's constraint heads * head_dim <= 512. Give \
         values that satisfy it, or change spec.hyperparameterConstraints."
    );
    let source = studies::spec(&listed.replace("hyperparameterConstraints: [heads * head_dim <= 512]\n", ""));
    let trials = source.search.points.iter().map(|point| ended(point.clone(), 1.0)).collect();
    let source = EarlierStudy { name: "before".into(), spec: source, trials };
    let from: PointsFrom = serde_yaml::from_str("{study: before}").unwrap();
    let refused = Taken::of("digits", &spec, &from, &source).unwrap_err();
    assert!(refused[0].rule.contains("violates the study's constraint"), "{refused:?}");
    // Nor are they results to start from.
    let bayesian = studies::plan(
        &listed
            .replace(
                "search: {algorithm: Manual, points: [{heads: 4, head_dim: 128}, {heads: 8, head_dim: 100}]}",
                "search: {algorithm: Bayesian, startFrom: [{study: before}]}\nphase: Exploitation",
            )
            .replace("name: explore, max", "name: explore, trials: 9, max"),
    );
    assert_eq!(source.usable(&bayesian), 1);
}
