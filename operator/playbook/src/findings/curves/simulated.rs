//! Simulated studies with curves as trainings have them: without a signal no finding may be raised in more than 5% of
//! studies, with a planted one it must be.
//!
//! The generator is fixed, so these rates are the same everywhere.

use std::collections::BTreeMap;

use studious_api::trial::TrialSeeds;

use super::{
    super::{
        Finding, contradictions, false_alarms,
        reading::Reading,
        simulated::{Luck, plan},
    },
    examine,
};
use crate::record::{Curve, HostInit, Outcome, SavedCheckpoint, TrialRecord};

pub(super) const STUDIES: u64 = 1000;
pub(super) const STEPS: u64 = 4000;

/// Two arms, a learning rate, and dropout; a second, longer round.
pub(super) const TWO: &str = "
goal: g
objective: {metric: validation_error, direction: Minimize}
hyperparameters:
- {name: optimizer, role: Scientific, values: [sgd, momentum]}
- {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
- {name: label_smoothing, range: {min: 0, max: 0.3}}
- {name: batch_size, role: Fixed, value: 128}
rounds:
- {name: explore, trials: 20, maxTrainSteps: 4000}
- {name: confirm, maxTrainSteps: 16000, from: {round: explore, best: 5, per: Scientific}}
evaluation: {everySteps: 100}
trial: {hosts: 2, template: {spec: {containers: [{name: t, image: i}]}}}
";

/// How the trials of a simulated study train.
#[derive(Clone, Copy)]
pub(super) struct Training {
    pub(super) name: &'static str,
    /// Evaluations of a trial.
    pub(super) evaluations: usize,
    /// How fast curves fall, as a share of training; 0 when nothing is learnt.
    pub(super) speed: f64,
    /// Standard deviation of the noise of an evaluation at the beginning, and at the end.
    pub(super) noise: (f64, f64),
    /// How much of an evaluation's noise is that of the one before.
    pub(super) alike: f64,
    /// How much the noise differs between trials: the standard deviation of its logarithm.
    pub(super) uneven: f64,
    /// What is true of such studies, and so no false alarm.
    pub(super) holds: &'static [&'static str],
}

/// What studies without a fault look like.
pub(super) const FAULTLESS: [Training; 10] = [
    Training {
        name: "steady noise",
        evaluations: 40,
        speed: 0.12,
        noise: (0.01, 0.01),
        alike: 0.0,
        uneven: 0.0,
        holds: &[],
    },
    Training {
        name: "noise that decays",
        evaluations: 40,
        speed: 0.12,
        noise: (0.04, 0.002),
        alike: 0.0,
        uneven: 0.0,
        holds: &[],
    },
    Training {
        name: "neighbours alike",
        evaluations: 40,
        speed: 0.12,
        noise: (0.01, 0.01),
        alike: 0.4,
        uneven: 0.0,
        holds: &[],
    },
    Training {
        name: "few evaluations",
        evaluations: 12,
        speed: 0.12,
        noise: (0.01, 0.01),
        alike: 0.0,
        uneven: 0.0,
        holds: &[],
    },
    Training {
        name: "many evaluations",
        evaluations: 200,
        speed: 0.12,
        noise: (0.01, 0.01),
        alike: 0.2,
        uneven: 0.0,
        holds: &[],
    },
    Training {
        name: "slow",
        evaluations: 40,
        speed: 0.5,
        noise: (0.01, 0.01),
        alike: 0.0,
        uneven: 0.0,
        holds: &["StillImproving", "TooFewSteps"],
    },
    Training {
        name: "ten evaluations, alike",
        evaluations: 10,
        speed: 0.12,
        noise: (0.01, 0.01),
        alike: 0.4,
        uneven: 0.0,
        holds: &[],
    },
    Training {
        name: "ten evaluations, uneven noise",
        evaluations: 10,
        speed: 0.12,
        noise: (0.01, 0.01),
        alike: 0.0,
        uneven: 0.7,
        holds: &[],
    },
    Training {
        name: "noise that decays fast",
        evaluations: 20,
        speed: 0.03,
        noise: (0.05, 0.005),
        alike: 0.0,
        uneven: 0.0,
        holds: &["SaturatedEarly"],
    },
    Training {
        name: "eight evaluations",
        evaluations: 8,
        speed: 0.12,
        noise: (0.01, 0.01),
        alike: 0.0,
        uneven: 0.0,
        holds: &[],
    },
];

impl Training {
    /// The step of a share of training.
    fn step(share: f64) -> u64 {
        (share * STEPS as f64).round() as u64
    }

    /// A curve that falls from `high` to `low`, with noise.
    fn curve(&self, luck: &mut Luck, points: usize, (high, low): (f64, f64), noise: impl Fn(f64, f64) -> f64) -> Curve {
        let mut carried = 0.0;
        (1..=points)
            .map(|i| {
                let t = i as f64 / points as f64;
                let level = if self.speed > 0.0 { low + (high - low) * (-t / self.speed).exp() } else { low };
                carried = self.alike * carried + (1.0 - self.alike * self.alike).sqrt() * luck.normal();
                (Self::step(t), level + noise(t, level) * carried)
            })
            .collect()
    }

    /// A trial of a point: `u` is the place of its learning rate, best in the middle.
    pub(super) fn trial(&self, index: usize, arm: &str, u: f64, luck: &mut Luck) -> TrialRecord {
        // One arm is better, by more than the noise.
        let quality = (u - 0.5).powi(2) + if arm == "sgd" { 0.1 } else { 0.0 };
        let scale = if self.uneven > 0.0 { (self.uneven * luck.normal()).exp() } else { 1.0 };
        let (first, last) = (scale * self.noise.0, scale * self.noise.1);
        let error = self.curve(luck, self.evaluations, (0.9, 0.1 + quality), |t, _| first + (last - first) * t);
        let loss = self.curve(luck, 120, (2.3, 0.05 + quality), |_, level| 0.15 * level);
        let norm = self.curve(luck, 120, (0.6, -0.3), |_, _| 0.4).into_iter().map(|(s, v)| (s, v.exp())).collect();
        let host = |luck: &mut Luck| {
            BTreeMap::from([
                ("examples_per_second".to_owned(), flat(luck, 9000.0, 600.0)),
                ("data_wait_fraction".to_owned(), flat(luck, 0.05, 0.01)),
                ("shard_count".to_owned(), vec![(0, 2.0)]),
            ])
        };
        let offline = error.iter().skip(error.len() - 3).map(|(s, v)| (*s, v + 0.005 * luck.normal())).collect();
        let mut curves = host(luck);
        let mut other = host(luck);
        curves.insert("shard_index".to_owned(), vec![(0, 0.0)]);
        other.insert("shard_index".to_owned(), vec![(0, 1.0)]);
        curves.extend([
            ("validation_error".to_owned(), error),
            ("train_loss".to_owned(), loss),
            ("gradient_norm".to_owned(), norm),
            ("clipped_fraction".to_owned(), flat(luck, 0.1, 0.02)),
            ("train_error".to_owned(), vec![(STEPS / 2, 0.1), (STEPS, 0.0)]),
            ("offline_validation_error".to_owned(), offline),
        ]);
        let mut trial = TrialRecord {
            name: format!("s-explore-{index:04}"),
            round: "explore".to_owned(),
            hyperparameters: BTreeMap::from([
                ("optimizer".to_owned(), arm.into()),
                ("learning_rate".to_owned(), (1e-3 * 1e4_f64.powf(u)).into()),
                ("label_smoothing".to_owned(), (0.3 * luck.uniform()).into()),
                ("batch_size".to_owned(), 128_i64.into()),
            ]),
            curves,
            hosts: BTreeMap::from([(1, other)]),
            seeds: Some(TrialSeeds { init: 7, data: vec![1, 2], split: 3 }),
            inits: vec![init(0, 1, "aa"), init(1, 2, "aa")],
            checkpoints: vec![saved(0, STEPS / 2), saved(0, STEPS)],
            ..TrialRecord::default()
        };
        conclude(&mut trial);
        trial
    }

    /// Ten trials of each arm. One in ten is infeasible, wherever it lies.
    pub(super) fn study(&self, luck: &mut Luck) -> Vec<TrialRecord> {
        self.study_of(10, luck)
    }

    /// So many trials of each arm.
    pub(super) fn study_of(&self, each: usize, luck: &mut Luck) -> Vec<TrialRecord> {
        let mut trials = Vec::new();
        for arm in ["sgd", "momentum"] {
            for _ in 0..each {
                let u = luck.uniform();
                let mut trial = self.trial(trials.len(), arm, u, luck);
                if luck.uniform() < 0.1 {
                    trial.outcome = Outcome::Infeasible { reason: "Diverged".into() };
                }
                trials.push(trial);
            }
        }
        trials
    }
}

fn flat(luck: &mut Luck, level: f64, noise: f64) -> Curve {
    (1..=20_u64).map(|i| (i * STEPS / 20, level + noise * luck.normal())).collect()
}

fn init(host: u32, data_seed: u64, fingerprint: &str) -> HostInit {
    let init = studious_contract::Init {
        parameters_sha256: Some(fingerprint.to_owned()),
        init_seed: Some(7),
        data_seed: Some(data_seed),
        restored_step: None,
    };
    HostInit { attempt: 1, host, init }
}

pub(super) fn saved(host: u32, step: u64) -> SavedCheckpoint {
    SavedCheckpoint { attempt: 1, host, step, parameters_sha256: Some(format!("{step}")) }
}

/// The best evaluation is the objective.
pub(super) fn conclude(trial: &mut TrialRecord) {
    let best = trial.curves["validation_error"].iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    trial.outcome = Outcome::Succeeded { objective: best.1, step: Some(best.0) };
}

/// Changes a curve of every trial by a function of the share of training and the value.
pub(super) fn change_all(trials: &mut [TrialRecord], metric: &str, by: impl Fn(f64, f64) -> f64) {
    for trial in trials {
        for (step, value) in trial.curves.get_mut(metric).unwrap() {
            *value = by(*step as f64 / STEPS as f64, *value);
        }
        if trial.objective().is_some() {
            conclude(trial);
        }
    }
}

pub(super) fn drawn(yaml: &str, trials: &[TrialRecord]) -> Vec<Finding> {
    let plan = plan(yaml);
    let mut found = Vec::new();
    examine(&Reading::new(&plan, trials), &mut found);
    contradictions::none_in(&found, None);
    found
}

/// How often each code is raised by studies without a fault.
fn alarms(training: Training) -> BTreeMap<&'static str, f64> {
    let plan = plan(TWO);
    let mut raised: BTreeMap<&str, f64> = studious_rules::curves::ALL.iter().map(|rule| (rule.code, 0.0)).collect();
    for seed in 0..STUDIES {
        let trials = training.study(&mut Luck(seed * 7919 + 1));
        let mut found = Vec::new();
        examine(&Reading::new(&plan, &trials), &mut found);
        contradictions::none_in(&found, None);
        for finding in found {
            *raised.get_mut(finding.code.as_str()).unwrap() += 1.0 / STUDIES as f64;
        }
    }
    raised.retain(|code, _| !training.holds.contains(code));
    raised
}

#[test]
fn false_alarms_are_few() {
    let threads = FAULTLESS.map(|training| (training, std::thread::spawn(move || alarms(training))));
    for (training, thread) in threads {
        for (code, rate) in thread.join().unwrap() {
            let rate = (rate * STUDIES as f64).round() / STUDIES as f64;
            false_alarms::check(code, training.name, STUDIES, rate);
        }
    }
}

#[test]
fn equal_arms_flip_no_conclusion() {
    let plan = plan(TWO);
    let mut flipped = 0;
    for seed in 0..STUDIES {
        let mut luck = Luck(seed * 7919 + 2);
        let mut trials = Vec::new();
        for (round, each) in [("explore", 10), ("confirm", 5)] {
            for arm in ["sgd", "momentum"] {
                for _ in 0..each {
                    trials.push(TrialRecord {
                        name: format!("s-{round}-{:04}", trials.len()),
                        round: round.to_owned(),
                        hyperparameters: BTreeMap::from([("optimizer".to_owned(), arm.into())]),
                        outcome: Outcome::Succeeded { objective: luck.normal(), step: None },
                        ..TrialRecord::default()
                    });
                }
            }
        }
        let mut found = Vec::new();
        examine(&Reading::new(&plan, &trials), &mut found);
        flipped += u64::from(found.iter().any(|f| f.code == "ConclusionFlipped"));
    }
    false_alarms::check("ConclusionFlipped", "equal arms in both rounds", STUDIES, flipped as f64 / STUDIES as f64);
}
