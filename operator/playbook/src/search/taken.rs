//! The points of another study that a Manual search tries (`search.pointsFrom`).
//!
//! They are taken once, when the study begins, and kept by its runner: what becomes of the other study later changes
//! no point. Taken, they are listed points like any others.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use studious_api::{
    Hyperparameters, StudySpec,
    study::{ConstraintStatus, PointsFrom},
    validate::{self, Violation},
};

use super::EarlierStudy;
use crate::{record::TrialRecord, rounds::RETRAIN, space::PointIdentity};

/// Most points of a list.
const MOST_POINTS: usize = 1000;
/// Most points whose problem is reported.
const MOST_TOLD: usize = 8;
const FIELD: &str = "spec.search.pointsFrom";

/// Points as they were taken of another study.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// What identifies the study that they are for: its uid, or locally its name.
    pub taker: String,
    /// What was asked.
    pub from: PointsFrom,
    /// The points in the order in which they are tried.
    pub points: Vec<TakenPoint>,
}

/// A point with the trial that had it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TakenPoint {
    /// The name of the first trial that had it.
    pub trial: String,
    /// The point, as one of the study that tries it.
    pub hyperparameters: Hyperparameters,
}

impl Taken {
    /// Takes the points that a study asks of another one, each once: with `best` the best, the best first; otherwise those
    /// of all trials, in the order of rounds and trials. Depends on the set of trials alone.
    ///
    /// # Errors
    /// When the other study has no such round or no such trial, or points that this study couldn't try: each with the trial,
    /// the hyperparameter, the value and the fix.
    pub fn of(taker: &str, spec: &StudySpec, from: &PointsFrom, source: &EarlierStudy) -> Result<Self, Vec<Violation>> {
        let mut trials = asked(from, source)?;
        // Equal points are one, whatever trained them how often.
        let mut seen = HashSet::new();
        let mut points = Vec::new();
        let mut wrong = Vec::new();
        for trial in trials.drain(..) {
            let own = source.known_here(&spec.hyperparameters, &trial.hyperparameters);
            match validate::point_of(spec, &own, &trial.name) {
                Ok(point) if !seen.insert(PointIdentity::of(&point)) => continue,
                Ok(hyperparameters) => points.push(TakenPoint { trial: trial.name.clone(), hyperparameters }),
                Err(violations) if wrong.len() < MOST_TOLD => wrong.extend(violations.into_iter().take(2)),
                Err(_) => {}
            }
            if wrong.is_empty() && from.best.is_some_and(|best| points.len() >= best as usize) {
                break;
            }
        }
        if !wrong.is_empty() {
            let told = wrong.into_iter().map(|v| Violation { field: format!("{FIELD}: trial {}", v.field), ..v });
            return Err(told.collect());
        }
        if points.len() > MOST_POINTS {
            return Err(vec![Violation {
                field: FIELD.to_owned(),
                value: from.study.clone(),
                rule: format!("has {} points, and a study lists at most {MOST_POINTS}", points.len()),
                fix: format!("Take fewer: pointsFrom: {{study: {}, best: …}}.", from.study),
                code: None,
            }]);
        }
        Ok(Self { taker: taker.to_owned(), from: from.clone(), points })
    }

    /// What was written down before, if it is what this study asks.
    #[must_use]
    pub fn read(text: &str, taker: &str, spec: &StudySpec) -> Option<Self> {
        let known: Self = serde_json::from_str(text).ok()?;
        (known.taker == taker && spec.search.points_from.as_ref() == Some(&known.from)).then_some(known)
    }

    /// To be written down.
    #[must_use]
    pub fn text(&self) -> String {
        // Names, numbers and texts: nothing that JSON can't say.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The study with its points listed.
    #[must_use]
    pub fn listed_in(&self, spec: &StudySpec) -> StudySpec {
        let mut spec = spec.clone();
        spec.search.points_from = None;
        spec.search.points = self.points.iter().map(|point| point.hyperparameters.clone()).collect();
        spec
    }
}

/// The trials whose points are asked, in their order.
fn asked<'a>(from: &PointsFrom, source: &'a EarlierStudy) -> Result<Vec<&'a TrialRecord>, Vec<Violation>> {
    let rounds: Vec<&str> = source.spec.rounds.iter().map(|round| round.name.as_str()).chain([RETRAIN]).collect();
    if let Some(round) = from.round.as_deref().filter(|round| !rounds.contains(round)) {
        return Err(vec![Violation {
            field: format!("{FIELD}.round"),
            value: round.to_owned(),
            rule: format!("is not a round of study {}", from.study),
            fix: format!("Name one of {}, or leave it out.", rounds[..rounds.len() - 1].join(", ")),
            code: None,
        }]);
    }
    let place = |trial: &TrialRecord| rounds.iter().position(|round| *round == trial.round);
    // Retraining has points of the last round again.
    let is_asked = |trial: &&TrialRecord| match &from.round {
        Some(round) => trial.round == *round,
        None => trial.round != RETRAIN,
    };
    let mut trials: Vec<&TrialRecord> = source.trials.iter().filter(is_asked).collect();
    trials.sort_by(|a, b| (place(a), &a.name).cmp(&(place(b), &b.name)));
    let nothing = |what: &str| {
        let of_round = from.round.as_ref().map_or_else(String::new, |round| format!(" of round {round}"));
        vec![Violation {
            field: FIELD.to_owned(),
            value: from.study.clone(),
            rule: format!("has no trial{of_round}{what}"),
            fix: "Name another study or round, or list points in points.".to_owned(),
            code: None,
        }]
    };
    if from.best.is_none() {
        return if trials.is_empty() { Err(nothing("")) } else { Ok(trials) };
    }
    let violates =
        |trial: &TrialRecord| !matches!(trial.standing(&source.spec.constraints), ConstraintStatus::Satisfied);
    let mut ranked: Vec<(&TrialRecord, f64)> = trials
        .into_iter()
        .filter(|trial| !violates(trial))
        .filter_map(|trial| Some((trial, trial.objective().filter(|objective| objective.is_finite())?)))
        .collect();
    // Rounds train for different lengths: their objectives don't compare.
    let last = ranked.iter().filter_map(|(trial, _)| place(trial)).max();
    ranked.retain(|(trial, _)| place(trial) == last);
    let direction = source.spec.objective.direction;
    // Stable: of equals the first.
    ranked.sort_by(|(_, a), (_, b)| direction.best_first(*a, *b));
    if ranked.is_empty() { Err(nothing(" that succeeded")) } else { Ok(ranked.into_iter().map(|(t, _)| t).collect()) }
}
