//! Trials at a glance: what a table of ten thousand of them shows, without their curves and pod templates.

use std::collections::BTreeMap;

use serde::Deserialize;
use studious_api::{Hyperparameters, trial::TrialSeeds};

use crate::{
    Ledger, LedgerError, RunState,
    trials::{from_json, to_u64},
};

/// A trial at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialHead {
    /// The object's uid; locally the trial's name.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its round.
    pub round: String,
    /// Number within the round, from 0.
    pub index: u32,
    /// The step budget of its round.
    pub max_train_steps: u64,
    /// The point.
    pub hyperparameters: Hyperparameters,
    /// The seeds it was given.
    pub seeds: TrialSeeds,
    /// Where it stands.
    pub state: RunState,
}

/// What a glance takes from a trial's spec; the template is skipped, not read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecHead {
    round: String,
    index: u32,
    hyperparameters: Hyperparameters,
    seeds: TrialSeeds,
    max_train_steps: u64,
}

impl Ledger {
    /// The trials of a study at a glance: in the order of rounds, by index within each.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn trial_heads(&self, study: &str) -> Result<Vec<TrialHead>, LedgerError> {
        let rows: Vec<(String, String, String, String)> =
            sqlx::query_as("SELECT uid, name, spec, state FROM trials WHERE study = ? ORDER BY round, number, uid")
                .bind(study)
                .fetch_all(&self.reader)
                .await?;
        let mut heads = rows
            .into_iter()
            .map(|(uid, name, spec, state)| {
                let spec: SpecHead = from_json("spec", &uid, &spec)?;
                let state = from_json("state", &uid, &state)?;
                let SpecHead { round, index, hyperparameters, seeds, max_train_steps } = spec;
                Ok(TrialHead { uid, name, round, index, max_train_steps, hyperparameters, seeds, state })
            })
            .collect::<Result<Vec<_>, LedgerError>>()?;
        // Later rounds train longer, so this is the order of rounds. The sort keeps the order of indices.
        heads.sort_by_key(|head| head.max_train_steps);
        Ok(heads)
    }

    /// The last value of every metric of host 0, by trial uid. Values that aren't finite are left out.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn latest(&self, study: &str) -> Result<BTreeMap<String, BTreeMap<String, f64>>, LedgerError> {
        let rows: Vec<(String, String, Option<f64>)> = sqlx::query_as(
            "SELECT l.trial, l.metric, l.value FROM trials t JOIN latest l ON l.trial = t.uid AND l.host = 0
             WHERE t.study = ?",
        )
        .bind(study)
        .fetch_all(&self.reader)
        .await?;
        let mut latest: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
        for (trial, metric, value) in rows {
            if let Some(value) = value.filter(|v| v.is_finite()) {
                latest.entry(trial).or_default().insert(metric, value);
            }
        }
        Ok(latest)
    }

    /// How many lines have come of a study's trials: a number that grows whenever there is something new to show.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn lines(&self, study: &str) -> Result<u64, LedgerError> {
        let lines: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum(s.next_line), 0) FROM trials t JOIN streams s ON s.trial = t.uid WHERE t.study = ?",
        )
        .bind(study)
        .fetch_one(&self.reader)
        .await?;
        Ok(to_u64(lines))
    }
}
