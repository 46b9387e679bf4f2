//! Points from trials that ran anywhere, and what a search starts from.

use std::collections::HashSet;

use studious_api::{HyperparameterValue, Hyperparameters};

use super::*;
use crate::{
    record::{Outcome, TrialRecord},
    space::PointIdentity,
    studies,
};

const STUDY: &str = "
hyperparameters:
- {name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}
- {name: momentum, range: {min: 0.5, max: 0.999, scale: ReverseLog}}
- {name: batch_size, role: Fixed, value: 128}
search: {algorithm: Bayesian, startFrom: [{study: before}]}
phase: Exploitation
rounds: [{name: exploit, trials: 20, maxTrainSteps: 500}]
";

fn number(point: &Hyperparameters, name: &str) -> f64 {
    point.get(name).and_then(HyperparameterValue::as_f64).unwrap()
}

/// Best at a rate of 0.1.
fn valley(point: &Hyperparameters) -> f64 {
    (libm::log10(number(point, "learning_rate")) + 1.0).powi(2)
}

fn ended(round: &str, hyperparameters: Hyperparameters, objective: f64) -> TrialRecord {
    let outcome = Outcome::Succeeded { objective, step: None };
    TrialRecord { round: round.to_owned(), hyperparameters, outcome, ..TrialRecord::default() }
}

/// A quasi-random study of the same space that has ended, with its objectives moved by `offset`.
fn before(more: &str, trials: usize, offset: f64) -> EarlierStudy {
    let parts = format!(
        "{}{more}",
        STUDY
            .replace("algorithm: Bayesian, startFrom: [{study: before}]", "seed: 5")
            .replace("exploit, trials: 20", "explore, trials: 40")
            .replace("phase: Exploitation", "")
    );
    let plan = studies::plan(&parts);
    let points = crate::rounds::points(&plan, "explore", &[]).unwrap().into_iter().take(trials);
    let trials = points.map(|p| ended("explore", p.hyperparameters.clone(), offset + valley(&p.hyperparameters)));
    EarlierStudy { name: "before".into(), spec: plan.spec().clone(), trials: trials.collect() }
}

#[test]
fn points_by_index_are_those_that_are_not_tried() {
    for algorithm in ["QuasiRandom", "Random"] {
        let plan = studies::plan(&format!("{}search: {{algorithm: {algorithm}, seed: 2}}\n", studies::ONE_DIMENSION));
        let all: Vec<_> =
            crate::rounds::points(&plan, "explore", &[]).unwrap().into_iter().map(|p| p.hyperparameters).collect();
        let trials: Vec<_> = [0, 1, 3].map(|i: usize| ended("explore", all[i].clone(), 1.0)).into();
        assert_eq!(suggest(&plan, "explore", &trials, &[], 3), [&all[2], &all[4], &all[5]].map(Clone::clone));
    }
}

#[test]
fn without_results_points_are_those_of_the_sequence() {
    let plan = studies::plan(&STUDY.replace(", startFrom: [{study: before}]", ""));
    let even = untried(&plan, &HashSet::new(), 6);
    assert_eq!(suggest(&plan, "exploit", &[], &[], 6), even);
    // Those running are not proposed again.
    let pending: Vec<_> =
        even[..2].iter().map(|p| TrialRecord { hyperparameters: p.clone(), ..TrialRecord::default() }).collect();
    assert_eq!(suggest(&plan, "exploit", &pending, &[], 4), even[2..]);
}

#[test]
fn a_search_goes_on_from_another_studys_results() {
    let plan = studies::plan(STUDY);
    assert_eq!(initial_trials(&plan), 0);
    let earlier = [before("", 25, 0.0)];
    assert_eq!(earlier[0].usable(&plan), 25);
    let points = suggest(&plan, "exploit", &[], &earlier, 3);
    assert_eq!(points.len(), 3);
    let near = points.iter().filter(|point| valley(point) < 0.3).count();
    assert!(near >= 2, "{points:?}");
}

#[test]
fn results_of_a_shorter_training_tell_where_to_look_and_not_what_to_expect() {
    let plan = studies::plan(STUDY);
    // Shorter training is much worse everywhere. What was trained as long as here stands apart from it.
    let mut earlier = before("", 25, 10.0);
    earlier.spec.rounds[0].max_train_steps = 100;
    let even = untried(&plan, &HashSet::new(), 5);
    let own: Vec<_> = even.iter().map(|point| ended("exploit", point.clone(), valley(point))).collect();
    let points = suggest(&plan, "exploit", &own, &[earlier], 3);
    let near = points.iter().filter(|point| valley(point) < 0.3).count();
    assert!(near >= 2, "{points:?}");
    assert!(points.iter().all(|point| point.keys().all(|name| !name.starts_with('.'))), "{points:?}");
}

#[test]
fn only_what_lies_in_the_space_is_started_from() {
    let plan = studies::plan(STUDY);
    let mut other = before("", 10, 0.0);
    let set = |trial: &mut TrialRecord, name: &str, value: HyperparameterValue| {
        trial.hyperparameters.insert(name.into(), value);
    };
    // Outside the range; another fixed value; without a result; of a round that the study doesn't have.
    set(&mut other.trials[0], "learning_rate", 20.0.into());
    set(&mut other.trials[1], "batch_size", 64.0.into());
    other.trials[2].outcome = Outcome::Failed { reason: "TrainerError".into() };
    other.trials[3].round = "gone".into();
    other.trials[4].outcome = Outcome::Infeasible { reason: "Diverged".into() };
    assert_eq!(other.usable(&plan), 6);
    // A hyperparameter of its own counts where it was fixed.
    for trial in &mut other.trials {
        set(trial, "width", 3.0.into());
    }
    assert_eq!(other.usable(&plan), 0);
    other.spec.hyperparameters.push(serde_yaml::from_str("{name: width, role: Fixed, value: 3}").unwrap());
    assert_eq!(other.usable(&plan), 6);
    // One that is fixed here may be missing there.
    for trial in &mut other.trials {
        trial.hyperparameters.remove("batch_size");
    }
    assert_eq!(other.usable(&plan), 7);
}

#[test]
fn a_study_that_measured_something_else_is_refused() {
    let plan = studies::plan(STUDY);
    let mut other = before("", 5, 0.0);
    assert_eq!(refusal(&plan, "before", &other.spec), None);
    other.spec.objective.metric = "validation_loss".into();
    assert_eq!(
        refusal(&plan, "before", &other.spec).unwrap().to_string(),
        "spec.search.startFrom[0].study: before: its objective has the metric validation_loss, and this study's has \
         validation_error: they don't compare. Remove it, or name a study of the same objective."
    );
    assert_eq!(other.usable(&plan), 0);
}

#[test]
fn arms_take_turns_from_where_the_trials_stand() {
    let plan = studies::plan(
        &STUDY
            .replace("hyperparameters:", "hyperparameters:\n- {name: optimizer, role: Scientific, values: [sgd, adam]}")
            .replace(", startFrom: [{study: before}]", ""),
    );
    let even = untried(&plan, &HashSet::new(), 12);
    let own: Vec<_> = even[..11].iter().map(|point| ended("exploit", point.clone(), valley(point))).collect();
    let points = suggest(&plan, "exploit", &own, &[], 3);
    let arms: Vec<String> = points.iter().map(|point| point["optimizer"].to_string()).collect();
    assert_eq!(arms, ["adam", "sgd", "adam"]);
}

#[test]
fn a_space_with_an_end_gives_what_it_has() {
    let plan = studies::plan(
        "
hyperparameters:
- {name: learning_rate, values: [0.001, 0.01, 0.1, 1]}
- {name: nesterov, values: [true, false]}
search: {algorithm: Bayesian}
phase: Exploitation
rounds: [{name: exploit, trials: 8, maxTrainSteps: 100}]
",
    );
    let all = untried(&plan, &HashSet::new(), 100);
    assert_eq!(all.len(), 8);
    for known in 0..=8 {
        let own: Vec<_> = all[..known].iter().map(|point| ended("exploit", point.clone(), valley(point))).collect();
        let points = suggest(&plan, "exploit", &own, &[], 100);
        let distinct: HashSet<_> =
            own.iter().map(|t| &t.hyperparameters).chain(&points).map(PointIdentity::of).collect();
        assert_eq!((points.len(), distinct.len()), (8 - known, 8));
    }
}

#[test]
fn a_search_learns_where_points_violate_a_constraint() {
    let plan = studies::plan(&format!(
        "{}constraints: [{{metric: latency_ms, max: 20}}]\n",
        STUDY.replace(", startFrom: [{study: before}]", "")
    ));
    // Best at 0.1, where latency is far beyond the bound; all below 0.01 are within it.
    let latency = |point: &Hyperparameters| 20.0 * (1.0 + libm::log10(number(point, "learning_rate") / 0.01));
    let mut trials: Vec<TrialRecord> = Vec::new();
    let mut late = 0;
    for turn in 0..30 {
        let point = suggest(&plan, "exploit", &trials, &[], 1).remove(0);
        let ms = latency(&point);
        late += usize::from(turn >= 12 && ms > 20.0);
        let mut trial = ended("exploit", point.clone(), valley(&point));
        trial.metrics.insert("latency_ms".to_owned(), ms);
        trials.push(trial);
    }
    assert!(late <= 6, "{late} of 18 violate it");
    let best = trials.iter().filter(|t| t.metrics["latency_ms"] <= 20.0).filter_map(TrialRecord::objective);
    let best = best.fold(f64::INFINITY, f64::min);
    // At the bound itself it is 1.
    assert!(best < 1.1, "{best}");
}
