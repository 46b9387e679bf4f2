//! Trials at a glance: what a table of ten thousand of them shows, without their curves and pod templates.

use std::collections::BTreeMap;

use serde::Deserialize;
use studious_api::{Hyperparameters, trial::TrialSeeds};
use studious_playbook::trial::sort_by_round;

use crate::{
    Ledger, LedgerError, RunState,
    store::TrialColumns,
    trials::{from_json, spec_of},
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
        let mut read = self.database.read().await?;
        let mut heads = Vec::new();
        for TrialColumns { uid, name, spec, state, .. } in read.trials(study).await? {
            let spec: SpecHead = from_json("spec", &uid, &spec)?;
            let state = from_json("state", &uid, &state)?;
            let SpecHead { round, index, hyperparameters, seeds, max_train_steps } = spec;
            heads.push(TrialHead { uid, name, round, index, max_train_steps, hyperparameters, seeds, state });
        }
        if let Some(spec) = spec_of(&mut read, study).await? {
            sort_by_round(&spec, &mut heads, |head: &TrialHead| &head.round);
        }
        Ok(heads)
    }

    /// The last value of every metric of host 0, by trial uid. Values that aren't finite are left out.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn latest(&self, study: &str) -> Result<BTreeMap<String, BTreeMap<String, f64>>, LedgerError> {
        let mut latest: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
        for (trial, metric, value) in self.database.read().await?.latest_of_study(study).await? {
            if let Some(value) = value.filter(|v| v.is_finite()) {
                latest.entry(trial).or_default().insert(metric, value);
            }
        }
        Ok(latest)
    }
}
