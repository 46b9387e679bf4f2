//! Trials by another objective.

use schemars::JsonSchema;
use serde::Serialize;
use studious_api::{
    Hyperparameters,
    study::{Direction, Select},
};

use super::Printable;
use crate::{show::rank::Ranking, source::LoadedStudy};

/// The latest round's trials by another objective, with their ranks by the study's own.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RankingDocument {
    /// The study's name.
    pub study: String,
    /// The round; missing where no trial has a result by both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<String>,
    /// The objective by which they are ranked.
    pub by: RankedObjective,
    /// The study's own objective.
    pub own: RankedObjective,
    /// The trials with a result by the objective that was asked for, the best first.
    pub trials: Vec<RankingEntry>,
    /// How many trials more there are, beyond --limit.
    pub omitted: usize,
    /// Kendall's rank correlation of both orders (tau-b): 1 the same, 0 none in common, -1 the reverse. Missing where there
    /// are too few different results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// Why the comparison is to be read with care, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<String>,
}

/// An objective.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RankedObjective {
    /// The metric.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
    /// Which evaluation of a trial counts.
    pub select: Select,
}

/// A trial by both objectives.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RankingEntry {
    /// From 1.
    pub rank: usize,
    /// Its name.
    pub name: String,
    /// Its value by the objective that was asked for.
    pub objective: f64,
    /// The step of that value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// Its rank by the study's own objective, if it has a result by that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_rank: Option<usize>,
    /// Its value by the study's own objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_objective: Option<f64>,
    /// Its point.
    pub hyperparameters: Hyperparameters,
}

impl Printable for RankingDocument {
    const KIND: &'static str = "Ranking";
}

impl RankingDocument {
    pub(crate) fn new(
        (own, other): (&LoadedStudy, &LoadedStudy),
        ranking: Option<&Ranking<'_>>,
        limit: usize,
        reservation: Option<String>,
    ) -> Self {
        let all = ranking.map_or(&[][..], |ranking| &ranking.trials);
        let trials = all.iter().enumerate().take(limit).filter_map(|(at, ranked)| {
            Some(RankingEntry {
                rank: at + 1,
                name: ranked.trial.record.name.clone(),
                objective: ranked.trial.objective()?,
                step: ranked.trial.step(),
                own_rank: ranked.own.map(|(rank, _)| rank),
                own_objective: ranked.own.map(|(_, objective)| objective),
                hyperparameters: ranked.trial.record.hyperparameters.clone(),
            })
        });
        Self {
            study: own.plan.name().to_owned(),
            round: ranking.map(|ranking| ranking.round.clone()),
            by: objective(other),
            own: objective(own),
            trials: trials.collect(),
            omitted: all.len().saturating_sub(limit),
            agreement: ranking.and_then(|ranking| ranking.agreement(own, other)).map(|agreement| agreement.tau),
            reservation,
        }
    }
}

fn objective(study: &LoadedStudy) -> RankedObjective {
    let objective = &study.plan.spec().objective;
    RankedObjective { metric: objective.metric.clone(), direction: objective.direction, select: objective.select }
}
