//! Whether the best trials lie at an edge of the search space, or at the edge of what can be trained.
//!
//! The playbook looks at a plot; a small study often has its best point near some edge by luck. So two things are asked
//! of each arm and axis by itself: that the best trial, or two of the best three, lie within a tenth of the range of an
//! edge, and that the best three lie closer to that edge than chance explains. The chance is counted exactly: if values
//! along the axis had no effect, any three trials could have been the best, so the ranks of their distances from the
//! edge are three ranks drawn at random (the one-sided Wilcoxon rank-sum test). Infeasible trials take no part: where they
//! lie is another finding, and if all but one corner were infeasible the best would crowd its ends by luck. Where many trials share a value (lists, small whole numbers, grids) distances tie; there more of
//! the best are looked at, and the test is whether so many of them have the outermost value (the hypergeometric test).
//! The limit is 5%, shared by both ends of all axes in all arms that were looked at. `docs/findings.md` states the
//! measured rates.
//!
//! With 8 trials in an arm and one axis the best three must be the three outermost; below that nothing is said.

use std::collections::BTreeSet;

use studious_rules::{
    Rule,
    search::{FEASIBILITY_EDGE, LEARNING_RATE_STABILITY_EDGE, SEARCH_SPACE_TOO_NARROW},
    thresholds::search::{
        BEST_SHARE, BOUNDARY_TRIALS, EDGE_SHARE, EDGE_TRIALS, FALSE_ALARMS, FEW_VALUES, MOST_BEST, REGION_TRIALS,
    },
};

use super::{
    Confidence, Finding,
    curves::warmup,
    exact, infeasible,
    reading::{Along, Arm, Axis, Reading},
    region,
    widen::widen,
    wording::{count, list, name, number, p_value},
};
use crate::record::TrialRecord;

/// Names under which a learning rate goes where no schedule names it.
const LEARNING_RATES: [&str; 6] =
    ["learning_rate", "lr", "base_learning_rate", "initial_learning_rate", "peak_learning_rate", "eta"];

/// What is seen at one edge, in one arm.
pub(super) struct Edge<'a> {
    pub(super) axis: Axis<'a>,
    pub(super) upper: bool,
    pub(super) arm: Arm<'a>,
    best: Vec<(&'a TrialRecord, f64)>,
    near: usize,
    trials: usize,
    pub(super) chance: f64,
    /// The edge of what can be trained, if it is that and not the edge of the range.
    end: Option<region::End>,
}

/// All edges that were seen, and how far one could look.
pub(super) struct Edges<'a> {
    pub(super) seen: Vec<Edge<'a>>,
    /// Axes that were looked at, each in each arm.
    pub(super) looked_at: usize,
    /// Labels of arms that have too few trials to look at.
    pub(super) too_few: Vec<String>,
}

/// The best trials of an arm, as they lie to an edge.
struct Look<'a> {
    best: Vec<(&'a TrialRecord, f64)>,
    near: usize,
    chance: f64,
}

impl Edge<'_> {
    /// The rule of the finding that reports it.
    pub(super) fn rule(&self, reading: &Reading<'_>) -> &'static Rule {
        match &self.end {
            None => &SEARCH_SPACE_TOO_NARROW,
            Some(_) if self.upper && is_learning_rate(reading, self.axis) => &LEARNING_RATE_STABILITY_EDGE,
            Some(_) => &FEASIBILITY_EDGE,
        }
    }
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Edges { seen: mut edges, .. } = edges(reading);
    // One finding for each edge, whatever the number of arms that show it.
    while !edges.is_empty() {
        let first = edges.remove(0);
        let same = |e: &Edge<'_>| {
            std::ptr::eq(e.axis.hyperparameter, first.axis.hyperparameter)
                && e.upper == first.upper
                && e.end.is_some() == first.end.is_some()
        };
        let (mut alike, others): (Vec<_>, Vec<_>) = std::mem::take(&mut edges).into_iter().partition(same);
        edges = others;
        alike.insert(0, first);
        alike.sort_by(|a, b| a.chance.total_cmp(&b.chance));
        findings.extend(report(reading, &alike));
    }
}

/// Looks at both ends of every axis in every arm of the exploring round.
pub(super) fn edges<'a>(reading: &Reading<'a>) -> Edges<'a> {
    let mut found = Edges { seen: Vec::new(), looked_at: 0, too_few: Vec::new() };
    let Some(round) = reading.exploring() else { return found };
    let arms = reading.arms(round);
    let axes: Vec<_> = reading.axes().collect();
    let mut pairs = Vec::new();
    for arm in &arms {
        for axis in axes.iter().copied() {
            let placed = placed(arm, axis);
            if feasible(&placed).len() >= reading.count(&BOUNDARY_TRIALS) {
                pairs.push((arm, axis, placed));
            }
        }
        if arm.trials.iter().filter(|t| t.objective().is_some()).count() < reading.count(&BOUNDARY_TRIALS) {
            found.too_few.push(arm.label());
        }
    }
    found.looked_at = pairs.len();
    let limit = reading.threshold(&FALSE_ALARMS) / (2 * pairs.len()).max(1) as f64;
    // What no arm shows by itself for want of trials, all may show together.
    let together = Arm { configuration: Vec::new(), trials: round.trials.clone() };
    let axes_with_common_ends: Vec<_> = axes
        .iter()
        .filter(|_| arms.len() > 1)
        .flat_map(|axis| [(*axis, false), (*axis, true)])
        .filter_map(|(axis, upper)| {
            Some((axis, upper, region::common_end(reading, axis, &placed(&together, axis), upper)?))
        })
        .collect();
    for (arm, axis, placed) in &pairs {
        for upper in [false, true] {
            let common = axes_with_common_ends
                .iter()
                .find(|(a, u, _)| std::ptr::eq(a.hyperparameter, axis.hyperparameter) && *u == upper)
                .map(|(.., end)| end);
            let edge = at_feasibility(reading, arm, *axis, placed, (upper, common), limit)
                .or_else(|| at_range(reading, arm, *axis, placed, upper, limit));
            found.seen.extend(edge);
        }
    }
    found
}

/// Results of an arm with their positions on an axis.
fn placed<'a>(arm: &Arm<'a>, axis: Axis<'_>) -> Vec<(&'a TrialRecord, f64)> {
    // Trials that were ended early are not the best, wherever they lie: without them the rest would crowd the optimum.
    arm.trials.iter().filter(|t| infeasible::is_counted(t)).filter_map(|t| Some((*t, axis.position(t)?))).collect()
}

/// Those that are not infeasible.
fn feasible<'a>(placed: &[(&'a TrialRecord, f64)]) -> Vec<(&'a TrialRecord, f64)> {
    placed.iter().copied().filter(|(t, _)| !infeasible::is_infeasible(t)).collect()
}

pub(super) fn is_learning_rate(reading: &Reading<'_>, axis: Axis<'_>) -> bool {
    match &reading.plan.spec().schedule {
        Some(schedule) => axis.name() == schedule.base,
        None => LEARNING_RATES.contains(&axis.name()),
    }
}

/// The best trials at the edge of the range.
fn at_range<'a>(
    reading: &Reading<'a>,
    arm: &Arm<'a>,
    axis: Axis<'a>,
    placed: &[(&'a TrialRecord, f64)],
    upper: bool,
    limit: f64,
) -> Option<Edge<'a>> {
    let distances: Vec<_> = placed.iter().map(|(t, p)| (*t, if upper { 1.0 - p } else { *p })).collect();
    let feasible = feasible(&distances);
    let Look { best, near, chance } = look(reading, axis, &feasible, 0.0)?;
    // Infeasible trials between the best and the edge: it is not the range that stops the search.
    let distance = |t: &TrialRecord| axis.position(t).map(|p| if upper { 1.0 - p } else { p });
    let outermost = best.iter().filter_map(|(t, _)| distance(t)).fold(f64::INFINITY, f64::min);
    let blocked = distances.iter().filter(|(t, d)| infeasible::is_infeasible(t) && *d < outermost).count();
    if chance > limit || blocked >= reading.count(&REGION_TRIALS) {
        return None;
    }
    Some(Edge { axis, upper, arm: arm.clone(), best, near, trials: feasible.len(), chance, end: None })
}

/// The best trials at the edge of what can be trained: every trial beyond is infeasible.
fn at_feasibility<'a>(
    reading: &Reading<'a>,
    arm: &Arm<'a>,
    axis: Axis<'a>,
    placed: &[(&'a TrialRecord, f64)],
    (upper, common): (bool, Option<&region::End>),
    limit: f64,
) -> Option<Edge<'a>> {
    let own = region::end(reading, axis, placed, upper);
    let end = own.or_else(|| common.cloned()).filter(|r| r.chance <= limit)?;
    let distance = |p: f64| if upper { 1.0 - p } else { p };
    let feasible: Vec<_> = feasible(placed).into_iter().map(|(t, p)| (t, distance(p))).collect();
    let Look { best, near, chance } = look(reading, axis, &feasible, distance(end.position))?;
    (chance <= limit).then(|| Edge {
        axis,
        upper,
        arm: arm.clone(),
        best,
        near,
        trials: feasible.len(),
        chance,
        end: Some(end),
    })
}

/// The best trials, how many of them lie at an edge, and the chance that so many, or ones so close, do. Nothing unless
/// the best one, or two of three, do. Distances are from the end of the range, where the edge may lie inwards.
fn look<'a>(reading: &Reading<'a>, axis: Axis<'_>, placed: &[(&'a TrialRecord, f64)], edge: f64) -> Option<Look<'a>> {
    let trials: Vec<_> = placed.iter().map(|(t, _)| *t).collect();
    let distinct: BTreeSet<u64> = placed.iter().map(|(_, d)| d.to_bits()).collect();
    let coarse = matches!(axis.along, Along::List(_)) || distinct.len() <= reading.count(&FEW_VALUES);
    let fewest = reading.count(&EDGE_TRIALS);
    // A share of a length: small and not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let share = (placed.len() as f64 * reading.threshold(&BEST_SHARE)).round() as usize;
    let looked_at = if coarse { share.min(reading.count(&MOST_BEST)).max(fewest) } else { fewest };
    let best: Vec<_> =
        reading.ranked(&trials).into_iter().filter(|(t, _)| reading.satisfies(t)).take(looked_at).collect();
    if best.len() < looked_at {
        return None;
    }
    let of = |trial: &TrialRecord| placed.iter().find(|(t, _)| std::ptr::eq(*t, trial)).map(|(_, d)| *d);
    let distances: Vec<f64> = best.iter().filter_map(|(t, _)| of(t)).collect();
    let share = reading.threshold(&EDGE_SHARE);
    // Of few places, the outermost is the edge; whether it is the end of the range is another matter.
    let outermost = placed.iter().map(|(_, d)| *d).fold(f64::INFINITY, f64::min);
    let is_near = |distance: &f64| {
        if coarse {
            *distance <= outermost && (outermost - edge <= share || edge > 0.0)
        } else {
            *distance - edge <= share
        }
    };
    let near = distances.iter().filter(|d| is_near(d)).count();
    if 3 * near < 2 * looked_at && !distances.first().is_some_and(is_near) {
        return None;
    }
    let chance = if coarse {
        let there = placed.iter().filter(|(_, d)| is_near(d)).count();
        exact::at_least(placed.len(), there, looked_at, near)
    } else {
        // Equal distances (whole numbers, or points shared) all count as the farther one: never too sure of itself.
        let ranks = distances.iter().map(|d| placed.iter().filter(|(_, other)| other <= d).count());
        let sum: usize = ranks.sum();
        if 2 * sum >= distances.len() * (placed.len() + 1) {
            // No closer than the middle: more likely than not.
            return None;
        }
        exact::rank_sum_at_most(placed.len(), distances.len(), sum)
    };
    Some(Look { best, near, chance })
}

/// One finding from the arms that show an edge, the surest first.
fn report(reading: &Reading<'_>, edges: &[Edge<'_>]) -> Option<Finding> {
    let surest = edges.first()?;
    let axis = surest.axis;
    let best_value = axis.value(surest.best.first()?.0)?;
    let labels: Vec<_> = edges.iter().map(|e| e.arm.label()).filter(|l| !l.is_empty()).collect();
    let with = if labels.is_empty() { String::new() } else { format!("With {}, the", list(&labels)) };
    let the = if labels.is_empty() { "The" } else { with.as_str() };
    let p = p_value(surest.chance);
    let rule = surest.rule(reading);
    let mut finding = match &surest.end {
        Some(end) => at_end(reading, rule, the, surest, end, &p),
        None => beyond_range(reading, rule, the, surest, best_value, &p),
    };
    finding = finding
        .of(axis.name())
        .about(edges.iter().flat_map(|e| e.best.iter().map(|(t, _)| *t)))
        .with("best_value", best_value)
        .with("best_objective", surest.best.first()?.1)
        .with("best_near_edge", surest.near as f64)
        .with("best_looked_at", surest.best.len() as f64)
        .with("trials", surest.trials as f64)
        .with("arms", edges.len() as f64)
        .with("chance", surest.chance);
    if reading.is_adaptive() {
        finding.confidence = Some(Confidence::Weak);
    }
    Some(finding)
}

fn beyond_range(reading: &Reading<'_>, rule: &Rule, the: &str, edge: &Edge<'_>, best_value: f64, p: &str) -> Finding {
    let axis = edge.axis;
    let (min, max) = axis.ends();
    let (words, edit) = widen(reading, axis, edge.upper);
    Finding::new(
        rule,
        format!(
            "{the} best trials cluster at the {} boundary of {} (best: {}; searched: {} to {}; {p}). Better values may lie \
             beyond: {words}, and run again before drawing conclusions.",
            if edge.upper { "upper" } else { "lower" },
            name(axis.hyperparameter),
            number(best_value),
            number(min),
            number(max),
        ),
    )
    .with("edge", if edge.upper { max } else { min })
    .with("side", if edge.upper { 1.0 } else { -1.0 })
    .suggest(edit.and_then(|edit| reading.change(edit)))
}

fn at_end(reading: &Reading<'_>, rule: &Rule, the: &str, edge: &Edge<'_>, end: &region::End, p: &str) -> Finding {
    let called = name(edge.axis.hyperparameter);
    let (beyond, trials) = (number(end.beyond), count(end.trials, "trial"));
    let best = number(edge.best.first().and_then(|(t, _)| edge.axis.value(t)).unwrap_or(end.beyond));
    let (side, right) = if edge.upper { ("above", "right below") } else { ("below", "right above") };
    let why = if *rule == LEARNING_RATE_STABILITY_EDGE {
        "Instability, not the search space, may be what keeps higher rates out: try gradient clipping or warmup that is \
         added to the steps, of 10, 100, 1000 … steps up to a tenth of training, and search higher rates again."
            .to_owned()
    } else {
        "What can't be trained, not the search space, may be what keeps better values out: lift that limit if you can \
         (memory, or stability by warmup or gradient clipping), and search there again."
            .to_owned()
    };
    let finding = Finding::new(rule,
        format!("{the} best trials lie {right} {called} {beyond}, {side} which all {trials} were infeasible (best: {best}; {p}). {why}"),
    )
    .with(format!("all_infeasible_{side}"), end.beyond)
    .with(format!("infeasible_{side}"), end.trials as f64);
    if *rule == LEARNING_RATE_STABILITY_EDGE {
        finding.suggest(warmup::prepend(reading, edge.axis.name()))
    } else {
        finding
    }
}
