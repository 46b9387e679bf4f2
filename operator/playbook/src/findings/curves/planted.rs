//! Planted signals: each finding must be raised when there is something to find.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    super::{
        Confidence, Finding, Severity,
        simulated::{Luck, changes_settle, plan},
    },
    simulated::{FAULTLESS, STEPS, TWO, Training, change_all, conclude, drawn, saved},
};
use crate::record::{Outcome, TrialRecord};

pub(super) const STEADY: Training = FAULTLESS[0];

/// The share of 100 studies in which a code is raised once they were changed.
pub(super) fn power(
    code: &str,
    training: Training,
    each: usize,
    plant: impl Fn(&mut Vec<TrialRecord>, &mut Luck),
) -> f64 {
    let raised = (0..100_u64).filter(|seed| {
        let mut luck = Luck(seed * 104_729 + 5);
        let mut trials = training.study_of(each, &mut luck);
        plant(&mut trials, &mut luck);
        drawn(TWO, &trials).iter().any(|f| f.code == code)
    });
    let power = raised.count() as f64 / 100.0;
    println!("{code}: {power}");
    power
}

pub(super) fn study(plant: impl Fn(&mut Vec<TrialRecord>)) -> Vec<TrialRecord> {
    let mut trials = STEADY.study(&mut Luck(3));
    plant(&mut trials);
    trials
}

#[track_caller]
pub(super) fn raised_in(yaml: &str, trials: &[TrialRecord], code: &str) -> Finding {
    let found = drawn(yaml, trials);
    let codes: Vec<_> = found.iter().map(|f| f.code.clone()).collect();
    let found = found.into_iter().find(|f| f.code == code).unwrap_or_else(|| panic!("no {code} in {codes:?}"));
    changes_settle(&plan(yaml), trials);
    let rule = studious_rules::named(code).unwrap();
    assert!(rule.severities.contains(&found.severity), "{code}: {:?}", found.severity);
    found
}

#[track_caller]
pub(super) fn raised(trials: &[TrialRecord], code: &str) -> Finding {
    raised_in(TWO, trials, code)
}

pub(super) fn is_raised(trials: &[TrialRecord], code: &str) -> bool {
    drawn(TWO, trials).iter().any(|f| f.code == code)
}

/// What an error gains once training is past a share.
pub(super) fn rising(from: f64, by: f64) -> impl Fn(f64, f64) -> f64 {
    move |t, value| value + by * ((t - from) / (1.0 - from)).max(0.0)
}

#[test]
fn overfitting_is_seen() {
    let plant = |by: f64| {
        move |trials: &mut Vec<TrialRecord>, _: &mut Luck| change_all(trials, "validation_error", rising(0.4, by))
    };
    assert!(power("OverfittingInBest", STEADY, 10, plant(0.06)) >= 0.95);
    assert!(power("OverfittingInBest", FAULTLESS[1], 10, plant(0.12)) >= 0.9);
    let found = raised(&study(|trials| change_all(trials, "validation_error", rising(0.4, 0.1))), "OverfittingInBest");
    assert_eq!(found.severity, Severity::Problem);
    assert!(found.evidence["chance"] < 0.01 && found.evidence["largest_rise"] > 0.05);
    assert!(found.advice.contains("label_smoothing in reach and dropout and weight decay added"), "{}", found.advice);
    let change = found.change.unwrap();
    assert_eq!((change.path.as_str(), change.to), ("spec.hyperparameters[2].range.max", 0.6.into()));
    let held = TWO.replace("label_smoothing, range: {min: 0, max: 0.3}", "dropout_rate, role: Fixed, value: 0");
    let trials = study(|trials| {
        change_all(trials, "validation_error", rising(0.4, 0.1));
        for trial in trials {
            trial.hyperparameters.remove("label_smoothing");
            trial.hyperparameters.insert("dropout_rate".to_owned(), 0_i64.into());
        }
    });
    let change = raised_in(&held, &trials, "OverfittingInBest").change.unwrap();
    assert_eq!((change.path.as_str(), &change.to["range"]["max"]), ("spec.hyperparameters[2]", &0.5.into()));
}

#[test]
fn overfitting_is_expected_where_regularization_is_compared() {
    let yaml = TWO
        .replace("label_smoothing, range: {min: 0, max: 0.3}", "label_smoothing, role: Scientific, values: [0, 0.1]");
    let trials = study(|trials| {
        change_all(trials, "validation_error", rising(0.4, 0.1));
        for trial in trials {
            trial.hyperparameters.insert("label_smoothing".to_owned(), 0_i64.into());
        }
    });
    assert_eq!(raised_in(&yaml, &trials, "OverfittingInBest").severity, Severity::Info);
}

#[test]
fn a_breakdown_is_no_overfitting() {
    let trials = study(|trials| {
        change_all(trials, "validation_error", rising(0.4, 0.1));
        change_all(trials, "train_loss", rising(0.4, 2.0));
    });
    assert!(!is_raised(&trials, "OverfittingInBest"));
    let found = raised(&trials, "TrainingLossRising");
    assert_eq!(found.severity, Severity::Problem);
    assert!(found.evidence["largest_rise"] > 1.0);
    let plant = |trials: &mut Vec<TrialRecord>, _: &mut Luck| change_all(trials, "train_loss", rising(0.2, 1.5));
    assert!(power("TrainingLossRising", STEADY, 10, plant) >= 0.9);
}

#[test]
fn the_best_may_be_those_that_cannot_overfit() {
    let plant = |trials: &mut Vec<TrialRecord>| {
        for trial in trials {
            if trial.hyperparameters["learning_rate"].as_f64().unwrap() > 0.3 {
                change_all(std::slice::from_mut(trial), "validation_error", rising(0.4, 0.2));
            }
        }
    };
    let trials = study(plant);
    let found = raised(&trials, "SelectionBias");
    assert_eq!((found.severity, found.hyperparameter.as_deref()), (Severity::Warning, Some("learning_rate")));
    assert!(found.advice.contains("higher learning_rate"), "{}", found.advice);
    assert!(
        found.evidence["share[upper half of learning_rate]"] > found.evidence["share[lower half of learning_rate]"]
    );
    assert!(power("SelectionBias", STEADY, 10, |trials, _| plant(trials)) >= 0.9);
}

#[test]
fn late_noise_is_set_against_what_is_to_be_shown() {
    let noisy = Training { noise: (0.1, 0.1), ..STEADY };
    assert!(power("NoisyLateTraining", noisy, 10, |_, _| {}) >= 0.9);
    let found = raised(&noisy.study(&mut Luck(4)), "NoisyLateTraining");
    assert!(found.evidence["noise"] > 0.05 && found.evidence["gap"] < 0.2);
    assert!(found.advice.contains("decay it"), "{}", found.advice);
    let change = found.change.unwrap();
    assert_eq!((change.path.as_str(), &change.to["base"]), ("spec.schedule", &"learning_rate".into()));
}

/// The rate at the end is a fact only where the trainer logs it or the study says it.
#[test]
fn late_noise_is_laid_to_a_rate_that_is_known() {
    let noisy = Training { noise: (0.1, 0.1), ..STEADY };
    let ends_at = |last: Option<f64>| {
        let mut trials = noisy.study(&mut Luck(4));
        for (trial, last) in trials.iter_mut().filter_map(|trial| Some((trial, last?))) {
            trial.curves.insert("learning_rate".to_owned(), vec![(1, 0.1), (STEPS / 2, 0.1), (STEPS, last)]);
        }
        raised(&trials, "NoisyLateTraining")
    };
    let unknown = ends_at(None);
    assert!(unknown.advice.contains("If the learning rate is still high at the end, decay it"), "{}", unknown.advice);
    let high = ends_at(Some(0.1));
    assert!(high.advice.contains("The learning rate is still high at the end") && high.change.is_some());
    let low = ends_at(Some(0.0));
    assert!(low.advice.contains("decays already, so a larger batch") && low.change.is_none(), "{}", low.advice);
}

#[test]
fn periods_are_found() {
    let plant = |trials: &mut Vec<TrialRecord>, _: &mut Luck| {
        change_all(trials, "validation_error", |t, v| v + 0.015 * (std::f64::consts::TAU * 40.0 * t / 5.0).sin());
    };
    assert!(power("MetricPeriodicity", STEADY, 10, plant) >= 0.9);
    let found = raised(&study(|trials| plant(trials, &mut Luck(0))), "MetricPeriodicity");
    assert!((4.5..5.5).contains(&found.evidence["period_evaluations"]), "{:?}", found.evidence);
}

#[test]
fn a_proxy_that_misleads_is_found() {
    let plant =
        |trials: &mut Vec<TrialRecord>, _: &mut Luck| change_all(trials, "offline_validation_error", |_, v| v + 0.01);
    assert!(power("PeriodicOfflineSkew", STEADY, 10, plant) >= 0.95);
    let found = raised(&study(|trials| plant(trials, &mut Luck(0))), "PeriodicOfflineSkew");
    assert!((found.evidence["difference"] - 0.01).abs() < 0.003);
}

#[test]
fn rare_evaluations_are_named() {
    let trials = study(|trials| {
        for trial in trials {
            trial.curves.get_mut("validation_error").unwrap().retain(|(step, _)| step % 1000 == 0);
            if trial.objective().is_some() {
                conclude(trial);
            }
        }
    });
    let found = raised(&trials, "EvaluationsTooRare");
    assert!((found.evidence["evaluations"] - 4.0).abs() < 1e-9, "{:?}", found.evidence);
    // Every 100 steps are asked: the trainer is at fault, and rarer evaluations are no cure.
    assert!(found.advice.contains("make it evaluate every 100 steps") && found.change.is_none(), "{}", found.advice);
    let rarely = TWO.replace("everySteps: 100", "everySteps: 1000");
    assert_eq!(raised_in(&rarely, &trials, "EvaluationsTooRare").change.unwrap().to, 200);
}

/// Every trial whose rate is more than a sixth above the best in the middle of the range, but at most twenty times it,
/// breaks down.
fn unstable(trials: &mut [TrialRecord], breaks: impl Fn(&mut TrialRecord)) {
    for trial in trials {
        let rate = trial.hyperparameters["learning_rate"].as_f64().unwrap();
        if rate > 0.12 {
            breaks(trial);
        }
    }
}

#[test]
fn instability_just_above_the_best_rate_is_found() {
    let diverge = |trial: &mut TrialRecord| {
        trial.outcome = Outcome::Infeasible { reason: "Diverged".into() };
        trial.curves.get_mut("train_loss").unwrap().truncate(5);
    };
    assert!(power("InstabilityLimitsLr", STEADY, 40, |trials, _| unstable(trials, diverge)) >= 0.8);
    let mut trials = STEADY.study_of(40, &mut Luck(6));
    unstable(&mut trials, diverge);
    let found = raised(&trials, "InstabilityLimitsLr");
    assert_eq!(found.hyperparameter.as_deref(), Some("learning_rate"));
    assert!(found.evidence["early"] > 0.0 && found.evidence["best_rate"] <= 0.12, "{:?}", found.evidence);
    assert!(found.advice.contains("warmup first"), "{}", found.advice);
    // Before the steps of every round, not out of them.
    let change = found.change.unwrap();
    assert_eq!(
        (&change.to["schedule"]["warmupSteps"], &change.to["rounds[0].maxTrainSteps"]),
        (&200.into(), &4200.into())
    );
    // Trainers refuse two definitions of one thing.
    let named = TWO.replace("- {name: batch_size", "- {name: warmup_steps, values: [0, 100]}\n- {name: batch_size");
    assert_eq!(raised_in(&named, &trials, "InstabilityLimitsLr").change, None);
    // Far above the best rate everything diverges, and that is no finding.
    let mut far = STEADY.study_of(40, &mut Luck(6));
    for trial in &mut far {
        if trial.hyperparameters["learning_rate"].as_f64().unwrap() > 2.0 {
            diverge(trial);
        }
    }
    assert!(!is_raised(&far, "InstabilityLimitsLr"));
}

#[test]
fn sudden_rises_are_early_or_not() {
    let spike = |at: f64| move |t: f64, v: f64| if (at..at + 0.05).contains(&t) { v + 3.0 } else { v };
    for (at, kind) in [(0.03, "early"), (0.6, "mid")] {
        let plant = move |trials: &mut Vec<TrialRecord>, _: &mut Luck| change_all(trials, "train_loss", spike(at));
        assert!(power("TrainingInstability", STEADY, 10, plant) >= 0.9, "{kind}");
        let found = raised(&study(|trials| change_all(trials, "train_loss", spike(at))), "TrainingInstability");
        assert!(found.evidence[kind] >= 3.0, "{kind}: {:?}", found.evidence);
    }
}

#[test]
fn outliers_of_the_gradient_say_where_to_clip() {
    let plant = |trials: &mut Vec<TrialRecord>| {
        change_all(trials, "gradient_norm", |t, v| if (0.7..0.715).contains(&t) { 40.0 * v } else { v });
        for trial in trials {
            trial.curves.remove("clipped_fraction");
        }
    };
    let trials = study(plant);
    let found = raised(&trials, "GradientOutliers");
    let threshold = found.evidence["clip_threshold"];
    // The norm is lognormal about 0.74 with a deviation of 0.4: nine tenths are below 1.24, a little more at the beginning.
    assert!((1.0..2.0).contains(&threshold), "{threshold}");
    assert!(found.advice.contains("Clip gradients"), "{}", found.advice);
    assert!(power("GradientOutliers", STEADY, 10, |trials, _| plant(trials)) >= 0.95);
    // Norms are reported before clipping: where they are clipped at that norm or below, there is nothing left to do.
    let clipped_at = |clip: f64| {
        let yaml = TWO.replace(
            "- {name: batch",
            &format!("- {{name: grad_norm_max, role: Fixed, value: {clip}}}\n- {{name: batch"),
        );
        let mut trials = trials.clone();
        for trial in &mut trials {
            trial.hyperparameters.insert("grad_norm_max".to_owned(), clip.into());
        }
        drawn(&yaml, &trials).into_iter().find(|f| f.code == "GradientOutliers")
    };
    assert_eq!(clipped_at(0.9), None);
    let change = clipped_at(5.0).unwrap().change.unwrap();
    assert_eq!((change.path.as_str(), change.from), ("spec.hyperparameters[3].value", 5.into()));
    let reported = study(|trials| {
        let share = trials.iter().map(|t| t.curves["clipped_fraction"].clone()).collect::<Vec<_>>();
        plant(trials);
        for (trial, share) in trials.iter_mut().zip(share) {
            trial
                .curves
                .insert("clipped_fraction".to_owned(), share.into_iter().map(|(step, _)| (step, 0.15)).collect());
        }
    });
    assert!(!is_raised(&reported, "GradientOutliers"));
}

#[test]
fn clipping_too_hard_is_seen_by_its_metric_or_by_norms() {
    let reported = study(|trials| change_all(trials, "clipped_fraction", |_, v| v + 0.6));
    assert!((raised(&reported, "ClipTooHard").evidence["clipped_fraction"] - 0.7).abs() < 0.02);
    let yaml =
        TWO.replace("- {name: batch_size", "- {name: gradient_clip, role: Fixed, value: 0.5}\n- {name: batch_size");
    let counted = study(|trials| {
        for trial in trials {
            trial.curves.remove("clipped_fraction");
            trial.hyperparameters.insert("gradient_clip".to_owned(), 0.5.into());
        }
    });
    let found = raised_in(&yaml, &counted, "ClipTooHard");
    assert!(found.evidence["clipped_fraction"] > 0.5);
    // Lower rates, not a higher threshold.
    let change = found.change.unwrap();
    assert_eq!((change.path.as_str(), change.from), ("spec.hyperparameters[1].range.max", 10.into()));
    assert!(change.to.as_f64().is_some_and(|to| (0.01..1.0).contains(&to)), "{:?}", change.to);
    assert!(!is_raised(&counted, "ClipTooHard"));
}

#[test]
fn a_long_warmup_asks_for_more_steps() {
    let yaml =
        TWO.replace("evaluation:", "schedule: {family: Cosine, base: learning_rate, warmupFraction: 0.2}\nevaluation:");
    let found = raised_in(&yaml, &study(|_| {}), "LongWarmup");
    let change = found.change.unwrap();
    assert_eq!((change.path.as_str(), &change.to["rounds[0].maxTrainSteps"]), ("spec", &4800.into()));
    assert_eq!(change.to["schedule"], json!({"family": "Cosine", "base": "learning_rate", "warmupSteps": 800}));
    // The playbook's own example: 1,000 steps of warmup before 10,000 others.
    let added =
        yaml.replace("warmupFraction: 0.2", "warmupSteps: 1000").replace("maxTrainSteps: 4000", "maxTrainSteps: 11000");
    assert!(!drawn(&added, &study(|_| {})).iter().any(|f| f.code == "LongWarmup"));
    let short = yaml.replace("0.2}", "0.05}");
    assert!(!drawn(&short, &study(|_| {})).iter().any(|f| f.code == "LongWarmup"));
}

#[test]
fn waiting_for_data_is_seen_on_any_host() {
    let trials = study(|trials| {
        for trial in trials {
            for (_, wait) in trial.hosts.get_mut(&1).unwrap().get_mut("data_wait_fraction").unwrap() {
                *wait += 0.2;
            }
        }
    });
    assert!((raised(&trials, "InputBound").evidence["median_wait"] - 0.25).abs() < 0.02);
}

#[test]
fn slow_hosts_and_slow_trials_are_named() {
    let host = study(|trials| {
        for (_, speed) in trials[2].hosts.get_mut(&1).unwrap().get_mut("examples_per_second").unwrap() {
            *speed *= 0.5;
        }
    });
    let found = raised(&host, "UnevenHosts");
    assert_eq!((found.trials.as_slice(), found.evidence["host"]), (&["s-explore-0002".to_owned()][..], 1.0));
    let trial = study(|trials| change_all(&mut trials[2..3], "examples_per_second", |_, v| 0.4 * v));
    assert_eq!(raised(&trial, "UnevenThroughput").trials, ["s-explore-0002"]);
}

#[test]
fn what_hosts_must_not_do_is_a_problem() {
    let seeds = study(|trials| trials[3].inits[1].init.data_seed = Some(1));
    let found = raised(&seeds, "SeedMismatch");
    assert_eq!((found.severity, found.trials.as_slice()), (Severity::Problem, &["s-explore-0003".to_owned()][..]));
    assert!(found.advice.contains("hosts 0 and 1 shuffle with the same data seed 1"), "{}", found.advice);
    let unverified = TWO.replace("evaluation:", "seeds: {verify: Never}\nevaluation:");
    assert!(!drawn(&unverified, &seeds).iter().any(|f| f.code == "SeedMismatch"));
    let parameters = study(|trials| trials[3].inits[1].init.parameters_sha256 = Some("bb".to_owned()));
    assert!(raised(&parameters, "SeedMismatch").advice.contains("different parameters"));
    let given = study(|trials| trials[3].inits[1].init.init_seed = Some(8));
    assert!(raised(&given, "SeedMismatch").advice.contains("seed 8, not with 7"));
    let failed = study(|trials| trials[0].outcome = Outcome::Failed { reason: "SeedMismatch".into() });
    raised(&failed, "SeedMismatch");

    let overlap = study(|trials| {
        trials[1].hosts.get_mut(&1).unwrap().insert("shard_index".to_owned(), vec![(0, 0.0)]);
    });
    assert!(raised(&overlap, "ShardOverlap").advice.contains("hosts 0 and 1 both read shard 0"));

    let saver = study(|trials| trials[5].checkpoints.push(saved(1, STEPS)));
    assert!(raised(&saver, "CheckpointViolation").advice.contains("host 1 saved checkpoints"));
    let restored = study(|trials| {
        let mut init = trials[5].inits[0].clone();
        init.attempt = 2;
        init.init.restored_step = Some(STEPS / 2);
        init.init.parameters_sha256 = Some("other".to_owned());
        trials[5].inits.push(init);
    });
    assert!(raised(&restored, "CheckpointViolation").advice.contains("other parameters at step 2000"));
}

#[test]
fn regularization_needs_a_training_set_that_is_fitted() {
    let trials = study(|trials| change_all(trials, "train_error", |_, v| v + 0.2));
    let found = raised(&trials, "RegularizationUnlikelyToHelp");
    assert!((found.evidence["least_train_error"] - 0.2).abs() < 1e-9);
    assert!(found.advice.contains("label_smoothing"), "{}", found.advice);
}

/// A second round in which the arms are so good.
fn confirm(trials: &mut Vec<TrialRecord>, better: &str) {
    for arm in ["sgd", "momentum"] {
        for i in 0..5_u32 {
            let objective = 0.05 + 0.001 * f64::from(i) + if arm == better { 0.0 } else { 0.02 };
            trials.push(TrialRecord {
                name: format!("s-confirm-{arm}-{i}"),
                round: "confirm".to_owned(),
                hyperparameters: BTreeMap::from([("optimizer".to_owned(), arm.into())]),
                outcome: Outcome::Succeeded { objective, step: None },
                ..TrialRecord::default()
            });
        }
    }
}

#[test]
fn a_longer_round_can_flip_a_conclusion() {
    let flipped = study(|trials| confirm(trials, "sgd"));
    let found = raised(&flipped, "ConclusionFlipped");
    assert!((found.evidence["chance"] - 1.0 / 252.0).abs() < 1e-9);
    assert!(found.advice.contains("In round explore (4000 steps) optimizer = momentum was best"), "{}", found.advice);
    assert!(!is_raised(&study(|trials| confirm(trials, "momentum")), "ConclusionFlipped"));
}

#[test]
fn steps_added_at_a_tiny_rate_are_named() {
    let rates = |steps: u64, decays_by: f64| -> Vec<(u64, f64)> {
        (1..=40).map(|i| (i * steps / 40, (1.0 - (i * steps / 40) as f64 / decays_by).max(0.01))).collect()
    };
    let stretched = |decays_by: f64| {
        study(|trials| {
            for trial in &mut *trials {
                trial.curves.insert("learning_rate".to_owned(), rates(STEPS, STEPS as f64));
            }
            let mut longer: Vec<_> = trials.iter().filter(|t| t.objective().is_some()).take(3).cloned().collect();
            for trial in &mut longer {
                "confirm".clone_into(&mut trial.round);
                trial.curves.insert("learning_rate".to_owned(), rates(4 * STEPS, decays_by));
            }
            trials.extend(longer);
        })
    };
    let found = raised(&stretched(STEPS as f64), "ExtraStepsAtTinyLr");
    assert!(found.evidence["share"] > 0.9 && found.advice.contains("speculation"), "{}", found.advice);
    assert_eq!(found.confidence, Some(Confidence::OpenQuestion));
    assert!(!is_raised(&stretched(4.0 * STEPS as f64), "ExtraStepsAtTinyLr"));
}

#[test]
fn the_budget_is_judged_by_where_the_best_step_falls() {
    let slow = FAULTLESS[5];
    let found = raised(&slow.study(&mut Luck(8)), "TooFewSteps");
    assert!(found.evidence["late"] >= 8.0 && found.evidence["lower_quartile_best_step"] > 3000.0);
    assert!(power("TooFewSteps", slow, 10, |_, _| {}) >= 0.9);
    let rarely = Training { evaluations: 8, noise: (0.002, 0.002), ..slow };
    assert!(power("TooFewSteps", rarely, 10, |_, _| {}) >= 0.9);
    let early = |trials: &mut Vec<TrialRecord>, _: &mut Luck| change_all(trials, "validation_error", |t, _| t);
    assert!(power("TooManySteps", STEADY, 10, early) >= 0.99);
}

#[test]
fn the_regime_is_told_by_the_end_of_curves() {
    assert!(
        power("StillImproving", Training { evaluations: 200, noise: (0.002, 0.002), ..FAULTLESS[5] }, 10, |_, _| {})
            >= 0.9
    );
    assert!(power("SaturatedEarly", Training { speed: 0.04, ..STEADY }, 10, |_, _| {}) >= 0.8);
}
