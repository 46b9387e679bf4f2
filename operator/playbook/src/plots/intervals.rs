//! The intervals of the answer on isolation plots: the means of what was trained again with other seeds.
//!
//! Playbook: "Determining whether to adopt a training pipeline change or hyperparameter configuration": the best trial of an
//! arm is selected for noise as well as merit, and a difference within the noise of retraining is none.

use serde_json::{Value, json};

use crate::findings::{
    ComparedMeans, Estimate, RetrainedMean,
    wording::{count, number, percent},
};

/// The values that a mean and its interval reach.
pub(super) fn reached(mean: &RetrainedMean<'_>) -> impl Iterator<Item = f64> + use<> {
    let Estimate { value, interval, .. } = mean.mean;
    std::iter::once(value).chain(interval.into_iter().flatten())
}

/// A diamond at the mean and a line along its interval, at this place and in this colour; `x` is the channel of a field `x`,
/// `y` that of the objective.
pub(super) fn layers(mean: &RetrainedMean<'_>, (place, colour): (Value, &str), x: &Value, y: &Value) -> Vec<Value> {
    let Estimate { value, interval, level } = mean.mean;
    let what = format!("mean of {}", count(mean.retrainings, "retraining"));
    let range = interval.map(|[low, high]| format!("{} to {}", number(low), number(high)));
    let range = range.unwrap_or_else(|| "unknown".to_owned());
    let mut y = y.clone();
    y["field"] = json!("mean");
    let row = json!({ "x": place, "mean": value, "what": what, "range": range });
    let line = interval.map(|[low, high]| {
        let mut from = y.clone();
        from["field"] = json!("low");
        json!({
            "data": { "values": [{ "x": place, "low": low, "high": high }] },
            "mark": { "type": "rule", "strokeWidth": 2, "color": colour, "tooltip": false },
            "encoding": { "x": x, "y": from, "y2": { "field": "high" } },
        })
    });
    let diamond = json!({
        "data": { "values": [row] },
        "mark": { "type": "point", "shape": "diamond", "size": 90, "filled": true, "opacity": 1, "color": colour },
        "encoding": {
            "x": x, "y": y,
            "tooltip": [
                { "field": "what", "title": "answer" },
                { "field": "mean", "type": "quantitative", "format": ".4~g" },
                { "field": "range", "title": format!("{} interval", percent(level)) },
            ],
        },
    });
    line.into_iter().chain([diamond]).collect()
}

/// What the subtitle says about them.
pub(super) fn said(compared: Option<&ComparedMeans<'_>>) -> String {
    let Some(ComparedMeans { means, difference }) = compared else {
        return " No interval: what training these points again would change is unknown.".to_owned();
    };
    let Some(first) = means.first() else { return String::new() };
    let diamonds = match (means.len(), first.mean.interval) {
        (_, None) => " ◆ the mean of the retrainings; how far it may be off is unknown.".to_owned(),
        (1, Some([low, high])) => format!(
            " ◆ the mean of {}: {}, {} to {} ({} interval).",
            count(first.retrainings, "retraining"),
            number(first.mean.value),
            number(low),
            number(high),
            percent(first.mean.level)
        ),
        _ => format!(" ◆ the mean of the retrainings, with its {} interval.", percent(first.mean.level)),
    };
    let ahead = difference.filter(|_| means.len() > 1).and_then(|difference| {
        let [low, high] = difference.interval?;
        let label = first.arm.as_ref()?.short_label();
        Some(format!(
            " The mean of {label} is better by {} ({} to {}).",
            number(difference.value),
            number(low),
            number(high)
        ))
    });
    diamonds + &ahead.unwrap_or_default()
}
