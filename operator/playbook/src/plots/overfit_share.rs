//! Which trials overfit: their share along the hyperparameter that tells them apart best.
//!
//! Playbook: "Examining the training curves": choosing the best trial hides overfitting and favours whatever hampers
//! training.

use serde_json::{Value, json};

use super::{
    Plot,
    infeasible_map::separation,
    scale,
    style::{self, GREY, VERMILLION},
};
use crate::{
    findings::{
        overfitting_trials,
        reading::{Along, Reading},
        wording::{count, percent},
    },
    record::TrialRecord,
};

const BUCKETS: usize = 8;

pub(super) fn plot(reading: &Reading<'_>) -> Option<Plot> {
    let round = reading.concluding()?;
    let all: Vec<&TrialRecord> = round.succeeded().collect();
    let overfit = overfitting_trials(reading, &all);
    let is_overfit = |trial: &TrialRecord| overfit.iter().any(|o| std::ptr::eq(*o, trial));
    if overfit.is_empty() || overfit.len() == all.len() {
        return None;
    }
    let ranges = reading.axes().filter(|axis| matches!(axis.along, Along::Range(_)));
    let scored = ranges.filter_map(|axis| Some((separation(&axis, &all, is_overfit)?, axis)));
    // Of equals, the one that is declared first.
    let (_, axis) = scored.fold(None, |best: Option<(f64, _)>, next| match best {
        Some(best) if best.0 >= next.0 => Some(best),
        _ => Some(next),
    })?;
    let range = axis.hyperparameter.range.as_ref()?;
    let at = |place: f64| axis.varied.number_at(place).map(|v| scale::field(range, v));
    let mut rows: Vec<Value> = Vec::new();
    for bucket in 0..BUCKETS {
        let (low, high) = (bucket as f64 / BUCKETS as f64, (bucket + 1) as f64 / BUCKETS as f64);
        let last = bucket + 1 == BUCKETS;
        let inside = || all.iter().filter(|t| axis.position(t).is_some_and(|p| p >= low && (p < high || last)));
        let bad = inside().filter(|t| is_overfit(t)).count();
        let (Some(from), Some(to)) = (at(low), at(high)) else { continue };
        for (which, n) in [("overfits", bad), ("does not", inside().count() - bad)] {
            if n > 0 {
                rows.push(json!({ "from": from, "to": to, "trials": n, "which": which }));
            }
        }
    }
    let (x_scale, x_axis) = scale::of_range(range, axis.name());
    let layers = vec![json!({
        "data": { "values": rows },
        "mark": { "type": "bar", "opacity": 0.9 },
        "encoding": {
            "x": { "field": "from", "bin": "binned", "type": "quantitative", "scale": x_scale, "axis": x_axis },
            "x2": { "field": "to" },
            "y": { "field": "trials", "type": "quantitative", "stack": "zero", "axis": { "title": "trials", "tickMinStep": 1, "format": "d" } },
            "color": {
                "field": "which", "type": "nominal",
                "scale": { "domain": ["overfits", "does not"], "range": [VERMILLION, GREY] },
                "legend": { "title": null, "orient": "bottom" },
            },
            "tooltip": [{ "field": "which" }, { "field": "trials", "type": "quantitative" }],
        },
    })];
    let title = format!(
        "Which trials overfit: {} of them, along {}",
        percent(overfit.len() as f64 / all.len() as f64),
        axis.name()
    );
    let subtitle = format!(
        "Round {}, {} steps: n = {} that succeeded. Of all hyperparameters this one tells overfitting trials apart best.",
        round.name,
        round.steps,
        count(all.len(), "trial"),
    );
    Some(style::plot("overfit-share".to_owned(), title, subtitle, 220, &layers))
}
