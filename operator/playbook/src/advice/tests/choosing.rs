//! What is said of the ways of choosing points.

use std::fmt::Write;

use studious_api::document;

use super::STUDY;
use crate::advice;

/// A study of two dimensions, one of them conditional, with its search and rounds left open.
fn told(search: &str, rounds: &str) -> String {
    let text = format!(
        "
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {{name: digits}}
spec:
  goal: Which of them?
  objective: {{metric: validation_error, direction: Minimize}}
  hyperparameters:
  - {{name: optimizer, role: Scientific, values: [sgd, adam]}}
  - {{name: learning_rate, range: {{min: 1.0e-4, max: 10, scale: Log}}}}
  - {{name: beta1, when: {{optimizer: [adam]}}, values: [0.9, 0.99]}}
  - {{name: batch_size, role: Fixed, value: 128}}
  search: {search}
  rounds: {rounds}
  evaluation: {{everySteps: 10}}
  trial: {{template: {{spec: {{containers: [{{name: trainer, image: trainer}}]}}}}}}
"
    );
    let problems = match advice::read("study.yaml", &text) {
        Ok(advised) => advised.warnings.into_iter().map(|p| format!("warning: {p}")).collect::<Vec<_>>(),
        Err(problems) => problems.into_iter().map(|p| format!("error: {p}")).collect(),
    };
    if problems.is_empty() { "nothing\n".to_owned() } else { problems.into_iter().map(|p| p + "\n").collect() }
}

const ONE_ROUND: &str = "[{name: explore, trials: 20, maxTrainSteps: 100}]";
const NO_TRIALS: &str = "[{name: explore, maxTrainSteps: 100}]";

const SEARCHES: &[(&str, &str, &str)] = &[
    // Grids.
    ("a grid", "{algorithm: Grid}", "[{name: explore, trials: 10, maxTrainSteps: 100}]"),
    ("the whole of a grid", "{algorithm: Grid}", NO_TRIALS),
    ("an arm that ends first", "{algorithm: Grid}", "[{name: explore, trials: 14, maxTrainSteps: 100}]"),
    ("more trials than a grid has points", "{algorithm: Grid, grid: {levels: 3}}", ONE_ROUND),
    ("levels by name", "{algorithm: Grid, grid: {levelsOf: {learning_rate: 9}}}", NO_TRIALS),
    (
        "levels of nothing",
        "{algorithm: Grid, grid: {levelsOf: {learningrate: 9, beta1: 2, learning_rate: 0}}}",
        NO_TRIALS,
    ),
    ("no levels", "{algorithm: Grid, grid: {levels: 0}}", NO_TRIALS),
    ("levels of no grid", "{grid: {levels: 4}}", ONE_ROUND),
    ("no trials of no grid", "{}", NO_TRIALS),
    (
        "a round without points",
        "{algorithm: Grid}",
        "[{name: explore, maxTrainSteps: 100}, {name: more, trials: 4, maxTrainSteps: 200}]",
    ),
    (
        "the best of a grid",
        "{algorithm: Grid}",
        "[{name: explore, maxTrainSteps: 100}, {name: more, maxTrainSteps: 200, from: {round: explore, best: 16}}]",
    ),
    // Points.
    (
        "listed points",
        "{algorithm: Manual, points: [{optimizer: sgd, learning_rate: 1}, {optimizer: adam, learning_rate: 0.1, beta1: 0.9, batch_size: 128}]}",
        NO_TRIALS,
    ),
    (
        "points that aren't",
        "{algorithm: Manual, points: [{optimizer: sgd, learning_rate: 1, beta1: 0.9}, {optimizer: adam, learning_rate: 20, beta1: 0.95}, {optimizer: adan, learningrate: 1}, {learning_rate: high, optimizer: adam, beta1: 0.9, batch_size: 64}, {}]}",
        NO_TRIALS,
    ),
    (
        "a point twice",
        "{algorithm: Manual, points: [{optimizer: sgd, learning_rate: 1}, {optimizer: sgd, learning_rate: 1.0, batch_size: 128}]}",
        NO_TRIALS,
    ),
    ("no points", "{algorithm: Manual}", ONE_ROUND),
    ("points of no manual search", "{points: [{optimizer: sgd, learning_rate: 1}]}", ONE_ROUND),
    ("more trials than points", "{algorithm: Manual, points: [{optimizer: sgd, learning_rate: 1}]}", ONE_ROUND),
    (
        "points of two places",
        "{algorithm: Manual, points: [{optimizer: sgd, learning_rate: 1}], pointsFrom: {study: other}}",
        NO_TRIALS,
    ),
    // Bayesian search.
    ("a Bayesian search while exploring", "{algorithm: Bayesian}", ONE_ROUND),
    (
        "a Bayesian search",
        "{algorithm: Bayesian, startFrom: [{study: digits-explore}]}",
        "[{name: exploit, trials: 20, maxTrainSteps: 100}]\n  phase: Exploitation",
    ),
    (
        "studies to start from, one of them twice",
        "{algorithm: Bayesian, startFrom: [{study: a}, {study: b}, {study: a}]}",
        "[{name: exploit, trials: 20, maxTrainSteps: 100}]\n  phase: Exploitation",
    ),
    ("studies to start from that nobody asks", "{startFrom: [{study: a}]}", ONE_ROUND),
    // Scientific values.
    ("sampled with different spaces", "{scientific: Sampled}", ONE_ROUND),
    ("strict", "{scientific: Sampled}", "[{name: explore, trials: 20, maxTrainSteps: 100}]\n  policy: {strict: true}"),
];

#[test]
fn each_algorithm_is_told_what_it_lacks() {
    let mut all = String::new();
    for (what, search, rounds) in SEARCHES {
        writeln!(all, "# {what}\n{}", told(search, rounds)).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_grid_of_three_dimensions_is_advised_against() {
    let text = STUDY.replace("algorithm: QuasiRandom", "algorithm: Grid, grid: {levels: 3}");
    let warnings = advice::read("study.yaml", &text).unwrap().warnings;
    let told: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("a grid over 3 dimensions (learning_rate, one_minus_momentum and width)"), "{told:?}");
}

#[test]
fn levels_hold_what_a_study_says() {
    let text = STUDY.replace("algorithm: QuasiRandom", "algorithm: Grid, grid: {levelsOf: {width: 3}}");
    let spec = document::read("study.yaml", &text).unwrap().study.spec;
    let values: Vec<_> = spec.search.grid.unwrap().over(&spec.hyperparameters).into_iter().map(|h| h.values).collect();
    assert_eq!(values[1].as_ref().map(Vec::len), Some(5));
    assert_eq!(values[3], Some(vec![16.into(), 64.into(), 256.into()]));
}

fn warnings_of(text: &str) -> String {
    let warnings = advice::read("study.yaml", text).unwrap().warnings;
    warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// F-083.
#[test]
fn a_direction_against_the_name_is_advised_against() {
    let told = |metric: &str, direction: &str| {
        let objective = format!("metric: {metric}, direction: {direction}");
        warnings_of(&STUDY.replace("metric: validation_error, direction: Minimize", &objective))
    };
    let wrong = told("val_accuracy", "Minimize");
    assert!(
        wrong.contains(
            "spec.objective.direction: Minimize: val_accuracy is usually better when it is larger. Set direction: Maximize"
        ),
        "{wrong}"
    );
    assert!(told("val_loss", "Maximize").contains("usually better when it is smaller"));
    for (metric, direction) in [("val_accuracy", "Maximize"), ("val_loss", "Minimize"), ("score", "Minimize")] {
        assert!(!told(metric, direction).contains("usually better"), "{metric}");
    }
}

/// F-083: advice that can be followed, and none where it has been.
#[test]
fn a_bayesian_search_of_few_trials_gets_advice_that_can_be_followed() {
    let told = |trials: u32, parallelism: u32| {
        let text = told(
            "{algorithm: Bayesian}",
            &format!("[{{name: explore, trials: {trials}, maxTrainSteps: 100}}]\n  parallelism: {parallelism}"),
        );
        text.lines().find(|line| line.contains("LowFeedbackBayes")).map(str::to_owned)
    };
    let four = told(4, 4).unwrap();
    assert!(four.contains("Run 1 trial at a time, give a round more than 16 trials, or use QuasiRandom."), "{four}");
    let twenty = told(20, 8).unwrap();
    assert!(twenty.contains("Run at most 4 trials at once, give a round more than 32 trials"), "{twenty}");
    for (trials, parallelism) in [(4, 1), (17, 4), (20, 4), (33, 8)] {
        assert_eq!(told(trials, parallelism), None, "{trials} and {parallelism}");
    }
}
