//! Advice on the learning rate over time.

use studious_api::{
    StudySpec,
    study::{Hyperparameter, Phase, Role, ScheduleFamily},
    validate::Violation,
};
use studious_rules::{
    advice::{CONSTANT_SCHEDULE, HUMAN_IN_LOOP_SCHEDULE},
    registry::{self, SCHEDULE, SCHEDULE_MILESTONES, is_known},
};

use super::AdviceList;
use crate::findings::Edit;

/// What lists of schedules call one that doesn't decay.
const CONSTANT: [&str; 5] = ["constant", "none", "fixed", "flat", "constant_with_warmup"];

pub(super) fn advise(spec: &StudySpec, found: &mut AdviceList) {
    constant(spec, found);
    by_hand(spec, found);
}

/// "What is the best learning rate decay schedule family?": having some schedule, and tuning it, matters once a
/// project is past its baseline: when it exploits, trains its best points longer, or starts from another study.
fn constant(spec: &StudySpec, found: &mut AdviceList) {
    let earlier = !spec.search.start_from.is_empty() || spec.search.points_from.is_some();
    let is_past_baseline = spec.phase == Some(Phase::Exploitation) || spec.rounds.len() > 1 || earlier;
    if !is_past_baseline {
        return;
    }
    let is_constant = |h: &&Hyperparameter| {
        let text = h.value.as_ref().and_then(|value| value.as_text());
        h.role == Role::Fixed
            && is_known(&h.name, &SCHEDULE)
            && text.is_some_and(|text| CONSTANT.contains(&text.to_ascii_lowercase().as_str()))
    };
    let own = spec.schedule.as_ref().filter(|schedule| schedule.family == ScheduleFamily::Constant);
    let field = match (own, spec.hyperparameters.iter().position(|h| is_constant(&h))) {
        (Some(_), _) => "spec.schedule.family".to_owned(),
        (None, Some(i)) if spec.schedule.is_none() => format!("spec.hyperparameters[{i}].value"),
        _ => return,
    };
    found.push_with(
        Violation::new(
            field,
            &ScheduleFamily::Constant,
            "the learning rate never decays, though the study is past a baseline: which schedule is best is open, but having one \
             that decays, and tuning it, matters",
            "Set spec.schedule.family: Cosine or Linear.",
        )
        .of(&CONSTANT_SCHEDULE), own.map(|_| Edit::ScheduleFamily(ScheduleFamily::Cosine)));
}

/// "Why do some papers have complicated learning rate schedules?". A list that is searched is found by the search.
fn by_hand(spec: &StudySpec, found: &mut AdviceList) {
    let rule = "lists the steps at which the learning rate drops: such lists are usually the trace of tuning by hand while a \
                training ran, and do not carry over to another setting";
    let fix = "Use spec.schedule (Cosine or Linear), which works out the rate of every trial, or say in fixedBecause by which \
               algorithm the steps were found.";
    let known = spec.known();
    let held = spec.hyperparameters.iter().zip(&known).enumerate().find(|(_, (h, known))| {
        known.is_some_and(|known| known.id == SCHEDULE_MILESTONES.id) && h.value.is_some() && h.fixed_because.is_none()
    });
    if let Some((i, (h, _))) = held {
        let field = format!("spec.hyperparameters[{i}].value");
        found.push(Violation::new(field, &h.value, rule, fix).of(&HUMAN_IN_LOOP_SCHEDULE));
        return;
    }
    let options = options(spec);
    if let Some(option) = options.iter().find(|name| is_known(name, &SCHEDULE_MILESTONES)) {
        let fix = "Use spec.schedule (Cosine or Linear), which works out the rate of every trial.";
        let field = "spec.trial.template.spec.containers[0]";
        found.push(Violation::new(field, option, rule, fix).of(&HUMAN_IN_LOOP_SCHEDULE));
    }
}

/// The options that the trainer is started with: those of its command and arguments, and the names of its environment.
pub(super) fn options(spec: &StudySpec) -> Vec<String> {
    let Some(trainer) = spec.trial.template.spec.as_ref().and_then(|pod| pod.containers.first()) else {
        return Vec::new();
    };
    let arguments = trainer.command.iter().flatten().chain(trainer.args.iter().flatten()).map(String::as_str);
    let mut names: Vec<String> = registry::option_names(arguments).into_iter().map(str::to_owned).collect();
    names.extend(trainer.env.iter().flatten().map(|variable| variable.name.clone()));
    names
}
