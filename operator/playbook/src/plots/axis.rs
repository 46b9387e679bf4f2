//! The basic hyperparameter axis plot: objective against one hyperparameter, one point for each trial.
//!
//! Playbook: "Identifying bad search space boundaries".

use serde_json::{Map, Value, json};
use studious_api::study::{Hyperparameter, Role, Select};

use super::{
    Plot, good, scale,
    style::{self, CROSS, VERMILLION},
};
use crate::{
    findings::{
        reading::{Arm, Reading, RoundTrials, Varied},
        wording::{condition, count, number},
    },
    record::{Outcome, TrialRecord},
};

/// Distance between the rows of infeasible trials, one row for each arm, in pixels.
const ROW: i32 = 12;
/// More arms than this share one row.
const MOST_ROWS: usize = 6;

/// One plot for each hyperparameter that varies. A scientific hyperparameter with a list of values has its own plot.
pub(super) fn plots(reading: &Reading<'_>) -> Vec<Plot> {
    let Some(round) = reading.exploring() else { return Vec::new() };
    let hyperparameters = &reading.plan.spec().hyperparameters;
    reading
        .varied()
        .filter(|v| {
            let h = v.hyperparameter;
            h.range.is_some() || (h.values.is_some() && h.role != Role::Scientific)
        })
        .filter_map(|v| {
            let twins = hyperparameters.iter().filter(|other| other.name == v.hyperparameter.name).count() > 1;
            plot(reading, round, v, twins)
        })
        .collect()
}

/// Trial, arm, outcome and point of a trial, as a row of a plot's data. Names of hyperparameters have the prefix `h_`,
/// so that none hides another field.
pub(super) fn row(reading: &Reading<'_>, trial: &TrialRecord, arm: &str) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("trial".into(), json!(trial.name));
    row.insert("arm".into(), json!(arm));
    match &trial.outcome {
        Outcome::Succeeded { objective, step } => {
            row.insert("objective".into(), json!(objective));
            if let Some(step) = step {
                row.insert("step".into(), json!(step));
            }
        }
        Outcome::Infeasible { reason } => {
            row.insert("reason".into(), json!(if reason.is_empty() { "infeasible" } else { reason.as_str() }));
        }
        _ => {}
    }
    for hyperparameter in &reading.plan.spec().hyperparameters {
        if let Some(value) = trial.hyperparameters.get(&hyperparameter.name) {
            let text = value.as_f64().map_or_else(|| value.to_string(), number);
            row.insert(format!("h_{}", hyperparameter.name), json!(text));
        }
    }
    row
}

/// What a trial's tooltip says.
pub(super) fn tooltip(reading: &Reading<'_>, infeasible: bool) -> Value {
    let objective = &reading.plan.spec().objective;
    let mut fields = vec![json!({ "field": "trial", "title": "trial" })];
    if infeasible {
        fields.push(json!({ "field": "reason", "title": "infeasible" }));
    } else {
        fields
            .push(json!({ "field": "objective", "type": "quantitative", "format": ".4~g", "title": objective.metric }));
        let step = if objective.select == Select::Best { "best step" } else { "last step" };
        fields.push(json!({ "field": "step", "type": "quantitative", "title": step }));
    }
    let mut names: Vec<&str> = Vec::new();
    for hyperparameter in &reading.plan.spec().hyperparameters {
        if !names.contains(&hyperparameter.name.as_str()) {
            names.push(&hyperparameter.name);
        }
    }
    fields.extend(names.iter().map(|name| json!({ "field": format!("h_{name}"), "title": name })));
    Value::Array(fields)
}

/// The heading of the legend: the names of the scientific hyperparameters.
pub(super) fn arm_title(arms: &[Arm<'_>]) -> String {
    let longest = arms.iter().max_by_key(|a| a.configuration.len());
    longest.map_or_else(String::new, |a| a.configuration.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", "))
}

/// The axis along which trials are placed.
fn along(hyperparameter: &Hyperparameter) -> Value {
    let name = hyperparameter.name.as_str();
    if let Some(range) = &hyperparameter.range {
        let (scale, axis) = scale::of_range(range, name);
        return json!({ "field": "x", "type": "quantitative", "scale": scale, "axis": axis });
    }
    let domain: Vec<_> = hyperparameter.values.iter().flatten().map(shown).collect();
    json!({ "field": "x", "type": "nominal", "scale": { "domain": domain }, "axis": { "title": name, "labelAngle": 0 } })
}

fn plot(reading: &Reading<'_>, round: &RoundTrials<'_>, varied: Varied<'_>, twins: bool) -> Option<Plot> {
    let hyperparameter = varied.hyperparameter;
    let arms: Vec<_> = reading
        .arms(round)
        .into_iter()
        .map(|mut arm| {
            arm.trials.retain(|t| t.is_result() && place(varied, t).is_some());
            arm
        })
        .filter(|arm| !arm.trials.is_empty())
        .collect();
    let trials: Vec<_> = arms.iter().flat_map(|a| a.trials.iter().copied()).collect();
    let ranked = reading.ranked(&trials);
    let infeasible = trials.len() - ranked.len();
    if trials.is_empty() {
        return None;
    }
    let metric = reading.plan.spec().objective.metric.as_str();
    let name = hyperparameter.name.as_str();
    let x = along(hyperparameter);
    // In a list many trials have one value: arms stand side by side.
    let all: Vec<String> = reading.arms(round).iter().map(Arm::short_label).collect();
    let beside = (hyperparameter.range.is_none() && all.len() > 1)
        .then(|| json!({ "field": "arm", "type": "nominal", "scale": { "domain": all, "padding": 1 } }));
    let (y_scale, y_axis) = scale::of_values(ranked.iter().map(|(_, o)| *o), metric, scale::SPAN);
    let names: Vec<String> = arms.iter().map(Arm::short_label).collect();

    let (mut layers, shaded) = good::region(reading, &all, &names, y_scale["type"] == "log").unwrap_or_default();
    if !ranked.is_empty() {
        let rows: Vec<_> = arms
            .iter()
            .zip(&names)
            .flat_map(|(arm, label)| arm.trials.iter().filter(|t| t.objective().is_some()).map(move |t| (t, label)))
            .map(|(t, label)| placed_row(reading, varied, t, label))
            .collect();
        let mut encoding = json!({
            "x": x,
            "y": { "field": "objective", "type": "quantitative", "scale": y_scale, "axis": y_axis },
            "tooltip": tooltip(reading, false),
        });
        // An arm has the same colour in every plot, also where others are absent.
        if all.len() > 1 {
            let legend = json!({ "title": arm_title(&arms), "orient": "bottom", "values": names });
            encoding["color"] =
                json!({ "field": "arm", "type": "nominal", "scale": style::colours(&all), "legend": legend });
            encoding["shape"] =
                json!({ "field": "arm", "type": "nominal", "scale": style::shapes(&all), "legend": legend });
        } else {
            encoding["color"] = json!({ "value": style::COLOURS[0] });
        }
        layers.push(json!({
            "data": { "values": rows },
            "mark": { "type": "point", "filled": true, "size": 60, "opacity": 0.85 },
            "encoding": encoding,
        }));
    }
    if let Some((best, _)) = ranked.first() {
        layers.push(json!({
            "data": { "values": [placed_row(reading, varied, best, &arm_of(&arms, best))] },
            "mark": { "type": "point", "shape": "circle", "size": 260, "strokeWidth": 2, "filled": false, "color": style::GREY, "tooltip": false },
            "encoding": { "x": x, "y": { "field": "objective", "type": "quantitative" } },
        }));
    }
    layers.extend(rails(reading, varied, &arms, &x));
    if let Some(beside) = beside {
        for layer in layers.iter_mut().filter(|layer| layer["encoding"]["x"]["field"] == "x") {
            layer["encoding"]["xOffset"] = beside.clone();
        }
    }

    let when = condition(hyperparameter);
    let with = when.as_ref().map_or_else(String::new, |c| format!(", with {c}"));
    let title = match ranked.first() {
        Some((best, objective)) => format!(
            "{metric} against {name}{with}: best {} at {}",
            number(*objective),
            best.hyperparameters
                .get(name)
                .map_or_else(String::new, |v| v.as_f64().map_or_else(|| v.to_string(), number)),
        ),
        None => format!("{metric} against {name}{with}: every trial was infeasible"),
    };
    let crosses = match infeasible {
        0 => "none infeasible".to_owned(),
        n => format!("{n} infeasible (✕, above the plot)"),
    } + &ended_early(round);
    let of = if reading.plan.spec().objective.select == Select::Best { "best" } else { "last" };
    let subtitle = format!(
        "Round {}, {} steps: n = {}, {crosses}. Each point is the {of} evaluation of a trial; the ring marks the best.{shaded}",
        round.name,
        round.steps,
        count(ranked.len(), "trial"),
    );
    Some(style::plot(id(hyperparameter, twins), title, subtitle, 300, &layers))
}

/// `, 3 ended early (not shown)`, where there are any.
pub(super) fn ended_early(round: &RoundTrials<'_>) -> String {
    match round.trials.iter().filter(|t| t.ended_early()).count() {
        0 => String::new(),
        n => format!(", {n} ended early (not shown)"),
    }
}

/// Infeasible trials on rails of their own above the plot, one for each arm.
fn rails(reading: &Reading<'_>, varied: Varied<'_>, arms: &[Arm<'_>], x: &Value) -> Vec<Value> {
    let mut rows: Vec<(String, Vec<Value>)> = Vec::new();
    for arm in arms {
        let label = arm.short_label();
        let crosses: Vec<_> = arm
            .trials
            .iter()
            .filter(|t| t.objective().is_none())
            .map(|t| placed_row(reading, varied, t, &label))
            .collect();
        match rows.last_mut() {
            _ if crosses.is_empty() => {}
            Some((all, row)) if arms.len() > MOST_ROWS => {
                "all".clone_into(all);
                row.extend(crosses);
            }
            _ => rows.push((label, crosses)),
        }
    }
    let many = arms.len() > 1 && arms.len() <= MOST_ROWS;
    rows.into_iter()
        .enumerate()
        .flat_map(|(i, (label, crosses))| {
            // Up to six rows, the first clear of the topmost label of the axis.
            let y = -ROW * (1 + i32::try_from(i).unwrap_or(0));
            let text = if many { format!("✕ {label}") } else { "infeasible".to_owned() };
            [
                json!({
                    "data": { "values": crosses },
                    "mark": { "type": "point", "shape": CROSS, "size": 70, "strokeWidth": 2, "filled": false, "color": VERMILLION, "clip": false },
                    "encoding": { "x": x, "y": { "value": y }, "tooltip": tooltip(reading, true) },
                }),
                json!({
                    "data": { "values": [{ "label": text }] },
                    "mark": { "type": "text", "align": "right", "baseline": "middle", "fontSize": 10, "color": VERMILLION, "clip": false, "tooltip": false },
                    "encoding": { "x": { "value": -8 }, "y": { "value": y }, "text": { "field": "label" } },
                }),
            ]
        })
        .collect()
}

/// Where a trial stands on the axis, if the hyperparameter is active in it.
fn place(varied: Varied<'_>, trial: &TrialRecord) -> Option<Value> {
    match (varied.axis(), &varied.hyperparameter.range) {
        (Some(axis), Some(range)) => Some(json!(scale::field(range, axis.value(trial)?))),
        _ => varied.value(trial).map(|v| json!(shown(v))),
    }
}

/// The label of the arm to which a trial belongs.
fn arm_of(arms: &[Arm<'_>], trial: &TrialRecord) -> String {
    let arm = arms.iter().find(|a| a.trials.iter().any(|t| std::ptr::eq(*t, trial)));
    arm.map_or_else(String::new, Arm::short_label)
}

fn shown(value: &studious_api::HyperparameterValue) -> String {
    value.as_f64().map_or_else(|| value.to_string(), number)
}

fn placed_row(reading: &Reading<'_>, varied: Varied<'_>, trial: &TrialRecord, arm: &str) -> Value {
    let mut row = row(reading, trial, arm);
    if let Some(x) = place(varied, trial) {
        row.insert("x".into(), x);
    }
    Value::Object(row)
}

/// `axis-dropout`; with the condition where another hyperparameter has the same name.
fn id(hyperparameter: &Hyperparameter, twins: bool) -> String {
    let mut id = format!("axis-{}", hyperparameter.name);
    if twins && let Some(condition) = condition(hyperparameter) {
        id.push_str("-with-");
        id.extend(condition.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }));
    }
    id
}
