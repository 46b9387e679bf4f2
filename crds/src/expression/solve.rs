//! Expressions backwards: what one of the numbers is, when the result and the others are known.

use super::{ArithmeticTerm, Function, Operator};
use crate::Hyperparameters;

/// The number of `name` with which a term has a value. Nothing where it stands in the term more than once or not at all, or
/// where no number or more than one would do.
pub(super) fn solved(term: &ArithmeticTerm, name: &str, value: f64, point: &Hyperparameters) -> Option<f64> {
    if count(term, name) != 1 {
        return None;
    }
    let number = inverse(term, name, value, point)?;
    number.is_finite().then_some(number)
}

fn count(term: &ArithmeticTerm, name: &str) -> usize {
    match term {
        ArithmeticTerm::Number(_) => 0,
        ArithmeticTerm::Hyperparameter(other) => usize::from(other == name),
        ArithmeticTerm::Negative(term) => count(term, name),
        ArithmeticTerm::Of(_, a, b) => count(a, name) + count(b, name),
        ArithmeticTerm::Function(_, terms) => terms.iter().map(|term| count(term, name)).sum(),
    }
}

/// From the outermost operation inwards.
fn inverse(term: &ArithmeticTerm, name: &str, value: f64, point: &Hyperparameters) -> Option<f64> {
    let known = |term: &ArithmeticTerm| Some(term.value(&|name| point.get(name))?.number);
    match term {
        ArithmeticTerm::Number(_) => None,
        ArithmeticTerm::Hyperparameter(_) => Some(value),
        ArithmeticTerm::Negative(inner) => inverse(inner, name, -value, point),
        ArithmeticTerm::Of(operator, a, b) if count(a, name) == 1 => {
            let b = known(b)?;
            let left = match operator {
                Operator::Plus => value - b,
                Operator::Minus => value + b,
                Operator::Times => value / b,
                Operator::Over => value * b,
                // Of a positive number alone: an even power has two.
                Operator::Power if value > 0.0 => libm::pow(value, 1.0 / b),
                Operator::Power | Operator::Modulo => return None,
            };
            inverse(a, name, left, point)
        }
        ArithmeticTerm::Of(operator, a, b) => {
            let a = known(a)?;
            let right = match operator {
                Operator::Plus => value - a,
                Operator::Minus => a - value,
                Operator::Times | Operator::Over if a.abs() <= 0.0 => return None,
                Operator::Times => value / a,
                Operator::Over => a / value,
                Operator::Power => libm::log(value) / libm::log(a),
                Operator::Modulo => return None,
            };
            inverse(b, name, right, point)
        }
        ArithmeticTerm::Function(function, terms) => {
            let value = match function {
                Function::Exp => libm::log(value),
                Function::Log => libm::exp(value),
                Function::Log10 => libm::pow(10.0, value),
                Function::Log2 => libm::pow(2.0, value),
                Function::Sqrt if value >= 0.0 => value * value,
                _ => return None,
            };
            inverse(terms.first()?, name, value, point)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Expression;
    use crate::{HyperparameterValue, Hyperparameters};

    #[test]
    fn what_is_solved_gives_the_value_again() {
        let point: Hyperparameters = [("a".to_owned(), HyperparameterValue::Number(0.3))].into();
        for text in [
            "x",
            "-x",
            "x + a",
            "a - x",
            "a * x",
            "x / a",
            "a / x",
            "x * (1 - a)",
            "1 - x",
            "a / (1 - x)",
            "x ** 2",
            "2 ** x",
            "10 ** (-x)",
            "exp(x)",
            "log(x + a)",
            "log2(x)",
            "log10(2 * x)",
            "sqrt(x)",
        ] {
            let expression = Expression::parse(text).unwrap();
            let whole =
                |x: f64| -> Hyperparameters { [("x".to_owned(), x.into())].into_iter().chain(point.clone()).collect() };
            let there = whole(0.7);
            let value = expression.value(&|name| there.get(name)).unwrap().as_f64().unwrap();
            let solved = expression.solved("x", value, &point).unwrap_or_else(|| panic!("{text}"));
            assert!((solved - 0.7).abs() < 1e-12, "{text}: {solved}");
        }
        for (text, value) in [
            ("x * x", 0.49),
            ("a", 0.3),
            ("x % 2", 1.0),
            ("round(x)", 1.0),
            ("max(x, a)", 0.7),
            ("0 * x", 0.0),
            ("x ** 2", -1.0),
            ("x * unknown", 1.0),
            ("a / x", 0.0),
        ] {
            assert_eq!(Expression::parse(text).unwrap().solved("x", value, &point), None, "{text}");
        }
    }
}
