//! A live page is looked at after every trial. A warning that appears at any look, from the fifth trial to the last, of a
//! study without its signal is a false alarm of that study: at most 5% of studies may have one of a code.
//!
//! `UPDATE_RATES=1` looks at 1,000 studies after every trial and records the share. Without that, 60 studies are looked at
//! after every fifth: enough to see a rule fail that bounds each look alone.

use std::collections::BTreeMap;

use super::{SAMPLED, pick, sampled};
use crate::{
    findings::{
        Severity, exact, false_alarms, findings,
        simulated::{ARMS, Luck, ONE, arms, bowl, one, plan},
    },
    record::{Outcome, TrialRecord},
};

const TRIALS: usize = 60;
const FIRST_LOOK: usize = 5;
const RECORDED: u64 = 1000;
const CHECKED: u64 = 60;

struct Null {
    name: &'static str,
    study: &'static str,
    simulate: fn(&mut Luck) -> Vec<TrialRecord>,
}

const NULLS: &[Null] = &[
    Null { name: "60 looks, no effect", study: ONE, simulate: |luck| one(TRIALS, luck, |_, luck| Some(luck.normal())) },
    Null {
        name: "60 looks, optimum in the middle",
        study: ONE,
        simulate: |luck| one(TRIALS, luck, |u, luck| Some(bowl(u, 0.5, luck))),
    },
    Null {
        name: "60 looks, infeasible at high rates, no effect below",
        study: ONE,
        simulate: |luck| one(TRIALS, luck, |u, luck| (u[0] < 0.8).then(|| luck.normal())),
    },
    Null {
        name: "60 looks, 3 arms, no effect",
        study: ARMS,
        simulate: |luck| in_turn(&arms(TRIALS / 3, luck, |_, _, luck| Some(luck.normal()))),
    },
    Null {
        name: "60 looks, sampled, no effect",
        study: SAMPLED,
        simulate: |luck| {
            sampled(TRIALS, luck, |luck| pick(&["none", "crop", "mix"], luck), |_, _, luck| Some(luck.normal()))
        },
    },
];

/// One trial of each of three arms after the other, as a study makes them.
fn in_turn(trials: &[TrialRecord]) -> Vec<TrialRecord> {
    let each = trials.len() / 3;
    (0..trials.len()).map(|i| trials[i % 3 * each + i / 3].clone()).collect()
}

/// The codes of warnings and problems that are seen at one of these looks at least.
fn warned(null: &Null, looks: impl Iterator<Item = usize>, luck: &mut Luck) -> Vec<String> {
    let (plan, trials) = (plan(null.study), (null.simulate)(luck));
    let mut codes: Vec<String> = looks
        .flat_map(|ended| {
            let pending =
                |t: &TrialRecord| TrialRecord { outcome: Outcome::Pending, curves: BTreeMap::new(), ..t.clone() };
            let seen = (0..).zip(&trials).map(|(i, trial)| if i < ended { trial.clone() } else { pending(trial) });
            findings(&plan, &seen.collect::<Vec<_>>())
        })
        .filter(|finding| finding.severity != Severity::Info)
        .map(|finding| finding.code)
        // What says that there is no difference is true of these studies.
        .filter(|code| code != "DifferenceWithinNoise")
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// How many of some studies had each code at any look.
fn counts(null: &Null, studies: u64, every: usize) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for seed in 0..studies {
        let looks = (FIRST_LOOK..=TRIALS).filter(|look| look % every == 0);
        for code in warned(null, looks, &mut Luck(seed * 7919 + 13)) {
            *counts.entry(code).or_default() += 1;
        }
    }
    counts
}

#[test]
fn a_warning_appears_at_any_look_in_few_studies() {
    let records = std::env::var_os("UPDATE_RATES").is_some();
    for pair in NULLS.chunks(2) {
        let measured: Vec<_> = std::thread::scope(|scope| {
            let (studies, every) = if records { (RECORDED, 1) } else { (CHECKED, 5) };
            let threads: Vec<_> = pair.iter().map(|null| scope.spawn(move || counts(null, studies, every))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (null, counts) in pair.iter().zip(measured) {
            println!("{}: {counts:?}", null.name);
            if records {
                false_alarms::record_looks(null.name, RECORDED, &counts);
                continue;
            }
            for (code, n) in counts {
                let recorded = false_alarms::recorded().get(&(code.clone(), null.name.to_owned())).map_or(0.0, |r| r.1);
                let n = usize::try_from(n).unwrap();
                // More than the recorded share explains, once in ten thousand.
                let chance = exact::successes_at_least(usize::try_from(CHECKED).unwrap(), n, recorded.max(0.005));
                assert!(chance > 1e-4, "{}: {code}: {n} of {CHECKED} studies, recorded {recorded}", null.name);
            }
        }
    }
}
