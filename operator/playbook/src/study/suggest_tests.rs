//! Studies whose points results choose.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use studious_api::{HyperparameterValue, Hyperparameters, study::StudyPhase, trial::TrialPhase};

use super::*;
use crate::trial::TrialState;
use crate::{
    Millis, Plan, TrialKey,
    rounds::{self, RoundPoint},
    search,
    space::PointIdentity,
    studies,
};

const STUDY: &str = "
hyperparameters:
- {name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}
- {name: layers, range: {min: 1, max: 4, integer: true}}
search: {algorithm: Bayesian, seed: 3}
phase: Exploitation
rounds: [{name: exploit, trials: 12, maxTrainSteps: 100}]
parallelism: 3
";

/// A backend that forgets what was chosen now and then, as one that is restarted does.
struct FakeBackend {
    plan: Plan,
    trials: Vec<TrialState>,
    chosen: Vec<RoundPoint>,
    asked: Vec<Vec<TrialKey>>,
    forgets: bool,
}

impl FakeBackend {
    fn new(plan: Plan) -> Self {
        Self { plan, trials: vec![], chosen: vec![], asked: vec![], forgets: false }
    }

    /// Decides and carries out. What was asked is chosen by the next call.
    fn act(&mut self) -> Option<StudyEnd> {
        let mut view = View::of(&self.plan, self.trials.iter().cloned());
        view.suggest(self.chosen.clone());
        let Next { create, attempts, stop, suggest: keys, end, .. } = next(&self.plan, &mut view, Millis(0));
        assert!(attempts.is_empty() && stop.is_empty());
        for planned in create {
            let state = TrialState::created(planned.key(), planned.spec.hyperparameters);
            self.trials.push(TrialState { phase: TrialPhase::Running, attempt: 1, ..state });
        }
        let under_way = self.trials.iter().filter(|t| !t.phase.has_ended()).count();
        assert!(under_way + keys.len() <= self.plan.spec().parallelism as usize, "{keys:?}");
        if !keys.is_empty() {
            assert!(keys.iter().all(|key| self.trials.iter().all(|trial| trial.key != *key)), "{keys:?}");
            self.chosen = search::points_for(&self.plan, &keys, &self.trials, &[]);
            assert_eq!(self.chosen.iter().map(|point| &point.key).collect::<Vec<_>>(), keys.iter().collect::<Vec<_>>());
            self.asked.push(keys);
            if self.forgets && self.asked.len() % 2 == 1 {
                self.chosen.clear();
            }
        }
        end
    }

    /// The trial that has been running the longest ends.
    fn end_one(&mut self) {
        let Some(trial) = self.trials.iter_mut().find(|trial| !trial.phase.has_ended()) else { return };
        match objective(&trial.hyperparameters) {
            Some(value) => (trial.phase, trial.objective) = (TrialPhase::Succeeded, Some(value)),
            None => trial.phase = TrialPhase::Infeasible,
        }
    }

    fn run(&mut self) -> StudyEnd {
        for _ in 0..400 {
            if let Some(end) = self.act() {
                return end;
            }
            if self.act().is_none() {
                self.end_one();
            }
        }
        panic!("the study doesn't end: {:?}", self.trials);
    }

    fn points(&self) -> HashSet<PointIdentity> {
        self.trials.iter().map(|trial| PointIdentity::of(&trial.hyperparameters)).collect()
    }

    fn best(&self, among: std::ops::Range<usize>) -> f64 {
        self.trials[among].iter().filter_map(|trial| trial.objective).fold(f64::INFINITY, f64::min)
    }
}

/// Best at a rate of 0.1 and three layers; large rates diverge.
fn objective(point: &Hyperparameters) -> Option<f64> {
    let number = |name: &str| point.get(name).and_then(HyperparameterValue::as_f64);
    let rate = number("learning_rate").unwrap_or(0.1);
    let layers = number("layers").unwrap_or(3.0);
    (rate < 3.0).then(|| (libm::log10(rate) + 1.0).powi(2) + 0.2 * (layers - 3.0).powi(2))
}

#[test]
fn the_first_points_are_known_and_later_ones_are_asked_for_as_trials_may_begin() {
    let plan = studies::plan(STUDY);
    assert_eq!(search::initial_trials(&plan), 4);
    let mut backend = FakeBackend::new(plan);
    assert_eq!(backend.act(), None);
    assert_eq!((backend.trials.len(), backend.asked.len()), (3, 0));
    backend.end_one();
    backend.act();
    assert_eq!((backend.trials.len(), backend.asked.len()), (4, 0));
    backend.end_one();
    backend.end_one();
    backend.act();
    assert_eq!(backend.trials.len(), 4, "points are not there yet");
    let key = |index| TrialKey { round: "exploit".into(), index };
    assert_eq!(backend.asked, [[key(4), key(5)]]);
    backend.act();
    assert_eq!((backend.trials.len(), backend.asked.len()), (6, 1));
    let end = backend.run();
    assert_eq!((end.phase, end.reason), (StudyPhase::Completed, "AllRoundsEnded"));
    assert_eq!(backend.points().len(), 12, "no point is tried twice");
    assert!(
        backend.asked.iter().flatten().collect::<BTreeSet<_>>().len() == 8,
        "each is asked for: {:?}",
        backend.asked
    );
    assert!(backend.best(4..12) < 0.5 * backend.best(0..4), "{:?}", backend.trials);
}

#[test]
fn a_restart_between_choice_and_trial_chooses_again_and_changes_no_trial() {
    let mut backend = FakeBackend::new(studies::plan(STUDY));
    backend.forgets = true;
    assert_eq!(backend.run().phase, StudyPhase::Completed);
    assert_eq!((backend.trials.len(), backend.points().len()), (12, 12));
    assert!(backend.asked.len() > 8, "what was forgotten is asked for again: {}", backend.asked.len());
}

#[test]
fn the_same_results_choose_the_same_points_in_any_order() {
    let mut backend = FakeBackend::new(studies::plan(STUDY));
    while backend.asked.is_empty() {
        backend.act();
        backend.end_one();
    }
    let keys = backend.asked[0].clone();
    let mut reversed = backend.trials.clone();
    reversed.reverse();
    let choose = |trials: &[TrialState]| search::points_for(&backend.plan, &keys, trials, &[]);
    assert_eq!(choose(&backend.trials), choose(&reversed));
}

#[test]
fn a_suspended_study_asks_for_nothing() {
    let mut backend = FakeBackend::new(studies::plan(&format!("{STUDY}suspend: true\n")));
    assert_eq!(backend.act(), None);
    assert!(backend.trials.is_empty() && backend.asked.is_empty());
}

#[test]
fn a_failed_trial_says_nothing_of_its_point_and_is_not_tried_again() {
    let mut backend = FakeBackend::new(studies::plan(STUDY));
    for _ in 0..2 {
        backend.act();
        backend.end_one();
    }
    backend.act();
    for (trial, phase) in
        backend.trials.iter_mut().filter(|t| !t.phase.has_ended()).zip([TrialPhase::Failed, TrialPhase::Stopped])
    {
        trial.phase = phase;
    }
    assert_eq!(backend.run().phase, StudyPhase::Completed);
    assert_eq!((backend.trials.len(), backend.points().len()), (12, 12));
}

#[test]
fn a_space_with_an_end_is_searched_to_its_end() {
    let plan = studies::plan(
        "
hyperparameters:
- {name: learning_rate, values: [0.001, 0.01, 0.1, 1, 10]}
- {name: layers, range: {min: 1, max: 3, integer: true}}
search: {algorithm: Bayesian}
phase: Exploitation
rounds: [{name: exploit, trials: 20, maxTrainSteps: 100}]
parallelism: 4
",
    );
    let mut backend = FakeBackend::new(plan);
    let end = backend.run();
    assert_eq!((end.phase, end.reason), (StudyPhase::Completed, "SpaceExhausted"));
    assert!(end.message.contains("15 points"), "{}", end.message);
    assert_eq!((backend.trials.len(), backend.points().len()), (15, 15));
}

#[test]
fn arms_have_their_turn_and_learn_from_one_another() {
    let plan = studies::plan(&STUDY.replace(
        "hyperparameters:",
        "hyperparameters:\n- {name: optimizer, role: Scientific, values: [sgd, adam, lion]}",
    ));
    let mut backend = FakeBackend::new(plan);
    assert_eq!(backend.run().phase, StudyPhase::Completed);
    for trial in &backend.trials {
        let arm = ["sgd", "adam", "lion"][trial.key.index as usize % 3];
        assert_eq!(trial.hyperparameters["optimizer"], arm.into(), "{:?}", trial.key);
    }
}

#[test]
fn sampled_scientific_values_are_covered_evenly_whatever_the_results() {
    let plan = studies::plan(
        &STUDY
            .replace("hyperparameters:", "hyperparameters:\n- {name: depth, role: Scientific, values: [1, 2, 3, 4]}")
            .replace("Bayesian,", "Bayesian, scientific: Sampled,")
            .replace("trials: 12", "trials: 16"),
    );
    let mut backend = FakeBackend::new(plan);
    assert_eq!(backend.run().phase, StudyPhase::Completed);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for trial in &backend.trials {
        *counts.entry(trial.hyperparameters["depth"].to_string()).or_default() += 1;
    }
    assert!(counts.len() == 4 && counts.values().all(|n| (3..=5).contains(n)), "{counts:?}");
}

#[test]
fn a_later_round_learns_from_the_one_before_and_repeats_none_of_its_points() {
    let plan = studies::plan(&STUDY.replace(
        "rounds: [{name: exploit, trials: 12, maxTrainSteps: 100}]",
        "rounds: [{name: short, trials: 8, maxTrainSteps: 100}, {name: best, maxTrainSteps: 200, from: {round: short, best: 2}}, {name: long, trials: 4, maxTrainSteps: 300}]",
    ));
    let mut backend = FakeBackend::new(plan);
    assert_eq!(backend.run().phase, StudyPhase::Completed);
    assert_eq!(backend.trials.len(), 8 + 2 + 4);
    assert_eq!(backend.points().len(), 8 + 4, "only the round that takes points repeats them");
    let long: Vec<_> = backend.trials.iter().filter(|trial| trial.key.round == "long").collect();
    assert!(backend.asked.iter().flatten().filter(|key| key.round == "long").count() >= 4, "{:?}", backend.asked);
    let best = long.iter().filter_map(|trial| objective(&trial.hyperparameters)).fold(f64::INFINITY, f64::min);
    assert!(best < 0.05, "{long:?}");
}

#[test]
fn what_is_known_beforehand_are_the_first_points() {
    let plan = studies::plan(STUDY);
    let known = rounds::points(&plan, "exploit", &[]).unwrap();
    assert_eq!(known.iter().map(|point| point.key.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let quasi_random = studies::plan(&STUDY.replace("Bayesian", "QuasiRandom"));
    assert_eq!(known, rounds::points(&quasi_random, "exploit", &[]).unwrap()[..4]);
    assert_eq!(plan.total_trials(), 12);
}
