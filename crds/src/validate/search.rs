//! How points are chosen: what belongs to which algorithm, grids and listed points.

use super::{Violation, called, point, printed::counted, size};
use crate::{
    Hyperparameters, StudySpec,
    study::{Algorithm, Grid},
};

/// Most trials of a round.
const MOST_TRIALS: u64 = 9999;

pub(super) fn refusals(name: &str, spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    if let Some(from) = spec.search.points_from.as_ref().filter(|from| from.study == name) {
        let fix = "Name another study; to train points again use a round with from, or spec.retrain.";
        let rule = "is this study, which has no points before it runs";
        found.push(Violation::new("spec.search.pointsFrom.study", &from.study, rule, fix));
    }
    belonging(spec, &mut found);
    starts(spec, &mut found);
    if let (Some(grid), Algorithm::Grid) = (&spec.search.grid, spec.search.algorithm) {
        levels(spec, grid, &mut found);
    }
    if spec.search.algorithm == Algorithm::Manual {
        manual(spec, &mut found);
    }
    found
}

/// Studies to start from: each once.
fn starts(spec: &StudySpec, found: &mut Vec<Violation>) {
    let names: Vec<&str> = spec.search.start_from.iter().map(|start| start.study.as_str()).collect();
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            let field = format!("spec.search.startFrom[{i}].study");
            found.push(Violation::new(field, name, "is named twice", "Remove one of them."));
        }
    }
}

/// Fields of another algorithm would be ignored.
fn belonging(spec: &StudySpec, found: &mut Vec<Violation>) {
    let search = &spec.search;
    let mut stray = |field: &str, there: bool, of: Algorithm, what: &str| {
        if there && search.algorithm != of {
            found.push(Violation::new(
                format!("spec.search.{field}"),
                &(),
                format!("{what}, and the algorithm is {:?}", search.algorithm),
                format!("Set spec.search.algorithm: {of:?}, or remove it."),
            ));
        }
    };
    stray("grid", search.grid.is_some(), Algorithm::Grid, "says how a Grid divides ranges");
    stray("points", !search.points.is_empty(), Algorithm::Manual, "lists the points of a Manual search");
    stray("pointsFrom", search.points_from.is_some(), Algorithm::Manual, "names the points of a Manual search");
    let starts = !search.start_from.is_empty();
    stray("startFrom", starts, Algorithm::Bayesian, "names studies whose results a Bayesian search starts from");
}

fn levels(spec: &StudySpec, grid: &Grid, found: &mut Vec<Violation>) {
    let mut check = |field: String, levels: u32| {
        if levels == 0 {
            let fix = "Give at least 1, which is the middle of the range.";
            found.push(Violation::new(field, &levels, "must be at least 1", fix));
        }
    };
    check("spec.search.grid.levels".to_owned(), grid.levels);
    for (name, levels) in &grid.levels_of {
        check(format!("spec.search.grid.levelsOf.{name}"), *levels);
    }
    for (name, levels) in &grid.levels_of {
        let field = format!("spec.search.grid.levelsOf.{name}");
        let hs = &spec.hyperparameters;
        if !hs.iter().any(|h| h.name == *name) {
            let fix =
                called::meant(name, hs.iter()).unwrap_or_else(|| "Name a hyperparameter with a range.".to_owned());
            found.push(Violation::new(field, levels, "is not a hyperparameter of this study", fix));
        } else if !hs.iter().any(|h| h.name == *name && h.range.is_some()) {
            let fix = "Remove it: all listed values are tried.";
            found.push(Violation::new(field, levels, format!("{name} has no range to divide"), fix));
        } else if hs.iter().any(|h| h.name == *name && Grid::keeps_all(hs, h)) {
            let fix = "Remove it.";
            let rule = format!("conditions name {name}, so all its whole numbers are tried");
            found.push(Violation::new(field, levels, rule, fix));
        }
    }
}

fn manual(spec: &StudySpec, found: &mut Vec<Violation>) {
    let search = &spec.search;
    match (search.points.is_empty(), &search.points_from) {
        (true, None) => {
            let fix = "List them: points: [{…}, {…}], or name a study: pointsFrom: {study: …}.";
            found.push(Violation::new(
                "spec.search.points",
                &(),
                "is missing: a Manual search tries listed points",
                fix,
            ));
        }
        (false, Some(_)) => {
            let fix = "Remove one of them.";
            let rule = "contradicts spec.search.points: the points come from one place";
            found.push(Violation::new("spec.search.pointsFrom", &search.points_from, rule, fix));
        }
        _ => {}
    }
    let mut known: Vec<(usize, Hyperparameters)> = Vec::new();
    for (i, listed) in search.points.iter().enumerate() {
        let at = format!("spec.search.points[{i}]");
        match point::point_of(spec, listed, &at) {
            Err(wrong) => found.extend(wrong),
            Ok(whole) => match known.iter().find(|(_, other)| *other == whole) {
                Some((first, _)) => {
                    let rule = format!("is the same point as points[{first}]");
                    let fix = "Remove it; to train points again with other seeds use spec.retrain.";
                    found.push(Violation::new(at, listed, rule, fix));
                }
                None => known.push((i, whole)),
            },
        }
    }
}

/// A round of fresh points must have some.
pub(super) fn enough(spec: &StudySpec) -> Option<Violation> {
    let size = size::space_size(spec)?;
    let mut asked = 0_u64;
    for (i, round) in spec.rounds.iter().enumerate().filter(|(_, round)| round.from.is_none()) {
        let field = format!("spec.rounds[{i}].trials");
        if asked >= size && i > 0 {
            return Some(Violation::new(
                field,
                &round.trials,
                format!(
                    "no point is left for {}: the rounds before try all {} there are, and none is tried twice",
                    round.name,
                    counted(size, "point")
                ),
                "Let it take the best of an earlier round (from: {round: …, best: …}), give earlier rounds fewer trials, or \
                 remove it.",
            ));
        }
        match round.trials {
            Some(trials) => asked = asked.saturating_add(u64::from(trials)),
            None if size > MOST_TRIALS => {
                let rule = format!("is missing, and the grid has {}", counted(size, "point"));
                return Some(Violation::new(field, &(), rule, "Say how many, or divide ranges into fewer levels."));
            }
            None => asked = size,
        }
    }
    None
}
