//! What hosts reported of seeds, data shards and checkpoints, where it breaks the rules that make results mean something.

use std::collections::{BTreeMap, BTreeSet};

use studious_api::study::SeedVerification;
use studious_rules::{
    Rule,
    curves::{CHECKPOINT_VIOLATION, SEED_MISMATCH, SHARD_OVERLAP},
};

use super::super::{
    Finding,
    reading::Reading,
    wording::{count, list},
};
use crate::{
    contract::metrics::{SHARD_COUNT, SHARD_INDEX},
    record::{Curve, Outcome, TrialRecord},
    trial::Reason,
};

/// Most trials that are named in a sentence.
const NAMED: usize = 3;

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let all: Vec<_> = reading.rounds.iter().flat_map(|r| &r.trials).chain(&reading.retrained).copied().collect();
    let with = |check: fn(&TrialRecord) -> Option<String>| -> Vec<(&TrialRecord, String)> {
        all.iter().filter_map(|t| Some((*t, check(t)?))).collect()
    };
    // Who says that nothing is compared gets no comparison, but learns of trials that ended for it.
    let compares = reading.plan.spec().seeds.verify != Some(SeedVerification::Never);
    report(
        &SEED_MISMATCH,
        &with(if compares { seeds } else { refused }),
        "Hosts of a trial must start from the same parameters and read different data: its results mean nothing until they \
         do. Take both seeds from trial.json.",
        findings,
    );
    report(
        &SHARD_OVERLAP,
        &with(shards),
        "Hosts that read the same shard train on the same data twice and leave out others: give each its own.",
        findings,
    );
    report(
        &CHECKPOINT_VIOLATION,
        &with(checkpoints),
        "Only host 0 saves, and every host resumes from what it saved: otherwise what was measured is not what was kept.",
        findings,
    );
}

fn report(rule: &Rule, found: &[(&TrialRecord, String)], fix: &str, findings: &mut Vec<Finding>) {
    if found.is_empty() {
        return;
    }
    let named: Vec<_> = found
        .iter()
        .take(NAMED)
        .map(|(t, what)| if t.name.is_empty() { what.clone() } else { format!("{}: {what}", t.name) })
        .collect();
    let more = found.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
    findings.push(
        Finding::new(rule, format!("{}: {}{rest}. {fix}", count(found.len(), "trial"), named.join("; ")))
            .about(found.iter().map(|(t, _)| *t))
            .with("trials", found.len() as f64),
    );
}

/// Trials that were ended for their seeds.
fn refused(trial: &TrialRecord) -> Option<String> {
    let ended = matches!(&trial.outcome, Outcome::Failed { reason } if *reason == Reason::SeedMismatch);
    ended.then(|| "its hosts' seeds or fingerprints were not those given".to_owned())
}

/// The same initialisation on every host, different data.
fn seeds(trial: &TrialRecord) -> Option<String> {
    if let Some(why) = refused(trial) {
        return Some(why);
    }
    let attempts: BTreeSet<u32> = trial.inits.iter().map(|init| init.attempt).collect();
    attempts.into_iter().find_map(|attempt| {
        let mut inits: Vec<_> = trial.inits.iter().filter(|init| init.attempt == attempt).collect();
        inits.sort_by_key(|init| init.host);
        let (mut first, mut data) = (None, BTreeMap::new());
        for init in inits {
            let host = init.host;
            if let Some(seed) = init.init.data_seed
                && let Some(other) = data.insert(seed, host).filter(|other| *other != host)
            {
                return Some(format!("hosts {other} and {host} shuffle with the same data seed {seed}"));
            }
            let given = trial.seeds.as_ref().map(|seeds| u64::from(seeds.init));
            if let (Some(given), Some(seed)) = (given, init.init.init_seed)
                && given != seed
            {
                return Some(format!("host {host} initialised with seed {seed}, not with {given}"));
            }
            let Some(fingerprint) = init.init.parameters_sha256.as_deref() else { continue };
            match first {
                Some((other, expected)) if expected != fingerprint => {
                    return Some(format!("hosts {other} and {host} began with different parameters"));
                }
                Some(_) => {}
                None => first = Some((host, fingerprint)),
            }
        }
        None
    })
}

/// Every host its own shard of the data.
fn shards(trial: &TrialRecord) -> Option<String> {
    let hosts = || std::iter::once((0, &trial.curves)).chain(trial.hosts.iter().map(|(host, curves)| (*host, curves)));
    let last = |curves: &BTreeMap<String, Curve>, metric: &str| {
        curves.get(metric).and_then(|curve| curve.last()).map(|(_, value)| *value)
    };
    let reported: Vec<_> = hosts()
        .filter_map(|(host, curves)| Some((host, last(curves, SHARD_INDEX)?, last(curves, SHARD_COUNT))))
        .collect();
    for (i, (host, index, shards)) in reported.iter().enumerate() {
        if let Some(shards) = shards.filter(|shards| index >= shards) {
            return Some(format!("host {host} reads shard {index} of {shards}, counted from 0"));
        }
        for (other, same, others) in &reported[..i] {
            if index.total_cmp(same).is_eq() {
                return Some(format!("hosts {other} and {host} both read shard {index}"));
            }
            if let (Some(a), Some(b)) = (others, shards)
                && a.total_cmp(b).is_ne()
            {
                return Some(format!("host {other} divides the data into {a} shards, host {host} into {b}"));
            }
        }
    }
    None
}

/// Only host 0 saves, and what is restored was saved.
fn checkpoints(trial: &TrialRecord) -> Option<String> {
    let savers: BTreeSet<u32> = trial.checkpoints.iter().map(|c| c.host).filter(|host| *host > 0).collect();
    if !savers.is_empty() {
        let savers: Vec<_> = savers.iter().map(|host| format!("host {host}")).collect();
        return Some(format!("{} saved checkpoints", list(&savers)));
    }
    trial.inits.iter().find_map(|init| {
        let step = init.init.restored_step?;
        let earlier = trial.checkpoints.iter().filter(|c| c.attempt < init.attempt && c.host == 0);
        // Trainers needn't report what they save: nothing is known then.
        let known: Vec<_> = earlier.filter(|c| c.step == step).filter_map(|c| c.parameters_sha256.as_deref()).collect();
        let fingerprint = init.init.parameters_sha256.as_deref()?;
        (!known.is_empty() && !known.contains(&fingerprint)).then(|| {
            format!(
                "host {} continued from other parameters at step {step} than the checkpoint of that step",
                init.host
            )
        })
    })
}
