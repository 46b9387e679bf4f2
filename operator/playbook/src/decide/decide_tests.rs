#![allow(
    clippy::float_cmp,
    clippy::format_collect,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::single_match_else
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use studious_api::{study::StudyPhase, trial::TrialPhase};

use super::*;
use crate::trial::TrialState;
use crate::{Millis, Plan, TrialKey, rounds, space::PointIdentity, studies};

/// Small generator for what happens to trials; the search has its own.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// A fleet that carries out what is decided, with trials that end in any order and any way.
struct Fleet {
    plan: Plan,
    trials: Vec<TrialState>,
    now: Millis,
    chance: Chance,
    /// How often each trial was started for its first attempt.
    first_starts: BTreeMap<TrialKey, u32>,
    end: Option<StudyEnd>,
    most_under_way: usize,
}

impl Fleet {
    fn new(plan: Plan, seed: u64) -> Self {
        Self {
            plan,
            trials: vec![],
            now: Millis(0),
            chance: Chance(seed),
            first_starts: BTreeMap::new(),
            end: None,
            most_under_way: 0,
        }
    }

    fn under_way(&self) -> usize {
        self.trials.iter().filter(|t| !t.phase.has_ended()).count()
    }

    /// Decides and carries out.
    fn act(&mut self) -> Vec<Action> {
        let actions = decide(&self.plan, &self.trials, self.now);
        let mut shuffled = self.trials.clone();
        self.chance.shuffle(&mut shuffled);
        assert_eq!(actions, decide(&self.plan, &shuffled, self.now), "the order of trials changes nothing");
        for action in &actions {
            match action {
                Action::Start { trial, attempt } => {
                    let key = TrialKey { round: trial.spec.round.clone(), index: trial.spec.index };
                    match self.trials.iter_mut().find(|t| t.key == key) {
                        Some(state) => {
                            assert!(!state.phase.has_ended(), "an ended trial starts again: {key:?}");
                            assert_eq!(*attempt, state.attempt + 1);
                            assert_eq!(trial.spec.hyperparameters, state.hyperparameters);
                            state.attempt = *attempt;
                            state.phase = TrialPhase::Running;
                            state.retry_at = None;
                        }
                        None => {
                            assert_eq!(*attempt, 1);
                            *self.first_starts.entry(key.clone()).or_default() += 1;
                            // A cluster's trial may exist for a while before it runs.
                            let begun = self.chance.below(3) > 0;
                            self.trials.push(TrialState {
                                reason: None,
                                step: None,
                                key,
                                hyperparameters: trial.spec.hyperparameters.clone(),
                                phase: if begun { TrialPhase::Running } else { TrialPhase::Pending },
                                objective: None,
                                attempt: u32::from(begun),
                                metrics: BTreeMap::new(),
                                retry_at: None,
                            });
                        }
                    }
                }
                Action::Suggest { keys } => panic!("no result chooses these points: {keys:?}"),
                Action::Stop { trial, .. } => {
                    let state = self.trials.iter_mut().find(|t| self.plan.trial_name(&t.key) == *trial).unwrap();
                    state.phase = TrialPhase::Stopped;
                }
                Action::Advance { .. } => {}
                Action::Finish(end) => {
                    assert_eq!(actions.len(), 1);
                    assert_eq!(self.under_way(), 0, "a study ends with nothing under way");
                    self.end = Some(end.clone());
                }
            }
        }
        self.most_under_way = self.most_under_way.max(self.under_way());
        actions
    }

    /// Something happens to one trial that is under way.
    fn happen(&mut self, failures: bool) {
        self.now.0 += 500;
        let under_way: Vec<usize> = (0..self.trials.len()).filter(|i| !self.trials[*i].phase.has_ended()).collect();
        if under_way.is_empty() {
            return;
        }
        let chosen = under_way[self.chance.below(under_way.len())];
        let what = self.chance.below(if failures { 12 } else { 8 });
        let trial = &mut self.trials[chosen];
        if trial.phase != TrialPhase::Running {
            return;
        }
        match what {
            0 => trial.phase = TrialPhase::Infeasible,
            1 => {
                trial.phase = TrialPhase::Retrying;
                trial.retry_at = Some(Millis(self.now.0 + 1200));
            }
            2..8 => {
                trial.phase = TrialPhase::Succeeded;
                // A function of the point, so that any order of events ranks alike.
                let x = trial.hyperparameters["learning_rate"].as_f64().unwrap();
                trial.objective = Some((x.ln() + 2.0).abs());
            }
            _ => trial.phase = TrialPhase::Failed,
        }
    }

    /// Until the study ends.
    fn run(&mut self, failures: bool) {
        for _ in 0..100_000 {
            self.act();
            if self.end.is_some() {
                return;
            }
            self.happen(failures);
        }
        panic!("the study does not end");
    }

    fn points_of(&self, round: &str) -> Vec<PointIdentity> {
        let mut of_round: Vec<_> = self.trials.iter().filter(|t| t.key.round == round).collect();
        of_round.sort_by(|a, b| a.key.cmp(&b.key));
        of_round.into_iter().map(|t| PointIdentity::of(&t.hyperparameters)).collect()
    }
}

fn plan(parallelism: u32, explore: u32, more: &str) -> Plan {
    studies::plan(&format!(
        "
hyperparameters:
- {{name: optimizer, role: Scientific, values: [sgd, adam]}}
- {{name: learning_rate, range: {{min: 1.0e-4, max: 10, scale: Log}}}}
- {{name: width, when: {{optimizer: [adam]}}, range: {{min: 1, max: 3, integer: true}}}}
rounds:
- {{name: explore, trials: {explore}, maxTrainSteps: 100}}
- {{name: wider, trials: {explore}, maxTrainSteps: 200}}
- {{name: confirm, maxTrainSteps: 400, from: {{round: wider, best: 1, per: Scientific}}}}
retrain: {{best: 1, times: 3}}
parallelism: {parallelism}
{more}"
    ))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_study_keeps_its_promises(seed: u64, parallelism in 1..6_u32, explore in 2..14_u32, failures: bool) {
        let explore = explore.next_multiple_of(2);
        let mut fleet = Fleet::new(plan(parallelism, explore, ""), seed);
        fleet.run(failures);
        prop_assert!(fleet.most_under_way <= parallelism as usize);
        prop_assert!(fleet.first_starts.values().all(|n| *n == 1), "a trial is made once");
        prop_assert!(fleet.trials.iter().all(|t| t.phase.has_ended()));
        for round in ["explore", "wider", "confirm"] {
            let points = fleet.points_of(round);
            prop_assert_eq!(points.iter().collect::<BTreeSet<_>>().len(), points.len(), "a point twice in {}", round);
        }
        let end = fleet.end.clone().unwrap();
        match end.reason {
            "AllRoundsEnded" => {
                prop_assert_eq!(end.phase, StudyPhase::Completed);
                prop_assert_eq!(fleet.points_of("explore").len(), explore as usize);
                prop_assert_eq!(fleet.points_of("retrain").len(), 3);
                prop_assert!(fleet.trials.len() <= fleet.plan.total_trials() as usize);
            }
            "TooManyFailedTrials" => {
                let failed = fleet.trials.iter().filter(|t| t.phase == TrialPhase::Failed).count();
                prop_assert!(failed > 5);
                prop_assert_eq!(end.phase, StudyPhase::Failed);
            }
            "NoPoints" => prop_assert_eq!(end.phase, StudyPhase::Failed),
            other => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn the_points_of_a_search_depend_on_nothing_that_happens(a: u64, b: u64, p in 1..6_u32, q in 1..6_u32) {
        let (mut one, mut two) = (Fleet::new(plan(p, 8, ""), a), Fleet::new(plan(q, 8, ""), b));
        one.run(false);
        two.run(false);
        for round in ["explore", "wider"] {
            prop_assert_eq!(one.points_of(round), two.points_of(round));
        }
    }

    #[test]
    fn more_trials_keep_the_earlier_points(few in 1..10_u32, more in 0..20_u32) {
        let points = |trials| rounds::points(&plan(1, trials, ""), "explore", &[]).unwrap();
        let (few, many) = (points(2 * few), points(2 * (few + more)));
        prop_assert_eq!(&few[..], &many[..few.len()]);
    }

    #[test]
    fn a_suspended_study_makes_no_trial(seed: u64, steps in 0..30_usize) {
        let mut fleet = Fleet::new(plan(3, 6, ""), seed);
        for _ in 0..steps {
            fleet.act();
            fleet.happen(false);
        }
        let made = fleet.trials.len();
        fleet.plan = plan(3, 6, "suspend: true");
        // Those that exist go on, retries included, until all have ended.
        for _ in 0..200 {
            fleet.act();
            fleet.happen(false);
        }
        prop_assert_eq!(fleet.trials.len(), made);
        prop_assert_eq!(fleet.under_way(), 0);
        fleet.plan = plan(3, 6, "");
        fleet.run(false);
        // Every trial of a round may have been infeasible.
        prop_assert!(["AllRoundsEnded", "NoPoints"].contains(&fleet.end.unwrap().reason));
    }
}

fn state(round: &str, index: u32, phase: TrialPhase, attempt: u32) -> TrialState {
    let key = TrialKey { round: round.into(), index };
    let hyperparameters = [("learning_rate".to_owned(), (f64::from(index) + 1.0).into())].into();
    let objective = (phase == TrialPhase::Succeeded).then_some(f64::from(index));
    TrialState {
        reason: None,
        step: None,
        key,
        hyperparameters,
        phase,
        objective,
        metrics: BTreeMap::new(),
        attempt,
        retry_at: None,
    }
}

/// What is started, by index and attempt.
fn starts(actions: &[Action]) -> Vec<(u32, u32)> {
    let start = |a: &Action| match a {
        Action::Start { trial, attempt } => Some((trial.spec.index, *attempt)),
        _ => None,
    };
    actions.iter().filter_map(start).collect()
}

fn one_dimension(more: &str) -> Plan {
    studies::plan(&format!("{}{more}", studies::ONE_DIMENSION))
}

#[test]
fn a_study_begins_with_as_many_trials_as_may_run_at_once() {
    let actions = decide(&one_dimension("parallelism: 4"), &[], Millis(0));
    assert_eq!(actions[0], Action::Advance { round: "explore".into() });
    assert_eq!(starts(&actions), [(0, 1), (1, 1), (2, 1), (3, 1)]);
    let Action::Start { trial, .. } = &actions[1] else { panic!() };
    assert_eq!(trial.name, "digits-explore-0000");
}

#[test]
fn a_trial_that_exists_keeps_its_place_whatever_it_waits_for() {
    let plan = one_dimension("parallelism: 3");
    let mut retrying = state("explore", 1, TrialPhase::Retrying, 2);
    retrying.retry_at = Some(Millis(5000));
    let trials = [state("explore", 0, TrialPhase::Running, 1), retrying, state("explore", 2, TrialPhase::Pending, 1)];
    assert_eq!(decide(&plan, &trials, Millis(4999)), []);
    assert_eq!(starts(&decide(&plan, &trials, Millis(5000))), [(1, 3)]);
    // One whose first attempt isn't known to have begun is started again, and not counted twice.
    let trials = [state("explore", 0, TrialPhase::Pending, 0), state("explore", 1, TrialPhase::Running, 1)];
    assert_eq!(starts(&decide(&plan, &trials, Millis(0))), [(0, 1), (2, 1)]);
    // More exist than may: fewer were allowed since.
    let trials = [0, 1, 2, 3].map(|i| state("explore", i, TrialPhase::Running, 1));
    assert_eq!(decide(&plan, &trials, Millis(0)), []);
}

#[test]
fn the_next_round_waits_for_the_last_trial() {
    let plan = studies::plan(
        "
hyperparameters:
- {name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}
rounds:
- {name: explore, trials: 3, maxTrainSteps: 100}
- {name: confirm, maxTrainSteps: 400, from: {round: explore, best: 2}}
parallelism: 8",
    );
    let mut trials: Vec<_> = (0..3).map(|i| state("explore", i, TrialPhase::Succeeded, 1)).collect();
    trials[1] = state("explore", 1, TrialPhase::Running, 1);
    assert_eq!(decide(&plan, &trials, Millis(0)), []);
    // A failed or infeasible trial gives no point, and holds nothing up.
    for phase in [TrialPhase::Failed, TrialPhase::Infeasible, TrialPhase::Stopped] {
        trials[1] = state("explore", 1, phase, 1);
        let actions = decide(&plan, &trials, Millis(0));
        assert_eq!(actions[0], Action::Advance { round: "confirm".into() });
        let Action::Start { trial, .. } = &actions[1] else { panic!() };
        assert_eq!(trial.spec.hyperparameters, trials[0].hyperparameters);
        assert_eq!(trial.spec.max_train_steps, 400);
        assert_eq!(starts(&actions), [(0, 1), (1, 1)]);
    }
    let infeasible = [0, 1, 2].map(|i| state("explore", i, TrialPhase::Infeasible, 1));
    let [Action::Finish(end)] = &decide(&plan, &infeasible, Millis(0))[..] else { panic!() };
    assert_eq!((end.phase, end.reason), (StudyPhase::Failed, "NoPoints"));
}

#[test]
fn a_study_that_gives_up_stops_what_runs_and_then_ends() {
    let plan = one_dimension("failure: {maxFailedTrials: 1}\nparallelism: 6");
    let mut trials: Vec<_> = (0..2).map(|i| state("explore", i, TrialPhase::Failed, 3)).collect();
    trials.push(state("explore", 3, TrialPhase::Retrying, 1));
    trials.push(state("explore", 2, TrialPhase::Running, 1));
    let actions = decide(&plan, &trials, Millis(0));
    let stopped: Vec<&str> = actions
        .iter()
        .map(|a| match a {
            Action::Stop { trial, why, .. } => {
                assert!(why.contains("maxFailedTrials 1"), "{why}");
                trial.as_str()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(stopped, ["digits-explore-0002", "digits-explore-0003"]);
    for trial in &mut trials[2..] {
        trial.phase = TrialPhase::Stopped;
    }
    let [Action::Finish(end)] = &decide(&plan, &trials, Millis(0))[..] else { panic!() };
    assert_eq!((end.phase, end.reason), (StudyPhase::Failed, "TooManyFailedTrials"));
}

#[test]
fn a_study_does_not_end_while_a_trial_of_a_former_round_runs() {
    let plan = one_dimension("");
    let mut trials: Vec<_> = (0..6).map(|i| state("explore", i, TrialPhase::Succeeded, 1)).collect();
    trials.push(state("removed", 0, TrialPhase::Running, 1));
    assert_eq!(decide(&plan, &trials, Millis(0)), []);
    trials[6].phase = TrialPhase::Succeeded;
    let [Action::Finish(end)] = &decide(&plan, &trials, Millis(0))[..] else { panic!() };
    assert_eq!((end.phase, end.reason), (StudyPhase::Completed, "AllRoundsEnded"));
}

/// A reconcile calls `decide`; in a release build this takes well under a millisecond.
#[test]
fn a_thousand_trials_leave_room_for_four_more() {
    let plan = studies::plan(&studies::DIGITS.replace("trials: 45", "trials: 1500"));
    let all = rounds::points(&plan, "explore", &[]).unwrap();
    let trials: Vec<TrialState> = all[..1000]
        .iter()
        .map(|p| TrialState {
            reason: None,
            step: None,
            key: p.key.clone(),
            hyperparameters: p.hyperparameters.clone(),
            phase: TrialPhase::Succeeded,
            objective: Some(0.5),
            attempt: 1,
            metrics: BTreeMap::new(),
            retry_at: None,
        })
        .collect();
    assert_eq!(decide(&plan, &trials, Millis(0)).len(), 4);
}
