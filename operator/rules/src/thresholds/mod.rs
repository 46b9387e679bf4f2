//! The numbers behind findings, advice and plots.

pub mod advice;
pub mod curves;
pub mod plots;
pub mod search;

use crate::Threshold;

/// All thresholds: of findings about the search, of findings about curves, of advice before a run, of plots.
pub fn all() -> impl Iterator<Item = &'static Threshold> {
    search::ALL.iter().chain(curves::ALL).chain(advice::ALL).chain(plots::ALL).copied()
}

/// The threshold of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Threshold> {
    all().find(|threshold| threshold.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_defaults_make_sense() {
        let names: BTreeSet<_> = all().map(|t| t.name).collect();
        assert_eq!(names.len(), all().count());
        for threshold in all() {
            assert!((threshold.least..=threshold.most).contains(&threshold.default), "{threshold:?}");
            assert!(!threshold.is_whole() || threshold.default.fract() == 0.0, "{threshold:?}");
            assert!(!threshold.meaning.ends_with('.') && !threshold.section.is_empty(), "{threshold:?}");
            assert_eq!(named(threshold.name), Some(threshold));
        }
    }
}
