//! Simulated studies: with a planted signal each finding must be raised, without one it must not.
//!
//! The generator is fixed, so these rates are the same everywhere.

use std::collections::BTreeMap;

use studious_api::{HyperparameterValue, StudySpec, validate};

use super::{Finding, checklist, contradictions, findings, text};
use crate::{
    Plan,
    record::{Outcome, TrialRecord},
};

pub(super) const STUDIES: u64 = 1000;

/// The generator `SplitMix64`.
pub(crate) struct Luck(pub(crate) u64);

impl Luck {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal: the sum of twelve.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Three axes, of which `c` exists under a condition, and three arms.
pub(crate) const ARMS: &str = "
goal: g
objective: {metric: validation_error, direction: Minimize}
hyperparameters:
- {name: optimizer, role: Scientific, values: [sgd, momentum, nesterov]}
- {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
- {name: c, when: {optimizer: [momentum, nesterov]}, range: {min: 0.005, max: 0.5, scale: Log}}
- {name: width, range: {min: 16, max: 256, scale: Log, integer: true}}
- {name: batch_size, role: Fixed, value: 128}
rounds: [{name: explore, trials: 30, maxTrainSteps: 100}]
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";

/// Three axes, one arm.
pub(crate) const ONE: &str = "
goal: g
objective: {metric: validation_error, direction: Minimize}
hyperparameters:
- {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
- {name: momentum, range: {min: 0.5, max: 0.999, scale: ReverseLog}}
- {name: dropout, range: {min: 0, max: 0.5}}
rounds: [{name: explore, trials: 30, maxTrainSteps: 100}]
retrain: {best: 1, times: 4}
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";

pub(crate) fn plan(yaml: &str) -> Plan {
    let spec: StudySpec = serde_yaml::from_str(yaml).unwrap();
    Plan::new("s", &spec).unwrap()
}

/// The value at a share of a range.
pub(super) fn at(share: f64, min: f64, max: f64, scale: &str) -> HyperparameterValue {
    match scale {
        "log" => (min.ln() + share * (max.ln() - min.ln())).exp().into(),
        "integer" => HyperparameterValue::Integer((min.ln() + share * (max.ln() - min.ln())).exp().round() as i64),
        "reverse" => {
            let (from, to) = ((1.0 - min).ln(), (1.0 - max).ln());
            (1.0 - (from + share * (to - from)).exp()).into()
        }
        _ => (min + share * (max - min)).into(),
    }
}

/// Trials of `ONE`: the outcome is a function of the three shares and noise.
pub(in crate::findings) fn one(
    n: usize,
    luck: &mut Luck,
    outcome: impl Fn([f64; 3], &mut Luck) -> Option<f64>,
) -> Vec<TrialRecord> {
    (0..n)
        .map(|i| {
            let u = [luck.uniform(), luck.uniform(), luck.uniform()];
            let point = BTreeMap::from([
                ("learning_rate".to_owned(), at(u[0], 1e-3, 10.0, "log")),
                ("momentum".to_owned(), at(u[1], 0.5, 0.999, "reverse")),
                ("dropout".to_owned(), at(u[2], 0.0, 0.5, "linear")),
            ]);
            trial(i, point, outcome(u, luck))
        })
        .collect()
}

/// Trials of `ARMS`: every arm has the same points.
pub(in crate::findings) fn arms(
    each: usize,
    luck: &mut Luck,
    outcome: impl Fn(&str, [f64; 3], &mut Luck) -> Option<f64>,
) -> Vec<TrialRecord> {
    let points: Vec<_> = (0..each).map(|_| [luck.uniform(), luck.uniform(), luck.uniform()]).collect();
    let mut trials = Vec::new();
    for optimizer in ["sgd", "momentum", "nesterov"] {
        for u in &points {
            let mut point = BTreeMap::from([
                ("optimizer".to_owned(), optimizer.into()),
                ("learning_rate".to_owned(), at(u[0], 1e-3, 10.0, "log")),
                ("width".to_owned(), at(u[1], 16.0, 256.0, "integer")),
                ("batch_size".to_owned(), HyperparameterValue::Integer(128)),
            ]);
            if optimizer != "sgd" {
                point.insert("c".to_owned(), at(u[2], 0.005, 0.5, "log"));
            }
            trials.push(trial(trials.len(), point, outcome(optimizer, *u, luck)));
        }
    }
    trials
}

pub(in crate::findings) fn trial(
    index: usize,
    point: BTreeMap<String, HyperparameterValue>,
    objective: Option<f64>,
) -> TrialRecord {
    TrialRecord {
        name: format!("s-explore-{index:04}"),
        round: "explore".to_owned(),
        hyperparameters: point,
        outcome: match objective {
            Some(objective) => Outcome::Succeeded { objective, step: Some(100) },
            None => Outcome::Infeasible { reason: "Diverged".into() },
        },
        ..TrialRecord::default()
    }
}

pub(in crate::findings) fn bowl(u: [f64; 3], center: f64, luck: &mut Luck) -> f64 {
    (u[0] - center).powi(2) + 0.5 * (u[1] - 0.5).powi(2) + 0.5 * (u[2] - 0.5).powi(2) + 0.05 * luck.normal()
}

/// The share of simulated studies that raise a finding of this code.
pub(super) fn rate(yaml: &str, codes: &[&str], studies: u64, simulate: impl Fn(&mut Luck) -> Vec<TrialRecord>) -> f64 {
    let plan = plan(yaml);
    let raised = (0..studies).filter(|seed| {
        let trials = simulate(&mut Luck(seed * 7919));
        let found = findings(&plan, &trials);
        contradictions::none_in(&found, None);
        found.iter().any(|f| codes.contains(&f.code.as_str()))
    });
    raised.count() as f64 / studies as f64
}

/// Curves of 20 evaluations for every trial.
fn with_curves(
    mut trials: Vec<TrialRecord>,
    luck: &mut Luck,
    shape: impl Fn(f64, &mut Luck) -> f64,
) -> Vec<TrialRecord> {
    for trial in &mut trials {
        let curve: Vec<_> = (1..=20_u64).map(|i| (i * 5, shape(i as f64 / 20.0, luck))).collect();
        let best = curve.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        trial.outcome = Outcome::Succeeded { objective: best.1, step: Some(best.0) };
        trial.curves.insert("validation_error".to_owned(), curve);
    }
    trials
}

const STEPS: [&str; 2] = ["TooManySteps", "TooFewSteps"];

#[test]
fn the_best_step_judges_the_budget() {
    let simulate = |n: usize, luck: &mut Luck, shape: fn(f64, &mut Luck) -> f64| {
        let trials = one(n, luck, |_, luck| Some(luck.normal()));
        with_curves(trials, luck, shape)
    };
    for n in [5, 10, 30] {
        let null = rate(ONE, &STEPS, STUDIES, |luck| simulate(n, luck, |_, luck| luck.normal()));
        assert!(null <= 0.05, "{n} trials: {null}");
        println!("best step, {n} trials: {null}");
    }
    // With less noise the best are still improving, which is said instead.
    let falling = simulate(6, &mut Luck(9), |t, luck| 1.0 - t + 0.08 * luck.normal());
    assert!((raised(ONE, &falling, "TooFewSteps").evidence["late"] - 5.0).abs() < 1e-9);
    let rising = simulate(6, &mut Luck(10), |t, luck| t + 0.001 * luck.normal());
    assert!(raised(ONE, &rising, "TooManySteps").evidence["largest_best_step"] <= 10.0);
}

#[test]
fn curves_show_whether_more_steps_would_help() {
    let simulate = |luck: &mut Luck, shape: fn(f64, &mut Luck) -> f64| {
        let trials = one(10, luck, |_, luck| Some(luck.normal()));
        with_curves(trials, luck, shape)
    };
    let null = rate(ONE, &["StillImproving"], STUDIES, |luck| simulate(luck, |_, luck| luck.normal()));
    assert!(null <= 0.05, "{null}");
    let improving = simulate(&mut Luck(11), |t, luck| 1.0 - t + 0.001 * luck.normal());
    assert!(raised(ONE, &improving, "StillImproving").evidence["chance"] < 0.01);
    assert!(!findings(&plan(ONE), &improving).iter().any(|f| f.code == "SaturatedEarly"));
    let mut saturated = simulate(&mut Luck(12), |t, luck| (0.3 - t).max(0.0) + 0.01 * luck.normal());
    // Some are better than others, by more than the noise.
    for (i, trial) in saturated.iter_mut().enumerate() {
        let by = 0.02 * i as f64;
        trial.curves.get_mut("validation_error").unwrap().iter_mut().for_each(|(_, value)| *value += by);
        let Outcome::Succeeded { objective, .. } = &mut trial.outcome else { continue };
        *objective += by;
    }
    assert!(raised(ONE, &saturated, "SaturatedEarly").evidence["latest_step"] <= 50.0);
    let late = rate(ONE, &["SaturatedEarly"], STUDIES, |luck| simulate(luck, |t, luck| 1.0 - t + 0.05 * luck.normal()));
    assert!(late <= 0.05, "{late}");
    println!("still improving {null}, saturated early {late}");
}

#[test]
fn what_was_fixed_and_what_was_best_is_said() {
    let trials = arms(10, &mut Luck(13), |optimizer, u, luck| {
        (u[0] < 0.9).then(|| f64::from(u8::from(optimizer == "sgd")) + 0.1 * luck.uniform())
    });
    let caveat = raised(ARMS, &trials, "FixedCaveat");
    assert!(caveat.advice.starts_with("batch_size was held at 128."), "{}", caveat.advice);
    let best = raised(ARMS, &trials, "BestTrial");
    assert_eq!(best.trials.len(), 1);
    let compared = raised(ARMS, &trials, "BestPerArm");
    assert!(compared.evidence["best[optimizer = sgd]"] >= 1.0);
    assert!(compared.advice.contains("is unknown until the best are trained again"), "{}", compared.advice);
}

#[test]
fn the_order_of_trials_changes_nothing() {
    let mut luck = Luck(14);
    let mut trials =
        arms(15, &mut luck, |_, u, luck| (u[0] < 0.8).then(|| (10.0 * (1.0 - u[0])).round() + luck.uniform().round()));
    let plan = plan(ARMS);
    let expected = findings(&plan, &trials);
    assert!(!expected.is_empty());
    for _ in 0..20 {
        for i in (1..trials.len()).rev() {
            trials.swap(i, (luck.uniform() * (i + 1) as f64) as usize);
        }
        assert_eq!(findings(&plan, &trials), expected);
    }
}

#[test]
fn nothing_is_said_of_nothing() {
    assert!(findings(&plan(ONE), &[]).is_empty());
    let pending = TrialRecord { round: "explore".to_owned(), ..TrialRecord::default() };
    assert!(findings(&plan(ONE), &[pending]).is_empty());
}

/// No finding contradicts another, or an answer. Every suggested change makes a valid study, alone and with the others; made once, it isn't suggested again, and no other
/// finding of the same trials asks to search what it cuts.
#[track_caller]
pub(crate) fn changes_settle(plan: &Plan, trials: &[TrialRecord]) {
    let found = findings(plan, trials);
    contradictions::none_in(&found, Some(&checklist(plan, trials, &found)));
    let mut all = plan.spec().clone();
    for finding in &found {
        let Some(change) = &finding.change else { continue };
        let named = format!("{}: {change}", finding.code);
        let once = change.edit.applied(plan.spec());
        assert_ne!(once, *plan.spec(), "{named} changes nothing");
        assert_eq!(change.edit.applied(&once), once, "{named} is not the same when made twice");
        assert_eq!(validate::refusals(plan.name(), &once), [], "{named} is refused");
        let edited = Plan::new(plan.name(), &once).unwrap();
        for again in findings(&edited, trials).iter().filter(|f| f.code == finding.code) {
            let next =
                again.change.as_ref().filter(|c| again.hyperparameter == finding.hyperparameter && c.overlaps(change));
            assert!(next.is_none(), "{named}, and then {}", next.unwrap());
        }
        all = change.edit.applied(&all);
    }
    assert_eq!(validate::refusals(plan.name(), &all), [], "all changes together");
}

pub(in crate::findings) fn raised(yaml: &str, trials: &[TrialRecord], code: &str) -> Finding {
    let plan = plan(yaml);
    let found = findings(&plan, trials);
    changes_settle(&plan, trials);
    found.iter().find(|f| f.code == code).unwrap_or_else(|| panic!("no {code} in\n{}", text(&found))).clone()
}
