//! The good region on axis plots: what is within the noise of a retraining of the best.
//!
//! Playbook: "Not sampling enough points in the search space". A calibration aid: the eye judges how many trials lie in it.

use serde_json::{Value, json};
use studious_rules::thresholds::search::GOOD_DEVIATIONS;

use super::style;
use crate::findings::{
    GoodRegions,
    reading::Reading,
    wording::{count, list, number},
};

/// Bands of more arms would hide each other: only the best arm's is drawn.
const MOST_BANDS: usize = 3;

/// The bands of a plot whose y axis is the objective, to be drawn behind all else, and what the subtitle says about them.
///
/// Nothing where nothing was trained again; where that has another step budget, only words. `arms` are all labels, in the order of their colours, `shown` those
/// in the plot; `is_log` says whether the axis has a log scale.
pub(super) fn region(
    reading: &Reading<'_>,
    arms: &[String],
    shown: &[String],
    is_log: bool,
) -> Option<(Vec<Value>, String)> {
    let Some(GoodRegions { within, of_beginnings, arms: mut regions, .. }) = reading.good_regions() else {
        return Some((Vec::new(), format!(" {}", reading.why_no_good_region()?)));
    };
    regions.retain(|good| shown.contains(&good.arm.short_label()));
    let counts: Vec<String> = regions
        .iter()
        .map(|good| match good.arm.short_label() {
            label if label.is_empty() => count(good.trials, "trial"),
            label => format!("{} with {label}", good.trials),
        })
        .collect();
    let mut drawn = "";
    if regions.len() > MOST_BANDS {
        let direction = reading.direction();
        let best = regions.into_iter().reduce(|a, b| if direction.better(b.best, a.best) { b } else { a })?;
        regions = vec![best];
        drawn = ", drawn for the best arm";
    }
    let layers: Vec<Value> = regions
        .iter()
        .filter(|good| !is_log || (good.best > 0.0 && good.limit > 0.0))
        .map(|good| {
            let label = good.arm.short_label();
            let place = arms.iter().position(|arm| *arm == label).unwrap_or_default();
            json!({
                "data": { "values": [{ "best": good.best, "limit": good.limit }] },
                "mark": { "type": "rect", "color": style::nth(&style::COLOURS, place), "opacity": 0.14, "tooltip": false },
                "encoding": { "y": { "field": "best", "type": "quantitative" }, "y2": { "field": "limit" } },
            })
        })
        .collect();
    if layers.is_empty() {
        return None;
    }
    let said = format!(
        " Shaded{drawn}: within {} of the best ({} × the seed standard deviation{}), {}.",
        number(within),
        number(reading.threshold(&GOOD_DEVIATIONS)),
        if of_beginnings { ", of longer retrainings at this round's last step" } else { "" },
        list(&counts),
    );
    Some((layers, said))
}
