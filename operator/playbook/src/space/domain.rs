//! What values a hyperparameter may take, and how they are spread over the unit interval.
//!
//! Logarithms are libm's, not the platform's: a point has the same last bit on every machine.

use studious_api::{
    HyperparameterValue,
    expression::Expression,
    study::{Range, Scale},
};

/// Largest integer of a range: beyond it a real number can't hold every integer.
const LARGEST_INTEGER: f64 = 9_007_199_254_740_992.0;

/// The values of one hyperparameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// Held at one value.
    Fixed(HyperparameterValue),
    /// One of a list, each as likely.
    Values(Values),
    /// A number between two ends.
    Interval(Interval),
    /// What is worked out from others.
    Derived(Expression),
}

/// A list of at least one value, none twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Values(Vec<HyperparameterValue>);

/// A number between two ends, spread evenly in its scale. Every integer of an integer interval owns the stretch of half
/// a unit on either side of it, so the ends are as likely as the middle.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    min: f64,
    max: f64,
    scale: Scale,
    integer: bool,
    /// The ends of the unit interval in the scale: those of the first and last integer's stretch for integers.
    start: f64,
    end: f64,
}

/// Why a range or a list has no values to search.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DomainError {
    /// No values at all.
    #[error("the list of values is empty")]
    Empty,
    /// One value twice: it would be as likely as two.
    #[error("the value {0} is listed twice")]
    Repeated(String),
    /// A boundary that is not finite, or boundaries too far apart.
    #[error("min and max must be finite, and so must their difference")]
    NotFinite,
    /// Ends in the wrong order.
    #[error("min must be smaller than max")]
    EmptyInterval,
    /// Logarithms of what isn't positive.
    #[error("a Log range needs min > 0")]
    LogOfNonPositive,
    /// 1 - x must be positive.
    #[error("a ReverseLog range searches 1 - x in log: it needs max < 1")]
    ReverseLogFromOne,
    /// Whole numbers whose scale can't hold them.
    #[error("an integer range needs whole ends of at most 2^53, and is Linear or Log")]
    NotWhole,
    /// An expression that can't be read.
    #[error("its expression can't be read {0}")]
    Expression(String),
    /// A hyperparameter with none of range, values, value and expression, or several.
    #[error("give exactly one of range, values, value and expression")]
    NotOne,
}

impl Values {
    /// A list of values.
    ///
    /// # Errors
    /// When it is empty or holds a value twice.
    pub fn new(values: &[HyperparameterValue]) -> Result<Self, DomainError> {
        if values.is_empty() {
            return Err(DomainError::Empty);
        }
        if let Some((_, repeated)) = values.iter().enumerate().find(|(i, v)| values[..*i].contains(v)) {
            return Err(DomainError::Repeated(repeated.to_string()));
        }
        Ok(Self(values.to_vec()))
    }

    /// The values in the order in which they are listed.
    #[must_use]
    pub fn as_slice(&self) -> &[HyperparameterValue] {
        &self.0
    }

    fn at(&self, unit: f64) -> &HyperparameterValue {
        // Below the length, which is a small number: exact.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let cell = (unit.clamp(0.0, 1.0) * self.0.len() as f64) as usize;
        &self.0[cell.min(self.0.len() - 1)]
    }

    fn unit_of(&self, value: &HyperparameterValue) -> Option<f64> {
        let cell = self.0.iter().position(|v| v == value)?;
        Some((cell as f64 + 0.5) / self.0.len() as f64)
    }
}

impl Interval {
    /// An interval to search.
    ///
    /// # Errors
    /// When no point can be drawn from it.
    pub fn new(range: &Range) -> Result<Self, DomainError> {
        let &Range { min, max, scale, integer } = range;
        if !(min.is_finite() && max.is_finite() && (max - min).is_finite()) {
            return Err(DomainError::NotFinite);
        }
        if min >= max {
            return Err(DomainError::EmptyInterval);
        }
        match scale {
            Scale::Log if min <= 0.0 => return Err(DomainError::LogOfNonPositive),
            Scale::ReverseLog if max >= 1.0 => return Err(DomainError::ReverseLogFromOne),
            _ => {}
        }
        let whole = |x: f64| x.fract() == 0.0 && x.abs() <= LARGEST_INTEGER;
        if integer && (scale == Scale::ReverseLog || !whole(min) || !whole(max)) {
            return Err(DomainError::NotWhole);
        }
        // A positive integer is at least 1, so the stretch of the first one stays positive.
        let half = if integer { 0.5 } else { 0.0 };
        let (start, end) = (warp(scale, min - half), warp(scale, max + half));
        Ok(Self { min, max, scale, integer, start, end })
    }

    /// The range that it is made from.
    pub(super) fn range(&self) -> Range {
        let &Self { min, max, scale, integer, .. } = self;
        Range { min, max, scale, integer }
    }

    /// Smallest value.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.min
    }

    /// Largest value.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.max
    }

    /// In which scale values are spread evenly.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// Whether it holds whole numbers only.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        self.integer
    }

    fn at(&self, unit: f64) -> HyperparameterValue {
        let x = unwarp(self.scale, self.start + unit.clamp(0.0, 1.0) * (self.end - self.start));
        if self.integer {
            // Whole and at most 2^53: exact.
            #[allow(clippy::cast_possible_truncation)]
            let whole = (x + 0.5).floor().clamp(self.min, self.max) as i64;
            HyperparameterValue::Integer(whole)
        } else {
            HyperparameterValue::Number(x.clamp(self.min, self.max))
        }
    }

    fn unit_of(&self, value: &HyperparameterValue) -> Option<f64> {
        let x = value.as_f64().filter(|x| (self.min..=self.max).contains(x))?;
        if self.integer && x.fract() != 0.0 {
            return None;
        }
        Some(((warp(self.scale, x) - self.start) / (self.end - self.start)).clamp(0.0, 1.0))
    }
}

/// From a value to the scale in which it is spread evenly, upwards with the value.
fn warp(scale: Scale, x: f64) -> f64 {
    match scale {
        Scale::Linear => x,
        Scale::Log => libm::log(x),
        Scale::ReverseLog => -libm::log1p(-x),
    }
}

/// The inverse of [`warp`].
fn unwarp(scale: Scale, y: f64) -> f64 {
    match scale {
        Scale::Linear => y,
        Scale::Log => libm::exp(y),
        Scale::ReverseLog => -libm::expm1(-y),
    }
}

impl Domain {
    /// The value at a place of the unit interval; places outside count as its ends. What is derived has no place, and so no
    /// number here.
    #[must_use]
    pub fn at(&self, unit: f64) -> HyperparameterValue {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Derived(_) => HyperparameterValue::Number(f64::NAN),
            Self::Values(values) => values.at(unit).clone(),
            Self::Interval(interval) => interval.at(unit),
        }
    }

    /// Every value, if there is an end of them.
    #[must_use]
    pub fn every(&self) -> Option<Vec<HyperparameterValue>> {
        match self {
            Self::Fixed(value) => Some(vec![value.clone()]),
            Self::Values(values) => Some(values.as_slice().to_vec()),
            // Whole and at most 2^53: exact.
            #[allow(clippy::cast_possible_truncation)]
            Self::Interval(interval) if interval.integer => {
                Some((interval.min as i64..=interval.max as i64).map(HyperparameterValue::Integer).collect())
            }
            Self::Interval(_) | Self::Derived(_) => None,
        }
    }

    /// The place of a value in the unit interval; the middle of its cell for one of a list. `None` when the domain
    /// doesn't hold the value, and for a fixed or derived one, which has no place.
    #[must_use]
    pub fn unit_of(&self, value: &HyperparameterValue) -> Option<f64> {
        match self {
            Self::Fixed(_) | Self::Derived(_) => None,
            Self::Values(values) => values.unit_of(value),
            Self::Interval(interval) => interval.unit_of(value),
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn interval(min: f64, max: f64, scale: Scale, integer: bool) -> Domain {
        Domain::Interval(Interval::new(&Range { min, max, scale, integer }).unwrap())
    }

    fn number(domain: &Domain, unit: f64) -> f64 {
        domain.at(unit).as_f64().unwrap()
    }

    #[test]
    fn ends_and_middle_of_each_scale() {
        let linear = interval(-1.0, 3.0, Scale::Linear, false);
        assert_eq!([0.0, 0.5, 1.0].map(|u| number(&linear, u)), [-1.0, 1.0, 3.0]);
        let log = interval(1e-5, 1e-1, Scale::Log, false);
        assert_eq!([0.0, 1.0].map(|u| number(&log, u)), [1e-5, 1e-1]);
        assert!((number(&log, 0.5) - 1e-3).abs() < 1e-15);
        // Playbook: 1 - momentum is searched in log.
        let momentum = interval(0.9, 0.999, Scale::ReverseLog, false);
        assert!((number(&momentum, 0.0) - 0.9).abs() < 1e-15 && (number(&momentum, 1.0) - 0.999).abs() < 1e-15);
        assert!((number(&momentum, 0.5) - 0.99).abs() < 1e-12);
    }

    #[test]
    fn every_integer_of_a_linear_range_is_as_likely() {
        let domain = interval(1.0, 8.0, Scale::Linear, true);
        let mut counts = [0; 9];
        for i in 0..8000 {
            counts[number(&domain, (f64::from(i) + 0.5) / 8000.0) as usize] += 1;
        }
        assert_eq!(counts[1..], [1000; 8]);
    }

    #[test]
    fn every_integer_of_a_log_range_owns_its_stretch() {
        let domain = interval(1.0, 64.0, Scale::Log, true);
        let share = |k: f64| ((k + 0.5) / (k - 0.5)).ln() / (64.5_f64 / 0.5).ln();
        let mut counts = [0_u32; 65];
        for i in 0..200_000 {
            counts[number(&domain, (f64::from(i) + 0.5) / 200_000.0) as usize] += 1;
        }
        for (k, count) in counts.into_iter().enumerate().skip(1) {
            assert!((f64::from(count) / 200_000.0 - share(k as f64)).abs() < 1e-5, "{k}: {count}");
        }
    }

    #[test]
    fn a_list_is_shared_out_in_equal_cells() {
        let domain = Domain::Values(Values::new(&["relu".into(), "tanh".into(), "gelu".into()]).unwrap());
        assert_eq!(
            [0.0, 0.33, 0.34, 0.99, 1.0].map(|u| domain.at(u).to_string()),
            ["relu", "relu", "tanh", "gelu", "gelu"]
        );
        assert_eq!(domain.unit_of(&"tanh".into()), Some(0.5));
        assert_eq!(domain.unit_of(&"swish".into()), None);
    }

    #[test]
    fn what_cannot_be_searched_cannot_be_made() {
        let refused = |min, max, scale, integer| Interval::new(&Range { min, max, scale, integer }).unwrap_err();
        assert_eq!(refused(0.0, 1.0, Scale::Log, false), DomainError::LogOfNonPositive);
        assert_eq!(refused(0.5, 1.0, Scale::ReverseLog, false), DomainError::ReverseLogFromOne);
        assert_eq!(refused(2.0, 2.0, Scale::Linear, false), DomainError::EmptyInterval);
        assert_eq!(refused(f64::NAN, 2.0, Scale::Linear, false), DomainError::NotFinite);
        assert_eq!(refused(f64::MIN, f64::MAX, Scale::Linear, false), DomainError::NotFinite);
        assert_eq!(refused(0.5, 2.0, Scale::Linear, true), DomainError::NotWhole);
        assert_eq!(Values::new(&[]), Err(DomainError::Empty));
        assert_eq!(Values::new(&[1_i64.into(), 1.0.into()]), Err(DomainError::Repeated("1".into())));
    }

    fn any_interval() -> impl Strategy<Value = Domain> {
        prop_oneof![
            (-1e6..1e6_f64, 1e-3..1e6_f64).prop_map(|(min, width)| interval(min, min + width, Scale::Linear, false)),
            (-300.0..300.0_f64, 0.1..7.0_f64).prop_map(|(low, decades)| interval(
                10_f64.powf(low),
                10_f64.powf(low + decades),
                Scale::Log,
                false
            )),
            (0.0..0.9_f64, 1.0..12.0_f64).prop_map(|(min, nines)| interval(
                min,
                1.0 - (1.0 - min) * 10_f64.powf(-nines),
                Scale::ReverseLog,
                false
            )),
            (-1000_i32..1000, 1..100_000_i32).prop_map(|(min, n)| interval(
                f64::from(min),
                f64::from(min + n),
                Scale::Linear,
                true
            )),
            (1..1000_i32, 1..100_000_i32).prop_map(|(min, n)| interval(
                f64::from(min),
                f64::from(min + n),
                Scale::Log,
                true
            )),
        ]
    }

    proptest! {
        #[test]
        fn values_stay_inside_and_find_their_place_again(domain in any_interval(), unit in 0.0..1.0_f64) {
            let value = domain.at(unit);
            let place = domain.unit_of(&value).expect("inside");
            if matches!(value, HyperparameterValue::Integer(_)) {
                prop_assert_eq!(domain.at(place), value);
            } else {
                // Twelve nines in ReverseLog leave 1 - x only four digits.
                prop_assert!((place - unit).abs() < 1e-4, "{} {}", place, unit);
            }
        }

        #[test]
        fn larger_places_give_larger_values(domain in any_interval(), a in 0.0..1.0_f64, b in 0.0..1.0_f64) {
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(number(&domain, low) <= number(&domain, high));
        }
    }
}
