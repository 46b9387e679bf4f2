//! Whether there are evaluations enough to choose a checkpoint by.

use studious_api::study::Select;
use studious_rules::{
    curves::EVALUATIONS_TOO_RARE,
    thresholds::curves::{FEW_EVALUATIONS, WANTED_EVALUATIONS},
};

use super::{
    super::{
        Finding,
        change::Edit,
        reading::Reading,
        wording::{count, number},
    },
    evaluations, median,
};

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let spec = reading.plan.spec();
    if spec.objective.select != Select::Best {
        return;
    }
    let Some(round) = reading.concluding() else { return };
    let counts: Vec<_> = round.succeeded().filter_map(|t| Some(evaluations(reading, t)?.len() as f64)).collect();
    let Some(usual) = median(counts.iter().copied()).filter(|n| *n < reading.threshold(&FEW_EVALUATIONS)) else {
        return;
    };
    let every = (round.steps / reading.count(&WANTED_EVALUATIONS) as u64).max(1);
    let asked = spec.evaluation.every_steps;
    let advice = if every < asked {
        format!(
            "set evaluation.everySteps (and checkpoint.everySteps) to {every}, {} evaluations of training, or less",
            round.steps / every
        )
    } else {
        format!(
            "the trainer reports fewer than evaluation.everySteps, {asked}, asks for: make it evaluate every {asked} steps"
        )
    };
    let (has, each) = if counts.len() == 1 { ("has", "") } else { ("have", " each") };
    findings.push(
        Finding::new(&EVALUATIONS_TOO_RARE, format!(
                "{} of round {} {has} {} evaluations{each}. The best checkpoint can only be chosen among evaluated ones, and \
                 no curve can be read from so few: {advice}.",
                count(counts.len(), "trial"),
                round.name,
                number(usual),
            ),
        )
        .with("evaluations", usual)
        .with("trials", counts.len() as f64)
        .with("every_steps", spec.evaluation.every_steps as f64)
        .with("suggested_every_steps", every as f64)
        .suggest(if every < asked { reading.change(Edit::EvaluationInterval(every)) } else { None }),
    );
}
