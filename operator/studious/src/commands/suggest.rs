//! `studious suggest`: the next points of a study, from trials that ran anywhere.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use studious_playbook::{
    Plan,
    record::TrialRecord,
    rounds,
    search::{self, EarlierStudy},
};

use crate::{
    exit,
    json::Format,
    output::{self, errln},
    study_file, trials_file,
};

const AFTER: &str = "\
Reads earlier trials, a JSON line each, and prints the next points as JSON lines with \"pending\":true. A trial is \
{\"hyperparameters\":{…},\"objective\":0.3}, or has \"infeasible\":true in place of the objective, or \"pending\":true \
while it runs; `studious export` writes such lines. Printed lines can be appended to the file as they are: once a trial \
has ended, append a line with its result. The same trials give the same points.

Examples:
  studious suggest --study study.yaml --trials trials.jsonl --count 5 | tee -a trials.jsonl
  studious export studious-runs/digits | studious suggest --study study.yaml --trials -";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Suggest {
    /// The study file
    #[arg(long, value_name = "FILE")]
    study: PathBuf,
    /// The trials so far, as JSON lines; - reads standard input
    #[arg(long, value_name = "FILE")]
    trials: PathBuf,
    /// Print at most this many points
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=9999))]
    count: u16,
    /// The round whose next points are wanted [default: the first one that takes points of the search]
    #[arg(long, value_name = "ROUND")]
    round: Option<String>,
    /// Where the runs of studies that search.startFrom names are
    #[arg(long, value_name = "FOLDER", default_value = "studious-runs")]
    runs: PathBuf,
}

impl Suggest {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        if self.study == Path::new("-") && self.trials == Path::new("-") {
            errln!("error: --study and --trials can't both be standard input. Give a file for one of them");
            return Ok(exit::INVALID);
        }
        // Asked again and again: `studious validate` says what the playbook advises against.
        let file = match study_file::read(&self.study)? {
            Ok(file) => file,
            Err(problems) => {
                study_file::tell_problems(&problems);
                return Ok(exit::INVALID);
            }
        };
        let Some(plan) = study_file::plan(&file, &self.runs, Format::Text).await? else { return Ok(exit::INVALID) };
        let round = match round(&plan, self.round.as_deref()) {
            Ok(round) => round,
            Err(why) => {
                errln!("error: {why}");
                return Ok(exit::INVALID);
            }
        };
        let trials = match trials_file::read(&self.trials, &plan)? {
            Ok(trials) => trials,
            Err(wrong) => {
                errln!("{wrong}");
                return Ok(exit::INVALID);
            }
        };
        let earlier = match studious_local::earlier_studies(&plan, &self.runs).await {
            Ok(earlier) => earlier,
            Err(studious_local::Error::Invalid(violations)) => {
                study_file::tell_violations(&file.path, &violations);
                return Ok(exit::INVALID);
            }
            Err(error) => return Err(error.into()),
        };
        self.print(&plan, &round, &trials, &earlier)
    }

    fn print(&self, plan: &Plan, round: &str, trials: &[TrialRecord], earlier: &[EarlierStudy]) -> anyhow::Result<u8> {
        let count = usize::from(self.count);
        let points = search::suggest(plan, round, trials, earlier, count);
        let found = points.len();
        let mut out = io::BufWriter::new(output::data());
        for hyperparameters in points {
            let record = TrialRecord { round: round.to_owned(), hyperparameters, ..TrialRecord::default() };
            writeln!(out, "{}", serde_json::to_string(&record)?).map_err(output::failed)?;
        }
        out.flush().map_err(output::failed)?;
        if found < count {
            let left =
                if found == 0 { "no point is".to_owned() } else { format!("only {found} of {count} points are") };
            errln!("{left} left: every other point of the space has been tried, and none is tried twice");
        }
        Ok(exit::OK)
    }
}

/// The round that was asked for, or the first with points of the search.
fn round(plan: &Plan, asked: Option<&str>) -> Result<String, String> {
    let rounds = &plan.spec().rounds;
    let fresh: Vec<&str> = rounds.iter().filter(|r| r.from.is_none()).map(|r| r.name.as_str()).collect();
    match asked {
        Some(name) if fresh.contains(&name) => Ok(name.to_owned()),
        Some(name) if rounds::names(plan).iter().any(|known| known == name) => Err(format!(
            "--round {name}: takes its points of an earlier round. Name one of {}",
            if fresh.is_empty() { "another study's rounds".to_owned() } else { fresh.join(", ") }
        )),
        Some(name) => {
            Err(format!("--round {name}: unknown round; fresh rounds of {} are {}", plan.name(), fresh.join(", ")))
        }
        None => fresh.first().map(|name| (*name).to_owned()).ok_or_else(|| {
            format!("{} has no round that takes points of its search: all take those of others", plan.name())
        }),
    }
}
