//! Training curves: a metric against the step for the trials of a round, the best few in front.
//!
//! Playbook: "Examining the training curves".

use serde_json::{Value, json};
use studious_rules::thresholds::curves::BEST_FEW;

use super::{
    Plot, scale,
    style::{self, GREY, VERMILLION},
    thin::thin,
};
use crate::{
    contract::metrics::{GRADIENT_NORM, LEARNING_RATE},
    decide::TRAIN_LOSS,
    findings::{
        reading::{Reading, RoundTrials, point},
        wording::{count, number},
    },
    record::{Curve, Outcome, TrialRecord},
};

/// Points of a curve that stands in front, and of one behind.
const POINTS: usize = 300;
const POINTS_BEHIND: usize = 80;
/// Curves behind; beyond these the eye sees a smear, and the page grows.
const MOST_BEHIND: usize = 150;

/// Curves that fall this far are drawn in log scale: where they end is what is looked at.
const CURVE_SPAN: f64 = 20.0;

/// For each round the objective and the training loss of all its trials, and the gradient norm and learning rate of
/// the best few.
pub(super) fn plots(reading: &Reading<'_>) -> Vec<Plot> {
    let objective = reading.plan.spec().objective.metric.as_str();
    // The last round first: it is the one the answer is drawn from.
    reading
        .rounds
        .iter()
        .rev()
        .flat_map(|round| {
            let mut metrics = vec![objective];
            if objective != TRAIN_LOSS {
                metrics.push(TRAIN_LOSS);
            }
            metrics
                .into_iter()
                .filter_map(|metric| plot(reading, round, metric, true))
                .chain(plot(reading, round, GRADIENT_NORM, false))
                .chain(plot(reading, round, LEARNING_RATE, false))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn plot(reading: &Reading<'_>, round: &RoundTrials<'_>, metric: &str, behind: bool) -> Option<Plot> {
    let objective = &reading.plan.spec().objective;
    let curve = |t: &'_ TrialRecord| -> Option<Curve> { t.curves.get(metric).filter(|c| c.len() > 1).cloned() };
    let best: Vec<_> = reading
        .ranked(&round.trials)
        .into_iter()
        .take(reading.count(&BEST_FEW))
        .filter_map(|(t, _)| Some((t, curve(t)?)))
        .collect();
    let others: Vec<_> = round
        .trials
        .iter()
        .copied()
        .filter(|t| t.is_result() && !best.iter().any(|(b, _)| std::ptr::eq(*b, *t)))
        .filter_map(|t| Some((t, curve(t)?)))
        .collect();
    let shown: Vec<_> = if behind { sample(&others, MOST_BEHIND) } else { Vec::new() };
    if best.is_empty() && shown.is_empty() {
        return None;
    }
    let values = best.iter().map(|(_, c)| c).chain(shown.iter().map(|(_, c)| c)).flatten().map(|(_, v)| *v);
    let (y_scale, y_axis) = scale::of_values(values, metric, CURVE_SPAN);
    let x = json!({
        "field": "step", "type": "quantitative", "scale": { "domain": [0, round.steps], "nice": false },
        "axis": { "title": "training step", "format": "~s", "tickCount": 6 },
    });
    let y = json!({ "field": "value", "type": "quantitative", "scale": y_scale, "axis": y_axis });
    let tooltip = json!([
        { "field": "trial" },
        { "field": "step", "type": "quantitative" },
        { "field": "value", "type": "quantitative", "format": ".4~g", "title": metric },
        { "field": "point" },
    ]);
    let mut layers = Vec::new();
    let behind_rows = |bad: bool| -> Vec<Value> {
        shown.iter().filter(|(t, _)| is_infeasible(t) == bad).flat_map(|(t, c)| rows(t, c, POINTS_BEHIND, "")).collect()
    };
    for (bad, colour, opacity) in [(false, GREY, 0.35), (true, VERMILLION, 0.6)] {
        let rows = behind_rows(bad);
        if rows.is_empty() {
            continue;
        }
        layers.push(json!({
            "data": { "values": rows },
            "mark": { "type": "line", "color": colour, "strokeWidth": 1, "opacity": opacity, "strokeDash": if bad { json!([3, 2]) } else { json!([1, 0]) } },
            "encoding": { "x": x, "y": y, "detail": { "field": "trial" } },
        }));
    }
    let names: Vec<String> = best.iter().map(|(t, _)| short(t, round)).collect();
    let front: Vec<_> = best.iter().zip(&names).flat_map(|((t, c), name)| rows(t, c, POINTS, name)).collect();
    if !front.is_empty() {
        let colour = json!({
            "field": "name", "type": "nominal", "scale": style::colours(&names),
            "legend": { "title": "best trials", "orient": "bottom", "columns": 3, "symbolType": "stroke", "symbolOpacity": 1 },
        });
        // Lines have no tooltip of their own: points that can't be seen carry it.
        layers.push(json!({
            "data": { "values": front },
            "mark": { "type": "line", "strokeWidth": 2, "tooltip": false },
            "encoding": { "x": x, "y": y, "color": colour },
        }));
        layers.push(json!({
            "data": { "values": front },
            "mark": { "type": "circle", "size": 60, "opacity": 0 },
            "encoding": { "x": x, "y": y, "tooltip": tooltip },
        }));
        let marks: Vec<_> = best
            .iter()
            .zip(&names)
            .filter_map(|((t, c), name)| {
                let Outcome::Succeeded { step: Some(step), .. } = t.outcome else { return None };
                let value = c.iter().find(|(s, _)| *s == step).map(|(_, v)| *v)?;
                Some(json!({ "trial": t.name, "name": name, "step": step, "value": value, "point": point(&t.hyperparameters) }))
            })
            .collect();
        if !marks.is_empty() {
            layers.push(json!({
                "data": { "values": marks },
                "mark": { "type": "point", "shape": "diamond", "size": 90, "filled": true, "opacity": 1 },
                "encoding": { "x": x, "y": y, "color": { "field": "name", "type": "nominal", "scale": style::colours(&names) }, "tooltip": tooltip },
            }));
        }
    }
    let subtitle_of = said(round, &best, &shown, if behind { others.len() } else { 0 });
    let title = match (metric == objective.metric, best.first()) {
        (true, Some((t, _))) => {
            let reached = t.objective().map_or_else(String::new, number);
            format!("{metric} during round {}: the best trial reached {reached}", round.name)
        }
        _ if behind => format!("{metric} during round {}", round.name),
        _ => format!("{metric} of the best {} during round {}", count(best.len(), "trial"), round.name),
    };
    let subtitle = format!("{subtitle_of} No smoothing. Diamonds mark the step whose {} counts.", objective.metric);
    Some(style::plot(format!("curves-{}-{}", round.name, file_name(metric)), title, subtitle, 280, &layers))
}

/// How many curves are drawn, of how many.
fn said(
    round: &RoundTrials<'_>,
    best: &[(&TrialRecord, Curve)],
    shown: &[(&TrialRecord, Curve)],
    others: usize,
) -> String {
    let diverged = shown.iter().filter(|(t, _)| is_infeasible(t)).count();
    let mut said = vec![format!("n = {}", count(best.len() + shown.len() - diverged, "trial"))];
    if diverged > 0 {
        said.push(format!("{diverged} infeasible (dashed, up to the last finite value)"));
    }
    if shown.len() < others {
        said.push(format!("{} of {others} others drawn", shown.len()));
    }
    format!("{} steps; {}.", round.steps, said.join(", "))
}

fn is_infeasible(trial: &TrialRecord) -> bool {
    matches!(trial.outcome, Outcome::Infeasible { .. })
}

fn rows(trial: &TrialRecord, curve: &Curve, most: usize, name: &str) -> Vec<Value> {
    let point = (!name.is_empty()).then(|| point(&trial.hyperparameters));
    thin(curve, most)
        .into_iter()
        .map(|(step, value)| match &point {
            Some(point) => json!({ "trial": trial.name, "name": name, "step": step, "value": value, "point": point }),
            None => json!({ "trial": trial.name, "step": step, "value": value }),
        })
        .collect()
}

/// At most so many, evenly over all of them.
fn sample<T: Clone>(all: &[T], most: usize) -> Vec<T> {
    let n = all.len().min(most);
    (0..n).map(|i| all[i * all.len() / n].clone()).collect()
}

/// `0007` of `digits-explore-0007`: the legend's heading says the rest. The whole name if it has another form.
fn short(trial: &TrialRecord, round: &RoundTrials<'_>) -> String {
    let tail = trial.name.rsplit_once('-').map(|(_, tail)| tail).filter(|t| t.len() == 4);
    tail.map_or_else(|| trial.name.clone(), |tail| format!("{}-{tail}", round.name))
}

fn file_name(metric: &str) -> String {
    metric.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}
