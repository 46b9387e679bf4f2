//! The points of a study in the order in which they are tried, none twice.

use std::{collections::HashSet, hash::BuildHasher};

use studious_api::{
    Hyperparameters,
    study::Algorithm,
    validate::{self, ArmSize},
};

use super::Sequence;
use crate::{
    Plan,
    space::{PointIdentity, Space},
};

/// Points of a sequence that an arm has already are skipped. Of a space without an end, this many for each trial asked
/// before it counts as used up.
const PATIENCE: u64 = 1000;
/// Of a space with an end: this many times its size, and some. What the sequence hasn't met by then is listed.
const ROUNDS_OF_A_SPACE: u64 = 16;
/// Larger spaces are not listed: their sequences meet new points for as long as studies run.
const LARGEST_LISTED: u64 = 200_000;

/// The points of all arms of a study, arm by arm in turn: of `a` arms, number `i` belongs to arm `i mod a`, so whatever
/// has run is balanced, and arms with the same dimensions share their points.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    space: &'a Space,
    sequence: Sequence,
    /// The points of a Manual search in place of a sequence.
    listed: Option<Vec<Hyperparameters>>,
    arms: Vec<ArmWalk>,
    /// The patience with a space that has no end.
    patience: u64,
}

/// What one arm has taken of the sequence.
#[derive(Debug)]
struct ArmWalk {
    scientific: Hyperparameters,
    /// How many points it has; `None` for no end of them.
    size: Option<u64>,
    next: u64,
    seen: HashSet<PointIdentity>,
    /// What the sequence didn't meet, last first.
    rest: Option<Vec<Hyperparameters>>,
    used_up: bool,
}

impl<'a> Walk<'a> {
    /// From the first point on. `trials` are asked in all.
    pub(crate) fn new(plan: &'a Plan, trials: u32) -> Self {
        let search = &plan.spec().search;
        let space = plan.searched();
        let listed = (search.algorithm == Algorithm::Manual).then(|| listed(plan));
        let sizes = sizes(plan, listed.as_ref());
        let configurations = plan.arms().unwrap_or_default();
        let arm = |scientific: &Hyperparameters, size| ArmWalk {
            scientific: scientific.clone(),
            size,
            next: 0,
            seen: HashSet::new(),
            rest: None,
            used_up: false,
        };
        let arms = if configurations.is_empty() {
            let all = sizes.iter().try_fold(0_u64, |sum, arm| Some(sum.saturating_add(arm.points?)));
            vec![arm(&Hyperparameters::new(), all.filter(|_| !sizes.is_empty()))]
        } else {
            let size = |c: &Hyperparameters| sizes.iter().find(|arm| arm.scientific == *c).and_then(|arm| arm.points);
            configurations.iter().map(|c| arm(c, size(c))).collect()
        };
        Self {
            space,
            sequence: Sequence::new(space, search.algorithm, search.seed, plan.arms()),
            listed,
            arms,
            patience: PATIENCE.saturating_mul(u64::from(trials.max(1))),
        }
    }

    /// How many arms there are: one when the study isn't crossed.
    pub(crate) fn arms(&self) -> usize {
        self.arms.len()
    }

    /// The scientific configuration of each arm with the number of its points; `None` for no end of them.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (&Hyperparameters, Option<u64>)> {
        self.arms.iter().map(|arm| (&arm.scientific, arm.size))
    }

    /// Whether no arm has any point left.
    pub(crate) fn is_used_up(&self) -> bool {
        self.arms.iter().all(|arm| arm.used_up)
    }

    /// The next point of an arm.
    pub(crate) fn next(&mut self, arm: usize) -> Option<Hyperparameters> {
        let Self { space, sequence, listed, arms, patience } = self;
        let arm = arms.get_mut(arm)?;
        if let Some(listed) = listed {
            return arm.next_of(|i| usize::try_from(i).ok().and_then(|i| listed.get(i)).cloned(), |_| true, 1);
        }
        let scientific = arm.scientific.clone();
        let patience = arm.patience(*patience);
        let at = |i| Some(sequence.point(space, &scientific, i));
        let point = arm.next_of(at, |point| space.allows(point), patience);
        point.or_else(|| arm.next_of_rest(space))
    }

    /// Lets all arms continue where the foremost is, so that they share further points.
    pub(crate) fn align(&mut self) {
        let foremost = self.arms.iter().filter(|arm| !arm.used_up).map(|arm| arm.next).max();
        for arm in &mut self.arms {
            arm.next = foremost.unwrap_or(arm.next);
        }
    }
}

impl ArmWalk {
    fn patience(&self, without_end: u64) -> u64 {
        self.size.map_or(without_end, |size| {
            without_end.min(size.saturating_mul(ROUNDS_OF_A_SPACE).saturating_add(PATIENCE))
        })
    }

    /// The next point that is allowed and that the arm doesn't have yet: whole numbers and lists repeat.
    fn next_of(
        &mut self,
        at: impl Fn(u64) -> Option<Hyperparameters>,
        is_allowed: impl Fn(&Hyperparameters) -> bool,
        patience: u64,
    ) -> Option<Hyperparameters> {
        self.used_up |= self.size.is_some_and(|size| self.seen.len() as u64 >= size);
        if self.used_up || self.rest.is_some() {
            return None;
        }
        let end = self.next.saturating_add(patience);
        while self.next < end {
            let point = at(self.next)?;
            self.next += 1;
            if is_allowed(&point) && self.seen.insert(PointIdentity::of(&point)) {
                return Some(point);
            }
        }
        None
    }

    /// What the sequence hasn't met of a space that has an end: values that are rare.
    fn next_of_rest(&mut self, space: &Space) -> Option<Hyperparameters> {
        if self.used_up {
            return None;
        }
        let listed = self.size.is_some_and(|size| size <= LARGEST_LISTED);
        let rest = self.rest.get_or_insert_with(|| {
            let all = if listed { space.every_point(&self.scientific) } else { Vec::new() };
            all.into_iter().filter(|point| !self.seen.contains(&PointIdentity::of(point))).rev().collect()
        });
        let point = rest.pop();
        match &point {
            Some(point) => _ = self.seen.insert(PointIdentity::of(point)),
            None => self.used_up = true,
        }
        point
    }
}

/// The points of a Manual search, fixed values filled in.
fn listed(plan: &Plan) -> Vec<Hyperparameters> {
    let spec = plan.spec();
    // Validation has told those that are none.
    spec.search.points.iter().filter_map(|p| validate::point_of(spec, p, "").ok()).collect()
}

/// How many points each scientific configuration has; nothing when that can't be counted.
fn sizes(plan: &Plan, listed: Option<&Vec<Hyperparameters>>) -> Vec<ArmSize> {
    let spec = plan.spec();
    if let Some(listed) = listed {
        return vec![ArmSize { scientific: Hyperparameters::new(), points: Some(listed.len() as u64) }];
    }
    let mut sizes = validate::searched_sizes(spec).unwrap_or_default();
    for arm in &mut sizes {
        arm.scientific = plan.space().scientific_part(&arm.scientific);
    }
    sizes
}

/// The next points of a study that aren't among those tried, in the order of its trials; fewer than asked when the space
/// has no more. Of algorithms that don't choose points by results.
#[must_use]
pub fn untried<S: BuildHasher>(plan: &Plan, tried: &HashSet<PointIdentity, S>, count: usize) -> Vec<Hyperparameters> {
    let asked = u32::try_from(count.saturating_add(tried.len())).unwrap_or(u32::MAX);
    let mut walk = Walk::new(plan, asked);
    let mut points = Vec::new();
    let mut turn = 0;
    while points.len() < count && !walk.is_used_up() {
        if let Some(point) = walk.next(turn % walk.arms())
            && !tried.contains(&PointIdentity::of(&point))
        {
            points.push(point);
        }
        turn += 1;
    }
    points
}
