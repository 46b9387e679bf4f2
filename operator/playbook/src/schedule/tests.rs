#![allow(
    clippy::float_cmp,
    clippy::format_collect,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::single_match_else
)]

use super::*;
use crate::studies;

fn schedule(schedule: &str, rounds: &[u64], round: usize) -> TrialSchedule {
    let list: String = rounds
        .iter()
        .enumerate()
        .map(|(i, steps)| format!("- {{name: r{i}, trials: 1, maxTrainSteps: {steps}}}\n"))
        .collect();
    let spec = studies::spec(&format!(
        "hyperparameters:\n- {{name: lr, range: {{min: 0.1, max: 1}}}}\nschedule: {schedule}\nrounds:\n{list}"
    ));
    of_trial(&spec, rounds[round], &[("lr".to_owned(), 0.4.into())].into()).unwrap()
}

fn parts(s: &TrialSchedule) -> [u64; 3] {
    [s.warmup_steps, s.constant_steps, s.decay_steps]
}

#[test]
fn linear_decay_keeps_its_length_and_the_constant_part_grows() {
    // Constant steps of round 2 = new maxTrainSteps - old decay steps, less warmup.
    let linear = "{family: Linear, base: lr}";
    assert_eq!(parts(&schedule(linear, &[10_000, 100_000], 0)), [0, 0, 10_000]);
    assert_eq!(parts(&schedule(linear, &[10_000, 100_000], 1)), [0, 90_000, 10_000]);
    let with_warmup = "{family: Linear, base: lr, warmupFraction: 0.05}";
    assert_eq!(parts(&schedule(with_warmup, &[500, 3000, 9000], 0)), [25, 0, 475]);
    assert_eq!(parts(&schedule(with_warmup, &[500, 3000, 9000], 1)), [25, 2500, 475]);
    assert_eq!(parts(&schedule(with_warmup, &[500, 3000, 9000], 2)), [25, 8500, 475]);
}

#[test]
fn cosine_decay_stretches() {
    let cosine = "{family: Cosine, base: lr, warmupFraction: 0.05}";
    assert_eq!(parts(&schedule(cosine, &[500, 3000], 0)), [25, 0, 475]);
    assert_eq!(parts(&schedule(cosine, &[500, 3000], 1)), [25, 0, 2975]);
    assert_eq!(schedule(cosine, &[500, 3000], 1).base, 0.4);
}

#[test]
fn warmup_comes_before_the_rest() {
    // Playbook's example: 10,000 steps and 1,000 of warmup make 11,000.
    let linear = schedule("{family: Linear, base: lr, warmupSteps: 1000}", &[11_000], 0);
    assert_eq!(parts(&linear), [1000, 0, 10_000]);
    let constant = schedule("{family: Constant, base: lr, warmupSteps: 10}", &[100, 1000], 1);
    assert_eq!(parts(&constant), [10, 990, 0]);
    assert_eq!([0, 5, 10, 999, 5000].map(|t| rate(&constant, t)), [0.0, 0.2, 0.4, 0.4, 0.4]);
}

#[test]
fn rates_fall_to_the_end_factor() {
    let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
    let linear = schedule("{family: Linear, base: lr, warmupSteps: 100, endFactor: 0.1}", &[1100, 2100], 1);
    assert_eq!(parts(&linear), [100, 1000, 1000]);
    for (step, expected) in [(0, 0.0), (50, 0.2), (100, 0.4), (1100, 0.4), (1600, 0.22), (2100, 0.04), (9999, 0.04)] {
        assert!(near(rate(&linear, step), expected), "{step}: {}", rate(&linear, step));
    }
    let cosine = schedule("{family: Cosine, base: lr}", &[1000], 0);
    for (step, expected) in [(0, 0.4), (250, 0.2 * (1.0 + 0.5_f64.sqrt())), (500, 0.2), (1000, 0.0), (2000, 0.0)] {
        assert!(near(rate(&cosine, step), expected), "{step}: {}", rate(&cosine, step));
    }
}

#[test]
fn no_schedule_without_a_peak() {
    let spec = studies::spec("hyperparameters: []\nschedule: {family: Cosine, base: lr}\nrounds: []\n");
    assert_eq!(of_trial(&spec, 100, &Hyperparameters::new()), None);
    let spec = studies::spec("hyperparameters: []\nrounds: []\n");
    assert_eq!(of_trial(&spec, 100, &[("lr".to_owned(), 0.4.into())].into()), None);
}

#[test]
fn all_steps_are_spent() {
    for family in ["Constant", "Linear", "Cosine"] {
        for rounds in [[1, 2], [10, 11], [500, 100_000]] {
            for round in [0, 1] {
                let text = format!("{{family: {family}, base: lr, warmupFraction: 0.3}}");
                let s = schedule(&text, &rounds, round);
                assert_eq!(parts(&s).iter().sum::<u64>(), rounds[round], "{s:?}");
            }
        }
    }
}
