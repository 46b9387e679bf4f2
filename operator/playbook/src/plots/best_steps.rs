//! Where in training the best evaluation falls, over the trials that succeeded.
//!
//! Playbook: "Deciding how long to train when training is not compute-bound".

use serde_json::{Value, json};
use studious_api::study::Select;
use studious_rules::thresholds::curves::STEP_TRIALS;

use super::{
    Plot,
    style::{self, GREY},
};
use crate::{
    findings::{
        reading::Reading,
        wording::{count, number},
    },
    record::Outcome,
};

const BINS: u64 = 20;

pub(super) fn plot(reading: &Reading<'_>) -> Option<Plot> {
    if reading.plan.spec().objective.select != Select::Best {
        return None;
    }
    let round = reading.concluding()?;
    let ranked = reading.ranked(&round.trials);
    let steps: Vec<u64> = ranked
        .iter()
        .filter_map(|(t, _)| match t.outcome {
            Outcome::Succeeded { step, .. } => step,
            _ => None,
        })
        .collect();
    if steps.len() < reading.count(&STEP_TRIALS) {
        return None;
    }
    let good = steps.len().div_ceil(2);
    let width = (round.steps as f64 / BINS as f64).max(1.0);
    let mut rows: Vec<Value> = Vec::new();
    for (place, which) in [(0..good, "better half"), (good..steps.len(), "others")] {
        let mut bins = vec![0_u32; usize::try_from(BINS).unwrap_or_default()];
        for step in &steps[place] {
            // Between 0 and the number of bins.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let bin = (((*step as f64 / width).ceil() - 1.0).max(0.0) as usize).min(bins.len() - 1);
            bins[bin] += 1;
        }
        rows.extend(bins.iter().enumerate().filter(|(_, n)| **n > 0).map(
            |(i, n)| json!({ "from": i as f64 * width, "to": (i + 1) as f64 * width, "trials": n, "which": which }),
        ));
    }
    let mut sorted = steps[..good].to_vec();
    sorted.sort_unstable();
    let median = sorted[sorted.len() / 2];
    let metric = &reading.plan.spec().objective.metric;
    let layers = vec![
        json!({
            "data": { "values": rows },
            "mark": { "type": "bar", "opacity": 0.9, "binSpacing": 1 },
            "encoding": {
                "x": { "field": "from", "bin": "binned", "type": "quantitative", "scale": { "domain": [0, round.steps], "nice": false }, "axis": { "title": "training step of the best evaluation", "format": "~s", "tickCount": 8 } },
                "x2": { "field": "to" },
                "y": { "field": "trials", "type": "quantitative", "stack": "zero", "axis": { "title": "trials", "tickMinStep": 1, "format": "d" } },
                "color": {
                    "field": "which", "type": "nominal",
                    "scale": { "domain": ["better half", "others"], "range": [style::COLOURS[0], GREY] },
                    "legend": { "title": null, "orient": "bottom" },
                },
                "tooltip": [
                    { "field": "which" },
                    { "field": "from", "type": "quantitative", "format": "~s" },
                    { "field": "to", "type": "quantitative", "format": "~s" },
                    { "field": "trials", "type": "quantitative" },
                ],
            },
        }),
        json!({
            "data": { "values": [{ "step": median }] },
            "mark": { "type": "rule", "color": style::COLOURS[0], "strokeDash": [6, 3], "strokeWidth": 2, "tooltip": false },
            "encoding": { "x": { "field": "step", "type": "quantitative" } },
        }),
    ];
    let title = format!(
        "Best step: half of the better trials reach their best {metric} by step {} of {}",
        number(median as f64),
        number(round.steps as f64)
    );
    let subtitle = format!(
        "Round {}, {} steps: n = {} that succeeded. The line is the median of the better half.",
        round.name,
        round.steps,
        count(steps.len(), "trial"),
    );
    Some(style::plot("best-steps".to_owned(), title, subtitle, 220, &layers))
}
