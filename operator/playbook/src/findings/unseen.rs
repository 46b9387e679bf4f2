//! Which boundaries this study could not have shown, and what would: the first question passes only where one would have
//! been seen.

use std::collections::{BTreeMap, BTreeSet};

use studious_rules::{
    search::SEARCH_SPACE_TOO_NARROW,
    thresholds::search::{BOUNDARY_POWER, BOUNDARY_TRIALS, EDGE_SHARE, FALSE_ALARMS},
};

use super::{
    boundary::{self, Edges, Pair},
    policy, power,
    reading::{Arm, Axis, Reading},
    wording::{count, name, number},
};

/// An axis of an arm whose boundaries the study could not have shown.
pub(super) struct Unseen<'a> {
    pub(super) arm: Arm<'a>,
    axis: Axis<'a>,
    /// Trials that succeeded.
    trials: usize,
    why: Why,
    /// The end near which the best trial lies, and its value.
    best: Option<(bool, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Why {
    /// All trials have this objective.
    NothingVaries(f64),
    /// All trials have this value.
    OneValue(f64),
    /// So many trials would show it; nothing where even the most that are tried would not.
    TooFew(Option<usize>),
    /// So many would, were they spread evenly.
    Uneven,
}

/// The least power at each boundary, whatever that of the others of its arm: below it, hardly a trial lies near.
const LEAST: f64 = 0.25;

/// All of them, of the arms that were looked at: the power of an arm is the mean over its boundaries, since the one that is
/// too near may be any of them.
fn unseen<'a>(reading: &Reading<'a>, edges: &Edges<'a>) -> Vec<Unseen<'a>> {
    let wanted = reading.threshold(&BOUNDARY_POWER);
    let mut pairs: Vec<&Pair<'a>> = Vec::new();
    for arm in edges.looked_at.chunk_by(|a, b| a.arm.configuration == b.arm.configuration) {
        let powers: Vec<[f64; 2]> = arm.iter().map(|pair| powers(reading, edges, pair)).collect();
        let enough = powers.iter().flatten().sum::<f64>() >= wanted * 2.0 * powers.len() as f64;
        let is_unseen =
            |[lower, upper]: [f64; 2]| lower.min(upper) < LEAST || (!enough && lower + upper < 2.0 * wanted);
        pairs.extend(arm.iter().zip(powers).filter(|(_, powers)| is_unseen(*powers)).map(|(pair, _)| pair));
    }
    pairs.extend(&edges.seldom);
    // By the number of dimensions.
    let mut needed: BTreeMap<usize, Option<usize>> = BTreeMap::new();
    let mut needed = |dimensions| {
        *needed.entry(dimensions).or_insert_with(|| power::needed(&edges.limits, dimensions, edges.limit, wanted))
    };
    pairs
        .into_iter()
        .map(|pair| Unseen {
            arm: pair.arm.clone(),
            axis: pair.axis,
            trials: pair.feasible.len(),
            why: why(pair, &mut needed),
            best: best_at_boundary(reading, pair),
        })
        .collect()
}

/// Those that the study doesn't set aside.
pub(super) fn open<'a>(reading: &Reading<'a>, edges: &Edges<'a>) -> Vec<Unseen<'a>> {
    let spec = reading.plan.spec();
    let is_open = |unseen: &Unseen<'_>| !policy::is_waived(spec, SEARCH_SPACE_TOO_NARROW.code, Some(unseen.name()));
    unseen(reading, edges).into_iter().filter(is_open).collect()
}

/// Whether it takes more trials to answer the first question.
pub(super) fn wants_trials(reading: &Reading<'_>) -> bool {
    if reading.axes().next().is_none() || policy::is_waived(reading.plan.spec(), SEARCH_SPACE_TOO_NARROW.code, None) {
        return false;
    }
    let edges = boundary::edges(reading);
    let is_narrow = edges.seen.iter().any(|edge| *edge.rule(reading) == SEARCH_SPACE_TOO_NARROW);
    !is_narrow && (!edges.too_few.is_empty() || edges.looked_at.is_empty() || !open(reading, &edges).is_empty())
}

/// Of the lower and of the upper boundary.
fn powers(reading: &Reading<'_>, edges: &Edges<'_>, pair: &Pair<'_>) -> [f64; 2] {
    if nothing_varies(pair).is_some() {
        return [0.0; 2];
    }
    [false, true].map(|upper| {
        let points = pair.points(upper, pair.boundary(reading, upper));
        power::of_points(&edges.limits, &points, edges.limit)
    })
}

/// Why no number of such trials could show anything.
fn nothing_varies(pair: &Pair<'_>) -> Option<Why> {
    let objectives: BTreeSet<u64> = pair.losses.iter().map(|loss| loss.to_bits()).collect();
    let values: BTreeSet<u64> = pair.feasible.iter().map(|(_, p)| p.to_bits()).collect();
    let first = pair.feasible.first().map(|(trial, _)| *trial)?;
    match first.objective() {
        Some(objective) if objectives.len() == 1 => Some(Why::NothingVaries(objective)),
        _ if values.len() == 1 => Some(Why::OneValue(pair.axis.value(first)?)),
        _ => None,
    }
}

fn why(pair: &Pair<'_>, needed: &mut impl FnMut(usize) -> Option<usize>) -> Why {
    nothing_varies(pair).unwrap_or_else(|| match needed(pair.dimensions()) {
        Some(needed) if needed <= pair.feasible.len() => Why::Uneven,
        needed => Why::TooFew(needed),
    })
}

/// The end within a tenth of which the best trial lies, and its value.
fn best_at_boundary(reading: &Reading<'_>, pair: &Pair<'_>) -> Option<(bool, f64)> {
    let share = reading.threshold(&EDGE_SHARE);
    let losses = pair.feasible.iter().zip(&pair.losses).filter(|(_, loss)| loss.is_finite());
    let ((trial, position), _) = losses.min_by(|a, b| a.1.total_cmp(b.1))?;
    let at_end = *position <= share || *position >= 1.0 - share;
    at_end.then(|| Some((*position > 0.5, pair.axis.value(trial)?)))?
}

/// The number of trials of an arm from which boundaries are looked for and would be seen.
pub(super) fn trials_needed(reading: &Reading<'_>, edges: &Edges<'_>, arms: usize) -> usize {
    let fewest = reading.count(&BOUNDARY_TRIALS);
    let axes = reading.axes().count();
    let limit = reading.threshold(&FALSE_ALARMS) / (2 * axes * arms).max(1) as f64;
    power::needed(&edges.limits, axes, limit, reading.threshold(&BOUNDARY_POWER))
        .map_or(fewest, |needed| needed.max(fewest))
}

impl Unseen<'_> {
    /// The hyperparameter's name.
    pub(super) fn name(&self) -> &str {
        self.axis.name()
    }

    /// Why it is unknown, and what would tell, in a sentence or two.
    pub(super) fn words(&self) -> String {
        let said = self.reason();
        match self.best.filter(|_| matches!(self.why, Why::TooFew(_) | Why::Uneven)) {
            Some((upper, value)) => {
                let side = if upper { "upper" } else { "lower" };
                format!("{said} The best one lies at the {side} boundary ({}).", number(value))
            }
            None => said,
        }
    }

    /// The same without a word on the results: it is true of the points alone.
    pub(super) fn reason(&self) -> String {
        let (label, called, trials) = (self.arm.label(), name(self.axis.hyperparameter), count(self.trials, "trial"));
        let with = if label.is_empty() { String::new() } else { format!(" with {label}") };
        let what = "an optimum a quarter of the range beyond a boundary";
        match self.why {
            Why::NothingVaries(objective) => {
                format!("Nothing varies: all {trials}{with} have the objective {}.", number(objective))
            }
            Why::OneValue(value) => format!(
                "All {trials}{with} have {called} = {}: nothing shows whether its boundaries are too near.",
                number(value)
            ),
            Why::TooFew(Some(needed)) => {
                format!("{trials}{with} are too few to see {what} of {called}; {needed} would show it.")
            }
            Why::TooFew(None) => format!("{trials}{with} are too few to see {what} of {called}."),
            Why::Uneven => format!(
                "{trials}{with} lie too unevenly along {called} to see {what}; spread them evenly over the range."
            ),
        }
    }
}
