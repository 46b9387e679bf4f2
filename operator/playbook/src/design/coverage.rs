//! Which part of the space a study's own points cover: trials of each arm, and what each arm sees of each dimension.

use std::collections::{BTreeSet, HashSet};

use schemars::JsonSchema;
use serde::Serialize;
use studious_api::{HyperparameterValue, Hyperparameters, study::Role};

use crate::{
    Plan, TrialKey,
    findings::{
        reading::{Arm, Reading, Varied},
        wording::name,
    },
    record::TrialRecord,
    rounds::{self, RoundPoint},
    search,
};

/// What the points of the largest round of fresh points cover.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// The round.
    pub round: String,
    /// Its trials whose points are known before any result.
    pub known: usize,
    /// Its trials whose points a search chooses by results.
    pub by_results: usize,
    /// The arms, in the order of the scientific values; one, without values, in a study without arms.
    pub arms: Vec<ArmCoverage>,
    /// The dimensions that arms tune, in the order of the study.
    pub dimensions: Vec<DimensionCoverage>,
}

/// An arm.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArmCoverage {
    /// The scientific values that its trials share.
    pub configuration: Hyperparameters,
    /// Its trials in the round.
    pub trials: usize,
    /// The dimensions that it tunes.
    pub dimensions: usize,
}

/// A dimension, in the arm that sees least of it.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DimensionCoverage {
    /// Its position in `spec.hyperparameters`, from 0.
    pub index: usize,
    /// Its name, with its condition.
    pub hyperparameter: String,
    /// Different values that the arm tries.
    pub values: usize,
    /// How many there are, where they can be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<usize>,
    /// The largest part of a range, in its scale, without a trial of the arm; missing for a list, and where every value is
    /// tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_gap: Option<Gap>,
}

/// A part of a range that no trial lies in.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Its share of the range, in the scale of the search.
    pub share: f64,
    /// Where it begins: the value of a trial, or `min`.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
}

/// Lists with more values than this are not counted.
const MOST_COUNTED: usize = 10_000;

impl Coverage {
    /// Of a plan; nothing while its points are not known, or where no round has points of its own.
    #[must_use]
    pub fn of(plan: &Plan) -> Option<Self> {
        let fresh =
            plan.spec().rounds.iter().filter_map(|r| Some((r.name.as_str(), rounds::fresh_points(plan, &r.name)?)));
        let (round, all) = fresh.filter(|(_, points)| !points.is_empty()).max_by_key(|(_, points)| points.len())?;
        let known: HashSet<&TrialKey> =
            all.iter().map(|point| &point.key).filter(|key| search::is_known_by_index(plan, key)).collect();
        let trials: Vec<TrialRecord> = all.iter().map(|point| untrained(plan, point)).collect();
        let is_known: Vec<TrialRecord> =
            all.iter().filter(|point| known.contains(&point.key)).map(|point| untrained(plan, point)).collect();
        // Every arm has its share of the trials, also where results choose their points.
        let (reading, reading_known) = (Reading::new(plan, &trials), Reading::new(plan, &is_known));
        let arms = reading.rounds.first().map(|round| reading.arms(round)).unwrap_or_default();
        let arms_known = reading_known.rounds.first().map(|round| reading_known.arms(round)).unwrap_or_default();
        let tuned: Vec<(usize, Varied<'_>)> = reading.varied().enumerate().filter(|(_, v)| is_tuned(v)).collect();
        Some(Self {
            round: round.to_owned(),
            known: known.len(),
            by_results: all.len() - known.len(),
            arms: arms.iter().map(|arm| arm_coverage(arm, &tuned)).collect(),
            dimensions: tuned.iter().filter_map(|varied| dimension_coverage(*varied, &arms_known)).collect(),
        })
    }

    /// Trials of the arm that has fewest.
    #[must_use]
    pub fn fewest_trials(&self) -> usize {
        self.arms.iter().map(|arm| arm.trials).min().unwrap_or_default()
    }

    /// The arm with the fewest trials for each of its dimensions.
    #[must_use]
    pub fn sparsest(&self) -> Option<&ArmCoverage> {
        let density = |arm: &ArmCoverage| arm.trials as f64 / arm.dimensions.max(1) as f64;
        self.arms.iter().min_by(|a, b| density(a).total_cmp(&density(b)))
    }
}

fn untrained(plan: &Plan, point: &RoundPoint) -> TrialRecord {
    TrialRecord {
        name: plan.trial_name(&point.key),
        round: point.key.round.clone(),
        hyperparameters: point.hyperparameters.clone(),
        ..TrialRecord::default()
    }
}

/// Whether arms tune it: values of scientific lists are the arms.
fn is_tuned(varied: &Varied<'_>) -> bool {
    let h = varied.hyperparameter;
    h.range.is_some() || (h.role == Role::Nuisance && h.values.as_ref().is_some_and(|values| values.len() > 1))
}

fn arm_coverage(arm: &Arm<'_>, tuned: &[(usize, Varied<'_>)]) -> ArmCoverage {
    let is_active = |(_, varied): &&(usize, Varied<'_>)| arm.trials.iter().any(|trial| varied.value(trial).is_some());
    // One name under two conditions is one dimension of a trial.
    let names: BTreeSet<&str> =
        tuned.iter().filter(is_active).map(|(_, varied)| varied.hyperparameter.name.as_str()).collect();
    let configuration = arm.configuration.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone()));
    ArmCoverage { configuration: configuration.collect(), trials: arm.trials.len(), dimensions: names.len() }
}

/// Of the arms that have it, what the one sees that sees least.
fn dimension_coverage((index, varied): (usize, Varied<'_>), arms: &[Arm<'_>]) -> Option<DimensionCoverage> {
    let of = varied.every().map(|every| every.len()).filter(|n| *n <= MOST_COUNTED);
    let seen = |arm: &Arm<'_>| -> Vec<f64> {
        let places = arm.trials.iter().filter_map(|trial| varied.unit_of(varied.value(trial)?));
        let mut places: Vec<f64> = places.collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        places
    };
    let of_arms: Vec<Vec<f64>> = arms.iter().map(seen).filter(|places| !places.is_empty()).collect();
    let values = of_arms.iter().map(Vec::len).min()?;
    let gaps = of_arms.iter().filter_map(|places| largest_gap(varied, places));
    let largest_gap = gaps.max_by(|a, b| a.share.total_cmp(&b.share)).filter(|_| of != Some(values));
    Some(DimensionCoverage { index, hyperparameter: name(varied.hyperparameter), values, of, largest_gap })
}

fn largest_gap(varied: Varied<'_>, places: &[f64]) -> Option<Gap> {
    let range = varied.hyperparameter.range.as_ref()?;
    let with_ends: Vec<f64> = std::iter::once(0.0).chain(places.iter().copied()).chain([1.0]).collect();
    let (from, to) =
        with_ends.windows(2).map(|pair| (pair[0], pair[1])).max_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)))?;
    let at = |place: f64, end: f64| if place <= 0.0 || place >= 1.0 { Some(end) } else { varied.number_at(place) };
    Some(Gap { share: to - from, from: at(from, range.min)?, to: at(to, range.max)? })
}

impl Varied<'_> {
    /// Every value, if there is an end of them.
    fn every(&self) -> Option<Vec<HyperparameterValue>> {
        let range = self.hyperparameter.range.as_ref();
        let is_long = |max: f64, min: f64| max - min > MOST_COUNTED as f64;
        match range {
            Some(range) if !range.integer || is_long(range.max, range.min) => None,
            _ => self.dimension().domain().every(),
        }
    }
}
