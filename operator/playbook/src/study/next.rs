//! What a study does next.

use std::collections::BTreeMap;

use super::{
    StudyEnd, View,
    early_ending::{StopTrial, behind},
    end,
};
use crate::{
    Millis, Plan, PlannedTrial, TrialKey,
    rounds::{self, RoundPoint, Settled},
    search,
    trial::Reason,
};

/// What is to be done. Doing a part of it twice is doing it once: trials have names, attempts have numbers.
#[derive(Clone, Debug, Default)]
pub struct Next {
    /// Trials to create, each of which begins its first attempt.
    pub create: Vec<PlannedTrial>,
    /// Attempts of trials that exist which are due, by number from 1.
    pub attempts: Vec<(TrialKey, u32)>,
    /// Trials to stop.
    pub stop: Vec<StopTrial>,
    /// Trials whose points results are to choose: see [`search::points_for`]. It takes long, and is to be done beside all
    /// else; [`View::suggest`] takes in what came of it. While points of a study are being chosen, no others are asked for.
    pub suggest: Vec<TrialKey>,
    /// A round that has just begun: for the user's eyes.
    pub began: Option<String>,
    /// How the study ends.
    pub end: Option<StudyEnd>,
    /// When to ask again at the latest, though nothing happened.
    pub wake_at: Option<Millis>,
    /// What the study waits for; `None` exactly when it has ended.
    pub waits_for: Option<WaitsFor>,
    /// The plan without trials that were added too late, if any were.
    pub settled: Option<Settled>,
}

/// What a study that has not ended waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WaitsFor {
    /// Points of another study.
    OtherStudy,
    /// Trials that are in flight, or are created now.
    Trials {
        /// How many.
        under_way: usize,
    },
    /// Points that results choose.
    Points,
    /// A user who sets `spec.suspend` to false.
    Resumption,
}

/// What a study does next. Deterministic: the order in which trials were put in and in which they ended changes nothing;
/// points depend on the study's seed and their own index alone, or are asked for with [`Next::suggest`].
///
/// A trial that exists and has not ended is in flight, whether it waits, runs or waits for another attempt: it keeps its
/// position among the `spec.parallelism` that may be in flight at once. One whose first attempt is not known to have begun
/// (attempt 0) is to begin it, which does nothing where it did.
///
/// No trial is created while the study is suspended, nor once more than `failure.maxFailedTrials` have failed; trials that
/// exist run to their end, retries included. Where all trials fail alike before a line of metrics, none is created or tried
/// again. A study ends once no trial is in flight.
///
/// `view` is not changed but for what it keeps worked out. The cost grows with what changed since the last call.
#[must_use]
pub fn next(plan: &Plan, view: &mut View, now: Millis) -> Next {
    if plan.awaits_points() {
        return Next { waits_for: Some(WaitsFor::OtherStudy), ..Next::default() };
    }
    let settled = rounds::settled(plan, |round| view.last_index(round));
    let plan = settled.as_ref().map_or(plan, |settled| &settled.plan);
    let attempts = view.due(now).map(|trial| (trial.key.clone(), trial.attempt + 1)).collect();
    let mut next = Next { attempts, stop: behind(plan, view), wake_at: view.next_retry(now), ..Next::default() };
    match end::gives_up(plan, view) {
        Some(why) if view.under_way() == 0 => next.end = Some(end::gave_up(why)),
        Some(why) => end_waiting(plan, why, &mut next),
        None => advance(plan, view, &mut next),
    }
    next.waits_for = waits_for(plan, view, &next);
    next.settled = settled;
    next
}

/// Why a trial ends whose study gives up while it waits for another attempt.
const NOT_TRIED_AGAIN: &str =
    "it was not tried again: the first trials of the study all failed alike before they wrote a line";

/// Ends trials that wait for another attempt, of a study that gives up.
fn end_waiting(plan: &Plan, why: end::GivesUp, next: &mut Next) {
    if why.reason == end::COMMON_FAILURE {
        // Another attempt would fail likewise; those that run may show that it would not.
        next.attempts.clear();
    }
    next.stop.extend(why.end.into_iter().map(|key| StopTrial {
        name: plan.trial_name(&key),
        key,
        reason: Reason::CommonFailure,
        why: NOT_TRIED_AGAIN.to_owned(),
    }));
}

fn waits_for(plan: &Plan, view: &View, next: &Next) -> Option<WaitsFor> {
    let under_way = view.under_way() + next.create.len();
    match next {
        Next { end: Some(_), .. } => None,
        _ if under_way > 0 => Some(WaitsFor::Trials { under_way }),
        _ if plan.spec().suspend => Some(WaitsFor::Resumption),
        _ => Some(WaitsFor::Points),
    }
}

/// Continues with the first round that is not over.
fn advance(plan: &Plan, view: &mut View, next: &mut Next) {
    let under_way = view.under_way();
    for round in rounds::names(plan) {
        let Some(planned) = Planned::of(plan, &round, view) else {
            if under_way == 0 {
                next.end = Some(end::no_points(plan, &round, view));
            }
            return;
        };
        if is_over(&planned, &round, view) {
            continue;
        }
        create(plan, &planned, &round, view, next);
        return;
    }
    if under_way == 0 {
        next.end = Some(end::completed(plan, view));
    }
}

/// The points of a round.
enum Planned<'a> {
    /// Of the study's sequence, in the order of their index.
    Fresh(&'a [RoundPoint]),
    /// The best of an earlier round.
    Best(Vec<RoundPoint>),
}

impl<'a> Planned<'a> {
    /// `None` of a round whose source has no points.
    fn of(plan: &'a Plan, round: &str, view: &mut View) -> Option<Self> {
        if let Some(points) = rounds::fresh_points(plan, round) {
            return Some(Self::Fresh(points));
        }
        let chosen = match view.round(round).chosen.take() {
            Some(chosen) => chosen,
            None => rounds::chosen(plan, round, |from| view.of_round(from))?,
        };
        let placed = rounds::placed(plan, round, &chosen, view.of_round(round));
        view.round(round).chosen = Some(chosen);
        Some(Self::Best(placed))
    }

    fn points(&self) -> &[RoundPoint] {
        match self {
            Self::Fresh(points) => points,
            Self::Best(points) => points,
        }
    }
}

/// Whether every planned trial of a round has ended.
fn is_over(planned: &Planned<'_>, round: &str, view: &mut View) -> bool {
    let points = planned.points();
    let known = view.round(round);
    if known.is_over || known.ended < points.len() {
        return known.is_over;
    }
    let is_over = points.iter().all(|point| view.trial(&point.key).is_some_and(|trial| trial.phase.has_ended()));
    view.round(round).is_over = is_over;
    is_over
}

/// Creates trials of a round, as many as may be in flight.
fn create(plan: &Plan, planned: &Planned<'_>, round: &str, view: &mut View, next: &mut Next) {
    let spec = plan.spec();
    let free = if spec.suspend { 0 } else { (spec.parallelism as usize).saturating_sub(view.under_way()) };
    let points = planned.points();
    // Points of the sequence keep their positions, so those before the cursor need not be looked at again.
    let start = if matches!(planned, Planned::Fresh(_)) { view.round(round).cursor } else { 0 };
    let mut cursor = start;
    let mut missing: BTreeMap<u32, RoundPoint> = BTreeMap::new();
    let mut seen = 0;
    for (position, point) in points.iter().enumerate().skip(start) {
        if view.trial(&point.key).is_some() {
            cursor += usize::from(position == cursor);
            continue;
        }
        if seen == free {
            break;
        }
        seen += 1;
        let known = if search::is_known_by_index(plan, &point.key) { Some(point) } else { view.suggested(&point.key) };
        match known {
            Some(point) => {
                missing.insert(point.key.index, point.clone());
            }
            None => next.suggest.push(point.key.clone()),
        }
    }
    view.round(round).cursor = cursor;
    if !missing.is_empty() && view.last_index(round).is_none() {
        next.began = Some(round.to_owned());
    }
    next.create = missing
        .into_values()
        .map(|point| PlannedTrial { name: plan.trial_name(&point.key), spec: rounds::trial_spec(plan, &point) })
        .collect();
}
