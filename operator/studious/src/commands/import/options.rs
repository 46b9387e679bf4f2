//! What the command line says about columns and outcomes.

use std::{collections::BTreeMap, str::FromStr};

use clap::ValueEnum;
use studious_api::study::name_of;
use studious_playbook::{Plan, decide::TRAIN_LOSS, rounds};

use super::outcome::State;

/// What is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum ImportFormat {
    /// A row for each trial, as text or as Parquet
    Csv,
    /// Folders with event files
    Tensorboard,
}

/// What a trial without an objective is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum WithoutObjective {
    /// The point can't be trained: a result
    Infeasible,
    /// Not the point's fault: no result
    Failed,
    /// It has not ended
    Pending,
}

/// `NAME=COLUMN`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Mapping {
    name: String,
    column: String,
}

impl FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, column)) if !name.is_empty() && !column.is_empty() => {
                Ok(Self { name: name.to_owned(), column: column.to_owned() })
            }
            _ => Err("give NAME=COLUMN, such as learning_rate=lr".to_owned()),
        }
    }
}

/// What stands between cells: one character, or a tab by its name.
pub(super) fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "\\t" | "tab" => Ok(b'\t'),
        one if one.len() == 1 && !matches!(one, "\"" | "\n" | "\r") => Ok(one.as_bytes()[0]),
        _ => Err("give one ASCII character, such as ; or \\t for a tab".to_owned()),
    }
}

/// What words of `--state-word` mean.
pub(super) fn state_words(mappings: &[Mapping]) -> Result<BTreeMap<String, State>, String> {
    let known = |(word, meaning): (String, String)| match State::of(&meaning) {
        Some(state) => Ok((word.to_lowercase(), state)),
        None => Err(format!(
            "--state-word {word}={meaning}: unknown outcome {meaning}. Give succeeded, infeasible, failed, pruned, stopped or \
             pending"
        )),
    };
    collected(mappings, "--state-word")?.into_iter().map(known).collect()
}

/// As [`collected`], of hyperparameters, which may be given by alias.
pub(super) fn of_hyperparameters(
    plan: &Plan,
    mappings: &[Mapping],
    option: &str,
) -> Result<BTreeMap<String, String>, String> {
    let by_name = |Mapping { name, column }: &Mapping| {
        let name = name_of(&plan.spec().hyperparameters, name).unwrap_or(name).to_owned();
        Mapping { name, column: column.clone() }
    };
    collected(&mappings.iter().map(by_name).collect::<Vec<_>>(), option)
}

/// By name. Each may be given once.
pub(super) fn collected(mappings: &[Mapping], option: &str) -> Result<BTreeMap<String, String>, String> {
    let mut by_name = BTreeMap::new();
    for Mapping { name, column } in mappings {
        if let Some(other) = by_name.insert(name.clone(), column.clone()) {
            return Err(format!("{option} {name}={column}: {name} is {other} already. Give one of them"));
        }
    }
    Ok(by_name)
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub(super) struct ImportOptions {
    /// Columns of hyperparameters, where they have other names.
    pub hyperparameters: BTreeMap<String, String>,
    /// Columns or tags of metrics.
    pub metrics: BTreeMap<String, String>,
    pub round: Option<String>,
    pub name: Option<String>,
    pub step: Option<String>,
    pub state: Option<String>,
    pub reason: Option<String>,
    /// Found in the heading where it is not given.
    pub delimiter: Option<u8>,
    pub without_objective: Option<WithoutObjective>,
    pub sidecar: Option<String>,
    /// What an empty cell means, by hyperparameter.
    pub empty: BTreeMap<String, String>,
    /// What words that no tool known here writes mean, in lower case.
    pub state_words: BTreeMap<String, State>,
    /// Measurements before this step are left out.
    pub from_step: u64,
}

impl ImportOptions {
    /// What names nothing of the study, or would be read by nothing.
    pub(super) fn check(&self, plan: &Plan, is_tensorboard: bool, has_measurements: bool) -> Result<(), String> {
        let spec = plan.spec();
        let mapped = self.hyperparameters.iter().map(|pair| ("--map", pair));
        for (option, (name, column)) in mapped.chain(self.empty.iter().map(|pair| ("--empty", pair))) {
            if !spec.hyperparameters.iter().any(|h| h.name == *name) {
                let mut known: Vec<&str> = spec.hyperparameters.iter().map(|h| h.name.as_str()).collect();
                known.dedup();
                return Err(format!(
                    "{option} {name}={column}: {name} is not a hyperparameter of this study, which has {}; metrics are given with \
                     --metric",
                    known.join(", ")
                ));
            }
        }
        let names = rounds::names(plan);
        if let Some(round) = self.round.as_ref().filter(|round| !names.contains(round)) {
            return Err(format!("--round {round}: unknown round; this study has {}", names.join(", ")));
        }
        let of_tables = [
            ("--name", self.name.is_some()),
            ("--step", self.step.is_some()),
            ("--state", self.state.is_some()),
            ("--reason", self.reason.is_some()),
            ("--state-word", !self.state_words.is_empty()),
            ("--delimiter", self.delimiter.is_some()),
            ("--measurements", has_measurements),
        ];
        if let (true, Some((option, _))) = (is_tensorboard, of_tables.iter().find(|(_, given)| *given)) {
            return Err(format!("{option} is for CSV files; TensorBoard's event files have no columns"));
        }
        if is_tensorboard {
            return Ok(());
        }
        if let Some(file) = &self.sidecar {
            return Err(format!("--sidecar {file}: is for TensorBoard's folders; a CSV file has columns (--map)"));
        }
        if self.from_step > 0 && !has_measurements {
            return Err(
                "--from-step: is for curves: TensorBoard's folders, or a CSV file with --measurements".to_owned()
            );
        }
        // A table holds what its row says; everything else stands in curves.
        let bounded = |name: &String| spec.constraints.iter().any(|c| c.metric == *name);
        let unread = self.metrics.keys().find(|name| **name != spec.objective.metric && !bounded(name));
        match unread {
            Some(name) => Err(format!(
                "--metric {name}: of a CSV file the objective ({}) and what constraints bound are read. Curves of other \
                 metrics, such as {TRAIN_LOSS}, come with --measurements",
                spec.objective.metric
            )),
            None => Ok(()),
        }
    }
}
