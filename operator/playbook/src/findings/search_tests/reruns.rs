//! A suggested change does what it says: the study that it makes, run on the same planted truth, finds something better, and
//! no longer asks for it.

use studious_api::Hyperparameters;

use super::LISTS;
use crate::{
    Plan,
    findings::{
        Finding, findings,
        simulated::{Luck, ONE, changes_settle, plan},
    },
    record::{Outcome, TrialRecord},
    rounds,
};

/// What is measured at a point, without noise.
type Truth = fn(&Hyperparameters) -> f64;

fn number(point: &Hyperparameters, name: &str) -> f64 {
    point[name].as_f64().unwrap()
}

/// Where a value lies between two, by its logarithm: 0 at the first, 1 at the second.
fn place(value: f64, from: f64, to: f64) -> f64 {
    (value / from).ln() / (to / from).ln()
}

/// The study run on a truth: its own points, with 2% noise.
fn run(plan: &Plan, truth: Truth, luck: &mut Luck) -> Vec<TrialRecord> {
    let points = rounds::points(plan, "explore", &[]).unwrap();
    let trial = |point: rounds::RoundPoint| TrialRecord {
        name: plan.trial_name(&point.key),
        round: "explore".to_owned(),
        outcome: Outcome::Succeeded {
            objective: truth(&point.hyperparameters) + 0.02 * luck.normal(),
            step: Some(100),
        },
        hyperparameters: point.hyperparameters,
        ..TrialRecord::default()
    };
    points.into_iter().map(trial).collect()
}

/// The truth at the point that the study would choose.
fn chosen(trials: &[TrialRecord], truth: Truth) -> f64 {
    let best = trials.iter().min_by(|a, b| a.objective().unwrap().total_cmp(&b.objective().unwrap())).unwrap();
    truth(&best.hyperparameters)
}

/// What became of a suggestion, over some studies.
#[derive(Debug, Default)]
struct Rerun {
    suggested: u32,
    /// Of those: how many found a better point …
    better: u32,
    /// … and how many raised the finding again.
    again: u32,
    /// How much better the chosen points became, on average.
    gain: f64,
}

/// Studies with seeds of their own, each run again with the change that a code suggests for a hyperparameter, up to so many
/// times while it does.
fn rerun(yaml: &str, code: &str, hyperparameter: Option<&str>, times: usize, truth: Truth) -> Rerun {
    let mut seen = Rerun::default();
    for seed in 0..20_u64 {
        let first = plan(&yaml.replace("goal: g", &format!("goal: g\nsearch: {{seed: {seed}}}")));
        let mut luck = Luck(seed * 7919 + 3);
        let trials = run(&first, truth, &mut luck);
        let is_it = |f: &&Finding| f.code == code && f.hyperparameter.as_deref() == hyperparameter;
        let suggests = |plan: &Plan, trials: &[TrialRecord]| findings(plan, trials).iter().find(is_it)?.change.clone();
        let (mut next, mut later) = (first.clone(), trials.clone());
        for _ in 0..times {
            let Some(change) = suggests(&next, &later) else { break };
            changes_settle(&next, &later);
            next = Plan::new(first.name(), &change.edit.applied(next.spec())).unwrap();
            later = run(&next, truth, &mut luck);
        }
        if next.spec() == first.spec() {
            continue;
        }
        let gain = chosen(&trials, truth) - chosen(&later, truth);
        seen.suggested += 1;
        seen.better += u32::from(gain > 0.0);
        seen.again += u32::from(suggests(&next, &later).is_some());
        seen.gain += gain;
    }
    seen.gain /= f64::from(seen.suggested.max(1));
    println!("{code}: {seen:?}");
    seen
}

#[test]
fn what_a_wider_range_reaches_is_better() {
    // The optimum lies a tenth of the range beyond its upper end: once widened, in its last eighth, which is close enough to
    // look beyond; twice, well inside.
    let seen = rerun(ONE, "SearchSpaceTooNarrow", Some("learning_rate"), 2, |point| {
        (place(number(point, "learning_rate"), 1e-3, 10.0) - 1.1).powi(2) + 0.1 * number(point, "dropout")
    });
    assert!(seen.suggested >= 18 && seen.better * 10 >= seen.suggested * 7, "{seen:?}");
    assert!(seen.again * 5 <= seen.suggested && seen.gain > 0.0, "{seen:?}");
}

#[test]
fn what_a_longer_list_reaches_is_better() {
    // The optimum is the value after the last.
    let seen = rerun(LISTS, "SearchSpaceTooNarrow", Some("width"), 1, |point| {
        (place(number(point, "width"), 16.0, 256.0) - 1.25).powi(2)
            + (place(number(point, "learning_rate"), 1e-3, 10.0) - 0.5).powi(2)
    });
    assert!(seen.suggested >= 16 && seen.better * 10 >= seen.suggested * 7 && seen.gain > 0.0, "{seen:?}");
}

#[test]
fn more_trials_of_an_undersampled_study_find_better_points() {
    let seen = rerun(&ONE.replace("trials: 30", "trials: 6"), "Undersampled", None, 1, |point| {
        let far = [
            place(number(point, "learning_rate"), 1e-3, 10.0) - 0.4,
            place(1.0 - number(point, "momentum"), 0.5, 0.001) - 0.6,
            number(point, "dropout") / 0.5 - 0.5,
        ];
        far.iter().map(|x| x * x).sum()
    });
    assert_eq!((seen.suggested, seen.again), (20, 0), "{seen:?}");
    assert!(seen.gain > 0.01, "{seen:?}");
}
