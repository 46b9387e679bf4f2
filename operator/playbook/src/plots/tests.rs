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
