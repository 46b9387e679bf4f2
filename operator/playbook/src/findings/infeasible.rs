//! How many trials were infeasible, and where they lie.

use std::fmt::Write as _;

use super::{
    FALSE_ALARMS, Finding, Severity, exact,
    reading::{Arm, Axis, Reading},
    wording::{count, list, name, number},
};
use crate::record::{Outcome, TrialRecord};

/// Playbook: a very large share of infeasible points (requirement R-068; threshold ours).
const MANY: f64 = 0.5;
/// An arm of fewer results has no share worth speaking of.
const FEWEST_RESULTS: usize = 4;
/// Fewer infeasible trials at an end of an axis make no region (requirement R-072; threshold ours).
pub(super) const FEWEST_IN_REGION: usize = 3;

/// An end of an axis where every trial is infeasible.
pub(super) struct Region {
    /// Whether it is the upper end, in the scale of the search.
    pub(super) upper: bool,
    /// The value of the outermost feasible trial: all beyond are infeasible.
    pub(super) beyond: f64,
    /// Its position, 0 to 1.
    pub(super) position: f64,
    /// How many trials lie there.
    pub(super) trials: usize,
    /// The chance that so many outermost trials are all infeasible if infeasible trials are spread by chance.
    pub(super) chance: f64,
}

pub(super) fn is_infeasible(trial: &TrialRecord) -> bool {
    matches!(trial.outcome, Outcome::Infeasible { .. })
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.exploring() else { return };
    let results: Vec<_> = round.results().collect();
    let infeasible: Vec<_> = results.iter().copied().filter(|t| is_infeasible(t)).collect();
    if infeasible.is_empty() {
        return;
    }
    let arms: Vec<_> = reading.arms(round).into_iter().map(|arm| (share(&arm), arm)).collect();
    let many: Vec<_> =
        arms.iter().filter(|((bad, all), _)| *all >= FEWEST_RESULTS && *bad as f64 > MANY * *all as f64).collect();

    let regions = regions(reading, &results);
    let mut whereabouts = String::new();
    for (axis, region) in &regions {
        let side = if region.upper { "above" } else { "below" };
        // Writing to a String can't fail.
        let _ = write!(
            whereabouts,
            " All {} with {} {side} {} were infeasible.",
            count(region.trials, "trial"),
            name(axis.hyperparameter),
            number(region.beyond)
        );
    }
    let section = "Extracting insight from experimental results";
    let what = format!(
        "{} of {} of round {} were infeasible ({}).",
        infeasible.len(),
        count(results.len(), "trial"),
        round.name,
        reasons(&infeasible)
    );
    let mut finding = if many.is_empty() {
        Finding::new(
            "InfeasibleFraction",
            Severity::Info,
            section,
            format!("{what}{whereabouts} They count as results: each says where the search space ends."),
        )
    } else {
        let labels: Vec<_> = many.iter().map(|(_, arm)| arm.label()).filter(|l| !l.is_empty()).collect();
        let of =
            if labels.is_empty() { String::new() } else { format!(" With {} it was more than half.", list(&labels)) };
        Finding::new(
            "ManyInfeasible",
            Severity::Warning,
            section,
            format!(
                "{what}{of}{whereabouts} Either the search space reaches into values that can't be trained: leave them \
                 out or reparameterize. Or the training code has a bug: run one infeasible point by hand."
            ),
        )
    };
    finding = finding
        .about(infeasible.iter().copied())
        .with("infeasible", infeasible.len() as f64)
        .with("results", results.len() as f64)
        .with("fraction", infeasible.len() as f64 / results.len() as f64);
    for ((bad, all), arm) in &arms {
        if !arm.configuration.is_empty() && *all > 0 {
            finding = finding.with(format!("fraction[{}]", arm.label()), *bad as f64 / *all as f64);
        }
    }
    for (axis, region) in &regions {
        let side = if region.upper { "above" } else { "below" };
        let key = format!("{}.all_infeasible_{side}", name(axis.hyperparameter));
        finding = finding
            .with(format!("{key}.trials"), region.trials as f64)
            .with(format!("{key}.chance"), region.chance)
            .with(key, region.beyond);
    }
    findings.push(finding);
}

/// Infeasible results and all results of an arm.
fn share(arm: &Arm<'_>) -> (usize, usize) {
    let results = arm.trials.iter().filter(|t| t.is_result());
    (arm.trials.iter().filter(|t| is_infeasible(t)).count(), results.count())
}

/// `Diverged 5, OutOfMemory 1`.
fn reasons(trials: &[&TrialRecord]) -> String {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for trial in trials {
        if let Outcome::Infeasible { reason } = &trial.outcome {
            *counts.entry(if reason.is_empty() { "no reason given" } else { reason }).or_default() += 1;
        }
    }
    list(&counts.iter().map(|(reason, n)| format!("{n} {reason}")).collect::<Vec<_>>())
}

/// Regions which are there by more than luck, all ends of all axes taken together.
fn regions<'a>(reading: &Reading<'a>, results: &[&TrialRecord]) -> Vec<(Axis<'a>, Region)> {
    let axes: Vec<_> = reading.axes().collect();
    let limit = FALSE_ALARMS / (2 * axes.len()).max(1) as f64;
    let mut regions = Vec::new();
    for axis in axes {
        for upper in [false, true] {
            if let Some(region) = region(axis, results, upper)
                && region.chance <= limit
            {
                regions.push((axis, region));
            }
        }
    }
    regions
}

/// The end of an axis where every trial is infeasible, if there are at least three and any feasible one.
pub(super) fn region(axis: Axis<'_>, results: &[&TrialRecord], upper: bool) -> Option<Region> {
    // How far from the end of interest.
    let distance = |position: f64| if upper { 1.0 - position } else { position };
    let placed: Vec<_> = results.iter().filter_map(|t| Some((*t, axis.position(t)?))).collect();
    let (outermost, position) = placed
        .iter()
        .filter(|(t, _)| !is_infeasible(t))
        .min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)))
        .copied()?;
    let infeasible = placed.iter().filter(|(t, _)| is_infeasible(t)).count();
    let beyond = placed.iter().filter(|(_, p)| distance(*p) < distance(position)).count();
    if beyond < FEWEST_IN_REGION {
        return None;
    }
    Some(Region {
        upper,
        beyond: axis.value(outermost)?,
        position,
        trials: beyond,
        chance: exact::all_marked(placed.len(), infeasible, beyond),
    })
}
