//! Where in training each trial was at its best, as a share of the step budget: the shares by which the playbook tells too
//! many steps from too few are marked.
//!
//! Playbook: "Deciding how long to train when training is not compute-bound".

use serde_json::{Value, json};
use studious_api::study::Select;
use studious_rules::thresholds::curves::{EARLY_BEST, LATE_BEST, STEP_TRIALS};

use super::{
    Plot,
    axis::{row, tooltip},
    scale,
    style::{self, GREY},
};
use crate::{
    findings::{
        BestSteps,
        reading::Reading,
        wording::{count, percent},
    },
    record::Outcome,
};

/// The colours of both halves, and their shapes, so that a grey print can be read.
const HALVES: [(&str, &str, &str); 2] =
    [("better half", style::COLOURS[0], style::SHAPES[0]), ("others", GREY, style::SHAPES[1])];

pub(super) fn plot(reading: &Reading<'_>) -> Option<Plot> {
    let BestSteps { round, placed, good } = BestSteps::of(reading).or_else(|| reported(reading))?;
    let metric = &reading.plan.spec().objective.metric;
    let rows: Vec<Value> = placed
        .iter()
        .enumerate()
        .map(|(place, (trial, share))| {
            let mut data = row(reading, trial, "");
            data.insert("share".into(), json!(share));
            data.insert("which".into(), json!(HALVES[usize::from(place >= good)].0));
            Value::Object(data)
        })
        .collect();
    let values = placed.iter().filter_map(|(trial, _)| trial.objective());
    let (y_scale, y_axis) = scale::of_values(values, metric, scale::SPAN);
    let x = json!({
        "field": "share", "type": "quantitative", "scale": { "domain": [0, 1], "nice": false },
        "axis": { "title": "step of the best evaluation, share of maxTrainSteps", "format": ".0%", "tickCount": 10 },
    });
    let channel = |range: [&str; 2]| {
        json!({
            "field": "which", "type": "nominal", "scale": { "domain": HALVES.map(|half| half.0), "range": range },
            "legend": { "title": null, "orient": "bottom" },
        })
    };
    let mut tips = tooltip(reading, false);
    if let Value::Array(fields) = &mut tips {
        fields
            .push(json!({ "field": "share", "type": "quantitative", "format": ".1%", "title": "share of the steps" }));
    }
    let (early, late) = (reading.threshold(&EARLY_BEST), reading.threshold(&LATE_BEST));
    let mut sorted: Vec<f64> = placed.iter().take(good).map(|(_, share)| *share).collect();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied()?;
    let layers = vec![
        json!({
            "data": { "values": [{ "from": 0.0, "to": early }, { "from": 1.0 - late, "to": 1.0 }] },
            "mark": { "type": "rect", "color": GREY, "opacity": 0.16, "tooltip": false },
            "encoding": { "x": { "field": "from", "type": "quantitative" }, "x2": { "field": "to" } },
        }),
        json!({
            "data": { "values": [{ "share": median }] },
            "mark": { "type": "rule", "color": style::COLOURS[0], "strokeDash": [6, 3], "strokeWidth": 2, "tooltip": false },
            "encoding": { "x": { "field": "share", "type": "quantitative" } },
        }),
        json!({
            "data": { "values": rows },
            "mark": { "type": "point", "filled": true, "size": 60, "opacity": 0.7 },
            "encoding": {
                "x": x,
                "y": { "field": "objective", "type": "quantitative", "scale": y_scale, "axis": y_axis },
                "color": channel(HALVES.map(|half| half.1)), "shape": channel(HALVES.map(|half| half.2)),
                "tooltip": tips,
            },
        }),
    ];
    let title =
        format!("Best step: half of the better trials reach their best {metric} by {} of training", percent(median));
    let subtitle = format!(
        "Round {}, {} steps: n = {} that succeeded. Shaded: the first {}, far too many steps if all are there, and the last \
         {}, too few if most of the better half are. The line is the median of the better half.",
        round.name,
        round.steps,
        count(placed.len(), "trial"),
        percent(early),
        percent(late),
    );
    Some(style::plot("best-steps".to_owned(), title, subtitle, 240, &layers))
}

/// From the steps that trials report, of those without a curve to see their best step in. Nothing is concluded from these. A
/// curve that ends far from the budget, as where a trainer counts epochs, says nothing of it, and neither does its best step.
fn reported<'r, 'a>(reading: &'r Reading<'a>) -> Option<BestSteps<'r, 'a>> {
    if reading.plan.spec().objective.select != Select::Best {
        return None;
    }
    let round = reading.concluding()?;
    let metric = &reading.plan.spec().objective.metric;
    let placed: Vec<_> = reading
        .ranked(&round.trials)
        .into_iter()
        .filter(|(trial, _)| trial.curves.get(metric).is_none_or(Vec::is_empty))
        .filter_map(|(trial, _)| match trial.outcome {
            Outcome::Succeeded { step: Some(step), .. } if (1..=round.steps).contains(&step) => {
                Some((trial, step as f64 / round.steps as f64))
            }
            _ => None,
        })
        .collect();
    let good = placed.len().div_ceil(2);
    (placed.len() >= reading.count(&STEP_TRIALS)).then_some(BestSteps { round, placed, good })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{plots::plots, record::TrialRecord, studies};

    /// Trials that are at their best after these shares of 100 steps; the first is the best.
    fn trials(shares: &[f64], with_curves: bool) -> Vec<TrialRecord> {
        let trial = |(i, share): (usize, &f64)| {
            let error = |step: u64| 0.1 + 0.01 * i as f64 + (step as f64 / 100.0 - share).abs();
            let curve: Vec<(u64, f64)> = (1..=20).map(|k| (5 * k, error(5 * k))).collect();
            TrialRecord {
                name: format!("s-explore-{i:04}"),
                round: "explore".to_owned(),
                hyperparameters: BTreeMap::from([("learning_rate".to_owned(), 0.1.into())]),
                // Whole steps of a small number.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                outcome: Outcome::Succeeded { objective: 0.1 + 0.01 * i as f64, step: Some((100.0 * share) as u64) },
                curves: with_curves
                    .then(|| ("validation_error".to_owned(), curve))
                    .into_iter()
                    .collect::<BTreeMap<_, _>>(),
                ..TrialRecord::default()
            }
        };
        shares.iter().enumerate().map(trial).collect()
    }

    #[test]
    fn best_steps_are_shares_of_the_budget() {
        let plan = studies::plan(studies::ONE_DIMENSION);
        let shares = [0.25, 0.5, 0.75, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 0.25];
        for with_curves in [true, false] {
            let plots = plots(&plan, &trials(&shares, with_curves));
            let plot = plots.iter().find(|plot| plot.id == "best-steps").unwrap();
            let layers = &plot.specification["layer"];
            let rows = layers[2]["data"]["values"].as_array().unwrap();
            let drawn: Vec<f64> = rows.iter().map(|row| row["share"].as_f64().unwrap()).collect();
            assert_eq!(drawn, shares);
            assert_eq!((&rows[4]["which"], &rows[5]["which"]), (&json!("better half"), &json!("others")));
            assert_eq!(layers[1]["data"]["values"], json!([{ "share": 0.5 }]));
            assert_eq!(layers[0]["data"]["values"], json!([{ "from": 0.0, "to": 0.1 }, { "from": 0.75, "to": 1.0 }]));
            assert!(plot.title.ends_with("by 50% of training"), "{}", plot.title);
        }
        // Curves that end at a tenth of the budget count something else than steps.
        let mut short = trials(&shares, true);
        for trial in &mut short {
            trial.curves.values_mut().for_each(|curve| curve.truncate(2));
        }
        assert!(plots(&plan, &short).iter().all(|plot| plot.id != "best-steps"));
    }
}
