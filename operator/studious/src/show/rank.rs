//! The trials by another objective, beside the places they have by the study's own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use comfy_table::Cell;
use studious_api::study::{Direction, Select};
use studious_playbook::{
    numbers::number,
    rejudge::{Agreement, agreement},
};

use super::trials::{in_lines, plain, point, right, varied};
use crate::source::{LoadedStudy, LoadedTrial};

/// The latest round's trials by another objective, the best first. Ranks count trials that have a result by both.
pub(crate) struct Ranking<'a> {
    /// The round.
    pub round: String,
    /// Its trials with a result by the other objective.
    pub trials: Vec<RankedTrial<'a>>,
}

/// A trial with what it has by the study's own objective.
pub(crate) struct RankedTrial<'a> {
    /// By the other objective.
    pub trial: &'a LoadedTrial,
    /// Its rank from 1 and its value by the study's own, if it has them.
    pub own: Option<(usize, f64)>,
}

impl<'a> Ranking<'a> {
    /// Of trials by the study's own objective and by another; nothing where no trial has a result by that.
    pub(crate) fn new(own: &LoadedStudy, other: &'a LoadedStudy) -> Option<Self> {
        let round = other.best_first().into_iter().find(|trial| trial.objective().is_some())?.record.round.clone();
        let ranked: Vec<&LoadedTrial> =
            other.best_first().into_iter().filter(|t| t.record.round == round && t.objective().is_some()).collect();
        let names: BTreeSet<&str> = ranked.iter().map(|trial| trial.record.name.as_str()).collect();
        let before = own.best_first().into_iter().filter(|trial| names.contains(trial.record.name.as_str()));
        let ranks: BTreeMap<&str, (usize, f64)> = before
            .filter_map(|trial| Some((trial.record.name.as_str(), trial.objective()?)))
            .enumerate()
            .map(|(at, (name, objective))| (name, (at + 1, objective)))
            .collect();
        let trials = ranked.into_iter().map(|trial| {
            let own = ranks.get(trial.record.name.as_str()).copied();
            RankedTrial { trial, own }
        });
        Some(Self { round, trials: trials.collect() })
    }

    /// How far both orders agree, unless there are too few different results.
    pub(crate) fn agreement(&self, own: &LoadedStudy, other: &LoadedStudy) -> Option<Agreement> {
        let sign = |study: &LoadedStudy, x: f64| match study.plan.spec().objective.direction {
            Direction::Minimize => x,
            Direction::Maximize => -x,
        };
        let pair = |ranked: &RankedTrial<'_>| {
            let (_, objective) = ranked.own?;
            Some((sign(own, objective), sign(other, ranked.trial.objective()?)))
        };
        agreement(&self.trials.iter().filter_map(pair).collect::<Vec<_>>())
    }
}

/// The trials of a ranking as a table, at most `limit`, with their places by the study's own objective, and how far both
/// agree.
pub(crate) fn table(own: &LoadedStudy, other: &LoadedStudy, ranking: &Ranking<'_>, limit: usize) -> String {
    let columns = varied(other);
    let (was, is) = (heading(own), heading(other));
    let mut table = plain();
    let mut header = vec!["place".to_owned(), "trial".to_owned(), is.clone(), "step".to_owned(), was.clone()];
    header.push(format!("place by {was}"));
    header.extend(columns.iter().cloned());
    table.set_header(header.iter().map(|name| in_lines(&name.replace(' ', "\n"))));
    for (at, RankedTrial { trial, own }) in ranking.trials.iter().enumerate().take(limit) {
        let mut row = vec![right((at + 1).to_string()), Cell::new(&trial.record.name)];
        row.push(right(trial.objective().map(number).unwrap_or_default()));
        row.push(right(trial.step().map(|step| step.to_string()).unwrap_or_default()));
        row.push(right(own.map(|(_, objective)| number(objective)).unwrap_or_default()));
        row.push(right(own.map(|(place, _)| place.to_string()).unwrap_or_default()));
        row.extend(point(trial, &columns));
        table.add_row(row);
    }
    let mut text = table.trim_fmt();
    if ranking.trials.len() > limit {
        let _ = write!(text, "\n… and {} more", ranking.trials.len() - limit);
    }
    let _ = write!(text, "\n\nBy {was} and by {is}: ");
    match ranking.agreement(own, other) {
        Some(agreement) => text.push_str(&agreement.to_string()),
        None => text.push_str("their orders can't be compared, for there are too few different results"),
    }
    text.push('.');
    text
}

/// An objective in a word or two.
fn heading(study: &LoadedStudy) -> String {
    let objective = &study.plan.spec().objective;
    match objective.select {
        Select::Best => objective.metric.clone(),
        Select::Final => format!("{} at the end", objective.metric),
    }
}
