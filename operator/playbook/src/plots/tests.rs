use std::collections::BTreeMap;

use serde_json::Value;
use studious_api::HyperparameterValue;

use super::plots;
use crate::{
    findings::simulated::{ARMS, plan},
    record::{Outcome, TrialRecord},
};

/// Two arms, one infeasible trial, curves.
fn trials() -> Vec<TrialRecord> {
    let trial = |index: u32, optimizer: &str, rate: f64, objective: Option<f64>| {
        let mut point = BTreeMap::from([
            ("optimizer".to_owned(), optimizer.into()),
            ("learning_rate".to_owned(), rate.into()),
            ("width".to_owned(), HyperparameterValue::Integer(64)),
            ("batch_size".to_owned(), HyperparameterValue::Integer(128)),
        ]);
        if optimizer != "sgd" {
            point.insert("c".to_owned(), 0.1.into());
        }
        let last = objective.unwrap_or(0.9);
        TrialRecord {
            name: format!("s-explore-{index:04}"),
            round: "explore".to_owned(),
            hyperparameters: point,
            outcome: match objective {
                Some(objective) => Outcome::Succeeded { objective, step: Some(100) },
                None => Outcome::Infeasible { reason: "Diverged".into() },
            },
            curves: BTreeMap::from([
                ("validation_error".to_owned(), vec![(50, 0.8), (100, last)]),
                ("train_loss".to_owned(), vec![(50, 2.0), (100, last / 100.0)]),
                ("gradient_norm".to_owned(), vec![(50, 1.5), (100, 0.5)]),
            ]),
            ..TrialRecord::default()
        }
    };
    vec![
        trial(0, "sgd", 0.5, Some(0.2)),
        trial(1, "sgd", 0.01, Some(0.6)),
        trial(2, "momentum", 0.05, Some(0.1)),
        trial(3, "momentum", 5.0, None),
    ]
}

#[test]
fn every_study_gets_its_pictures() {
    let plots = plots(&plan(ARMS), &trials());
    let ids: Vec<_> = plots.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "isolation-explore",
            "axis-learning_rate",
            "axis-c",
            "axis-width",
            "parallel-coordinates",
            "best-of-k",
            "curves-explore-train-and-validation",
            "curves-explore-validation_error",
            "curves-explore-train_loss",
            "curves-explore-gradient_norm",
        ]
    );
    for plot in &plots {
        assert_eq!(plot.specification["$schema"], "https://vega.github.io/schema/vega-lite/v6.json");
        assert!(plot.subtitle.contains("n = "), "{}: {}", plot.id, plot.subtitle);
    }
}

#[test]
fn specifications_are_as_looked_at() {
    for plot in plots(&plan(ARMS), &trials()) {
        insta::assert_json_snapshot!(format!("plot-{}", plot.id), plot.specification);
    }
}

#[test]
fn the_order_of_trials_changes_no_picture() {
    let plan = plan(ARMS);
    let mut trials = trials();
    let expected = plots(&plan, &trials);
    trials.reverse();
    assert_eq!(plots(&plan, &trials), expected);
}

#[test]
fn a_condition_shows_only_its_own_trials() {
    let plots = plots(&plan(ARMS), &trials());
    let plot = plots.iter().find(|p| p.id == "axis-c").unwrap();
    let points: Vec<&Value> = plot.specification["layer"][0]["data"]["values"].as_array().unwrap().iter().collect();
    assert_eq!(points.len(), 1);
    assert_eq!(points[0]["arm"], "momentum");
    assert!(plot.title.contains("with optimizer momentum or nesterov"), "{}", plot.title);
}

#[test]
fn infeasible_trials_stand_on_a_rail() {
    let plots = plots(&plan(ARMS), &trials());
    let text = plots.iter().find(|p| p.id == "axis-learning_rate").unwrap().specification.to_string();
    assert!(text.contains("\"reason\":\"Diverged\"") && text.contains(super::style::VERMILLION));
}

#[test]
fn large_studies_stay_small() {
    let mut many = Vec::new();
    for i in 0..2000_u64 {
        let mut trial = trials()[(i % 3) as usize].clone();
        trial.name = format!("s-explore-{i:04}");
        let curve: Vec<_> = (1..=2000).map(|step| (step, 1.0 / (step + i) as f64)).collect();
        trial.curves.insert("validation_error".to_owned(), curve);
        many.push(trial);
    }
    let plots = plots(&plan(ARMS), &many);
    let plot = plots.iter().find(|p| p.id == "curves-explore-validation_error").unwrap();
    assert!(plot.subtitle.contains("150 of 1995 others drawn"), "{}", plot.subtitle);
    assert!(plot.specification.to_string().len() < 2_000_000);
}

#[test]
fn nothing_is_drawn_of_nothing() {
    assert!(plots(&plan(ARMS), &[]).is_empty());
}

/// A study with all that trials can report: a scientific range, failures at high rates, hosts, attempts, gradient norms.
#[test]
fn what_trials_report_has_its_picture() {
    let plan = crate::studies::plan(
        "
hyperparameters:
- {name: weight_decay, role: Scientific, range: {min: 1.0e-5, max: 0.1, scale: Log}}
- {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
search: {scientific: Sampled}
rounds: [{name: explore, trials: 40, maxTrainSteps: 400}]
",
    );
    let points = crate::rounds::points(&plan, "explore", &[]).unwrap();
    let trials: Vec<TrialRecord> = points
        .into_iter()
        .enumerate()
        .map(|(i, point)| {
            let rate = point.hyperparameters["learning_rate"].as_f64().unwrap();
            let error = 0.1 + 0.05 * (libm::log10(rate) + 1.0).powi(2);
            let curve = |scale: f64| (1..=40).map(|s| (10 * s, scale * (1.0 + 1.0 / s as f64))).collect::<Vec<_>>();
            let speed = |host: f64| BTreeMap::from([("examples_per_second".to_owned(), curve(1000.0 + 100.0 * host))]);
            let begun = 1_000 * i as u64;
            let outcome = if rate > 1.0 {
                Outcome::Infeasible { reason: "Diverged".into() }
            } else {
                Outcome::Succeeded { objective: error, step: Some(10 * (i as u64 % 40 + 1)) }
            };
            let mut curves = speed(0.0);
            curves.insert("gradient_norm".to_owned(), curve(rate));
            curves.insert("learning_rate".to_owned(), curve(rate));
            curves.insert("validation_error".to_owned(), curve(error));
            let attempts = serde_json::json!([
                { "number": 1, "queued": begun, "started": begun + 200, "ended": begun + 900, "outcome": "Disrupted" },
                { "number": 2, "queued": begun + 900, "started": begun + 1_100, "ended": begun + 4_000, "outcome": "Finished" },
            ]);
            TrialRecord {
                name: plan.trial_name(&point.key),
                round: "explore".to_owned(),
                hyperparameters: point.hyperparameters,
                outcome,
                curves,
                hosts: BTreeMap::from([(1, speed(1.0))]),
                attempts: serde_json::from_value(attempts).unwrap(),
                ..TrialRecord::default()
            }
        })
        .collect();
    let drawn = plots(&plan, &trials);
    let said: Vec<_> = drawn.iter().map(|p| format!("{}: {}. {}", p.id, p.title, p.subtitle)).collect();
    insta::assert_snapshot!(said.join("\n"));
    let buckets = |n: usize| {
        let plots = super::isolation_in_buckets(&plan, &trials, n);
        plots[0].specification["layer"][1]["data"]["values"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((buckets(3), buckets(5)), (3, 5));
}

/// Trials that were trained again say how large luck is: what is as good as the best is shaded, arm by arm.
#[test]
fn the_good_region_is_shaded_and_counted() {
    let plan = plan(ARMS);
    let mut trials = trials();
    let best = trials[2].clone();
    for (i, objective) in [0.1, 0.12, 0.14].into_iter().enumerate() {
        trials.push(TrialRecord {
            name: format!("s-retrain-{i:04}"),
            round: "retrain".to_owned(),
            outcome: Outcome::Succeeded { objective, step: Some(100) },
            ..best.clone()
        });
    }
    let axis = |trials: &[TrialRecord], id: &str| plots(&plan, trials).into_iter().find(|p| p.id == id).unwrap();
    let rate = axis(&trials, "axis-learning_rate");
    assert!(
        rate.subtitle.ends_with(
            "Shaded: within 0.04 of the best (2 × the seed standard deviation), 1 with sgd and 1 with momentum."
        ),
        "{}",
        rate.subtitle
    );
    let band = |plot: &super::Plot, layer: usize| plot.specification["layer"][layer]["data"]["values"][0].clone();
    assert_eq!(band(&rate, 0), serde_json::json!({ "best": 0.2, "limit": 0.2 + 0.04 }));
    assert_eq!(band(&rate, 1)["best"], 0.1);
    // Where an arm has no trials it has no band either.
    assert!(axis(&trials, "axis-c").subtitle.contains("seed standard deviation), 1 with momentum."));
    // Nobody knows how large luck is without retrainings.
    assert!(!axis(&trials[..4], "axis-learning_rate").subtitle.contains("Shaded"));
}

#[test]
fn isolation_plots_optimise_over_what_is_chosen() {
    let plan = crate::studies::plan(
        "
hyperparameters:
- {name: optimizer, role: Scientific, values: [sgd, adam]}
- {name: learning_rate, range: {min: 1.0e-3, max: 1, scale: Log}}
- {name: activation, values: [relu, tanh]}
- {name: dropout, range: {min: 0, max: 0.6}}
rounds: [{name: explore, trials: 8, maxTrainSteps: 400}]
",
    );
    let trial = |i: usize, optimizer: &str, rate: f64, activation: &str, objective: f64| TrialRecord {
        name: format!("s-explore-{i:04}"),
        round: "explore".to_owned(),
        hyperparameters: BTreeMap::from([
            ("optimizer".to_owned(), optimizer.into()),
            ("learning_rate".to_owned(), rate.into()),
            ("activation".to_owned(), activation.into()),
            ("dropout".to_owned(), 0.3.into()),
        ]),
        outcome: Outcome::Succeeded { objective, step: Some(100) },
        ..TrialRecord::default()
    };
    let trials = [
        trial(0, "sgd", 0.5, "relu", 0.2),
        trial(1, "sgd", 0.02, "relu", 0.3),
        trial(2, "sgd", 0.02, "tanh", 0.4),
        trial(3, "adam", 0.02, "tanh", 0.1),
    ];
    let over = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
        super::isolation_over(&plan, &trials, &names, None)
    };
    let best = |names: &[&str]| -> Vec<(String, f64)> {
        let plots = over(names).unwrap();
        let bars = plots[0].specification["layer"][0]["data"]["values"].as_array().unwrap().clone();
        bars.iter().map(|b| (b["arm"].as_str().unwrap().to_owned(), b["objective"].as_f64().unwrap())).collect()
    };
    let series = |name: &str, value: f64| (name.to_owned(), value);
    assert_eq!(best(&["learning_rate", "activation", "dropout"]), [series("", 0.2), series("", 0.1)]);
    assert_eq!(
        best(&["learning_rate", "dropout"]),
        [series("activation relu", 0.2), series("activation tanh", 0.4), series("activation tanh", 0.1)]
    );
    // A range is held in thirds.
    assert_eq!(
        best(&["activation", "dropout"]),
        [
            series("learning_rate 0.01 to 0.1", 0.3),
            series("learning_rate 0.1 to 1", 0.2),
            series("learning_rate 0.01 to 0.1", 0.1)
        ]
    );
    assert_eq!(
        over(&["momentum"]).unwrap_err().to_string(),
        "momentum is not a nuisance hyperparameter that varies; those of this study are learning_rate, activation and dropout"
    );
    let too_many = over(&["activation"]).unwrap_err().to_string();
    assert!(too_many.starts_with("learning_rate and dropout would be held, which makes 9 series"), "{too_many}");
    let all = ["learning_rate", "activation", "dropout"].map(ToOwned::to_owned);
    let nothing = super::isolation_over(&plan, &[], &all, None).unwrap_err();
    assert!(nothing.to_string().contains("has none yet"), "{nothing}");
}

#[test]
fn trials_beside_each_other_are_named_by_what_sets_them_apart() {
    let plan = plan(ARMS);
    let beside = |names: &[&str], metric: &str| {
        let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
        super::beside(&plan, &trials(), &names, metric, super::StepAxis::Linear)
    };
    let plot = beside(&["s-explore-0002", "s-explore-0003"], "train_loss").unwrap();
    assert_eq!(plot.id, "beside-train_loss");
    assert_eq!(plot.title, "train_loss by learning_rate");
    assert!(
        plot.subtitle.starts_with("optimizer = momentum, c = 0.1 and width = 64 in all. Up to 2"),
        "{}",
        plot.subtitle
    );
    let text = plot.specification.to_string();
    assert!(text.contains("\"run\":\"learning_rate = 0.05\""), "{text}");
    assert!(text.contains("\"run\":\"learning_rate = 5 (infeasible: Diverged)\""));
    let said = |names: &[&str], metric: &str| beside(names, metric).unwrap_err().to_string();
    assert_eq!(said(&["s-explore-0009"], "train_loss"), "no trial is called s-explore-0009");
    assert_eq!(said(&[], "train_loss"), "0 trials were named: give 1 to 5");
    assert!(said(&["s-explore-0001"], "bleu").ends_with("they have gradient_norm, train_loss and validation_error"));
}
