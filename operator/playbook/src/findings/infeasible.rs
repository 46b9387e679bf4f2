//! How many trials were infeasible, and where they lie.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use studious_rules::{
    search::{INFEASIBLE_FRACTION, MANY_INFEASIBLE_TRIALS},
    thresholds::{curves::BEST_FEW, search::MANY_INFEASIBLE},
};

use super::{
    Finding,
    change::{Change, Edit},
    exact,
    reading::{Along, Arm, Reading},
    region::{self, Condition, Region},
    widen::shortened,
    wording::{count, list, percent},
};
use crate::record::{Outcome, TrialRecord};

pub(super) fn is_infeasible(trial: &TrialRecord) -> bool {
    matches!(trial.outcome, Outcome::Infeasible { .. })
}

/// Whether a trial could not be trained. One that is infeasible by its value was trained, and is bad.
pub(super) fn is_unstable(trial: &TrialRecord) -> bool {
    matches!(&trial.outcome, Outcome::Infeasible { reason } if !reason.is_by_value())
}

/// Whether a trial counts among those of which some are infeasible: results, and trials that a rule ended early, which
/// trained so far. Without these the share would seem larger than it is, and a region where they trained infeasible.
pub(super) fn is_counted(trial: &TrialRecord) -> bool {
    trial.is_result() || trial.ended_early()
}

/// What became of the trials of an arm.
pub(super) struct Share<'a> {
    pub(super) arm: Arm<'a>,
    pub(super) infeasible: usize,
    pub(super) results: usize,
    /// Whether the share is very large, and more than the noise of an arm of which half as many are.
    pub(super) is_large: bool,
}

/// The infeasible share of each arm of the exploring round.
pub(super) fn shares<'a>(reading: &Reading<'a>) -> Vec<Share<'a>> {
    let Some(round) = reading.exploring() else { return Vec::new() };
    let arms = reading.arms(round);
    let (many, luck) = (reading.threshold(&MANY_INFEASIBLE), reading.alarm_level(round) / arms.len() as f64);
    arms.into_iter()
        .map(|arm| {
            let results = arm.trials.iter().filter(|t| is_counted(t)).count();
            let infeasible = arm.trials.iter().filter(|t| is_infeasible(t)).count();
            let is_large = infeasible as f64 > many * results as f64
                && exact::successes_at_least(results, infeasible, many / 2.0) <= luck;
            Share { arm, infeasible, results, is_large }
        })
        .collect()
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.exploring() else { return };
    let results: Vec<_> = round.trials.iter().copied().filter(|t| is_counted(t)).collect();
    let infeasible: Vec<_> = results.iter().copied().filter(|t| is_infeasible(t)).collect();
    if infeasible.is_empty() {
        return;
    }
    let shares = shares(reading);
    let many: Vec<_> = shares.iter().filter(|s| s.is_large).collect();
    let regions = region::regions(reading, &results);
    let whereabouts = whereabouts(&regions);
    let what = format!(
        "{} of {} of round {} were infeasible ({}).",
        infeasible.len(),
        count(results.len(), "trial"),
        round.name,
        reasons(&infeasible)
    );
    let mut finding = if many.is_empty() {
        Finding::new(
            &INFEASIBLE_FRACTION,
            format!("{what}{whereabouts} They count as results: each says where the search space ends."),
        )
    } else {
        let labels: Vec<_> = many
            .iter()
            .filter(|s| !s.arm.configuration.is_empty())
            .map(|s| format!("{} of {} with {}", s.infeasible, s.results, s.arm.label()))
            .collect();
        let of = if labels.is_empty() {
            String::new()
        } else {
            format!(
                "{} were infeasible: more than {}. In all, ",
                list(&labels),
                percent(reading.threshold(&MANY_INFEASIBLE))
            )
        };
        Finding::new(
            &MANY_INFEASIBLE_TRIALS,
            format!(
                "{of}{what}{whereabouts} Either the search space reaches into values that can't be trained: leave them \
                 out or reparameterize. Or the training code has a bug: run one infeasible point by hand."
            ),
        )
    };
    finding = finding
        .about(infeasible.iter().copied())
        .with("infeasible", infeasible.len() as f64)
        .with("results", results.len() as f64)
        .with("fraction", infeasible.len() as f64 / results.len() as f64);
    for Share { arm, infeasible, results, .. } in &shares {
        if !arm.configuration.is_empty() && *results > 0 {
            finding = finding.with(format!("fraction[{}]", arm.label()), *infeasible as f64 / *results as f64);
        }
    }
    for region in &regions {
        for condition in &region.conditions {
            let key = condition.key();
            if let Condition::Beyond { bound, .. } = condition {
                finding = finding.with(key.clone(), *bound);
            }
            finding = finding
                .with(format!("{key}.inside"), region.inside as f64)
                .with(format!("{key}.infeasible"), region.infeasible as f64)
                .with(format!("{key}.chance"), region.chance);
        }
    }
    // Only a very large share is a reason to cut the space, and what holds one of the best must stay.
    let concluding = reading.concluding().map(|r| reading.ranked(&r.trials)).unwrap_or_default();
    let few = reading.count(&BEST_FEW);
    let best = || reading.ranked(&results).into_iter().take(few).chain(concluding.iter().copied().take(few));
    finding.change = regions
        .first()
        .filter(|region| !many.is_empty() && !best().any(|(trial, _)| region.holds(trial)))
        .and_then(|region| leave_out(reading, region));
    let names: BTreeSet<_> = regions.iter().flat_map(Region::names).collect();
    if names.len() == 1 {
        finding.hyperparameter = names.first().map(|name| (*name).to_owned());
    }
    findings.push(finding);
}

/// ` learning_rate > 0.8: 12 of 13 infeasible (elsewhere 1 of 17).`
fn whereabouts(regions: &[Region<'_>]) -> String {
    let mut text = String::new();
    for region in regions {
        // Writing to a String can't fail.
        let _ = write!(
            text,
            " {}: {} of {} infeasible (elsewhere {} of {}).",
            region.rule(),
            region.infeasible,
            region.inside,
            region.infeasible_outside,
            region.outside
        );
    }
    text
}

/// The range without the region, where one condition on a range says it all.
fn leave_out(reading: &Reading<'_>, region: &Region<'_>) -> Option<Change> {
    let [Condition::Beyond { axis, upper, bound, .. }] = &region.conditions[..] else { return None };
    let Along::Range(range) = axis.along else { return None };
    let hyperparameter = reading.index(axis.hyperparameter);
    let to = if range.integer { bound.round() } else { shortened(*bound) };
    // What is left must be a range.
    let remains = if *upper { to > range.min } else { to < range.max };
    remains.then(|| reading.change(Edit::Boundary { hyperparameter, upper: *upper, to }))?
}

/// `Diverged 5, OutOfMemory 1`.
fn reasons(trials: &[&TrialRecord]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for trial in trials {
        if let Outcome::Infeasible { reason } = &trial.outcome {
            *counts.entry(if reason.is_empty() { "no reason given" } else { reason.as_str() }).or_default() += 1;
        }
    }
    list(&counts.iter().map(|(reason, n)| format!("{n} {reason}")).collect::<Vec<_>>())
}
