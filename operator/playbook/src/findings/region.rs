//! Where infeasible trials lie: rules that a person can read, each with a chance that is counted.
//!
//! Two kinds. An *end* of an axis beyond which every trial is infeasible: the chance is that of so many outermost trials
//! all being infeasible, if which are is chance. And a *rule* of one or two conditions inside which most are infeasible:
//! the best cut of all axes and lists, its chance (hypergeometric) times the number of cuts that were tried.

use studious_api::HyperparameterValue;
use studious_rules::thresholds::search::{FALSE_ALARMS, PURE_REGION, REGION_SHARE, REGION_TRIALS};

use super::{
    exact,
    infeasible::{is_infeasible, is_unstable},
    reading::{Axis, Reading, Varied},
    wording::{list, name, number},
};
use crate::record::TrialRecord;

/// At most so many regions are reported.
const MOST: usize = 3;

/// An end of an axis where every trial is infeasible.
#[derive(Clone)]
pub(super) struct End {
    /// The value of the outermost feasible trial: all beyond are infeasible.
    pub(super) beyond: f64,
    /// Its position, 0 to 1.
    pub(super) position: f64,
    /// How many trials lie there.
    pub(super) trials: usize,
    /// The chance that so many outermost trials are all infeasible if infeasible trials are spread by chance.
    pub(super) chance: f64,
}

/// A place where most trials are infeasible.
pub(super) struct Region<'a> {
    pub(super) conditions: Vec<Condition<'a>>,
    /// Results inside, and how many of them are infeasible.
    pub(super) inside: usize,
    pub(super) infeasible: usize,
    /// Results outside, and how many of them are infeasible.
    pub(super) outside: usize,
    pub(super) infeasible_outside: usize,
    /// The chance of any such rule if infeasible trials are spread by chance.
    pub(super) chance: f64,
}

/// One condition of a rule.
#[derive(Clone)]
pub(super) enum Condition<'a> {
    /// Beyond the value of a feasible trial, or one between two trials.
    Beyond { axis: Axis<'a>, upper: bool, bound: f64, position: f64 },
    /// One of a list.
    Is { varied: Varied<'a>, value: HyperparameterValue },
}

/// The end of an axis where every trial is infeasible, if any is feasible and enough of them could not be trained: where all
/// are only bad, nothing keeps better ones out.
pub(super) fn end(reading: &Reading<'_>, axis: Axis<'_>, placed: &[(&TrialRecord, f64)], upper: bool) -> Option<End> {
    // How far from the end of interest.
    let distance = |position: f64| if upper { 1.0 - position } else { position };
    let (outermost, position) = placed
        .iter()
        .filter(|(t, _)| !is_infeasible(t))
        .min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)))
        .copied()?;
    let infeasible = placed.iter().filter(|(t, _)| is_infeasible(t)).count();
    let there = || placed.iter().filter(|(_, p)| distance(*p) < distance(position));
    let beyond = there().count();
    if there().filter(|(t, _)| is_unstable(t)).count() < reading.count(&REGION_TRIALS) {
        return None;
    }
    Some(End {
        beyond: axis.value(outermost)?,
        position,
        trials: beyond,
        chance: exact::all_marked(placed.len(), infeasible, beyond),
    })
}

/// As [`end`], for the trials of all arms together. Arms may share their points, so places count, not trials: one is
/// infeasible if every trial there is.
pub(super) fn common_end(
    reading: &Reading<'_>,
    axis: Axis<'_>,
    placed: &[(&TrialRecord, f64)],
    upper: bool,
) -> Option<End> {
    let mut sorted = placed.to_vec();
    sorted.sort_by(|a, b| if upper { b.1.total_cmp(&a.1) } else { a.1.total_cmp(&b.1) });
    let stops: Vec<_> = sorted.chunk_by(|a, b| a.1.total_cmp(&b.1).is_eq()).collect();
    let is_bad = |place: &&[(&TrialRecord, f64)]| place.iter().all(|(t, _)| is_infeasible(t));
    let bad = stops.iter().filter(|place| is_bad(place)).count();
    let beyond = stops.iter().take_while(|place| is_bad(place)).count();
    let (outermost, position) = stops.get(beyond)?.iter().find(|(t, _)| !is_infeasible(t)).copied()?;
    let unstable = stops[..beyond].iter().filter(|place| place.iter().any(|(t, _)| is_unstable(t))).count();
    if unstable < reading.count(&REGION_TRIALS) {
        return None;
    }
    Some(End {
        beyond: axis.value(outermost)?,
        position,
        trials: stops.iter().take(beyond).map(|place| place.len()).sum(),
        chance: exact::all_marked(stops.len(), bad, beyond),
    })
}

/// The rules that say where infeasible trials lie, the first the surest; the next from what the first leaves.
pub(super) fn regions<'a>(reading: &Reading<'a>, results: &[&'a TrialRecord]) -> Vec<Region<'a>> {
    let mut rest = results.to_vec();
    let mut regions = Vec::new();
    let mostly = reading.threshold(&REGION_SHARE);
    while regions.len() < MOST {
        let limit = reading.threshold(&FALSE_ALARMS) / f64::from(1_u32 << (regions.len() + 1));
        // One condition if it says enough; else the first of two.
        let Some(first) = surest(reading, &rest, limit, mostly).or_else(|| surest(reading, &rest, limit, 0.0)) else {
            break;
        };
        let region = if first.purity() < reading.threshold(&PURE_REGION) {
            let within: Vec<_> = rest.iter().copied().filter(|t| first.holds(t)).collect();
            match surest(reading, &within, limit, mostly) {
                Some(narrower) => first.narrowed(narrower, &rest),
                None => first,
            }
        } else {
            first
        };
        if region.purity() < mostly {
            break;
        }
        rest.retain(|t| !region.holds(t));
        regions.push(region);
    }
    regions
}

/// The rule of one condition that chance explains least, if it explains it at most in `limit` of studies and at least this
/// share of the trials inside is infeasible.
fn surest<'a>(reading: &Reading<'a>, results: &[&'a TrialRecord], limit: f64, purity: f64) -> Option<Region<'a>> {
    let all = results.iter().filter(|t| is_infeasible(t)).count();
    let fewest = reading.count(&REGION_TRIALS);
    if all < fewest || all == results.len() {
        return None;
    }
    let candidates = candidates(reading, results);
    let tried = candidates.len().max(1) as f64;
    let mut best: Option<Region<'a>> = None;
    for CandidateRegion { condition, inside, infeasible, of, infeasible_of } in candidates {
        if infeasible < fewest || (infeasible as f64) < purity * inside as f64 {
            continue;
        }
        // No more than elsewhere: no place where they gather.
        if infeasible * of <= infeasible_of * inside {
            continue;
        }
        let cut = exact::at_least(of, infeasible_of, inside, infeasible) * tried;
        // Whole ends are tested by themselves: half of the limit is theirs, and only two for each axis are tried.
        let whole = match &condition {
            Condition::Beyond { .. } if infeasible == inside => {
                exact::all_marked(of, infeasible_of, inside) * (2 * reading.axes().count()) as f64
            }
            _ => 1.0,
        };
        let chance = (2.0 * cut.min(whole)).min(1.0);
        if chance <= limit && best.as_ref().is_none_or(|b| chance < b.chance) {
            best = Some(Region {
                conditions: vec![condition],
                inside,
                infeasible,
                outside: results.len() - inside,
                infeasible_outside: all - infeasible,
                chance,
            });
        }
    }
    best
}

struct CandidateRegion<'a> {
    condition: Condition<'a>,
    inside: usize,
    infeasible: usize,
    /// Results in which the hyperparameter is active, and how many of them are infeasible.
    of: usize,
    infeasible_of: usize,
}

/// Every cut of every axis, both ways, and every value of every list that is no axis.
fn candidates<'a>(reading: &Reading<'a>, results: &[&'a TrialRecord]) -> Vec<CandidateRegion<'a>> {
    let mut candidates = Vec::new();
    for varied in reading.varied() {
        if let Some(axis) = varied.axis() {
            let mut placed: Vec<_> = results.iter().filter_map(|t| Some((*t, axis.position(t)?))).collect();
            placed.sort_by(|a, b| a.1.total_cmp(&b.1));
            let bad = placed.iter().filter(|(t, _)| is_infeasible(t)).count();
            for upper in [false, true] {
                candidates.extend(cuts(axis, &placed, upper, bad));
            }
        } else if let Some(values) = &varied.hyperparameter.values {
            let active: Vec<_> = results.iter().filter_map(|t| Some((*t, varied.value(t)?))).collect();
            let bad = active.iter().filter(|(t, _)| is_infeasible(t)).count();
            for value in values {
                let inside: Vec<_> = active.iter().filter(|(_, v)| *v == value).collect();
                let infeasible = inside.iter().filter(|(t, _)| is_infeasible(t)).count();
                if inside.is_empty() || inside.len() == active.len() {
                    continue;
                }
                let condition = Condition::Is { varied, value: value.clone() };
                candidates.push(CandidateRegion {
                    condition,
                    inside: inside.len(),
                    infeasible,
                    of: active.len(),
                    infeasible_of: bad,
                });
            }
        }
    }
    candidates
}

/// Every cut of an axis from one end: between two places, of which the outer one has an infeasible trial and the inner one a
/// feasible one. Other cuts are never better.
fn cuts<'a>(axis: Axis<'a>, placed: &[(&TrialRecord, f64)], upper: bool, bad: usize) -> Vec<CandidateRegion<'a>> {
    let mut cuts = Vec::new();
    let (mut inside, mut infeasible) = (0, 0);
    let mut last_has_infeasible = false;
    let same = |a: &(&TrialRecord, f64), b: &(&TrialRecord, f64)| a.1.total_cmp(&b.1).is_eq();
    let mut stops: Vec<_> = placed.chunk_by(same).collect();
    if upper {
        stops.reverse();
    }
    for place in stops {
        let infeasible_here = place.iter().filter(|(t, _)| is_infeasible(t)).count();
        if last_has_infeasible
            && infeasible_here < place.len()
            && let Some((trial, position)) = place.first().copied()
            && let Some(bound) = axis.value(trial)
        {
            let condition = Condition::Beyond { axis, upper, bound, position };
            cuts.push(CandidateRegion { condition, inside, infeasible, of: placed.len(), infeasible_of: bad });
        }
        inside += place.len();
        infeasible += infeasible_here;
        last_has_infeasible = infeasible_here > 0;
    }
    cuts
}

impl<'a> Region<'a> {
    pub(super) fn holds(&self, trial: &TrialRecord) -> bool {
        self.conditions.iter().all(|c| c.holds(trial))
    }

    fn purity(&self) -> f64 {
        self.infeasible as f64 / self.inside.max(1) as f64
    }

    fn narrowed(self, narrower: Region<'a>, of: &[&TrialRecord]) -> Self {
        let mut conditions = self.conditions;
        // A second cut of the same side of the same axis replaces the first.
        conditions.retain(|c| !narrower.conditions.iter().any(|n| n.replaces(c)));
        conditions.extend(narrower.conditions);
        let all = of.iter().filter(|t| is_infeasible(t)).count();
        Region {
            conditions,
            inside: narrower.inside,
            infeasible: narrower.infeasible,
            outside: of.len() - narrower.inside,
            infeasible_outside: all - narrower.infeasible,
            chance: self.chance.max(narrower.chance),
        }
    }

    /// The hyperparameters that it names.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.conditions.iter().map(|c| match c {
            Condition::Beyond { axis, .. } => axis.hyperparameter.name.as_str(),
            Condition::Is { varied, .. } => varied.hyperparameter.name.as_str(),
        })
    }

    /// `learning_rate > 0.8 and width < 32`.
    pub(super) fn rule(&self) -> String {
        list(&self.conditions.iter().map(Condition::words).collect::<Vec<_>>())
    }
}

impl Condition<'_> {
    fn holds(&self, trial: &TrialRecord) -> bool {
        match self {
            Self::Beyond { axis, upper, position, .. } => {
                axis.position(trial).is_some_and(|p| if *upper { p > *position } else { p < *position })
            }
            Self::Is { varied, value } => varied.value(trial) == Some(value),
        }
    }

    fn replaces(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Beyond { axis: a, upper: u, .. }, Self::Beyond { axis: b, upper: v, .. }) => {
                std::ptr::eq(a.hyperparameter, b.hyperparameter) && u == v
            }
            _ => false,
        }
    }

    /// `learning_rate > 0.8`.
    fn words(&self) -> String {
        match self {
            Self::Beyond { axis, upper, bound, .. } => {
                format!("{} {} {}", name(axis.hyperparameter), if *upper { ">" } else { "<" }, number(*bound))
            }
            Self::Is { varied, value } => format!("{} = {value}", name(varied.hyperparameter)),
        }
    }

    /// The key of the evidence: `learning_rate.infeasible_above`.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Beyond { axis, upper, .. } => {
                format!("{}.infeasible_{}", name(axis.hyperparameter), if *upper { "above" } else { "below" })
            }
            Self::Is { varied, value } => format!("{}.infeasible_with[{value}]", name(varied.hyperparameter)),
        }
    }
}
