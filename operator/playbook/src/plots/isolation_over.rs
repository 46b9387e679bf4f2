//! The isolation plot over chosen nuisance hyperparameters: the others are held, each of their values (or thirds of their
//! ranges) a series of its own.
//!
//! Playbook: "Detecting whether a change is useful with isolation plots": the best trial over some or all of the nuisance
//! hyperparameters.

use serde_json::{Value, json};
use studious_api::study::{Hyperparameter, Role};
use studious_rules::thresholds::plots::BUCKET_TRIALS;

use super::{
    Plot,
    axis::{row, tooltip},
    isolation_buckets::{MOST_BUCKETS, buckets},
    scale, style,
};
use crate::{
    findings::{
        reading::{Along, Arm, Axis, Reading, Varied},
        wording::{count, list, number},
    },
    record::TrialRecord,
};

/// Slices of the range of a hyperparameter that is held.
const SLICES: usize = 3;
/// As many as there are colours.
const MOST_SERIES: usize = style::COLOURS.len();
/// How much of an arm's width all its bars have together.
const WIDTH: f64 = 0.8;

/// Why there is no such plot.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OverError {
    /// A name that is no nuisance hyperparameter that varies.
    #[error("{name} is not a nuisance hyperparameter that varies; those of this study are {known}")]
    Unknown {
        /// What was given.
        name: String,
        /// What there is.
        known: String,
    },
    /// No scientific hyperparameter, or no trial with a result.
    #[error("an isolation plot needs a scientific hyperparameter and trials that succeeded: this study has none yet")]
    Nothing,
    /// Too many series.
    #[error(
        "{held} would be held, which makes {series} series; at most {MOST_SERIES} can be distinguished. Optimize more of them away"
    )]
    TooMany {
        /// The hyperparameters that aren't optimised away.
        held: String,
        /// How many series they make.
        series: usize,
    },
}

/// A nuisance hyperparameter that is held, and the names of its slices.
struct HeldHyperparameter<'a> {
    varied: Varied<'a>,
    slices: Vec<String>,
}

/// A place on the x axis, and the trials whose best is drawn there.
struct Place<'a> {
    from: f64,
    to: f64,
    trials: Vec<&'a TrialRecord>,
}

/// The isolation plots of the exploring round, optimised over `over` alone; `in_buckets` of them along a scientific range.
pub(super) fn plots(reading: &Reading<'_>, over: &[String], in_buckets: Option<usize>) -> Result<Vec<Plot>, OverError> {
    let held = held(reading, over)?;
    let series = held.iter().map(|h| h.slices.len()).product::<usize>();
    if series > MOST_SERIES {
        let names: Vec<&str> = held.iter().map(|h| name(&h.varied)).collect();
        return Err(OverError::TooMany { held: list(&names), series });
    }
    let mut plots: Vec<Plot> = of_lists(reading, over, &held).into_iter().collect();
    let ranges = reading
        .axes()
        .filter(|axis| axis.hyperparameter.role == Role::Scientific && matches!(axis.along, Along::Range(_)));
    plots.extend(ranges.filter_map(|axis| of_range(reading, over, &held, &axis, in_buckets)));
    if plots.is_empty() { Err(OverError::Nothing) } else { Ok(plots) }
}

fn name<'a>(varied: &Varied<'a>) -> &'a str {
    &varied.hyperparameter.name
}

/// The nuisance hyperparameters that aren't optimised away.
fn held<'a>(reading: &Reading<'a>, over: &[String]) -> Result<Vec<HeldHyperparameter<'a>>, OverError> {
    let is_nuisance = |h: &Hyperparameter| {
        h.role == Role::Nuisance && (h.range.is_some() || h.values.as_ref().is_some_and(|v| v.len() > 1))
    };
    let nuisance: Vec<Varied<'a>> = reading.varied().filter(|v| is_nuisance(v.hyperparameter)).collect();
    if let Some(unknown) = over.iter().find(|o| nuisance.iter().all(|v| name(v) != o.as_str())) {
        let known: Vec<&str> = nuisance.iter().map(name).collect();
        return Err(OverError::Unknown { name: unknown.clone(), known: list(&known) });
    }
    let kept = nuisance.into_iter().filter(|v| !over.iter().any(|o| o == name(v)));
    Ok(kept.map(|varied| HeldHyperparameter { varied, slices: slices(varied) }).collect())
}

/// `0.001 to 0.03` for each third of a range, `relu` for each value of a list.
fn slices(varied: Varied<'_>) -> Vec<String> {
    let end = |slice: usize| varied.number_at(slice as f64 / SLICES as f64).map_or_else(String::new, short);
    match &varied.hyperparameter.values {
        Some(values) => values.iter().map(ToString::to_string).collect(),
        None => (0..SLICES).map(|slice| format!("{} to {}", end(slice), end(slice + 1))).collect(),
    }
}

/// Two digits are enough to name a slice.
fn short(value: f64) -> String {
    format!("{value:.1e}").parse::<f64>().map_or_else(|_| number(value), number)
}

/// The series of a trial: `width 16 to 40`; nothing where a hyperparameter that is held isn't active.
fn series_of(held: &[HeldHyperparameter<'_>], trial: &TrialRecord) -> Option<String> {
    let part = |h: &HeldHyperparameter<'_>| {
        let value = h.varied.value(trial)?;
        let slice = match &h.varied.hyperparameter.values {
            Some(values) => values.iter().position(|v| v == value)?,
            // A place in the unit interval, times three.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            None => ((h.varied.unit_of(value)? * SLICES as f64) as usize).min(SLICES - 1),
        };
        Some(format!("{} {}", name(&h.varied), h.slices.get(slice)?))
    };
    held.iter().map(part).collect::<Option<Vec<_>>>().map(|parts| parts.join(", "))
}

/// All series, in the order of their values.
fn all_series(held: &[HeldHyperparameter<'_>]) -> Vec<String> {
    held.iter().fold(vec![String::new()], |before, h| {
        let with = |text: &String| {
            let comma = if text.is_empty() { "" } else { ", " };
            h.slices.iter().map(|slice| format!("{text}{comma}{} {slice}", name(&h.varied))).collect::<Vec<_>>()
        };
        before.iter().flat_map(with).collect()
    })
}

/// Scientific configurations side by side.
fn of_lists(reading: &Reading<'_>, over: &[String], held: &[HeldHyperparameter<'_>]) -> Option<Plot> {
    let round = reading.exploring()?;
    let arms: Vec<Arm<'_>> =
        reading.arms(round).into_iter().filter(|a| a.trials.iter().any(|t| t.is_result())).collect();
    if arms.len() < 2 {
        return None;
    }
    let labels: Vec<String> = arms.iter().map(Arm::short_label).collect();
    let x = json!({
        "type": "quantitative",
        "scale": { "domain": [-0.5, arms.len() as f64 - 0.5], "nice": false, "zero": false },
        "axis": {
            "title": super::axis::arm_title(&arms), "values": (0..arms.len()).collect::<Vec<_>>(),
            "labelExpr": format!("{}[datum.value]", json!(labels)), "ticks": false, "grid": false, "labelPadding": 6,
        },
    });
    // Bars of the series of an arm stand beside each other.
    let series = all_series(held);
    let step = WIDTH / series.len() as f64;
    let mut places = Vec::new();
    for (at, arm) in arms.iter().enumerate() {
        for (i, one) in series.iter().enumerate() {
            let from = at as f64 - WIDTH / 2.0 + i as f64 * step;
            let is_of = |t: &&&TrialRecord| t.is_result() && series_of(held, t).as_ref() == Some(one);
            let trials = arm.trials.iter().filter(is_of).copied().collect();
            places.push(Place { from: from + step * 0.08, to: from + step * 0.92, trials });
        }
    }
    let title = super::axis::arm_title(&arms);
    draw(reading, over, held, &places, &x, &title, format!("isolation-{}", round.name))
}

/// Buckets along a scientific hyperparameter with a range.
fn of_range(
    reading: &Reading<'_>,
    over: &[String],
    held: &[HeldHyperparameter<'_>],
    axis: &Axis<'_>,
    in_buckets: Option<usize>,
) -> Option<Plot> {
    let round = reading.exploring()?;
    let range = axis.hyperparameter.range.as_ref()?;
    let results: Vec<(f64, &TrialRecord)> = round.results().filter_map(|t| Some((axis.position(t)?, t))).collect();
    let series = all_series(held);
    let most = in_buckets.unwrap_or_else(|| (buckets(reading, results.len()) / series.len()).clamp(2, MOST_BUCKETS));
    let (x_scale, x_axis) = scale::of_range(range, axis.name());
    let x = json!({ "type": "quantitative", "scale": x_scale, "axis": x_axis });
    let value_at = |place: f64| axis.varied.number_at(place).map(|v| scale::field(range, v));
    let mut places = Vec::new();
    for bucket in 0..most {
        let (from, to) = (bucket as f64 / most as f64, (bucket + 1) as f64 / most as f64);
        let is_last = bucket + 1 == most;
        let (Some(start), Some(end)) = (value_at(from), value_at(to)) else { continue };
        for one in &series {
            let inside = results.iter().filter(|(place, t)| {
                *place >= from && (*place < to || is_last) && series_of(held, t).as_ref() == Some(one)
            });
            places.push(Place { from: start, to: end, trials: inside.map(|(_, t)| *t).collect() });
        }
    }
    draw(reading, over, held, &places, &x, axis.name(), format!("isolation-{}", axis.name()))
}

/// A bar at the best trial of each place, in the colour of its series; few trials make it dashed.
fn draw(
    reading: &Reading<'_>,
    over: &[String],
    held: &[HeldHyperparameter<'_>],
    places: &[Place<'_>],
    x: &Value,
    scientific: &str,
    id: String,
) -> Option<Plot> {
    let round = reading.exploring()?;
    let metric = reading.plan.spec().objective.metric.as_str();
    let series = all_series(held);
    let mut bars = Vec::new();
    let mut values = Vec::new();
    let (mut results, mut thin) = (0, 0);
    let fewest = reading.count(&BUCKET_TRIALS);
    for place in places {
        results += place.trials.len();
        let Some((trial, objective)) = reading.ranked(&place.trials).first().copied() else { continue };
        let is_thin = place.trials.len() < fewest;
        thin += usize::from(is_thin);
        let mut bar = row(reading, trial, &series_of(held, trial)?);
        bar.insert("from".into(), json!(place.from));
        bar.insert("to".into(), json!(place.to));
        bar.insert("kind".into(), json!(if is_thin { "few trials" } else { "best trial" }));
        bar.insert("n".into(), json!(place.trials.len()));
        bars.push(Value::Object(bar));
        values.push(objective);
    }
    if bars.is_empty() {
        return None;
    }
    let (y_scale, y_axis) = scale::of_values(values.iter().copied(), metric, scale::SPAN);
    let mut from = x.clone();
    from["field"] = json!("from");
    let mut tips = tooltip(reading, false);
    if let Value::Array(fields) = &mut tips {
        fields.push(json!({ "field": "n", "type": "quantitative", "title": "trials here" }));
    }
    let mut encoding = json!({
        "x": from,
        "x2": { "field": "to" },
        "y": { "field": "objective", "type": "quantitative", "scale": y_scale, "axis": y_axis },
        "strokeDash": {
            "field": "kind", "type": "nominal",
            "scale": { "domain": ["best trial", "few trials"], "range": [[1, 0], [4, 3]] },
            "legend": { "title": null, "orient": "bottom", "symbolType": "stroke" },
        },
        "tooltip": tips,
    });
    encoding["color"] = if held.is_empty() {
        json!({ "value": style::COLOURS[0] })
    } else {
        let legend = json!({ "title": null, "orient": "bottom", "columns": 3, "symbolType": "stroke" });
        json!({ "field": "arm", "type": "nominal", "scale": style::colours(&series), "legend": legend })
    };
    let layers = [json!({
        "data": { "values": bars },
        "mark": { "type": "rule", "strokeWidth": 3 },
        "encoding": encoding,
    })];
    let title = format!("Best {metric} against {scientific}, over {}", list(over));
    let kept: Vec<&str> = held.iter().map(|h| name(&h.varied)).collect();
    let kept = if kept.is_empty() { String::new() } else { format!(" Held: {}.", list(&kept)) };
    let few = if thin > 0 { format!(" {thin} with fewer than {fewest} trials, dashed.") } else { String::new() };
    let subtitle = format!(
        "Round {}, {} steps: n = {} in {}; each bar is the best of its trials.{kept}{few} Fixed hyperparameters limit what \
         it says.",
        round.name,
        round.steps,
        count(results, "trial"),
        count(bars.len(), "place"),
    );
    Some(style::plot(id, title, subtitle, 300, &layers))
}
