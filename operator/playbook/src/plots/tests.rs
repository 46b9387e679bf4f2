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
                None => Outcome::Infeasible { reason: "Diverged".to_owned() },
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
                Outcome::Infeasible { reason: "Diverged".to_owned() }
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
