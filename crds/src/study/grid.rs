//! The values that a grid tries.
//!
//! Logarithms are libm's, not the platform's: a grid is the same on every machine.

use std::borrow::Cow;

use super::{Algorithm, Grid, Hyperparameter, Range, Scale, StudySpec};
use crate::HyperparameterValue;

impl StudySpec {
    /// The hyperparameters as the search of a study has them: of a Grid with every range divided into its levels.
    #[must_use]
    pub fn searched(&self) -> Cow<'_, [Hyperparameter]> {
        match self.search.algorithm {
            Algorithm::Grid => Cow::Owned(self.search.grid.clone().unwrap_or_default().over(&self.hyperparameters)),
            _ => Cow::Borrowed(&self.hyperparameters),
        }
    }
}

impl Grid {
    /// The hyperparameters with every range divided into its levels, as listed values.
    #[must_use]
    pub fn over(&self, hyperparameters: &[Hyperparameter]) -> Vec<Hyperparameter> {
        let divided = |h: &Hyperparameter| {
            let mut divided = h.clone();
            let keeps_all = Self::keeps_all(hyperparameters, h);
            if let Some(range) = divided.range.take() {
                let levels = if keeps_all { u32::MAX } else { self.levels_of(&h.name) };
                divided.values = Some(range.levels(levels));
            }
            divided
        };
        hyperparameters.iter().map(divided).collect()
    }

    /// Whether all values of a hyperparameter are tried, since conditions name it and it has whole numbers.
    #[must_use]
    pub fn keeps_all(hyperparameters: &[Hyperparameter], h: &Hyperparameter) -> bool {
        let mut conditions = hyperparameters.iter().flat_map(|other| other.when.iter().flatten());
        h.range.as_ref().is_some_and(Range::is_short) && conditions.any(|(parent, _)| *parent == h.name)
    }

    fn levels_of(&self, name: &str) -> u32 {
        self.levels_of.get(name).copied().unwrap_or(self.levels)
    }
}

/// Most numbers that are listed, of a range of whole numbers that conditions name.
const MOST: u32 = 1 << 16;

impl Range {
    /// Values evenly in the range's scale, both ends among them, upwards; whole numbers where the range has them, none
    /// twice; otherwise rounded to twelve digits, so that 0.001 is 0.001. One level is the middle.
    #[must_use]
    pub fn levels(&self, levels: u32) -> Vec<HyperparameterValue> {
        let (start, end) = (warp(self.scale, self.min), warp(self.scale, self.max));
        let at = |share: f64| unwarp(self.scale, start + share * (end - start)).clamp(self.min, self.max);
        if self.integer {
            // Whole and at most 2^53: exact.
            #[allow(clippy::cast_possible_truncation)]
            let whole = |x: f64| HyperparameterValue::Integer(x.round() as i64);
            let numbers = self.max - self.min + 1.0;
            if numbers <= f64::from(levels.min(MOST)) {
                return std::iter::successors(Some(self.min), |x| Some(x + 1.0))
                    .take_while(|x| *x <= self.max)
                    .map(whole)
                    .collect();
            }
            let mut values: Vec<_> = shares(levels.min(MOST)).map(|share| whole(at(share))).collect();
            values.dedup();
            return values;
        }
        let rounded = |x: f64| format!("{x:.11e}").parse().unwrap_or(x).clamp(self.min, self.max);
        shares(levels.min(MOST)).map(|share| HyperparameterValue::Number(rounded(at(share)))).collect()
    }
}

/// Places in the unit interval, both ends among them.
fn shares(levels: u32) -> impl Iterator<Item = f64> {
    (0..levels.max(1)).map(move |i| if levels < 2 { 0.5 } else { f64::from(i) / f64::from(levels - 1) })
}

fn warp(scale: Scale, x: f64) -> f64 {
    match scale {
        Scale::Linear => x,
        Scale::Log => libm::log(x),
        Scale::ReverseLog => -libm::log1p(-x),
    }
}

fn unwarp(scale: Scale, y: f64) -> f64 {
    match scale {
        Scale::Linear => y,
        Scale::Log => libm::exp(y),
        Scale::ReverseLog => -libm::expm1(-y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(min: f64, max: f64, scale: Scale, integer: bool, levels: u32) -> Vec<String> {
        Range { min, max, scale, integer }.levels(levels).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn levels_are_even_in_their_scale_and_hold_both_ends() {
        assert_eq!(levels(0.0, 1.0, Scale::Linear, false, 5), ["0", "0.25", "0.5", "0.75", "1"]);
        assert_eq!(levels(1e-4, 10.0, Scale::Log, false, 6), ["0.0001", "0.001", "0.01", "0.1", "1", "10"]);
        assert_eq!(levels(0.9, 0.999, Scale::ReverseLog, false, 3), ["0.9", "0.99", "0.999"]);
        assert_eq!(levels(0.1, 0.4, Scale::Linear, false, 1), ["0.25"]);
        // Ends that twelve digits don't hold stay as they are.
        assert_eq!(levels(0.123_456_789_012_345, 1.0, Scale::Linear, false, 2)[0], "0.123456789012345");
    }

    #[test]
    fn whole_numbers_are_whole_and_none_is_twice() {
        assert_eq!(levels(16.0, 256.0, Scale::Log, true, 5), ["16", "32", "64", "128", "256"]);
        assert_eq!(levels(1.0, 8.0, Scale::Log, true, 7), ["1", "2", "3", "4", "6", "8"]);
        assert_eq!(levels(2.0, 4.0, Scale::Linear, true, 9), ["2", "3", "4"]);
        assert_eq!(levels(-2.0, 2.0, Scale::Linear, true, 3), ["-2", "0", "2"]);
    }

    #[test]
    fn what_conditions_name_keeps_all_its_numbers() {
        let hyperparameters: Vec<Hyperparameter> = serde_yaml::from_str(
            "
- {name: layers, range: {min: 1, max: 8, integer: true}}
- {name: skip, when: {layers: [5]}, values: [true, false]}
- {name: rate, range: {min: 0.1, max: 10, scale: Log}}
- {name: size, role: Fixed, value: 3}
",
        )
        .unwrap();
        let grid = Grid { levels: 3, levels_of: [("rate".to_owned(), 2)].into() };
        let counts: Vec<_> = grid.over(&hyperparameters).iter().map(|h| h.values.as_ref().map(Vec::len)).collect();
        assert_eq!(counts, [Some(8), Some(2), Some(2), None]);
    }
}
