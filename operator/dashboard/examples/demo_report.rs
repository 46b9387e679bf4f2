//! Writes a report of a simulated study to standard output, to look at the page without training anything:
//! `cargo run -p studious-dashboard --example demo_report > report.html`.

// Simulated widths and steps are small.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use std::{collections::BTreeMap, error::Error};

use studious_api::{HyperparameterValue, Hyperparameters, StudySpec};
use studious_dashboard::{ReportInput, report};
use studious_playbook::{
    Plan,
    findings::findings,
    record::{Curve, Outcome, TrialRecord},
};

const STUDY: &str = "
goal: Is Nesterov momentum worth having for this network once the learning rate is tuned? (simulated)
objective: {metric: validation_error, direction: Minimize}
hyperparameters:
- {name: optimizer, role: Scientific, values: [sgd, momentum, nesterov]}
- {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
- {name: one_minus_momentum, when: {optimizer: [momentum, nesterov]}, range: {min: 0.005, max: 0.5, scale: Log}}
- {name: width, range: {min: 16, max: 256, scale: Log, integer: true}}
- {name: activation, values: [relu, gelu]}
- {name: batch_size, role: Fixed, value: 128, fixedBecause: the largest that fits}
search: {seed: 1}
schedule: {family: Cosine, base: learning_rate, warmupFraction: 0.05}
rounds:
- {name: explore, trials: 45, maxTrainSteps: 500}
- {name: confirm, trials: 9, maxTrainSteps: 3000, from: {round: explore, best: 3, per: Scientific}}
retrain: {best: 1, times: 5}
evaluation: {everySteps: 25}
trial: {template: {spec: {containers: [{name: trainer, image: trainer}]}}}
";

/// The generator `SplitMix64`.
struct Luck(u64);

impl Luck {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let spec: StudySpec = serde_yaml::from_str(STUDY)?;
    let plan = Plan::new("digits-momentum", &spec).map_err(|violations| format!("{violations:?}"))?;
    let mut luck = Luck(3);
    let mut trials = Vec::new();
    for optimizer in ["sgd", "momentum", "nesterov"] {
        for _ in 0..15 {
            let point = point(optimizer, &mut luck);
            trials.push(train("explore", trials.len(), &point, 500, &mut luck));
        }
    }
    let mut confirmed = Vec::new();
    for optimizer in ["sgd", "momentum", "nesterov"] {
        let mut arm: Vec<_> = trials
            .iter()
            .filter(|t| t.hyperparameters["optimizer"] == optimizer.into() && t.objective().is_some())
            .collect();
        arm.sort_by(|a, b| a.objective().unwrap_or(1.0).total_cmp(&b.objective().unwrap_or(1.0)));
        confirmed.extend(arm.into_iter().take(3).map(|t| t.hyperparameters.clone()));
    }
    let start = trials.len();
    for (i, point) in confirmed.iter().enumerate() {
        trials.push(train("confirm", i, point, 3000, &mut luck));
    }
    let best = trials[start..].iter().filter(|t| t.objective().is_some());
    let best = best.min_by(|a, b| a.objective().unwrap_or(1.0).total_cmp(&b.objective().unwrap_or(1.0)));
    if let Some(point) = best.map(|t| t.hyperparameters.clone()) {
        for i in 0..5 {
            trials.push(train("retrain", i, &point, 3000, &mut luck));
        }
    }
    let findings = findings(&plan, &trials);
    let html = report(&ReportInput {
        plan: &plan,
        trials: &trials,
        expected: &trials,
        findings: &findings,
        status: "Completed: every trial of every round has ended (simulated)",
        generated_at: "2026-01-01 12:00 UTC",
    })?;
    println!("{html}");
    Ok(())
}

fn point(optimizer: &str, luck: &mut Luck) -> Hyperparameters {
    let mut log = |min: f64, max: f64| (min.ln() + luck.uniform() * (max / min).ln()).exp();
    let mut point: Hyperparameters = BTreeMap::from([
        ("optimizer".to_owned(), optimizer.into()),
        ("learning_rate".to_owned(), log(1e-3, 10.0).into()),
        ("width".to_owned(), HyperparameterValue::Integer(log(16.0, 256.0).round() as i64)),
        ("batch_size".to_owned(), HyperparameterValue::Integer(128)),
    ]);
    if optimizer != "sgd" {
        point.insert("one_minus_momentum".to_owned(), log(0.005, 0.5).into());
    }
    point.insert("activation".to_owned(), if luck.uniform() < 0.5 { "relu" } else { "gelu" }.into());
    point
}

fn train(round: &str, index: usize, point: &Hyperparameters, steps: u64, luck: &mut Luck) -> TrialRecord {
    let number = |name: &str| point.get(name).and_then(HyperparameterValue::as_f64).unwrap_or(1.0);
    // What counts is the rate that the momentum makes of it.
    let effective = (number("learning_rate") / number("one_minus_momentum")).log10();
    let diverges = effective > 0.9 + 0.3 * luck.normal();
    let reach = 0.02 + 0.02 * (effective + 0.2).powi(2) + 0.3 / number("width") + 0.002 * luck.normal().abs();
    let last = if diverges { (25.0 + 150.0 * luck.uniform()) as u64 } else { steps };
    let (mut error, mut loss, mut norm) = (Curve::new(), Curve::new(), Curve::new());
    for step in (5..=last).step_by(5) {
        let t = step as f64 * 10_f64.powf(effective.min(0.5)) / 150.0;
        let blow = if diverges { (step as f64 / last as f64).powi(6) * 1e3 } else { 0.0 };
        loss.push((step, 2.3 * (-t).exp() + reach * 2.0 / (1.0 + t) + 0.02 * luck.uniform() + blow));
        norm.push((step, 3.0 / (1.0 + t) * (1.0 + 0.3 * luck.uniform()) + blow));
        if step % 25 == 0 {
            let noise = 0.003 * luck.normal() / (1.0 + t);
            error.push((step, (0.9 * (-t).exp() + reach + 0.1 / (1.0 + t) + noise + blow / 1e3).clamp(0.004, 0.95)));
        }
    }
    let best = error.iter().copied().reduce(|a, b| if b.1 < a.1 { b } else { a });
    let outcome = match best {
        Some((step, objective)) if !diverges => Outcome::Succeeded { objective, step: Some(step) },
        _ => Outcome::Infeasible { reason: "Diverged".into() },
    };
    TrialRecord {
        name: format!("digits-momentum-{round}-{index:04}"),
        round: round.to_owned(),
        hyperparameters: point.clone(),
        outcome,
        curves: BTreeMap::from([
            ("validation_error".to_owned(), error),
            ("train_loss".to_owned(), loss),
            ("gradient_norm".to_owned(), norm),
        ]),
        ..TrialRecord::default()
    }
}
