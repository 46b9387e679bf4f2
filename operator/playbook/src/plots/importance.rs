//! Which hyperparameters matter, with the spread of that judgement.

use serde_json::{Value, json};

use super::{Plot, style};
use crate::{
    findings::{
        reading::Reading,
        wording::{count, percent},
    },
    importance,
};

pub(super) fn plot(reading: &Reading<'_>) -> Option<Plot> {
    let round = reading.exploring()?;
    let found = importance::of(reading);
    if found.len() < 2 {
        return None;
    }
    let rows: Vec<Value> = found
        .iter()
        .map(|i| {
            json!({
                "hyperparameter": i.hyperparameter, "mean": i.mean.max(0.0), "low": i.low.max(0.0), "high": i.high.max(0.0),
            })
        })
        .collect();
    let names: Vec<&str> = found.iter().map(|i| i.hyperparameter.as_str()).collect();
    let y = json!({
        "field": "hyperparameter", "type": "nominal", "scale": { "domain": names },
        "axis": { "title": null, "labelLimit": 420 },
    });
    let axis =
        json!({ "title": "share of the differences between trials that it explains", "format": "%", "tickCount": 6 });
    let tooltip = json!([
        { "field": "hyperparameter" },
        { "field": "mean", "type": "quantitative", "format": ".0%", "title": "explains" },
        { "field": "low", "type": "quantitative", "format": ".0%", "title": "lowest tenth" },
        { "field": "high", "type": "quantitative", "format": ".0%", "title": "highest tenth" },
    ]);
    let layers = vec![
        json!({
            "data": { "values": rows },
            "mark": { "type": "bar", "color": style::COLOURS[0], "opacity": 0.75, "height": { "band": 0.6 } },
            "encoding": { "y": y, "x": { "field": "mean", "type": "quantitative", "axis": axis }, "tooltip": tooltip },
        }),
        json!({
            "data": { "values": rows },
            "mark": { "type": "rule", "color": style::GREY, "strokeWidth": 2.5, "tooltip": false },
            "encoding": { "y": y, "x": { "field": "low", "type": "quantitative", "axis": axis }, "x2": { "field": "high" } },
        }),
    ];
    let first = &found[0];
    let title = format!(
        "What matters here: {} explains {} of the differences between trials",
        first.hyperparameter,
        percent(first.mean.max(0.0))
    );
    let subtitle = format!(
        "Round {}, {} steps: n = {} that succeeded. Permutation importance in a random forest, by rank; lines: four in five \
         forests. What matters within these ranges, not beyond.",
        round.name,
        round.steps,
        count(first.trials, "trial"),
    );
    let height = u32::try_from(found.len() * 28 + 30).unwrap_or(400).min(520);
    Some(style::plot("importance".to_owned(), title, subtitle, height, &layers))
}
