//! When each trial waited, ran and was lost: attempts against the clock.

use serde_json::{Value, json};
use studious_api::trial::AttemptOutcome;

use super::{
    Plot,
    style::{self, GREY, VERMILLION},
};
use crate::{
    Millis,
    findings::{reading::Reading, wording::count},
    record::{AttemptSpan, Outcome, TrialRecord},
};

/// Lanes that can be told apart; of more trials the latest are drawn.
const MOST: usize = 400;
const MINUTE: f64 = 60_000.0;

/// What a stretch of a lane is.
const KINDS: [(&str, &str); 5] = [
    ("waited", GREY),
    ("ran", "#0072B2"),
    ("ran, infeasible", VERMILLION),
    ("disrupted", "#E69F00"),
    ("failed", "#CC79A7"),
];

pub(super) fn plot(reading: &Reading<'_>, trials: &[TrialRecord]) -> Option<Plot> {
    let mut begun: Vec<(Millis, &TrialRecord)> = trials
        .iter()
        .filter_map(|t| Some((t.attempts.iter().filter_map(|a| a.queued.or(a.started)).min()?, t)))
        .collect();
    begun.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.name.cmp(&b.1.name)));
    let first = begun.first()?.0.0;
    let last = trials.iter().flat_map(|t| &t.attempts).filter_map(|a| a.ended.or(a.started)).max()?.0;
    let left_out = begun.len().saturating_sub(MOST);
    // Seconds read better where all was over within minutes.
    let (unit, name) = if last.saturating_sub(first) < 300_000 { (1_000.0, "seconds") } else { (MINUTE, "minutes") };
    let at = |time: Millis| time.0.saturating_sub(first) as f64 / unit;
    let mut rows: Vec<Value> = Vec::new();
    for (lane, (_, trial)) in begun.iter().skip(left_out).enumerate() {
        for attempt in &trial.attempts {
            let end = attempt.ended.unwrap_or(Millis(last));
            let stretch = |kind: &str, from: Millis, to: Millis| {
                json!({
                    "trial": trial.name, "attempt": attempt.number, "lane": lane, "next": lane as f64 + 0.8, "kind": kind,
                    "from": at(from), "to": at(to).max(at(from)),
                })
            };
            let (queued, started) = (attempt.queued, attempt.started);
            if let Some(queued) = queued {
                rows.push(stretch("waited", queued, started.unwrap_or(end)));
            }
            if let Some(started) = started {
                rows.push(stretch(kind(trial, attempt), started, end));
            }
        }
    }
    let kinds: Vec<_> = KINDS.iter().filter(|(kind, _)| rows.iter().any(|r| r["kind"] == *kind)).collect();
    let lanes = begun.len() - left_out;
    let layers = vec![json!({
        "data": { "values": rows },
        "mark": { "type": "rect", "strokeWidth": 0 },
        "encoding": {
            "x": { "field": "from", "type": "quantitative", "axis": { "title": format!("{name} since the first trial") } },
            "x2": { "field": "to" },
            "y": {
                "field": "lane", "type": "quantitative", "scale": { "domain": [0, lanes], "reverse": true, "nice": false, "zero": false },
                "axis": { "title": "trials, the first on top", "labels": false, "ticks": false, "grid": false },
            },
            "y2": { "field": "next" },
            "color": {
                "field": "kind", "type": "nominal",
                "scale": { "domain": kinds.iter().map(|(k, _)| k).collect::<Vec<_>>(), "range": kinds.iter().map(|(_, c)| c).collect::<Vec<_>>() },
                "legend": { "title": null, "orient": "bottom" },
            },
            "tooltip": [
                { "field": "trial" },
                { "field": "attempt", "type": "quantitative" },
                { "field": "kind", "title": "state" },
                { "field": "from", "type": "quantitative", "format": ".1f", "title": format!("from ({name})") },
                { "field": "to", "type": "quantitative", "format": ".1f", "title": format!("to ({name})") },
            ],
        },
    })];
    let attempts: usize = begun.iter().map(|(_, t)| t.attempts.len()).sum();
    let again = attempts - begun.len().min(attempts);
    let title = format!(
        "When trials ran: {} in {} {name}{}",
        count(begun.len(), "trial"),
        crate::findings::number(at(Millis(last))),
        if again > 0 { format!(", {} begun again", count(again, "attempt")) } else { String::new() }
    );
    let cut = if left_out > 0 { format!(" The first {left_out} are left out.") } else { String::new() };
    let subtitle = format!(
        "n = {} of {}. At most {} at once are asked for.{cut}",
        count(attempts, "attempt"),
        count(begun.len(), "trial"),
        reading.plan.spec().parallelism
    );
    let height = u32::try_from(lanes * 7).unwrap_or(u32::MAX).clamp(120, 420);
    Some(style::plot("timeline".to_owned(), title, subtitle, height, &layers))
}

fn kind(trial: &TrialRecord, attempt: &AttemptSpan) -> &'static str {
    match (attempt.outcome, &trial.outcome) {
        (Some(AttemptOutcome::Disrupted), _) => "disrupted",
        (Some(AttemptOutcome::Failed), Outcome::Infeasible { .. }) | (_, Outcome::Infeasible { .. }) => {
            "ran, infeasible"
        }
        (Some(AttemptOutcome::Failed), _) => "failed",
        _ => "ran",
    }
}
