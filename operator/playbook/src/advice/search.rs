//! Advice on the way points are chosen.

use studious_api::{
    StudySpec,
    study::{Algorithm, Phase, Role, Scientific},
    validate::{Violation, counted, searched_sizes, short, space_size, with_ancestors},
};
use studious_rules::{
    advice::{ADAPTIVE_EXPLORATION, SAMPLED_UNLIKE_SPACES, SPACE_EXHAUSTED, WIDE_GRID},
    search::LOW_FEEDBACK_BAYES,
    thresholds::{advice::GRID_DIMENSIONS, search::LOW_FEEDBACK},
};

use super::{
    AdviceList,
    arms::{configurations, dimensions},
};
use crate::{
    Plan,
    findings::{Edit, wording::list},
    search::constrained,
};

pub(super) fn advise(spec: &StudySpec, found: &mut AdviceList) {
    match spec.search.algorithm {
        Algorithm::Grid => wide_grid(spec, found),
        Algorithm::Bayesian => adaptive(spec, found),
        _ => {}
    }
    if spec.search.scientific == Scientific::Sampled && spec.search.algorithm != Algorithm::Manual {
        unlike_spaces(spec, found);
    }
    used_up(spec, found);
    forbidden(spec, found);
}

/// "Where can I find an implementation of quasi-random search?": a grid spends its trials on repeating few values
/// of each dimension.
fn wide_grid(spec: &StudySpec, found: &mut AdviceList) {
    let crossed = spec.search.scientific == Scientific::Crossed;
    let widest = configurations(spec).iter().map(|arm| dimensions(spec, arm, crossed)).max_by_key(Vec::len);
    if let Some(names) = widest.filter(|names| names.len() > spec.count(&GRID_DIMENSIONS)) {
        found.push_with(Violation::new(
            "spec.search.algorithm",
            &spec.search.algorithm,
            format!(
                "a grid over {} dimensions ({}) spends its trials on few values of each: every trial of a quasi-random \
                 search tries a new value of every one",
                names.len(),
                list(&names)
            ),
            format!("Use QuasiRandom, or fix all but {}.", spec.count(&GRID_DIMENSIONS)),
        ).of(&WIDE_GRID), [Edit::Algorithm(Algorithm::QuasiRandom)]);
    }
}

/// "Why use quasi-random search instead of more sophisticated black box optimization algorithms during the exploration
/// phase of tuning?" (R-148, R-096).
fn adaptive(spec: &StudySpec, found: &mut AdviceList) {
    if spec.phase.unwrap_or(Phase::Exploration) == Phase::Exploration {
        found.push_with(Violation::new(
            "spec.search.algorithm",
            &spec.search.algorithm,
            "while a study explores, points that don't depend on results tell more: boundaries, sampling and what each \
             hyperparameter does can be read off them",
            "Use QuasiRandom, or say phase: Exploitation once only the objective counts.",
        ).of(&ADAPTIVE_EXPLORATION), [Edit::Algorithm(Algorithm::QuasiRandom)]);
    }
    low_feedback(spec, found);
}

/// Most points of a search that learns are chosen before there is anything to learn from. One trial at a time is as
/// much feedback as there can be.
fn low_feedback(spec: &StudySpec, found: &mut AdviceList) {
    let fresh = spec.rounds.iter().filter(|round| round.from.is_none()).filter_map(|round| round.trials);
    let largest = fresh.max().unwrap_or_default();
    let share = spec.threshold(&LOW_FEEDBACK);
    if largest <= 1 || spec.parallelism <= 1 || f64::from(spec.parallelism) < share * f64::from(largest) {
        return;
    }
    // Shares of numbers of trials, and the reverse: small and not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let (at_once, trials) = (
        ((share * f64::from(largest)).ceil() as u32).saturating_sub(1).max(1),
        (f64::from(spec.parallelism) / share).floor() as u32,
    );
    let fewer = at_once;
    let at_once = if at_once == 1 {
        "1 trial at a time".to_owned()
    } else {
        format!("at most {} at once", counted(at_once, "trial"))
    };
    found.push_with(
        Violation::new(
            "spec.parallelism",
            &spec.parallelism,
            format!(
                "with {} of {} at once most points are chosen before results are in; such a search hardly \
             beats a quasi-random one of twice the trials",
                spec.parallelism.min(largest),
                counted(largest, "trial")
            ),
            format!("Run {at_once}, give a round more than {}, or use QuasiRandom.", counted(trials, "trial")),
        )
        .of(&LOW_FEEDBACK_BAYES),
        [Edit::Parallelism(fewer)],
    );
}

/// Scientific and nuisance values are drawn together, so there should be one nuisance space for all of them.
fn unlike_spaces(spec: &StudySpec, found: &mut AdviceList) {
    let hs = &spec.hyperparameters;
    let scientific = |name: &str| hs.iter().any(|h| h.name == name && h.role == Role::Scientific);
    for (i, h) in hs.iter().enumerate().filter(|(_, h)| h.role == Role::Nuisance && h.when.is_some()) {
        let parents = h.when.iter().flatten().map(|(name, _)| name.as_str());
        if let Some(parent) = with_ancestors(hs, parents).into_iter().find(|name| scientific(name)) {
            found.push_with(Violation::new(
                format!("spec.hyperparameters[{i}].when"),
                &h.when,
                format!(
                    "{} exists only for some values of {parent}: a Sampled study draws all together, and scientific values \
                     are compared fairly where they have the same nuisance hyperparameters",
                    h.name
                ),
                "Set spec.search.scientific: Crossed, which tunes each scientific value in its own space.",
            ).of(&SAMPLED_UNLIKE_SPACES), [Edit::Scientific(Scientific::Crossed)]);
        }
    }
}

/// A space that ends before the trials do.
fn used_up(spec: &StudySpec, found: &mut AdviceList) {
    let mut asked = 0_u64;
    let fresh = spec.rounds.iter().enumerate().filter(|(_, round)| round.from.is_none());
    for (i, round) in fresh.filter_map(|(i, round)| Some((i, round.trials?))) {
        asked = asked.saturating_add(u64::from(round));
        let field = format!("spec.rounds[{i}].trials");
        if let Some(size) = space_size(spec).filter(|size| *size < asked) {
            let what = if spec.search.algorithm == Algorithm::Manual { "the list" } else { "the space" };
            let rule = format!("{what} has {}, {asked} trials asked: none is tried twice", counted(size, "point"));
            let fix = "Ask for fewer; to measure seed variance, train points again with spec.retrain.";
            let left = size.saturating_sub(asked - u64::from(round));
            let edit = u32::try_from(left).ok().filter(|left| *left > 0).map(|to| Edit::Trials { round: i, to });
            found.push_with(Violation::new(field, &round, rule, fix).of(&SPACE_EXHAUSTED), edit);
            return;
        }
        if let Some((name, size, each)) = short_arm(spec, asked) {
            let rule = format!("{name} has {}, and {each} trials asked: none is tried twice", counted(size, "point"));
            let fix = "Nothing, if it is meant: the others get their share all the same.";
            found.push(Violation::new(field, &round, rule, fix).of(&SPACE_EXHAUSTED));
            return;
        }
    }
}

/// That a space ends whose points can't be counted, since constraints leave hardly any: what a walk through it finds.
fn forbidden(spec: &StudySpec, found: &mut AdviceList) {
    if spec.hyperparameter_constraints.is_empty() || space_size(spec).is_some() {
        return;
    }
    // What is wrong with a space of which nothing is allowed is refused.
    if !constrained::unmet(spec).is_empty() {
        return;
    }
    let Ok(plan) = Plan::of_valid("study", spec) else { return };
    let Some(shortfall) = plan.shortfall().filter(|shortfall| shortfall.arms.is_empty()) else { return };
    let fresh = spec.rounds.iter().enumerate().rfind(|(_, round)| round.from.is_none());
    let Some((i, trials)) = fresh.and_then(|(i, round)| Some((i, round.trials?))) else { return };
    let fix = "Choose ranges and values of which more is allowed, or a looser constraint; or ask for fewer.";
    let left = trials.saturating_sub(shortfall.asked - shortfall.given);
    let edit = Some(left).filter(|left| *left > 0).map(|to| Edit::Trials { round: i, to });
    let field = format!("spec.rounds[{i}].trials");
    found.push_with(Violation::new(field, &trials, shortfall.to_string(), fix).of(&SPACE_EXHAUSTED), edit);
}

/// A scientific configuration with fewer points than its share of the trials.
fn short_arm(spec: &StudySpec, asked: u64) -> Option<(String, u64, u64)> {
    if spec.search.scientific == Scientific::Sampled || spec.search.algorithm == Algorithm::Manual {
        return None;
    }
    let sizes = searched_sizes(spec)?;
    let each = asked / sizes.len().max(1) as u64;
    let arm = sizes.iter().find(|arm| arm.points.is_some_and(|points| points < each))?;
    Some((short(&arm.scientific), arm.points?, each))
}
