//! How training begins: gradient norm, or training loss, with the steps in log scale.
//!
//! Playbook: "How can optimization failures be debugged and mitigated?" looks at the first steps, and at instability during
//! warmup, which a linear axis presses into its first pixels.

use serde_json::json;

use super::{
    Plot, curves,
    steps::StepAxis,
    style::{self, GREY},
};
use crate::{
    contract::metrics::GRADIENT_NORM,
    decide::TRAIN_LOSS,
    findings::{
        breaks_down_early,
        reading::{Reading, RoundTrials},
        warms_up,
    },
    schedule,
};

/// Fewer trials that break down early may have done so by chance.
const FEWEST: usize = 2;

/// Of a study that warms up, or some of whose trials break down early.
pub(super) fn plot(reading: &Reading<'_>, round: &RoundTrials<'_>) -> Option<Plot> {
    let spec = reading.plan.spec();
    let broken = || round.results().filter(|trial| breaks_down_early(reading, trial, round.steps)).take(FEWEST).count();
    if !warms_up(spec) && broken() < FEWEST {
        return None;
    }
    let steps = StepAxis::Log;
    let metric = [GRADIENT_NORM, TRAIN_LOSS]
        .into_iter()
        .find(|metric| !curves::of_best(reading, round, metric, steps).is_empty())?;
    let mut plot = curves::plot(reading, round, metric, true, steps)?;
    let best = reading.ranked(&round.trials).into_iter().next().map(|(trial, _)| trial);
    let warmup = best
        .and_then(|best| schedule::of_trial(spec, round.steps, &best.hyperparameters))
        .map(|schedule| schedule.warmup_steps)
        .filter(|warmup| *warmup > 0);
    let mut said = String::new();
    if let (Some(warmup), Some(layers)) = (warmup, plot.specification["layer"].as_array_mut()) {
        said = format!(" The dashed line is the end of warmup, step {warmup}.");
        layers.push(json!({
            "data": { "values": [{ "step": warmup }] },
            "mark": { "type": "rule", "color": GREY, "strokeDash": [6, 3], "strokeWidth": 1.5, "tooltip": false },
            "encoding": { "x": { "field": "step", "type": "quantitative" } },
        }));
    }
    let title = format!("How training begins: {metric} during round {}, steps in log scale", round.name);
    Some(style::retitled(plot, format!("begins-{}", round.name), title, &said))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        plots::plots,
        record::{Outcome, TrialRecord},
        studies,
        trial::Reason,
    };

    fn trials(diverged: usize) -> Vec<TrialRecord> {
        let trial = |i: usize| {
            let last = if i < diverged { 4 } else { 100 };
            TrialRecord {
                name: format!("s-explore-{i:04}"),
                round: "explore".to_owned(),
                hyperparameters: BTreeMap::from([("learning_rate".to_owned(), 0.1.into())]),
                outcome: if i < diverged {
                    Outcome::Infeasible { reason: Reason::Diverged }
                } else {
                    Outcome::Succeeded { objective: 0.2, step: Some(100) }
                },
                curves: BTreeMap::from([(
                    "train_loss".to_owned(),
                    (0..=last).map(|s| (s, 1.0 / (1.0 + s as f64))).collect(),
                )]),
                ..TrialRecord::default()
            }
        };
        (0..6).map(trial).collect()
    }

    fn drawn(schedule: &str, diverged: usize) -> Option<Plot> {
        let plan = studies::plan(&format!("{}{schedule}", studies::ONE_DIMENSION));
        plots(&plan, &trials(diverged)).into_iter().find(|plot| plot.id == "begins-explore")
    }

    #[test]
    fn how_training_begins_is_shown_where_that_matters() {
        assert_eq!(drawn("", 0), None);
        assert_eq!(drawn("", 1), None);
        let broken = drawn("", 2).unwrap();
        assert!(!broken.subtitle.contains("warmup"), "{}", broken.subtitle);
        let x = &broken.specification["layer"][0]["encoding"]["x"];
        assert_eq!(x["scale"], json!({ "type": "log", "domain": [1, 100], "nice": false }));
        let warm = drawn("schedule: {family: Constant, base: learning_rate, warmupSteps: 20}\n", 0).unwrap();
        assert!(warm.subtitle.ends_with("The dashed line is the end of warmup, step 20."), "{}", warm.subtitle);
        let last = warm.specification["layer"].as_array().and_then(|layers| layers.last()).unwrap();
        assert_eq!(last["data"]["values"], json!([{ "step": 20 }]));
        assert!(warm.specification["description"].as_str().unwrap().starts_with("How training begins: train_loss"));
    }
}
