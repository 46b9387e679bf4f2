//! Planted signals: each finding is raised, with the numbers and the change that belong to it.

use std::collections::BTreeMap;

use serde_json::json;

use super::{FEATURE, LISTS, SAMPLED, feature, lists, pick, sampled};
use crate::{
    findings::{
        Confidence, Finding, Severity, findings,
        simulated::{ARMS, Luck, ONE, STUDIES, arms, at, bowl, changes_settle, one, plan, raised, rate, trial},
        text,
    },
    record::{Outcome, TrialRecord},
};

#[test]
fn edges_are_found() {
    for (n, least) in [(15, 0.6), (30, 0.9), (60, 0.95)] {
        let beyond = rate(ONE, &["SearchSpaceTooNarrow"], 200, |luck| {
            one(n, luck, |u, luck| Some((1.0 - u[0]) + 0.05 * luck.normal()))
        });
        assert!(beyond >= least, "{n} trials: {beyond}");
    }
    let trials = one(30, &mut Luck(1), |u, _| Some(1.0 - u[0]));
    let found = raised(ONE, &trials, "SearchSpaceTooNarrow");
    assert_eq!(found.hyperparameter.as_deref(), Some("learning_rate"));
    assert!((found.evidence["side"] - 1.0).abs() < 1e-9);
    assert!(found.evidence["chance"] < 0.01);
    assert!(found.advice.contains("raise its max to about 100,"), "{}", found.advice);
    assert_eq!(found.trials.len(), 3);
}

#[test]
fn lower_edges_are_found() {
    let trials = one(30, &mut Luck(2), |u, _| Some(u[1]));
    let found = raised(ONE, &trials, "SearchSpaceTooNarrow");
    assert_eq!(found.hyperparameter.as_deref(), Some("momentum"));
    assert!(found.advice.contains("lower boundary"), "{}", found.advice);
}

#[test]
fn the_edge_of_stability_is_not_the_edge_of_the_range() {
    let rates = rate(ONE, &["LearningRateStabilityEdge"], 200, |luck| {
        one(40, luck, |u, luck| (u[0] < 0.75).then(|| 1.0 - u[0] + 0.03 * luck.normal()))
    });
    assert!(rates >= 0.8, "{rates}");
    let trials = one(40, &mut Luck(3), |u, _| (u[0] < 0.75).then(|| 1.0 - u[0]));
    let found = findings(&plan(ONE), &trials);
    assert!(found.iter().any(|f| f.code == "LearningRateStabilityEdge"), "{}", text(&found));
    assert!(!found.iter().any(|f| f.code == "SearchSpaceTooNarrow"), "{}", text(&found));
}

#[test]
fn a_condition_is_looked_at_by_itself() {
    // Best at the lower end of c where it exists; elsewhere it has no value to pool.
    let trials = arms(30, &mut Luck(41), |optimizer, u, luck| {
        Some(if optimizer == "sgd" { luck.uniform() } else { u[2] + 0.01 * luck.normal() })
    });
    let found = raised(ARMS, &trials, "SearchSpaceTooNarrow");
    assert_eq!(found.hyperparameter.as_deref(), Some("c"));
    assert!((found.evidence["arms"] - 2.0).abs() < 1e-9);
    assert!(found.advice.contains("With optimizer = momentum and optimizer = nesterov"), "{}", found.advice);
    assert!(found.advice.contains("c (with optimizer momentum or nesterov)"), "{}", found.advice);
}

#[test]
fn infeasible_trials_are_counted_by_arm_and_place() {
    let trials = arms(20, &mut Luck(5), |optimizer, u, luck| {
        (u[0] < 0.7 && (optimizer != "sgd" || u[0] < 0.3)).then(|| luck.normal())
    });
    let found = raised(ARMS, &trials, "ManyInfeasible");
    assert!(found.evidence["fraction[optimizer = sgd]"] > 0.5);
    assert!(found.evidence["fraction[optimizer = nesterov]"] < 0.5);
    let beyond = found.evidence["learning_rate.infeasible_above"];
    assert!((0.1..1.0).contains(&beyond), "{beyond}");
    assert!(!found.advice.contains("width"), "{}", found.advice);

    let few = one(20, &mut Luck(6), |u, luck| (u[2] > 0.1).then(|| luck.normal()));
    assert!((raised(ONE, &few, "InfeasibleFraction").evidence["results"] - 20.0).abs() < 1e-9);
    let regions = rate(ONE, &["ManyInfeasible"], STUDIES, |luck| {
        one(30, luck, |_, luck| (luck.uniform() > 0.25).then(|| luck.normal()))
    });
    assert!(regions <= 0.05, "{regions}");
}

#[test]
fn retraining_shows_the_luck() {
    let mut trials = one(30, &mut Luck(7), |u, luck| Some(bowl(u, 0.5, luck)));
    let best = trials.iter().min_by(|a, b| a.objective().unwrap().total_cmp(&b.objective().unwrap())).unwrap().clone();
    for (i, objective) in [0.10, 0.12, 0.14, 0.16].into_iter().enumerate() {
        trials.push(TrialRecord {
            name: format!("s-retrain-{i:04}"),
            round: "retrain".to_owned(),
            outcome: Outcome::Succeeded { objective, step: None },
            ..best.clone()
        });
    }
    let found = raised(ONE, &trials, "TrialVariance");
    assert!((found.evidence["mean"] - 0.13).abs() < 1e-9);
    assert!((found.evidence["standard_deviation"] - 0.025_819_888_974_716).abs() < 1e-9);
    assert!((found.evidence["n"] - 4.0).abs() < 1e-9);
    // The best of thirty was chosen for its luck.
    assert!(found.advice.contains("part of that was noise"), "{}", found.advice);
}

#[test]
fn a_point_that_cannot_always_be_trained_is_warned_of() {
    let mut trials = one(20, &mut Luck(4), |u, luck| Some(bowl(u, 0.5, luck)));
    let best = trials[0].hyperparameters.clone();
    for i in 0..5_u32 {
        let outcome = if i < 3 {
            Outcome::Succeeded { objective: 0.1 + 0.01 * f64::from(i), step: Some(100) }
        } else {
            Outcome::Infeasible { reason: "Diverged".into() }
        };
        trials.push(TrialRecord {
            name: format!("s-retrain-{i:04}"),
            round: "retrain".to_owned(),
            hyperparameters: best.clone(),
            outcome,
            ..TrialRecord::default()
        });
    }
    let variance = raised(ONE, &trials, "TrialVariance");
    assert_eq!(variance.severity, Severity::Warning);
    assert!((variance.evidence["infeasible"] - 2.0).abs() < 1e-9);
    assert!(variance.advice.contains("2 of 5 trainings with other seeds could not be trained"), "{}", variance.advice);
}

#[test]
fn rare_good_trials_mean_too_few_samples() {
    let retrained = |trials: &mut Vec<TrialRecord>, spread: f64| {
        let best = trials[0].clone();
        for i in 0..4 {
            let objective = 0.5 + spread * f64::from(i);
            trials.push(TrialRecord {
                round: "retrain".to_owned(),
                outcome: Outcome::Succeeded { objective, step: None },
                ..best.clone()
            });
        }
    };
    let mut rare = one(30, &mut Luck(8), |u, _| Some(10.0 * u[0] + 10.0 * u[1]));
    retrained(&mut rare, 0.01);
    assert!((raised(ONE, &rare, "Undersampled").evidence["good_trials"] - 1.0).abs() < 1e-9);
    let mut common = one(30, &mut Luck(8), |u, _| Some(0.1 * u[0]));
    retrained(&mut common, 0.01);
    assert!(!findings(&plan(ONE), &common).iter().any(|f| f.code == "Undersampled"));
    // Without curves or retrainings nobody knows.
    let unknown = one(30, &mut Luck(8), |u, _| Some(10.0 * u[0]));
    assert!(!findings(&plan(ONE), &unknown).iter().any(|f| f.code == "Undersampled"));
}

fn silent(yaml: &str, trials: &[TrialRecord], code: &str) {
    let found = findings(&plan(yaml), trials);
    assert!(!found.iter().any(|f| f.code == code), "{}", text(&found));
}

#[test]
fn edges_of_lists_and_small_whole_ranges_are_found() {
    let widths = rate(LISTS, &["SearchSpaceTooNarrow"], 200, |luck| {
        lists(30, luck, |u, luck| Some(1.0 - u[1] + 0.05 * luck.normal()))
    });
    assert!(widths >= 0.8, "{widths}");
    let trials = lists(40, &mut Luck(21), |u, luck| Some(1.0 - u[1] + 0.01 * luck.normal()));
    let found = raised(LISTS, &trials, "SearchSpaceTooNarrow");
    assert_eq!(found.hyperparameter.as_deref(), Some("width"));
    let change = found.change.unwrap();
    assert_eq!(change.path, "spec.hyperparameters[1].values");
    assert_eq!(change.to, json!([128, 16, 32, 64, 256, 512]));
    let trials = lists(40, &mut Luck(22), |u, luck| Some(u[2] + 0.01 * luck.normal()));
    let found = raised(LISTS, &trials, "SearchSpaceTooNarrow");
    assert_eq!(found.hyperparameter.as_deref(), Some("layers"));
    assert!(found.change.is_none(), "there are no 0 layers to suggest: {:?}", found.change);
}

#[test]
fn an_edge_suggests_the_range_beyond_it() {
    let trials = one(30, &mut Luck(1), |u, _| Some(1.0 - u[0]));
    let change = raised(ONE, &trials, "SearchSpaceTooNarrow").change.unwrap();
    assert_eq!(change.to_string(), "spec.hyperparameters[0].range.max: 10 → 100");
}

#[test]
fn the_edge_of_stability_suggests_warmup() {
    let scheduled = ONE.replace("rounds:", "schedule: {family: Cosine, base: learning_rate}\nrounds:");
    let trials = one(40, &mut Luck(3), |u, _| (u[0] < 0.75).then(|| 1.0 - u[0]));
    // Before training, not out of it.
    let change = raised(&scheduled, &trials, "LearningRateStabilityEdge").change.unwrap();
    assert_eq!(change.to["schedule"], json!({"family": "Cosine", "base": "learning_rate", "warmupSteps": 5}));
    assert_eq!(
        (&change.from["rounds[0].maxTrainSteps"], &change.to["rounds[0].maxTrainSteps"]),
        (&100.into(), &105.into())
    );
    // How much longer a warmup must be is a sweep over orders of magnitude, not twice as long.
    let warm = scheduled.replace("base: learning_rate}", "base: learning_rate, warmupSteps: 10}");
    let found = raised(&warm, &trials, "LearningRateStabilityEdge");
    assert!(found.change.is_none() && found.advice.contains("10, 100, 1000"), "{}", found.advice);
}

#[test]
fn the_edge_of_what_can_be_trained_is_found_on_any_axis() {
    let trials = one(40, &mut Luck(23), |u, luck| (u[1] < 0.7).then(|| 1.0 - u[1] + 0.01 * luck.normal()));
    let found = raised(ONE, &trials, "FeasibilityEdge");
    assert_eq!(found.hyperparameter.as_deref(), Some("momentum"));
    assert!(found.advice.contains("right below momentum"), "{}", found.advice);
    silent(ONE, &trials, "SearchSpaceTooNarrow");
}

#[test]
fn an_edge_that_only_all_arms_together_show_is_found() {
    let trials = arms(30, &mut Luck(61), |_, u, luck| (u[0] < 0.7).then(|| 1.0 - u[0] + 0.01 * luck.normal()));
    let high = trials.iter().filter(|t| t.objective().is_none()).count();
    let rate = |t: &TrialRecord| t.hyperparameters["learning_rate"].as_f64().unwrap();
    // Each learning rate of one arm only: none has enough infeasible trials by itself.
    let apart: Vec<_> = trials
        .iter()
        .enumerate()
        .filter(|(i, t)| t.objective().is_some() || i % 30 % 3 == i / 30)
        .map(|(_, t)| t.clone())
        .collect();
    assert!(high >= 9 && apart.iter().filter(|t| t.objective().is_none()).count() >= 3, "{high}");
    let found = raised(ARMS, &apart, "LearningRateStabilityEdge");
    let below = apart.iter().filter(|t| t.objective().is_some()).map(rate).fold(0.0, f64::max);
    assert!((found.evidence["all_infeasible_above"] - below).abs() < 1e-9);
}

#[test]
fn arms_that_share_points_show_where_they_cannot_be_trained() {
    // One arm trains where the others diverge, at the same learning rate: a tie, and still a rule.
    let simulate = |best_is_there: bool| {
        arms(15, &mut Luck(62), |optimizer, u, luck| {
            let there = u[0] >= 0.6;
            let better = if there == best_is_there { 10.0 } else { 0.0 };
            (u[0] < if optimizer == "sgd" { 0.75 } else { 0.6 }).then(|| luck.normal() - better)
        })
    };
    let found = raised(ARMS, &simulate(true), "InfeasibleFraction");
    assert!(found.advice.contains("learning_rate >"), "{}", found.advice);
    assert!(found.change.is_none(), "the best trial would be left out: {:?}", found.change);
    let found = raised(ARMS, &simulate(false), "InfeasibleFraction");
    assert_eq!(found.change, None, "a few infeasible trials are no reason to cut the space");
}

#[test]
fn a_region_of_infeasible_points_reads_as_a_rule() {
    // Diverges at high learning rates unless momentum is low, and here and there by chance.
    let trials = one(100, &mut Luck(24), |u, luck| (u[0] < 0.5 || u[1] < 0.4).then(|| luck.normal()));
    let found = raised(ONE, &trials, "InfeasibleFraction");
    assert!(found.advice.contains("learning_rate >"), "{}", found.advice);
    assert!(found.advice.contains("momentum >"), "{}", found.advice);
    // By arm: one optimizer can't be trained at all.
    let trials = arms(12, &mut Luck(25), |optimizer, _, luck| (optimizer != "momentum").then(|| luck.normal()));
    let found = raised(ARMS, &trials, "ManyInfeasible");
    assert!(found.advice.contains("optimizer = momentum: 12 of 12 infeasible (elsewhere 0 of 24)"), "{}", found.advice);
    // One condition on a range: leave it out.
    let trials = one(40, &mut Luck(26), |u, luck| (u[0] < 0.3).then(|| luck.normal()));
    let found = raised(ONE, &trials, "ManyInfeasible");
    let change = found.change.unwrap();
    assert_eq!(change.path, "spec.hyperparameters[0].range.max");
    assert!(change.to.as_f64().is_some_and(|to| (0.005..0.03).contains(&to)), "{change}");
}

#[test]
fn few_trials_for_their_dimensions_are_too_few() {
    let trials = one(8, &mut Luck(27), |u, luck| Some(bowl(u, 0.5, luck)));
    let found = raised(ONE, &trials, "Undersampled");
    assert!((found.evidence["trials_needed"] - 15.0).abs() < 1e-9);
    // 30 are planned already: what is missing is to run them.
    assert_eq!(found.change, None);
    let planned = ONE.replace("trials: 30", "trials: 8");
    let found = raised(&planned, &trials, "Undersampled");
    assert_eq!(found.change.unwrap().to_string(), "spec.rounds[0].trials: 8 → 15");
    assert_eq!(found.confidence, Some(Confidence::OpenQuestion));
    silent(ONE, &one(15, &mut Luck(27), |u, luck| Some(bowl(u, 0.5, luck))), "Undersampled");
    // Not while trials are still to come.
    let mut running = trials.clone();
    running[7].outcome = Outcome::Pending;
    silent(ONE, &running, "Undersampled");
    let lower = ONE.replace("trial: {", "policy: {thresholds: {trialsPerDimension: {value: 2, reason: r}}}\ntrial: {");
    silent(&lower, &trials, "Undersampled");
}

#[test]
fn a_best_trial_that_stands_apart_means_too_few_samples() {
    // Nothing says how much is luck: a narrow valley that one or two trials of thirty hit.
    let valley = |u: [f64; 3], luck: &mut Luck| {
        let far = (u[0] - 0.6).powi(2) + (u[1] - 0.4).powi(2) + (u[2] - 0.5).powi(2);
        Some(1.0 - (-far / 0.02).exp() + 0.01 * luck.normal())
    };
    let valleys = rate(ONE, &["Undersampled"], 200, |luck| one(40, luck, valley));
    assert!(valleys >= 0.6, "{valleys}");
    let mut trials = one(30, &mut Luck(28), |_, luck| Some(1.0 + 0.05 * luck.normal()));
    trials[4].outcome = Outcome::Succeeded { objective: 0.2, step: None };
    let found = raised(ONE, &trials, "Undersampled");
    assert!((found.evidence["alone"] - 1.0).abs() < 1e-9);
    assert!(found.evidence["chance"] < 0.001);
    assert!(found.evidence["best_of_15.median"] > 0.8, "{:?}", found.evidence);
}

#[test]
fn adaptive_searches_give_weak_evidence() {
    let bayesian = ONE.replace("rounds:", "search: {algorithm: Bayesian}\nrounds:");
    let plan = crate::Plan::new("s", &serde_yaml::from_str(&bayesian).unwrap()).unwrap();
    let trials = one(30, &mut Luck(1), |u, _| Some(1.0 - u[0]));
    let found = findings(&plan, &trials);
    let edge = found.iter().find(|f| f.code == "SearchSpaceTooNarrow").unwrap();
    assert_eq!(edge.confidence, Some(Confidence::Weak));
    assert!(text(&found).contains("Weak evidence"));
}

#[test]
fn a_bayesian_search_of_few_batches_learns_little() {
    let study = |parallelism: u32| {
        let yaml =
            ONE.replace("rounds:", &format!("search: {{algorithm: Bayesian}}\nparallelism: {parallelism}\nrounds:"));
        crate::Plan::new("s", &serde_yaml::from_str(&yaml).unwrap()).unwrap()
    };
    let (wide, narrow) = (study(8), study(7));
    let trials = one(30, &mut Luck(29), |_, luck| Some(luck.normal()));
    let found = findings(&wide, &trials);
    let low = found.iter().find(|f| f.code == "LowFeedbackBayes").unwrap();
    assert_eq!(low.change.as_ref().unwrap().to_string(), "spec.parallelism: 8 → 7");
    assert!(!findings(&narrow, &trials).iter().any(|f| f.code == "LowFeedbackBayes"));
}

#[test]
fn uneven_scientific_values_are_found() {
    let uneven = |luck: &mut Luck| pick(&["none", "none", "none", "crop", "none", "mix"], luck);
    let rates = rate(SAMPLED, &["ScientificNotUniform"], 200, |luck| {
        sampled(60, luck, uneven, |_, _, luck| Some(luck.normal()))
    });
    assert!(rates >= 0.8, "{rates}");
    let trials = sampled(60, &mut Luck(30), uneven, |_, _, luck| Some(luck.normal()));
    let found = raised(SAMPLED, &trials, "ScientificNotUniform");
    assert_eq!(found.hyperparameter.as_deref(), Some("augmentation"));
    assert!(found.evidence["trials[none]"] > 30.0);
    // A range is looked at in parts.
    let mut skewed =
        sampled(60, &mut Luck(31), |luck| pick(&["none", "crop", "mix"], luck), |_, _, luck| Some(luck.normal()));
    for trial in &mut skewed {
        let decay = trial.hyperparameters["weight_decay"].as_f64().unwrap();
        trial.hyperparameters.insert("weight_decay".to_owned(), (decay * decay * 1e5).clamp(1e-6, 0.1).into());
    }
    let found = raised(SAMPLED, &skewed, "ScientificNotUniform");
    assert_eq!(found.hyperparameter.as_deref(), Some("weight_decay"));
}

#[test]
fn a_baseline_with_less_tuning_is_found() {
    let better = |on: bool, u: [f64; 2], luck: &mut Luck| {
        Some((u[0] - 0.5).powi(2) + 0.02 * luck.normal() - if on { 0.3 } else { 0.0 })
    };
    let trials = feature(4, 20, &mut Luck(32), better);
    let found = raised(FEATURE, &trials, "BaselineUnderTuned");
    assert!((found.evidence["points[skip = false]"] - 4.0).abs() < 1e-9);
    assert!((found.evidence["points[skip = true]"] - 20.0).abs() < 1e-9);
    assert_eq!(found.change.unwrap().to_string(), "spec.rounds[0].trials: 30 → 40");
    // One learning rate, tried often, is no tuning.
    let mut fixed = feature(20, 20, &mut Luck(33), better);
    for trial in &mut fixed[..20] {
        trial.hyperparameters.insert("learning_rate".to_owned(), 0.1.into());
    }
    assert!((raised(FEATURE, &fixed, "BaselineUnderTuned").evidence["points[skip = false]"] - 1.0).abs() < 1e-9);
    silent(FEATURE, &feature(20, 20, &mut Luck(34), better), "BaselineUnderTuned");
    // The winner had less: its lead is safe.
    let worse = feature(20, 5, &mut Luck(35), better);
    raised(FEATURE, &worse, "UnequalTuning");
    silent(FEATURE, &worse, "BaselineUnderTuned");
}

#[test]
fn arms_that_differ_by_luck_have_no_winner() {
    let same = rate(ARMS, &["DifferenceWithinNoise"], 200, |luck| arms(15, luck, |_, _, luck| Some(luck.normal())));
    assert!(same >= 0.9, "{same}");
    let trials = feature(20, 20, &mut Luck(36), |_, _, luck| Some(luck.normal()));
    let found = raised(FEATURE, &trials, "DifferenceWithinNoise");
    assert_eq!(found.change.unwrap().path, "spec.retrain");
    // A gap that retraining explains is none, however sure the order.
    let mut trials = feature(20, 20, &mut Luck(37), |on, u, _| Some(f64::from(u8::from(on)) * 0.01 + 0.001 * u[0]));
    let retrained = |i: usize, objective: f64, trials: &[TrialRecord]| TrialRecord {
        name: format!("s-retrain-{i:04}"),
        round: "retrain".to_owned(),
        outcome: Outcome::Succeeded { objective, step: None },
        ..trials[0].clone()
    };
    silent(FEATURE, &trials, "DifferenceWithinNoise");
    for (i, objective) in [0.0, 0.02, 0.01, 0.03].into_iter().enumerate() {
        let again = retrained(i, objective, &trials);
        trials.push(again);
    }
    let found = raised(FEATURE, &trials, "DifferenceWithinNoise");
    assert!(found.evidence["gap"] < found.evidence["within"]);
}

#[test]
fn a_feature_without_gain_is_proposed_for_removal() {
    let trials = feature(15, 15, &mut Luck(38), |on, u, luck| {
        Some((u[0] - 0.5).powi(2) + 0.01 * luck.normal() + if on { 0.1 } else { 0.0 })
    });
    let found = raised(FEATURE, &trials, "FeatureNotHelping");
    assert_eq!(found.hyperparameter.as_deref(), Some("skip"));
    assert_eq!(found.change.unwrap().to_string(), "spec.hyperparameters[0].values: [false,true] → [false]");
    silent(FEATURE, &feature(5, 5, &mut Luck(38), |on, _, _| Some(f64::from(u8::from(on)))), "FeatureNotHelping");
}

#[test]
fn gains_that_have_ended_are_found() {
    let trials = one(60, &mut Luck(39), |u, luck| Some((u[0] - 0.5).powi(2) + 0.002 * luck.normal()));
    let found = raised(ONE, &trials, "TuningGainsSaturated");
    assert!(found.evidence["gain"] <= found.evidence["limit"]);
    silent(ONE, &trials[..12], "TuningGainsSaturated");
}

#[test]
fn retraining_of_something_else_is_stale() {
    let mut trials = one(30, &mut Luck(7), |u, luck| Some(bowl(u, 0.5, luck)));
    let objective = |t: &TrialRecord| t.objective().unwrap();
    let best = trials.iter().min_by(|a, b| objective(a).total_cmp(&objective(b))).unwrap().clone();
    let worst = trials.iter().max_by(|a, b| objective(a).total_cmp(&objective(b))).unwrap().clone();
    let retrained = |of: &TrialRecord, steps: u64| TrialRecord {
        round: "retrain".to_owned(),
        outcome: Outcome::Succeeded { objective: 0.1, step: None },
        curves: [("validation_error".to_owned(), vec![(10, 0.5), (steps, 0.1)])].into(),
        ..of.clone()
    };
    trials.push(retrained(&best, 100));
    silent(ONE, &trials, "StaleVariance");
    trials.pop();
    trials.push(retrained(&worst, 100));
    assert!(raised(ONE, &trials, "StaleVariance").advice.contains("is not the best"));
    trials.pop();
    trials.push(retrained(&best, 50));
    assert!(raised(ONE, &trials, "StaleVariance").advice.contains("50 steps"));
}

const RATE: &str = "
goal: g
objective: {metric: validation_error, direction: Minimize}
hyperparameters: [{name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}]
rounds: [{name: explore, trials: 40, maxTrainSteps: 4000}]
evaluation: {everySteps: 100}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";

/// Forty evenly spread rates: the outcome is a function of the place.
fn rates(outcome: impl Fn(f64) -> Option<f64>) -> Vec<TrialRecord> {
    (0..40)
        .map(|i| {
            let u = (f64::from(i) + 0.5) / 40.0;
            let point = BTreeMap::from([("learning_rate".to_owned(), at(u, 1e-3, 10.0, "log"))]);
            trial(i as usize, point, outcome(u))
        })
        .collect()
}

#[test]
fn no_change_cuts_what_another_finding_asks_to_search() {
    let edge = rates(|u| (u <= 0.65).then_some(0.8 - u));
    let found = findings(&plan(RATE), &edge);
    changes_settle(&plan(RATE), &edge);
    assert!(found.iter().any(|f| f.code == "LearningRateStabilityEdge"), "{}", text(&found));
    let cuts = |f: &Finding| f.change.as_ref().is_some_and(|c| c.path.ends_with("range.max"));
    assert!(!found.iter().any(cuts), "{}", text(&found));
    // More than half infeasible: the space would be cut, were it not for the edge of stability.
    let many = rates(|u| (u <= 0.3).then_some(0.8 - u));
    let found = findings(&plan(RATE), &many);
    assert!(found.iter().any(|f| f.code == "ManyInfeasible") && !found.iter().any(cuts), "{}", text(&found));
    // A few infeasible trials are no reason to cut the space.
    let few = rates(|u| (u <= 0.925).then_some(0.1 + (0.5 - u).abs()));
    assert_eq!(raised(RATE, &few, "InfeasibleFraction").change, None);
}

#[test]
fn changes_do_not_depend_on_who_comes_first() {
    let trials = rates(|u| (u <= 0.65).then_some(0.8 - u));
    let plan = plan(RATE);
    let found = findings(&plan, &trials);
    let warmups: Vec<_> = found.iter().filter_map(|f| f.change.as_ref()).filter(|c| c.path == "spec").collect();
    // Two findings may suggest the same change, and none another one of the same fields.
    assert!(!warmups.is_empty() && warmups.iter().all(|c| *c == warmups[0]), "{}", text(&found));
}
