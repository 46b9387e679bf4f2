//! Whether there are evaluations enough to choose a checkpoint by.

use studious_api::{study::Select, thresholds::curves::FEW_EVALUATIONS};

use super::{
    super::{
        Finding, Severity,
        change::Change,
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
    let every = (round.steps / 20).max(1);
    findings.push(
        Finding::new(
            "EvaluationsTooRare",
            Severity::Warning,
            "Saving checkpoints and retrospectively selecting the best checkpoint",
            format!(
                "{} of round {} have {} evaluations each. The best checkpoint can only be chosen among evaluated ones, and \
                 no curve can be read from so few: set evaluation.everySteps (and checkpoint.everySteps) to {every}, a \
                 twentieth of training, or less.",
                count(counts.len(), "trial"),
                round.name,
                number(usual),
            ),
        )
        .with("evaluations", usual)
        .with("trials", counts.len() as f64)
        .with("every_steps", spec.evaluation.every_steps as f64)
        .with("suggested_every_steps", every as f64)
        .suggest(Change::new("spec.evaluation.everySteps", spec.evaluation.every_steps, every)),
    );
}
