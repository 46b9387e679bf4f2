//! Rounds, where their points come from, and what trials must do in each.

use super::{Violation, assignments::scientific_configurations, printed::counted, size::space_size};
use crate::{
    StudySpec, spelling,
    study::{Algorithm, Per, Role, Round, RoundSource, Scientific},
};

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    if spec.rounds.is_empty() {
        let fix = "Give one: rounds: [{name: explore, trials: …, maxTrainSteps: …}].";
        found.push(Violation::new("spec.rounds", &(), "must hold at least one round", fix));
    }
    let configurations = scientific_configurations(&spec.hyperparameters, &spec.comparisons());
    let arms = configurations.and_then(|c| u32::try_from(c.len()).ok());
    let mut sizes: Vec<Option<u32>> = Vec::new();
    // Of a space that has an end: what is left for fresh rounds.
    let mut left = space_size(spec);
    for (i, round) in spec.rounds.iter().enumerate() {
        let at = format!("spec.rounds[{i}]");
        name(spec, i, round, &at, &mut found);
        steps(spec, i, round, &at, &mut found);
        let size = match &round.from {
            None => {
                let size = fresh(spec, round, left, &at, &mut found);
                left = left.zip(size).map(|(left, size)| left - u64::from(size));
                size
            }
            Some(from) => taken(spec, i, round, from, arms, &sizes, &mut found),
        };
        sizes.push(size);
    }
    retrain(spec, arms, &sizes, &mut found);
    evaluation(spec, &mut found);
    found
}

fn name(spec: &StudySpec, i: usize, round: &Round, at: &str, found: &mut Vec<Violation>) {
    let field = format!("{at}.name");
    if round.name == "retrain" {
        let fix = "Call the round something else; to train the best points again with other seeds use spec.retrain.";
        found.push(Violation::new(field, &round.name, "is kept for the trials of spec.retrain", fix));
    } else if let Some(first) = spec.rounds[..i].iter().position(|r| r.name == round.name) {
        let fix = "Rename one: trials are called <study>-<round>-<number>.";
        found.push(Violation::new(field, &round.name, format!("is also the name of rounds[{first}]"), fix));
    }
}

/// step limits strictly increase.
fn steps(spec: &StudySpec, i: usize, round: &Round, at: &str, found: &mut Vec<Violation>) {
    let field = format!("{at}.maxTrainSteps");
    if round.max_train_steps == 0 {
        found.push(Violation::new(
            field,
            &0,
            "must be at least 1",
            "Give the number of training steps of every trial.",
        ));
    } else if let Some(before) = i.checked_sub(1).map(|b| &spec.rounds[b])
        && round.max_train_steps <= before.max_train_steps
    {
        found.push(Violation::new(
            field,
            &round.max_train_steps,
            format!("must be larger than the {} of the round before, {}", before.max_train_steps, before.name),
            "Later rounds train longer: give more steps, or put the rounds in order.",
        ));
    }
}

fn fresh(spec: &StudySpec, round: &Round, left: Option<u64>, at: &str, found: &mut Vec<Violation>) -> Option<u32> {
    let field = format!("{at}.trials");
    let left = left.map(|left| u32::try_from(left).unwrap_or(u32::MAX));
    match round.trials {
        // All that are left.
        None if matches!(spec.search.algorithm, Algorithm::Grid | Algorithm::Manual) => return left,
        None => {
            let fix = "Say how many points to try, or take them from an earlier round: from: {round: …, best: …}.";
            found.push(Violation::new(field, &(), "is missing", fix));
        }
        Some(0) => found.push(Violation::new(field, &0, "must be at least 1", "Say how many points to try.")),
        Some(n) if n > 9999 => {
            let fix = "Split the study: no analysis needs that many trials in one round.";
            found.push(Violation::new(field, &n, "must not be larger than 9999", fix));
        }
        Some(trials) => return Some(left.map_or(trials, |left| left.min(trials))),
    }
    None
}

/// The round's number of trials, if it follows.
fn taken(
    spec: &StudySpec,
    i: usize,
    round: &Round,
    from: &RoundSource,
    arms: Option<u32>,
    sizes: &[Option<u32>],
    found: &mut Vec<Violation>,
) -> Option<u32> {
    let at = format!("spec.rounds[{i}]");
    let earlier = &spec.rounds[..i];
    let Some(source) = earlier.iter().position(|r| r.name == from.round) else {
        let field = format!("{at}.from.round");
        let fix = spelling::did_you_mean(&from.round, earlier.iter().map(|r| r.name.as_str()));
        if let Some(j) = spec.rounds.iter().position(|r| r.name == from.round) {
            let rule = if i == j { "a round can't take points from itself" } else { "is not an earlier round" };
            found.push(Violation::new(field, &from.round, rule, "Name a round that has ended before this one begins."));
        } else {
            let fix = fix.unwrap_or_else(|| match earlier {
                [] => "This is the first round: remove from, and give trials.".to_owned(),
                _ => format!(
                    "Name an earlier round: {}.",
                    earlier.iter().map(|r| r.name.as_str()).collect::<Vec<_>>().join(", ")
                ),
            });
            found.push(Violation::new(field, &from.round, "is not a round of this study", fix));
        }
        return None;
    };
    let Some(best) = from.best else {
        if from.shrink_to_best.is_none() {
            let fix = "Give best: how many of its points to train on; for fresh points remove from.";
            found.push(Violation::new(format!("{at}.from.best"), &(), "is missing", fix));
        }
        return None;
    };
    if best == 0 {
        let fix = "Say how many points to take.";
        found.push(Violation::new(format!("{at}.from.best"), &0, "must be at least 1", fix));
        return None;
    }
    let of_each = from.per == Per::Scientific;
    if of_each && !has_question(spec, &format!("{at}.from.per"), found) {
        return None;
    }
    let size = if of_each { best.checked_mul(arms?)? } else { best };
    let supply = Supply::of(spec, source, from.per, arms, sizes);
    if supply.trials == Some(0) {
        // The earlier round has fewer trials than there are configurations, which is reported there.
        return Some(size);
    }
    if let Some(available) = supply.trials.filter(|n| if supply.of_each { best > *n } else { size > *n }) {
        let whose = if supply.of_each { "for each scientific configuration" } else { "in all" };
        found.push(Violation::new(
            format!("{at}.from.best"),
            &best,
            format!("is more than {} has: {} {whose}", from.round, counted(available, "trial")),
            "Take fewer, or give the earlier round more trials.",
        ));
    } else if let Some(trials) = round.trials.filter(|n| *n != size) {
        let why = if of_each {
            format!("best: {best} of each of the {} scientific configurations makes {size}", size / best)
        } else {
            format!("best: {best} makes {size}")
        };
        let fix = format!("Give {size}, or leave trials out.");
        found.push(Violation::new(format!("{at}.trials"), &trials, format!("contradicts from: {why}"), fix));
    }
    Some(size)
}

/// Whether some hyperparameter is scientific, so that the best of each configuration can be taken.
fn has_question(spec: &StudySpec, field: &str, found: &mut Vec<Violation>) -> bool {
    let has = spec.hyperparameters.iter().any(|h| h.role == Role::Scientific);
    if !has {
        found.push(Violation::new(
            field,
            &"Scientific",
            "this study has no Scientific hyperparameter",
            "Remove it to take the best of the whole round, or say which hyperparameter is the question.",
        ));
    }
    has
}

/// How many trials of a round there are to take points of.
struct Supply {
    /// Whether they are counted for each scientific configuration; else in all.
    of_each: bool,
    /// `None` where the number isn't known before the study runs.
    trials: Option<u32>,
}

impl Supply {
    fn of(spec: &StudySpec, round: usize, per: Per, arms: Option<u32>, sizes: &[Option<u32>]) -> Self {
        // In a Crossed round each configuration has its share; a drawn one can't be known before.
        let shared_out = spec.search.scientific == Scientific::Crossed && spec.search.algorithm != Algorithm::Manual;
        let in_all = sizes.get(round).copied().flatten();
        let fixed_share = match spec.rounds.get(round).and_then(|round| round.from.as_ref()) {
            None => shared_out,
            Some(from) => from.per == Per::Scientific && from.best.is_some(),
        };
        let of_each = per == Per::Scientific && fixed_share;
        let trials = if of_each { in_all.zip(arms).map(|(n, arms)| n / arms.max(1)) } else { in_all };
        Self { of_each, trials }
    }
}

/// Retraining takes points of the last round; trials are numbered with four digits.
fn retrain(spec: &StudySpec, arms: Option<u32>, sizes: &[Option<u32>], found: &mut Vec<Violation>) {
    const MOST_TRIALS: u32 = 9999;
    let Some(retrain) = &spec.retrain else { return };
    for (name, value) in [("best", retrain.best), ("times", retrain.times)] {
        if value == 0 {
            let fix = "Give at least 1, or remove spec.retrain.";
            found.push(Violation::new(format!("spec.retrain.{name}"), &0, "must be at least 1", fix));
        }
    }
    let of_each = retrain.per == Per::Scientific;
    if of_each && !has_question(spec, "spec.retrain.per", found) {
        return;
    }
    let Some((last, round)) = spec.rounds.len().checked_sub(1).and_then(|i| Some((i, spec.rounds.get(i)?))) else {
        return;
    };
    let supply = Supply::of(spec, last, retrain.per, arms, sizes);
    let points = if of_each { arms.map(|arms| retrain.best.saturating_mul(arms)) } else { Some(retrain.best) };
    // Where arms have no fixed share of the last round, as many are trained again as it has.
    let asked = (supply.of_each || !of_each).then_some(retrain.best);
    if let (Some(available), Some(asked)) = (supply.trials, asked)
        && available > 0
        && asked > available
    {
        let each = if supply.of_each { " for each scientific configuration" } else { "" };
        found.push(Violation::new(
            "spec.retrain.best",
            &retrain.best,
            format!("is more than the last round, {}, has: {}{each}", round.name, counted(available, "trial")),
            "Take fewer, or give the last round more trials.",
        ));
    } else if let Some(trials) = points.map(|n| n.saturating_mul(retrain.times)).filter(|n| *n > MOST_TRIALS) {
        found.push(Violation::new(
            "spec.retrain.times",
            &retrain.times,
            format!("makes {}: at most {MOST_TRIALS} can be numbered", counted(trials, "retraining")),
            "Retrain fewer points, or each less often.",
        ));
    }
}

fn evaluation(spec: &StudySpec, found: &mut Vec<Violation>) {
    let every = spec.evaluation.every_steps;
    if every == 0 {
        found.push(Violation::new(
            "spec.evaluation.everySteps",
            &0,
            "must be at least 1",
            "Evaluate every so many steps.",
        ));
    }
    if let Some(shortest) = spec.rounds.iter().min_by_key(|r| r.max_train_steps)
        && shortest.max_train_steps > 0
        && every > shortest.max_train_steps
    {
        found.push(Violation::new(
            "spec.evaluation.everySteps",
            &every,
            format!(
                "is more than the {} of the round {}, whose trials would end without an evaluation",
                counted(shortest.max_train_steps, "step"),
                shortest.name
            ),
            format!(
                "Evaluate at least every {} steps; ten evaluations or more make a curve.",
                shortest.max_train_steps.div_ceil(10)
            ),
        ));
    }
    if let Some(checkpoint) = &spec.checkpoint
        && checkpoint.every_steps == 0
    {
        let fix = "Save every so many steps, or remove spec.checkpoint.";
        found.push(Violation::new("spec.checkpoint.everySteps", &0, "must be at least 1", fix));
    }
}
