//! Whether the best trials lie at an edge of the search space, or at the edge of what can be trained.
//!
//! The playbook looks at a plot; a small study often has its best point near some edge by chance. So each end of each axis in
//! each arm is tested by itself ([`super::edges`]): whether the best trials cluster there, and whether all trials show that
//! the objective still improves towards it. Infeasible trials take no part: where they lie is another finding, and if all but
//! one corner were infeasible the best would crowd its ends by chance. The limit is 5%, shared by both ends of all axes in all
//! arms that were looked at. `docs/findings.md` states the measured rates. Whether a boundary could have been seen at all is
//! another question ([`super::unseen`]).

use studious_api::{HyperparameterValue, study::Direction};
use studious_rules::{
    Rule,
    registry::LEARNING_RATE,
    search::{FEASIBILITY_EDGE, LEARNING_RATE_STABILITY_EDGE, SEARCH_SPACE_TOO_NARROW},
    thresholds::search::{BOUNDARY_TRIALS, FALSE_ALARMS, REGION_TRIALS},
};

use super::{
    Confidence, Edit, Finding,
    curves::warmup,
    edges::{self, EdgeLimits, Points, Sight},
    infeasible,
    reading::{Along, Arm, Axis, Reading},
    region,
    widen::widen,
    wording::{count, list, name, number, p_value},
};
use crate::{record::TrialRecord, search::constrained};

/// Of the best trials that tie, so many are named.
const MOST_NAMED: usize = 20;

/// What is seen at one edge, in one arm.
pub(super) struct Edge<'a> {
    pub(super) axis: Axis<'a>,
    pub(super) upper: bool,
    pub(super) arm: Arm<'a>,
    best: Vec<(&'a TrialRecord, f64)>,
    near: usize,
    /// Whether the best cluster there; else all trials point there.
    clusters: bool,
    trials: usize,
    pub(super) chance: f64,
    /// The edge of what can be trained, if it is that and not the edge of the range.
    end: Option<region::End>,
}

/// All edges that were seen, and how far one could look.
pub(super) struct Edges<'a> {
    pub(super) seen: Vec<Edge<'a>>,
    /// Axes that were looked at, each in each arm.
    pub(super) looked_at: Vec<Pair<'a>>,
    /// Those that have too few trials to look at in an arm that has enough, since the hyperparameter is seldom active.
    pub(super) seldom: Vec<Pair<'a>>,
    /// Arms that have too few trials to look at.
    pub(super) too_few: Vec<Arm<'a>>,
    pub(super) limits: EdgeLimits,
    /// The largest p-value of an edge: the rate of false alarms shared by both ends of all axes in all arms.
    pub(super) limit: f64,
}

/// An axis in an arm.
pub(super) struct Pair<'a> {
    pub(super) arm: Arm<'a>,
    pub(super) axis: Axis<'a>,
    /// Trials that count, infeasible ones among them, with their positions.
    placed: Vec<(&'a TrialRecord, f64)>,
    /// Those that are not infeasible.
    pub(super) feasible: Vec<(&'a TrialRecord, f64)>,
    /// Their objectives, the smaller the better: infinite for one that was ended early, NaN for one that violates a constraint.
    pub(super) losses: Vec<f64>,
    others: Vec<Vec<f64>>,
    categories: Vec<Vec<f64>>,
}

impl<'a> Pair<'a> {
    fn new(reading: &Reading<'a>, arm: &Arm<'a>, axis: Axis<'a>) -> Self {
        let placed = placed(arm, axis);
        let feasible: Vec<_> = placed.iter().copied().filter(|(t, _)| !infeasible::is_infeasible(t)).collect();
        let loss = |trial: &TrialRecord| match trial.objective() {
            Some(_) if !reading.satisfies(trial) => f64::NAN,
            Some(objective) if reading.direction() == Direction::Minimize => objective,
            Some(objective) => -objective,
            None => f64::INFINITY,
        };
        let others = reading
            .axes()
            .filter(|other| !std::ptr::eq(other.hyperparameter, axis.hyperparameter))
            .map(|other| feasible.iter().map(|(t, _)| other.position(t).unwrap_or(0.5)).collect())
            .collect();
        let lists = reading.varied().filter(|varied| varied.axis().is_none());
        let categories = lists
            .flat_map(|varied| varied.hyperparameter.values.iter().flatten().map(move |value| (varied, value)))
            .map(|(varied, value)| {
                feasible.iter().map(|(t, _)| f64::from(u8::from(varied.value(t) == Some(value)))).collect()
            })
            .collect();
        let losses = feasible.iter().map(|(t, _)| loss(t)).collect();
        Self { arm: arm.clone(), axis, placed, feasible, losses, others, categories }
    }

    /// The trials as they lie to one end, whose boundary is at a distance from it.
    pub(super) fn points(&self, upper: bool, boundary: f64) -> Points {
        Points {
            distances: self.feasible.iter().map(|(_, p)| distance(*p, upper)).collect(),
            boundary,
            is_list: matches!(self.axis.along, Along::List(_)),
            others: self.others.clone(),
            categories: self.categories.clone(),
        }
    }

    /// How far inwards the boundary lies, where all trials beyond are infeasible.
    pub(super) fn boundary(&self, reading: &Reading<'_>, upper: bool) -> f64 {
        region::end(reading, self.axis, &self.placed, upper).map_or(0.0, |end| distance(end.position, upper))
    }

    /// Axes that vary here.
    pub(super) fn dimensions(&self) -> usize {
        let varies = |positions: &&Vec<f64>| positions.windows(2).any(|pair| pair[0].total_cmp(&pair[1]).is_ne());
        1 + self.others.iter().filter(varies).count()
    }

    fn edge(&self, upper: bool, sight: Sight, end: Option<region::End>) -> Edge<'a> {
        let Sight { best, near, clusters, chance } = sight;
        let objective = |i: &usize| Some((self.feasible[*i].0, self.feasible[*i].0.objective()?));
        Edge {
            axis: self.axis,
            upper,
            arm: self.arm.clone(),
            best: best.iter().filter_map(objective).collect(),
            near,
            clusters,
            trials: self.feasible.len(),
            chance,
            end,
        }
    }
}

/// Of a position from an end.
fn distance(position: f64, upper: bool) -> f64 {
    if upper { 1.0 - position } else { position }
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
        findings.extend(report(reading, &alike));
    }
}

/// Looks at both ends of every axis in every arm of the exploring round.
pub(super) fn edges<'a>(reading: &Reading<'a>) -> Edges<'a> {
    let limits = EdgeLimits::of(reading);
    let limit = reading.threshold(&FALSE_ALARMS);
    let mut found =
        Edges { seen: Vec::new(), looked_at: Vec::new(), seldom: Vec::new(), too_few: Vec::new(), limits, limit };
    let Some(round) = reading.exploring() else { return found };
    let arms = reading.arms(round);
    let axes: Vec<_> = reading.axes().collect();
    let fewest = reading.count(&BOUNDARY_TRIALS);
    for arm in &arms {
        let is_small = arm.trials.iter().filter(|t| t.objective().is_some()).count() < fewest;
        for pair in axes.iter().map(|axis| Pair::new(reading, arm, *axis)) {
            if pair.feasible.len() >= fewest {
                found.looked_at.push(pair);
            } else if !is_small && !pair.feasible.is_empty() {
                found.seldom.push(pair);
            }
        }
        let has_axis = || axes.iter().any(|axis| arm.trials.iter().any(|trial| axis.value(trial).is_some()));
        if is_small && has_axis() {
            found.too_few.push(arm.clone());
        }
    }
    found.limit = reading.alarm_level(round) / (2 * found.looked_at.len()).max(1) as f64;
    // What no arm shows by itself for lack of trials, all may show together.
    let together = Arm { configuration: Vec::new(), trials: round.trials.clone() };
    let axes_with_common_ends: Vec<_> = axes
        .iter()
        .filter(|_| arms.len() > 1)
        .flat_map(|axis| [(*axis, false), (*axis, true)])
        .filter_map(|(axis, upper)| {
            Some((axis, upper, region::common_end(reading, axis, &placed(&together, axis), upper)?))
        })
        .collect();
    for pair in &found.looked_at {
        for upper in [false, true] {
            let common = axes_with_common_ends
                .iter()
                .find(|(a, u, _)| std::ptr::eq(a.hyperparameter, pair.axis.hyperparameter) && *u == upper)
                .map(|(.., end)| end);
            let edge = at_feasibility(reading, &found, pair, (upper, common))
                .or_else(|| at_range(reading, &found, pair, upper));
            found.seen.extend(edge);
        }
    }
    found
}

/// Results of an arm with their positions on an axis.
fn placed<'a>(arm: &Arm<'a>, axis: Axis<'_>) -> Vec<(&'a TrialRecord, f64)> {
    // Trials that were ended early are not the best, wherever they lie: without them the rest would crowd the optimum.
    let (first, last) = extremes(axis);
    let place = |trial: &TrialRecord| Some((axis.position(trial)? - first) / (last - first));
    arm.trials.iter().filter(|t| infeasible::is_counted(t)).filter_map(|t| Some((*t, place(t)?))).collect()
}

/// The positions of the smallest and the largest value: those of few whole numbers lie inside the unit interval.
fn extremes(axis: Axis<'_>) -> (f64, f64) {
    let Along::Range(range) = axis.along else { return (0.0, 1.0) };
    // Ends of whole ranges are whole and below 2^53.
    #[allow(clippy::cast_possible_truncation)]
    let at = |end: f64| axis.varied.unit_of(&HyperparameterValue::Integer(end as i64));
    match (at(range.min), at(range.max)) {
        (Some(first), Some(last)) if range.integer && first < last => (first, last),
        _ => (0.0, 1.0),
    }
}

pub(super) fn is_learning_rate(reading: &Reading<'_>, axis: Axis<'_>) -> bool {
    match &reading.plan.spec().schedule {
        Some(schedule) => axis.name() == schedule.base,
        None => reading.plan.is_known(axis.name(), &LEARNING_RATE),
    }
}

/// The best trials at the edge of the range.
fn at_range<'a>(reading: &Reading<'a>, edges: &Edges<'a>, pair: &Pair<'a>, upper: bool) -> Option<Edge<'a>> {
    let points = pair.points(upper, 0.0);
    let sight = edges::look(&edges.limits, &points, &pair.losses).filter(|sight| sight.chance <= edges.limit)?;
    // Infeasible trials between the best and the edge: it is not the range that stops the search.
    let outermost = sight.best.iter().map(|i| points.distances[*i]).fold(f64::INFINITY, f64::min);
    let between = |(t, p): &&(&TrialRecord, f64)| infeasible::is_infeasible(t) && distance(*p, upper) < outermost;
    let blocked = pair.placed.iter().filter(between).count() >= reading.count(&REGION_TRIALS);
    (!blocked && is_open(reading, pair, upper)).then(|| pair.edge(upper, sight, None))
}

/// Whether the study's constraints between hyperparameters allow anything beyond an end: where they don't, it is they that stop
/// the search, and they were declared.
fn is_open(reading: &Reading<'_>, pair: &Pair<'_>, upper: bool) -> bool {
    let (min, max) = pair.axis.ends();
    let from = if upper { max } else { min };
    let beyond: Vec<HyperparameterValue> = match widen(reading, pair.axis, upper).1 {
        Some(Edit::Boundary { to, .. }) => {
            let whole = matches!(pair.axis.along, Along::Range(range) if range.integer);
            let at = [0.01, 0.1, 0.25, 0.5, 1.0].map(|share| from + share * (to - from));
            at.map(|x| if whole { if upper { x.ceil() } else { x.floor() } } else { x }.into()).to_vec()
        }
        Some(Edit::Values { to, .. }) => to.into_iter().rev().take(1).collect(),
        // What lies beyond can't be named, and so is not known to be forbidden.
        _ => return true,
    };
    let arm = pair.arm.configuration.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone())).collect();
    constrained::allows_some(reading.plan, &arm, pair.axis.name(), &beyond)
}

/// The best trials at the edge of what can be trained: every trial beyond is infeasible.
fn at_feasibility<'a>(
    reading: &Reading<'a>,
    edges: &Edges<'a>,
    pair: &Pair<'a>,
    (upper, common): (bool, Option<&region::End>),
) -> Option<Edge<'a>> {
    let own = region::end(reading, pair.axis, &pair.placed, upper);
    let end = own.or_else(|| common.cloned()).filter(|end| end.chance <= edges.limit)?;
    let points = pair.points(upper, distance(end.position, upper));
    let sight = edges::look(&edges.limits, &points, &pair.losses).filter(|sight| sight.chance <= edges.limit)?;
    Some(pair.edge(upper, sight, Some(end)))
}

/// One finding from the arms that show an edge, with the numbers of the surest.
fn report(reading: &Reading<'_>, edges: &[Edge<'_>]) -> Option<Finding> {
    let surest = edges.iter().min_by(|a, b| a.chance.total_cmp(&b.chance))?;
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
        .about(edges.iter().flat_map(|e| e.best.iter().take(MOST_NAMED).map(|(t, _)| *t)))
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
            "{the} {} the {} boundary of {} (best: {}; searched: {} to {}; {p}). Better values may lie beyond: {words}, \
             and run again before drawing conclusions.",
            if edge.clusters { "best trials cluster at" } else { "objective still improves towards" },
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
    let lie = if edge.clusters { "best trials lie" } else { "objective improves up to" };
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
        format!("{the} {lie} {right} {called} {beyond}, {side} which all {trials} were infeasible (best: {best}; {p}). {why}"),
    )
    .with(format!("all_infeasible_{side}"), end.beyond)
    .with(format!("infeasible_{side}"), end.trials as f64);
    if *rule == LEARNING_RATE_STABILITY_EDGE {
        finding.suggest(warmup::prepend(reading, edge.axis.name()))
    } else {
        finding
    }
}
