//! Seeds. The operator owns them: the same initialisation on every host, different data on each.
//!
//! Playbook: "Considerations for multi-host pipelines".

use sha2::{Digest, Sha256};
use studious_api::{study::AcrossTrials, trial::TrialSeeds};

use crate::{Plan, TrialKey};

/// A seed below 2^31 from a base, a purpose and a place: the first 31 bits of SHA-256 over
/// `studious/seed/v1/<purpose>`, a zero byte and the numbers, each as 8 bytes, big end first. It never changes.
#[must_use]
pub fn derive(base: u64, purpose: &str, place: &[u64]) -> u32 {
    let [a, b, c, d, ..] = digest(base, purpose, place);
    u32::from_be_bytes([a, b, c, d]) >> 1
}

/// As [`derive`], with all of the first 64 bits: the seed of a generator of the search.
pub(crate) fn derive_u64(base: u64, purpose: &str, place: &[u64]) -> u64 {
    let bytes = digest(base, purpose, place);
    bytes[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn digest(base: u64, purpose: &str, place: &[u64]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"studious/seed/v1/");
    hash.update(purpose.as_bytes());
    hash.update([0]);
    hash.update(base.to_be_bytes());
    for number in place {
        hash.update(number.to_be_bytes());
    }
    hash.finalize().into()
}

/// The seeds of a trial. They depend on its round and index alone, so they are the same on a laptop and on a cluster
/// and after any restart. Retraining always varies them: that is its point.
#[must_use]
pub fn of_trial(plan: &Plan, key: &TrialKey, retrains: bool) -> TrialSeeds {
    let seeds = &plan.spec().seeds;
    let place = match seeds.across_trials {
        AcrossTrials::Same if !retrains => vec![],
        _ => vec![text_number(&key.round), u64::from(key.index)],
    };
    let at = |host: u64| [place.as_slice(), &[host]].concat();
    let mut data: Vec<u32> = Vec::new();
    for host in 0..u64::from(plan.spec().trial.hosts) {
        // Two of 256 hosts meet by chance once in 65,000 trials; then the next number is taken.
        let seed = (0_u64..=u64::from(u32::MAX))
            .map(|round| {
                if round == 0 {
                    derive(seeds.base, "data", &at(host))
                } else {
                    derive(seeds.base, "data", &[at(host), vec![round]].concat())
                }
            })
            .find(|seed| !data.contains(seed))
            .unwrap_or_default();
        data.push(seed);
    }
    TrialSeeds { init: derive(seeds.base, "init", &place), data, split: derive(seeds.base, "split", &[]) }
}

/// A name as a number: the first 8 bytes of its SHA-256.
fn text_number(text: &str) -> u64 {
    let bytes = Sha256::digest(text.as_bytes());
    u64::from_be_bytes(bytes[..8].try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::studies;

    /// Studies that people keep depend on these: they must never change.
    #[test]
    fn golden() {
        assert_eq!(
            [derive(0, "init", &[]), derive(0, "data", &[1, 7, 0]), derive(1, "split", &[])],
            [2_036_429_277, 1_948_306_267, 546_824_623]
        );
        assert_eq!(derive_u64(1, "halton", &[0, 0]), 11_325_940_706_225_171_682);
        let plan = studies::plan(&format!(
            "{}\nseeds: {{base: 5}}\ntrial: {{hosts: 3, template: {{spec: {{containers: [{{name: t, image: t}}]}}}}}}",
            studies::ONE_DIMENSION
        ));
        let seeds = of_trial(&plan, &TrialKey { round: "explore".into(), index: 7 }, false);
        assert_eq!(
            seeds,
            TrialSeeds {
                init: 965_552_083,
                data: vec![1_272_782_824, 1_284_459_736, 172_989_594],
                split: 2_022_313_439,
            }
        );
    }

    #[test]
    fn hosts_have_data_seeds_of_their_own_and_one_initialisation() {
        let plan = |more: &str| {
            studies::plan(&format!(
                "{}\ntrial: {{hosts: 256, template: {{spec: {{containers: [{{name: t, image: t}}]}}}}}}\n{more}",
                studies::ONE_DIMENSION
            ))
        };
        let of = |plan: &Plan, index| of_trial(plan, &TrialKey { round: "explore".into(), index }, false);
        let vary = plan("");
        let mut inits = BTreeSet::new();
        for index in 0..50 {
            let seeds = of(&vary, index);
            assert_eq!(seeds.data.iter().collect::<BTreeSet<_>>().len(), 256);
            assert!(seeds.data.iter().chain([&seeds.init, &seeds.split]).all(|seed| *seed < 1 << 31));
            assert_eq!(seeds.split, of(&vary, 0).split);
            inits.insert(seeds.init);
        }
        assert_eq!(inits.len(), 50);
        let same = plan("seeds: {acrossTrials: Same}");
        assert_eq!(of(&same, 0), of(&same, 1));
        assert_ne!(of(&vary, 0), of(&plan("seeds: {base: 1}"), 0));
    }
}
