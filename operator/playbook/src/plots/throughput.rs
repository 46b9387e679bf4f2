//! How fast each host trained: the median of its reports, trial beside trial.

use serde_json::{Value, json};

use super::{Plot, style};
use crate::{
    contract::metrics::EXAMPLES_PER_SECOND,
    findings::{
        reading::Reading,
        wording::{count, number},
    },
    record::{Curve, TrialRecord},
};

/// Trials that can be told apart; of more, evenly chosen ones are drawn.
const MOST: usize = 300;
/// Hosts with a colour of their own.
const HOSTS: u32 = 5;

pub(super) fn plot(reading: &Reading<'_>, trials: &[TrialRecord]) -> Option<Plot> {
    let mut sorted: Vec<&TrialRecord> = trials.iter().filter(|t| !medians(t).is_empty()).collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    if sorted.len() < 2 {
        return None;
    }
    let shown: Vec<&TrialRecord> =
        (0..sorted.len().min(MOST)).map(|i| sorted[i * sorted.len() / sorted.len().min(MOST)]).collect();
    let mut rows: Vec<Value> = Vec::new();
    for (at, trial) in shown.iter().enumerate() {
        rows.extend(medians(trial).into_iter().map(|(host, speed)| {
            let name = if host < HOSTS { format!("host {host}") } else { format!("hosts {HOSTS} and above") };
            json!({ "trial": trial.name, "at": at + 1, "host": name, "speed": speed })
        }));
    }
    let mut hosts: Vec<String> = rows.iter().filter_map(|r| r["host"].as_str().map(str::to_owned)).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let speeds: Vec<f64> = rows.iter().filter_map(|r| r["speed"].as_f64()).collect();
    let (low, high) = speeds.iter().fold((f64::INFINITY, 0.0_f64), |(l, h), s| (l.min(*s), h.max(*s)));
    let many = hosts.len() > 1;
    let legend = if many { json!({ "title": null, "orient": "bottom" }) } else { Value::Null };
    let layers = vec![json!({
        "data": { "values": rows },
        "mark": { "type": "point", "filled": true, "size": 40, "opacity": 0.85 },
        "encoding": {
            "x": { "field": "at", "type": "quantitative", "axis": { "title": "trials in the order of their names", "tickMinStep": 1, "format": "d" }, "scale": { "nice": false, "domain": [0, shown.len() + 1] } },
            "y": { "field": "speed", "type": "quantitative", "scale": { "zero": true }, "axis": { "title": "examples per second (median)", "format": "~s" } },
            "color": { "field": "host", "type": "nominal", "scale": style::colours(&hosts), "legend": legend },
            "shape": { "field": "host", "type": "nominal", "scale": style::shapes(&hosts), "legend": legend },
            "tooltip": [
                { "field": "trial" },
                { "field": "host" },
                { "field": "speed", "type": "quantitative", "format": ".4~s", "title": "examples per second" },
            ],
        },
    })];
    let title = format!("Throughput: from {} to {} examples per second", number(low), number(high));
    let drawn = if shown.len() < sorted.len() { format!(", {} of them drawn", shown.len()) } else { String::new() };
    let subtitle = format!(
        "n = {}{drawn}, {} each. Every point is the median over a training.",
        count(sorted.len(), "trial"),
        count(reading.plan.spec().trial.hosts as usize, "host"),
    );
    Some(style::plot("throughput".to_owned(), title, subtitle, 220, &layers))
}

/// The median throughput of each host that reported one.
fn medians(trial: &TrialRecord) -> Vec<(u32, f64)> {
    let of = |curve: &Curve| {
        let mut values: Vec<f64> = curve.iter().map(|(_, v)| *v).filter(|v| v.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let first = trial.curves.get(EXAMPLES_PER_SECOND).and_then(of).map(|speed| (0, speed));
    let others = trial
        .hosts
        .iter()
        .filter(|(host, _)| **host > 0)
        .filter_map(|(host, c)| Some((*host, of(c.get(EXAMPLES_PER_SECOND)?)?)));
    first.into_iter().chain(others).collect()
}
