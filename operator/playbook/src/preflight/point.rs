//! The study of the short trial.

use studious_api::{
    Hyperparameters, Study, StudySpec,
    study::{Advance, Algorithm, Round, Search},
    validate::Violation,
};

use crate::{
    Plan,
    one_point::{GivenPoint, OnePointStudy, Setting, Unnamed, name_with},
    rounds,
};

/// The round of the short trial.
const ROUND: &str = "preflight";
/// How many evaluations, and how many checkpoints, a short trial has unless said otherwise: one to be killed at, one to be asked to
/// end at, and some to compare.
const DISTANCES: u64 = 4;

/// The name of the study of a short trial.
#[must_use]
pub fn name_of_preflight(study: &str) -> String {
    name_with(study, "-preflight", ROUND)
}

/// What a short trial is asked.
#[derive(Clone, Copy, Debug)]
pub struct ShortTrial<'a> {
    /// Its study's name.
    pub name: &'a str,
    /// Values of the point; all others are those of the study's first quasi-random point.
    pub settings: &'a [Setting],
    /// Training steps, in place of the default.
    pub steps: Option<u64>,
    /// Seconds that an attempt may take.
    pub timeout_seconds: u64,
}

/// The study of one short trial of a valid study's program. It trains for four evaluations and four checkpoints, and at most for
/// the first round's steps. A program that fails is not started again.
///
/// # Errors
/// As the settings are wrong, or the steps leave no evaluation.
pub fn short_trial(of: &Study, asked: ShortTrial<'_>) -> Result<OnePointStudy, Vec<Violation>> {
    let spec = &of.spec;
    let first = first_point(spec);
    let point = GivenPoint::new(spec, asked.settings, Unnamed::At(&first))?;
    let every = spec.evaluation.every_steps;
    if let Some(steps) = asked.steps.filter(|steps| *steps < every) {
        let rule =
            format!("is fewer than spec.evaluation.everySteps, {every}: the trial would end without an evaluation");
        return Err(vec![Violation::new("--steps", &steps, rule, format!("Give at least {every}."))]);
    }
    let round = Round {
        name: ROUND.to_owned(),
        trials: None,
        max_train_steps: asked.steps.unwrap_or_else(|| default_steps(spec)),
        from: None,
        advance: Advance::Automatic,
    };
    let mut short = point.study_of(spec, "Is the program ready?".to_owned(), round);
    short.failure.attempts = 1;
    let most = short.trial.timeout_seconds.unwrap_or(u64::MAX);
    short.trial.timeout_seconds = Some(most.min(asked.timeout_seconds));
    Plan::new(asked.name, &short)?;
    Ok(OnePointStudy { study: Study::new(asked.name, short), warnings: point.warnings })
}

fn default_steps(spec: &StudySpec) -> u64 {
    let distance =
        spec.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.every_steps).max(spec.evaluation.every_steps);
    let warmup = spec.schedule.as_ref().and_then(|schedule| schedule.warmup_steps).unwrap_or_default();
    let most = spec.rounds.first().map_or(u64::MAX, |round| round.max_train_steps);
    distance.saturating_mul(DISTANCES).max(warmup.saturating_add(1)).min(most)
}

/// The first quasi-random point of a study's space, whatever its own search is; empty where there is none.
fn first_point(spec: &StudySpec) -> Hyperparameters {
    let search = Search {
        algorithm: Algorithm::QuasiRandom,
        scientific: spec.search.scientific,
        seed: spec.search.seed,
        ..Search::default()
    };
    let plan = Plan::new("first", &StudySpec { search, policy: None, ..spec.clone() }).ok();
    let points = plan.and_then(|plan| rounds::points(&plan, &spec.rounds.first()?.name, &[]));
    points.and_then(|points| points.into_iter().next()).map(|point| point.hyperparameters).unwrap_or_default()
}
