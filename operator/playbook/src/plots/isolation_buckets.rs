//! The isolation plot of a scientific hyperparameter with a range: the best trial in each bucket of its axis.
//!
//! Playbook: "Detecting whether a change is useful with isolation plots": nuisance hyperparameters optimised away, here by
//! keeping the best trial in each slice.

use serde_json::{Value, json};
use studious_api::study::Role;
use studious_rules::thresholds::plots::{BUCKET_TRIALS, TRIALS_PER_BUCKET};

use super::{
    Plot,
    axis::{row, tooltip},
    intervals, scale,
    style::{self, GREY},
};
use crate::{
    findings::{
        RetrainedMean,
        reading::{Along, Axis, Reading},
        wording::{count, number},
    },
    record::TrialRecord,
};

pub(super) const MOST_BUCKETS: usize = 12;

/// How many buckets so many trials fill.
pub(super) fn buckets(reading: &Reading<'_>, trials: usize) -> usize {
    (trials / reading.count(&TRIALS_PER_BUCKET).max(1)).clamp(2, MOST_BUCKETS)
}

/// One for each scientific hyperparameter with a range; `in_buckets` of them, or about one for six trials.
pub(super) fn plots(reading: &Reading<'_>, in_buckets: Option<usize>) -> Vec<Plot> {
    reading
        .axes()
        .filter(|axis| axis.hyperparameter.role == Role::Scientific && matches!(axis.along, Along::Range(_)))
        .filter_map(|axis| plot(reading, &axis, in_buckets))
        .collect()
}

fn plot(reading: &Reading<'_>, axis: &Axis<'_>, in_buckets: Option<usize>) -> Option<Plot> {
    let round = reading.exploring()?;
    let range = axis.hyperparameter.range.as_ref()?;
    let placed: Vec<(f64, &TrialRecord)> = round.results().filter_map(|t| Some((axis.position(t)?, t))).collect();
    let all: Vec<&TrialRecord> = placed.iter().map(|(_, t)| *t).collect();
    let ranked = reading.ranked(&all);
    let fewest = reading.count(&BUCKET_TRIALS);
    if ranked.len() < fewest {
        return None;
    }
    let most = in_buckets.unwrap_or_else(|| buckets(reading, placed.len())).max(2);
    let value_at = |place: f64| axis.varied.number_at(place).map(|v| scale::field(range, v));
    let metric = reading.plan.spec().objective.metric.as_str();
    let name = axis.name();
    let (x_scale, x_axis) = scale::of_range(range, name);
    // The answer is drawn from one round only.
    let concludes = reading.concluding().is_some_and(|concluding| std::ptr::eq(concluding, round));
    let compared = reading.compared_means().filter(|_| concludes);
    let means = compared.as_ref().map_or(&[][..], |compared| compared.means.as_slice());
    let values = ranked.iter().map(|(_, o)| *o).chain(means.iter().flat_map(intervals::reached));
    let (y_scale, y_axis) = scale::of_values(values, metric, scale::SPAN);
    let mut bars: Vec<Value> = Vec::new();
    let mut thin = 0;
    for bucket in 0..most {
        let (from, to) = (bucket as f64 / most as f64, (bucket + 1) as f64 / most as f64);
        let is_last = bucket + 1 == most;
        let inside: Vec<&TrialRecord> =
            placed.iter().filter(|(place, _)| *place >= from && (*place < to || is_last)).map(|(_, t)| *t).collect();
        let best = reading.ranked(&inside);
        let Some((trial, objective)) = best.first() else { continue };
        let (Some(start), Some(end)) = (value_at(from), value_at(to)) else { continue };
        let is_thin = inside.len() < fewest;
        thin += usize::from(is_thin);
        let mut data = row(reading, trial, "");
        data.insert("from".into(), json!(start));
        data.insert("to".into(), json!(end));
        data.insert("best".into(), json!(objective));
        data.insert("n".into(), json!(format!("n = {}", inside.len())));
        data.insert("kind".into(), json!(if is_thin { "few trials" } else { "best of bucket" }));
        bars.push(Value::Object(data));
    }
    let points: Vec<Value> = ranked
        .iter()
        .filter_map(|(trial, _)| {
            let mut data = row(reading, trial, "");
            data.insert("x".into(), json!(scale::field(range, axis.value(trial)?)));
            Some(Value::Object(data))
        })
        .collect();
    let x = |field: &str| json!({ "field": field, "type": "quantitative", "scale": x_scale, "axis": x_axis });
    let y = |field: &str| json!({ "field": field, "type": "quantitative", "scale": y_scale, "axis": y_axis });
    let dash = json!({ "field": "kind", "type": "nominal", "scale": { "domain": ["best of bucket", "few trials"], "range": [[1, 0], [4, 3]] }, "legend": { "title": null, "orient": "bottom", "symbolType": "stroke" } });
    let mut layers = vec![
        json!({
            "data": { "values": points },
            "mark": { "type": "point", "filled": true, "size": 35, "opacity": 0.5, "color": GREY },
            "encoding": { "x": x("x"), "y": y("objective"), "tooltip": tooltip(reading, false) },
        }),
        json!({
            "data": { "values": bars },
            "mark": { "type": "rule", "strokeWidth": 3, "color": style::COLOURS[0] },
            "encoding": { "x": x("from"), "x2": { "field": "to" }, "y": y("best"), "strokeDash": dash, "tooltip": tooltip(reading, false) },
        }),
        json!({
            "data": { "values": bars },
            "mark": { "type": "text", "fontSize": 10, "color": GREY, "align": "left", "dx": 3, "tooltip": false },
            "encoding": { "x": x("from"), "y": { "value": 8 }, "text": { "field": "n" } },
        }),
    ];
    let place =
        |mean: &RetrainedMean<'_>| Some((json!(scale::field(range, axis.value(mean.trial)?)), style::COLOURS[1]));
    let drawn = means.iter().filter_map(|mean| Some(intervals::layers(mean, place(mean)?, &x("x"), &y("mean"))));
    layers.extend(drawn.flatten());
    let title =
        format!("{metric} against {name}, nuisance hyperparameters optimised away: best {}", number(ranked[0].1));
    let few =
        if thin > 0 { format!(" {} have fewer than {fewest} trials.", count(thin, "bucket")) } else { String::new() };
    let subtitle = format!(
        "Round {}, {} steps: n = {} in {}; the bar is the best trial of its bucket.{few}{} Fixed hyperparameters limit what it says.",
        round.name,
        round.steps,
        count(placed.len(), "trial"),
        count(bars.len(), "bucket"),
        if concludes { intervals::said(compared.as_ref()) } else { String::new() },
    );
    Some(style::plot(format!("isolation-{name}"), title, subtitle, 300, &layers))
}
