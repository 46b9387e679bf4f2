//! The isolation plot: objective against the scientific configuration, nuisance hyperparameters optimised away.
//!
//! Playbook: "Detecting whether a change is useful with isolation plots".

use serde_json::{Value, json};
use studious_api::study::Role;

use super::{
    Plot,
    axis::{arm_title, row, tooltip},
    scale,
    style::{self, CROSS, VERMILLION},
};
use crate::findings::{
    reading::{Arm, Reading, Round},
    wording::{count, list, number},
};

/// One for the round that the answer is drawn from, and one for the round that explored if that is another.
pub(super) fn plots(reading: &Reading<'_>) -> Vec<Plot> {
    let mut plots: Vec<Plot> = Vec::new();
    for round in reading.concluding().into_iter().chain(reading.exploring()) {
        if let Some(plot) = plot(reading, round)
            && plots.iter().all(|p| p.id != plot.id)
        {
            plots.push(plot);
        }
    }
    plots
}

fn plot(reading: &Reading<'_>, round: &Round<'_>) -> Option<Plot> {
    let arms: Vec<_> = reading.arms(round).into_iter().filter(|a| a.trials.iter().any(|t| t.is_result())).collect();
    if arms.len() < 2 {
        return None;
    }
    let metric = reading.plan.spec().objective.metric.as_str();
    let title = arm_title(&arms);
    let all: Vec<_> = arms.iter().flat_map(|a| a.trials.iter().copied()).collect();
    let ranked = reading.ranked(&all);
    let (y_scale, y_axis) = scale::of_values(ranked.iter().map(|(_, o)| *o), metric);

    let names: Vec<String> = arms.iter().map(|arm| heading(reading, arm)).collect();
    let mut points = Vec::new();
    let mut bests = Vec::new();
    let mut crosses = Vec::new();
    for (arm, name) in arms.iter().zip(&names) {
        let ranked = reading.ranked(&arm.trials);
        for (i, (trial, objective)) in ranked.iter().enumerate() {
            let mut data = row(reading, trial, name);
            // Side by side where points would hide each other; the best in the middle.
            data.insert("aside".into(), json!(aside(i)));
            if i == 0 {
                data.insert("label".into(), json!(number(*objective)));
                bests.push(Value::Object(data.clone()));
            }
            points.push(Value::Object(data));
        }
        for (i, trial) in arm.trials.iter().filter(|t| t.is_result() && t.objective().is_none()).enumerate() {
            let mut data = row(reading, trial, name);
            data.insert("aside".into(), json!(aside(i)));
            crosses.push(Value::Object(data));
        }
    }
    let x = json!({
        "field": "arm", "type": "nominal", "sort": null, "scale": { "domain": names },
        "axis": { "title": title, "labelAngle": 0, "labelExpr": "split(datum.label, '\\n')", "ticks": false, "labelPadding": 6 },
    });
    let aside = json!({ "field": "aside", "type": "quantitative", "scale": { "domain": [-1, 1] } });
    let y = json!({ "field": "objective", "type": "quantitative", "scale": y_scale, "axis": y_axis });
    let colour = json!({ "field": "arm", "type": "nominal", "scale": style::colours(&names), "legend": null });
    let shape = json!({ "field": "arm", "type": "nominal", "scale": style::shapes(&names), "legend": null });
    let mut layers = vec![
        json!({
            "data": { "values": points },
            "mark": { "type": "point", "filled": true, "size": 45, "opacity": 0.55 },
            "encoding": { "x": x, "xOffset": aside, "y": y, "color": colour, "shape": shape, "tooltip": tooltip(reading, false) },
        }),
        json!({
            "data": { "values": bests },
            "mark": { "type": "tick", "thickness": 3, "bandSize": 60, "tooltip": false },
            "encoding": { "x": x, "y": y, "color": colour },
        }),
        json!({
            "data": { "values": bests },
            "mark": { "type": "text", "dx": 36, "align": "left", "baseline": "middle", "fontSize": 12, "fontWeight": 600, "tooltip": false },
            "encoding": { "x": x, "y": y, "text": { "field": "label" } },
        }),
    ];
    if !crosses.is_empty() {
        layers.push(json!({
            "data": { "values": crosses },
            "mark": { "type": "point", "shape": CROSS, "size": 60, "strokeWidth": 2, "filled": false, "color": VERMILLION, "clip": false },
            "encoding": { "x": x, "xOffset": aside, "y": { "value": -10 }, "tooltip": tooltip(reading, true) },
        }));
    }
    let seen = match ranked.first() {
        Some((best, objective)) => {
            let arm = arms.iter().find(|a| a.trials.iter().any(|t| std::ptr::eq(*t, *best)))?;
            format!("Best {metric} of each {title}: {} is best with {}", arm.short_label(), number(*objective))
        }
        None => format!("{metric} of each {title}: every trial was infeasible"),
    };
    let fixed: Vec<_> = reading
        .plan
        .spec()
        .hyperparameters
        .iter()
        .filter(|h| h.role == Role::Fixed)
        .filter_map(|h| Some(format!("{} = {}", h.name, h.value.as_ref()?)))
        .collect();
    let holds = if fixed.is_empty() { String::new() } else { format!(" Holds for {}.", list(&fixed)) };
    let subtitle = format!(
        "Round {}, {} steps: n = {}{}. The bar is the best of each, over all its other hyperparameters.{holds}",
        round.name,
        round.steps,
        count(ranked.len(), "trial"),
        if crosses.is_empty() { String::new() } else { format!(", {} infeasible (✕)", crosses.len()) },
    );
    Some(style::plot(format!("isolation-{}", round.name), seen, subtitle, 260, layers))
}

/// The arm with its counts, in two lines.
fn heading(reading: &Reading<'_>, arm: &Arm<'_>) -> String {
    let succeeded = reading.ranked(&arm.trials).len();
    let infeasible = arm.trials.iter().filter(|t| t.is_result()).count() - succeeded;
    let counts = match infeasible {
        0 => format!("n = {succeeded}"),
        bad => format!("n = {succeeded}, {bad} infeasible"),
    };
    format!("{}\n{counts}", arm.short_label())
}

/// 0, then alternately right and left, ever farther up to a third of the band.
fn aside(i: usize) -> f64 {
    let step = i.div_ceil(2) % 6;
    let side = if i % 2 == 1 { 1.0 } else { -1.0 };
    if i == 0 { 0.0 } else { side * 0.08 * (step as f64 + 1.0) }
}
