//! Deterministic simulation of [`next`](super::next) with a model of a backend: one seed drives the order of events, what
//! trials come to, lost attempts, lost backends, caches that lag, points that take their time. Invariants hold after every
//! step. A failing seed is printed with its study and, shrunk, kept in [`KEPT`].

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::Instant,
};

use studious_api::{study::Direction, trial::TrialPhase};

use super::*;
use crate::{
    Millis, Plan, TrialKey, rounds,
    space::PointIdentity,
    studies,
    trial::{self, Reason, TrialState},
};

/// Seeds that failed once.
const KEPT: &[u64] = &[0, 1, 7, 42];
/// Most steps of one history: a study that takes longer never ends.
const MOST_STEPS: usize = 4000;

/// A linear congruential generator: the same history for a seed, for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    fn chance(&mut self, of_a_hundred: usize) -> bool {
        self.below(100) < of_a_hundred
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A trial as the backend knows it.
#[derive(Clone, Debug)]
struct Running {
    state: TrialState,
    /// Evaluations that are acknowledged, by step: none is ever lost.
    evaluations: BTreeMap<u64, f64>,
    steps: u64,
    /// Whether processes of it run.
    trains: bool,
    starts: BTreeSet<u32>,
}

/// A backend that carries out what is decided.
struct Backend {
    plan: Plan,
    dice: Dice,
    view: View,
    now: Millis,
    trials: BTreeMap<TrialKey, Running>,
    asked: Vec<TrialKey>,
    end: Option<StudyEnd>,
    began: Vec<String>,
    stopped: BTreeMap<TrialKey, Reason>,
    acknowledged: usize,
    trail: Vec<String>,
}

/// A study from the dice: rounds, arms, search, early ending, constraints, retraining, limits.
fn study(dice: &mut Dice) -> String {
    let arms = dice.chance(40);
    let algorithm = dice.pick(&["QuasiRandom", "Random", "Bayesian"]);
    let early = if dice.chance(35) {
        dice.pick(&[
            ", earlyEnding: {rule: Median}",
            ", earlyEnding: {rule: SuccessiveHalving, fromStep: 25, reductionFactor: 3}",
        ])
    } else {
        ""
    };
    let mut lines = vec!["hyperparameters:".to_owned()];
    if arms {
        lines.push("- {name: optimizer, role: Scientific, values: [sgd, adam]}".to_owned());
    }
    lines.push("- {name: learning_rate, role: Nuisance, range: {min: 1.0e-4, max: 10, scale: Log}}".to_owned());
    let trials = 3 + dice.below(8);
    // A crossed round has as many trials for each arm.
    let trials = if arms { trials.div_ceil(2) * 2 } else { trials };
    lines.push(format!("search: {{algorithm: {algorithm}, seed: {}{early}}}", dice.below(1000)));
    lines.push(format!("rounds:\n- {{name: explore, trials: {trials}, maxTrainSteps: 100}}"));
    if dice.chance(50) {
        let per = if arms && dice.chance(50) { ", per: Scientific" } else { "" };
        let best = 1 + dice.below(2);
        lines.push(format!("- {{name: tune, maxTrainSteps: 200, from: {{round: explore, best: {best}{per}}}}}"));
    }
    if dice.chance(40) {
        let per = if arms && dice.chance(50) { ", per: Scientific" } else { "" };
        lines.push(format!("retrain: {{best: 1, times: {}{per}}}", 1 + dice.below(3)));
    }
    if dice.chance(30) {
        lines.push("constraints: [{metric: cost, max: 5}]".to_owned());
    }
    lines.push(format!("parallelism: {}", 1 + dice.below(5)));
    lines.push(format!("failure: {{attempts: {}, maxFailedTrials: {}}}", 1 + dice.below(3), dice.below(6)));
    lines.join("\n")
}

impl Backend {
    fn new(seed: u64) -> (Self, String) {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(seed));
        let text = study(&mut dice);
        let plan = studies::plan(&text);
        let backend = Self {
            plan,
            dice,
            view: View::default(),
            now: Millis(1_000_000),
            trials: BTreeMap::new(),
            asked: Vec::new(),
            end: None,
            began: Vec::new(),
            stopped: BTreeMap::new(),
            acknowledged: 0,
            trail: Vec::new(),
        };
        (backend, text)
    }

    fn trace(&self, key: &TrialKey) -> Arc<Trace> {
        let evaluations = &self.trials[key].evaluations;
        Arc::new(Trace::new(Direction::Minimize, evaluations.iter().map(|(step, value)| (*step, *value))))
    }

    /// What became of a trial is told, and what was measured.
    fn tell(&mut self, key: &TrialKey) {
        self.view.put(&self.plan, self.trials[key].state.clone());
        let trace = self.trace(key);
        self.view.observe(key, Some(trace));
    }

    /// The backend is lost and begins again with what is written down, in any order.
    fn restart(&mut self) {
        self.trail.push("restart".to_owned());
        self.view = View::default();
        self.asked.clear();
        let mut keys: Vec<TrialKey> = self.trials.keys().cloned().collect();
        for i in (1..keys.len()).rev() {
            keys.swap(i, self.dice.below(i + 1));
        }
        // For a while the evaluations of some are not known.
        for key in &keys {
            self.view.put(&self.plan, self.trials[key].state.clone());
        }
        let known: Vec<&TrialKey> = keys.iter().filter(|_| self.dice.below(3) > 0).collect();
        if known.len() < keys.len() {
            for key in known {
                let trace = self.trace(key);
                self.view.observe(key, Some(trace));
            }
            let unknown = next(&self.plan, &mut self.view, self.now);
            let full = self.full();
            assert!(
                unknown.stop.iter().all(|stop| full.stop.contains(stop)),
                "stopped on what is not known: {:?}",
                unknown.stop
            );
        }
        for key in &keys {
            let trace = self.trace(key);
            self.view.observe(key, Some(trace));
        }
    }

    /// What is decided by somebody who has seen everything at once.
    fn full(&self) -> Next {
        let mut view = View::default();
        for (key, trial) in &self.trials {
            view.put(&self.plan, trial.state.clone());
            view.observe(key, Some(self.trace(key)));
        }
        next(&self.plan, &mut view, self.now)
    }

    fn act(&mut self) {
        let Next { create, attempts, stop, suggest, began, end, wake_at, waits_for, settled } =
            next(&self.plan, &mut self.view, self.now);
        assert!(settled.is_none());
        assert_eq!(waits_for.is_none(), end.is_some(), "a study ends or says what it waits for");
        assert!(wake_at.is_none_or(|at| at > self.now));
        self.began.extend(began);
        for planned in create {
            let key = planned.key();
            assert_eq!(planned.name, self.plan.trial_name(&key));
            let state = TrialState::created(key.clone(), planned.spec.hyperparameters);
            let trial =
                Running { state, evaluations: BTreeMap::new(), steps: 0, trains: false, starts: BTreeSet::new() };
            assert!(self.trials.insert(key.clone(), trial).is_none(), "{key:?} is created twice");
            // A trial may exist for a while before its first attempt is known to have begun.
            if self.dice.chance(70) {
                self.begin(&key, 1);
            }
            self.tell(&key);
        }
        for (key, attempt) in attempts {
            self.begin(&key, attempt);
            self.tell(&key);
        }
        for stop in stop {
            self.stopped.insert(stop.key.clone(), stop.reason.clone());
            let trial = self.trials.get_mut(&stop.key).unwrap();
            assert!(!trial.state.phase.has_ended(), "{} ended and is stopped", stop.name);
            // Now and then the wish to stop is lost on the way, and must be said again.
            if self.dice.below(4) > 0 {
                trial.state.phase = TrialPhase::Stopped;
                trial.state.reason = Some(stop.reason);
                trial.trains = false;
                self.tell(&stop.key);
            }
        }
        if self.asked.is_empty() {
            self.asked = suggest;
        }
        self.end = end;
    }

    fn begin(&mut self, key: &TrialKey, attempt: u32) {
        let trial = self.trials.get_mut(key).unwrap();
        assert!(!trial.state.phase.has_ended(), "{key:?} has ended and begins attempt {attempt}");
        assert!(!trial.trains, "{key:?} trains twice at once");
        assert!(trial.starts.insert(attempt), "attempt {attempt} of {key:?} begins twice");
        assert_eq!(attempt, trial.state.attempt + 1);
        trial.state.attempt = attempt;
        trial.state.phase = TrialPhase::Running;
        trial.state.retry_at = None;
        trial.state.reason = None;
        trial.trains = true;
    }

    /// Something happens.
    fn happen(&mut self) {
        self.now.0 += 100 + self.dice.below(3000) as u64;
        if self.dice.chance(3) {
            self.restart();
            return;
        }
        if !self.asked.is_empty() && self.dice.chance(50) {
            let keys = std::mem::take(&mut self.asked);
            // What is chosen is the search's own affair; here it is the point that the sequence has at this index.
            let fresh =
                |key: &TrialKey| self.plan.fresh().of(&key.round)?.iter().find(|point| point.key == *key).cloned();
            let points = keys.iter().filter_map(fresh).collect();
            self.view.suggest(points);
            return;
        }
        let training: Vec<TrialKey> =
            self.trials.iter().filter(|(_, trial)| trial.trains).map(|(key, _)| key.clone()).collect();
        if training.is_empty() {
            // Only time passes.
            self.now.0 += 400_000;
            return;
        }
        let key = training[self.dice.below(training.len())].clone();
        self.train(&key);
        self.tell(&key);
    }

    /// A trial trains for a while, or its attempt ends.
    fn train(&mut self, key: &TrialKey) {
        let budget = rounds::max_train_steps(&self.plan, &key.round);
        let limit = self.plan.spec().failure.attempts;
        let luck = self.dice.below(100);
        let value = self.dice.below(50) as f64 / 50.0;
        let cost = self.dice.below(10) as f64;
        let now = self.now;
        let trial = self.trials.get_mut(key).unwrap();
        let state = &mut trial.state;
        match luck {
            0..=4 => (state.phase, state.reason) = (TrialPhase::Infeasible, Some(Reason::Diverged)),
            5..=8 if state.attempt >= limit => {
                (state.phase, state.reason) = (TrialPhase::Failed, Some(Reason::TrainerError));
            }
            5..=14 => {
                (state.phase, state.retry_at) = (TrialPhase::Retrying, Some(Millis(now.0 + 1000)));
                // It resumes from its checkpoint.
                trial.steps = trial.steps / 50 * 50;
                trial.trains = false;
                return;
            }
            _ => {
                trial.steps = (trial.steps + 25).min(budget);
                trial.evaluations.insert(trial.steps, value);
                self.acknowledged += 1;
                if trial.steps < budget {
                    return;
                }
                let best = trial.evaluations.iter().min_by(|a, b| a.1.total_cmp(b.1)).unwrap();
                (state.phase, state.step, state.objective) = (TrialPhase::Succeeded, Some(*best.0), Some(*best.1));
                state.metrics = [("cost".to_owned(), cost)].into();
            }
        }
        trial.trains = false;
    }

    fn check(&self) {
        let spec = self.plan.spec();
        let under_way: Vec<_> = self.trials.values().filter(|trial| !trial.state.phase.has_ended()).collect();
        assert!(under_way.len() <= spec.parallelism as usize, "{} at once", under_way.len());
        assert_eq!(self.view.under_way(), under_way.len());
        let mut points: HashSet<(&str, PointIdentity)> = HashSet::new();
        let chosen = self.trials.values().filter(|trial| trial.state.key.round == "explore");
        for trial in chosen {
            let point = PointIdentity::of(&trial.state.hyperparameters);
            assert!(points.insert(("explore", point)), "a point is tried twice: {:?}", trial.state.hyperparameters);
        }
        let named: BTreeSet<&String> = self.began.iter().collect();
        assert_eq!(named.len(), self.began.len(), "a round begins twice: {:?}", self.began);
    }

    /// What must hold of a study that has ended.
    fn check_end(&self) {
        let spec = self.plan.spec();
        assert!(self.trials.values().all(|trial| trial.state.phase.has_ended() && !trial.trains));
        let states: Vec<TrialState> = self.trials.values().map(|trial| trial.state.clone()).collect();
        assert_eq!(ended(&self.plan, states.clone()), self.end, "whoever looks later says the same");
        if let Some(best) = trial::best(spec, &states) {
            assert_ne!(best.key.round, rounds::RETRAIN);
            assert!(trial::satisfies(spec, best));
        }
        for (key, reason) in &self.stopped {
            let state = &self.trials[key].state;
            if state.phase == TrialPhase::Stopped {
                assert_eq!(state.reason.as_ref(), Some(reason));
            }
        }
        let failed = states.iter().filter(|state| state.phase == TrialPhase::Failed).count();
        let gave_up = failed > spec.failure.max_failed_trials as usize;
        assert_eq!(self.end.as_ref().unwrap().reason == "TooManyFailedTrials", gave_up);
    }
}

/// One history. Returns how many events it had.
fn history(seed: u64) -> usize {
    let (mut backend, text) = Backend::new(seed);
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        for step in 0..MOST_STEPS {
            backend.act();
            backend.check();
            if backend.end.is_some() {
                backend.check_end();
                return step;
            }
            backend.happen();
        }
        panic!("the study never ends");
    }));
    match told {
        Ok(steps) => steps,
        Err(why) => {
            let why =
                why.downcast_ref::<String>().cloned().or_else(|| why.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            panic!("seed {seed}: {}\n{text}\n{:#?}", why.unwrap_or_default(), backend.trials.keys());
        }
    }
}

#[test]
fn histories_that_failed_once_pass() {
    for seed in KEPT {
        history(*seed);
    }
}

/// `STUDIOUS_HISTORIES=100000` for more, `STUDIOUS_SEED=N` for one.
#[test]
fn whatever_happens_a_study_keeps_its_promises() {
    if let Ok(seed) = std::env::var("STUDIOUS_SEED") {
        history(seed.parse().unwrap());
        return;
    }
    let histories = std::env::var("STUDIOUS_HISTORIES").map_or(600, |n| n.parse().unwrap());
    let began = Instant::now();
    let events: usize = (0..histories).map(|i| history(1_000 + i)).sum();
    let seconds = began.elapsed().as_secs_f64();
    println!("{histories} histories, {events} events, {:.0} histories a minute", histories as f64 / seconds * 60.0);
}
