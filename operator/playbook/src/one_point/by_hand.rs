//! The study that `studious try` runs: values that are set by hand, trained once.

use studious_api::{
    Study, labels,
    study::{Advance, Round, name_of},
    validate::Violation,
};

use super::{GivenPoint, OnePointStudy, Setting, Unnamed, name_with};
use crate::Plan;

/// The round of such a study.
const ROUND: &str = "try";

/// Characters of a goal.
const LONGEST_GOAL: usize = 1024;

/// The name of a try of a study, counted from 1: `digits-try-1`. The study's own name is cut where both would be too long.
#[must_use]
pub fn name_of_try(study: &str, number: u32) -> String {
    name_with(study, &format!("-{ROUND}-{number}"), ROUND)
}

/// A study of one trial at the point that settings say, in the space of a valid study. It trains for `steps`, or as long as the
/// first round of that study, evaluates and saves as often, and has the label [`labels::TRY_OF`]. All tries of a study have the
/// same seeds, so that only the values differ.
///
/// # Errors
/// As the settings are wrong or incomplete, or the steps leave no evaluation or nothing after warmup.
pub fn by_hand(
    of: &Study,
    name: &str,
    settings: &[Setting],
    steps: Option<u64>,
) -> Result<OnePointStudy, Vec<Violation>> {
    let spec = &of.spec;
    let mut found: Vec<Violation> = steps.and_then(|steps| too_few(of, steps)).into_iter().collect();
    let point = GivenPoint::new(spec, settings, Unnamed::Refused).map_err(|mut wrong| {
        found.append(&mut wrong);
        std::mem::take(&mut found)
    })?;
    if !found.is_empty() {
        return Err(found);
    }
    let first = spec.rounds.first().map_or(1, |round| round.max_train_steps);
    let round = Round {
        name: ROUND.to_owned(),
        trials: None,
        max_train_steps: steps.unwrap_or(first),
        from: None,
        advance: Advance::Automatic,
    };
    let base = of.metadata.name.as_deref().unwrap_or_default();
    let given: Vec<String> = settings.iter().map(|setting| format!("{} = {}", setting.name, setting.text)).collect();
    let goal = match given.as_slice() {
        [] => format!("Try the fixed values of {base} by hand."),
        given => format!("Try {} by hand, for {base}.", given.join(", ")),
    };
    let mut study = Study::new(name, point.study_of(spec, goal.chars().take(LONGEST_GOAL).collect(), round));
    let mut own = of.metadata.labels.clone().unwrap_or_default();
    own.insert(labels::TRY_OF.to_owned(), base.to_owned());
    study.metadata.labels = Some(own);
    Plan::new(name, &study.spec).map_err(|wrong| {
        wrong.into_iter().map(|violation| as_asked(violation, &study, settings)).collect::<Vec<_>>()
    })?;
    Ok(OnePointStudy { study, warnings: point.warnings })
}

/// That a trial of so few steps would show nothing, if it would.
fn too_few(of: &Study, steps: u64) -> Option<Violation> {
    let every = of.spec.evaluation.every_steps;
    if steps < every {
        let rule =
            format!("is fewer than spec.evaluation.everySteps, {every}: the trial would end without an evaluation");
        return Some(Violation::new("--steps", &steps, rule, format!("Give at least {every}.")));
    }
    let warmup = of.spec.schedule.as_ref()?.warmup_steps?;
    (warmup >= steps).then(|| {
        let rule = format!("leaves nothing to train after spec.schedule.warmupSteps, {warmup}");
        Violation::new("--steps", &steps, rule, format!("Give more than {warmup}."))
    })
}

/// A violation of the study that was made, in the words of who asked for it.
fn as_asked(violation: Violation, study: &Study, settings: &[Setting]) -> Violation {
    if violation.field == "metadata.name" {
        return Violation { field: "--name".to_owned(), ..violation };
    }
    let hyperparameters = &study.spec.hyperparameters;
    let index = violation.field.strip_prefix("spec.hyperparameters[").and_then(|rest| rest.split_once(']'));
    let name = index.and_then(|(i, _)| hyperparameters.get(i.parse::<usize>().ok()?)).map(|h| h.name.as_str());
    let setting = settings.iter().find(|setting| name.is_some() && name_of(hyperparameters, &setting.name) == name);
    match setting {
        Some(setting) => Violation { code: violation.code, ..setting.violation(violation.rule, violation.fix) },
        None => violation,
    }
}
