//! Measured power: the smallest signal that is reported in 90% of studies, by their size. `docs/findings.md` states it.
//! `UPDATE_RATES=1 cargo test -p studious-playbook findings` searches for it and writes the record; without that, the test
//! fails where the recorded signal is seen less often.

use std::{collections::BTreeMap, f64::consts::TAU, path::PathBuf, sync::Mutex};

use super::super::{
    super::{
        Finding,
        reading::Reading,
        simulated::{Luck, plan},
    },
    Examiner, instability, late, overfitting, periodicity,
    planted::{STEADY, rising},
    regime,
    simulated::{TWO, Training, change_all},
    training_loss,
};
use crate::record::{Outcome, TrialRecord};

/// Studies that are simulated of each size and signal.
const STUDIES: u64 = 100;
/// The share of them in which a signal that is seen is reported.
const SEEN: f64 = 0.9;
/// Trials of a study, in two arms.
pub(in crate::findings) const TRIALS: [usize; 3] = [8, 20, 60];
/// Evaluations of a trial.
pub(in crate::findings) const EVALUATIONS: [usize; 3] = [10, 20, 40];

static WRITING: Mutex<()> = Mutex::new(());

/// A signal that a code is to report.
pub(in crate::findings) struct Signal {
    pub(in crate::findings) code: &'static str,
    /// What it is, and what its size is measured in.
    pub(in crate::findings) what: &'static str,
    /// The sizes that are tried, in ascending order.
    sizes: &'static [f64],
    examiner: Examiner,
    study: fn(Training, usize, f64, &mut Luck) -> Vec<TrialRecord>,
}

/// What an evaluation falls by over training, without noise.
const FALL: f64 = 0.8;

pub(in crate::findings) const SIGNALS: [Signal; 9] = [
    Signal {
        code: "OverfittingInBest",
        what: "climb over the last 60% of training, as a share of the fall before it; noise of an evaluation 2% of the fall",
        sizes: &[0.05, 0.1, 0.15, 0.2, 0.3, 0.5],
        examiner: overfitting::examine,
        study: |training, each, size, luck| {
            let noise = 0.02 * FALL;
            let mut trials = Training { noise: (noise, noise), ..training }.study_of(each, luck);
            change_all(&mut trials, "validation_error", rising(0.4, size * FALL));
            trials
        },
    },
    Signal {
        code: "NoisyLateTraining",
        what: "standard deviation of an evaluation, as a multiple of the difference between two arms",
        sizes: &[0.5, 0.75, 1.0, 1.5, 2.0, 3.0],
        examiner: late::examine,
        // One arm is worse by 0.1.
        study: |training, each, size, luck| {
            Training { noise: (0.1 * size, 0.1 * size), ..training }.study_of(each, luck)
        },
    },
    Signal {
        code: "MetricPeriodicity",
        what: "amplitude of a period of five evaluations, in standard deviations of an evaluation",
        sizes: &[0.5, 0.75, 1.0, 1.5, 2.0, 3.0],
        examiner: periodicity::examine,
        study: |training, each, size, luck| {
            let mut trials = training.study_of(each, luck);
            let (amplitude, turns) = (size * training.noise.0, training.evaluations as f64 / 5.0);
            change_all(&mut trials, "validation_error", |t, v| v + amplitude * (TAU * turns * t).sin());
            trials
        },
    },
    Signal {
        code: "TrainingLossRising",
        what: "how far a training loss with as many values ends above its level after a tenth of training, as a share of the \
               fall before it",
        sizes: &[0.05, 0.1, 0.2, 0.5, 1.0],
        examiner: training_loss::examine,
        study: |training, each, size, luck| {
            let mut trials = training.study_of(each, luck);
            thin_losses(&mut trials, training.evaluations);
            // What the loss falls by after a tenth, and from the beginning.
            let (after, all) = (2.25 * (-0.1 / training.speed).exp(), 2.25);
            change_all(&mut trials, "train_loss", rising(0.2, after + size * all));
            trials
        },
    },
    Signal {
        code: "SelectionBias",
        what: "climb over the last 60% of training of the trials with high learning rates, as a share of the fall before it; \
               noise of an evaluation 2% of the fall",
        sizes: &[0.05, 0.1, 0.15, 0.2, 0.3, 0.5],
        examiner: overfitting::examine,
        study: |training, each, size, luck| {
            let noise = 0.02 * FALL;
            let mut trials = Training { noise: (noise, noise), ..training }.study_of(each, luck);
            for trial in &mut trials {
                if trial.hyperparameters["learning_rate"].as_f64().unwrap() > 0.3 {
                    change_all(std::slice::from_mut(trial), "validation_error", rising(0.4, size * FALL));
                }
            }
            trials
        },
    },
    Signal {
        code: "StillImproving",
        what: "steady fall over the last half of training, as a share of the fall over all of it; noise of an evaluation 1%",
        sizes: &[0.1, 0.2, 0.3, 0.4, 0.5],
        examiner: regime::examine,
        study: |training, each, size, luck| {
            let noise = 0.01 * FALL;
            let mut trials = Training { noise: (noise, noise), ..training }.study_of(each, luck);
            change_all(&mut trials, "validation_error", |t, v| v - size * FALL * (2.0 * t - 1.0).max(0.0));
            trials
        },
    },
    Signal {
        code: "SaturatedEarly",
        what: "how many times a curve falls to a third over training; noise of an evaluation 1% of the fall",
        sizes: &[8.0, 12.0, 16.0, 24.0, 32.0, 48.0],
        examiner: regime::examine,
        study: |training, each, size, luck| {
            let noise = 0.01 * FALL;
            let training = Training { noise: (noise, noise), speed: 1.0 / size, ..training };
            let mut trials = training.study_of(each, luck);
            thin_losses(&mut trials, training.evaluations);
            trials
        },
    },
    Signal {
        code: "TrainingInstability",
        what: "sudden rise of the training losses, as a share of their fall, which lasts a quarter of training; a loss has as many \
               values",
        sizes: &[0.3, 0.5, 0.75, 1.0, 1.5],
        examiner: instability::examine,
        study: |training, each, size, luck| {
            let mut trials = training.study_of(each, luck);
            let spike = |t: f64, v: f64| if t > 0.6 && t <= 0.85 { v + 2.25 * size } else { v };
            change_all(&mut trials, "train_loss", spike);
            thin_losses(&mut trials, training.evaluations);
            trials
        },
    },
    Signal {
        code: "InstabilityLimitsLr",
        what: "share of the trials right above the best learning rate that diverge",
        sizes: &[0.5, 0.75, 1.0],
        examiner: instability::examine,
        study: |training, each, size, luck| {
            let mut trials = training.study_of(each, luck);
            for trial in &mut trials {
                let rate = trial.hyperparameters["learning_rate"].as_f64().unwrap();
                if rate > 0.12 && luck.uniform() < size {
                    trial.outcome = Outcome::Infeasible { reason: "Diverged".into() };
                }
            }
            trials
        },
    },
];

/// So many values of each training loss.
fn thin_losses(trials: &mut [TrialRecord], values: usize) {
    for trial in trials {
        let loss = trial.curves.get_mut("train_loss").unwrap();
        let every = (loss.len() / values).max(1);
        *loss = loss.iter().skip(every - 1).step_by(every).copied().collect();
    }
}

/// Codes that say the same of a signal: which of them does depends on how many evaluations there are.
const ALIKE: [[&str; 2]; 1] = [["StillImproving", "TooFewSteps"]];

fn says(code: &str, found: &Finding) -> bool {
    found.code == code || ALIKE.iter().any(|alike| alike[0] == code && alike.contains(&found.code.as_str()))
}

impl Signal {
    /// The share of studies that report a signal of a size.
    fn power(&self, trials: usize, evaluations: usize, size: f64) -> f64 {
        let plan = plan(TWO);
        let seen = (0..STUDIES).filter(|seed| {
            let mut luck = Luck(seed * 104_729 + 11);
            let trials = (self.study)(Training { evaluations, ..STEADY }, trials / 2, size, &mut luck);
            let mut found: Vec<Finding> = Vec::new();
            (self.examiner)(&Reading::new(&plan, &trials), &mut found);
            found.iter().any(|f| says(self.code, f))
        });
        seen.count() as f64 / STUDIES as f64
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/findings/curve-power.tsv")
}

/// By code, trials and evaluations: the smallest size that is seen, nothing where none of those tried is.
pub(in crate::findings) fn recorded() -> BTreeMap<(String, usize, usize), Option<f64>> {
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let rows = text.lines().map(|line| {
        let cells: Vec<_> = line.split('\t').collect();
        let [code, trials, evaluations, size] = cells[..] else { panic!("{line:?} has not four cells") };
        ((code.to_owned(), trials.parse().unwrap(), evaluations.parse().unwrap()), size.parse().ok())
    });
    rows.collect()
}

/// Measures each size of study.
fn measure(signal: &Signal) {
    for trials in TRIALS {
        for evaluations in EVALUATIONS {
            let key = (signal.code.to_owned(), trials, evaluations);
            if std::env::var_os("UPDATE_RATES").is_some() {
                let size = signal.sizes.iter().copied().find(|size| signal.power(trials, evaluations, *size) >= SEEN);
                let _guard = WRITING.lock().unwrap();
                let mut all = recorded();
                all.insert(key, size);
                let cell = |size: &Option<f64>| size.map_or_else(|| "-".to_owned(), |size| size.to_string());
                let lines = all.iter().map(|((code, t, e), size)| format!("{code}\t{t}\t{e}\t{}\n", cell(size)));
                std::fs::write(path(), lines.collect::<String>()).unwrap();
            } else if let Some(size) = recorded().get(&key).unwrap_or_else(|| panic!("{key:?} is not recorded")) {
                let power = signal.power(trials, evaluations, *size);
                assert!(power >= SEEN, "{key:?}: {size} is seen in {power}");
            }
        }
    }
}

#[test]
fn overfitting_is_seen_as_recorded() {
    measure(&SIGNALS[0]);
    // The goal: a fifth of the fall with ten evaluations, in studies of any size.
    for trials in TRIALS {
        let size = recorded()[&("OverfittingInBest".to_owned(), trials, 10)];
        assert!(size.is_some_and(|size| size <= 0.2), "{trials} trials: {size:?}");
    }
}

#[test]
fn late_noise_is_seen_as_recorded() {
    measure(&SIGNALS[1]);
}

#[test]
fn periods_are_seen_as_recorded() {
    measure(&SIGNALS[2]);
}

#[test]
fn rising_losses_are_seen_as_recorded() {
    measure(&SIGNALS[3]);
}

#[test]
fn a_biased_choice_is_seen_as_recorded() {
    measure(&SIGNALS[4]);
}

#[test]
fn what_still_improves_is_seen_as_recorded() {
    measure(&SIGNALS[5]);
}

#[test]
fn early_saturation_is_seen_as_recorded() {
    measure(&SIGNALS[6]);
}

#[test]
fn sudden_rises_are_seen_as_recorded() {
    measure(&SIGNALS[7]);
}

#[test]
fn a_limit_of_instability_is_seen_as_recorded() {
    measure(&SIGNALS[8]);
}
