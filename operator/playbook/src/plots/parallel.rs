//! Parallel coordinates: each trial a line over all hyperparameters, the good ones in front.

use serde_json::{Value, json};
use studious_rules::thresholds::plots::GOOD_SHARE;

use super::{
    Plot,
    axis::{row, tooltip},
    style::{GREY, VERMILLION},
};
use crate::{
    findings::{
        reading::{Along, Reading, Varied},
        wording::{count, number, percent},
    },
    record::TrialRecord,
};

/// Lines that can be told apart; of more, the best and evenly chosen others are drawn.
const MOST: usize = 200;
/// Columns that have room for their names.
const MOST_COLUMNS: usize = 12;
/// Lines that have neither this many columns nor trials show nothing.
const FEWEST: usize = 3;

/// One column.
struct Column<'a> {
    varied: Varied<'a>,
    name: String,
    low: String,
    high: String,
}

pub(super) fn plot(reading: &Reading<'_>) -> Option<Plot> {
    let round = reading.exploring()?;
    let columns: Vec<Column<'_>> = reading.varied().filter_map(column).take(MOST_COLUMNS).collect();
    let ranked = reading.ranked(&round.trials);
    if columns.len() + 1 < FEWEST || ranked.len() < FEWEST {
        return None;
    }
    let infeasible: Vec<&TrialRecord> = round.results().filter(|t| t.objective().is_none()).collect();
    // At least one, at most all.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let good = ((ranked.len() as f64 * reading.threshold(&GOOD_SHARE)).round() as usize).clamp(1, MOST / 2);
    let others: Vec<&TrialRecord> = ranked[good..].iter().map(|(t, _)| *t).collect();
    let sampled = |all: &[&'_ TrialRecord], most: usize| -> Vec<usize> {
        (0..all.len().min(most)).map(|i| i * all.len() / all.len().min(most)).collect()
    };
    let last = ranked.len().max(2) - 1;
    let objective = &reading.plan.spec().objective.metric;
    let lines = |trial: &TrialRecord, place: Option<usize>| -> Vec<Value> {
        let mut base = row(reading, trial, "");
        base.insert("rank".into(), json!(place.map(|p| p + 1)));
        let of = |column: usize, name: &str, y: f64| {
            let mut data = base.clone();
            data.insert("column".into(), json!(name));
            data.insert("order".into(), json!(column));
            data.insert("y".into(), json!(y));
            Value::Object(data)
        };
        let mut rows: Vec<Value> =
            columns.iter().enumerate().filter_map(|(i, c)| Some(of(i, &c.name, place_of(c.varied, trial)?))).collect();
        if let Some(place) = place {
            rows.push(of(columns.len(), objective, 1.0 - place as f64 / last as f64));
        }
        rows
    };
    let mut names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
    names.push(objective);
    let x = json!({
        "field": "column", "type": "nominal", "scale": { "domain": names, "type": "point", "padding": 0.3 },
        // Clear of the values at the foot of the columns.
        "axis": { "title": null, "labelAngle": -20, "grid": true, "orient": "bottom", "labelLimit": 220, "labelPadding": 18 },
    });
    let y = json!({ "field": "y", "type": "quantitative", "scale": { "domain": [0, 1], "nice": false }, "axis": null });
    let layer = |rows: Vec<Value>, mark: Value, bad: bool| {
        json!({
            "data": { "values": rows }, "mark": mark,
            "encoding": { "x": x, "y": y, "detail": { "field": "trial" }, "order": { "field": "order", "type": "quantitative" }, "tooltip": tooltip(reading, bad) },
        })
    };
    let behind = sampled(&others, MOST / 2);
    let crossed = sampled(&infeasible, MOST / 4);
    let mut layers = Vec::new();
    let rows: Vec<Value> = behind.iter().flat_map(|i| lines(others[*i], Some(good + i))).collect();
    if !rows.is_empty() {
        layers.push(layer(rows, json!({ "type": "line", "color": GREY, "opacity": 0.35, "strokeWidth": 1 }), false));
    }
    let rows: Vec<Value> = crossed.iter().flat_map(|i| lines(infeasible[*i], None)).collect();
    if !rows.is_empty() {
        let mark =
            json!({ "type": "line", "color": VERMILLION, "opacity": 0.4, "strokeWidth": 1, "strokeDash": [3, 2] });
        layers.push(layer(rows, mark, true));
    }
    let rows: Vec<Value> =
        ranked[..good].iter().enumerate().flat_map(|(place, (t, _))| lines(t, Some(place))).collect();
    layers.push(layer(rows, json!({ "type": "line", "color": "#0072B2", "opacity": 0.9, "strokeWidth": 2.5 }), false));
    for (end, y, base) in [("low", 1.0, "top"), ("high", 0.0, "bottom")] {
        let mut ends: Vec<Value> = columns
            .iter()
            .map(|c| json!({ "column": c.name, "label": if end == "low" { &c.low } else { &c.high } }))
            .collect();
        ends.push(json!({ "column": objective, "label": if end == "low" { "worst" } else { "best" } }));
        layers.push(json!({
            "data": { "values": ends },
            "mark": { "type": "text", "baseline": base, "dy": if end == "low" { 4 } else { -4 }, "fontSize": 10, "color": GREY, "tooltip": false, "clip": false },
            "encoding": { "x": x, "y": { "datum": 1.0 - y }, "text": { "field": "label" } },
        }));
    }
    let title =
        format!("What good trials have in common: the best {} in blue", percent(good as f64 / ranked.len() as f64));
    let dashed =
        if infeasible.is_empty() { String::new() } else { format!(" and {} infeasible, dashed", infeasible.len()) };
    let drawn = good + behind.len() + crossed.len();
    let of = ranked.len() + infeasible.len();
    let left = if drawn < of { format!(" {drawn} of {of} drawn.") } else { String::new() };
    let subtitle = format!(
        "Round {}, {} steps: n = {}{dashed}. Each line is a trial; {objective} by rank.{left}",
        round.name,
        round.steps,
        count(ranked.len(), "trial")
    );
    Some(super::style::plot("parallel-coordinates".to_owned(), title, subtitle, 300, &layers))
}

fn column(varied: Varied<'_>) -> Option<Column<'_>> {
    let h = varied.hyperparameter;
    let name = match super::super::findings::wording::condition(h) {
        Some(condition) => format!("{} ({condition})", h.name),
        None => h.name.clone(),
    };
    if let Some(axis) = varied.axis() {
        let (low, high) = axis.ends();
        return Some(Column { varied, name, low: number(low), high: number(high) });
    }
    let values = h.values.as_ref().filter(|v| v.len() > 1)?;
    let (first, last) = (values.first()?.to_string(), values.last()?.to_string());
    Some(Column { varied, name, low: first, high: last })
}

/// Where a trial stands in a column, 0 to 1.
fn place_of(varied: Varied<'_>, trial: &TrialRecord) -> Option<f64> {
    if let Some(axis) = varied.axis() {
        return match axis.along {
            Along::Range(_) | Along::List(_) => axis.position(trial),
        };
    }
    let values = varied.hyperparameter.values.as_ref()?;
    let value = varied.value(trial)?;
    let place = values.iter().position(|v| v == value)?;
    Some(place as f64 / (values.len() - 1).max(1) as f64)
}
