//! Axes as people read them: ticks at round numbers, in the scale of the search.

use serde_json::{Value, json};
use studious_api::study::{Range, Scale};

/// Ticks that a plot of half a screen's width has room for.
const MOST_TICKS: usize = 9;
/// Results that span two decades are drawn in log scale.
pub(super) const SPAN: f64 = 100.0;

/// Scale and axis of a hyperparameter with a range. The field holds the value; for `ReverseLog` it holds one minus it.
pub(super) fn of_range(range: &Range, title: &str) -> (Value, Value) {
    match range.scale {
        Scale::Linear => (
            json!({ "type": "linear", "domain": [range.min, range.max], "nice": false, "zero": false }),
            json!({ "title": title, "format": "~g", "labelFlush": false, "labelOverlap": "greedy" }),
        ),
        Scale::Log => (
            json!({ "type": "log", "domain": [range.min, range.max], "nice": false }),
            json!({
                "title": format!("{title} (log scale)"),
                "values": ticks(range.min, range.max),
                "format": "~g",
                "labelFlush": false,
                "labelOverlap": "greedy",
            }),
        ),
        // Close to 1 on the right, as the value grows.
        Scale::ReverseLog => (
            json!({ "type": "log", "domain": [1.0 - range.max, 1.0 - range.min], "nice": false, "reverse": true }),
            json!({
                "title": format!("{title} (1 − {title} in log scale)"),
                "values": ticks(1.0 - range.max, 1.0 - range.min),
                "labelExpr": "format(1 - datum.value, '~g')",
                "labelFlush": false,
                "labelOverlap": "greedy",
            }),
        ),
    }
}

/// What stands in the field.
pub(super) fn field(range: &Range, value: f64) -> f64 {
    match range.scale {
        Scale::ReverseLog => 1.0 - value,
        Scale::Linear | Scale::Log => value,
    }
}

/// Round numbers between two positive ends: powers of ten; with few decades 1, 2 and 5 of each.
pub(super) fn ticks(min: f64, max: f64) -> Vec<f64> {
    if !(min > 0.0 && max > min && max.is_finite()) {
        return Vec::new();
    }
    let decades = max.log10() - min.log10();
    let steps: &[u32] = match decades {
        d if d < 1.0 => &[1, 2, 3, 4, 5, 6, 8],
        d if d < 3.0 => &[1, 2, 5],
        d if d < 4.5 => &[1, 3],
        _ => &[1],
    };
    // Both ends are doubles: at most 308 decades.
    #[allow(clippy::cast_possible_truncation)]
    let (first, last) = (min.log10().floor() as i32, max.log10().ceil() as i32);
    // Read from decimal digits, so that a tick is 0.3 and not 0.30000000000000004.
    let all = (first..=last).flat_map(|decade| steps.iter().map(move |step| format!("{step}e{decade}")));
    let within = all.filter_map(|digits| digits.parse::<f64>().ok()).filter(|x| (min..=max).contains(x));
    let ticks: Vec<f64> = within.collect();
    let every = ticks.len().div_ceil(MOST_TICKS).max(1);
    ticks.into_iter().step_by(every).collect()
}

/// Scale and axis of a measured quantity: logarithmic where all values are positive and the largest is more than `span`
/// times the smallest.
pub(super) fn of_values(values: impl Iterator<Item = f64>, title: &str, span: f64) -> (Value, Value) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low > 0.0 && high / low > span && high.is_finite() {
        return (
            json!({ "type": "log", "nice": true }),
            json!({ "title": format!("{title} (log scale)"), "values": ticks(low / 10.0, high * 10.0), "format": "~g", "labelOverlap": "greedy" }),
        );
    }
    (
        json!({ "type": "linear", "zero": false, "nice": true }),
        // Without a precision the ticks' own is taken, and 0.12 is written as 0.1.
        json!({ "title": title, "format": ".4~g", "labelOverlap": "greedy" }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(1e-3, 10.0), [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]);
        assert_eq!(ticks(16.0, 256.0), [20.0, 50.0, 100.0, 200.0]);
        assert_eq!(ticks(0.1, 0.5), [0.1, 0.2, 0.3, 0.4, 0.5]);
        assert_eq!(ticks(1e-8, 1.0).len(), 9);
        assert!(ticks(1e-30, 1e30).len() <= MOST_TICKS);
        assert!(ticks(0.0, 1.0).is_empty());
    }
}
