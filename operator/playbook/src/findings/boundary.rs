//! Whether the best trials lie at an edge of the search space, or at the edge of what can be trained.
//!
//! The playbook looks at a plot; a small study often has its best point near some edge by luck. So two things are asked
//! of each arm and axis by itself: that the best trial, or two of the best three, lie within a tenth of the range of an
//! edge, and that the best three lie closer to that edge than chance explains. The chance is counted exactly: if values
//! along the axis had no effect, any three trials could have been the best, so the ranks of their distances from the
//! edge are three ranks drawn at random (the one-sided Wilcoxon rank-sum test; infeasible trials take part as trials
//! that are not the best). The limit is 5%, shared by both ends of all axes in all arms that were looked at. Of 1,000
//! simulated studies without any effect, of 8 to 60 trials and three axes, at most 3.3% raise the finding; with an optimum
//! off the middle at most 2.1% (see the tests).
//!
//! With 8 trials in an arm and one axis the best three must be the three outermost; below that nothing is said.

use studious_api::study::{Range, Scale};

use super::{
    BEST_FOR_EDGES, FALSE_ALARMS, Finding, Severity, exact, infeasible,
    reading::{Arm, Axis, Reading},
    wording::{count, list, name, number, percent},
};
use crate::record::TrialRecord;

/// An edge is this share of the range, in the scale of the search (requirement R-070; threshold ours).
const EDGE: f64 = 0.1;
/// Fewer trials than this can't show anything.
const FEWEST: usize = 8;
/// Names under which a learning rate goes where no schedule names it.
const LEARNING_RATES: [&str; 6] =
    ["learning_rate", "lr", "base_learning_rate", "initial_learning_rate", "peak_learning_rate", "eta"];

const SECTION: &str = "Identifying bad search space boundaries";

/// What is seen at one edge, in one arm.
struct Edge<'a> {
    axis: Axis<'a>,
    upper: bool,
    arm: Arm<'a>,
    best: Vec<(&'a TrialRecord, f64)>,
    near: usize,
    trials: usize,
    chance: f64,
    /// The edge of stability, if it is that and not the edge of the range.
    stability: Option<infeasible::Region>,
}

/// The best trials of an arm, as they lie to an edge.
struct Look<'a> {
    best: Vec<(&'a TrialRecord, f64)>,
    near: usize,
    chance: f64,
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.exploring() else { return };
    let arms = reading.arms(round);
    let axes: Vec<_> = reading.axes().collect();
    let pairs: Vec<_> = arms
        .iter()
        .flat_map(|arm| axes.iter().map(move |axis| (arm, *axis)))
        .filter(|(arm, axis)| placed(arm, *axis).len() >= FEWEST)
        .collect();
    let limit = FALSE_ALARMS / (2 * pairs.len()).max(1) as f64;
    let mut edges: Vec<Edge<'_>> = Vec::new();
    for (arm, axis) in pairs {
        let stability = is_learning_rate(reading, axis).then(|| at_stability(reading, arm, axis, limit)).flatten();
        let blocked = stability.is_some();
        edges.extend(stability);
        let sides = if blocked { &[false][..] } else { &[false, true][..] };
        edges.extend(sides.iter().filter_map(|upper| at_range(reading, arm, axis, *upper, limit)));
    }
    // One finding for each edge, whatever the number of arms that show it.
    while !edges.is_empty() {
        let first = edges.remove(0);
        let same = |e: &Edge<'_>| {
            std::ptr::eq(e.axis.hyperparameter, first.axis.hyperparameter)
                && e.upper == first.upper
                && e.stability.is_some() == first.stability.is_some()
        };
        let (mut alike, others): (Vec<_>, Vec<_>) = std::mem::take(&mut edges).into_iter().partition(same);
        edges = others;
        alike.insert(0, first);
        alike.sort_by(|a, b| a.chance.total_cmp(&b.chance));
        findings.extend(report(&alike));
    }
}

/// Results of an arm with their positions on an axis.
fn placed<'a>(arm: &Arm<'a>, axis: Axis<'_>) -> Vec<(&'a TrialRecord, f64)> {
    arm.trials.iter().filter(|t| t.is_result()).filter_map(|t| Some((*t, axis.position(t)?))).collect()
}

pub(super) fn is_learning_rate(reading: &Reading<'_>, axis: Axis<'_>) -> bool {
    match &reading.plan.spec().schedule {
        Some(schedule) => axis.name() == schedule.base,
        None => LEARNING_RATES.contains(&axis.name()),
    }
}

/// The best trials at the edge of the range.
fn at_range<'a>(reading: &Reading<'a>, arm: &Arm<'a>, axis: Axis<'a>, upper: bool, limit: f64) -> Option<Edge<'a>> {
    let placed: Vec<_> = placed(arm, axis).into_iter().map(|(t, p)| (t, if upper { 1.0 - p } else { p })).collect();
    let Look { best, near, chance } = look(reading, &placed, 0.0)?;
    // Infeasible trials between the best and the edge: it is not the range that stops the search.
    let outermost = best.iter().filter_map(|(t, _)| distance(axis, t, upper)).fold(f64::INFINITY, f64::min);
    let blocked = placed.iter().filter(|(t, d)| infeasible::is_infeasible(t) && *d < outermost).count();
    if chance > limit || blocked >= infeasible::FEWEST_IN_REGION {
        return None;
    }
    Some(Edge { axis, upper, arm: arm.clone(), best, near, trials: placed.len(), chance, stability: None })
}

/// The best trials at the edge of stability: every trial with a higher learning rate is infeasible.
fn at_stability<'a>(reading: &Reading<'a>, arm: &Arm<'a>, axis: Axis<'a>, limit: f64) -> Option<Edge<'a>> {
    let all = placed(arm, axis);
    let results: Vec<_> = all.iter().map(|(t, _)| *t).collect();
    let region = infeasible::region(axis, &results, true).filter(|r| r.chance <= limit)?;
    let feasible: Vec<_> =
        all.into_iter().filter(|(t, _)| !infeasible::is_infeasible(t)).map(|(t, p)| (t, 1.0 - p)).collect();
    let Look { best, near, chance } = look(reading, &feasible, 1.0 - region.position)?;
    (chance <= limit).then(|| Edge {
        axis,
        upper: true,
        arm: arm.clone(),
        best,
        near,
        trials: feasible.len(),
        chance,
        stability: Some(region),
    })
}

/// The best three, how many of them lie within a tenth of the range of an edge, and the chance that the best three lie
/// so close to it. Nothing unless the best one or two of the three do. Distances are from the end of the range.
fn look<'a>(reading: &Reading<'a>, placed: &[(&'a TrialRecord, f64)], edge: f64) -> Option<Look<'a>> {
    let trials: Vec<_> = placed.iter().map(|(t, _)| *t).collect();
    let best: Vec<_> = reading.ranked(&trials).into_iter().take(BEST_FOR_EDGES).collect();
    if best.len() < BEST_FOR_EDGES {
        return None;
    }
    let of = |trial: &TrialRecord| placed.iter().find(|(t, _)| std::ptr::eq(*t, trial)).map(|(_, d)| *d);
    let distances: Vec<f64> = best.iter().filter_map(|(t, _)| of(t)).collect();
    let is_near = |distance: &f64| *distance - edge <= EDGE;
    let near = distances.iter().filter(|d| is_near(d)).count();
    if near < 2 && !distances.first().is_some_and(is_near) {
        return None;
    }
    // Equal distances (whole numbers, or points shared) all count as the farther one: never too sure of itself.
    let ranks = distances.iter().map(|d| placed.iter().filter(|(_, other)| other <= d).count());
    let chance = exact::rank_sum_at_most(placed.len(), distances.len(), ranks.sum());
    Some(Look { best, near, chance })
}

fn distance(axis: Axis<'_>, trial: &TrialRecord, upper: bool) -> Option<f64> {
    axis.position(trial).map(|p| if upper { 1.0 - p } else { p })
}

/// One finding from the arms that show an edge, the surest first.
fn report(edges: &[Edge<'_>]) -> Option<Finding> {
    let surest = edges.first()?;
    let axis = surest.axis;
    let range = axis.range;
    let called = name(axis.hyperparameter);
    let best_value = axis.value(surest.best.first()?.0)?;
    let labels: Vec<_> = edges.iter().map(|e| e.arm.label()).filter(|l| !l.is_empty()).collect();
    let with = if labels.is_empty() { String::new() } else { format!("With {}, the", list(&labels)) };
    let the = if labels.is_empty() { "The" } else { with.as_str() };
    let best = number(best_value);
    let luck = format!("luck explains that in {} of such studies", percent(surest.chance));
    let mut finding = match &surest.stability {
        Some(region) => Finding::new(
            "LearningRateStabilityEdge",
            Severity::Warning,
            SECTION,
            format!(
                "{the} best trials lie right below {} {}, above which all {} were infeasible (best: {best}; {luck}). \
                 Instability, not the search space, may be what keeps higher rates out: try warmup or gradient \
                 clipping, and search higher rates again.",
                called,
                number(region.beyond),
                count(region.trials, "trial"),
            ),
        )
        .with("all_infeasible_above", region.beyond)
        .with("infeasible_above", region.trials as f64),
        None => Finding::new(
            "SearchSpaceTooNarrow",
            Severity::Warning,
            SECTION,
            format!(
                "{the} best trials lie at the {} end of {called} (best: {best}; searched: {} to {}; {luck}). Better \
                 values may lie beyond: {}, and run again before drawing conclusions.",
                if surest.upper { "upper" } else { "lower" },
                number(range.min),
                number(range.max),
                widen(range, surest.upper),
            ),
        )
        .with("edge", if surest.upper { range.max } else { range.min })
        .with("side", if surest.upper { 1.0 } else { -1.0 }),
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
    Some(finding)
}

/// What to change: a quarter of the range more, in the scale of the search.
fn widen(range: &Range, upper: bool) -> String {
    let at = |share: f64| match range.scale {
        Scale::Linear => range.min + share * (range.max - range.min),
        Scale::Log => (range.min.ln() + share * (range.max.ln() - range.min.ln())).exp(),
        Scale::ReverseLog => {
            let (from, to) = ((1.0 - range.min).ln(), (1.0 - range.max).ln());
            1.0 - (from + share * (to - from)).exp()
        }
    };
    let to = at(if upper { 1.25 } else { -0.25 });
    let to = if range.integer { to.round() } else { to };
    if !upper && range.min >= 0.0 && to <= 0.0 {
        return if range.scale == Scale::Linear {
            "search it in Log scale, to see how small it may be".to_owned()
        } else {
            "lower its min".to_owned()
        };
    }
    if upper && range.integer && to <= range.max {
        return "raise its max".to_owned();
    }
    format!("{} {}", if upper { "raise its max to about" } else { "lower its min to about" }, number(to))
}
