//! Points that are taken of another study.

use studious_api::{HyperparameterValue, Hyperparameters, StudySpec, study::PointsFrom};

use super::{EarlierStudy, Taken};
use crate::{
    Millis, Plan,
    record::{Outcome, TrialRecord},
    studies,
    study::{View, WaitsFor, next},
};

const SOURCE: &str = "
hyperparameters:
- {name: rate, range: {min: 1.0e-4, max: 10, scale: Log}}
- {name: depth, role: Fixed, value: 3}
rounds:
- {name: explore, trials: 6, maxTrainSteps: 100}
- {name: confirm, maxTrainSteps: 200, from: {round: explore, best: 2}}
retrain: {best: 1, times: 2}
";

const TAKER: &str = "
hyperparameters:
- {name: rate, range: {min: 1.0e-3, max: 1, scale: Log}}
- {name: batch_size, role: Fixed, value: 64}
search: {algorithm: Manual, pointsFrom: {study: before}}
rounds:
- {name: again, maxTrainSteps: 300}
parallelism: 2
";

fn trial(name: &str, rate: f64, objective: Option<f64>) -> TrialRecord {
    let outcome = match objective {
        Some(objective) => Outcome::Succeeded { objective, step: Some(10) },
        None => Outcome::Infeasible { reason: "Diverged".into() },
    };
    TrialRecord {
        name: format!("before-{name}"),
        round: name.split('-').next().unwrap().to_owned(),
        hyperparameters: Hyperparameters::from([
            ("rate".to_owned(), HyperparameterValue::from(rate)),
            ("depth".to_owned(), HyperparameterValue::Integer(3)),
        ]),
        outcome,
        ..TrialRecord::default()
    }
}

/// In no order.
fn source() -> EarlierStudy {
    EarlierStudy {
        name: "before".into(),
        spec: studies::spec(SOURCE),
        trials: vec![
            trial("retrain-0000", 0.1, Some(0.01)),
            trial("confirm-0001", 0.2, Some(0.2)),
            trial("explore-0002", 0.1, Some(0.4)),
            trial("explore-0000", 0.5, None),
            trial("explore-0001", 0.2, Some(0.3)),
            trial("explore-0003", 0.3, Some(0.05)),
            trial("confirm-0000", 0.1, Some(0.15)),
        ],
    }
}

fn from(yaml: &str) -> (StudySpec, PointsFrom) {
    let mut spec = studies::spec(TAKER);
    let from: PointsFrom = serde_yaml::from_str(yaml).unwrap();
    spec.search.points_from = Some(from.clone());
    (spec, from)
}

fn taken(yaml: &str) -> Result<Vec<(String, f64)>, String> {
    let (spec, from) = from(yaml);
    match Taken::of("digits", &spec, &from, &source()) {
        Ok(taken) => Ok(taken
            .points
            .into_iter()
            .map(|point| (point.trial, point.hyperparameters["rate"].as_f64().unwrap()))
            .collect()),
        Err(wrong) => Err(wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

fn names(yaml: &str) -> Vec<String> {
    taken(yaml).unwrap().into_iter().map(|(name, _)| name).collect()
}

#[test]
fn all_points_come_once_in_the_order_of_trials() {
    // Those of the later round are of the first one, and retraining repeats one.
    let all = ["before-explore-0000", "before-explore-0001", "before-explore-0002", "before-explore-0003"];
    assert_eq!(names("{study: before}"), all);
    assert_eq!(names("{study: before, round: confirm}"), ["before-confirm-0000", "before-confirm-0001"]);
}

#[test]
fn the_best_come_first_of_the_last_round_with_results() {
    assert_eq!(names("{study: before, best: 1}"), ["before-confirm-0000"]);
    assert_eq!(names("{study: before, best: 9}"), ["before-confirm-0000", "before-confirm-0001"], "there are no more");
    let explored = names("{study: before, round: explore, best: 2}");
    assert_eq!(explored, ["before-explore-0003", "before-explore-0001"]);
}

#[test]
fn what_is_taken_are_listed_points_of_this_study() {
    let (spec, from) = from("{study: before, best: 2}");
    let unresolved = Plan::new("digits", &spec).unwrap();
    assert!(unresolved.awaits_points() && unresolved.shortfall().is_none());
    assert_eq!(unresolved.total_trials(), 2);
    let waits = next(&unresolved, &mut View::default(), Millis(0));
    assert!(waits.create.is_empty() && waits.end.is_none(), "nothing is done before its points are there");
    assert_eq!(waits.waits_for, Some(WaitsFor::OtherStudy));

    let taken = Taken::of("digits", &spec, &from, &source()).unwrap();
    assert_eq!(Taken::read(&taken.text(), "digits", &spec), Some(taken.clone()));
    assert_eq!(Taken::read(&taken.text(), "another", &spec), None);
    assert_eq!(Taken::read("{}", "digits", &spec), None);
    let mut asks_more = spec.clone();
    asks_more.search.points_from = Some(PointsFrom { best: Some(3), ..from });
    assert_eq!(Taken::read(&taken.text(), "digits", &asks_more), None);

    let plan = Plan::new("digits", &taken.listed_in(&spec)).unwrap();
    let created = next(&plan, &mut View::default(), Millis(0)).create;
    let points: Vec<Hyperparameters> = created.into_iter().map(|planned| planned.spec.hyperparameters).collect();
    let rates: Vec<f64> = points.iter().map(|point| point["rate"].as_f64().unwrap()).collect();
    assert_eq!(rates, [0.1, 0.2]);
    // What was fixed there and isn't known here is gone; what is fixed here is filled in.
    assert!(points.iter().all(|p| p["batch_size"].as_f64() == Some(64.0) && !p.contains_key("depth")), "{points:?}");
}

#[test]
fn points_that_do_not_fit_are_told_with_their_trial() {
    let (mut spec, from) = from("{study: before}");
    spec.hyperparameters[0] = serde_yaml::from_str("{name: rate, range: {min: 0.001, max: 0.4, scale: Log}}").unwrap();
    spec.hyperparameters.push(serde_yaml::from_str("{name: width, range: {min: 1, max: 9}}").unwrap());
    let wrong = Taken::of("digits", &spec, &from, &source()).unwrap_err();
    let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    assert_eq!(
        told[0],
        "spec.search.pointsFrom: trial before-explore-0000.rate: 0.5: is outside the range of rate. Give a number from \
         0.001 to 0.4, or widen its range."
    );
    assert!(told[1].starts_with("spec.search.pointsFrom: trial before-explore-0000.width: is missing"), "{}", told[1]);
    assert!(told.len() <= 9, "{}", told.len());
}

#[test]
fn what_is_not_there_is_told() {
    assert_eq!(
        taken("{study: before, round: confrim}").unwrap_err(),
        "spec.search.pointsFrom.round: confrim: is not a round of study before. Name one of explore, confirm, or leave it out."
    );
    let (spec, from) = from("{study: before, best: 1}");
    let mut none = source();
    none.trials.retain(|trial| trial.objective().is_none());
    let wrong = Taken::of("digits", &spec, &from, &none).unwrap_err();
    assert!(wrong[0].to_string().contains("before: has no trial that succeeded"), "{}", wrong[0]);
}
