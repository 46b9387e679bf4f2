//! What the curves of trials say, and what their hosts reported: findings that rest on more than each trial's best value.
//!
//! Playbook: "Examining the training curves", "Determining the number of steps for each training run", "How can
//! optimization failures be debugged and mitigated?", "Considerations for multi-host pipelines".

mod coherence;
mod evaluations;
mod gradient;
mod hosts;
mod instability;
mod late;
mod offline;
mod optimization;
mod overfitting;
mod periodicity;
mod progress;
mod reach;
mod regime;
mod regularization;
mod regularizers;
mod rounds;
mod series;
pub(super) mod shrinkage;
mod steps;
mod throughput;
mod training_loss;
pub(super) mod warmup;

#[cfg(test)]
// Shares of small ranges and places in short lists: exact enough.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod planted;
#[cfg(test)]
// Places in short lists.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) mod planted_tests;
#[cfg(test)]
mod real;
#[cfg(test)]
// As above.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod simulated;

use std::cmp::Ordering;

use studious_rules::thresholds::curves::BEST_FEW;

pub(crate) use self::{
    instability::breaks_down_early, overfitting::overfitting_trials, steps::BestSteps, warmup::warms_up,
};
pub(super) use self::{optimization::sound as sound_optimization, overfitting::is_in_best as overfits_in_best};
use super::{
    Finding,
    reading::{Reading, RoundTrials},
};
use crate::record::TrialRecord;

/// A trial and its evaluations.
type EvaluatedTrial<'a> = (&'a TrialRecord, &'a [(u64, f64)]);

/// Draws some conclusions from the trials. It sees no other's: the order of examiners changes no finding.
pub(super) type Examiner = fn(&Reading<'_>, &mut Vec<Finding>);

/// What makes results meaningless comes first; then what limits training (requirement R-151); then how it went.
pub(super) const EXAMINERS: [Examiner; 14] = [
    hosts::examine,
    offline::examine,
    instability::examine,
    gradient::examine,
    training_loss::examine,
    overfitting::examine,
    periodicity::examine,
    regime::examine,
    late::examine,
    evaluations::examine,
    regularization::examine,
    rounds::examine,
    warmup::examine,
    throughput::examine,
];

/// Draws them all.
pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    for examiner in EXAMINERS {
        examiner(reading, findings);
    }
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

/// The evaluations of a trial's objective that count: those within the step budget of its round.
pub(super) fn evaluations<'a>(reading: &Reading<'_>, trial: &'a TrialRecord) -> Option<&'a [(u64, f64)]> {
    let curve = trial.curves.get(&reading.plan.spec().objective.metric)?;
    // A trial that ran elsewhere may know no round: it belongs to the first.
    let round = reading.rounds.iter().find(|round| round.name == trial.round || trial.round.is_empty());
    let within = round.map_or(curve.len(), |round| curve.partition_point(|(step, _)| *step <= round.steps));
    Some(&curve[..within])
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
