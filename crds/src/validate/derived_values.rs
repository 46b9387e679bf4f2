//! Values of hyperparameters that are worked out from others, at one point: forwards, and backwards where a point has the
//! derived number alone.

use super::{Violation, assignments::is_active, derived::expression, point::LAST_DIGITS};
use crate::{
    HyperparameterValue, Hyperparameters,
    expression::Expression,
    study::{Hyperparameter, Role},
};

/// A point with the numbers that derived ones of it tell of those that are searched: what a program knows that was never told
/// of the number in whose place another is searched.
#[must_use]
pub fn solved(hyperparameters: &[Hyperparameter], point: &Hyperparameters) -> Hyperparameters {
    let mut whole = point.clone();
    let fixed = |h: &&Hyperparameter| h.role == Role::Fixed && h.when.is_none();
    for h in hyperparameters.iter().filter(fixed) {
        if let Some(value) = &h.value {
            whole.entry(h.name.clone()).or_insert_with(|| value.clone());
        }
    }
    for h in hyperparameters {
        if !is_active(h, &whole) {
            continue;
        }
        let (Some(expression), Some(value)) = (expression(h), point.get(&h.name).and_then(HyperparameterValue::as_f64))
        else {
            continue;
        };
        let names = expression.names();
        let mut missing = names.iter().filter(|name| !whole.contains_key(**name));
        if let (Some(name), None) = (missing.next(), missing.next())
            && hyperparameters.iter().any(|other| other.name == **name && is_active(other, &whole))
            && let Some(number) = expression.solved(name, value, &whole)
            && !is_ambiguous(hyperparameters, &expression, name, number, &whole)
        {
            whole.insert((*name).to_owned(), as_known(hyperparameters, name, number));
        }
    }
    // Those that were only needed to solve.
    whole.retain(|name, _| point.contains_key(name) || !hyperparameters.iter().any(|h| h.name == *name && fixed(&h)));
    whole
}

/// Whether the number with the other sign would do as well, and is one that the hyperparameter may have: of x ** 2.
fn is_ambiguous(
    hyperparameters: &[Hyperparameter],
    expression: &Expression,
    name: &str,
    number: f64,
    point: &Hyperparameters,
) -> bool {
    let value = |x: f64| {
        let x = HyperparameterValue::Number(x);
        expression.value(&|other| if other == name { Some(&x) } else { point.get(other) }).and_then(|v| v.as_f64())
    };
    let may_be = |h: &Hyperparameter| {
        let listed = h.listed().any(|value| value.as_f64() == Some(-number));
        listed || h.range.as_ref().is_some_and(|range| (range.min..=range.max).contains(&-number))
    };
    let same = value(number).zip(value(-number)).is_some_and(|(a, b)| (a - b).abs() <= LAST_DIGITS * a.abs());
    same && number != 0.0 && hyperparameters.iter().any(|h| h.name == name && may_be(h))
}

/// How far a derived number may be from what it is worked out to, when each of those it is worked out from is known to a
/// millionth: `1 - momentum` magnifies what float32 leaves of a momentum near 1.
fn reach(expression: &Expression, number: f64, point: &Hyperparameters) -> f64 {
    let moved = |name: &str, by: f64| {
        let moved = HyperparameterValue::Number(point.get(name)?.as_f64()? * (1.0 + by));
        let value = expression.value(&|other| if other == name { Some(&moved) } else { point.get(other) })?;
        value.as_f64().map(|x| (x - number).abs()).filter(|x| x.is_finite())
    };
    let of = |name: &str| [-LAST_DIGITS, LAST_DIGITS].into_iter().filter_map(|by| moved(name, by)).fold(0.0, f64::max);
    LAST_DIGITS * number.abs() + expression.names().into_iter().map(of).sum::<f64>()
}

/// A number as the hyperparameter has it: the listed value that it nearly is, the whole number of a range of those.
fn as_known(hyperparameters: &[Hyperparameter], name: &str, number: f64) -> HyperparameterValue {
    let of_name = || hyperparameters.iter().filter(|h| h.name == name);
    let near =
        |value: &&HyperparameterValue| value.as_f64().is_some_and(|x| (x - number).abs() <= LAST_DIGITS * x.abs());
    if let Some(listed) = of_name().flat_map(Hyperparameter::listed).find(near) {
        return listed.clone();
    }
    let rounded = number.round();
    if of_name().any(|h| h.range.as_ref().is_some_and(|range| range.integer)) && (number - rounded).abs() <= LAST_DIGITS
    {
        // Checked against its range, which ends below 2^53, afterwards.
        #[allow(clippy::cast_possible_truncation)]
        return HyperparameterValue::Integer(rounded as i64);
    }
    HyperparameterValue::Number(number)
}

/// Works out what is derived at a point, and says where the point has it otherwise.
pub(super) fn work_out(
    hyperparameters: &[Hyperparameter],
    whole: &mut Hyperparameters,
    given: &Hyperparameters,
    at: &str,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for h in hyperparameters.iter().filter(|h| h.role == Role::Derived) {
        let Some(expression) = expression(h).filter(|_| is_active(h, whole)) else { continue };
        let Some(value) = expression.value(&|name| whole.get(name)) else { continue };
        let field = format!("{at}.{}", h.name);
        let text = h.expression.as_deref().unwrap_or_default();
        let number = value.as_f64().unwrap_or(f64::NAN);
        match given.get(&h.name) {
            _ if !number.is_finite() => {
                let rule = format!("can't be worked out at this point: {text} is {number}");
                found.push(Violation::new(field, &(), rule, "Give values with which it is a number."));
            }
            Some(other) if other.as_f64().is_none_or(|x| (x - number).abs() > reach(&expression, number, whole)) => {
                let rule = format!("is {text}, which is {value} at this point");
                found.push(Violation::new(field, other, rule, format!("Give {value}, or leave it out.")));
            }
            _ => _ = whole.insert(h.name.clone(), value),
        }
    }
    for (name, value) in given.iter().filter(|(name, _)| !whole.contains_key(*name)) {
        let wrong = found.iter().any(|violation| violation.field == format!("{at}.{name}"));
        if let Some(h) = hyperparameters.iter().find(|h| h.name == *name && h.role == Role::Derived && !wrong) {
            let text = h.expression.as_deref().unwrap_or_default();
            let rule = format!("doesn't exist at this point: it is {text}, of which not all exists");
            let fix = "Remove it, or change what that depends on.";
            found.push(Violation::new(format!("{at}.{name}"), value, rule, fix));
        }
    }
    found
}
