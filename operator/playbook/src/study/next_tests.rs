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
use crate::trial::{SilentFailures, TrialState};
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

/// A backend that carries out what is decided, with trials that end in any order and any way.
struct FakeBackend {
    plan: Plan,
    view: View,
    now: Millis,
    chance: Chance,
    /// How often each trial was started for its first attempt.
    first_starts: BTreeMap<TrialKey, u32>,
    end: Option<StudyEnd>,
    most_under_way: usize,
}

impl FakeBackend {
    fn new(plan: Plan, seed: u64) -> Self {
        Self {
            plan,
            view: View::default(),
            now: Millis(0),
            chance: Chance(seed),
            first_starts: BTreeMap::new(),
            end: None,
            most_under_way: 0,
        }
    }

    /// Decides and carries out.
    fn act(&mut self) {
        let Next { create, attempts, stop, suggest, began: _, end, .. } = next(&self.plan, &mut self.view, self.now);
        let mut shuffled = self.trials();
        self.chance.shuffle(&mut shuffled);
        let again = decide(&self.plan, &shuffled, self.now);
        assert_eq!((&create, &attempts, &end), (&again.create, &again.attempts, &again.end), "order changes nothing");
        assert!(stop.is_empty() && suggest.is_empty(), "{stop:?} {suggest:?}");
        for (key, attempt) in &attempts {
            let mut state = self.view.trial(key).unwrap().clone();
            assert!(!state.phase.has_ended(), "an ended trial starts again: {key:?}");
            assert_eq!(*attempt, state.attempt + 1);
            (state.attempt, state.phase, state.retry_at) = (*attempt, TrialPhase::Running, None);
            self.view.put(&self.plan, state);
        }
        for planned in create {
            let key = planned.key();
            *self.first_starts.entry(key.clone()).or_default() += 1;
            // A cluster's trial may exist for a while before it runs.
            let begun = self.chance.below(3) > 0;
            let state = TrialState {
                phase: if begun { TrialPhase::Running } else { TrialPhase::Pending },
                attempt: u32::from(begun),
                ..TrialState::created(key, planned.spec.hyperparameters)
            };
            self.view.put(&self.plan, state);
        }
        if end.is_some() {
            assert_eq!(self.view.under_way(), 0, "a study ends with nothing under way");
        }
        self.end = end;
        self.most_under_way = self.most_under_way.max(self.view.under_way());
    }

    fn trials(&self) -> Vec<TrialState> {
        self.view.trials().cloned().collect()
    }

    /// The study is changed while it runs.
    fn change(&mut self, plan: Plan) {
        let trials = self.trials();
        self.view = View::of(&plan, trials);
        self.plan = plan;
    }

    /// Something happens to one trial that is under way.
    fn happen(&mut self, failures: bool) {
        self.now.0 += 500;
        let mut under_way: Vec<TrialState> = self.view.trials().filter(|t| !t.phase.has_ended()).cloned().collect();
        if under_way.is_empty() {
            return;
        }
        let chosen = self.chance.below(under_way.len());
        let what = self.chance.below(if failures { 12 } else { 8 });
        let mut trial = under_way.swap_remove(chosen);
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
        self.view.put(&self.plan, trial);
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
        self.view.of_round(round).map(|t| PointIdentity::of(&t.hyperparameters)).collect()
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
        let mut backend = FakeBackend::new(plan(parallelism, explore, ""), seed);
        backend.run(failures);
        prop_assert!(backend.most_under_way <= parallelism as usize);
        prop_assert!(backend.first_starts.values().all(|n| *n == 1), "a trial is made once");
        prop_assert!(backend.view.trials().all(|t| t.phase.has_ended()));
        for round in ["explore", "wider", "confirm"] {
            let points = backend.points_of(round);
            prop_assert_eq!(points.iter().collect::<BTreeSet<_>>().len(), points.len(), "a point twice in {}", round);
        }
        let end = backend.end.clone().unwrap();
        match end.reason {
            "AllRoundsEnded" => {
                prop_assert_eq!(end.phase, StudyPhase::Completed);
                prop_assert_eq!(backend.points_of("explore").len(), explore as usize);
                prop_assert_eq!(backend.points_of("retrain").len(), 3);
                prop_assert!(backend.trials().len() <= backend.plan.total_trials() as usize);
            }
            "TooManyFailedTrials" => {
                let failed = backend.view.trials().filter(|t| t.phase == TrialPhase::Failed).count();
                prop_assert!(failed > 5);
                prop_assert_eq!(end.phase, StudyPhase::Failed);
            }
            "NoPoints" => prop_assert_eq!(end.phase, StudyPhase::Failed),
            other => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn the_points_of_a_search_depend_on_nothing_that_happens(a: u64, b: u64, p in 1..6_u32, q in 1..6_u32) {
        let (mut one, mut two) = (FakeBackend::new(plan(p, 8, ""), a), FakeBackend::new(plan(q, 8, ""), b));
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
        let mut backend = FakeBackend::new(plan(3, 6, ""), seed);
        for _ in 0..steps {
            backend.act();
            backend.happen(false);
        }
        let made = backend.trials().len();
        backend.change(plan(3, 6, "suspend: true"));
        // Those that exist go on, retries included, until all have ended.
        for _ in 0..200 {
            backend.act();
            backend.happen(false);
        }
        prop_assert_eq!(backend.trials().len(), made);
        prop_assert_eq!(backend.view.under_way(), 0);
        backend.change(plan(3, 6, ""));
        backend.run(false);
        // Every trial of a round may have been infeasible.
        prop_assert!(["AllRoundsEnded", "NoPoints"].contains(&backend.end.unwrap().reason));
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
        silent: None,
    }
}

/// As [`state`], of a trial that failed so often with this line before it wrote any.
fn silent(index: u32, phase: TrialPhase, attempts: u32, said: &str) -> TrialState {
    let silent = Some(SilentFailures { said: said.to_owned(), attempts });
    TrialState { silent, ..state("explore", index, phase, attempts) }
}

/// F-116: the first trials all fail alike before they write a line, so no other is started and the line is shown.
#[test]
fn a_study_whose_first_trials_all_fail_alike_gives_up() {
    use TrialPhase::{Failed, Retrying, Running, Succeeded};

    let plan = one_dimension("parallelism: 2");
    let of = |trials: &[TrialState]| decide(&plan, trials, Millis(0));
    // One trial may be at fault itself, however often it fails.
    assert_eq!(starts(&of(&[silent(0, Failed, 3, "a")])), [(1, 1), (2, 1)]);
    // Two attempts may be one accident.
    assert_eq!(starts(&of(&[silent(0, Retrying, 1, "a"), silent(1, Retrying, 1, "a")])), [(0, 2), (1, 2)]);
    let waiting = [silent(0, Retrying, 2, "a"), silent(1, Retrying, 1, "a")];
    let stops = of(&waiting);
    assert_eq!(starts(&stops), []);
    let stopped: Vec<_> = stops.stop.iter().map(|stop| (stop.key.index, stop.reason.as_str())).collect();
    assert_eq!(stopped, [(0, "CommonFailure"), (1, "CommonFailure")]);
    let end = of(&[silent(0, Failed, 2, "a"), silent(1, Failed, 1, "a")]).end.unwrap();
    assert_eq!((end.phase, end.reason), (StudyPhase::Failed, "CommonFailure"));
    assert!(end.message.contains("the first 2 trials") && end.message.contains(": a. Fix"), "{}", end.message);
    // What runs may show that the command works: nothing is started, and nothing ended, before that is known.
    let runs = of(&[silent(0, Retrying, 2, "a"), silent(1, Running, 1, "a")]);
    assert!(is_idle(&runs), "{runs:?}");
    assert!(is_idle(&of(&[silent(0, Retrying, 2, "a"), silent(1, Retrying, 1, "a"), state("explore", 2, Running, 1)])));
    // Another line, another end, or a trial that was trained.
    for other in [silent(1, Retrying, 1, "b"), state("explore", 1, Failed, 1), state("explore", 1, Succeeded, 1)] {
        let next = of(&[silent(0, Retrying, 2, "a"), other]);
        assert!(starts(&next).contains(&(0, 3)) && next.stop.is_empty() && next.end.is_none(), "{next:?}");
    }
}

/// What is decided by somebody who sees all of it at once.
fn decide(plan: &Plan, trials: &[TrialState], now: Millis) -> Next {
    let mut view = View::of(plan, trials.iter().cloned());
    next(plan, &mut view, now)
}

/// What is started, by index and attempt.
fn starts(next: &Next) -> Vec<(u32, u32)> {
    let again = next.attempts.iter().map(|(key, attempt)| (key.index, *attempt));
    again.chain(next.create.iter().map(|planned| (planned.spec.index, 1))).collect()
}

/// What is left when nothing is to be done.
fn is_idle(next: &Next) -> bool {
    starts(next).is_empty() && next.stop.is_empty() && next.suggest.is_empty() && next.end.is_none()
}

fn one_dimension(more: &str) -> Plan {
    studies::plan(&format!("{}{more}", studies::ONE_DIMENSION))
}

#[test]
fn a_study_begins_with_as_many_trials_as_may_run_at_once() {
    let next = decide(&one_dimension("parallelism: 4"), &[], Millis(0));
    assert_eq!(next.began.as_deref(), Some("explore"));
    assert_eq!(starts(&next), [(0, 1), (1, 1), (2, 1), (3, 1)]);
    assert_eq!(next.create[0].name, "digits-explore-0000");
    assert_eq!(next.waits_for, Some(WaitsFor::Trials { under_way: 4 }));
}

#[test]
fn a_trial_that_exists_keeps_its_place_whatever_it_waits_for() {
    let plan = one_dimension("parallelism: 3");
    let mut retrying = state("explore", 1, TrialPhase::Retrying, 2);
    retrying.retry_at = Some(Millis(5000));
    let trials = [state("explore", 0, TrialPhase::Running, 1), retrying, state("explore", 2, TrialPhase::Pending, 1)];
    let waits = decide(&plan, &trials, Millis(4999));
    assert!(is_idle(&waits));
    assert_eq!((waits.wake_at, waits.waits_for), (Some(Millis(5000)), Some(WaitsFor::Trials { under_way: 3 })));
    assert_eq!(starts(&decide(&plan, &trials, Millis(5000))), [(1, 3)]);
    // One whose first attempt isn't known to have begun is started again, and not counted twice.
    let trials = [state("explore", 0, TrialPhase::Pending, 0), state("explore", 1, TrialPhase::Running, 1)];
    assert_eq!(starts(&decide(&plan, &trials, Millis(0))), [(0, 1), (2, 1)]);
    // More exist than may: fewer were allowed since.
    let trials = [0, 1, 2, 3].map(|i| state("explore", i, TrialPhase::Running, 1));
    assert!(is_idle(&decide(&plan, &trials, Millis(0))));
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
    assert!(is_idle(&decide(&plan, &trials, Millis(0))));
    // A failed or infeasible trial gives no point, and holds nothing up.
    for phase in [TrialPhase::Failed, TrialPhase::Infeasible, TrialPhase::Stopped] {
        trials[1] = state("explore", 1, phase, 1);
        let next = decide(&plan, &trials, Millis(0));
        assert_eq!(next.began.as_deref(), Some("confirm"));
        assert_eq!(next.create[0].spec.hyperparameters, trials[0].hyperparameters);
        assert_eq!(next.create[0].spec.max_train_steps, 400);
        assert_eq!(starts(&next), [(0, 1), (1, 1)]);
    }
    let infeasible = [0, 1, 2].map(|i| state("explore", i, TrialPhase::Infeasible, 1));
    let end = decide(&plan, &infeasible, Millis(0)).end.unwrap();
    assert_eq!((end.phase, end.reason), (StudyPhase::Failed, "NoPoints"));
}

/// F-002: what runs goes on to its end, retries included, and a higher limit resumes the study.
#[test]
fn a_study_that_gives_up_starts_nothing_and_lets_what_runs_go_on() {
    let plan = one_dimension("failure: {maxFailedTrials: 1}\nparallelism: 6");
    let mut trials: Vec<_> = (0..2).map(|i| state("explore", i, TrialPhase::Failed, 3)).collect();
    trials.push(TrialState { retry_at: Some(Millis(9)), ..state("explore", 3, TrialPhase::Retrying, 1) });
    trials.push(state("explore", 2, TrialPhase::Running, 1));
    let waits = decide(&plan, &trials, Millis(0));
    assert!(is_idle(&waits), "{waits:?}");
    assert_eq!(waits.waits_for, Some(WaitsFor::Trials { under_way: 2 }));
    assert_eq!(starts(&decide(&plan, &trials, Millis(9))), [(3, 2)]);
    for trial in &mut trials[2..] {
        *trial = state("explore", trial.key.index, TrialPhase::Succeeded, 2);
    }
    let end = decide(&plan, &trials, Millis(0)).end.unwrap();
    assert_eq!((end.phase, end.reason), (StudyPhase::Failed, "TooManyFailedTrials"));
    let raised = one_dimension("failure: {maxFailedTrials: 2}\nparallelism: 6");
    assert_eq!(starts(&decide(&raised, &trials, Millis(0))), [(4, 1), (5, 1)]);
}

#[test]
fn a_study_does_not_end_while_a_trial_of_a_former_round_runs() {
    let plan = one_dimension("");
    let mut trials: Vec<_> = (0..6).map(|i| state("explore", i, TrialPhase::Succeeded, 1)).collect();
    trials.push(state("removed", 0, TrialPhase::Running, 1));
    assert!(is_idle(&decide(&plan, &trials, Millis(0))));
    trials[6].phase = TrialPhase::Succeeded;
    let end = decide(&plan, &trials, Millis(0)).end.unwrap();
    assert_eq!((end.phase, end.reason), (StudyPhase::Completed, "AllRoundsEnded"));
}

#[test]
fn a_trial_that_is_gone_is_made_again() {
    let plan = one_dimension("parallelism: 2");
    let mut view = View::default();
    for index in 0..3 {
        view.put(&plan, state("explore", index, TrialPhase::Succeeded, 1));
    }
    assert_eq!(starts(&next(&plan, &mut view, Millis(0))), [(3, 1), (4, 1)]);
    view.remove(&TrialKey { round: "explore".into(), index: 1 });
    assert_eq!(starts(&next(&plan, &mut view, Millis(0))), [(1, 1), (3, 1)]);
}
