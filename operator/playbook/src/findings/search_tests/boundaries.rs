//! What the checks of boundaries say of few trials, ties, constant objectives and hopeless trials.

use std::collections::BTreeMap;

use studious_api::HyperparameterValue;

use super::pick;
use crate::{
    findings::{
        Answer, Checklist, checklist, findings,
        simulated::{Luck, ONE, at, bowl, one, plan, raised, trial},
        text,
    },
    record::{Outcome, TrialRecord},
};

const RATE: &str = "
goal: g
objective: {metric: validation_error, direction: Minimize}
hyperparameters: [{name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}]
rounds: [{name: explore, trials: 40, maxTrainSteps: 4000}]
evaluation: {everySteps: 100}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";

const WIDTHS: &str = "
goal: g
objective: {metric: validation_error, direction: Minimize}
hyperparameters:
- {name: learning_rate, range: {min: 1.0e-5, max: 0.1, scale: Log}}
- {name: width, range: {min: 16, max: 256, integer: true}}
rounds: [{name: explore, trials: 100, maxTrainSteps: 100}]
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";

const ACTIVATIONS: &str = "
goal: g
objective: {metric: validation_error, direction: Minimize}
hyperparameters:
- {name: activation, role: Scientific, values: [relu, tanh, gelu]}
- {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
- {name: momentum, range: {min: 0.5, max: 0.999, scale: ReverseLog}}
rounds: [{name: explore, trials: 36, maxTrainSteps: 4000}]
evaluation: {everySteps: 100}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";

fn answered(yaml: &str, trials: &[TrialRecord]) -> Checklist {
    let plan = plan(yaml);
    checklist(&plan, trials, &findings(&plan, trials))
}

/// So many evenly spread rates: the outcome is a function of the place.
fn rates(n: usize, outcome: impl Fn(f64) -> Option<f64>) -> Vec<TrialRecord> {
    let place = |i: usize| (i as f64 + 0.5) / n as f64;
    (0..n)
        .map(|i| {
            let point = BTreeMap::from([("learning_rate".to_owned(), at(place(i), 1e-3, 10.0, "log"))]);
            trial(i, point, outcome(place(i)))
        })
        .collect()
}

/// Trials of `WIDTHS` at these places of the rate and these widths.
fn widths(points: impl IntoIterator<Item = (f64, i64, f64)>) -> Vec<TrialRecord> {
    let points = points.into_iter().enumerate();
    points
        .map(|(i, (place, width, objective))| {
            let point = BTreeMap::from([
                ("learning_rate".to_owned(), at(place, 1e-5, 0.1, "log")),
                ("width".to_owned(), HyperparameterValue::Integer(width)),
            ]);
            trial(i, point, Some(objective))
        })
        .collect()
}

/// As a table has them, in the order of its rows.
fn unnamed(mut trials: Vec<TrialRecord>) -> Vec<TrialRecord> {
    for trial in &mut trials {
        (trial.name, trial.round) = (String::new(), String::new());
    }
    trials
}

fn is_raised(yaml: &str, trials: &[TrialRecord], code: &str) -> bool {
    findings(&plan(yaml), trials).iter().any(|f| f.code == code)
}

#[test]
fn eight_trials_that_fall_to_the_end_are_enough() {
    for n in 8..=12 {
        for trials in [rates(n, |u| Some(1.0 - u)), unnamed(rates(n, |u| Some(1.0 - u)))] {
            let found = raised(RATE, &trials, "SearchSpaceTooNarrow");
            assert!((found.evidence["side"] - 1.0).abs() < 1e-9, "{n}: {}", found.advice);
        }
        let inside = answered(RATE, &rates(n, |u| Some((u - 0.5).powi(2))));
        assert_ne!(inside.questions[0].answer, Answer::Fail, "{n}: {}", inside.text());
    }
    // Three arms of twelve in two dimensions.
    let mut luck = Luck(2);
    let momenta: Vec<f64> = (0..12).map(|_| luck.uniform()).collect();
    let mut trials = Vec::new();
    for activation in ["relu", "tanh", "gelu"] {
        for (i, momentum) in momenta.iter().enumerate() {
            let u = (i as f64 + 0.5) / 12.0;
            let point = BTreeMap::from([
                ("activation".to_owned(), activation.into()),
                ("learning_rate".to_owned(), at(u, 1e-3, 10.0, "log")),
                ("momentum".to_owned(), at(*momentum, 0.5, 0.999, "reverse")),
            ]);
            trials.push(trial(trials.len(), point, Some(1.0 - u)));
        }
    }
    let found = raised(ACTIVATIONS, &trials, "SearchSpaceTooNarrow");
    assert!((found.evidence["arms"] - 3.0).abs() < 1e-9, "{}", found.advice);
}

#[test]
fn a_constant_objective_has_its_own_words() {
    let mut luck = Luck(3);
    let trials = widths((0..30).map(|_| (luck.uniform(), pick(&[16, 64, 100, 200], &mut Luck(1)), 0.5)));
    for trials in [trials.clone(), unnamed(trials)] {
        let checklist = answered(WIDTHS, &trials);
        assert_eq!(checklist.questions[0].answer, Answer::Unknown, "{}", checklist.text());
        assert_eq!(checklist.questions[0].reason, "Nothing varies: all 30 trials have the objective 0.5.");
        assert_eq!(checklist.arms[0].nuisance_tuned_enough, Answer::Unknown);
    }
}

#[test]
fn ties_at_the_best_are_no_edge_whatever_their_order() {
    // A grid in the order of its loops, whose lower two thirds are without error.
    let rows = (0..10).flat_map(|i| [16_i64, 64, 128, 256].map(|width| (i, width)));
    let grid = widths(rows.map(|(i, width)| {
        let place = f64::from(i) / 9.0;
        (place, width, if place < 0.86 { 0.0 } else { 0.4 })
    }));
    // Twelve ascending rates, all without error.
    let ascending = rates(12, |_| Some(0.0));
    for (yaml, trials) in [(WIDTHS, grid), (RATE, ascending)] {
        for trials in [trials.clone(), unnamed(trials)] {
            let found = findings(&plan(yaml), &trials);
            assert!(!found.iter().any(|f| f.code == "SearchSpaceTooNarrow"), "{}", text(&found));
        }
    }
    // Only the outermost level of the grid is without error, at any width.
    let rows = (0..10).flat_map(|i| [16_i64, 64, 128, 256].map(|width| (i, width)));
    let grid = widths(rows.map(|(i, width)| (0.998 * f64::from(i) / 9.0, width, if i < 9 { 0.4 } else { 0.0 })));
    assert!(is_raised(WIDTHS, &unnamed(grid), "SearchSpaceTooNarrow"));
}

#[test]
fn too_few_trials_leave_the_space_unknown_and_say_how_many_would_tell() {
    let trials = one(9, &mut Luck(50), |u, luck| Some(bowl(u, 0.5, luck)));
    let checklist = answered(ONE, &trials);
    let space = &checklist.questions[0];
    assert_eq!(space.answer, Answer::Unknown, "{}", checklist.text());
    assert!(
        space.reason.starts_with("9 trials are too few to see an optimum a quarter of the range beyond"),
        "{space:?}"
    );
    let words: Vec<&str> = space.reason.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "would").unwrap();
    let needed: usize = words[at - 1].parse().unwrap();
    assert!((10..=25).contains(&needed), "{space:?}");
    let trials = one(30, &mut Luck(50), |u, luck| Some(bowl(u, 0.5, luck)));
    let checklist = answered(ONE, &trials);
    assert_eq!(checklist.questions[0].answer, Answer::Pass, "{}", checklist.text());
    // A study may ask for more.
    let sure = ONE.replace("trial: {", "policy: {thresholds: {boundaryPower: {value: 0.99, reason: r}}}\ntrial: {");
    assert_eq!(answered(&sure, &trials[..15]).questions[0].answer, Answer::Unknown);
}

#[test]
fn what_is_seldom_active_shows_no_boundary() {
    let conditional = ACTIVATIONS
        .replace("activation, role: Scientific", "activation")
        .replace("{name: momentum,", "{name: momentum, when: {activation: [gelu]},");
    let simulate = |gelus: usize| {
        let mut luck = Luck(8);
        let trials = (0..60).map(|i| {
            let mut point = BTreeMap::from([
                ("activation".to_owned(), if i < gelus { "gelu" } else { "relu" }.into()),
                ("learning_rate".to_owned(), at(luck.uniform(), 1e-3, 10.0, "log")),
            ]);
            if i < gelus {
                point.insert("momentum".to_owned(), at((i as f64 + 0.5) / gelus as f64, 0.5, 0.999, "reverse"));
            }
            trial(i, point, Some(luck.normal()))
        });
        answered(&conditional, &trials.collect::<Vec<_>>())
    };
    let seldom = simulate(5);
    assert_eq!(seldom.questions[0].answer, Answer::Unknown, "{}", seldom.text());
    assert!(seldom.questions[0].reason.starts_with("5 trials are too few"), "{}", seldom.text());
    let often = simulate(30);
    assert_eq!(often.questions[0].answer, Answer::Pass, "{}", often.text());
}

#[test]
fn a_waived_hyperparameter_needs_no_trials() {
    let trials = rates(9, |_| Some(0.5));
    let waived = RATE.replace("trial: {", "policy: {waive: [{code: SearchSpaceTooNarrow, reason: r}]}\ntrial: {");
    assert_eq!(answered(RATE, &trials).questions[0].answer, Answer::Unknown);
    assert_ne!(answered(&waived, &trials).questions[0].answer, Answer::Unknown);
}

#[test]
fn one_learning_rate_shows_no_boundary_and_is_not_tuned_enough() {
    let mut luck = Luck(4);
    let mut trials = Vec::new();
    for (activation, tuned) in [("relu", true), ("tanh", true), ("gelu", false)] {
        for i in 0..20 {
            let u = if tuned { (f64::from(i) + 0.5) / 20.0 } else { 0.5 };
            let m = if tuned { (f64::from(7 * i % 20) + 0.5) / 20.0 } else { 0.3 };
            let point = BTreeMap::from([
                ("activation".to_owned(), activation.into()),
                ("learning_rate".to_owned(), at(u, 1e-3, 10.0, "log")),
                ("momentum".to_owned(), at(m, 0.5, 0.999, "reverse")),
            ]);
            let worse = if tuned { 0.0 } else { 0.5 };
            trials.push(trial(trials.len(), point, Some((u - 0.5).powi(2) + worse + 0.05 * luck.normal())));
        }
    }
    let checklist = answered(ACTIVATIONS, &trials);
    assert_eq!(checklist.questions[0].answer, Answer::Unknown, "{}", checklist.text());
    assert!(
        checklist.questions[0].reason.contains("activation = gelu have learning_rate = 0.1"),
        "{}",
        checklist.text()
    );
    assert!(is_raised(ACTIVATIONS, &trials, "BaselineUnderTuned"));
    let gelu = &checklist.arms[2];
    assert_eq!((gelu.nuisance_tuned_enough, &gelu.codes[..]), (Answer::Fail, &["BaselineUnderTuned".to_owned()][..]));
    assert_eq!(checklist.arms[0].nuisance_tuned_enough, Answer::Pass, "{}", checklist.text());
}

#[test]
fn what_is_only_bad_is_no_edge_of_feasibility() {
    // Nothing is learned below a rate, and right above it learning is the best.
    let simulate = |reason: Option<&str>| {
        let mut trials = rates(40, |u| Some(if u < 0.3 { 0.9 } else { 0.1 + 0.5 * (u - 0.3) }));
        for trial in trials.iter_mut().take(12) {
            if let Some(reason) = reason {
                trial.outcome = Outcome::Infeasible { reason: reason.into() };
            }
        }
        trials
    };
    assert!(is_raised(RATE, &simulate(Some("OutOfMemory")), "FeasibilityEdge"));
    for reason in [None, Some("ChanceLevel"), Some("FarWorse")] {
        let trials = simulate(reason);
        assert!(!is_raised(RATE, &trials, "FeasibilityEdge"), "{reason:?}");
        assert!(!is_raised(RATE, &trials, "SearchSpaceTooNarrow"), "{reason:?}: what lies beyond is bad");
    }
}

#[test]
fn infeasible_trials_before_the_boundary_speak_for_the_range() {
    // Too many fail elsewhere for an edge of what can be trained, and the outermost do.
    let simulate = |fails: bool| {
        let is_out = |i: usize| i >= 17 || i.is_multiple_of(3);
        let mut trials = rates(20, |u| Some(1.0 - u));
        for (i, trial) in trials.iter_mut().enumerate().filter(|(i, _)| is_out(*i)) {
            if fails {
                trial.outcome = Outcome::Infeasible { reason: "OutOfMemory".into() };
            } else {
                trial.outcome = Outcome::Pending;
            }
            trial.name = format!("s-explore-{i:04}");
        }
        trials
    };
    assert!(is_raised(RATE, &simulate(false), "SearchSpaceTooNarrow"));
    assert!(!is_raised(RATE, &simulate(true), "SearchSpaceTooNarrow"));
}

#[test]
fn a_boundary_where_nobody_looked_is_unknown_whatever_the_others() {
    // Of three axes one was drawn from its lower half.
    let trials = |half: f64| {
        let mut trials = one(60, &mut Luck(9), |u, luck| Some(bowl(u, 0.5, luck)));
        for trial in &mut trials {
            let dropout = trial.hyperparameters.get_mut("dropout").unwrap();
            *dropout = (half * dropout.as_f64().unwrap()).into();
        }
        trials
    };
    assert_eq!(answered(ONE, &trials(1.0)).questions[0].answer, Answer::Pass);
    let checklist = answered(ONE, &trials(0.5));
    assert_eq!(checklist.questions[0].answer, Answer::Unknown, "{}", checklist.text());
    assert!(checklist.questions[0].reason.contains("lie too unevenly along dropout"), "{}", checklist.text());
}

#[test]
fn an_edge_of_few_whole_numbers_is_found() {
    let few = RATE
        .replace("hyperparameters: [", "hyperparameters: [{name: layers, range: {min: 1, max: 3, integer: true}}, ");
    let mut luck = Luck(6);
    let trials: Vec<_> = (0..30)
        .map(|i| {
            let layers = pick(&[1_i64, 2, 3], &mut luck);
            let point = BTreeMap::from([
                ("layers".to_owned(), HyperparameterValue::Integer(layers)),
                ("learning_rate".to_owned(), at(luck.uniform(), 1e-3, 10.0, "log")),
            ]);
            trial(i, point, Some(1.0 - layers as f64 / 3.0 + 0.05 * luck.normal()))
        })
        .collect();
    assert_eq!(raised(&few, &trials, "SearchSpaceTooNarrow").hyperparameter.as_deref(), Some("layers"));
}

/// A constraint that was declared ends the range: nothing can be tried beyond, and the range is not too narrow.
#[test]
fn a_boundary_beyond_which_nothing_is_allowed_is_not_too_narrow() {
    let said = |constraints: &str| {
        let plan = plan(&format!(
            "
goal: g
objective: {{metric: validation_error, direction: Minimize}}
hyperparameters:
- {{name: heads, role: Fixed, value: 4}}
- {{name: width, range: {{min: 16, max: 256, scale: Log, integer: true}}}}
- {{name: learning_rate, range: {{min: 1.0e-3, max: 10, scale: Log}}}}
- {{name: size, role: Derived, expression: width * heads}}
hyperparameterConstraints: [{constraints}]
rounds: [{{name: explore, trials: 40, maxTrainSteps: 4000}}]
evaluation: {{everySteps: 100}}
trial: {{template: {{spec: {{containers: [{{name: t, image: i}}]}}}}}}
"
        ));
        let points = crate::rounds::points(&plan, "explore", &[]).unwrap();
        let error = |p: &BTreeMap<String, HyperparameterValue>| 1.0 / p["width"].as_f64().unwrap();
        let trials: Vec<TrialRecord> = points
            .into_iter()
            .enumerate()
            .map(|(i, p)| trial(i, p.hyperparameters.clone(), Some(error(&p.hyperparameters))))
            .collect();
        findings(&plan, &trials)
            .into_iter()
            .filter(|f| f.code == "SearchSpaceTooNarrow")
            .map(|f| f.advice)
            .collect::<Vec<_>>()
    };
    for closed in ["width * heads <= 1024", "size <= 1024", "width <= 256", "width / heads <= 64, size > 10"] {
        assert_eq!(said(closed), Vec::<String>::new(), "{closed}");
    }
    for open in ["", "size <= 4096", "width * learning_rate <= 2560"] {
        assert_eq!(said(open).len(), 1, "{open}: {:?}", said(open));
    }
}
