//! The best of k trials: what studies of each size, drawn from the trials that ran, would have found.
//!
//! Playbook: "How many trials are needed to get good results with quasi-random search?".

use serde_json::{Value, json};

use super::{
    Plot, scale,
    style::{self, GREY},
};
use crate::findings::{
    Budget, GoodRegions, QUANTILES, budgets_of,
    reading::Reading,
    wording::{count, number},
};

/// The median is at this place of [`QUANTILES`], the band between the others.
const LUCKY: usize = 1;
const MEDIAN: usize = 2;
const UNLUCKY: usize = 3;
/// One arm's band is drawn; of more, bands would hide each other.
const MOST_BANDS: usize = 3;

pub(super) fn plot(reading: &Reading<'_>) -> Option<Plot> {
    let round = reading.exploring()?;
    let budgets: Vec<Budget> = budgets_of(reading).into_iter().filter(|b| b.sizes.len() > 1).collect();
    let metric = reading.plan.spec().objective.metric.as_str();
    let values = || budgets.iter().flat_map(|b| b.sizes.iter().filter_map(|s| s.quantiles[MEDIAN]));
    values().next()?;
    let names: Vec<String> = budgets.iter().map(|b| name(reading, b)).collect();
    let most = budgets.iter().map(|b| b.results).max().unwrap_or(1);
    let bands = budgets.len() <= MOST_BANDS;
    let (band_rows, rows) = rows(&budgets, &names, bands);
    let (luck, luck_said) = luck(reading, &budgets);
    let quantiles = budgets.iter().flat_map(|b| &b.sizes);
    let quantiles = quantiles.flat_map(|s| [s.quantiles[LUCKY], s.quantiles[MEDIAN], s.quantiles[UNLUCKY]]).flatten();
    let spread = quantiles.chain(luck.into_iter().flatten());
    let (y_scale, y_axis) = scale::of_values(spread, &format!("best {metric}"), scale::SPAN);
    let ticks: Vec<usize> = budgets.iter().flat_map(|b| b.sizes.iter().map(|s| s.trials)).collect();
    let x = json!({
        "field": "trials", "type": "quantitative", "scale": { "type": "log", "domain": [1, most.max(2)], "nice": false },
        "axis": { "title": "trials of a study (log scale)", "values": ticks, "format": "d", "labelOverlap": "greedy" },
    });
    let y = |field: &str| json!({ "field": field, "type": "quantitative", "scale": y_scale, "axis": y_axis });
    let many = names.len() > 1;
    let colour = if many {
        json!({ "field": "arm", "type": "nominal", "scale": style::colours(&names), "legend": { "title": null, "orient": "bottom", "symbolOpacity": 1 } })
    } else {
        json!({ "value": style::COLOURS[0] })
    };
    let shape = if many {
        json!({ "field": "arm", "type": "nominal", "scale": style::shapes(&names), "legend": { "title": null, "orient": "bottom", "symbolOpacity": 1 } })
    } else {
        json!({ "value": "circle" })
    };
    let percentage = |place: usize| number(QUANTILES[place] * 100.0);
    let mut layers: Vec<Value> = Vec::new();
    if let Some([low, high]) = luck {
        layers.push(json!({
            "data": { "values": [{ "low": low, "high": high }] },
            "mark": { "type": "rect", "color": GREY, "opacity": 0.25, "tooltip": false },
            "encoding": { "y": y("low"), "y2": { "field": "high" } },
        }));
    }
    if !band_rows.is_empty() {
        layers.push(json!({
            "data": { "values": band_rows },
            "mark": { "type": "area", "opacity": if many { 0.12 } else { 0.2 }, "tooltip": false },
            // The legend as in the other layers: one that is null here would take theirs away.
            "encoding": { "x": x, "y": y("lucky"), "y2": { "field": "unlucky" }, "color": colour },
        }));
    }
    let tooltip = json!([
        { "field": "arm", "title": "arm" },
        { "field": "trials", "type": "quantitative", "title": "trials" },
        { "field": "median", "type": "quantitative", "format": ".4~g", "title": "median study" },
        { "field": "lucky", "type": "quantitative", "format": ".4~g", "title": format!("best {} % of studies", percentage(LUCKY)) },
        { "field": "unlucky", "type": "quantitative", "format": ".4~g", "title": format!("best {} % of studies", percentage(UNLUCKY)) },
    ]);
    layers.push(json!({
        "data": { "values": rows },
        "mark": { "type": "line", "strokeWidth": 2, "tooltip": false },
        "encoding": { "x": x, "y": y("median"), "color": colour },
    }));
    layers.push(json!({
        "data": { "values": rows },
        "mark": { "type": "point", "filled": true, "size": 45 },
        "encoding": { "x": x, "y": y("median"), "color": colour, "shape": shape, "tooltip": tooltip },
    }));
    layers.push(json!({
        "data": { "values": [{ "label": "half of the trials" }] },
        "mark": { "type": "rule", "color": GREY, "strokeDash": [4, 4], "tooltip": false },
        "encoding": { "x": { "datum": (most / 2).max(1) } },
    }));
    let said = budgets.iter().max_by_key(|b| b.results).and_then(|b| {
        let half = b.sizes.iter().rev().find(|s| 2 * s.trials <= b.results)?.quantiles[MEDIAN]?;
        let all = b.sizes.last()?.quantiles[MEDIAN]?;
        Some(format!("{} with half of the trials, {} with all", number(half), number(all)))
    });
    let title = match said {
        Some(said) if !many => format!("Were there enough trials? Best {metric} of a median study: {said}"),
        _ => format!("Were there enough trials? Best {metric} by the number of trials"),
    };
    let band =
        if bands { format!(" Band: the middle {} % of them.", percentage(UNLUCKY - LUCKY)) } else { String::new() };
    let n = budgets.iter().map(|b| b.results).sum::<usize>();
    let subtitle = format!(
        "Round {}, {} steps: n = {} in {}, infeasible ones included. Lines: the median of studies drawn from them.{band}{luck_said}",
        round.name,
        round.steps,
        count(n, "trial"),
        count(budgets.len(), "arm"),
    );
    Some(style::plot("best-of-k".to_owned(), title, subtitle, 260, &layers))
}

/// The best of all, give or take what training one point again with other seeds changes, and the subtitle's words for it.
fn luck(reading: &Reading<'_>, budgets: &[Budget]) -> (Option<[f64; 2]>, String) {
    let direction = reading.direction();
    let found = budgets.iter().filter_map(|b| b.sizes.last()?.quantiles[MEDIAN]);
    let best = found.reduce(|a, b| if direction.better(b, a) { b } else { a });
    match (best, reading.good_regions(), reading.why_no_good_region()) {
        (Some(best), Some(GoodRegions { deviation, of_beginnings, .. }), _) => {
            let of = if of_beginnings { ", of longer retrainings at this round's last step" } else { "" };
            let said = format!(
                " Grey: the best, give or take {} (one seed standard deviation{of}): what training one point again changes.",
                number(deviation)
            );
            (Some([best - deviation, best + deviation]), said)
        }
        (_, None, Some(why)) => (None, format!(" {why}")),
        _ => (None, " What training one point again changes is unknown: none was.".to_owned()),
    }
}

/// The bands, if they are to be drawn, and the medians.
fn rows(budgets: &[Budget], names: &[String], bands: bool) -> (Vec<Value>, Vec<Value>) {
    let (mut band_rows, mut rows) = (Vec::new(), Vec::new());
    for (budget, name) in budgets.iter().zip(names) {
        for size in &budget.sizes {
            let [_, lucky, median, unlucky, _] = size.quantiles;
            if let (true, Some(lucky), Some(unlucky)) = (bands, lucky, unlucky) {
                band_rows.push(json!({ "arm": name, "trials": size.trials, "lucky": lucky, "unlucky": unlucky }));
            }
            if let Some(median) = median {
                rows.push(json!({
                    "arm": name, "trials": size.trials, "median": median, "lucky": lucky, "unlucky": unlucky,
                }));
            }
        }
    }
    (band_rows, rows)
}

fn name(reading: &Reading<'_>, budget: &Budget) -> String {
    if budget.arm.is_empty() { reading.plan.name().to_owned() } else { budget.arm.clone() }
}
