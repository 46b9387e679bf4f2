//! Where training fails: feasible and infeasible trials over the two hyperparameters that tell them apart best.
//!
//! Playbook: "Identifying bad search space boundaries", infeasible points.

use serde_json::{Value, json};

use super::{
    Plot,
    axis::{row, tooltip},
    scale,
    style::{self, CROSS, VERMILLION},
};
use crate::{
    findings::{
        reading::{Along, Axis, Reading},
        wording::{count, percent},
    },
    record::TrialRecord,
};

/// How many of each kind say anything of where they are.
const FEWEST: usize = 2;

pub(super) fn plot(reading: &Reading<'_>) -> Option<Plot> {
    let round = reading.exploring()?;
    let results: Vec<&TrialRecord> = round.results().collect();
    let mut axes: Vec<(f64, Axis<'_>)> = reading
        .axes()
        .filter(|axis| matches!(axis.along, Along::Range(_)))
        .filter_map(|axis| Some((separation(&axis, &results, |t| t.objective().is_none())?, axis)))
        .collect();
    // Stable: of equals, the one that is declared first.
    axes.sort_by(|a, b| b.0.total_cmp(&a.0));
    let [(_, across), (_, up), ..] = axes.as_slice() else { return None };
    let both: Vec<&TrialRecord> =
        results.iter().copied().filter(|t| across.value(t).is_some() && up.value(t).is_some()).collect();
    let failed = both.iter().filter(|t| t.objective().is_none()).count();
    if failed < FEWEST || both.len() - failed < FEWEST {
        return None;
    }
    let placed = |trial: &TrialRecord| -> Option<Value> {
        let mut data = row(reading, trial, "");
        data.insert("x".into(), json!(field(across, trial)?));
        data.insert("y".into(), json!(field(up, trial)?));
        Some(Value::Object(data))
    };
    let rows = |bad: bool| -> Vec<Value> {
        both.iter().filter(|t| t.objective().is_none() == bad).filter_map(|t| placed(t)).collect()
    };
    let channel = |axis: &Axis<'_>, name: &str| -> Option<Value> {
        let range = axis.hyperparameter.range.as_ref()?;
        let (scale, drawn) = scale::of_range(range, &axis.hyperparameter.name);
        Some(json!({ "field": name, "type": "quantitative", "scale": scale, "axis": drawn }))
    };
    let (x, y) = (channel(across, "x")?, channel(up, "y")?);
    let layers = vec![
        json!({
            "data": { "values": rows(false) },
            "mark": { "type": "point", "shape": "circle", "filled": true, "size": 55, "opacity": 0.7, "color": style::COLOURS[0] },
            "encoding": { "x": x, "y": y, "tooltip": tooltip(reading, false) },
        }),
        json!({
            "data": { "values": rows(true) },
            "mark": { "type": "point", "shape": CROSS, "filled": false, "size": 70, "strokeWidth": 2, "color": VERMILLION },
            "encoding": { "x": x, "y": y, "tooltip": tooltip(reading, true) },
        }),
    ];
    let title = format!(
        "Where training fails: {} of {} are infeasible",
        percent(failed as f64 / both.len() as f64),
        count(both.len(), "trial")
    );
    let subtitle = format!(
        "Round {}, {} steps: n = {}. ✕ infeasible, ● trained. Of all hyperparameters these two tell them apart best.",
        round.name,
        round.steps,
        count(both.len(), "trial"),
    );
    Some(style::plot("infeasible-map".to_owned(), title, subtitle, 300, &layers))
}

fn field(axis: &Axis<'_>, trial: &TrialRecord) -> Option<f64> {
    let range = axis.hyperparameter.range.as_ref()?;
    Some(scale::field(range, axis.value(trial)?))
}

/// How well an axis tells some trials from the others: how far the chance that one of either kind lies above one of the
/// other is from a half (Mann and Whitney 1947), 0 to 0.5.
pub(super) fn separation(
    axis: &Axis<'_>,
    trials: &[&TrialRecord],
    is_one: impl Fn(&TrialRecord) -> bool,
) -> Option<f64> {
    let places = |one: bool| -> Vec<f64> {
        let mut places: Vec<f64> =
            trials.iter().filter(|t| is_one(t) == one).filter_map(|t| axis.position(t)).collect();
        places.sort_by(f64::total_cmp);
        places
    };
    let (others, ones) = (places(false), places(true));
    if others.is_empty() || ones.is_empty() {
        return None;
    }
    // Sorted: those equal lie between two partition points.
    let above: f64 = ones
        .iter()
        .map(|x| f64::midpoint(others.partition_point(|o| o < x) as f64, others.partition_point(|o| o <= x) as f64))
        .sum();
    Some((above / (others.len() * ones.len()) as f64 - 0.5).abs())
}
