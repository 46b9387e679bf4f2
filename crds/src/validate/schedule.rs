//! The learning-rate schedule.

use super::{
    Violation,
    assignments::{situations, with_ancestors},
    called, derived,
};
use crate::{
    StudySpec,
    study::{Hyperparameter, Schedule, ScheduleFamily},
};

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    let Some(schedule) = &spec.schedule else { return found };
    base(&spec.hyperparameters, schedule, &mut found);
    warmup(spec, schedule, &mut found);
    if schedule.family == ScheduleFamily::Constant && schedule.end_factor != 0.0 {
        let fix = "Remove it, or choose Linear or Cosine.";
        found.push(Violation::new(
            "spec.schedule.endFactor",
            &schedule.end_factor,
            "a Constant schedule doesn't decay",
            fix,
        ));
    }
    found
}

fn base(hs: &[Hyperparameter], schedule: &Schedule, found: &mut Vec<Violation>) {
    let field = "spec.schedule.base";
    let name = &schedule.base;
    let entries: Vec<_> = hs.iter().enumerate().filter(|(_, h)| h.name == *name).collect();
    if entries.is_empty() {
        let fix = called::meant(name, hs.iter())
            .unwrap_or_else(|| "Name the hyperparameter that is the peak learning rate, or add it.".to_owned());
        found.push(Violation::new(field, name, "is not a hyperparameter of this study", fix));
        return;
    }
    for (i, h) in &entries {
        let at = format!("spec.hyperparameters[{i}]");
        let fix = format!("{name} is the peak learning rate (spec.schedule.base): give numbers above 0.");
        if let Some(r) = h.range.as_ref().filter(|r| r.min <= 0.0 && r.min < r.max) {
            let rule = "must be larger than 0: a learning rate of 0 trains nothing";
            found.push(Violation::new(format!("{at}.range.min"), &r.min, rule, &fix));
        }
        let several = h.values.iter().flatten().enumerate().map(|(j, v)| (format!("{at}.values[{j}]"), v));
        for (field, value) in several.chain(h.value.iter().map(|v| (format!("{at}.value"), v))) {
            if value.as_f64().is_none_or(|x| x <= 0.0) {
                found.push(Violation::new(field, value, "must be a number larger than 0", &fix));
            }
        }
    }
    // Where it doesn't exist, there would be no learning rate.
    let parents = entries.iter().flat_map(|(_, h)| derived::parents(hs, h));
    let Some(all) = situations(hs, &with_ancestors(hs, parents)) else { return };
    if let Some(without) = all.iter().find(|a| !entries.iter().any(|(_, h)| derived::exists(hs, h, a))) {
        found.push(Violation::new(
            field,
            name,
            format!("has no value in some trials: it doesn't exist when {}", super::printed::short(without)),
            format!("Give {name} for every condition, each with its own range."),
        ));
    }
}

fn warmup(spec: &StudySpec, schedule: &Schedule, found: &mut Vec<Violation>) {
    let shortest = spec.rounds.iter().map(|r| r.max_train_steps).min();
    match (schedule.warmup_fraction, schedule.warmup_steps) {
        (Some(_), Some(steps)) => {
            let fix = "Remove one: a fraction is that of the first round's steps.";
            found.push(Violation::new("spec.schedule.warmupSteps", &steps, "is given beside warmupFraction", fix));
        }
        (Some(fraction), None) if !(0.0..1.0).contains(&fraction) => {
            let rule =
                "must be at least 0 and smaller than 1: something must be left to train at the full learning rate";
            let value = if fraction.is_finite() {
                serde_json::json!(fraction)
            } else {
                serde_json::json!(fraction.to_string())
            };
            found.push(Violation::new("spec.schedule.warmupFraction", &value, rule, "0.05 is a good start."));
        }
        (None, Some(steps)) => {
            if let Some(shortest) = shortest.filter(|s| steps >= *s) {
                found.push(Violation::new(
                    "spec.schedule.warmupSteps",
                    &steps,
                    format!("must be smaller than the shortest round's maxTrainSteps, {shortest}"),
                    "Warm up for less, or give warmupFraction, a share of the first round's steps.",
                ));
            }
        }
        _ => {}
    }
}
