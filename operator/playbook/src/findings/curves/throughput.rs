//! Throughput: trials that wait for their data, hosts and trials that are slower than their like.

use std::collections::BTreeMap;

use studious_api::HyperparameterValue;
use studious_rules::{
    curves::{INPUT_BOUND, UNEVEN_HOSTS, UNEVEN_THROUGHPUT},
    thresholds::curves::{DATA_WAIT, SHAPE_TRIALS, SLOW_HOST, SLOW_TRIAL, WARMING_SHARE},
};

use super::{
    super::{
        Finding,
        reading::Reading,
        wording::{count, number, percent},
    },
    median,
};
use crate::{
    contract::metrics::{DATA_WAIT_FRACTION, EXAMPLES_PER_SECOND},
    record::{Curve, TrialRecord},
};

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let all: Vec<_> = reading.rounds.iter().flat_map(|r| &r.trials).chain(&reading.retrained).copied().collect();
    input_bound(reading, &all, findings);
    uneven_hosts(reading, &all, findings);
    uneven_trials(reading, &all, findings);
}

/// A host's typical value of a metric, the first steps left out.
fn typical(reading: &Reading<'_>, curve: &Curve) -> Option<f64> {
    let last = curve.last()?.0 as f64;
    let warm = reading.threshold(&WARMING_SHARE) * last;
    median(curve.iter().filter(|(step, _)| *step as f64 >= warm).map(|(_, v)| *v))
}

/// The curves of a metric by host.
fn by_host<'a>(trial: &'a TrialRecord, metric: &'a str) -> impl Iterator<Item = (u32, &'a Curve)> {
    let first = trial.curves.get(metric).map(|curve| (0, curve));
    let others = trial.hosts.iter().filter_map(move |(host, curves)| Some((*host, curves.get(metric)?)));
    first.into_iter().chain(others)
}

fn input_bound(reading: &Reading<'_>, all: &[&TrialRecord], findings: &mut Vec<Finding>) {
    let waits: Vec<_> = all
        .iter()
        .filter_map(|t| {
            let hosts = by_host(t, DATA_WAIT_FRACTION).filter_map(|(_, curve)| typical(reading, curve));
            Some((*t, hosts.fold(None, |most: Option<f64>, wait| Some(most.map_or(wait, |m| m.max(wait))))?))
        })
        .collect();
    let much = reading.threshold(&DATA_WAIT);
    let Some(middle) = median(waits.iter().map(|(_, wait)| *wait)) else { return };
    if middle <= much {
        return;
    }
    let bound: Vec<_> = waits.iter().filter(|(_, wait)| *wait > much).collect();
    findings.push(
        Finding::new(&INPUT_BOUND, format!(
                "{} of {} waited for data for more than {} of the time, half of them for {} or more. Usual causes: data \
                 that is read from far away, costly preprocessing in the training process (do it once and save it), and \
                 synchronization that defeats prefetching, such as reading metrics off the accelerator at each step.",
                bound.len(),
                count(waits.len(), "trial"),
                percent(much),
                percent(middle),
            ),
        )
        .about(bound.iter().map(|(t, _)| *t))
        .with("median_wait", middle)
        .with("waiting", bound.len() as f64)
        .with("trials", waits.len() as f64),
    );
}

fn uneven_hosts(reading: &Reading<'_>, all: &[&TrialRecord], findings: &mut Vec<Finding>) {
    let mut several = 0_u32;
    let mut slow: Vec<(&TrialRecord, u32, f64)> = Vec::new();
    for trial in all {
        let speeds: Vec<_> = by_host(trial, EXAMPLES_PER_SECOND)
            .filter_map(|(host, curve)| Some((host, typical(reading, curve)?)))
            .collect();
        if speeds.len() < 2 {
            continue;
        }
        several += 1;
        let fastest = speeds.iter().map(|(_, speed)| *speed).fold(0.0, f64::max);
        // Of two hosts the upper median is the faster one.
        let usual = median(speeds.iter().map(|(_, speed)| *speed)).unwrap_or(fastest);
        let slowest = speeds.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((host, speed)) = slowest.filter(|(_, speed)| *speed < reading.threshold(&SLOW_HOST) * usual) {
            slow.push((trial, host, speed / usual));
        }
    }
    let Some((trial, host, share)) = slow.iter().min_by(|a, b| a.2.total_cmp(&b.2)).copied() else { return };
    let name = if trial.name.is_empty() { "one".to_owned() } else { trial.name.clone() };
    findings.push(
        Finding::new(&UNEVEN_HOSTS, format!(
                "In {} of {} of several hosts one host was slower than its like; host {host} of {name} made {} of the \
                 examples per second of the median host. All hosts wait for the slowest: look at its node, its data and \
                 what else runs there.",
                slow.len(),
                count(several as usize, "trial"),
                percent(share),
            ),
        )
        .about(slow.iter().map(|(t, ..)| *t))
        .with("slow", slow.len() as f64)
        .with("trials", f64::from(several))
        .with("smallest_share", share)
        .with("host", f64::from(host)),
    );
}

/// What decides a trial's speed, as far as its record says.
type SpeedFactors<'a> = Vec<(&'a str, String)>;

/// Everything but real numbers, which shape no arrays.
fn shape(trial: &TrialRecord) -> SpeedFactors<'_> {
    let shaping = trial.hyperparameters.iter().filter(|(_, value)| !matches!(value, HyperparameterValue::Number(_)));
    let mut shape: Vec<_> = shaping.map(|(name, value)| (name.as_str(), value.to_string())).collect();
    shape.push(("", trial.hosts.len().to_string()));
    shape
}

fn uneven_trials(reading: &Reading<'_>, all: &[&TrialRecord], findings: &mut Vec<Finding>) {
    let mut shapes: BTreeMap<SpeedFactors<'_>, Vec<(&TrialRecord, f64)>> = BTreeMap::new();
    for trial in all {
        if let Some(speed) = trial.curves.get(EXAMPLES_PER_SECOND).and_then(|curve| typical(reading, curve)) {
            shapes.entry(shape(trial)).or_default().push((trial, speed));
        }
    }
    let share = reading.threshold(&SLOW_TRIAL);
    let mut compared = 0;
    let mut slow: Vec<(&TrialRecord, f64, f64)> = Vec::new();
    for trials in shapes.into_values().filter(|trials| trials.len() >= reading.count(&SHAPE_TRIALS)) {
        compared += trials.len();
        let Some(usual) = median(trials.iter().map(|(_, speed)| *speed)) else { continue };
        slow.extend(trials.iter().filter(|(_, s)| *s < share * usual).map(|(t, s)| (*t, *s, usual)));
    }
    let Some((_, speed, usual)) = slow.iter().min_by(|a, b| (a.1 / a.2).total_cmp(&(b.1 / b.2))).copied() else {
        return;
    };
    findings.push(
        Finding::new(&UNEVEN_THROUGHPUT, format!(
                "{} of {} ran at less than {} of the examples per second of the median trial of the same shape; the \
                 slowest made {}, the median {}. Results are no worse for it, but time is lost: look at the nodes they ran \
                 on, and at what else ran there.",
                slow.len(),
                count(compared, "trial"),
                percent(share),
                number(speed),
                number(usual),
            ),
        )
        .about(slow.iter().map(|(t, ..)| *t))
        .with("slow", slow.len() as f64)
        .with("trials", compared as f64)
        .with("slowest", speed)
        .with("median", usual),
    );
}
