//! The isolation plot: objective against the scientific configuration, nuisance hyperparameters optimised away.
//!
//! Playbook: "Detecting whether a change is useful with isolation plots".

use serde_json::{Value, json};
use studious_api::study::Role;

use super::{
    Plot,
    axis::{arm_title, ended_early, row, tooltip},
    intervals, scale,
    style::{self, CROSS, VERMILLION},
};
use crate::{
    findings::{
        RetrainedMean,
        reading::{Arm, Reading, RoundTrials},
        wording::{count, list, number},
    },
    record::TrialRecord,
};

/// Half the length of the bar that marks the best, where arms are 1 apart.
const BAR: f64 = 0.34;
/// Where the mean of an arm's retrainings stands, beside its points and its bar.
const BESIDE: f64 = 0.41;

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

fn plot(reading: &Reading<'_>, round: &RoundTrials<'_>) -> Option<Plot> {
    let arms: Vec<_> = reading.arms(round).into_iter().filter(|a| a.trials.iter().any(|t| t.is_result())).collect();
    if arms.len() < 2 {
        return None;
    }
    let metric = reading.plan.spec().objective.metric.as_str();
    let title = arm_title(&arms);
    let all: Vec<_> = arms.iter().flat_map(|a| a.trials.iter().copied()).collect();
    let ranked = reading.ranked(&all);
    // The answer is drawn from one round only.
    let concludes = reading.concluding().is_some_and(|concluding| std::ptr::eq(concluding, round));
    let compared = reading.compared_means().filter(|_| concludes);
    let means = compared.as_ref().map_or(&[][..], |compared| compared.means.as_slice());
    let values = ranked.iter().map(|(_, o)| *o).chain(means.iter().flat_map(intervals::reached));
    let (y_scale, y_axis) = scale::of_values(values, metric, scale::SPAN);

    let names: Vec<String> = arms.iter().map(Arm::short_label).collect();
    let mut points = Vec::new();
    let mut bests = Vec::new();
    let mut crosses = Vec::new();
    for (at, (arm, name)) in arms.iter().zip(&names).enumerate() {
        let placed = |trial, beside: usize| {
            let mut data = row(reading, trial, name);
            data.insert("x".into(), json!(at as f64 + aside(beside)));
            data
        };
        for (i, (trial, objective)) in reading.ranked(&arm.trials).into_iter().enumerate() {
            let data = placed(trial, i);
            if i == 0 {
                let mut bar = data.clone();
                bar.insert("label".into(), json!(number(objective)));
                bar.insert("from".into(), json!(at as f64 - BAR));
                bar.insert("to".into(), json!(at as f64 + BAR));
                bests.push(Value::Object(bar));
            }
            points.push(Value::Object(data));
        }
        let infeasible = arm.trials.iter().filter(|t| t.is_result() && t.objective().is_none());
        crosses.extend(infeasible.enumerate().map(|(i, trial)| Value::Object(placed(trial, i))));
    }
    let headings: Vec<_> = arms.iter().map(|arm| heading(reading, arm)).collect();
    let x = json!({
        "field": "x", "type": "quantitative",
        "scale": { "domain": [-0.5, arms.len() as f64 - 0.5], "nice": false, "zero": false },
        "axis": {
            "title": title, "values": (0..arms.len()).collect::<Vec<_>>(), "labelExpr": format!("{}[datum.value]", json!(headings)),
            "ticks": false, "grid": false, "labelPadding": 6,
        },
    });
    let at = |field: &str| json!({ "field": field, "type": "quantitative" });
    let y = json!({ "field": "objective", "type": "quantitative", "scale": y_scale, "axis": y_axis });
    let colour = json!({ "field": "arm", "type": "nominal", "scale": style::colours(&names), "legend": null });
    let shape = json!({ "field": "arm", "type": "nominal", "scale": style::shapes(&names), "legend": null });
    let mut layers = vec![
        json!({
            "data": { "values": points },
            "mark": { "type": "point", "filled": true, "size": 50, "opacity": 0.7 },
            "encoding": { "x": x, "y": y, "color": colour, "shape": shape, "tooltip": tooltip(reading, false) },
        }),
        json!({
            "data": { "values": bests },
            "mark": { "type": "rule", "strokeWidth": 2.5, "tooltip": false },
            "encoding": { "x": at("from"), "x2": { "field": "to" }, "y": y, "color": colour },
        }),
        json!({
            "data": { "values": bests },
            "mark": { "type": "text", "dy": -4, "align": "right", "baseline": "bottom", "fontSize": 12, "fontWeight": 600, "tooltip": false },
            "encoding": { "x": at("to"), "y": y, "text": { "field": "label" } },
        }),
    ];
    if !crosses.is_empty() {
        layers.push(json!({
            "data": { "values": crosses },
            "mark": { "type": "point", "shape": CROSS, "size": 60, "strokeWidth": 2, "filled": false, "color": VERMILLION, "clip": false },
            "encoding": { "x": at("x"), "y": { "value": -10 }, "tooltip": tooltip(reading, true) },
        }));
    }
    let beside = |mean: &RetrainedMean<'_>| {
        let label = mean.arm.as_ref()?.short_label();
        let at = names.iter().position(|name| *name == label)?;
        Some((json!(at as f64 + BESIDE), style::nth(&style::COLOURS, at)))
    };
    layers.extend(means.iter().filter_map(|mean| Some(intervals::layers(mean, beside(mean)?, &at("x"), &y))).flatten());
    let seen = seen(&arms, &ranked, metric, &title);
    let holds = holds_for(reading);
    let subtitle = format!(
        "Round {}, {} steps: n = {}{}. The bar is the best of each, over all its other hyperparameters.{}{holds}",
        round.name,
        round.steps,
        count(ranked.len(), "trial"),
        if crosses.is_empty() { String::new() } else { format!(", {} infeasible (✕)", crosses.len()) }
            + &ended_early(round),
        if concludes { intervals::said(compared.as_ref()) } else { String::new() },
    );
    Some(style::plot(format!("isolation-{}", round.name), seen, subtitle, 260, &layers))
}

/// The title: which arm the best trial belongs to.
fn seen(arms: &[Arm<'_>], ranked: &[(&TrialRecord, f64)], metric: &str, title: &str) -> String {
    let Some((_, objective)) = ranked.first() else {
        return format!("{metric} of each {title}: every trial was infeasible");
    };
    let ties = |arm: &&Arm<'_>| arm.trials.iter().filter_map(|t| t.objective()).any(|o| o.total_cmp(objective).is_eq());
    let leading: Vec<_> = arms.iter().filter(ties).map(Arm::short_label).collect();
    let are = if leading.len() > 1 { "are" } else { "is" };
    format!("Best {metric} of each {title}: {} {are} best with {}", list(&leading), number(*objective))
}

/// What is held fixed, which limits what the plot says.
fn holds_for(reading: &Reading<'_>) -> String {
    let fixed = reading.plan.spec().hyperparameters.iter().filter(|h| h.role == Role::Fixed);
    let fixed: Vec<_> = fixed.filter_map(|h| Some(format!("{} = {}", h.name, h.value.as_ref()?))).collect();
    if fixed.is_empty() { String::new() } else { format!(" Holds for {}.", list(&fixed)) }
}

/// The arm with its counts, in two lines.
fn heading(reading: &Reading<'_>, arm: &Arm<'_>) -> [String; 2] {
    let succeeded = reading.ranked(&arm.trials).len();
    let infeasible = arm.trials.iter().filter(|t| t.is_result()).count() - succeeded;
    let counts = match infeasible {
        0 => format!("n = {succeeded}"),
        bad => format!("n = {succeeded}, {bad} infeasible"),
    };
    [arm.short_label(), counts]
}

/// How far beside the middle of its arm a point stands, so that few hide each other: 0, then right and left in turn.
fn aside(i: usize) -> f64 {
    let step = 0.045 * (i.div_ceil(2) % 7) as f64;
    if i % 2 == 1 { step } else { -step }
}
