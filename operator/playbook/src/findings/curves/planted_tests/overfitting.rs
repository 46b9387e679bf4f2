//! Overfitting in few evaluations.

use super::{
    super::{
        planted::{STEADY, power, rising},
        simulated::{Training, change_all},
    },
    *,
};

/// The playbook's eye: an error that falls to 0.157 at step 400 of 1,000 and rises to 0.264, with little noise.
#[test]
fn overfitting_that_any_eye_sees_is_seen() {
    let plain = Training { evaluations: 20, noise: (0.001, 0.001), ..STEADY };
    let climbs =
        |trials: &mut Vec<TrialRecord>, _: &mut Luck| change_all(trials, "validation_error", rising(0.4, 0.107));
    assert!(power("OverfittingInBest", plain, 10, climbs) >= 0.99);
    // A fifth of the fall, in ten evaluations.
    for noise in [0.01, 0.02] {
        let few = Training { evaluations: 10, noise: (noise, noise), ..STEADY };
        let fifth =
            |trials: &mut Vec<TrialRecord>, _: &mut Luck| change_all(trials, "validation_error", rising(0.4, 0.16));
        for each in [4, 10, 30] {
            assert!(power("OverfittingInBest", few, each, fifth) >= 0.9, "{noise} {each}");
        }
    }
}
