//! Rounds that take the best points of an earlier one.

use std::collections::{BTreeMap, HashMap, HashSet};

use studious_api::{Hyperparameters, study::Per};

use super::{PointSource, RoundPoint};
use crate::{
    Plan, TrialKey,
    space::PointIdentity,
    trial::{self, TrialState},
};

/// The points that a round takes of another, best first; `None` when that one has none.
///
/// Of each scientific configuration, the best of all configurations come before the second best of any.
pub(super) fn chosen<'a>(
    plan: &Plan,
    source: &PointSource<'_>,
    of_source: impl Iterator<Item = &'a TrialState>,
) -> Option<Vec<Hyperparameters>> {
    let PointSource::Best { best, per, .. } = source else { return None };
    let ranked = ranked(plan, of_source);
    let chosen: Vec<&Hyperparameters> = match per {
        Per::Study => ranked.into_iter().take(*best as usize).collect(),
        Per::Scientific => best_of_each(plan, &ranked, *best as usize),
    };
    (!chosen.is_empty()).then(|| chosen.into_iter().cloned().collect())
}

/// The points of a round's trials which succeeded and satisfy the study's constraints, best first, of equal objectives the
/// lower index first, none twice.
fn ranked<'a>(plan: &Plan, trials: impl Iterator<Item = &'a TrialState>) -> Vec<&'a Hyperparameters> {
    let spec = plan.spec();
    let ranked = trial::ranked(spec, trials);
    let mut seen = HashSet::new();
    let points = ranked.into_iter().filter(|trial| trial::satisfies(spec, *trial)).map(|t| &t.hyperparameters);
    points.filter(|point| seen.insert(PointIdentity::of(point))).collect()
}

/// The `best` of each scientific configuration: all first ones in the order of configurations, then all second ones.
fn best_of_each<'a>(plan: &Plan, ranked: &[&'a Hyperparameters], best: usize) -> Vec<&'a Hyperparameters> {
    let space = plan.space();
    let place: HashMap<PointIdentity, usize> =
        space.configurations().unwrap_or_default().iter().enumerate().map(|(i, c)| (PointIdentity::of(c), i)).collect();
    let mut arms: BTreeMap<(usize, PointIdentity), Vec<&Hyperparameters>> = BTreeMap::new();
    for point in ranked {
        let arm = PointIdentity::of(&space.scientific_part(point));
        // Configurations that can't be listed, those of a scientific range, come last.
        let number = place.get(&arm).copied().unwrap_or(usize::MAX);
        arms.entry((number, arm)).or_default().push(point);
    }
    (0..best)
        .flat_map(|rank| arms.values().filter_map(move |points| points.get(rank).copied()).collect::<Vec<_>>())
        .collect()
}

/// The chosen points with an index, each as often as it is wanted: that of the trial which has it already, or else the
/// first free one. A trial that exists keeps its point, should an earlier round get further trials later.
pub(super) fn placed<'a>(
    round: &str,
    source: &PointSource<'_>,
    chosen: &'a [Hyperparameters],
    own: impl Iterator<Item = &'a TrialState>,
) -> Vec<RoundPoint> {
    let times = if let PointSource::Best { times, .. } = source { *times } else { 1 };
    let mut placed: BTreeMap<u32, &Hyperparameters> = own.map(|t| (t.key.index, &t.hyperparameters)).collect();
    let mut existing: HashMap<PointIdentity, usize> = HashMap::new();
    for point in placed.values() {
        *existing.entry(PointIdentity::of(point)).or_default() += 1;
    }
    let mut index = 0;
    for point in (0..times).flat_map(|_| chosen) {
        if let Some(count) = existing.get_mut(&PointIdentity::of(point)).filter(|count| **count > 0) {
            *count -= 1;
            continue;
        }
        while placed.contains_key(&index) {
            index += 1;
        }
        placed.insert(index, point);
    }
    placed
        .into_iter()
        .map(|(index, point)| RoundPoint {
            key: TrialKey { round: round.to_owned(), index },
            hyperparameters: point.clone(),
        })
        .collect()
}
