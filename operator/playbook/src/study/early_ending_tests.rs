//! Which trials are ended early.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use studious_api::{study::Direction, trial::TrialPhase};

use super::{StopTrial, Trace, View, next};
use crate::{Millis, Plan, TrialKey, rounds, studies, trial::TrialState};

fn plan(rule: &str) -> Plan {
    studies::plan(&format!(
        "
hyperparameters:
- {{name: learning_rate, range: {{min: 1.0e-4, max: 10, scale: Log}}}}
rounds:
- {{name: explore, trials: 30, maxTrainSteps: 1000}}
- {{name: confirm, maxTrainSteps: 3000, from: {{round: explore, best: 3}}}}
retrain: {{best: 1, times: 3}}
search: {{earlyEnding: {rule}}}
"
    ))
}

const MEDIAN: &str = "{rule: Median, fromStep: 100, minTrials: 3}";
const HALVING: &str = "{rule: SuccessiveHalving, fromStep: 100, reductionFactor: 3}";

/// Trials with their phases and evaluations, every 50 steps from step 50.
fn world(
    plan: &Plan,
    round: &str,
    trials: &[(TrialPhase, &[f64])],
) -> (Vec<TrialState>, HashMap<TrialKey, Arc<Trace>>) {
    let points = plan.fresh().of("explore").unwrap();
    let mut states = Vec::new();
    let mut traces = HashMap::new();
    for (index, (phase, evaluations)) in (0_u32..).zip(trials) {
        let key = TrialKey { round: round.to_owned(), index };
        let trace = Trace::new(Direction::Minimize, (1..).map(|i| 50 * i).zip(evaluations.iter().copied()));
        traces.insert(key.clone(), Arc::new(trace));
        states.push(TrialState {
            reason: None,
            step: None,
            key,
            hyperparameters: points[index as usize].hyperparameters.clone(),
            phase: *phase,
            objective: None,
            attempt: 1,
            metrics: BTreeMap::new(),
            retry_at: None,
            silent: None,
        });
    }
    (states, traces)
}

fn stops(plan: &Plan, (states, traces): &(Vec<TrialState>, HashMap<TrialKey, Arc<Trace>>)) -> Vec<(String, String)> {
    let stops = early_ends(plan, states, traces).into_iter();
    stops.map(|stop| (stop.name, format!("{}: {}", stop.reason, stop.why))).collect()
}

/// What is decided by somebody who sees all of it at once.
pub(super) fn early_ends(plan: &Plan, states: &[TrialState], traces: &HashMap<TrialKey, Arc<Trace>>) -> Vec<StopTrial> {
    let mut view = View::default();
    for state in states {
        view.put(plan, state.clone());
        view.observe(&state.key, traces.get(&state.key).cloned());
    }
    next(plan, &mut view, Millis(0)).stop
}

use TrialPhase::{Failed, Infeasible, Running, Stopped, Succeeded};

#[test]
fn nothing_is_ended_unless_asked_for() {
    let plan = studies::plan(studies::ONE_DIMENSION);
    let trials = [(Succeeded, &[0.1; 20][..]), (Succeeded, &[0.1; 20]), (Succeeded, &[0.1; 20]), (Running, &[0.9; 10])];
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)), []);
}

#[test]
fn the_median_rule_is_vizier_s() {
    let plan = plan(MEDIAN);
    // Running averages up to step 100: 0.5, 0.4, 0.3; the median is 0.4.
    let mut trials = vec![
        (Succeeded, &[0.6, 0.4, 0.1][..]),
        (Stopped, &[0.4, 0.4]),
        (Running, &[0.4, 0.2, 0.2]),
        (Running, &[0.9, 0.41]),
    ];
    let said = stops(&plan, &world(&plan, "explore", &trials));
    assert_eq!(
        said,
        [(
            "digits-explore-0003".to_owned(),
            "MedianRule: by step 100 its best validation_error was 0.41, worse than 0.4, the median of the running averages \
             of 3 other trials up to that step"
                .to_owned()
        )]
    );
    // Its best counts, not its latest; as good as the median goes on.
    trials[3].1 = &[0.4, 0.9];
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)), []);
    // Before fromStep nothing is stopped.
    trials[3].1 = &[0.9];
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)), []);
    // Fewer than minTrials to compare with: those which haven't come so far don't count.
    trials[3].1 = &[0.9, 0.9];
    trials[2].1 = &[0.4];
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)), []);
    // An infeasible or failed trial says nothing of the objective.
    trials[2] = (Infeasible, &[0.4, 0.2]);
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)), []);
    trials[2] = (Failed, &[0.4, 0.2]);
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)), []);
}

#[test]
fn the_median_stays_one_of_all_trials_as_poor_ones_are_stopped() {
    let plan = plan(MEDIAN);
    let long = [0.25; 10];
    // Without the two that were stopped at step 100 the median would be 0.25, and the last would go; with them it is 0.475.
    let trials = [
        (Stopped, &[0.8, 0.8][..]),
        (Stopped, &[0.7, 0.7]),
        (Running, &long),
        (Running, &long),
        (Running, &[0.45; 10]),
    ];
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)), []);
}

#[test]
fn successive_halving_lets_one_in_three_go_on_at_each_rung() {
    let plan = plan(HALVING);
    // Rungs at 100, 300 and 900. Two have come: nobody goes.
    let mut trials = vec![(Running, &[0.9, 0.5][..]), (Running, &[0.9, 0.6])];
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)), []);
    // Three have come: the best goes on.
    trials.push((Running, &[0.9, 0.7]));
    let said = stops(&plan, &world(&plan, "explore", &trials));
    assert_eq!(
        said.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["digits-explore-0001", "digits-explore-0002"]
    );
    assert_eq!(
        said[1].1,
        "SuccessiveHalving: at step 100 its validation_error was 0.7, number 3 of the 3 trials that have come so far, of \
         which the best 1 continue (1 in 3)"
    );
    // Stopped ones keep their places at the rung: a newcomer must be as good as the best.
    trials[1].0 = Stopped;
    trials[2].0 = Stopped;
    trials.push((Running, &[0.9, 0.5]));
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)), []);
    trials[3].1 = &[0.9, 0.55];
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)).len(), 1);
    // Who has come to the next rung is no longer judged at the last.
    trials[0].1 = &[0.9, 0.5, 0.5, 0.5, 0.5, 0.5];
    trials[3].1 = &[0.9, 0.4];
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)), []);
    // Before it may be overtaken.
    trials[0].1 = &[0.9, 0.5, 0.5];
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)).len(), 1);
}

#[test]
fn a_round_that_measures_luck_and_trials_without_evaluations_are_left_alone() {
    let plan = plan(HALVING);
    let trials = [(Running, &[0.9, 0.5][..]), (Running, &[0.9, 0.6]), (Running, &[0.9, 0.7])];
    let (states, traces) = world(&plan, rounds::RETRAIN, &trials);
    assert_eq!(early_ends(&plan, &states, &traces), []);
    let (states, mut traces) = world(&plan, "explore", &trials);
    for lost in [0, 1, 2] {
        let key = TrialKey { round: "explore".to_owned(), index: lost };
        let trace = traces.remove(&key).unwrap();
        assert_eq!(early_ends(&plan, &states, &traces), [], "two are left");
        traces.insert(key, trace);
    }
    assert_eq!(early_ends(&plan, &states, &HashMap::new()), []);
}

#[test]
fn arms_are_judged_by_themselves_and_warmup_is_spared() {
    let plan = studies::plan(&studies::DIGITS.replace("seed: 1}", &format!("seed: 1, earlyEnding: {MEDIAN}}}")));
    // Three arms in turn: sgd is worse than the others throughout, and its own trials are alike.
    let good = [0.2; 6];
    let poor = [0.8; 6];
    let worst = [0.9; 6];
    let mut trials: Vec<(TrialPhase, &[f64])> = Vec::new();
    for _ in 0..4 {
        trials.extend([(Running, &poor[..]), (Running, &good), (Running, &good)]);
    }
    let evaluate = |trials: &[(TrialPhase, &[f64])]| {
        let points = plan.fresh().of("explore").unwrap();
        let (mut states, traces) = world(&plan, "explore", trials);
        for (state, point) in states.iter_mut().zip(points) {
            state.key = point.key.clone();
            state.hyperparameters = point.hyperparameters.clone();
        }
        stops(&plan, &(states, traces))
    };
    assert_eq!(evaluate(&trials), []);
    trials[9].1 = &worst;
    assert_eq!(evaluate(&trials).len(), 1, "the worst of its arm");

    // All evaluations fall into the warmup.
    let plan = studies::plan(
        "
hyperparameters: [{name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}]
schedule: {family: Linear, base: learning_rate, warmupSteps: 300}
rounds: [{name: explore, trials: 30, maxTrainSteps: 1000}]
search: {earlyEnding: {rule: SuccessiveHalving, fromStep: 100}}
",
    );
    let at_300 = [0.9, 0.5, 0.5, 0.5, 0.5, 0.5];
    let trials = [(Running, &[0.1; 6][..]), (Running, &at_300), (Running, &at_300)];
    assert_eq!(stops(&plan, &world(&plan, "explore", &trials)), []);
}

#[test]
fn the_order_of_trials_changes_nothing_and_long_curves_are_thinned() {
    let plan = plan(MEDIAN);
    let curves: Vec<Vec<f64>> = (0..20).map(|i| vec![0.1 + 0.04 * f64::from(i * 7 % 20); 10]).collect();
    let trials: Vec<(TrialPhase, &[f64])> = curves.iter().map(|c| (Running, &c[..])).collect();
    let (mut states, traces) = world(&plan, "explore", &trials);
    let expected = early_ends(&plan, &states, &traces);
    assert!(!expected.is_empty());
    states.reverse();
    assert_eq!(early_ends(&plan, &states, &traces), expected);

    let long = Trace::new(Direction::Maximize, (1..=10_000).map(|step| (step, step as f64)));
    assert!(long.0.len() <= super::early_ending::MAX_POINTS);
    let last = long.last().unwrap();
    assert_eq!((last.step, last.value, last.mean, last.best), (10_000, 10_000.0, 5000.5, 10_000.0));
}

/// F-006: an operator that was restarted with an empty ledger stopped survivors of an earlier comparison.
#[test]
fn nothing_is_ended_while_the_evaluations_of_one_that_is_compared_are_not_known() {
    for rule in [MEDIAN, HALVING] {
        let plan = plan(rule);
        let curves: Vec<Vec<f64>> = (0..9).map(|i| vec![0.1 * f64::from(i + 1); 10]).collect();
        let trials: Vec<(TrialPhase, &[f64])> = curves.iter().map(|c| (Running, &c[..])).collect();
        let (mut states, mut traces) = world(&plan, "explore", &trials);
        assert!(!early_ends(&plan, &states, &traces).is_empty());
        let unknown = states[8].key.clone();
        traces.remove(&unknown);
        assert_eq!(early_ends(&plan, &states, &traces), [], "{rule}");
        // An ended one as well; an infeasible one is not compared.
        states[8].phase = Stopped;
        assert_eq!(early_ends(&plan, &states, &traces), [], "{rule}");
        states[8].phase = Infeasible;
        assert!(!early_ends(&plan, &states, &traces).is_empty(), "{rule}");
    }
}
