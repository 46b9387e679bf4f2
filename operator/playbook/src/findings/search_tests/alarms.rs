//! How often studies without a signal raise a finding: at most 5% of 1,000, recorded in `false-alarms.tsv`.

use std::collections::BTreeMap;

use studious_rules as rules;

use super::{FEATURE, LISTS, SAMPLED, feature, lists, pick, sampled};
use crate::{
    findings::{
        conclusions, contradictions, false_alarms,
        reading::Reading,
        search,
        simulated::{ARMS, Luck, ONE, STUDIES, arms, bowl, one, plan},
    },
    record::{Outcome, TrialRecord},
};

/// Raised whenever there is something to describe: they claim nothing that could be false.
const DESCRIPTIVE: [&str; 9] = [
    "BestTrial",
    "BestPerArm",
    "CodeChanged",
    "FewExamples",
    "FixedCaveat",
    "TrialVariance",
    "InfeasibleFraction",
    "EndedEarly",
    "ConstraintViolations",
];
/// What says that there is no difference, no gain: their signal is the absence of another.
const OF_ABSENCE: [&str; 3] = ["DifferenceWithinNoise", "FeatureNotHelping", "TuningGainsSaturated"];

struct Null {
    name: &'static str,
    study: &'static str,
    simulate: fn(&mut Luck) -> Vec<TrialRecord>,
    /// Codes of absence that would be false here.
    also: &'static [&'static str],
    /// Codes that are true of these studies.
    holds: &'static [&'static str],
}

impl Null {
    const fn new(name: &'static str, study: &'static str, simulate: fn(&mut Luck) -> Vec<TrialRecord>) -> Self {
        Self { name, study, simulate, also: &[], holds: &[] }
    }
}

/// Three dimensions need fifteen trials.
const TOO_FEW: &[&str] = &["Undersampled"];

const NULLS: &[Null] = &[
    Null {
        holds: TOO_FEW,
        ..Null::new("8 trials, no effect", ONE, |luck| one(8, luck, |_, luck| Some(luck.normal())))
    },
    Null {
        holds: TOO_FEW,
        ..Null::new("10 trials, no effect", ONE, |luck| one(10, luck, |_, luck| Some(luck.normal())))
    },
    Null::new("30 trials, no effect", ONE, |luck| one(30, luck, |_, luck| Some(luck.normal()))),
    Null::new("60 trials, no effect", ONE, |luck| one(60, luck, |_, luck| Some(luck.normal()))),
    Null::new("30 trials, no effect, few very bad", ONE, |luck| {
        one(30, luck, |_, luck| Some((1.5 * luck.normal()).exp()))
    }),
    Null::new("15 trials, optimum in the middle", ONE, |luck| one(15, luck, |u, luck| Some(bowl(u, 0.5, luck)))),
    Null::new("30 trials, optimum in the middle", ONE, |luck| one(30, luck, |u, luck| Some(bowl(u, 0.5, luck)))),
    Null::new("60 trials, optimum in the middle", ONE, |luck| one(60, luck, |u, luck| Some(bowl(u, 0.5, luck)))),
    Null::new("15 trials, optimum off the middle", ONE, |luck| one(15, luck, |u, luck| Some(bowl(u, 0.7, luck)))),
    Null::new("60 trials, optimum off the middle", ONE, |luck| one(60, luck, |u, luck| Some(bowl(u, 0.7, luck)))),
    Null::new("30 trials, one hyperparameter decides", ONE, |luck| {
        one(30, luck, |u, luck| Some((u[0] - 0.5).powi(2) + 0.005 * luck.normal()))
    }),
    Null::new("30 trials, a quarter infeasible by luck", ONE, |luck| {
        one(30, luck, |_, luck| (luck.uniform() > 0.25).then(|| luck.normal()))
    }),
    Null {
        holds: TOO_FEW,
        ..Null::new("10 trials, a quarter infeasible by luck", ONE, |luck| {
            one(10, luck, |_, luck| (luck.uniform() > 0.25).then(|| luck.normal()))
        })
    },
    Null::new("30 trials, infeasible at high rates, no effect below", ONE, |luck| {
        one(30, luck, |u, luck| (u[0] < 0.8).then(|| luck.normal()))
    }),
    Null::new("3 arms of 15, infeasible at high rates, no effect below", ARMS, |luck| {
        arms(15, luck, |_, u, luck| (u[0] < 0.8).then(|| luck.normal()))
    }),
    Null {
        holds: TOO_FEW,
        ..Null::new("3 arms of 10, no effect", ARMS, |luck| arms(10, luck, |_, _, luck| Some(luck.normal())))
    },
    Null::new("3 arms of 20, the same optimum in the middle", ARMS, |luck| {
        arms(20, luck, |_, u, luck| Some((u[1] - 0.5).powi(2) + 0.01 * luck.normal()))
    }),
    Null {
        also: &["DifferenceWithinNoise"],
        ..Null::new("3 arms of 15, one far better", ARMS, |luck| {
            arms(15, luck, |optimizer, _, luck| {
                Some(f64::from(u8::from(optimizer == "sgd")).mul_add(-6.0, luck.normal()))
            })
        })
    },
    Null::new("30 trials of lists, no effect", LISTS, |luck| lists(30, luck, |_, luck| Some(luck.normal()))),
    Null::new("30 trials of lists, optimum in the middle", LISTS, |luck| {
        lists(30, luck, |u, luck| Some((u[1] - 0.5).powi(2) + (u[2] - 3.5).powi(2) / 9.0 + 0.05 * luck.normal()))
    }),
    Null::new("60 sampled trials, no effect", SAMPLED, |luck| {
        sampled(60, luck, |luck| pick(&["none", "crop", "mix"], luck), |_, _, luck| Some(luck.normal()))
    }),
    Null {
        // Some of the three values have fewer than the ten trials that two dimensions need.
        holds: &["Undersampled"],
        ..Null::new("30 sampled trials, no effect", SAMPLED, |luck| {
            sampled(30, luck, |luck| pick(&["none", "crop", "mix"], luck), |_, _, luck| Some(luck.normal()))
        })
    },
    Null {
        holds: &["ManyInfeasible"],
        ..Null::new("60 trials, most infeasible at high rates", ONE, |luck| {
            one(60, luck, |u, luck| (u[0] < 0.4).then(|| luck.normal()))
        })
    },
    Null {
        also: &["FeatureNotHelping", "DifferenceWithinNoise"],
        ..Null::new("a feature that helps", FEATURE, |luck| {
            feature(20, 20, luck, |on, u, luck| {
                Some((u[0] - 0.5).powi(2) + 0.02 * luck.normal() - if on { 0.15 } else { 0.0 })
            })
        })
    },
    Null {
        also: &["TuningGainsSaturated"],
        holds: &["Undersampled"],
        ..Null::new("30 trials, better ones still turn up", ONE, |luck| {
            // Each tenfold of trials is about as much better than the one before.
            one(30, luck, |_, luck| Some(luck.uniform().max(1e-9).ln()))
        })
    },
    Null {
        also: &["TuningGainsSaturated"],
        // By the noise of a retraining, hardly two of thirty are as good.
        holds: &["Undersampled"],
        ..Null::new("30 trials, gains larger than the luck of a retraining", ONE, |luck| {
            let mut trials = one(30, luck, |_, luck| Some(luck.normal()));
            let objective = |t: &TrialRecord| t.objective().unwrap();
            let best = trials.iter().min_by(|a, b| objective(a).total_cmp(&objective(b))).unwrap().clone();
            for i in 0..4 {
                let objective = -3.0 + 0.02 * luck.normal();
                trials.push(TrialRecord {
                    name: format!("s-retrain-{i:04}"),
                    round: "retrain".to_owned(),
                    outcome: Outcome::Succeeded { objective, step: None },
                    ..best.clone()
                });
            }
            trials
        })
    },
];

/// How often each code is raised by studies without its signal.
fn rates(null: &Null) -> BTreeMap<&'static str, f64> {
    let plan = plan(null.study);
    let mut raised: BTreeMap<&str, u64> = rules::search::ALL.iter().map(|rule| (rule.code, 0)).collect();
    for seed in 0..STUDIES {
        let trials = (null.simulate)(&mut Luck(seed * 7919));
        let reading = Reading::new(&plan, &trials);
        let mut found = Vec::new();
        search(&reading, &mut found);
        conclusions(&reading, &mut found);
        contradictions::none_in(&found, None);
        found.dedup_by(|a, b| a.code == b.code);
        let mut seen: Vec<&str> = found.iter().map(|f| f.code.as_str()).collect();
        seen.sort_unstable();
        seen.dedup();
        for code in seen {
            *raised.get_mut(code).unwrap_or_else(|| panic!("{code} is in no list of codes")) += 1;
        }
    }
    raised.retain(|code, _| {
        let asked = null.also.contains(code) || !OF_ABSENCE.contains(code);
        asked && !DESCRIPTIVE.contains(code) && !null.holds.contains(code)
    });
    raised.into_iter().map(|(code, n)| (code, n as f64 / STUDIES as f64)).collect()
}

#[test]
fn false_alarms_are_few() {
    let show = std::env::var_os("SHOW").is_some();
    // Two at a time.
    for pair in NULLS.chunks(2) {
        let measured: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = pair.iter().map(|null| scope.spawn(|| rates(null))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (null, rates) in pair.iter().zip(measured) {
            for (code, rate) in rates {
                if show {
                    println!("{:<52} {code:<26} {rate}", null.name);
                } else {
                    false_alarms::check(code, null.name, STUDIES, rate);
                }
            }
        }
    }
}

#[test]
fn every_code_has_been_measured_or_claims_nothing() {
    let recorded = false_alarms::recorded();
    for rule in rules::search::ALL {
        let measured = recorded.keys().any(|(recorded, _)| recorded == rule.code);
        assert_ne!(measured, DESCRIPTIVE.contains(&rule.code), "{}", rule.code);
    }
}
