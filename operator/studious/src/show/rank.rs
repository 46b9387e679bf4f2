//! The trials by another objective, beside the places they have by the study's own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use comfy_table::Cell;
use studious_api::study::{Direction, Select};
use studious_playbook::{numbers::number, rejudge::agreement};

use super::trials::{in_lines, plain, point, right, varied};
use crate::source::{LoadedStudy, LoadedTrial};

/// The latest round's trials by another objective, the best first, at most `limit`; with their places by the study's own
/// objective, and how far both agree. Places count trials that have a result by both.
pub(crate) fn table(own: &LoadedStudy, other: &LoadedStudy, limit: usize) -> Option<String> {
    let round = other.best_first().into_iter().find(|trial| trial.objective().is_some())?.record.round.clone();
    let ranked: Vec<&LoadedTrial> =
        other.best_first().into_iter().filter(|t| t.record.round == round && t.objective().is_some()).collect();
    let names: BTreeSet<&str> = ranked.iter().map(|trial| trial.record.name.as_str()).collect();
    let before = own.best_first().into_iter().filter(|trial| names.contains(trial.record.name.as_str()));
    let places: BTreeMap<&str, (usize, f64)> = before
        .filter_map(|trial| Some((trial.record.name.as_str(), trial.objective()?)))
        .enumerate()
        .map(|(at, (name, objective))| (name, (at + 1, objective)))
        .collect();
    let columns = varied(other);
    let (was, is) = (heading(own), heading(other));
    let mut table = plain();
    let mut header = vec!["place".to_owned(), "trial".to_owned(), is.clone(), "step".to_owned(), was.clone()];
    header.push(format!("place by {was}"));
    header.extend(columns.iter().cloned());
    table.set_header(header.iter().map(|name| in_lines(&name.replace(' ', "\n"))));
    for (at, trial) in ranked.iter().enumerate().take(limit) {
        let known = places.get(trial.record.name.as_str());
        let mut row = vec![right((at + 1).to_string()), Cell::new(&trial.record.name)];
        row.push(right(trial.objective().map(number).unwrap_or_default()));
        row.push(right(trial.step().map(|step| step.to_string()).unwrap_or_default()));
        row.push(right(known.map(|(_, objective)| number(*objective)).unwrap_or_default()));
        row.push(right(known.map(|(place, _)| place.to_string()).unwrap_or_default()));
        row.extend(point(trial, &columns));
        table.add_row(row);
    }
    let mut text = table.trim_fmt();
    if ranked.len() > limit {
        let _ = write!(text, "\n… and {} more", ranked.len() - limit);
    }
    let sign =
        |study: &LoadedStudy, x: f64| if study.plan.spec().objective.direction == Direction::Minimize { x } else { -x };
    let pairs: Vec<(f64, f64)> = ranked
        .iter()
        .filter_map(|trial| {
            let (_, objective) = places.get(trial.record.name.as_str())?;
            Some((sign(own, *objective), sign(other, trial.objective()?)))
        })
        .collect();
    let _ = write!(text, "\n\nBy {was} and by {is}: ");
    match agreement(&pairs) {
        Some(agreement) => text.push_str(&agreement.to_string()),
        None => text.push_str("their orders can't be compared, for there are too few different results"),
    }
    text.push('.');
    Some(text)
}

/// An objective in a word or two.
fn heading(study: &LoadedStudy) -> String {
    let objective = &study.plan.spec().objective;
    match objective.select {
        Select::Best => objective.metric.clone(),
        Select::Final => format!("{} at the end", objective.metric),
    }
}
