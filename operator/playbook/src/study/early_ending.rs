//! Ending trials early that fall behind: `search.earlyEnding`.
//!
//! Two rules. Both compare a trial with others at the same training step, by evaluations alone, and both are decided anew
//! from all evaluations there are: the same evaluations give the same decision, after a restart too. While the evaluations
//! of any trial that is compared are not known, nothing is decided: unknown is not empty.
//!
//! - `Median` is the rule of Google Vizier (Golovin, Solnik, Moitra, Kochanski, Karro, Sculley 2017, section 3.2.2): a trial
//!   is stopped at step s if its best objective by step s is strictly worse than the median of the running averages of the
//!   other trials' objectives reported up to step s. The paper speaks of completed trials; here those that run and have
//!   come to step s count too, since many may run at once. Of a trial that was stopped before step s its average up to
//!   there counts, so that the median stays one of all trials and doesn't rise as the poor ones go.
//! - `SuccessiveHalving` is asynchronous successive halving (Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht,
//!   Talwalkar 2020) with one bracket, in the form that stops trials in place of pausing them. At each rung, steps
//!   `fromStep`, `fromStep` η, `fromStep` η² … below the round's last, a trial continues if it is among the best ⌊n/η⌋ of the n
//!   that have come to the rung; while n < η all continue. Until it comes to the next rung a trial may still be overtaken by
//!   others at its rung: what was a promotion for lack of competitors is taken back. Its place is its objective there, by
//!   the study's own rule (best so far, or latest). Equals continue.
//!
//! What is compared: trials of one round, since only they share a step budget and a schedule; in a `Crossed` study trials
//! of one scientific configuration, since otherwise a configuration that learns slowly at first would be judged by its
//! start, and the comparison that the study is for would be lost. Infeasible and failed trials are left out on both
//! sides. The round `retrain` is never ended early: it measures noise, which needs all of its trials.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use studious_api::{
    study::{Direction, EarlyEnding, EarlyEndingRule, Select},
    trial::{MAX_RUNGS, RungStatus, TrialPhase},
};

use super::View;
use crate::{
    Plan, TrialKey,
    findings::number,
    rounds, schedule,
    space::PointIdentity,
    trial::{Reason, TrialState},
};

/// Most evaluations that are kept of a trial: of more, every second, third … one.
pub(super) const MAX_POINTS: usize = 512;

/// A trial's evaluations as the rules read them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace(pub(super) Vec<Point>);

/// What the evaluations up to a step add up to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) step: u64,
    pub(super) value: f64,
    /// Running average.
    pub(super) mean: f64,
    pub(super) best: f64,
}

impl Trace {
    /// From a trial's evaluations in the order of steps. Values that aren't finite are left out.
    #[must_use]
    pub fn new(direction: Direction, evaluations: impl IntoIterator<Item = (u64, f64)>) -> Self {
        let mut points: Vec<Point> = Vec::new();
        let (mut mean, mut count) = (0.0, 0.0);
        for (step, value) in evaluations.into_iter().filter(|(_, value)| value.is_finite()) {
            count += 1.0;
            // So that the average of equal values is that value, to the last bit: equals are not worse.
            mean += (value - mean) / count;
            let best = points.last().map_or(value, |p| if direction.better(value, p.best) { value } else { p.best });
            points.push(Point { step, value, mean, best });
        }
        let n = points.len();
        let every = n.div_ceil(MAX_POINTS).max(1);
        // The last one stays.
        Self(
            points
                .into_iter()
                .enumerate()
                .filter(|(i, _)| (n - 1 - i).is_multiple_of(every))
                .map(|(_, point)| point)
                .collect(),
        )
    }

    /// What a trial's status keeps of it: its evaluations at these rungs, as far as it has come.
    #[must_use]
    pub fn at_rungs(&self, rungs: &[u64]) -> Vec<RungStatus> {
        let of = |rung: &u64| {
            let point = self.from(*rung)?;
            Some(RungStatus { rung: *rung, step: point.step, value: point.value, best: point.best })
        };
        rungs.iter().filter_map(of).collect()
    }

    /// With evaluations that a status kept and that are not known otherwise: those before the first one here. Enough for
    /// `SuccessiveHalving`; their running averages are lost.
    #[must_use]
    pub fn with_rungs(mut self, direction: Direction, kept: &[RungStatus]) -> Self {
        let first = self.0.first().map_or(u64::MAX, |point| point.step);
        let mut earlier: Vec<Point> = Vec::new();
        for RungStatus { step, value, best, .. } in kept {
            // Two rungs may share an evaluation.
            if *step < first && earlier.last().is_none_or(|last| last.step < *step) {
                earlier.push(Point { step: *step, value: *value, mean: *value, best: *best });
            }
        }
        if let Some(best) = earlier.last().map(|point| point.best) {
            for point in &mut self.0 {
                point.best = if direction.better(best, point.best) { best } else { point.best };
            }
        }
        earlier.append(&mut self.0);
        Self(earlier)
    }

    /// The step of the first evaluation.
    #[must_use]
    pub fn first_step(&self) -> Option<u64> {
        self.0.first().map(|point| point.step)
    }

    /// Whether there is no evaluation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn last(&self) -> Option<&Point> {
        self.0.last()
    }

    /// The latest at or before a step.
    fn up_to(&self, step: u64) -> Option<&Point> {
        self.0[..self.0.partition_point(|p| p.step <= step)].last()
    }

    /// The first at or after a step.
    fn from(&self, step: u64) -> Option<&Point> {
        self.0.get(self.0.partition_point(|p| p.step < step))
    }
}

/// A trial that is to be stopped.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct StopTrial {
    /// Its position in its study.
    pub key: TrialKey,
    /// Its name.
    pub name: String,
    /// In a word.
    pub reason: Reason,
    /// In a sentence.
    pub why: String,
}

/// The trials that are compared with each other: those of one round and, in a `Crossed` study, of one configuration.
type Group = (String, Option<PointIdentity>);

/// What early ending knows of a study's trials.
#[derive(Clone, Debug, Default)]
pub(super) struct Contest {
    groups: BTreeMap<Group, BTreeSet<u32>>,
    entrants: HashMap<TrialKey, Entrant>,
    /// Evaluations by trial. Those of a trial that is missing are not known.
    evaluations: HashMap<TrialKey, Arc<Trace>>,
    /// Groups of which something has changed since they were judged.
    changed: BTreeSet<Group>,
    /// Trials that are behind, until they have ended.
    behind: BTreeMap<TrialKey, StopTrial>,
}

/// A trial that is compared.
#[derive(Clone, Debug)]
struct Entrant {
    group: Group,
    /// Of its learning-rate warmup, in steps.
    warmup: u64,
    phase: TrialPhase,
}

/// A trial with its evaluations.
struct Runner<'a> {
    key: &'a TrialKey,
    has_ended: bool,
    trace: &'a Trace,
    warmup: u64,
}

impl Contest {
    pub(super) fn put(&mut self, plan: &Plan, trial: &TrialState) {
        if !may_end_early(plan, &trial.key.round) {
            return;
        }
        if let Some(entrant) = self.entrants.get_mut(&trial.key) {
            if entrant.phase != trial.phase {
                entrant.phase = trial.phase;
                self.changed.insert(entrant.group.clone());
            }
        } else {
            let point = &trial.hyperparameters;
            let arm = plan.is_crossed().then(|| PointIdentity::of(&plan.space().scientific_part(point)));
            let steps = rounds::max_train_steps(plan, &trial.key.round);
            let schedule = schedule::of_trial(plan.spec(), steps, point);
            let group = (trial.key.round.clone(), arm);
            let warmup = schedule.map_or(0, |schedule| schedule.warmup_steps);
            self.groups.entry(group.clone()).or_default().insert(trial.key.index);
            self.changed.insert(group.clone());
            self.entrants.insert(trial.key.clone(), Entrant { group, warmup, phase: trial.phase });
        }
        if trial.phase.has_ended() {
            self.behind.remove(&trial.key);
        }
    }

    pub(super) fn remove(&mut self, key: &TrialKey) {
        self.evaluations.remove(key);
        self.behind.remove(key);
        if let Some(entrant) = self.entrants.remove(key) {
            if let Some(group) = self.groups.get_mut(&entrant.group) {
                group.remove(&key.index);
            }
            self.changed.insert(entrant.group);
        }
    }

    pub(super) fn observe(&mut self, key: &TrialKey, evaluations: Option<Arc<Trace>>) {
        let known = self.evaluations.get(key);
        let is_same = match (known, &evaluations) {
            (Some(known), Some(now)) => Arc::ptr_eq(known, now) || known == now,
            (None, None) => true,
            _ => false,
        };
        if is_same {
            return;
        }
        match evaluations {
            Some(evaluations) => self.evaluations.insert(key.clone(), evaluations),
            None => self.evaluations.remove(key),
        };
        if let Some(entrant) = self.entrants.get(key) {
            self.changed.insert(entrant.group.clone());
        }
    }

    /// The trials of a group that are compared; `None` while the evaluations of one are not known. Infeasible and failed
    /// trials are left out on both sides.
    fn runners(&self, group: &Group) -> Option<Vec<Runner<'_>>> {
        let mut runners = Vec::new();
        for index in self.groups.get(group)? {
            let key = TrialKey { round: group.0.clone(), index: *index };
            let Some((key, entrant)) = self.entrants.get_key_value(&key) else { continue };
            if matches!(entrant.phase, TrialPhase::Infeasible | TrialPhase::Failed) {
                continue;
            }
            let trace = self.evaluations.get(key)?;
            if trace.last().is_some() {
                runners.push(Runner { key, has_ended: entrant.phase.has_ended(), trace, warmup: entrant.warmup });
            }
        }
        Some(runners)
    }
}

/// The steps at which `SuccessiveHalving` compares trials that train so many steps; none by another rule.
#[must_use]
pub fn rungs(rule: &EarlyEnding, steps: u64) -> Vec<u64> {
    if rule.rule != EarlyEndingRule::SuccessiveHalving {
        return Vec::new();
    }
    let factor = u64::from(rule.reduction_factor());
    std::iter::successors(Some(rule.from_step(steps)), |rung| rung.checked_mul(factor))
        .take_while(|rung| *rung < steps)
        .take(MAX_RUNGS)
        .collect()
}

/// The trials that are to be stopped now because they fall behind, each with the rule and its numbers in `why`. Nothing
/// unless the study asks for it.
pub(super) fn behind(plan: &Plan, view: &mut View) -> Vec<StopTrial> {
    let Some(rule) = plan.spec().search.early_ending.as_ref() else { return Vec::new() };
    let contest = view.contest();
    for group in std::mem::take(&mut contest.changed) {
        let found = judge(plan, rule, contest, &group);
        contest.behind.retain(|key, _| contest.entrants.get(key).is_none_or(|entrant| entrant.group != group));
        contest.behind.extend(found.into_iter().map(|stop| (stop.key.clone(), stop)));
    }
    contest.behind.values().cloned().collect()
}

/// The trials of a group that are behind.
fn judge(plan: &Plan, rule: &EarlyEnding, contest: &Contest, group: &Group) -> Vec<StopTrial> {
    let Some(runners) = contest.runners(group) else { return Vec::new() };
    if runners.iter().all(|runner| runner.has_ended) {
        return Vec::new();
    }
    let steps = rounds::max_train_steps(plan, &group.0);
    let mut behind: Vec<(&TrialKey, String)> = Vec::new();
    let reason = match rule.rule {
        EarlyEndingRule::Median => {
            median(plan, rule, steps, &runners, &mut behind);
            Reason::MedianRule
        }
        EarlyEndingRule::SuccessiveHalving => {
            halving(plan, rule, steps, &runners, &mut behind);
            Reason::SuccessiveHalving
        }
    };
    let mut told: Vec<StopTrial> = behind
        .into_iter()
        .map(|(key, why)| StopTrial { key: key.clone(), name: plan.trial_name(key), reason: reason.clone(), why })
        .collect();
    // Of several rungs that say so, one.
    told.sort();
    told.dedup_by(|a, b| a.key == b.key);
    told
}

/// Whether the trials of a round may be ended early: whether their evaluations are asked for.
#[must_use]
pub fn may_end_early(plan: &Plan, round: &str) -> bool {
    plan.spec().search.early_ending.is_some() && round != rounds::RETRAIN
}

fn median<'a>(
    plan: &Plan,
    rule: &EarlyEnding,
    steps: u64,
    group: &[Runner<'a>],
    behind: &mut Vec<(&'a TrialKey, String)>,
) {
    let objective = &plan.spec().objective;
    for runner in group.iter().filter(|r| !r.has_ended) {
        let Some(last) = runner.trace.last() else { continue };
        if last.step < rule.from_step(steps) || last.step <= runner.warmup {
            continue;
        }
        let others = group.iter().filter(|other| {
            let has_come = other.trace.last().is_some_and(|p| p.step >= last.step);
            !std::ptr::eq(*other, runner) && (has_come || other.has_ended)
        });
        let mut means: Vec<f64> = others.filter_map(|o| Some(o.trace.up_to(last.step)?.mean)).collect();
        if means.is_empty() || means.len() < rule.min_trials() as usize {
            continue;
        }
        means.sort_by(f64::total_cmp);
        let median = f64::midpoint(means[(means.len() - 1) / 2], means[means.len() / 2]);
        if objective.direction.better(median, last.best) {
            let why = format!(
                "by step {} its best {} was {}, worse than {}, the median of the running averages of {} \
                 other trials up to that step",
                last.step,
                objective.metric,
                number(last.best),
                number(median),
                means.len()
            );
            behind.push((runner.key, why));
        }
    }
}

fn halving<'a>(
    plan: &Plan,
    rule: &EarlyEnding,
    steps: u64,
    group: &[Runner<'a>],
    behind: &mut Vec<(&'a TrialKey, String)>,
) {
    let objective = &plan.spec().objective;
    let factor = rule.reduction_factor();
    let rungs = rungs(rule, steps);
    let score = |point: &Point| match objective.select {
        Select::Best => point.best,
        Select::Final => point.value,
    };
    for (i, rung) in rungs.iter().enumerate() {
        let at: Vec<(&Runner<'_>, f64)> = group.iter().filter_map(|r| Some((r, score(r.trace.from(*rung)?)))).collect();
        let places = at.len() / factor as usize;
        if places == 0 {
            continue;
        }
        for (runner, own) in &at {
            let is_past = rungs.get(i + 1).is_some_and(|next| runner.trace.from(*next).is_some());
            if runner.has_ended || is_past || *rung <= runner.warmup {
                continue;
            }
            let better = at.iter().filter(|(_, other)| objective.direction.better(*other, *own)).count();
            if better >= places {
                let why = format!(
                    "at step {rung} its {} was {}, number {} of the {} trials that have come so \
                     far, of which the best {places} continue (1 in {factor})",
                    objective.metric,
                    number(*own),
                    better + 1,
                    at.len()
                );
                behind.push((runner.key, why));
            }
        }
    }
}
