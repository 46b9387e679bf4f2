//! What to search beyond an edge: the next study's range or list, in words and as an edit.

use serde_json::Value;
use studious_api::{
    HyperparameterValue,
    study::{Range, Scale},
};
use studious_rules::thresholds::search::WIDEN_BY;

use super::{
    change::Edit,
    reading::{Along, Axis, Reading},
    wording::number,
};

/// What to change at one end of an axis: as the end of a sentence, and as an edit where one can be named.
pub(super) fn widen(reading: &Reading<'_>, axis: Axis<'_>, upper: bool) -> (String, Option<Edit>) {
    let hyperparameter = reading.index(axis.hyperparameter);
    match axis.along {
        Along::Range(range) => range_beyond(hyperparameter, range, upper, reading.threshold(&WIDEN_BY)),
        Along::List(values) => list_beyond(hyperparameter, values, upper),
    }
}

fn range_beyond(hyperparameter: usize, range: &Range, upper: bool, by: f64) -> (String, Option<Edit>) {
    let at = |share: f64| match range.scale {
        Scale::Linear => range.min + share * (range.max - range.min),
        Scale::Log => (range.min.ln() + share * (range.max.ln() - range.min.ln())).exp(),
        Scale::ReverseLog => {
            let (from, to) = ((1.0 - range.min).ln(), (1.0 - range.max).ln());
            1.0 - (from + share * (to - from)).exp()
        }
    };
    let mut to = shortened(at(if upper { 1.0 + by } else { -by }));
    if range.integer {
        // At least one more: a narrow range grows too.
        to = if upper { to.round().max(range.max + 1.0) } else { to.round().min(range.min - 1.0) };
    }
    let positive = range.min >= 0.0 && to <= 0.0;
    let (field, from) = if upper { ("max", range.max) } else { ("min", range.min) };
    if !upper && positive && range.scale == Scale::Linear && range.min > 0.0 && !range.integer {
        let edit = Edit::Scale { hyperparameter, to: Scale::Log };
        return ("search it in Log scale, to see how small it may be".to_owned(), Some(edit));
    }
    // Log needs positive ends; what begins at 0 can't go lower; a momentum stays below 1.
    let impossible = !upper && positive || (range.scale == Scale::ReverseLog && !(0.0..1.0).contains(&to));
    if impossible || to.total_cmp(&from).is_eq() {
        return (format!("{} its {field} if it makes sense to", if upper { "raise" } else { "lower" }), None);
    }
    let words = format!("{} to about {}", if upper { "raise its max" } else { "lower its min" }, number(to));
    (words, Some(Edit::Boundary { hyperparameter, upper, to }))
}

/// One more value, as far from the last as that is from the one before: by ratio where all are positive.
fn list_beyond(hyperparameter: usize, values: &[HyperparameterValue], upper: bool) -> (String, Option<Edit>) {
    let mut sorted: Vec<f64> = values.iter().filter_map(HyperparameterValue::as_f64).collect();
    sorted.sort_by(f64::total_cmp);
    if !upper {
        sorted.reverse();
    }
    let [.., before, last] = sorted[..] else { return ("list a further value".to_owned(), None) };
    let whole = values.iter().all(|v| matches!(v, HyperparameterValue::Integer(_)));
    let geometric = sorted.iter().all(|x| *x > 0.0);
    let mut next = shortened(if geometric { last * last / before } else { 2.0 * last - before });
    if whole {
        next = if upper { next.round().max(last + 1.0) } else { next.round().min(last - 1.0) };
    }
    if whole && geometric && next < 1.0 {
        return ("list a smaller value if there is one".to_owned(), None);
    }
    let added = if whole {
        // Few digits: exact.
        #[allow(clippy::cast_possible_truncation)]
        HyperparameterValue::Integer(next as i64)
    } else {
        HyperparameterValue::from(next)
    };
    let mut longer = values.to_vec();
    longer.push(added);
    let words = format!("list {} too", number(next));
    (words, Some(Edit::Values { hyperparameter, to: longer }))
}

/// Four significant digits: an edit should look like one that a person wrote.
pub(super) fn shortened(x: f64) -> f64 {
    format!("{x:.3e}").parse().unwrap_or(x)
}

/// Whole numbers without a point.
pub(super) fn json(x: f64) -> Value {
    if x.fract() == 0.0 && x.abs() < 9.0e15 {
        // Whole and small: exact.
        #[allow(clippy::cast_possible_truncation)]
        return Value::from(x as i64);
    }
    Value::from(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min: f64, max: f64, scale: Scale, integer: bool) -> Range {
        Range { min, max, scale, integer }
    }

    fn to(edit: Option<Edit>) -> Value {
        match edit {
            Some(Edit::Boundary { to, .. }) => json(to),
            Some(Edit::Scale { to, .. }) => serde_json::json!(to),
            Some(Edit::Values { to, .. }) => serde_json::json!(to),
            _ => Value::Null,
        }
    }

    #[test]
    fn ranges_grow_in_their_scale() {
        let cases = [
            (range(1e-3, 10.0, Scale::Log, false), true, json(100.0)),
            (range(1e-3, 10.0, Scale::Log, false), false, json(1e-4)),
            (range(0.0, 0.5, Scale::Linear, false), true, json(0.625)),
            (range(0.0, 0.5, Scale::Linear, false), false, Value::Null),
            (range(0.1, 0.5, Scale::Linear, false), false, "Log".into()),
            (range(0.9, 0.999, Scale::ReverseLog, false), true, json(0.9997)),
            (range(0.2, 0.999, Scale::ReverseLog, false), false, Value::Null),
            (range(1.0, 2.0, Scale::Linear, true), true, json(3.0)),
            (range(1.0, 6.0, Scale::Linear, true), false, Value::Null),
        ];
        for (range, upper, expected) in cases {
            let (words, edit) = range_beyond(0, &range, upper, WIDEN_BY.default);
            assert_eq!(to(edit), expected, "{range:?} {upper}: {words}");
        }
    }

    #[test]
    fn lists_go_on_as_they_went() {
        let whole = |v: &[i64]| v.iter().map(|x| HyperparameterValue::Integer(*x)).collect::<Vec<_>>();
        let last = |values: &[HyperparameterValue], upper| {
            let list = to(list_beyond(0, values, upper).1);
            list.as_array().and_then(|a| a.last()).and_then(Value::as_f64).map_or(Value::Null, json)
        };
        assert_eq!(last(&whole(&[32, 64, 128]), true), json(256.0));
        assert_eq!(last(&whole(&[128, 32, 64]), false), json(16.0));
        assert_eq!(last(&whole(&[1, 2, 3]), false), Value::Null);
        assert_eq!(last(&[0.0.into(), 0.1.into(), 0.2.into()], true), json(0.3));
        assert_eq!(last(&[0.001.into(), 0.01.into(), 0.1.into()], true), json(1.0));
    }
}
