//! What the curves of trials say, and what their hosts reported: findings that rest on more than each trial's best value.
//!
//! Playbook: "Examining the training curves", "Determining the number of steps for each training run", "How can
//! optimization failures be debugged and mitigated?", "Considerations for multi-host pipelines".

mod evaluations;
mod gradient;
mod hosts;
mod instability;
mod late;
mod offline;
mod overfitting;
mod periodicity;
mod progress;
mod regularization;
mod rounds;
mod series;
mod shrinkage;
mod steps;
mod throughput;
mod training_loss;
pub(super) mod warmup;

#[cfg(test)]
// Shares of small ranges and places in short lists: exact enough.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod planted;
#[cfg(test)]
mod real;
#[cfg(test)]
// As above.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod simulated;

use std::cmp::Ordering;

use studious_rules::thresholds::curves::BEST_FEW;

pub(crate) use self::overfitting::overfitting_trials;
use super::{
    Finding,
    reading::{Reading, RoundTrials},
};
use crate::record::{Curve, TrialRecord};

/// Draws them all.
pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    // What makes results meaningless comes first; then what limits training (requirement R-151); then how it went.
    hosts::examine(reading, findings);
    offline::examine(reading, findings);
    instability::examine(reading, findings);
    gradient::examine(reading, findings);
    training_loss::examine(reading, findings);
    overfitting::examine(reading, findings);
    periodicity::examine(reading, findings);
    steps::examine(reading, findings);
    progress::examine(reading, findings);
    late::examine(reading, findings);
    evaluations::examine(reading, findings);
    regularization::examine(reading, findings);
    rounds::examine(reading, findings);
    warmup::examine(reading, findings);
    throughput::examine(reading, findings);
}

/// The trials whose curves are examined: the best few of a round, and the best of each scientific configuration.
fn leading<'a>(reading: &Reading<'a>, round: &RoundTrials<'a>) -> Vec<&'a TrialRecord> {
    let mut leading: Vec<_> = best_few(reading, round);
    for arm in reading.arms(round) {
        if let Some((best, _)) = reading.ranked(&arm.trials).first().copied()
            && !leading.iter().any(|t| std::ptr::eq(*t, best))
        {
            leading.push(best);
        }
    }
    leading
}

/// The best few of a round.
fn best_few<'a>(reading: &Reading<'a>, round: &RoundTrials<'a>) -> Vec<&'a TrialRecord> {
    reading.ranked(&round.trials).into_iter().take(reading.count(&BEST_FEW)).map(|(t, _)| t).collect()
}

/// The evaluations of a trial's objective.
fn evaluations<'a>(reading: &Reading<'_>, trial: &'a TrialRecord) -> Option<&'a Curve> {
    trial.curves.get(&reading.plan.spec().objective.metric)
}

/// The middle of some numbers; the upper one of the two of an even number.
fn median(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(numbers, 0.5)
}

/// The number below which a share of some numbers lie.
fn quantile(numbers: impl IntoIterator<Item = f64>, share: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = numbers.into_iter().collect();
    if sorted.is_empty() {
        return None;
    }
    // A share of a length: not negative, and at most the length.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let place = ((share.clamp(0.0, 1.0) * sorted.len() as f64) as usize).min(sorted.len() - 1);
    sorted.select_nth_unstable_by(place, |a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    sorted.get(place).copied()
}
