//! Arithmetic over hyperparameters: what a `Derived` one is worked out by (`effective_rate * (1 - momentum)`), and
//! constraints between hyperparameters (`heads * head_dim <= 1024`).
//!
//! Numbers are 64-bit floats, and powers and logarithms libm's, not the platform's: a point satisfies a constraint on every
//! machine or on none. The notation is that of Python where both have a sign: `**` (or `^`) binds tighter than a sign before
//! it and to the right, `%` has the sign of its divisor, and comparisons chain. Crates for expressions were looked at: none
//! of those that are kept up leaves the choice of the mathematical library, or names the character at which a text is
//! wrong, and what is needed of them is small.

mod parse;
mod solve;

use std::{collections::BTreeSet, fmt};

use crate::{HyperparameterValue, Hyperparameters, StudySpec};

pub use parse::ParseError;

/// Two sides of a comparison that differ by less than this share of the larger are equal: sums leave other last digits.
const SAME: f64 = 1e-12;
/// The same of numbers that other programs wrote.
const NEARLY: f64 = 1e-6;

/// A comparison of numbers that are worked out from hyperparameters: `64 <= heads * head_dim <= 1024`.
#[derive(Clone, Debug, PartialEq)]
pub struct HyperparameterConstraint {
    text: String,
    first: ArithmeticTerm,
    /// What it is compared with, from left to right.
    others: Vec<(Relation, ArithmeticTerm)>,
}

/// A number that is worked out from hyperparameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    term: ArithmeticTerm,
}

/// A number, and whether it is a whole one by the way it is worked out: products of whole numbers are, and what is rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Quantity {
    number: f64,
    is_whole: bool,
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Relation {
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Equal,
    Different,
}

/// A number, or how it is worked out.
#[derive(Clone, Debug, PartialEq)]
enum ArithmeticTerm {
    Number(f64),
    Hyperparameter(String),
    Negative(Box<ArithmeticTerm>),
    Of(Operator, Box<ArithmeticTerm>, Box<ArithmeticTerm>),
    Function(Function, Vec<ArithmeticTerm>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Operator {
    Plus,
    Minus,
    Times,
    Over,
    Modulo,
    Power,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Function {
    Abs,
    Ceil,
    Exp,
    Floor,
    Log,
    Log10,
    Log2,
    Max,
    Min,
    Round,
    Sqrt,
}

impl Function {
    /// Every function by its name.
    const ALL: [(&'static str, Self); 11] = [
        ("abs", Self::Abs),
        ("ceil", Self::Ceil),
        ("exp", Self::Exp),
        ("floor", Self::Floor),
        ("log", Self::Log),
        ("log10", Self::Log10),
        ("log2", Self::Log2),
        ("max", Self::Max),
        ("min", Self::Min),
        ("round", Self::Round),
        ("sqrt", Self::Sqrt),
    ];

    /// Whether it takes two or more numbers instead of one.
    fn takes_several(self) -> bool {
        matches!(self, Self::Max | Self::Min)
    }

    /// Whether its value is whole.
    fn is_whole(self, are_whole: bool) -> bool {
        match self {
            Self::Ceil | Self::Floor | Self::Round => true,
            Self::Abs | Self::Max | Self::Min => are_whole,
            Self::Exp | Self::Log | Self::Log10 | Self::Log2 | Self::Sqrt => false,
        }
    }

    fn of(self, values: &[f64]) -> f64 {
        let x = values.first().copied().unwrap_or(f64::NAN);
        match self {
            Self::Abs => x.abs(),
            Self::Ceil => x.ceil(),
            Self::Exp => libm::exp(x),
            Self::Floor => x.floor(),
            Self::Log => libm::log(x),
            Self::Log10 => libm::log10(x),
            Self::Log2 => libm::log2(x),
            // Not those of the standard library, which pass over NaN.
            Self::Max => values.iter().copied().reduce(|a, b| if a >= b || a.is_nan() { a } else { b }).unwrap_or(x),
            Self::Min => values.iter().copied().reduce(|a, b| if a <= b || a.is_nan() { a } else { b }).unwrap_or(x),
            Self::Round => x.round_ties_even(),
            Self::Sqrt => x.sqrt(),
        }
    }
}

impl Operator {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Plus => a + b,
            Self::Minus => a - b,
            Self::Times => a * b,
            Self::Over => a / b,
            Self::Modulo => a - b * (a / b).floor(),
            Self::Power => libm::pow(a, b),
        }
    }
}

impl Relation {
    /// Of numbers that can't be compared, as of 0 / 0, nothing holds.
    fn holds(self, a: f64, b: f64, same: f64) -> bool {
        let gap = a - b;
        // The same infinity is equal, and its gap is NaN.
        #[allow(clippy::float_cmp)]
        let equal = a == b || gap.is_finite() && gap.abs() <= same * a.abs().max(b.abs());
        match self {
            Self::Less => a < b && !equal,
            Self::LessOrEqual => a < b || equal,
            Self::More => a > b && !equal,
            Self::MoreOrEqual => a > b || equal,
            Self::Equal => equal,
            Self::Different => !(equal || a.is_nan() || b.is_nan()),
        }
    }
}

impl ArithmeticTerm {
    /// Its value, by the values of hyperparameters; nothing where one that it names has no number.
    fn value<'a>(&self, of: &dyn Fn(&str) -> Option<&'a HyperparameterValue>) -> Option<Quantity> {
        Some(match self {
            Self::Number(x) => Quantity { number: *x, is_whole: x.fract() == 0.0 },
            Self::Hyperparameter(name) => {
                let value = of(name)?;
                Quantity { number: value.as_f64()?, is_whole: matches!(value, HyperparameterValue::Integer(_)) }
            }
            Self::Negative(term) => {
                let Quantity { number, is_whole } = term.value(of)?;
                Quantity { number: -number, is_whole }
            }
            Self::Of(operator, a, b) => {
                let (a, b) = (a.value(of)?, b.value(of)?);
                let are_whole = a.is_whole && b.is_whole;
                let is_whole = match operator {
                    Operator::Plus | Operator::Minus | Operator::Times | Operator::Modulo => are_whole,
                    Operator::Power => are_whole && b.number >= 0.0,
                    Operator::Over => false,
                };
                Quantity { number: operator.of(a.number, b.number), is_whole }
            }
            Self::Function(function, terms) => {
                let values = terms.iter().map(|term| term.value(of)).collect::<Option<Vec<_>>>()?;
                let numbers: Vec<f64> = values.iter().map(|value| value.number).collect();
                let is_whole = function.is_whole(values.iter().all(|value| value.is_whole));
                Quantity { number: function.of(&numbers), is_whole }
            }
        })
    }

    fn names<'a>(&'a self, names: &mut BTreeSet<&'a str>) {
        match self {
            Self::Number(_) => {}
            Self::Hyperparameter(name) => _ = names.insert(name),
            Self::Negative(term) => term.names(names),
            Self::Of(_, a, b) => {
                a.names(names);
                b.names(names);
            }
            Self::Function(_, terms) => terms.iter().for_each(|term| term.names(names)),
        }
    }
}

impl HyperparameterConstraint {
    /// Reads a comparison.
    ///
    /// # Errors
    /// Where it is none: the character, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::comparison(text)
    }

    /// The hyperparameters that it names.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        for term in std::iter::once(&self.first).chain(self.others.iter().map(|(_, term)| term)) {
            term.names(&mut names);
        }
        names
    }

    /// Whether it holds at a point that others wrote, as it stands or within a millionth, which float32 and six digits leave.
    #[must_use]
    pub fn nearly_holds(&self, point: &Hyperparameters) -> Option<bool> {
        Some(self.holds(point)? || self.holds_within(point, NEARLY)?)
    }

    /// Whether it holds at a point; nothing where a hyperparameter that it names has no number there, so that it says
    /// nothing of the point. What can't be worked out, such as 0 / 0, doesn't hold.
    #[must_use]
    pub fn holds(&self, point: &Hyperparameters) -> Option<bool> {
        self.holds_within(point, SAME)
    }

    fn holds_within(&self, point: &Hyperparameters, same: f64) -> Option<bool> {
        let of = |name: &str| point.get(name);
        let mut holds = true;
        let mut left = self.first.value(&of)?.number;
        for (relation, term) in &self.others {
            let right = term.value(&of)?.number;
            holds &= relation.holds(left, right, same);
            left = right;
        }
        Some(holds)
    }
}

/// Whole numbers up to here are exact as real numbers.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// Where it is none: the character, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::expression(text)
    }

    /// The hyperparameters that it names.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.term.names(&mut names);
        names
    }

    /// Its value, by the values of hyperparameters: a whole number where it is one by the way it is worked out. Nothing
    /// where a hyperparameter that it names has no number.
    #[must_use]
    pub fn value<'a>(&self, of: &dyn Fn(&str) -> Option<&'a HyperparameterValue>) -> Option<HyperparameterValue> {
        let Quantity { number, is_whole } = self.term.value(of)?;
        if is_whole && number.fract() == 0.0 && number.abs() <= LARGEST_EXACT {
            // Whole and at most 2^53: exact.
            #[allow(clippy::cast_possible_truncation)]
            return Some(HyperparameterValue::Integer(number as i64));
        }
        Some(HyperparameterValue::Number(number))
    }

    /// The number that a hyperparameter has where this has a value, the others being known: what a program that knows the
    /// derived number alone tells of the one that is searched. Nothing where it is named more than once, or where there is not
    /// one such number.
    #[must_use]
    pub fn solved(&self, name: &str, value: f64, point: &Hyperparameters) -> Option<f64> {
        solve::solved(&self.term, name, value, point)
    }
}

/// As it was written.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StudySpec {
    /// Its constraints between hyperparameters. Validation tells of those that can't be read.
    #[must_use]
    pub fn comparisons(&self) -> Vec<HyperparameterConstraint> {
        self.hyperparameter_constraints.iter().filter_map(|text| HyperparameterConstraint::parse(text).ok()).collect()
    }
}

/// As it was written.
impl fmt::Display for HyperparameterConstraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str) -> Option<bool> {
        let point: Hyperparameters = serde_json::from_str(
            r#"{"heads": 8, "head_dim": 64, "width": 512, "lr": 0.1, "momentum": 0.9, "zero": 0, "name": "adam"}"#,
        )
        .unwrap();
        HyperparameterConstraint::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).holds(&point)
    }

    #[test]
    fn arithmetic_is_that_of_python() {
        for truth in [
            "heads * head_dim <= 512",
            "heads * head_dim < 512.1",
            "64 <= heads * head_dim <= 1024",
            "width % heads == 0",
            "-7 % 3 == 2",
            "7 % -3 == -2",
            "2 + 3 * 4 == 14",
            "(2 + 3) * 4 == 20",
            "2 ** 3 ** 2 == 512",
            "2^10 == 1024",
            "-2 ** 2 == -4",
            "2 ** -1 == 0.5",
            "10 - 4 - 3 == 3",
            "64 / 4 / 2 == 8",
            "lr / (1 - momentum) == 1",
            "lr + 0.2 == 0.3",
            "lr + 0.2 <= 0.3",
            "1e-3 < lr",
            "1E3 > .5",
            "min(heads, head_dim, 4) == 4",
            "max(heads, head_dim) == head_dim",
            "log2(width) == 9 ",
            "log10(1000) == 3",
            "log(exp(2)) == 2",
            "sqrt(64) == heads",
            "abs(-3) == 3",
            "floor(2.7) == 2",
            "ceil(2.1) == 3",
            "round(2.5) == 2",
            "heads != 9",
            "1 / zero > 1e300",
            "--heads == 8",
        ] {
            assert_eq!(holds(truth), Some(true), "{truth}");
        }
        for lie in [
            "heads * head_dim < 512",
            "lr + 0.2 < 0.3",
            "heads > 8",
            "heads != 8",
            "1 <= heads <= 4",
            "zero / zero == zero / zero",
            "zero / zero != 1",
            "zero / zero <= 1",
            "sqrt(-1) >= 0",
            "max(1, zero / zero) >= 0",
            "min(zero / zero, 1) <= 1",
        ] {
            assert_eq!(holds(lie), Some(false), "{lie}");
        }
    }

    fn nearly(text: &str, x: f64) -> Option<bool> {
        let point: Hyperparameters = [("x".to_owned(), x.into())].into();
        HyperparameterConstraint::parse(text).unwrap().nearly_holds(&point)
    }

    #[test]
    fn what_others_wrote_holds_as_it_stands_or_within_a_millionth() {
        for (text, x) in [
            ("x <= 0.1", f64::from(0.1_f32)),
            ("x == 0.1", f64::from(0.1_f32)),
            ("x < 0.1", 0.099_999_999),
            ("x != 0.1", 0.100_000_001),
            ("0.1 < x < 0.2", 0.199_999_999),
        ] {
            assert_eq!(nearly(text, x), Some(true), "{text} {x}");
        }
        for (text, x) in [("x <= 0.1", 0.100_001), ("x < 0.1", 0.1), ("x != 0.1", 0.1), ("x == 0.1", 0.1001)] {
            assert_eq!(nearly(text, x), Some(false), "{text} {x}");
        }
    }

    #[test]
    fn it_says_nothing_where_a_hyperparameter_has_no_number() {
        assert_eq!(holds("depth * heads <= 3"), None);
        assert_eq!(holds("max(name, 3) <= 3"), None);
        assert_eq!(nearly("depth * heads <= 3", 1.0), None);
        let names = HyperparameterConstraint::parse("min(b, 2) * a <= -c").unwrap();
        assert_eq!(names.names(), BTreeSet::from(["a", "b", "c"]));
        assert_eq!(names.to_string(), "min(b, 2) * a <= -c");
    }
}
