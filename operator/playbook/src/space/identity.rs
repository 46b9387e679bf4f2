//! When two points are one.

use studious_api::{HyperparameterValue, Hyperparameters};

/// A point as a key of a map: equal exactly when the points are. The API server writes `1.0` as `1`, so an integer and
/// a real number of the same value are equal.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PointIdentity(Vec<(String, ValueIdentity)>);

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum ValueIdentity {
    Bool(bool),
    /// An integer that no real number equals.
    Integer(i64),
    /// The bits of a real number, with one zero.
    Number(u64),
    Text(String),
}

impl PointIdentity {
    /// The key of a point.
    #[must_use]
    pub fn of(point: &Hyperparameters) -> Self {
        Self(point.iter().map(|(name, value)| (name.clone(), ValueIdentity::of(value))).collect())
    }
}

impl ValueIdentity {
    fn of(value: &HyperparameterValue) -> Self {
        match value {
            HyperparameterValue::Bool(b) => Self::Bool(*b),
            HyperparameterValue::Integer(i) if i.unsigned_abs() > 1 << 53 => Self::Integer(*i),
            HyperparameterValue::Integer(i) => Self::Number((*i as f64).to_bits()),
            // -0.0 + 0.0 is 0.0.
            HyperparameterValue::Number(x) => Self::Number((x + 0.0).to_bits()),
            HyperparameterValue::Text(s) => Self::Text(s.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_however_it_is_written() {
        let point = |value: HyperparameterValue| PointIdentity::of(&[("x".to_owned(), value)].into());
        assert_eq!(point(1_i64.into()), point(1.0.into()));
        assert_eq!(point(0.0.into()), point((-0.0).into()));
        assert_ne!(point(1_i64.into()), point(true.into()));
        assert_ne!(point(1_i64.into()), point("1".into()));
        assert_ne!(point(((1_i64 << 53) + 1).into()), point((1_i64 << 53).into()));
    }
}
