//! Late noise and periods in few evaluations: told by many trials together.

use super::super::{
    planted::{STEADY, power},
    simulated::{Training, change_all},
};

#[test]
fn late_noise_is_seen_in_ten_evaluations() {
    for evaluations in [10, 20] {
        let noisy = Training { evaluations, noise: (0.1, 0.1), ..STEADY };
        for each in [4, 10, 30] {
            assert!(power("NoisyLateTraining", noisy, each, |_, _| {}) >= 0.9, "{evaluations} {each}");
        }
    }
}

#[test]
fn a_period_that_trials_share_is_seen_in_twenty_evaluations() {
    let few = Training { evaluations: 20, ..STEADY };
    for period in [2.5, 4.0, 5.0] {
        let wave = move |t: f64, v: f64| v + 0.015 * (std::f64::consts::TAU * 20.0 * t / period).sin();
        let seen = power("MetricPeriodicity", few, 10, move |trials, _| change_all(trials, "validation_error", wave));
        assert!(seen >= 0.9, "{period}");
    }
}
