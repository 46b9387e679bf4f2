//! How large gradients are: the histogram of their norms with the clip threshold that the playbook begins with.
//!
//! Playbook: "How can optimization failures be debugged and mitigated?", gradient clipping: the 90th percentile.

use serde_json::{Value, json};
use studious_rules::thresholds::curves::{BEST_FEW, CLIP_QUANTILE, FEW_NORMS};

use super::{
    Plot, scale,
    style::{self, VERMILLION},
};
use crate::{
    contract::metrics::GRADIENT_NORM,
    findings::{
        reading::Reading,
        wording::{count, number, percent},
    },
};

const BINS: usize = 32;

/// The norms of the best few trials of the round that the answer is drawn from.
pub(super) fn plot(reading: &Reading<'_>) -> Option<Plot> {
    let round = reading.concluding()?;
    let ranked = reading.ranked(&round.trials);
    let curves: Vec<_> = ranked
        .iter()
        .take(reading.count(&BEST_FEW))
        .filter_map(|(t, _)| t.curves.get(GRADIENT_NORM))
        .filter(|c| !c.is_empty())
        .collect();
    let mut norms: Vec<f64> =
        curves.iter().flat_map(|c| c.iter().map(|(_, v)| *v)).filter(|v| *v > 0.0 && v.is_finite()).collect();
    if norms.len() < reading.count(&FEW_NORMS) {
        return None;
    }
    norms.sort_by(f64::total_cmp);
    let share = reading.threshold(&CLIP_QUANTILE).clamp(0.0, 1.0);
    // Between 0 and the last place.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let clip = norms[((norms.len() - 1) as f64 * share).round() as usize];
    let (low, high) = (norms[0], norms[norms.len() - 1]);
    let (start, end) = (libm::log10(low), libm::log10(high).max(libm::log10(low) + 1e-6));
    let width = (end - start) / BINS as f64;
    let mut bins = [0_usize; BINS];
    for norm in &norms {
        // Between 0 and the number of bins.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let bin = ((libm::log10(*norm) - start) / width).floor().max(0.0) as usize;
        bins[bin.min(BINS - 1)] += 1;
    }
    let edge = |i: usize| libm::pow(10.0, start + i as f64 * width);
    let rows: Vec<Value> = bins
        .iter()
        .enumerate()
        .filter(|(_, n)| **n > 0)
        .map(|(i, n)| json!({ "from": edge(i), "to": edge(i + 1), "norms": n }))
        .collect();
    let x = json!({
        "field": "from", "bin": "binned", "type": "quantitative", "scale": { "type": "log", "nice": false, "domain": [edge(0), edge(BINS)] },
        "axis": { "title": "gradient_norm (log scale)", "values": scale::ticks(edge(0) / 1.001, edge(BINS) * 1.001), "format": "~g", "labelOverlap": "greedy" },
    });
    let layers = vec![
        json!({
            "data": { "values": rows },
            "mark": { "type": "bar", "color": style::COLOURS[0], "opacity": 0.85, "binSpacing": 1 },
            "encoding": {
                "x": x, "x2": { "field": "to" },
                "y": { "field": "norms", "type": "quantitative", "axis": { "title": "measurements", "tickMinStep": 1, "format": "d" } },
                "tooltip": [
                    { "field": "from", "type": "quantitative", "format": ".3~g" },
                    { "field": "to", "type": "quantitative", "format": ".3~g" },
                    { "field": "norms", "type": "quantitative", "title": "measurements" },
                ],
            },
        }),
        json!({
            "data": { "values": [{ "clip": clip }] },
            "mark": { "type": "rule", "color": VERMILLION, "strokeWidth": 2, "strokeDash": [6, 3], "tooltip": false },
            "encoding": { "x": { "field": "clip", "type": "quantitative" } },
        }),
        json!({
            "data": { "values": [{ "clip": clip, "label": format!("{} of norms are below {}", percent(share), number(clip)) }] },
            "mark": { "type": "text", "align": "right", "baseline": "bottom", "fontSize": 11, "color": VERMILLION, "tooltip": false },
            "encoding": { "x": { "field": "clip", "type": "quantitative" }, "y": { "value": -3 }, "text": { "field": "label" } },
        }),
    ];
    let title = format!("Gradient norms: {} are below {}, where to begin clipping", percent(share), number(clip));
    let subtitle = format!(
        "Round {}, {} steps: n = {} of the best {}.",
        round.name,
        round.steps,
        count(norms.len(), "measurement"),
        count(curves.len(), "trial"),
    );
    Some(style::plot("gradient-norms".to_owned(), title, subtitle, 240, &layers))
}
