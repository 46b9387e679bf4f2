//! The results that an adaptive search starts from: which of them compare with those to come.
//!
//! Used are the trials of the study itself, of all its rounds, and those of the studies that `search.startFrom` names. A
//! trial counts where its point lies in the space of this study: hyperparameters that only the other study has must have
//! been fixed there, fixed ones of this study that the other lacks are taken as they are here, and every value must be one
//! that this study could try.
//!
//! Results of different step budgets, or of another study, aren't equal at the same point. Neither an offset nor a ratio
//! between them is assumed: the surrogate gets the budget (in log) and the study as dimensions of their own, along which
//! it learns how far results go together, and points are proposed at this round's budget and in this study. A study of the
//! same training (template, hosts, schedule) is no other study in this sense, where it says all of a point that this one
//! does. Until a study has results of its own to compare with, those of others count in full.
//!
//! That a trial failed or was stopped says nothing of its point. Of the study itself such a point isn't tried again.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use studious_api::{
    HyperparameterValue, Hyperparameters, StudySpec,
    study::{ConstraintStatus, Hyperparameter, Range, Role, Scale},
    validate::{self, Violation},
};

use super::bayesian::{Observation, PointResult};
use crate::{
    Plan,
    record::{Outcome, TrialRecord},
    rounds::{self, RETRAIN},
    space::{PointIdentity, Space},
    trial::Reason,
};

/// Most trials of other studies that a search starts from: the first of each study.
const MOST_EARLIER: usize = 1000;

/// Names of the dimensions that only the surrogate has: no hyperparameter may be called so.
const STEPS: &str = ".maxTrainSteps";
const STUDY: &str = ".study";

/// The surrogate's range of step budgets spans at least this factor.
const WIDE: f64 = 100.0;

/// A study that `search.startFrom` names, with its trials.
#[derive(Clone, Debug)]
pub struct EarlierStudy {
    /// Its name.
    pub name: String,
    /// As it was given.
    pub spec: StudySpec,
    /// Its trials, without their curves.
    pub trials: Vec<TrialRecord>,
}

impl EarlierStudy {
    /// How many of its results a study can start from.
    #[must_use]
    pub fn usable(&self, plan: &Plan) -> usize {
        if refusal(plan, &self.name, &self.spec).is_some() { 0 } else { self.results(plan).count() }
    }

    /// Its results by this study's points. A result of the same training, at a point that both studies know whole, is
    /// one as this study would have had it.
    fn results<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = PooledTrial<'a>> + 'a {
        let alike = self.is_alike(plan);
        self.trials.iter().filter(|trial| trial.is_result()).filter_map(move |trial| {
            let steps = steps_of(&self.spec, &trial.round)?;
            let point = self.point(plan, &trial.hyperparameters)?;
            let study = if alike && point == trial.hyperparameters { plan.name() } else { &self.name };
            Some(PooledTrial { steps, study, point, outcome: outcome(plan, trial) })
        })
    }

    /// A point of its as one of this study, if it is one.
    fn point(&self, plan: &Plan, point: &Hyperparameters) -> Option<Hyperparameters> {
        let known = self.known_here(&plan.spec().hyperparameters, point);
        validate::point_of(plan.spec(), &known, "").ok()
    }

    /// A point of its without what was fixed there and is no hyperparameter of `ours`.
    pub(super) fn known_here(&self, ours: &[Hyperparameter], point: &Hyperparameters) -> Hyperparameters {
        let fixed_there = |name: &str| {
            let mut all = self.spec.hyperparameters.iter().filter(|h| h.name == name).peekable();
            all.peek().is_some() && all.all(|h| h.role == Role::Fixed)
        };
        let known = |name: &str| ours.iter().any(|h| h.name == name);
        let kept = point.iter().filter(|(name, _)| known(name) || !fixed_there(name));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Whether it trains as this study does: what may differ is which points were tried.
    fn is_alike(&self, plan: &Plan) -> bool {
        let (ours, theirs) = (plan.spec(), &self.spec);
        ours.trial.template == theirs.trial.template
            && ours.trial.hosts == theirs.trial.hosts
            && ours.schedule == theirs.schedule
    }
}

/// Why a study that `search.startFrom` names can't be started from: it measured something else, so nothing of it compares.
#[must_use]
pub fn refusal(plan: &Plan, name: &str, spec: &StudySpec) -> Option<Violation> {
    let (ours, theirs) = (&plan.spec().objective, &spec.objective);
    let differs = [
        ("metric", ours.metric.clone(), theirs.metric.clone()),
        ("direction", format!("{:?}", ours.direction), format!("{:?}", theirs.direction)),
        ("select", format!("{:?}", ours.select), format!("{:?}", theirs.select)),
    ];
    let (what, ours, theirs) = differs.into_iter().find(|(_, ours, theirs)| ours != theirs)?;
    let starts = &plan.spec().search.start_from;
    let i = starts.iter().position(|start| start.study == name).unwrap_or_default();
    Some(Violation {
        field: format!("spec.search.startFrom[{i}].study"),
        value: name.to_owned(),
        rule: format!("its objective has the {what} {theirs}, and this study's has {ours}: they don't compare"),
        fix: "Remove it, or name a study of the same objective.".to_owned(),
        code: None,
    })
}

/// Step budget of a round; `None` for one that the study doesn't have.
fn steps_of(spec: &StudySpec, round: &str) -> Option<u64> {
    let named = spec.rounds.iter().find(|r| r.name == round);
    named.or_else(|| spec.rounds.last().filter(|_| round == RETRAIN)).map(|r| r.max_train_steps)
}

/// A point that violates a constraint is one to avoid, whatever its objective: it tells where feasible points end, as one
/// that can't be trained does.
static BEYOND_BOUNDS: Outcome = Outcome::Infeasible { reason: Reason::Reported };

/// What a trial says about its point. One that never reported a bounded metric says nothing of the bound.
fn outcome<'a>(plan: &Plan, trial: &'a TrialRecord) -> &'a Outcome {
    let violates = matches!(trial.standing(&plan.spec().constraints), ConstraintStatus::Violated(_));
    if violates && trial.objective().is_some() { &BEYOND_BOUNDS } else { &trial.outcome }
}

/// What a search knows when it proposes points for a round.
pub(super) struct SearchHistory {
    /// The space of the surrogate: the study's, and what tells results of other kinds apart.
    pub(super) space: Space,
    /// The place of this round along those further dimensions.
    pub(super) here: Hyperparameters,
    /// What was seen, by points of that space.
    pub(super) observed: Vec<Observation>,
    /// Points of the study's own trials, whatever became of them.
    pub(super) tried: HashSet<PointIdentity>,
}

/// One trial, before points are put together.
struct PooledTrial<'a> {
    steps: u64,
    study: &'a str,
    point: Hyperparameters,
    outcome: &'a Outcome,
}

impl SearchHistory {
    /// For a round. A trial without a round is one of this round. With fewer than `enough` results of its own a study can't
    /// say how far another one's go together with them: they count in full until then.
    pub(super) fn new(
        plan: &Plan,
        round: &str,
        trials: &[TrialRecord],
        earlier: &[EarlierStudy],
        enough: usize,
    ) -> Option<Self> {
        let here = rounds::max_train_steps(plan, round);
        let own = trials.iter().filter_map(|trial| {
            let steps = if trial.round.is_empty() { here } else { steps_of(plan.spec(), &trial.round)? };
            let point = trial.hyperparameters.clone();
            Some(PooledTrial { steps, study: plan.name(), point, outcome: outcome(plan, trial) })
        });
        let mut all: Vec<PooledTrial<'_>> = own.collect();
        let compares = trials.iter().filter(|trial| trial.is_result()).count() >= enough;
        let tried = all.iter().map(|trial| PointIdentity::of(&trial.point)).collect();
        let share = MOST_EARLIER / earlier.len().max(1);
        for other in earlier.iter().filter(|other| refusal(plan, &other.name, &other.spec).is_none()) {
            let results = other.results(plan).take(share);
            all.extend(results.map(|trial| if compares { trial } else { PooledTrial { study: plan.name(), ..trial } }));
        }

        let steps: BTreeSet<u64> = all.iter().map(|trial| trial.steps).chain([here]).collect();
        let studies: BTreeSet<&str> = all.iter().map(|trial| trial.study).chain([plan.name()]).collect();
        let further = [(steps.len() > 1).then(|| between(&steps)), (studies.len() > 1).then(|| one_of(&studies))];
        let has_steps = further[0].is_some();
        let has_study = further[1].is_some();
        let place = |steps: u64, study: &str| -> Hyperparameters {
            let steps = has_steps.then(|| (STEPS.to_owned(), HyperparameterValue::Number(steps as f64)));
            let study = has_study.then(|| (STUDY.to_owned(), HyperparameterValue::Text(study.to_owned())));
            steps.into_iter().chain(study).collect()
        };
        let dimensions: Vec<Hyperparameter> =
            plan.spec().hyperparameters.iter().cloned().chain(further.into_iter().flatten()).collect();
        Some(Self {
            space: Space::constrained(&dimensions, plan.space().constraints()).ok()?,
            here: place(here, plan.name()),
            observed: put_together(all, place),
            tried,
        })
    }

    /// How many points have a result.
    pub(super) fn results(&self) -> usize {
        self.observed.iter().filter(|o| o.result != PointResult::Pending).count()
    }
}

/// Of a wide range little is between two budgets of the same order, so that they go together unless results say
/// otherwise.
fn between(steps: &BTreeSet<u64>) -> Hyperparameter {
    let min = steps.first().map_or(1.0, |n| *n as f64);
    let range =
        Range { min, max: steps.last().map_or(1.0, |n| *n as f64).max(WIDE * min), scale: Scale::Log, integer: false };
    Hyperparameter { range: Some(range), ..further(STEPS) }
}

fn one_of(studies: &BTreeSet<&str>) -> Hyperparameter {
    let values = studies.iter().map(|name| HyperparameterValue::Text((*name).to_owned())).collect();
    Hyperparameter { values: Some(values), ..further(STUDY) }
}

/// Held where points are proposed, as scientific hyperparameters are.
fn further(name: &str) -> Hyperparameter {
    Hyperparameter::named(name, Role::Scientific)
}

/// One observation of each point: the mean of its objectives (a point trained again has several); infeasible if at least
/// half of its results are; without a result, one that is tried already.
fn put_together(trials: Vec<PooledTrial<'_>>, place: impl Fn(u64, &str) -> Hyperparameters) -> Vec<Observation> {
    #[derive(Default)]
    struct PointResults {
        objectives: Vec<f64>,
        infeasible: usize,
    }
    let mut points: BTreeMap<PointIdentity, (Hyperparameters, PointResults)> = BTreeMap::new();
    for PooledTrial { steps, study, mut point, outcome } in trials {
        point.extend(place(steps, study));
        let (_, results) = points.entry(PointIdentity::of(&point)).or_insert_with(|| (point, PointResults::default()));
        match outcome {
            Outcome::Succeeded { objective, .. } if objective.is_finite() => results.objectives.push(*objective),
            Outcome::Succeeded { .. } | Outcome::Infeasible { .. } => results.infeasible += 1,
            Outcome::Pending | Outcome::Failed { .. } | Outcome::Stopped { .. } => {}
        }
    }
    let result = |mut results: PointResults| {
        let n = results.objectives.len();
        if results.infeasible > 0 && results.infeasible >= n {
            return PointResult::Infeasible;
        }
        // The order of trials must not matter, to the last bit.
        results.objectives.sort_by(f64::total_cmp);
        if n == 0 {
            PointResult::Pending
        } else {
            PointResult::Objective(results.objectives.iter().sum::<f64>() / n as f64)
        }
    };
    let observed = points.into_values();
    observed.map(|(hyperparameters, results)| Observation { hyperparameters, result: result(results) }).collect()
}

impl SearchHistory {
    /// A proposed point without the further dimensions.
    pub(super) fn plain(point: &Hyperparameters) -> Hyperparameters {
        let ours = point.iter().filter(|(name, _)| *name != STEPS && *name != STUDY);
        ours.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}
