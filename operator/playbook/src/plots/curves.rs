//! Training curves: a metric against the step for the trials of a round, the best few in front.
//!
//! Playbook: "Examining the training curves".

use serde_json::{Value, json};
use studious_rules::thresholds::curves::BEST_FEW;

use super::{
    Plot, both_sets, early, scale,
    steps::StepAxis,
    style::{self, GREY, VERMILLION},
    thin::thin,
};
use crate::{
    contract::metrics::{GRADIENT_NORM, LEARNING_RATE, TRAIN_ERROR},
    decide::TRAIN_LOSS,
    findings::{
        reading::{Reading, RoundTrials, point},
        wording::{count, number},
    },
    record::{Curve, Outcome, TrialRecord},
};

/// Points of a curve that stands in front, and of one behind.
pub(super) const POINTS: usize = 300;
const POINTS_BEHIND: usize = 80;
/// Curves behind; beyond these the eye sees a smear, and the page grows.
const MOST_BEHIND: usize = 150;

/// Curves that fall this far are drawn in log scale: where they end is what is looked at.
pub(super) const CURVE_SPAN: f64 = 20.0;

/// A trial and its curve of a metric.
pub(super) type Drawn<'a> = (&'a TrialRecord, &'a Curve);

/// For each round the objective, the training loss and the training error of all its trials, and the gradient norm and
/// learning rate of the best few; before them the best few on both sets, and how training begins.
pub(super) fn plots(reading: &Reading<'_>, steps: StepAxis) -> Vec<Plot> {
    let objective = reading.plan.spec().objective.metric.as_str();
    // The last round first: it is the one the answer is drawn from.
    reading
        .rounds
        .iter()
        .rev()
        .flat_map(|round| {
            let of_all = [objective, TRAIN_LOSS, TRAIN_ERROR].into_iter().enumerate();
            let of_all = of_all.filter(|(i, metric)| *i == 0 || *metric != objective);
            let of_all = of_all.filter_map(|(_, metric)| plot(reading, round, metric, true, steps));
            let of_best = [GRADIENT_NORM, LEARNING_RATE].into_iter();
            let of_best = of_best.filter_map(|metric| plot(reading, round, metric, false, steps));
            let begins = if steps == StepAxis::Linear { early::plot(reading, round) } else { None };
            both_sets::plot(reading, round, steps)
                .into_iter()
                .chain(of_all)
                .chain(of_best)
                .chain(begins)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// A curve of a trial with something to draw a line through.
fn curve<'a>(trial: &'a TrialRecord, metric: &str, steps: StepAxis) -> Option<&'a Curve> {
    trial.curves.get(metric).filter(|curve| steps.shown(curve).len() > 1)
}

/// The best few trials of a round that have a curve of the metric, the best first.
pub(super) fn of_best<'a>(
    reading: &Reading<'a>,
    round: &RoundTrials<'a>,
    metric: &str,
    steps: StepAxis,
) -> Vec<Drawn<'a>> {
    let best = reading.ranked(&round.trials).into_iter().take(reading.count(&BEST_FEW));
    best.filter_map(|(trial, _)| Some((trial, curve(trial, metric, steps)?))).collect()
}

pub(super) fn plot(
    reading: &Reading<'_>,
    round: &RoundTrials<'_>,
    metric: &str,
    behind: bool,
    steps: StepAxis,
) -> Option<Plot> {
    let objective = &reading.plan.spec().objective;
    let best = of_best(reading, round, metric, steps);
    let others: Vec<Drawn<'_>> = round
        .trials
        .iter()
        .copied()
        .filter(|t| t.is_result() && !best.iter().any(|(b, _)| std::ptr::eq(*b, *t)))
        .filter_map(|t| Some((t, curve(t, metric, steps)?)))
        .collect();
    let shown: Vec<_> = if behind { sample(&others, MOST_BEHIND) } else { Vec::new() };
    if best.is_empty() && shown.is_empty() {
        return None;
    }
    let all = || best.iter().chain(&shown).map(|(_, curve)| *curve);
    let (y_scale, y_axis) =
        scale::of_values(all().flat_map(|curve| steps.shown(curve)).map(|(_, v)| *v), metric, CURVE_SPAN);
    let x = steps.channel(all(), Some(round.steps));
    let y = json!({ "field": "value", "type": "quantitative", "scale": y_scale, "axis": y_axis });
    let names: Vec<String> = best.iter().map(|(t, _)| short(t, round)).collect();
    let channels = json!({ "x": x, "y": y });
    let mut layers = behind_layers(&shown, &channels, steps);
    if !best.is_empty() {
        layers.extend(front_layers(&best, &names, metric, &channels, steps));
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

/// Curves that stand behind; those of infeasible trials dashed.
fn behind_layers(shown: &[Drawn<'_>], channels: &Value, steps: StepAxis) -> Vec<Value> {
    let mut layers = Vec::new();
    for (bad, colour, opacity) in [(false, GREY, 0.35), (true, VERMILLION, 0.6)] {
        let of_kind = shown.iter().filter(|(t, _)| is_infeasible(t) == bad);
        let rows: Vec<Value> = of_kind.flat_map(|(t, c)| rows(t, c, (POINTS_BEHIND, steps), "")).collect();
        if !rows.is_empty() {
            layers.push(json!({
                "data": { "values": rows },
                "mark": { "type": "line", "color": colour, "strokeWidth": 1, "opacity": opacity, "strokeDash": if bad { json!([3, 2]) } else { json!([1, 0]) } },
                "encoding": { "x": channels["x"], "y": channels["y"], "detail": { "field": "trial" } },
            }));
        }
    }
    layers
}

/// The curves of the best trials, each in its colour, and the steps whose evaluation counts.
fn front_layers(best: &[Drawn<'_>], names: &[String], metric: &str, channels: &Value, steps: StepAxis) -> Vec<Value> {
    let (x, y) = (&channels["x"], &channels["y"]);
    let tooltip = json!([
        { "field": "trial" },
        { "field": "step", "type": "quantitative" },
        { "field": "value", "type": "quantitative", "format": ".4~g", "title": metric },
        { "field": "point" },
    ]);
    let each = || best.iter().zip(names);
    let front: Vec<_> = each().flat_map(|((t, c), name)| rows(t, c, (POINTS, steps), name)).collect();
    let colour = json!({
        "field": "name", "type": "nominal", "scale": style::colours(names),
        "legend": { "title": "best trials", "orient": "bottom", "columns": 3, "symbolType": "stroke", "symbolOpacity": 1 },
    });
    // Lines have no tooltip of their own: points that can't be seen carry it.
    let mut layers = vec![
        json!({
            "data": { "values": front },
            "mark": { "type": "line", "strokeWidth": 2, "tooltip": false },
            "encoding": { "x": x, "y": y, "color": colour },
        }),
        json!({
            "data": { "values": front },
            "mark": { "type": "circle", "size": 60, "opacity": 0 },
            "encoding": { "x": x, "y": y, "tooltip": tooltip },
        }),
    ];
    let marks: Vec<_> = each().filter_map(|((t, c), name)| counted(t, steps.shown(c), name)).collect();
    if !marks.is_empty() {
        layers.push(json!({
            "data": { "values": marks },
            "mark": { "type": "point", "shape": "diamond", "size": 90, "filled": true, "opacity": 1 },
            "encoding": { "x": x, "y": y, "color": { "field": "name", "type": "nominal", "scale": style::colours(names) }, "tooltip": tooltip },
        }));
    }
    layers
}

/// The point of a curve at the step whose evaluation counts.
pub(super) fn counted(trial: &TrialRecord, curve: &[(u64, f64)], name: &str) -> Option<Value> {
    let Outcome::Succeeded { step: Some(step), .. } = trial.outcome else { return None };
    let value = curve.iter().find(|(s, _)| *s == step).map(|(_, v)| *v)?;
    let point = point(&trial.hyperparameters);
    Some(json!({ "trial": trial.name, "name": name, "step": step, "value": value, "point": point }))
}

/// How many curves are drawn, of how many.
fn said(round: &RoundTrials<'_>, best: &[Drawn<'_>], shown: &[Drawn<'_>], others: usize) -> String {
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

/// At most so many points of a curve, as rows of a plot's data; with a name, also what its trial was trained with.
pub(super) fn rows(trial: &TrialRecord, curve: &Curve, (most, steps): (usize, StepAxis), name: &str) -> Vec<Value> {
    let point = (!name.is_empty()).then(|| point(&trial.hyperparameters));
    thin(steps.shown(curve), most, steps)
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
pub(super) fn short(trial: &TrialRecord, round: &RoundTrials<'_>) -> String {
    let tail = trial.name.rsplit_once('-').map(|(_, tail)| tail).filter(|t| t.len() == 4);
    tail.map_or_else(|| trial.name.clone(), |tail| format!("{}-{tail}", round.name))
}

fn file_name(metric: &str) -> String {
    metric.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}
