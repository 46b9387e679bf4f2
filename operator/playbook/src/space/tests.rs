#![allow(
    clippy::float_cmp,
    clippy::format_collect,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::single_match_else
)]

use super::*;
use crate::studies;

fn space(hyperparameters: &str) -> Space {
    Space::new(&studies::spec(&format!("hyperparameters:\n{hyperparameters}\nrounds: []\n")).hyperparameters).unwrap()
}

fn refused(hyperparameters: &str) -> SpaceError {
    let spec = studies::spec(&format!("hyperparameters:\n{hyperparameters}\nrounds: []\n"));
    Space::new(&spec.hyperparameters).unwrap_err()
}

fn point(yaml: &str) -> Hyperparameters {
    serde_yaml::from_str(yaml).unwrap()
}

/// Whether to use a regularizer is the question, its strength is a nuisance that exists only then; conditions name what
/// is declared later, and go through each other.
const DROPOUT: &str = "
- {name: rate, when: {dropout: [true]}, range: {min: 0.1, max: 0.9}}
- {name: rate_schedule, when: {rate_kind: [annealed]}, role: Fixed, value: linear}
- {name: rate_kind, when: {dropout: [true]}, role: Scientific, values: [constant, annealed]}
- {name: dropout, role: Scientific, values: [false, true]}
- {name: layers, role: Fixed, value: 3}";

fn names(dimensions: &[&Dimension]) -> Vec<String> {
    dimensions.iter().map(|d| d.name().to_owned()).collect()
}

#[test]
fn conditions_are_followed_through() {
    let space = space(DROPOUT);
    let active = |yaml: &str| names(&space.active(&point(yaml)));
    assert_eq!(active("{dropout: false}"), ["dropout", "layers"]);
    assert_eq!(active("{dropout: true}"), ["rate", "rate_kind", "dropout", "layers"]);
    let all = ["rate", "rate_schedule", "rate_kind", "dropout", "layers"];
    assert_eq!(active("{dropout: true, rate_kind: annealed}"), all);
    // A value of what doesn't exist makes nothing exist.
    assert_eq!(active("{dropout: false, rate_kind: annealed}"), ["dropout", "layers"]);
}

#[test]
fn conditions_ask_for_intervals_of_numbers() {
    let space = space(
        "
- {name: layers, role: Scientific, values: [2, 4, 8]}
- {name: skip, when: {layers: {min: 4}}, values: [true, false]}
- {name: rate, range: {min: 1.0e-3, max: 1, scale: Log}}
- {name: warmup, when: {rate: {below: 0.1}}, role: Fixed, value: 0}
- {name: warmup, when: {rate: {min: 0.1}}, range: {min: 10, max: 90}}
- {name: steps, when: {rate: {above: 0.01, max: 0.5}, layers: {max: 4}}, values: [1, 2]}",
    );
    let active = |yaml: &str| names(&space.active(&point(yaml)));
    assert_eq!(active("{layers: 2, rate: 0.01}"), ["layers", "rate", "warmup"]);
    assert_eq!(active("{layers: 4, rate: 0.1}"), ["layers", "skip", "rate", "warmup", "steps"]);
    assert_eq!(active("{layers: 8, rate: 0.5}"), ["layers", "skip", "rate", "warmup"]);
    // The arm is known, the rate is not.
    let possible = |yaml: &str| space.possible(&point(yaml));
    assert_eq!(possible("{layers: 2}"), [true, false, true, true, true, true]);
    assert_eq!(possible("{layers: 8}"), [true, true, true, true, true, false]);
    let labels: Vec<_> = space.dimensions()[3..].iter().map(Dimension::label).collect();
    assert_eq!(labels, ["warmup [rate<0.1]", "warmup [rate>=0.1]", "steps [layers<=4, 0.01<rate<=0.5]"]);
    let at = |place: f64| space.point(&point("{layers: 2}"), |_| place);
    assert_eq!((at(0.5)["warmup"].clone(), at(0.75)["warmup"].clone()), (0_i64.into(), 70.0.into()));
    // No interval of the range's numbers: it can't exist.
    let never = super::Space::new(
        &studies::spec(
            "hyperparameters:
- {name: layers, range: {min: 1, max: 3, integer: true}}
- {name: skip, when: {layers: {above: 3}}, values: [true, false]}
rounds: []
",
        )
        .hyperparameters,
    );
    assert_eq!(never.unwrap().possible(&Hyperparameters::new()), [true, false]);
}

#[test]
fn scientific_configurations_hold_what_exists() {
    let space = space(DROPOUT);
    let expected = ["{dropout: false}", "{dropout: true, rate_kind: constant}", "{dropout: true, rate_kind: annealed}"];
    assert_eq!(space.configurations().unwrap(), expected.map(point));
    let plan = studies::plan(studies::NESTEROV_AND_ADAM);
    let expected = ["{optimizer: Nesterov_momentum}", "{optimizer: Adam}"];
    assert_eq!(plan.arms().unwrap(), expected.map(point));
    assert_eq!(super::Space::new(&[]).unwrap().configurations().unwrap(), [Hyperparameters::new()]);
}

#[test]
fn a_point_holds_all_that_exists_and_nothing_else() {
    let space = space(DROPOUT);
    let at = |scientific: &str| space.point(&point(scientific), |_| 0.5);
    assert_eq!(at("{dropout: false}"), point("{dropout: false, layers: 3}"));
    assert_eq!(
        at("{dropout: true, rate_kind: annealed}"),
        point("{dropout: true, rate: 0.5, rate_kind: annealed, rate_schedule: linear, layers: 3}")
    );
    assert_eq!(
        space.scientific_part(&at("{dropout: true, rate_kind: annealed}")),
        point("{dropout: true, rate_kind: annealed}")
    );
}

#[test]
fn one_name_under_two_conditions_is_two_hyperparameters() {
    let plan = studies::plan(studies::NESTEROV_AND_ADAM);
    let adam = point("{optimizer: Adam, learning_rate: 1.0e-3}");
    let nesterov = point("{optimizer: Nesterov_momentum, learning_rate: 1.0e-3}");
    let learning_rate = |p: &Hyperparameters| {
        plan.space().active(p).into_iter().find(|d| d.name() == "learning_rate").cloned().unwrap()
    };
    assert_eq!(learning_rate(&adam).label(), "learning_rate [optimizer=Adam]");
    // 1e-3 is the middle of 1e-5 to 1e-1, and the lower end of 1e-3 to 10.
    assert!((learning_rate(&adam).to_unit(&1e-3.into()).unwrap() - 0.5).abs() < 1e-12);
    assert_eq!(learning_rate(&nesterov).to_unit(&1e-3.into()), Some(0.0));
    assert_eq!(learning_rate(&nesterov).to_unit(&1e-4.into()), None);
    assert_eq!(
        names(&plan.space().active(&adam)),
        ["optimizer", "learning_rate", "beta1", "beta2", "epsilon", "batch_size"]
    );
    assert_eq!(names(&plan.space().active(&nesterov)), ["optimizer", "learning_rate", "momentum", "batch_size"]);
}

#[test]
fn what_may_exist_under_a_configuration() {
    let space = space(
        "
- {name: optimizer, role: Scientific, values: [sgd, adam]}
- {name: warmup, values: [true, false]}
- {name: warmup_steps, when: {warmup: [true]}, range: {min: 1, max: 100, integer: true}}
- {name: beta1, when: {optimizer: [adam]}, range: {min: 0.5, max: 0.9}}
- {name: never, when: {optimizer: [lamb]}, range: {min: 0.5, max: 0.9}}",
    );
    assert_eq!(space.possible(&point("{optimizer: sgd}")), [true, true, true, false, false]);
    assert_eq!(space.possible(&point("{optimizer: adam}")), [true, true, true, true, false]);
}

#[test]
fn what_spans_no_space_is_refused() {
    let cycle = "
- {name: a, when: {b: [1]}, values: [1, 2]}
- {name: b, when: {a: [1]}, values: [1, 2]}";
    assert_eq!(refused(cycle), SpaceError::Cycle { index: 0, name: "a".into() });
    let unknown = refused("- {name: a, when: {b: [1]}, values: [1, 2]}");
    assert_eq!(unknown, SpaceError::UnknownSubject { index: 0, name: "a".into(), subject: "b".into() });
    let log = refused("- {name: a, values: [1]}\n- {name: lr, range: {min: 0, max: 1, scale: Log}}");
    assert_eq!(log.to_string(), "hyperparameter lr: a Log range needs min > 0");
    assert_eq!(log.index(), 1);
    let several = refused("- {name: a, values: [1], value: 1}");
    assert_eq!(several, SpaceError::Domain { index: 0, name: "a".into(), error: DomainError::NotOne });
}
